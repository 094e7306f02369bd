//! From what people type and directories store to dialable keys: other scripts' digits, labels such as "ext.",
//! separators, keypad letters. Leaves out what a number means, which [`number`](super::number) decides.

/// Longest text that is processed at all, in Unicode scalar values.
pub(super) const INPUT_CHARS: usize = 200;

/// Zeros of the scripts whose digits are mapped to ASCII: Arabic-Indic, extended Arabic-Indic (Persian, Urdu),
/// Devanagari, Bengali, Gurmukhi, Gujarati, Tamil, Telugu, Kannada, Thai, Lao, Khmer, fullwidth. The nine other
/// digits follow each zero (Unicode, general category Nd). Digits of further scripts are ignored with a lint.
const ZEROS: [u32; 13] =
    [0x0660, 0x06F0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0BE6, 0x0C66, 0x0CE6, 0x0E50, 0x0ED0, 0x17E0, 0xFF10];

/// Words that announce an extension, in lower case.
const LABELS: [&str; 22] = [
    "ext",
    "extn",
    "extension",
    "xtn",
    "x",
    "poste",
    "interne",
    "durchwahl",
    "dw",
    "nebenstelle",
    "nst",
    "apparat",
    "app",
    "interno",
    "int",
    "extensión",
    "anexo",
    "ramal",
    "toestel",
    "tst",
    "klapka",
    "доб",
];

/// Marks that may stand between the digits of one extension.
const EXTENSION_MARKS: &str = ".-()[]_:'\"";
/// Marks that may stand between the digits of one public number; the slash divides an area code.
const NUMBER_MARKS: &str = ".-()[]_:'\"/";

/// What remains of a text when only dialable keys are kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keys {
    /// Digits, `*` and `#` only.
    pub(super) keys: String,
    /// Whether something that may have mattered was left out: text behind the keys, or unknown digits.
    pub(super) has_rest: bool,
}

/// Maps other scripts' digits, `+`, `*`, `#`, dashes and spaces to ASCII and drops invisible characters.
pub(super) fn to_ascii(text: &str) -> String {
    text.chars().filter(|mark| !is_invisible(*mark)).map(ascii_of).collect::<String>().trim().to_owned()
}

fn ascii_of(mark: char) -> char {
    match mark {
        '\u{FF0B}' => '+',
        '\u{FF0A}' => '*',
        '\u{FF03}' => '#',
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FF0D}' => '-',
        _ if mark.is_whitespace() => ' ',
        _ => digit_of(mark).unwrap_or(mark),
    }
}

fn digit_of(mark: char) -> Option<char> {
    let value =
        ZEROS.iter().find_map(|zero| u32::from(mark).checked_sub(*zero).filter(|value| *value < 10))?;
    char::from_digit(value, 10)
}

/// Direction marks and joiners that come along when numbers are copied from web pages and directories.
fn is_invisible(mark: char) -> bool {
    matches!(mark, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}')
}

/// Whether a key can be dialed and counts for a number: a digit, `*` or `#`.
fn is_key(mark: char) -> bool {
    mark.is_ascii_digit() || matches!(mark, '*' | '#')
}

/// Whether the text holds at least one dialable key.
pub(super) fn has_keys(text: &str) -> bool {
    text.contains(is_key)
}

/// Splits `+33 1 42 76 49 78 ext. 4001` into number and extension at the first label with digits behind it.
pub(super) fn split_label(text: &str) -> (&str, Option<&str>) {
    for (start, word) in words(text) {
        let behind = text.get(start + word.len()..).unwrap_or_default();
        if is_label(word) && has_keys(behind) {
            return (text.get(..start).unwrap_or_default(), Some(behind));
        }
    }
    (text, None)
}

fn is_label(word: &str) -> bool {
    LABELS.contains(&word.to_lowercase().as_str())
}

/// Runs of letters with their byte offsets; empty runs between two marks included.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_mark = |mark: char| !mark.is_alphabetic();
    text.split_inclusive(is_mark).scan(0, move |offset, piece| {
        let start = *offset;
        *offset += piece.len();
        Some((start, piece.trim_end_matches(is_mark)))
    })
}

/// The keys of an extension: text before them is skipped, a slash, a letter or any other sign ends them.
pub(super) fn extension_keys(text: &str) -> Keys {
    keys(text, EXTENSION_MARKS)
}

/// The keys of a public number; as [`extension_keys`], but a slash only separates.
pub(super) fn number_keys(text: &str) -> Keys {
    keys(text, NUMBER_MARKS)
}

fn keys(text: &str, marks: &str) -> Keys {
    let start = text.find(is_key).unwrap_or(text.len());
    let (before, rest) = text.split_at(start);
    let is_part = |mark: char| is_key(mark) || mark == ' ' || marks.contains(mark);
    let end = rest.find(|mark| !is_part(mark)).unwrap_or(rest.len());
    let (part, behind) = rest.split_at(end);
    let has_rest = before.contains(char::is_numeric) || behind.contains(char::is_alphanumeric);
    Keys { keys: part.chars().filter(|mark| is_key(*mark)).collect(), has_rest }
}

