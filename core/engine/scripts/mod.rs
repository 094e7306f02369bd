//! The site's own scripts: their versions, which of them run, what they are asked and how they do. Decides what
//! runs and remembers it; running is the work of a process of its own (`lua`), which `host` supervises.

mod audience;
mod calls;
mod changes;
mod child;
mod facts;
mod news;
mod panel;
mod publication;
mod registers;
mod rest;
mod rows;
mod serving;
mod shipped;
mod tally;
mod turns;
mod upkeep;
mod view;

pub use calls::{Asked, Called, Verdict, consult, refusal};
pub use changes::{put, put_back, remove};
pub use child::is_own;
pub use facts::serve;
pub use news::carry;
pub use panel::Panel;
pub use publication::{Turn, draft, prepare, prepare_undo};
pub use rows::{get, number, one_version, source, versions};
pub use serving::{Scripts, registered_checks};
pub use shipped::install;
pub use tally::{Figures, figures};
pub use upkeep::supervise;
pub use view::{list, obstacle, shown, shown_by};

/// Kind of scripts' revisions, and their path in the API.
pub const KIND: &str = "hooks";
/// Largest source, in bytes.
pub const SOURCE_BYTES: usize = 256 * 1024;
/// Most scripts at a time.
pub const MOST_SCRIPTS: i64 = 64;
/// Versions of a script that are kept, besides those that run, ran and were put last.
pub const MOST_VERSIONS: i64 = 20;
/// Deleted scripts whose versions are kept.
const MOST_DELETED: i64 = 16;
