//! What messages say. Operations, fields and codes are added, never changed or removed; a receiver ignores
//! fields it does not know. `since` names the minor version that brought an operation.

mod directory;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use directory::*;

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
    PEER_HERE "peer.here" 0 "What others know this appliance as: `{}` to `{names}`, those of its web certificate.";
    PEER_ADD "peer.add" 0 "Makes a peer of the kind jackfield, or finds the one that leads there already: `PeerAdd` to `{peer, made}`; recorded as a revision.";
    PEER_MOVE "peer.move" 0 "A peer of the kind jackfield has another host name, which was seen in its certificate: `PeerMove` to `{}`. Its trusted server follows; recorded as a revision.";
    DIRECTORY_OPEN "directory.open" 0 "Begins to synchronize accounts or contacts: `DirectoryOpen` to `DirectoryOpened`. `conflict`: a run of this synchronizer is under way.";
    DIRECTORY_PUT "directory.put" 0 "Tells what the source has: `DirectoryPut` to `DirectoryTaken`; nothing is changed yet.";
    DIRECTORY_GONE "directory.gone" 0 "Tells what the source has no longer: `DirectoryGone` to `{}`.";
    DIRECTORY_CLOSE "directory.close" 0 "Does what was told, as one revision: `DirectoryClose` to `DirectoryClosed`; durable when it is answered. Allow it minutes for a large directory.";
    DIRECTORY_DROP "directory.drop" 0 "Gives a run up: `{run}` to `{}`; nothing of it stays.";
    DIRECTORY_FORGET "directory.forget" 0 "Deletes all that a synchronizer has brought: `DirectoryForget` to `DirectoryForgotten`.";
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

/// Iterations of the keys that accounts have; RFC 7677 section 4 asks for at least 4,096. Every sign-in costs the client
/// that many hashes, on a telephone too, so there are no more: what is stored is sealed besides.
pub const SCRAM_ITERATIONS: u32 = 10_000;
/// Bytes of the salt of those keys. Keys that are made up, so that nobody learns which accounts there are, have as many
/// of both, and always the same salt for the same login.
pub const SCRAM_SALT_BYTES: usize = 16;

/// The service that an operation belongs to; none: every plugin may ask for it.
pub fn service_of(op: &str) -> Option<&'static str> {
    match op {
        DB_QUERY | DB_TX => Some("db/1"),
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
        | DIRECTORY_FORGET | PEER_DOMAIN => Some("directory/1"),
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

/// One SQL statement. Values are bound, never written into the text; texts `?1`, `?2` … in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// SQL with `?1` … for values.
    pub sql: String,
    /// null, numbers, text, truth values (as 0 and 1); blobs as `{"base64": text}`.
    #[serde(default)]
    pub params: Vec<Value>,
    /// Rows that a write must change; another number undoes the whole transaction with `conflict`. So a plugin
    /// refuses a stale edit by `UPDATE … WHERE revision = ?`. None: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<usize>,
}

/// A read. The answer holds at most `limit` rows and says whether there were more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// What to read.
    #[serde(flatten)]
    pub statement: Statement,
    /// Most rows, at most 10,000.
    #[serde(default = "default_limit")]
    pub limit: usize,
}

fn default_limit() -> usize {
    1000
}

/// The answer to a read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values by row.
    pub rows: Vec<Vec<Value>>,
    /// Whether there were more than the limit.
    pub more: bool,
}

/// A write: all statements, or none. A revision noted with it is recorded in the same transaction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statements {
    /// In order.
    pub statements: Vec<Statement>,
    /// Revisions to record in the same transaction. Several become one revision with as many parts.
    #[serde(default)]
    pub revisions: Vec<Revision>,
    /// The API request that it is done for, [`HttpRequest::request`]; empty: none. A caller that repeats a request
    /// with the same idempotency key gets the first answer; by this name the appliance knows, also when the
    /// plugin's process ends before it answers, that the request was carried out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
}

/// The answer to a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Rows that each statement changed.
    pub changed: Vec<usize>,
    /// Row id that each statement inserted last; of use after an INSERT only.
    pub rowids: Vec<i64>,
    /// Numbers of the recorded revisions.
    pub revisions: Vec<i64>,
}

/// A change of configuration, as the audit shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Revision {
    /// Kind of object, as in the API's paths.
    pub kind: String,
    /// Id of the object.
    pub object: String,
    /// Who changed it, from [`HttpRequest::who`].
    pub who: String,
    /// Before; null when it was made.
    #[serde(default)]
    pub before: Value,
    /// After; null when it was deleted.
    #[serde(default)]
    pub after: Value,
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

