//! What went wrong in a script, as people read it: `site/NAME.lua:LINE: cause`, one piece of text of bounded
//! length whatever the script threw.

use mlua::{Error, Lua};

/// Longest text, in bytes.
const MOST_BYTES: usize = 2048;
/// How names of chunks begin.
pub const FOLDER: &str = "site/";
/// Name of the chunk that wraps functions of the engine's own library.
pub const OWN_CHUNK: &str = "jackfield";

/// The line of the script that runs now, as the beginning of a sentence; empty where there is none.
pub fn place(lua: &Lua) -> String {
    let at = |level| {
        let seen = lua.inspect_stack(level, |frame| {
            let source = frame.source();
            (source.short_src.map(|name| name.into_owned()), frame.current_line())
        });
        let (name, line) = seen?;
        name.filter(|name| name.starts_with(FOLDER)).map(|name| format!("{name}:{}: ", line.unwrap_or(0)))
    };
    (0..8).find_map(at).unwrap_or_default()
}

/// The line that runs now in the script.
pub fn line(lua: &Lua) -> usize {
    let place = place(lua);
    place.trim_end_matches(": ").rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(0)
}

/// The error in words.
pub fn sentence(error: &Error) -> String {
    let (text, trace) = innermost(error);
    let (text, own_trace) = split_trace(&text);
    let text = text.strip_prefix("runtime error: ").unwrap_or(text);
    let trace = if own_trace.is_empty() { trace.as_str() } else { own_trace };
    let text = match without_own_place(text) {
        Some(rest) => at_first_place(rest, trace),
        None if text.starts_with(FOLDER) => text.to_owned(),
        None => at_first_place(text, trace),
    };
    cut(&text)
}

/// The cause at the bottom and the last trace on the way there. Not recursive: a script chooses the depth.
fn innermost(error: &Error) -> (String, String) {
    let (mut error, mut last_trace) = (error, "");
    loop {
        match error {
            Error::CallbackError { traceback, cause } => {
                last_trace = if traceback.is_empty() { last_trace } else { traceback };
                error = cause;
            }
            Error::WithContext { cause, .. } => error = cause,
            Error::RuntimeError(text) | Error::SyntaxError { message: text, .. } => {
                return (cut(text), cut(last_trace));
            }
            Error::MemoryError(_) => {
                return ("used more memory than a script may".to_owned(), cut(last_trace));
            }
            Error::StackError => return ("calls are nested too deep".to_owned(), cut(last_trace)),
            other => return (cut(&other.to_string()), cut(last_trace)),
        }
    }
}

fn split_trace(text: &str) -> (&str, &str) {
    text.split_once("\nstack traceback:").unwrap_or((text, ""))
}

/// What follows the place when that is in the wrapper of a library function, of no use to who wrote the script.
fn without_own_place(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(OWN_CHUNK)?.strip_prefix(':')?;
    rest.split_once(": ").map(|(_, rest)| rest)
}

fn at_first_place(text: &str, trace: &str) -> String {
    let places = trace.lines().map(str::trim).filter(|line| line.starts_with(FOLDER));
    let place = places.filter_map(|line| {
        let end = line.find(".lua:")? + ".lua:".len();
        let digits = line[end..].chars().take_while(char::is_ascii_digit).count();
        Some(&line[..end + digits])
    });
    match place.into_iter().next() {
        Some(place) => format!("{place}: {text}"),
        None => text.to_owned(),
    }
}

/// The text without control characters other than line ends, cut at the limit.
pub fn cut(text: &str) -> String {
    let mut end = text.len().min(MOST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let clean = text[..end].chars().filter(|c| !c.is_control() || *c == '\n');
    clean.collect()
}
