//! What scripts, their versions and the places at which they are asked look like in the API.

use crate::api::dialing;
use crate::catalog::rules::{PLAIN, SCRIPT_NAME};
use crate::catalog::shape::{Absent, Field, Kind, Shape};
use crate::engine::scripts;

const WORDS: Kind = Kind::Text { min: 0, max: 8192, rule: None };
/// Name of a script.
pub const NAME: Kind = Kind::Text { min: 1, max: 32, rule: Some(&SCRIPT_NAME) };
const NUMBER: Kind = Kind::Integer { min: 1, max: i64::MAX };
const COUNT: Kind = Kind::Integer { min: 0, max: i64::MAX };
const SOURCE: Kind = Kind::Text { min: 1, max: scripts::SOURCE_BYTES, rule: None };
const NOTE: Kind = Kind::Text { min: 0, max: 500, rule: Some(&PLAIN) };

static REGISTERED: Shape = Shape {
    name: "HookRegistration",
    help: "One thing that a script registers when it is loaded.",
    fields: &[
        Field::read_only("kind", Kind::Choice(&["hook", "check", "test"]), "What it is."),
        Field::read_only("name", WORDS, "Name of the hook, the check or the test."),
        Field::read_only("line", COUNT, "Line of the source; 0: unknown."),
        Field::read_only(
            "priority",
            Kind::Integer { min: -1000, max: 1000 },
            "Of a hook: those with a higher one are asked first; null: no hook.",
        ),
        Field::read_only("every_s", COUNT, "Of a check: seconds between two runs; null: no check."),
    ],
};

static LAST_ERROR: Shape = Shape {
    name: "HookError",
    help: "How a script failed last.",
    fields: &[
        Field::read_only("hook", WORDS, "Hook at which it failed."),
        Field::read_only("text", WORDS, "File, line and cause."),
        Field::read_only("at", Kind::Time, "When it failed so last."),
        Field::read_only("count", COUNT, "How often it failed so in a row."),
    ],
};

static BREAKER: Shape = Shape {
    name: "HookBreaker",
    help: "A script that fails again and again is skipped for a while, under its hook's policy.",
    fields: &[
        Field::read_only("open", Kind::Boolean, "Whether it is skipped now."),
        Field::read_only("seconds_left", COUNT, "Seconds until it is asked again; null: it is asked."),
    ],
};

/// A script.
pub static SHAPE: Shape = Shape {
    name: "Hook",
    help: "A script of the site.",
    fields: &[
        Field::read_only("name", NAME, "Its name; in messages it is site/NAME.lua."),
        Field::read_only("state", Kind::Choice(&["active", "failed", "not_published"]), "How it does."),
        Field::read_only("reason", WORDS, "Why it failed; empty otherwise."),
        Field::read_only("active", NUMBER, "Version that was published; null: none."),
        Field::read_only(
            "serving",
            NUMBER,
            "Version that serves; null: none. Another than active stands in for it.",
        ),
        Field::read_only("latest", NUMBER, "Version that was put last."),
        Field::read_only("previous", NUMBER, "Version that was active before; null: none."),
        Field::read_only("registers", Kind::Objects(&REGISTERED), "What it registers, with the lines."),
        Field::read_only("calls", COUNT, "How often it was asked since the appliance started."),
        Field::read_only("failures", COUNT, "How often it failed since the appliance started."),
        Field::read_only(
            "last_error",
            Kind::Object(&LAST_ERROR),
            "How this version failed last; null: never.",
        ),
        Field::read_only("breaker", Kind::Object(&BREAKER), "Whether it is skipped."),
        Field::read_only("published_at", Kind::Time, "When it was published last; null: never."),
        Field::read_only("published_by", WORDS, "Who published it last; null: nobody."),
        Field::read_only("revision", COUNT, "Revision that last changed it; also its ETag."),
        Field::read_only("created_at", Kind::Time, "When it was made."),
        Field::read_only("changed_at", Kind::Time, "When it was last changed."),
    ],
};

