//! What messages say. Operations, fields and codes are added, never changed or removed; a receiver ignores
//! fields it does not know. `since` names the minor version that brought an operation.

mod directory;
mod login;
mod message;
mod metric;
mod people;
mod presence;
mod revision;
mod storage;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use directory::*;
pub use login::*;
pub use message::*;
pub use metric::*;
pub use people::*;
pub use presence::*;
pub use revision::*;
pub use storage::*;

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op {
    /// Name in a request.
    pub name: &'static str,
    /// Minor version that brought it.
    pub since: u16,
    /// What it does, with the shapes of arguments and result.
    pub help: &'static str,
}

macro_rules! ops {
    ($list:ident, $about:literal: $($name:ident $text:literal $since:literal $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &str = $text;)*
        #[doc = $about]
        pub const $list: &[Op] = &[$(Op { name: $text, since: $since, help: $help }),*];
    };
}

ops! { TO_PLUGIN, "What the host asks of a plugin.":
    HTTP "http" 0 "Answers one API request below the plugin's routes: `HttpRequest` to `HttpResponse`.";
    JOB_RUN "job.run" 0 "Runs one job to its end: `{job, name, input, who}` to `{result}`; progress by `job.progress`; CANCEL asks it to end.";
    SETTINGS_CHANGED "settings.changed" 0 "New values of the plugin's settings: `{settings}` to `{}`; an error keeps the old ones.";
    DOCTOR "doctor" 0 "Looks at itself: `{}` to `{findings: [Finding]}`.";
    METRICS "metrics" 0 "Tells its figures as they are now, for `/metrics`: `{}` to `{metrics: [Metric]}`, within a second; at most 256.";
    REVISION_UNDO "revision.undo" 0 "Says how a change that it noted is put back, and does nothing itself: `Undo` to `Statements`, whose revision is of the same kind and object. The host runs them in one transaction, or rehearses them; a failure's text says why it cannot be put back.";
    LOGIN_BIND "login.bind" 0 "Asks the directory that an account came from whether a password is its user's: `LoginBind` to `{}`, within 10 seconds. `denied`: it is not; `unavailable`: the directory was not reached, in words; `not_found`: the account is not from a directory of this plugin's.";
}

