//! Finding people by any part of their name, login, e-mail or number: the words of a question as conditions on the
//! index of trigrams that the database keeps. Every word must be somewhere in the person.

use jackfield_db::Value as Cell;

/// Fewest characters that the index can find; shorter words are looked for row by row.
const TRIGRAM: usize = 3;
/// Most words of a question that count.
const MOST_WORDS: usize = 8;

/// The accounts in the index's order, which is that of their making.
const INDEXED: &str = "account_search CROSS JOIN account ON account.seq = account_search.rowid";
const ROW: &str = "concat_ws(char(10), first_name || ' ' || last_name, login_id, email, extension)";

/// A question as SQL: where to look, and what to ask for.
#[derive(Debug, Default)]
pub struct Question {
    /// What stands behind FROM.
    pub from: &'static str,
    /// Conditions, each beginning with AND, with `?` for each value.
    pub conditions: String,
    /// The values.
    pub bound: Vec<Cell>,
}

/// The conditions that the index can answer: all of these texts that are long enough for it, each somewhere in the person.
pub fn indexed<'a>(texts: impl Iterator<Item = &'a str>) -> Question {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let all: Vec<String> = texts.filter(|text| is_indexed(text)).map(quoted).collect();
    if all.is_empty() {
        return Question { from: "account", ..Question::default() };
    }
    let conditions = " AND account_search MATCH ?".to_owned();
    Question { from: INDEXED, conditions, bound: vec![Cell::Text(all.join(" AND "))] }
}

fn is_indexed(text: &str) -> bool {
    text.chars().count() >= TRIGRAM
}

/// The conditions for the words of a question; without words everybody is meant.
pub fn question(words: &str) -> Question {
    // SQLite reads a pattern only up to a NUL; no kept text has a control character.
    let words = words.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.take(MOST_WORDS).collect();
    let mut asked = indexed(words.iter().copied());
    for word in words.iter().filter(|word| !is_indexed(word)) {
        asked.conditions.push_str(&format!(" AND {ROW} LIKE ? ESCAPE '\\'"));
        let literal = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        asked.bound.push(Cell::Text(format!("%{literal}%")));
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_go_to_the_index_and_short_ones_to_the_row() {
        let asked = question("jo  d\"oe 4_");
        assert_eq!(asked.from, INDEXED);
        assert_eq!(asked.conditions.matches('?').count(), asked.bound.len());
        let text = |word: &str| Cell::Text(word.to_owned());
        assert_eq!(asked.bound, [text("\"d\"\"oe\""), text("%jo%"), text("%4\\_%")]);
    }

    #[test]
    fn a_control_character_only_parts_words() {
        let asked = question("joan\0e\u{7}doe\0");
        let text = |word: &str| Cell::Text(word.to_owned());
        assert_eq!(asked.bound, [text("\"joan\" AND \"doe\""), text("%e%")]);
    }

    #[test]
    fn no_words_ask_for_everybody() {
        let asked = question("  ");
        assert_eq!((asked.from, asked.conditions.as_str()), ("account", ""));
    }
}
