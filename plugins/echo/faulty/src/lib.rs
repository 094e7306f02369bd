//! A plugin that misbehaves on command, for tests of the host. The operation `fault` with `{how}`, or an API
//! request whose body says `how`, names one of [`faults::FAULTS`]; the setting `faulty.start` names how it
//! starts. Written on the bare treaty, because the SDK would not let it. This file is the treaty's side, with
//! nothing wrong in it.

mod faults;

use std::ffi::{c_char, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jackfield_abi::table::{HostTable, PluginTable};
use jackfield_abi::{ABI, Kind, Sent};
use serde_json::{Value, json};

use faults::{FAULTS, Place, STARTS};

/// The only exported symbol.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals, unsafe_code)] // exporting a symbol counts as unsafe
pub static jackfield_plugin_v1: PluginTable = PluginTable {
    size: size_of::<PluginTable>() as u32,
    abi: ABI,
    id: ID.as_ptr().cast::<c_char>(),
    start: Some(start),
    recv: Some(recv),
    stop: Some(stop),
};

const ID: &[u8] = b"faulty\0";

static HOST: OnceLock<Host> = OnceLock::new();
/// Whether `stop` has been called.
static IS_STOPPED: AtomicBool = AtomicBool::new(false);
/// Whether nothing is answered any more.
static IS_MUTE: AtomicBool = AtomicBool::new(false);
/// Whether `stop` never returns.
static STOP_BLOCKS: AtomicBool = AtomicBool::new(false);

/// What `send` answers when its queue is full.
const BUSY: i32 = Sent::Busy as i32;
/// How long an answer waits for room in the queue.
const REPLY_WITHIN: Duration = Duration::from_secs(10);

struct Host(*const HostTable);

#[allow(unsafe_code)]
// SAFETY: the treaty allows `send` on any thread; what else is done with it is the fault under test.
unsafe impl Send for Host {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Host {}

impl Host {
    /// Any number for the kind, because some faults send kinds that do not exist.
    #[allow(unsafe_code)]
    fn raw(&self, kind: u32, id: u64, bytes: &[u8]) -> i32 {
        // SAFETY: the table is valid until `stop` has returned; using it later is one of the faults.
        unsafe {
            let table = &*self.0;
            table.send.map_or(1, |send| send(table.ctx, kind, id, bytes.as_ptr(), bytes.len()))
        }
    }

    fn send(&self, kind: Kind, id: u64, content: &Value) -> i32 {
        self.raw(kind as u32, id, content.to_string().as_bytes())
    }

    /// An answer that fits `fault` and `http` alike.
    fn reply(&self, id: u64, body: &Value) -> i32 {
        if IS_MUTE.load(Ordering::Relaxed) {
            return 0;
        }
        let content = json!({"status": 200, "body": body});
        let until = Instant::now() + REPLY_WITHIN;
        loop {
            match self.send(Kind::Reply, id, &content) {
                // The queue is full of what the fault sent before; the answer itself is no fault.
                BUSY if Instant::now() < until => std::thread::yield_now(),
                sent => return sent,
            }
        }
    }

    fn log(&self, text: &str) -> i32 {
        self.send(Kind::Log, 0, &json!({"level": "info", "target": "faulty", "msg": text}))
    }

    fn hello(&self, id: &str) -> i32 {
        self.send(Kind::Hello, 0, &json!({"id": id, "version": "1.0.0", "ops": ["http", "fault"]}))
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn start(host: *const HostTable, config: *const u8, length: usize) -> *mut c_void {
    // SAFETY: the host hands over `length` bytes.
    let config = unsafe { std::slice::from_raw_parts(config, length) };
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let how = config["settings"]["faulty.start"].as_str().unwrap_or("well");
    let host = HOST.get_or_init(|| Host(host));
    let Some((_, begin)) = STARTS.iter().find(|(name, _)| *name == how) else {
        host.log(&format!("there is no start `{how}`"));
        return std::ptr::null_mut();
    };
    if begin(host) { (&raw const HOST).cast_mut().cast() } else { std::ptr::null_mut() }
}

#[allow(unsafe_code)]
unsafe extern "C" fn recv(_: *mut c_void, kind: u32, id: u64, bytes: *const u8, length: usize) -> i32 {
    let Some(host) = HOST.get() else { return 1 };
    if kind != Kind::Request as u32 {
        return 0;
    }
    // SAFETY: the host hands over `length` bytes.
    let bytes = unsafe { std::slice::from_raw_parts(bytes, length) };
    let request: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let args = &request["args"];
    let how = args["how"].as_str().or(args["body"]["how"].as_str()).unwrap_or("none");
    misbehave(host, id, how);
    0
}

fn misbehave(host: &'static Host, id: u64, how: &str) {
    let Some((_, place, fault)) = FAULTS.iter().find(|(name, ..)| *name == how) else {
        let text = format!("there is no fault `{how}`");
        host.send(Kind::Error, id, &json!({"code": "bad_request", "msg": text}));
        return;
    };
    match place {
        Place::Recv => fault(host, id),
        Place::Thread => drop(std::thread::spawn(move || fault(host, id))),
    }
}

#[allow(unsafe_code)]
unsafe extern "C" fn stop(_: *mut c_void, _deadline_ms: u32) {
    IS_STOPPED.store(true, Ordering::Relaxed);
    if STOP_BLOCKS.load(Ordering::Relaxed) {
        faults::block();
    }
}
