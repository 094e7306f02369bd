//! The edge to C: the table of functions that the library exports, and the host's table as our way out. All
//! unsafe code of the crate is here, and nothing else is. No panic passes.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::mem::{offset_of, size_of};
use std::ptr::addr_of;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jackfield_abi::ops::HostHello;
use jackfield_abi::table::{HostTable, PluginTable};
use jackfield_abi::{ABI, Kind, Sent};

use crate::logger;
use crate::plugin::Plugin;
use crate::runtime::Runtime;
use crate::shared::{Outlet, Shared, guarded};

type Send = unsafe extern "C" fn(*mut c_void, u32, u64, *const u8, usize) -> i32;

/// The table of a plugin, for [`crate::export_plugin`].
#[must_use]
pub const fn table<P: Plugin>() -> PluginTable {
    PluginTable {
        size: size_of::<PluginTable>() as u32,
        abi: ABI,
        id: (&raw const *Id::<P>::TEXT).cast::<c_char>(),
        start: Some(start::<P>),
        recv: Some(recv::<P>),
        stop: Some(stop::<P>),
    }
}

/// Longest id, in bytes.
const ID_BYTES: usize = 32;

struct Id<P>(P);

impl<P: Plugin> Id<P> {
    const TEXT: &'static [u8; ID_BYTES + 1] = &terminated(P::ID);
}

/// With a zero byte at the end, as C wants it; refused by the compiler when it is too long.
const fn terminated(id: &str) -> [u8; ID_BYTES + 1] {
    let (bytes, mut whole, mut at) = (id.as_bytes(), [0; ID_BYTES + 1], 0);
    assert!(!bytes.is_empty() && bytes.len() <= ID_BYTES, "a plugin's ID has 1 to 32 characters");
    while at < bytes.len() {
        whole[at] = bytes[at];
        at += 1;
    }
    whole
}

/// The host's `send`, until it is closed.
struct Port {
    send: Send,
    ctx: *mut c_void,
    /// Held for reading while `send` runs, so that nothing is sent once `stop` has returned.
    is_open: RwLock<bool>,
}

// SAFETY: the treaty says of `send`: any thread, with the same `ctx`.
unsafe impl std::marker::Send for Port {}
// SAFETY: as above.
unsafe impl Sync for Port {}

impl Outlet for Port {
    fn send(&self, kind: Kind, id: u64, bytes: &[u8]) -> Sent {
        let is_open = self.is_open.read().unwrap_or_else(PoisonError::into_inner);
        if !*is_open {
            return Sent::Closed;
        }
        // SAFETY: the host's table is valid until `stop` returns, and `stop` closes this port first; the
        // bytes are borrowed for the call.
        let sent = unsafe { (self.send)(self.ctx, kind as u32, id, bytes.as_ptr(), bytes.len()) };
        Sent::from_number(sent)
    }

    fn end(&self, code: i32) {
        std::process::exit(code);
    }

    fn close(&self) {
        *self.is_open.write().unwrap_or_else(PoisonError::into_inner) = false;
    }
}

/// Reads the host's table, field by field and only as far as its size goes: an older host has a shorter one.
///
/// # Safety
/// `host` is null or points to a table of at least the size that it states.
unsafe fn port(host: *const HostTable) -> Option<Port> {
    if host.is_null() {
        return None;
    }
    // SAFETY: every version of the table begins with its size.
    let size = unsafe { addr_of!((*host).size).read() } as usize;
    if size < offset_of!(HostTable, send) + size_of::<Option<Send>>() {
        return None;
    }
    // SAFETY: the size covers both fields.
    let (ctx, send) = unsafe { (addr_of!((*host).ctx).read(), addr_of!((*host).send).read()) };
    Some(Port { send: send?, ctx, is_open: RwLock::new(true) })
}

/// # Safety
/// As the header says of `start`.
unsafe extern "C" fn start<P: Plugin>(
    host: *const HostTable,
    config: *const u8,
    length: usize,
) -> *mut c_void {
    let started = guarded(|| {
        // SAFETY: the host hands over a valid table and `length` bytes.
        let (port, config) = unsafe { (port(host)?, borrowed(config, length)) };
        started::<P>(port, config)
    });
    let Ok(Some(runtime)) = started else { return std::ptr::null_mut() };
    Box::into_raw(runtime).cast()
}

fn started<P: Plugin>(port: Port, config: &[u8]) -> Option<Box<Runtime<P>>> {
    let parsed = serde_json::from_slice::<HostHello>(config);
    let limits = parsed.as_ref().map(|config| config.limits).unwrap_or_default();
    let shared = Arc::new(Shared::new(Box::new(port), limits, P::QUEUE));
    logger::own_process(&shared);
    let runtime = match parsed {
        Ok(config) => Runtime::<P>::start(&shared, config).ok(),
        Err(e) => {
            let text = format!("the host's configuration cannot be read: {e}");
            shared.log(log::Level::Error, "start", &text);
            None
        }
    };
    if runtime.is_none() {
        // The host's table is gone once a refused start has returned.
        shared.stop_taking();
        shared.finish(std::time::Instant::now() + Duration::from_secs(1));
        logger::leave_process();
    }
    runtime.map(Box::new)
}

/// # Safety
/// As the header says of `recv`.
unsafe extern "C" fn recv<P: Plugin>(
    this: *mut c_void,
    kind: u32,
    id: u64,
    bytes: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: `this` is what `start` returned, and `stop` has not been called.
    let runtime = unsafe { &*this.cast::<Runtime<P>>() };
    // SAFETY: the host hands over `length` bytes for the call.
    let bytes = unsafe { borrowed(bytes, length) };
    guarded(|| runtime.recv(kind, id, bytes)).unwrap_or(Sent::Closed as i32)
}

/// # Safety
/// As the header says of `stop`.
unsafe extern "C" fn stop<P: Plugin>(this: *mut c_void, deadline_ms: u32) {
    // SAFETY: `this` is the box that `start` gave away, and the host never uses it again. Threads that have
    // not ended hold their own share of what is in it.
    let runtime = unsafe { Box::from_raw(this.cast::<Runtime<P>>()) };
    // A panic has been logged, and the process ends now.
    let _ = guarded(move || runtime.stop(Duration::from_millis(deadline_ms.into())));
    logger::leave_process();
}

/// # Safety
/// `bytes` is null, or points to `length` bytes that stay as they are for the call.
unsafe fn borrowed<'a>(bytes: *const u8, length: usize) -> &'a [u8] {
    if bytes.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { std::slice::from_raw_parts(bytes, length) }
}