ops! { TO_HOST, "What a plugin asks of the host.":
    DB_QUERY "db.query" 0 "Reads: `Query` to `Rows`. Own tables (prefix `ID_`) and the read-only views of core.";
    DB_TX "db.tx" 0 "Writes in one transaction: `Statements` to `Changes`; durable when it is answered.";
    EVENT_PUBLISH "event.publish" 0 "Tells the appliance: `{event, object}` to `{}`; the event must be in the manifest.";
    SECRET_PUT "secret.put" 0 "Keeps a secret under a name of the plugin's own: `{name, value}` to `{}`.";
    SECRET_GET "secret.get" 0 "Reads a secret of the plugin's own: `{name}` to `{value}`; null when there is none.";
    SECRET_DELETE "secret.delete" 0 "Forgets a secret of the plugin's own: `{name}` to `{}`.";
    JOB_PROGRESS "job.progress" 0 "Tells how far a job is: `{job, done, total, note}` to `{cancelled}`.";
    JOB_QUEUE "job.queue" 0 "Asks for one of the plugin's own jobs, as `POST jobs` does: `{name, input, who}` to `{job}`, its id; durable when it is answered.";
    JOB_PLANS "job.plans" 0 "All jobs that the plugin plans for itself, which take the place of those before: `JobPlans` to `{next: {KEY: RFC 3339}}`; at most 1,000. One that is due while its last job has not ended is left out.";
    CHECK_REPORT "check.report" 0 "Puts up a finding for the doctor: `Finding` to `{}`.";
    PRESENCE_PUBLISH "presence.publish" 0 "One source says what people are doing: `PresencePublish` to `PresencePublished`; at most 1,000 accounts. Memory only: say it anew after a restart of the appliance.";
    PRESENCE_GET "presence.get" 0 "What people are doing: `PresenceGet` to `PresenceFound`; at most 1,000 accounts. Ask when the event `presence.changed` names an account.";
    PRESENCE_GOVERN "presence.govern" 0 "Switches Teams on or off for accounts: `PresenceGovern` to `{unknown}`. While it is on, only the source `teams` is shown and states by hand are refused.";
    MESSAGE_ACCEPT "message.accept" 0 "Stores a chat message: `NewMessage` to `MessageAccepted`; durable when it is answered. `conflict`: read-only, queue full, or the origin id was used for another text; `not_found`: neither address is an account's.";
    MESSAGE_ACCEPT_ALL "message.accept_all" 0 "Stores several chat messages with one trip to the disk: `{messages: [NewMessage]}` to `MessagesAccepted`, in the order given; at most 256. Each is taken or refused by itself, as by `message.accept`.";
    MESSAGE_FAILED "message.failed" 0 "Says that messages will not arrive: `{ids, reason}` to `{failed}`, how many had been waiting; at most 1,000. They wait no more, and history shows the reason.";
    MESSAGE_SEARCH "message.search" 0 "A person's archive in the order of time: `MessageSearch` to `MessagesFound`. `not_found`: `of` is no account's address, or there is no message of that id in its archive.";
    MESSAGE_PENDING "message.pending" 0 "Messages that wait, oldest first: `MessagePending` to `Messages`.";
    MESSAGE_DELIVERED "message.delivered" 0 "Says that messages have arrived: `{ids}` to `{delivered}`, how many had been waiting; at most 1,000.";
    MESSAGE_HISTORY "message.history" 0 "One conversation, newest first: `MessageHistory` to `Messages`.";
    MESSAGE_ARCHIVE "message.archive" 0 "Makes chat read-only, or writable again: `{archived, who}` to `{}`; recorded as a revision.";
    PEOPLE_FIND "people.find" 0 "Finds people whom the corporate directory of an enterprise shows: `PeopleFind` to `PeopleFound`.";
    PEER_HERE "peer.here" 0 "What others know this appliance as: `{}` to `{names}`, those of its web certificate.";
    PEER_ADD "peer.add" 0 "Makes a peer of the kind jackfield, or finds the one that leads there already: `PeerAdd` to `{peer, made}`; recorded as a revision.";
    PEER_MOVE "peer.move" 0 "A peer of the kind jackfield has another host name, which was seen in its certificate: `PeerMove` to `{}`. Its trusted server follows; recorded as a revision.";
    DIRECTORY_OPEN "directory.open" 0 "Begins to synchronize accounts or contacts: `DirectoryOpen` to `DirectoryOpened`. `conflict`: a run of this synchronizer is under way.";
    DIRECTORY_PUT "directory.put" 0 "Tells what the source has: `DirectoryPut` to `DirectoryTaken`; nothing is changed yet.";
    DIRECTORY_GONE "directory.gone" 0 "Tells what the source has no longer: `DirectoryGone` to `{}`.";
    DIRECTORY_CLOSE "directory.close" 0 "Does what was told, as one revision: `DirectoryClose` to `DirectoryClosed`; durable when it is answered. Allow it minutes for a large directory.";
    DIRECTORY_DROP "directory.drop" 0 "Gives a run up: `{run}` to `{}`; nothing of it stays.";
    DIRECTORY_FORGET "directory.forget" 0 "Deletes all that a synchronizer has brought: `DirectoryForget` to `DirectoryForgotten`.";
    DIRECTORY_SINCE "directory.since" 0 "Which accounts were changed since an earlier answer: `{after}` to `DirectoryNews`; without `after` only where to begin.";
    PEER_DOMAIN "peer.domain" 0 "Says which domain a peer's people have: `PeerDomain` to `{}`. `conflict`: the domain is one of ours.";
    LOGIN_KEYS "login.keys" 0 "What proves that somebody knows an account's password without the password itself (RFC 5802 section 3): `LoginAsk` to `LoginKeys`. `not_found`: no deployed account has that address, or it has no password of its own; `busy`: too many failures lately.";
    LOGIN_CHECK "login.check" 0 "Whether a password is an account's: `LoginCheck` to `{account}`, within 15 seconds. An account without a password of its own that came from a directory is asked for there. `denied`: it is not, or there is no such account; `busy`: too many failures lately, with the time to wait; `unavailable`: the directory cannot be asked, in words.";
    LOGIN_FAILED "login.failed" 0 "Counts a proof made from `login.keys` that was wrong, as a wrong password: `LoginFailed` to `{}`. Without it guessing by that way would not be slowed down.";
    STATE_REPORT "state.report" 0 "Says in words how the plugin does: `{state, reason}` to `{}`.";
    REVISION_NOTE "revision.note" 0 "Records a change of configuration: `Note` to `{n}`.";
}

/// Services that a host offers. A plugin's manifest names those it needs, and an operation of another one is denied
/// ([`service_of`]).
pub const SERVICES: &[&str] = &[
    "db/1",
    "event/1",
    "secret/1",
    "job/1",
    "http/1",
    "check/1",
    "revision/1",
    "log/1",
    "presence/1",
    "message/1",
    "peer/1",
    "directory/1",
    "login/1",
];

