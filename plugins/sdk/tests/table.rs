//! The exported table, called as a host written in C calls it.

#![cfg(test)]
#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::mem::size_of;
use std::process::Command;
use std::ptr::null_mut;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jackfield_sdk::abi::frame::Frame;
use jackfield_sdk::abi::ops::{HostHello, Limits};
use jackfield_sdk::abi::table::HostTable;
use jackfield_sdk::abi::{ABI, Kind, Sent};
use jackfield_sdk::{Code, Config, Failure, Finding, Host, Plugin, json};

jackfield_sdk::export_plugin!(Talker);

/// The handle of the plugin that was started last, kept beyond its life.
static HANDLE: Mutex<Option<Host>> = Mutex::new(None);
/// One plugin in a process, as the treaty has it.
static ALONE: Mutex<()> = Mutex::new(());

struct Talker;

impl Plugin for Talker {
    const ID: &'static str = "talker";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &["doctor"];

    fn start(host: Host, config: Config) -> Result<Self, Failure> {
        assert!(config.settings.get("panics").is_none(), "as asked");
        if config.settings.get("refuses").is_some() {
            return Err(Failure::new(Code::BadRequest, "no use"));
        }
        *HANDLE.lock().unwrap() = Some(host);
        Ok(Self)
    }

    fn doctor(&self) -> Result<Vec<Finding>, Failure> {
        panic!("as asked")
    }
}

type Seen = Mutex<Vec<Frame>>;

unsafe extern "C" fn send(ctx: *mut c_void, kind: u32, id: u64, bytes: *const u8, length: usize) -> i32 {
    // SAFETY: `ctx` is the test's list, and the plugin lends `length` bytes.
    let (seen, bytes) = unsafe { (&*ctx.cast::<Seen>(), std::slice::from_raw_parts(bytes, length)) };
    seen.lock().unwrap().push(Frame::new(Kind::from_number(kind).unwrap(), id, bytes));
    Sent::Ok as i32
}

fn host(seen: &Seen, size: usize) -> HostTable {
    let ctx = (&raw const *seen).cast_mut().cast();
    HostTable { size: u32::try_from(size).unwrap(), abi: ABI, ctx, send: Some(send) }
}

fn start(host: *const HostTable, setting: &str) -> *mut c_void {
    let settings = json!({ setting: true }).as_object().cloned().unwrap();
    let hello =
        HostHello { version: "1".to_owned(), services: Vec::new(), settings, limits: Limits::default() };
    let config = serde_json::to_vec(&hello).unwrap();
    // SAFETY: the table and the configuration outlive the call.
    unsafe { jackfield_plugin_v1.start.unwrap()(host, config.as_ptr(), config.len()) }
}

fn recv(plugin: *mut c_void, kind: Kind, id: u64, bytes: &[u8]) -> i32 {
    // SAFETY: the plugin has been started and not stopped.
    unsafe { jackfield_plugin_v1.recv.unwrap()(plugin, kind as u32, id, bytes.as_ptr(), bytes.len()) }
}

fn stop(plugin: *mut c_void) {
    // SAFETY: the plugin has been started and not stopped.
    unsafe { jackfield_plugin_v1.stop.unwrap()(plugin, 3000) }
}

fn logged(seen: &Seen) -> String {
    let seen = seen.lock().unwrap();
    let lines = seen.iter().filter(|frame| frame.kind == Kind::Log);
    lines.map(|frame| String::from_utf8_lossy(&frame.bytes).into_owned()).collect()
}

fn alone() -> impl Drop {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn the_table_names_the_plugin() {
    // SAFETY: the id ends with a zero byte.
    let id = unsafe { CStr::from_ptr(jackfield_plugin_v1.id) };
    assert_eq!(id.to_str(), Ok("talker"));
    assert_eq!((jackfield_plugin_v1.size, jackfield_plugin_v1.abi), (40, ABI));
}

#[test]
fn a_plugin_lives_through_the_table() {
    let (_alone, seen) = (alone(), Seen::default());
    let host = host(&seen, size_of::<HostTable>());
    let plugin = start(&host, "nothing");
    assert!(!plugin.is_null());
    assert_eq!(seen.lock().unwrap()[0].kind, Kind::Hello);
    assert_eq!(recv(plugin, Kind::Request, 2, br#"{"op": "dance"}"#), 0);
    stop(plugin);
    let answer = seen.lock().unwrap().iter().find(|frame| frame.id == 2).cloned().unwrap();
    assert_eq!(answer.kind, Kind::Error);
}

#[test]
fn nothing_is_sent_once_stop_has_returned() {
    let (_alone, seen) = (alone(), Seen::default());
    let host = host(&seen, size_of::<HostTable>());
    stop(start(&host, "nothing"));
    let before = seen.lock().unwrap().len();
    let kept = HANDLE.lock().unwrap().take().unwrap();
    assert_eq!(kept.data(b"late").unwrap_err().code, Code::Unavailable);
    assert_eq!(seen.lock().unwrap().len(), before);
}

#[test]
fn a_refusal_is_null_and_says_why() {
    let (_alone, seen) = (alone(), Seen::default());
    assert!(start(&host(&seen, size_of::<HostTable>()), "refuses").is_null());
    assert!(logged(&seen).contains("no use"));
}

#[test]
fn a_panic_in_start_is_null_and_says_where() {
    let (_alone, seen) = (alone(), Seen::default());
    assert!(start(&host(&seen, size_of::<HostTable>()), "panics").is_null());
    assert!(logged(&seen).contains("table.rs:"), "{}", logged(&seen));
}

#[test]
fn a_host_table_too_short_for_send_is_not_read_beyond_its_size() {
    let (_alone, seen) = (alone(), Seen::default());
    assert!(start(&host(&seen, size_of::<HostTable>() - 1), "nothing").is_null());
    assert!(start(null_mut(), "nothing").is_null());
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn a_longer_table_of_a_later_host_is_fine() {
    let (_alone, seen) = (alone(), Seen::default());
    let plugin = start(&host(&seen, 4096), "nothing");
    assert!(!plugin.is_null());
    stop(plugin);
}

#[test]
fn a_panic_ends_the_process_with_101() {
    let this = std::env::current_exe().unwrap();
    let child = Command::new(this).args(["--exact", "child_that_panics", "--ignored"]).output().unwrap();
    assert_eq!(child.status.code(), Some(101));
    // A test that merely fails has that code too, but lives to say so.
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("running 1 test") && !said.contains("test result"), "{said}");
}

#[test]
#[ignore = "ends its process; run by the test above"]
fn child_that_panics() {
    let seen = Seen::default();
    let host = host(&seen, size_of::<HostTable>());
    let plugin = start(&host, "nothing");
    recv(plugin, Kind::Request, 2, br#"{"op": "doctor"}"#);
    std::thread::park_timeout(Duration::from_secs(10));
}
