//! The text of each event as streams carry it, made once however many follow. Keeps the newest few thousand, whatever
//! happens; who is further behind has it made anew. Leaves out who may read what.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::news::Position;

/// Texts that are kept; a presence is some 300 bytes, so together about a megabyte.
const KEPT: usize = 4096;

type Kept = Option<(Position, Arc<[u8]>)>;

/// The texts, by the place of the event in the log. An event never changes, so neither does its text.
#[derive(Debug, Default)]
pub struct Texts(Mutex<Vec<Kept>>);

impl Texts {
    /// The text of the event at a position, made if it is not kept.
    pub fn of(&self, at: Position, make: impl FnOnce() -> Vec<u8>) -> Arc<[u8]> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_empty() {
            kept.resize(KEPT, None);
        }
        let slot = usize::try_from(at.number).unwrap_or_default() % KEPT;
        if let Some((of, text)) = &kept[slot]
            && *of == at
        {
            return Arc::clone(text);
        }
        let text: Arc<[u8]> = make().into();
        kept[slot] = Some((at, Arc::clone(&text)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_once_and_never_taken_for_another() {
        let (texts, mut made) = (Texts::default(), 0);
        let mut ask = |epoch, number: usize| {
            let at = Position { epoch, number: number as u64 };
            let text = texts.of(at, || {
                made += 1;
                at.to_string().into_bytes()
            });
            (String::from_utf8(text.to_vec()).unwrap(), made)
        };
        assert_eq!(ask(1, 7), ("1-7".to_owned(), 1));
        assert_eq!(ask(1, 7), ("1-7".to_owned(), 1));
        // The same slot, and the same number of another epoch.
        assert_eq!(ask(1, 7 + KEPT), (format!("1-{}", 7 + KEPT), 2));
        assert_eq!(ask(1, 7), ("1-7".to_owned(), 3));
        assert_eq!(ask(2, 7), ("2-7".to_owned(), 4));
    }
}