/// What stands behind a leading plus sign, where the first sign that could be dialed is one.
pub(super) fn behind_plus(text: &str) -> Option<&str> {
    let start = text.find(|mark| mark == '+' || is_key(mark))?;
    text.get(start..)?.strip_prefix('+')
}

/// Replaces keypad letters (`1-800-MITEL-00`) by their digits, ITU-T E.161; `None` when this is no such number.
///
/// Only capitals count, at least three of them, at most seven digits beside them and 9 to 15 keys together:
/// a remark behind a complete number ("613 592 2122 HOME") is no part of it.
pub(super) fn spell_out(text: &str) -> Option<String> {
    let letters = text.chars().filter(char::is_ascii_uppercase).count();
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_plain = |mark: char| mark == ' ' || mark == '+' || NUMBER_MARKS.contains(mark);
    let is_fitting = |mark: char| is_plain(mark) || mark.is_ascii_digit() || mark.is_ascii_uppercase();
    let starts_as_number = text.starts_with(|mark: char| mark.is_ascii_digit() || matches!(mark, '+' | '('));
    let is_spelled = letters >= 3 && digits <= 7 && (9..=15).contains(&(letters + digits));
    if !(is_spelled && starts_as_number && text.chars().all(is_fitting)) {
        return None;
    }
    Some(text.chars().map(|mark| keypad_digit(mark).unwrap_or(mark)).collect())
}

fn keypad_digit(letter: char) -> Option<char> {
    const KEYPAD: [(&str, char); 8] = [
        ("ABC", '2'),
        ("DEF", '3'),
        ("GHI", '4'),
        ("JKL", '5'),
        ("MNO", '6'),
        ("PQRS", '7'),
        ("TUV", '8'),
        ("WXYZ", '9'),
    ];
    KEYPAD.iter().find(|(letters, _)| letters.contains(letter)).map(|&(_, digit)| digit)
}

/// A text in quotation marks for a sentence, cut where it is long.
pub(super) fn quote(text: &str) -> String {
    const SHOWN: usize = 40;
    let shown: String = text.chars().take(SHOWN).collect();
    let dots = if text.chars().count() > SHOWN { "…" } else { "" };
    format!("\"{shown}{dots}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_become_ascii_and_invisible_marks_go() {
        for (text, ascii) in [
            ("\u{FF0B}\u{FF13}\u{FF13}", "+33"),
            ("\u{664}\u{660}\u{660}\u{661}", "4001"),
            ("\u{6F4}\u{6F0}\u{6F0}\u{6F1}", "4001"),
            ("\u{E54}\u{E50}", "40"),
            ("\u{202A}40\u{A0}01\u{202C}", "40 01"),
            ("40\u{2011}01", "40-01"),
        ] {
            assert_eq!(to_ascii(text), ascii);
        }
    }

    #[test]
    fn an_extension_is_cleaned_of_separators_and_ends_at_other_text() {
        for (text, keys, has_rest) in [
            ("40 01", "4001", false),
            ("40.01-(5)[6]", "400156", false),
            ("Tel: 4001", "4001", false),
            ("4001 home", "4001", true),
            ("4001/4002", "4001", true),
            ("4001, ", "4001", false),
            ("*72#", "*72#", false),
            ("\u{F24}001", "001", true),
            ("none", "", false),
        ] {
            assert_eq!(extension_keys(text), Keys { keys: keys.into(), has_rest }, "{text}");
        }
        assert_eq!(number_keys("089/1234").keys, "0891234");
    }

    #[test]
    fn a_label_splits_number_and_extension_and_letters_inside_words_do_not() {
        for (text, main, extension) in [
            ("ext. 4001", "", Some(". 4001")),
            ("x4001", "", Some("4001")),
            ("Poste: 4001", "", Some(": 4001")),
            ("+33 1 DURCHWAHL 7", "+33 1 ", Some(" 7")),
            ("Extensión 5", "", Some(" 5")),
            ("1-800-XEROX-00", "1-800-XEROX-00", None),
            ("4001 ext", "4001 ext", None),
        ] {
            assert_eq!(split_label(text), (main, extension), "{text}");
        }
    }

    #[test]
    fn capitals_in_a_number_are_keypad_letters_and_remarks_are_not() {
        assert_eq!(spell_out("1-800-MITEL-00").as_deref(), Some("1-800-64835-00"));
        assert_eq!(spell_out("+1 800 FLOWERS").as_deref(), Some("+1 800 3569377"));
        for text in
            ["3611 p 55", "(613) 592-2122 HOME", "4001 HOME", "1-800-mitel-00", "CALL 18006", "ABCDEFGHI"]
        {
            assert_eq!(spell_out(text), None, "{text}");
        }
    }

    #[test]
    fn a_plus_counts_only_in_front_of_the_digits() {
        assert_eq!(behind_plus("Tel. (+33) 1"), Some("33) 1"));
        assert_eq!((behind_plus("33+1"), behind_plus("")), (None, None));
    }
}
