//! Numbers and ids of messages. An id names its message's number, so that the message is found by that, and ends in
//! random letters, so that nobody can guess one.

use jackfield_db::Read;

use super::accept::LEAP_MS;
use crate::catalog::problems::Problem;
use crate::engine::clock;
use crate::engine::secrets::random;

const PREFIX: &str = "msg-";
/// Random bytes of an id: sixteen letters.
const RANDOM: usize = 10;
/// Ids whose random bytes are drawn at once.
const DRAWN: usize = 32;

/// The numbers of one write's messages.
pub struct Numbers {
    last: i64,
    random: Vec<[u8; RANDOM]>,
    /// The time that they all bear, in milliseconds since 1970.
    pub now: i64,
}

impl Numbers {
    /// After those that there are and were. Their order is the order of their times, also where the clock was set back a little:
    /// whoever reads an archive on from a message misses none (XEP-0313 section 4.1).
    pub fn begin(read: &Read<'_>) -> Result<Self, Problem> {
        let newest = "SELECT seq, at FROM message ORDER BY seq DESC LIMIT 1";
        let newest = read.one(newest, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))?;
        let dropped = read.one("SELECT seq FROM message_dropped", [], |row| row.get::<_, i64>(0))?;
        let now = clock::millis();
        let (last, at) = newest.unwrap_or_default();
        let is_leap = at <= now || at - now >= LEAP_MS;
        Ok(Self {
            last: last.max(dropped.unwrap_or_default()),
            random: Vec::new(),
            now: if is_leap { now } else { at },
        })
    }

    /// The next number with the id of its message.
    pub fn next(&mut self) -> Result<(i64, String), Problem> {
        if self.random.is_empty() {
            let drawn = random::<{ DRAWN * RANDOM }>()?;
            self.random.extend(drawn.as_chunks().0);
        }
        let random = self.random.pop().unwrap_or_default();
        self.last += 1;
        let random = data_encoding::BASE32_NOPAD.encode(&random).to_ascii_lowercase();
        Ok((self.last, format!("{PREFIX}{:x}-{random}", self.last)))
    }
}

/// The number in an id; 0, which no message has, where it names none.
pub fn number(id: &str) -> i64 {
    let number = id.strip_prefix(PREFIX).and_then(|id| id.split_once('-'));
    number.and_then(|(number, _)| i64::from_str_radix(number, 16).ok()).unwrap_or_default()
}
