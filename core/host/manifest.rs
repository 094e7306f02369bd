//! A plugin's manifest, `plugin.toml`: everything the appliance must know before any code of the plugin runs.
//! Here are its shape and how it is read; what it must keep to is in [`super::manifest_rules`].

use jackfield_abi::ops::PluginHello;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::manifest_rules;
use super::refusal::{Refusal, Rule};
use crate::catalog::nearest;

/// Name of the file in the plugin's folder.
pub const FILE: &str = "plugin.toml";

/// The manifest, read and checked.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the folder, of the table's id, of HELLO's id; prefix of tables and settings.
    pub id: String,
    /// `MAJOR.MINOR.PATCH`.
    pub version: String,
    /// Major version of the treaty.
    pub abi: u32,
    /// File name of the library, in the same folder.
    pub library: String,
    /// SHA-256 of the library, 64 hexadecimal digits; empty only in development.
    #[serde(default)]
    pub sha256: String,
    /// One line for people.
    pub summary: String,
    /// Services it cannot do without, such as `db/1`.
    pub services: Vec<String>,
    /// Operations it answers.
    pub ops: Vec<String>,
    /// Events it wants to be told.
    #[serde(default)]
    pub events: Vec<String>,
    /// Events it may publish.
    #[serde(default)]
    pub publishes: Vec<String>,
    /// What it may do with sockets; empty: nothing.
    #[serde(default)]
    pub net: Vec<Net>,
    /// Bound of its process's memory, in MiB.
    #[serde(default = "default_memory_mib")]
    pub memory_mib: u32,
    /// File name of its console page; empty: none.
    #[serde(default)]
    pub console: String,
    /// SHA-256 of the page, 64 hexadecimal digits; empty only in development.
    #[serde(default)]
    pub console_sha256: String,
    /// Name of the page in the console's navigation; empty: the id, with a capital.
    #[serde(default)]
    pub title: String,
    /// First segments of paths, besides its id, below which it has routes.
    #[serde(default)]
    pub serves: Vec<String>,
    /// API routes it answers.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// Rights it adds.
    #[serde(default)]
    pub rights: Vec<Right>,
    /// Jobs it runs.
    #[serde(default)]
    pub jobs: Vec<Job>,
    /// Settings it adds.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// Steps to its tables, in order; run before it is started, each once.
    #[serde(default)]
    pub migrations: Vec<Migration>,
}

/// One step to the plugin's tables. It stands in the manifest so that the signature covers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// `NNNN_what_it_does`, counted from 0001.
    pub name: String,
    /// SQL on the plugin's own tables, which are STRICT and named `ID_…`.
    pub sql: String,
}

/// One thing a plugin may do with sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Net {
    /// Connect to others.
    Outbound,
    /// Be connected to; the port is the usual one, the plugin's settings may name another.
    Listen(u16),
}

/// An API route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Upper-case method.
    pub method: String,
    /// Path below `/api/v1`; `{name}` stands for one segment.
    pub path: String,
    /// Right that the caller needs; none when public.
    #[serde(default)]
    pub right: Option<String>,
    /// One line for the API's description.
    pub summary: String,
    /// Whether a JSON body is required.
    #[serde(default)]
    pub body: bool,
    /// Whether `?dry_run=1` is understood.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether `If-Match` is required.
    #[serde(default)]
    pub conditional: bool,
    /// Whether anybody may call it without signing in.
    #[serde(default)]
    pub public: bool,
}

/// A right that the plugin adds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// `area:verb`; the area is the plugin's id.
    pub name: String,
    /// Lowest role that holds it: viewer, operator or admin.
    pub role: String,
    /// What it allows.
    pub help: String,
}

/// A job that the plugin runs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// `name` of `job.run`.
    pub name: String,
    /// Right that starting it needs.
    pub right: String,
    /// One line for people.
    pub summary: String,
}