/// What is put as a version.
pub static DRAFT: Shape = Shape {
    name: "HookSource",
    help: "A new version of a script.",
    fields: &[
        Field::required("source", SOURCE, "The text in Luau, at most 262144 bytes; bytecode is never taken."),
        Field::optional("note", NOTE, Absent::Text(""), "What this version is for."),
    ],
};

const N: Field = Field::read_only("version", NUMBER, "Its number; later versions have greater ones.");
const SHA256: Field = Field::read_only(
    "sha256",
    Kind::Text { min: 64, max: 64, rule: None },
    "SHA-256 of its source, hexadecimal.",
);
const AUTHOR: Field = Field::read_only("author", WORDS, "Who put it.");
const NOTED: Field = Field::read_only("note", WORDS, "What it is for.");
const AT: Field = Field::read_only("at", Kind::Time, "When it was put.");
const RAN: Field = Field::read_only("published_at", Kind::Time, "When it was published first; null: never.");
const REGISTERS: Field = Field::read_only(
    "registers",
    Kind::Objects(&REGISTERED),
    "What it registers; empty while it was never loaded.",
);
const BYTES: Field = Field::read_only("bytes", COUNT, "Length of its source, in bytes.");

/// A version without its source.
pub static VERSION: Shape = Shape {
    name: "HookVersion",
    help: "One version of a script, which never changes.",
    fields: &[N, SHA256, AUTHOR, NOTED, AT, RAN, REGISTERS, BYTES],
};

/// A version.
pub static WHOLE_VERSION: Shape = Shape {
    name: "HookVersionSource",
    help: "One version of a script with its source.",
    fields: &[
        N,
        SHA256,
        AUTHOR,
        NOTED,
        AT,
        RAN,
        REGISTERS,
        BYTES,
        Field::read_only("source", SOURCE, "The text."),
    ],
};

/// Which version is meant.
pub static WHICH: Shape = Shape {
    name: "HookPublication",
    help: "Which version.",
    fields: &[Field::optional(
        "version",
        NUMBER,
        Absent::Null,
        "Number of the version; left out: the one that was put last, or for a rollback the one that was active before.",
    )],
};

/// A call that is tried.
pub static TRIAL: Shape = Shape {
    name: "HookTrial",
    help: "A candidate and a call. Give source or version, or neither for the version that was put last; and either from_account or node.",
    fields: &[
        Field::optional("source", SOURCE, Absent::Null, "Text of the candidate; it need not be kept."),
        Field::optional("version", NUMBER, Absent::Null, "Version of the script that is the candidate."),
        Field::optional("from_account", dialing::ID, Absent::Null, "Account that calls, from its PBX node."),
        Field::optional("node", dialing::ID, Absent::Null, "PBX node that is called from."),
        Field::required(
            "to",
            Kind::Either(&[dialing::NUMBER, Kind::Object(&dialing::WISH)]),
            "What was typed, or a destination.",
        ),
    ],
};

/// A place at which scripts are asked.
pub static PLACE: Shape = Shape {
    name: "HookPlace",
    help: "A place at which scripts are asked.",
    fields: &[
        Field::read_only(
            "name",
            WORDS,
            "Name, as a script registers it; * stands for a name of the script's own.",
        ),
        Field::read_only(
            "mode",
            Kind::Choice(&["chain", "first", "single", "all"]),
            "How several scripts share it: each gets what the one before it made; the first with an opinion decides; one is asked; all are told.",
        ),
        Field::read_only("safepoints", COUNT, "Steps that one run may take."),
        Field::read_only(
            "wall_ms",
            COUNT,
            "Time of one run by the clock, without the calls that it makes, in milliseconds.",
        ),
        Field::read_only(
            "waiting_ms",
            COUNT,
            "Time that the calls of one run may take together, in milliseconds.",
        ),
        Field::read_only("most_calls", COUNT, "Most calls of one run; 0 where none may be made."),
        Field::read_only(
            "calls",
            Kind::Sequence { of: &WORDS, max: 64 },
            "Calls that a script may make there.",
        ),
        Field::read_only("on_failure", WORDS, "What happens when a script fails."),
    ],
};
