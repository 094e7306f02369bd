//! The configuration file: only what is needed before the database is open. A mistake is refused with the
//! key's name and the nearest known one, never skipped. Everything else is a setting in the database.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::catalog::nearest;

/// Where the file is when the command line names none.
pub const DEFAULT_FILE: &str = "/etc/jackfield/jackfield.toml";

/// The configuration file, read and checked. Relative paths are relative to the file's own folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file itself.
    pub file: PathBuf,
    /// `[storage] path`: folder of the database, the key and everything else that must last.
    pub state: PathBuf,
    /// `[http] listen`: addresses of the TLS door.
    pub listen: Vec<SocketAddr>,
    /// `[http] cert` and `key`: PEM files; absent: a self-signed certificate made at first start.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// `[plugins] dir`: folder of the plugins.
    pub plugins: PathBuf,
    /// `[plugins] trust`: `signed` (by a key of the folder's `keys`), or `development` for those who write plugins.
    pub trust: Trust,
    /// `[log] level`.
    pub level: log::LevelFilter,
    /// `[log] format`.
    pub format: Format,
}

/// Whose plugins are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only those signed by a key of the folder's `keys`.
    Signed,
    /// Any that lies in the folder; for those who write plugins.
    Development,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the time, for a terminal or a file.
    Text,
    /// Without the time, which the journal adds itself.
    Journal,
}

const KEYS: &[(&str, &[&str])] = &[
    ("storage", &["path"]),
    ("http", &["listen", "cert", "key"]),
    ("plugins", &["dir", "trust"]),
    ("log", &["level", "format"]),
];
const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];
const TRUSTS: &[&str] = &["signed", "development"];
const FORMATS: &[&str] = &["text", "journal"];

impl Config {
    /// Reads and checks the file; the error is one sentence.
    pub fn read(file: &Path) -> Result<Self, String> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|e| {
            format!("Cannot read the configuration file {shown}: {e}. Name another with --config FILE.")
        })?;
        Self::parse(file, &text).map_err(|sentence| format!("In the configuration file {shown}: {sentence}"))
    }

    fn parse(file: &Path, text: &str) -> Result<Self, String> {
        let table: Table = text.parse().map_err(|e: toml::de::Error| syntax_sentence(text, &e))?;
        refuse_unknown(&table)?;
        let folder = file.parent().unwrap_or(Path::new("."));
        let place = |value: &str| folder.join(value);
        let key = |section, name, default| text_at(&table, section, name).map(|v| v.unwrap_or(default));
        Ok(Self {
            file: file.to_owned(),
            state: place(key("storage", "path", "/var/lib/jackfield")?),
            listen: listen(&table)?,
            certificate: certificate(&table)?.map(|(cert, key)| (place(cert), place(key))),
            plugins: place(key("plugins", "dir", "/usr/lib/jackfield/plugins")?),
            trust: match word("plugins.trust", key("plugins", "trust", "signed")?, TRUSTS)? {
                "development" => Trust::Development,
                _ => Trust::Signed,
            },
            level: word("log.level", key("log", "level", "info")?, LEVELS)?
                .parse()
                .map_err(|_| "log.level")?,
            format: match word("log.format", key("log", "format", default_format())?, FORMATS)? {
                "journal" => Format::Journal,
                _ => Format::Text,
            },
        })
    }
}

/// Under systemd standard error is the journal, which stamps every line.
fn default_format() -> &'static str {
    if std::env::var_os("JOURNAL_STREAM").is_some() { "journal" } else { "text" }
}

fn syntax_sentence(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("line {line} is not TOML: {}.", error.message())
}

fn refuse_unknown(table: &Table) -> Result<(), String> {
    for (section, content) in table {
        let Some((_, keys)) = KEYS.iter().find(|(name, _)| name == section) else {
            return Err(unknown(
                &format!("section [{section}]"),
                section,
                KEYS.iter().map(|(name, _)| *name),
            ));
        };
        let Value::Table(content) = content else {
            return Err(format!("{section} must be a section: write [{section}] on a line of its own."));
        };
        if let Some(key) = content.keys().find(|key| !keys.contains(&key.as_str())) {
            return Err(unknown(&format!("key {key} in [{section}]"), key, keys.iter().copied()));
        }
    }
    Ok(())
}

