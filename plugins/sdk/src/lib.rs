//! The safe side of the plugin interface: implement [`Plugin`], name the type in [`export_plugin!`], done.
//!
//! The crate receives messages, queues them, runs the plugin's code on threads of its own, and answers for
//! it, also when that code panics. `recv` of the treaty only queues, or completes a call that waits; so
//! [`Host::call`] may block in straight-line code. Left out: network clients (a plugin brings its own) and
//! anything asynchronous ([`Plugin::on_message`] is the door for that).
//!
//! A plugin may say `#![forbid(unsafe_code)]`: what is unsafe is in one module here, `boundary`.

#![deny(unsafe_code)]

#[cfg(panic = "abort")]
compile_error!(
    "a plugin must be built with panic = \"unwind\", so that its panic can be answered and logged"
);

mod boundary;
mod chat;
mod condition;
mod db;
mod directory;
mod document;
pub mod form;
mod host;
mod http;
mod job;
mod lane;
mod list;
mod logger;
mod login;
mod message;
mod people;
mod plugin;
mod presence;
mod problem;
mod routes;
mod runtime;
mod served;
mod shared;
mod work;

#[cfg(feature = "bench")]
pub mod bench;
#[cfg(test)]
mod tests;
#[cfg(feature = "tls")]
pub mod tls;

#[doc(hidden)]
pub use boundary::table;
pub use chat::Chat;
pub use condition::Condition;
pub use db::{Db, Page, Tx, flag};
pub use directory::{Directory, Run};
pub use document::{Document, Place, SecretMove, SecretState};
pub use host::{Host, Secret, Secrets, State};
pub use http::{Call, Outcome, Reply};
pub use jackfield_abi as abi;
pub use jackfield_abi::Kind;
pub use jackfield_abi::ops::{
    Code, Event, Failure, Finding, HttpRequest, HttpResponse, JobPlan, Metric, Revision, Undo,
};
pub use jackfield_abi::ops::{
    DirectoryClosed, DirectoryEntry, DirectoryForgotten, DirectoryHeld, DirectoryList, DirectoryOpen,
    DirectoryOutcome, DirectoryOwner, DirectoryPerson, DirectoryRefused, DirectoryTaken,
};
pub use jackfield_abi::ops::{LoginKeys, Mechanism, SCRAM_ITERATIONS, SCRAM_SALT_BYTES};
pub use jackfield_abi::ops::{
    Message as ChatMessage, MessageAccepted, MessageHistory, MessagePending, MessageSearch, Messages,
    MessagesFound, NewMessage,
};
pub use jackfield_abi::ops::{PeopleFind, Person, PersonField, PersonWith};
pub use jackfield_abi::ops::{Presence, PresenceChange, PresenceRefused};
pub use jiff;
pub use job::Job;
pub use list::{Part, Words};
pub use log;
pub use login::Logins;
pub use people::Colleagues;
pub use plugin::{Config, Message, Plugin, Request, Settings, Taken};
pub use presence::People;
pub use problem::{Errors, FieldError, Problem};
pub use routes::Routes;
pub use serde_json::{Value, json};

/// Exports a type that is a [`Plugin`] as the library's one symbol. Once per library, which is a `cdylib`
/// built with unwinding panics.
#[macro_export]
macro_rules! export_plugin {
    ($plugin:ty) => {
        /// The table by which the host finds this plugin.
        // The lint on unsafe code leaves expansions of another crate's macro alone, so the plugin's own
        // crate may forbid it.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals)]
        pub static jackfield_plugin_v1: $crate::abi::table::PluginTable = $crate::table::<$plugin>();
    };
}

/// Values for the `?1`, `?2` … of a statement: `params![id, name]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::json!($value)),*] };
}
