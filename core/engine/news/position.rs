//! A place in the log as it travels: `EPOCH-NUMBER`, the id of an event in a stream. It only ever rises: the
//! epoch with each start of the appliance, the number within it.

use std::fmt;
use std::str::FromStr;

/// A place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// How often the appliance had begun when it was given.
    pub epoch: u64,
    /// How many things had been told since.
    pub number: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, number) = text.split_once('-').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(drop)?, number: number.parse().map_err(drop)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_later_ones_are_greater() {
        let position = Position { epoch: 3, number: 41 };
        assert_eq!(position.to_string().parse(), Ok(position));
        assert!(Position { epoch: 4, number: 0 } > position);
        for wrong in ["", "3", "3-", "-1", "a-b", "3-41-5"] {
            assert_eq!(wrong.parse::<Position>(), Err(()), "{wrong:?}");
        }
    }
}