/// The service that an operation belongs to; none: every plugin may ask for it.
pub fn service_of(op: &str) -> Option<&'static str> {
    match op {
        DB_QUERY | DB_TX | PEOPLE_FIND => Some("db/1"),
        EVENT_PUBLISH => Some("event/1"),
        SECRET_PUT | SECRET_GET | SECRET_DELETE => Some("secret/1"),
        JOB_PROGRESS | JOB_QUEUE | JOB_PLANS => Some("job/1"),
        CHECK_REPORT => Some("check/1"),
        REVISION_NOTE => Some("revision/1"),
        PRESENCE_PUBLISH | PRESENCE_GET | PRESENCE_GOVERN => Some("presence/1"),
        MESSAGE_ACCEPT | MESSAGE_ACCEPT_ALL | MESSAGE_PENDING | MESSAGE_DELIVERED | MESSAGE_FAILED
        | MESSAGE_HISTORY | MESSAGE_SEARCH | MESSAGE_ARCHIVE => Some("message/1"),
        PEER_HERE | PEER_ADD | PEER_MOVE => Some("peer/1"),
        DIRECTORY_OPEN | DIRECTORY_PUT | DIRECTORY_GONE | DIRECTORY_CLOSE | DIRECTORY_DROP
        | DIRECTORY_FORGET | DIRECTORY_SINCE | PEER_DOMAIN => Some("directory/1"),
        LOGIN_KEYS | LOGIN_CHECK | LOGIN_FAILED => Some("login/1"),
        _ => None,
    }
}

/// First message of the host, in `start`'s config and again in HELLO.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HostHello {
    /// Version of the appliance.
    pub version: String,
    /// Services offered, such as `db/1`.
    pub services: Vec<String>,
    /// Values of the settings that the plugin's manifest declares, by name.
    pub settings: serde_json::Map<String, Value>,
    /// Bounds that the host enforces.
    pub limits: Limits,
}

/// Bounds that the host enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Largest message, in bytes.
    pub message_bytes: usize,
    /// Most requests of the plugin that wait for an answer.
    pub requests_in_flight: usize,
    /// Most log lines a second; more are counted and dropped.
    pub log_lines_per_second: u32,
    /// Longest `recv`, in milliseconds; a longer one is a hang.
    pub recv_ms: u64,
    /// Time for `stop`, in milliseconds.
    pub stop_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: crate::MESSAGE_BYTES,
            requests_in_flight: 64,
            log_lines_per_second: 100,
            recv_ms: 5_000,
            stop_ms: 3_000,
        }
    }
}

/// First message of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginHello {
    /// Id, as in the manifest.
    pub id: String,
    /// Version of the plugin.
    pub version: String,
    /// Operations it answers.
    pub ops: Vec<String>,
}

/// Content of a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Operation.
    pub op: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Value,
    /// Time left for the answer, in milliseconds; relative, because clocks need not agree.
    #[serde(default)]
    pub deadline_ms: Option<u64>,
}

/// Why a request failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The arguments are wrong.
    BadRequest,
    /// The caller may not do that.
    Denied,
    /// There is no such thing.
    NotFound,
    /// It collides with something that is there.
    Conflict,
    /// It took too long.
    Timeout,
    /// Too much at once; try again.
    Busy,
    /// The other side cannot do it now.
    Unavailable,
    /// The code that did it panicked.
    Panic,
    /// Anything else, and codes of later versions.
    #[serde(other)]
    Internal,
}

/// Content of an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Sort of failure.
    pub code: Code,
    /// What was tried, what was wrong, what to do.
    pub msg: String,
    /// When trying again makes sense, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u64>,
}

impl Failure {
    /// A failure without a time to try again.
    pub fn new(code: Code, msg: impl Into<String>) -> Self {
        Self { code, msg: msg.into(), retry_ms: None }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.msg)
    }
}

impl std::error::Error for Failure {}

/// Content of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// `noun.past`.
    pub event: String,
    /// Id of the object it is about.
    pub object: String,
}

/// Content of a log message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: String,
    /// Part of the plugin that speaks.
    #[serde(default)]
    pub target: String,
    /// The line.
    pub msg: String,
}

