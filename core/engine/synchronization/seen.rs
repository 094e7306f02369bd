//! A set of accounts, by the number of their making: a bit for each, so that a run over hundreds of thousands of
//! unchanged entries takes kilobytes and writes nothing.

use std::collections::BTreeMap;

const BITS: i64 = 64;

/// The set.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    words: BTreeMap<i64, u64>,
}

impl Seen {
    /// Adds one; false: it was there already.
    pub fn insert(&mut self, seq: i64) -> bool {
        let word = self.words.entry(seq.div_euclid(BITS)).or_default();
        let bit = 1 << seq.rem_euclid(BITS);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether it is there.
    pub fn contains(&self, seq: i64) -> bool {
        let word = self.words.get(&seq.div_euclid(BITS)).copied().unwrap_or_default();
        word & (1 << seq.rem_euclid(BITS)) != 0
    }

    /// All of them, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        let bits = |(word, bits): (&i64, &u64)| {
            let (first, bits) = (word * BITS, *bits);
            (0..BITS).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| first + bit)
        };
        self.words.iter().flat_map(bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_in_it_once() {
        let mut seen = Seen::default();
        let numbers = [1, 63, 64, 65, 200_000, i64::MAX];
        assert!(numbers.iter().all(|seq| seen.insert(*seq)));
        assert!(numbers.iter().all(|seq| seen.contains(*seq) && !seen.insert(*seq)));
        assert!([0, 2, 62, 66, 199_999].iter().all(|seq| !seen.contains(*seq)));
        assert_eq!(seen.iter().collect::<Vec<_>>(), numbers);
    }
}