/// A setting that the plugin adds.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// `ID.name`.
    pub name: String,
    /// text, integer, boolean, choice, secret or list (of texts).
    pub kind: String,
    /// Value while nobody has set it; none for a secret.
    #[serde(default)]
    pub default: Option<Value>,
    /// What it does, with its unit.
    pub help: String,
    /// Least value, characters or entries.
    #[serde(default)]
    pub min: Option<i64>,
    /// Most of the same.
    #[serde(default)]
    pub max: Option<i64>,
    /// Whether a new value restarts the plugin instead of being told to it.
    #[serde(default)]
    pub restart: bool,
    /// Words of a choice.
    #[serde(default)]
    pub choices: Vec<String>,
    /// Anchored regular expression for a text and for the entries of a list.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The pattern in words, as the end of "must be …".
    #[serde(default)]
    pub says: Option<String>,
}

impl Setting {
    /// Whether its value is never shown.
    pub fn is_secret(&self) -> bool {
        self.kind == "secret"
    }
}

fn default_memory_mib() -> u32 {
    64
}

impl TryFrom<String> for Net {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "outbound" {
            return Ok(Self::Outbound);
        }
        let port = text.strip_prefix("listen:").and_then(|port| port.parse().ok()).filter(|port| *port > 0);
        port.map(Self::Listen).ok_or_else(|| {
            format!("net: {text:?} is not known; write \"outbound\" or \"listen:PORT\" with a port from 1 to 65535")
        })
    }
}

impl From<Net> for String {
    fn from(net: Net) -> Self {
        match net {
            Net::Outbound => "outbound".to_owned(),
            Net::Listen(port) => format!("listen:{port}"),
        }
    }
}

impl Manifest {
    /// Reads and checks it. The error is one sentence with the line where there is one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let manifest: Self = toml::from_str(text).map_err(|error| sentence(text, &error))?;
        manifest_rules::check(&manifest)?;
        Ok(manifest)
    }

    /// The defaults of its settings, by name; a secret's is null, as for one that nobody has set.
    pub fn default_settings(&self) -> Map<String, Value> {
        let default = |s: &Setting| (s.name.clone(), s.default.clone().unwrap_or_default());
        self.settings.iter().map(default).collect()
    }

    /// Its name for people.
    pub fn shown_title(&self) -> String {
        if !self.title.is_empty() {
            return self.title.clone();
        }
        let (first, rest) = self.id.split_at(self.id.len().min(1));
        first.to_ascii_uppercase() + rest
    }

    /// Compares what the plugin says of itself with its manifest.
    pub fn judge_hello(&self, hello: &PluginHello) -> Result<(), Refusal> {
        let sorted = |ops: &[String]| {
            let mut ops = ops.to_vec();
            ops.sort_unstable();
            ops.join(", ")
        };
        let rows = [
            ("id", hello.id.clone(), self.id.clone()),
            ("version", hello.version.clone(), self.version.clone()),
            ("operations", sorted(&hello.ops), sorted(&self.ops)),
        ];
        match rows.into_iter().find(|(_, said, written)| said != written) {
            None => Ok(()),
            Some((what, said, written)) => Err(Refusal::new(
                Rule::Identity,
                format!(
                    "the plugin says its {what}: {said}; its manifest says {written}; the two must agree"
                ),
            )),
        }
    }

    /// Whether two processes of it can run side by side: not when both would listen on the same port.
    pub fn can_overlap(&self) -> bool {
        !self.net.iter().any(|net| matches!(net, Net::Listen(_)))
    }

    /// Whether it wants to be told of that event.
    pub fn wants(&self, event: &str) -> bool {
        self.events.iter().any(|wanted| wanted == event)
    }
}

/// What is wrong, with the line and, for an unknown key, the nearest known one.
fn sentence(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let message = error.message();
    match meant(message) {
        Some(known) => format!("line {line}: {message}; did you mean `{known}`?"),
        None => format!("line {line}: {message}"),
    }
}

/// The known key nearest to the unknown one that the message is about.
fn meant(message: &str) -> Option<&str> {
    let rest = message.strip_prefix("unknown field `")?;
    let mut words = rest.split('`').step_by(2);
    let wrong = words.next()?;
    nearest(wrong, words.filter(|word| !word.is_empty()))
}