/// An API request for a plugin. Authentication, rights, limits and the revision's origin are core's; the
/// plugin sees who calls, not how they proved it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpRequest {
    /// Upper-case method.
    pub method: String,
    /// Path below `/api/v1`, percent-decoded segments joined by `/`.
    pub path: String,
    /// The route's template, as the manifest has it.
    #[serde(default)]
    pub route: String,
    /// Parameters that the route's template names.
    #[serde(default)]
    pub params: serde_json::Map<String, Value>,
    /// Query parameters as text.
    #[serde(default)]
    pub query: serde_json::Map<String, Value>,
    /// The JSON body; null when there is none.
    #[serde(default)]
    pub body: Value,
    /// Id of the request, as the log has it. What the plugin writes for it names it ([`Statements::request`]).
    #[serde(default)]
    pub request: String,
    /// Who calls, as revisions name them.
    pub who: String,
    /// The version that `If-Match` names; null for none, `"*"` for any.
    #[serde(default)]
    pub if_match: Value,
    /// Whether nothing may be changed.
    #[serde(default)]
    pub dry_run: bool,
}

/// A plugin's answer to an API request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// JSON body; null for none. Of a status from 400 on: `{detail, errors}`.
    #[serde(default)]
    pub body: Value,
    /// Version of the object, for its ETag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

/// Jobs that a plugin plans for itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct JobPlans {
    /// All of them.
    pub plans: Vec<JobPlan>,
}

/// A job that is due every so many days at a time of day in the site's time zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobPlan {
    /// Tells it from the plugin's other ones; 1 to 128 bytes. While the times stay the same, so does the next day.
    pub key: String,
    /// One of the manifest's jobs.
    pub job: String,
    /// What the job takes.
    #[serde(default)]
    pub input: Value,
    /// Days from one to the next, 1 to 365.
    pub every_days: i64,
    /// Hour, 1 to 12; 12 AM is midnight.
    pub hour: i64,
    /// Minute.
    pub minute: i64,
    /// `AM` or `PM`.
    pub half: String,
}

/// A peer that trust brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAdd {
    /// Enterprise here.
    pub enterprise: String,
    /// What people call it; gets a number where another peer has that name.
    pub description: String,
    /// Name of the other appliance, as in its certificate.
    pub hostname: String,
    /// Enterprise over there.
    pub peer_enterprise: String,
    /// Who wants it, as revisions name them.
    pub who: String,
}

/// A peer's new name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerMove {
    /// Id of the peer.
    pub peer: String,
    /// Name of the other appliance, as in its certificate.
    pub hostname: String,
    /// Who wants it, as revisions name them.
    pub who: String,
}

/// What a check saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Name of the check, within the plugin.
    pub name: String,
    /// `ok`, `unknown`, `warning` or `problem`.
    pub state: String,
    /// What was seen.
    pub detail: String,
    /// What to do; empty: nothing.
    #[serde(default)]
    pub advice: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_and_codes_of_later_versions_are_understood() {
        let request: Request = serde_json::from_str(r#"{"op": "http", "colour": "red"}"#).unwrap();
        assert_eq!((request.args, request.deadline_ms), (Value::Null, None));
        let failure: Failure = serde_json::from_str(r#"{"code": "melted", "msg": "x"}"#).unwrap();
        assert_eq!(failure.code, Code::Internal);
    }

    #[test]
    fn every_operation_of_a_service_is_of_one_that_is_offered() {
        let of_none: Vec<_> = TO_HOST.iter().filter(|op| service_of(op.name).is_none()).collect();
        assert_eq!(of_none.iter().map(|op| op.name).collect::<Vec<_>>(), [STATE_REPORT]);
        assert!(
            TO_HOST.iter().filter_map(|op| service_of(op.name)).all(|service| SERVICES.contains(&service))
        );
    }

    #[test]
    fn what_opens_something_is_not_printed() {
        let keys = LoginKeys {
            account: "acc-1".into(),
            salt: "c2FsdA==".into(),
            iterations: 1,
            stored_key: "hush".into(),
            server_key: "hush".into(),
        };
        let check = LoginCheck { login: "ann".into(), domain: "a.example".into(), password: "hush".into() };
        let bind = LoginBind { account: "acc-1".into(), password: "hush".into() };
        let printed = format!("{keys:?} {check:?} {bind:?}");
        assert!(printed.contains("acc-1") && printed.contains("ann"), "{printed}");
        assert!(!printed.contains("hush") && !printed.contains("c2Fs"), "{printed}");
        assert_eq!(serde_json::to_value(Mechanism::Sha256).unwrap(), "SCRAM-SHA-256");
    }

    #[test]
    fn operation_names_are_unique() {
        let mut names: Vec<_> = TO_PLUGIN.iter().chain(TO_HOST).map(|op| op.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
