//! Takes from a plugin's process everything it does not need, and says what was really taken: kernels differ,
//! and a confinement that is only believed in is none.

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use rustix::{process, thread};

use super::manifest::Net;
use super::refusal::{Refusal, Rule};
use super::syscalls;
use super::wire::{Measure, Order};

/// What name look-up and TLS read, besides nothing.
pub const READABLE: &[&str] = &[
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/zoneinfo",
];

/// Descriptors of a plugin without sockets, and of one with.
const FEW_DESCRIPTORS: u64 = 64;
const MANY_DESCRIPTORS: u64 = 16_384;
/// The newest Landlock whose rights are asked for; older kernels enforce the part that they know.
const LANDLOCK: ABI = ABI::V6;

/// Ends the process with its parent. The socket's end says the same; this also works while the plugin hangs.
pub fn die_with_parent() -> Result<(), Refusal> {
    process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|e| failed("bind its life to its parent's", &e))
}

/// Before the library is loaded: bounds of memory and descriptors, no core files, no new privileges.
pub fn limit(order: &Order) -> Result<Vec<Measure>, Refusal> {
    let descriptors = if order.net.is_empty() { FEW_DESCRIPTORS } else { MANY_DESCRIPTORS };
    let rows = [
        (Resource::Data, u64::from(order.memory_mib) * 1024 * 1024),
        (Resource::Nofile, descriptors),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ];
    for (resource, most) in rows {
        set_limit(resource, most)?;
    }
    thread::set_no_new_privs(true).map_err(|e| failed("give up new privileges", &e))?;
    let memory =
        format!("at most {} MiB of memory and {descriptors} descriptors, no core files", order.memory_mib);
    Ok(vec![enforced("limits", memory), enforced("privileges", "none can be gained".to_owned())])
}

/// After the library is loaded and before it is started: files, system calls, looks from outside.
pub fn close_in(net: &[Net]) -> Result<Vec<Measure>, Refusal> {
    only_one_thread()?;
    process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|e| failed("hide its memory", &e))?;
    let files = files(net).map_err(|e| failed("give up files", &e))?;
    let calls = calls(net)?;
    Ok(vec![files, calls])
}

/// Landlock holds the thread that asks and those it makes; one that is there already would be free.
fn only_one_thread() -> Result<(), Refusal> {
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|e| failed("count its threads", &e))?;
    match tasks.count() {
        1 => Ok(()),
        _ => Err(Refusal::new(
            Rule::Confinement,
            "the library starts threads while it is loaded, which cannot be confined; the plugin must start them in start()",
        )),
    }
}

fn set_limit(resource: Resource, most: u64) -> Result<(), Refusal> {
    // What the process was started with may be less already, and cannot be raised.
    let least = process::getrlimit(resource).maximum.map_or(most, |maximum| maximum.min(most));
    let limit = Rlimit { current: Some(least), maximum: Some(least) };
    process::setrlimit(resource, limit).map_err(|e| failed("limit itself", &e))
}

fn files(net: &[Net]) -> Result<Measure, RulesetError> {
    let readable = if net.is_empty() { &[] } else { READABLE };
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        // Files that are not there are left out.
        .add_rules(path_beneath_rules(readable, AccessFs::from_read(LANDLOCK)))?;
    let seen = match (ruleset.restrict_self()?.ruleset, net.is_empty()) {
        (RulesetStatus::NotEnforced, _) => {
            return Ok(Measure {
                name: "files".to_owned(),
                is_enforced: false,
                detail: "not enforced: this kernel has no Landlock; what the user may read, the plugin may read when it uses the network".to_owned(),
            });
        }
        (RulesetStatus::FullyEnforced, true) => "none can be opened",
        (RulesetStatus::FullyEnforced, false) => "only name service and certificates can be read",
        (RulesetStatus::PartiallyEnforced, true) => {
            "none can be opened (older kernel: some rights unknown to it)"
        }
        (RulesetStatus::PartiallyEnforced, false) => {
            "only name service and certificates can be read (older kernel: some rights unknown to it)"
        }
    };
    Ok(enforced("files", seen.to_owned()))
}

/// Without these no plugin is run: every kernel that is supported has them.
fn calls(net: &[Net]) -> Result<Measure, Refusal> {
    let filters = syscalls::filters(net).map_err(|e| failed("write down its system calls", &e))?;
    for filter in &filters {
        seccompiler::apply_filter(filter).map_err(|e| failed("give up system calls", &e))?;
    }
    let sockets = match (net.is_empty(), net.iter().any(|net| matches!(net, Net::Listen(_)))) {
        (true, _) => "no sockets",
        (false, false) => "sockets to the outside",
        (false, true) => "sockets to and from the outside",
    };
    Ok(enforced("calls", format!("no programs, no processes, no tracing, no writing to files, {sockets}")))
}

fn enforced(name: &str, detail: String) -> Measure {
    Measure { name: name.to_owned(), is_enforced: true, detail }
}

fn failed(what: &str, cause: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(Rule::Confinement, format!("the plugin's process could not {what}: {cause}"))
}