fn unknown(what: &str, wrong: &str, known: impl Iterator<Item = &'static str> + Clone) -> String {
    match nearest(wrong, known.clone()) {
        Some(meant) => format!("unknown {what}; did you mean {meant}?"),
        None => format!("unknown {what}; known are {}.", known.collect::<Vec<_>>().join(", ")),
    }
}

fn value_at<'a>(table: &'a Table, section: &str, key: &str) -> Option<&'a Value> {
    table.get(section)?.get(key)
}

fn text_at<'a>(table: &'a Table, section: &str, key: &str) -> Result<Option<&'a str>, String> {
    match value_at(table, section, key) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(other) => Err(format!("{section}.{key} must be text in quotes, not {}.", other.type_str())),
    }
}

fn word<'a>(key: &str, given: &'a str, words: &[&'static str]) -> Result<&'a str, String> {
    if words.contains(&given) {
        return Ok(given);
    }
    Err(unknown(&format!("value {given:?} of {key}"), given, words.iter().copied()))
}

fn certificate(table: &Table) -> Result<Option<(&str, &str)>, String> {
    match (text_at(table, "http", "cert")?, text_at(table, "http", "key")?) {
        (Some(cert), Some(key)) => Ok(Some((cert, key))),
        (None, None) => Ok(None),
        (Some(_), None) => Err("http.cert is set but http.key is not; give both, or neither.".to_owned()),
        (None, Some(_)) => Err("http.key is set but http.cert is not; give both, or neither.".to_owned()),
    }
}

/// One address, or a list of them.
fn listen(table: &Table) -> Result<Vec<SocketAddr>, String> {
    let items = match value_at(table, "http", "listen") {
        None => return Ok(vec![SocketAddr::from(([0; 16], 8443))]),
        Some(Value::Array(items)) if (1..=16).contains(&items.len()) => items.clone(),
        Some(Value::Array(_)) => return Err("http.listen must name 1 to 16 addresses.".to_owned()),
        Some(one) => vec![one.clone()],
    };
    items.iter().map(one_address).collect()
}

fn one_address(value: &Value) -> Result<SocketAddr, String> {
    let text =
        value.as_str().ok_or(format!("http.listen must be text in quotes, not {}.", value.type_str()))?;
    text.parse().map_err(|_| {
        format!(
            "http.listen must be an IP address and a port such as 0.0.0.0:8443 or [::]:8443; {text:?} is not."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(Path::new("/site/jackfield.toml"), text)
    }

    #[test]
    fn relative_paths_are_relative_to_the_file() {
        let config = parse("[storage]\npath = 'state'\n[http]\nlisten = '127.0.0.1:0'\n").unwrap();
        assert_eq!(config.state, Path::new("/site/state"));
        assert_eq!(config.listen, ["127.0.0.1:0".parse().unwrap()]);
    }

    #[test]
    fn an_unknown_key_is_named_with_the_nearest_known_one() {
        assert_eq!(
            parse("[http]\nlisen = 'x'\n").unwrap_err(),
            "unknown key lisen in [http]; did you mean listen?"
        );
        assert_eq!(parse("[htpp]\n").unwrap_err(), "unknown section [htpp]; did you mean http?");
    }

    #[test]
    fn every_wrong_value_has_its_sentence() {
        for (text, said) in [
            ("[http]\nlisten = '127.0.0.1'\n", "an IP address and a port"),
            ("[http]\nlisten = 8443\n", "text in quotes"),
            ("[http]\nlisten = []\n", "1 to 16"),
            ("[http]\ncert = 'a.pem'\n", "http.key is not"),
            ("[log]\nlevel = 'inof'\n", "did you mean info?"),
            ("http = 1\n", "must be a section"),
            ("[http\n", "line 1 is not TOML"),
        ] {
            let sentence = parse(text).unwrap_err();
            assert!(sentence.contains(said), "{text:?}: {sentence}");
        }
    }
}