/// What one source says of several accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePublish {
    /// `manual`, `xmpp`, `telephony`, `teams`, `cloudlink` or `calendar`.
    pub source: String,
    /// In order.
    pub changes: Vec<PresenceChange>,
}

/// What a source says of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceChange {
    /// Id of the account.
    pub account: String,
    /// `available`, `busy`, `in_call`, `in_meeting`, `do_not_disturb`, `away`, `be_right_back`, `out_of_office`,
    /// `offline` or `unknown`; none takes back what the source said.
    pub state: Option<String>,
    /// Words that go with it; at most 256 characters on one line.
    #[serde(default)]
    pub note: String,
    /// Seconds after which it is over unless it is said again; none: a day, and for `manual` never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// The answer to [`PresencePublish`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresencePublished {
    /// What was not taken; all else was.
    pub refused: Vec<PresenceRefused>,
}

/// A change that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceRefused {
    /// Id of the account.
    pub account: String,
    /// Why, for people.
    pub detail: String,
}

/// Whose presence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceGet {
    /// Ids of accounts.
    pub accounts: Vec<String>,
    /// A source that is left out: what is told to a world must not come from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without: Option<String>,
}

/// The answer to [`PresenceGet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceFound {
    /// In the order asked; accounts that are not there are left out.
    pub presence: Vec<Presence>,
}

/// What an account is doing, as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Id of the account.
    pub account: String,
    /// As in [`PresenceChange`].
    pub state: String,
    /// Words that go with it.
    #[serde(default)]
    pub note: String,
    /// Who says so; none: nobody.
    #[serde(default)]
    pub source: Option<String>,
    /// Since when, RFC 3339 in UTC.
    #[serde(default)]
    pub since: Option<String>,
    /// Seconds since the source last said so.
    #[serde(default)]
    pub age_seconds: Option<u64>,
    /// Why this is shown, for people.
    #[serde(default)]
    pub reason: String,
}

/// Switches Teams on or off for accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceGovern {
    /// Ids of accounts.
    pub accounts: Vec<String>,
    /// Whether it is on.
    pub on: bool,
    /// Seconds for which it stays on unless it is said again; none: an hour. So a plugin that is gone governs
    /// nobody for long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<u64>,
}

/// A chat message to be stored. Addresses are bare (`node@domain`); an account's is its login id, escaped as in
/// XEP-0106, at its enterprise's domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewMessage {
    /// Address of who wrote it.
    pub from: String,
    /// Address of who shall get it.
    pub to: String,
    /// The text; at most 32 KiB.
    pub body: String,
    /// Id that the sender's side gave it: sent again under the same one, it is stored once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin_id: Option<String>,
    /// What else the plugin wants back with it, such as a subject, in words of its own; at most 16 KiB. The appliance does
    /// not read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
}

/// The answer to [`NewMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageAccepted {
    /// Id of the stored message.
    pub id: String,
    /// When it was stored first, RFC 3339 in UTC.
    #[serde(default)]
    pub at: String,
    /// Whether it had been stored before.
    pub duplicate: bool,
}

/// The answer to several messages, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesAccepted {
    /// What came of each.
    pub accepted: Vec<MessageTaken>,
}

/// What came of one of several messages: a [`MessageAccepted`], or a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageTaken {
    /// As in [`MessageAccepted`]; empty: it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// As in [`MessageAccepted`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub at: String,
    /// As in [`MessageAccepted`].
    #[serde(default)]
    pub duplicate: bool,
    /// Why it was refused; none: it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Which messages that wait; exactly one of the first four.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagePending {
    /// Those for this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Those for this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Those for any address of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Those for addresses that are no account's here, whatever their domain.
    #[serde(default)]
    pub elsewhere: bool,
    /// Only those after this cursor.
    #[serde(default)]
    pub after: i64,
    /// Most messages, at most 100.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageHistory {
    /// One of the two addresses.
    pub of: String,
    /// The other one.
    pub with: String,
    /// Only those before this cursor; none: from the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Most messages, at most 100.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Which part of a person's archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSearch {
    /// Address of the account.
    pub of: String,
    /// Only those from or to this address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Only those stored at this time or later, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// Only those stored at this time or earlier, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<String>,
    /// The first ones after the message of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The last ones before the message of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The last ones of all, instead of the first.
    #[serde(default)]
    pub last: bool,
    /// Most messages, at most 100; fewer come when their texts are long.
    #[serde(default = "default_messages")]
    pub limit: usize,
}

/// Part of an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessagesFound {
    /// In the order of time.
    pub messages: Vec<Message>,
    /// Whether there are no more in the direction that was asked for.
    pub complete: bool,
    /// How many there are in all, whatever the part; none: more than 10,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
}

fn default_messages() -> usize {
    50
}

/// Some messages, and where the next begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Messages {
    /// In order.
    pub messages: Vec<Message>,
    /// Cursor of the next part; none: this is the last.
    pub next: Option<i64>,
}

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Id.
    pub id: String,
    /// Address of who wrote it.
    pub from: String,
    /// Address of who gets it.
    pub to: String,
    /// The text.
    pub body: String,
    /// When it was stored, RFC 3339 in UTC.
    pub at: String,
    /// `in` from elsewhere, `out` to elsewhere, `local` between accounts of the appliance.
    pub direction: String,
    /// When it arrived; none: it waits, or has failed.
    pub delivered_at: Option<String>,
    /// When it was clear that it will not arrive; none: it may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<String>,
    /// Why it did not arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Id that the sender's side gave it.
    #[serde(default)]
    pub origin_id: Option<String>,
    /// As in [`NewMessage`]; none: it came without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub envelope: Option<String>,
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

/// Whose keys, and for which mechanism.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAsk {
    /// Login id as the account has it, not escaped (XEP-0106).
    pub login: String,
    /// Domain of the account's enterprise, in any case.
    pub domain: String,
    /// For which the keys are.
    pub mechanism: Mechanism,
}

/// A mechanism of SCRAM. Channel binding needs no other keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// RFC 5802.
    #[serde(rename = "SCRAM-SHA-1")]
    Sha1,
    /// RFC 7677.
    #[serde(rename = "SCRAM-SHA-256")]
    Sha256,
}

/// What a server needs for an exchange of SCRAM (RFC 5802 section 3). It can be used to try out passwords, and the
/// server key to play the server: keep it for the exchange and no longer, and log it never.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginKeys {
    /// Id of the account.
    pub account: String,
    /// Base64.
    pub salt: String,
    /// How many.
    pub iterations: u32,
    /// StoredKey, base64.
    pub stored_key: String,
    /// ServerKey, base64.
    pub server_key: String,
}

/// A password to check, as its user typed it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginCheck {
    /// As in [`LoginAsk`].
    pub login: String,
    /// As in [`LoginAsk`].
    pub domain: String,
    /// In clear.
    pub password: String,
}

/// Whose password is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginChecked {
    /// Id of the account.
    pub account: String,
}

/// Whose proof was wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginFailed {
    /// As in [`LoginAsk`].
    pub login: String,
    /// As in [`LoginAsk`].
    pub domain: String,
}

/// A password for a directory to check.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginBind {
    /// Id of the account.
    pub account: String,
    /// In clear, never empty: a directory takes an empty one for no sign-in at all (RFC 4513 section 5.1.2).
    pub password: String,
}

/// These three print whose they are and nothing that opens anything.
macro_rules! close_lipped {
    ($($name:ident { $($shown:ident),* })*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($shown), &self.$shown))*.finish_non_exhaustive()
            }
        }
    )*};
}
close_lipped! {
    LoginKeys { account }
    LoginCheck { login, domain }
    LoginBind { account }
}

/// A revision that is recorded by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The change.
    #[serde(flatten)]
    pub revision: Revision,
    /// As in [`Statements::request`].
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request: String,
}

/// A recorded change that somebody wants to put back. Nothing has changed the object since.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// Number of the revision.
    pub n: i64,
    /// As the plugin noted it.
    pub kind: String,
    /// As the plugin noted it.
    pub object: String,
    /// How the object shall be again; null: it shall not be.
    #[serde(default)]
    pub before: Value,
    /// How it is now; null: it is not.
    #[serde(default)]
    pub after: Value,
    /// Who wants it, as revisions name them.
    pub who: String,
    /// What the change did to each object, where it was noted as several revisions in one transaction; empty: it was
    /// one. Put back all of them, and note one revision for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UndoPart>,
}

/// One object of a change of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UndoPart {
    /// As the plugin noted it.
    pub kind: String,
    /// As the plugin noted it.
    pub object: String,
    /// How the object shall be again; null: it shall not be.
    #[serde(default)]
    pub before: Value,
    /// How it is now; null: it is not.
    #[serde(default)]
    pub after: Value,
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
