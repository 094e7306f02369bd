//! Loads a plugin's library and calls its three functions: the only place in the appliance that is not checked
//! by the compiler, and the only one that knows libloading. It trusts the library to keep to
//! `jackfield_plugin.h`; that trust is why the library is verified before and confined after, and why all this
//! happens in a process of its own.

#![allow(unsafe_code)]

use std::ffi::{CStr, c_void};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use jackfield_abi::table::{HostTable, PluginTable};
use jackfield_abi::{ABI, SYMBOL, Sent, frame::Frame};
use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};

use super::child::Inside;
use super::gate::Gate;
use super::refusal::{Refusal, Rule};

/// Keeps the library mapped for ever: threads and thread-local values may outlive any handle.
const RTLD_NODELETE: i32 = 0x1000;

/// A kind of message that this version of the treaty does not have.
const NO_KIND: u32 = 1000;

type Start = unsafe extern "C" fn(*const HostTable, *const u8, usize) -> *mut c_void;
type Recv = unsafe extern "C" fn(*mut c_void, u32, u64, *const u8, usize) -> i32;
type Stop = unsafe extern "C" fn(*mut c_void, u32);

/// A loaded library whose table has been read.
pub struct Library {
    /// Id that the table says.
    pub id: String,
    /// Version of the treaty that it was built with.
    pub abi: u32,
    start: Start,
    recv: Recv,
    stop: Stop,
}

/// A started plugin. It stays on the thread that made it, so its functions never overlap.
pub struct Instance {
    recv: Recv,
    stop: Stop,
    state: *mut c_void,
}

impl Library {
    /// Loads the library behind the descriptor and reads its table. Constructors of the library run here.
    pub fn load(code: &OwnedFd) -> Result<Self, Refusal> {
        let path = format!("/proc/self/fd/{}", code.as_raw_fd());
        // SAFETY: running the library's constructors is what loading means; it was verified before.
        let handle = unsafe { Handle::open(Some(&path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
        let handle = handle.map_err(|cause| {
            let sentence =
                format!("the library cannot be loaded: {cause}; install a release for this system");
            Refusal::new(Rule::NotALibrary, sentence)
        })?;
        // SAFETY: the symbol's name carries the major version, whose type is PluginTable.
        let symbol = unsafe { handle.get::<*const PluginTable>(SYMBOL) };
        let table = symbol.map(|symbol| *symbol).map_err(|_| absent())?;
        // The library is never unloaded, so the table stays where it is.
        let _ = handle.into_raw();
        // SAFETY: a data symbol of that name is a table, constant for as long as the library is mapped.
        let (size, abi) = unsafe { ((*table).size, (*table).abi) };
        if abi >> 16 != ABI >> 16 || (size as usize) < size_of::<PluginTable>() {
            return Err(other_abi(size, abi));
        }
        // SAFETY: the size covers all the fields of this version.
        read(unsafe { &*table })
    }

    /// Starts the plugin. None when it refuses.
    pub fn start(&self, gate: &'static Gate, config: &[u8]) -> Option<Instance> {
        let ctx = std::ptr::from_ref(gate).cast_mut().cast();
        let host = HostTable { size: table_size(), abi: ABI, ctx, send: Some(send) };
        // Leaked on purpose, once in the life of the process: a thread of the plugin may read it until the end.
        let host: &'static HostTable = Box::leak(Box::new(host));
        // SAFETY: the table lives for ever, the config for the call.
        let state = unsafe { (self.start)(host, config.as_ptr(), config.len()) };
        (!state.is_null()).then_some(Instance { recv: self.recv, stop: self.stop, state })
    }
}

impl Inside for Instance {
    fn recv(&mut self, frame: &Frame) -> bool {
        // SAFETY: the state is the one that start gave; the bytes live for the call.
        let taken = unsafe {
            (self.recv)(self.state, frame.kind as u32, frame.id, frame.bytes.as_ptr(), frame.bytes.len())
        };
        taken == 0
    }

    fn recv_unknown(&mut self) {
        let content = b"{}";
        // SAFETY: as above.
        unsafe { (self.recv)(self.state, NO_KIND, 0, content.as_ptr(), content.len()) };
    }

    fn stop(self: Box<Self>, deadline: Duration) {
        let milliseconds = u32::try_from(deadline.as_millis()).unwrap_or(u32::MAX);
        // SAFETY: the state is the one that start gave, and nothing is called with it afterwards.
        unsafe { (self.stop)(self.state, milliseconds) }
    }
}

fn table_size() -> u32 {
    // 24 bytes; the layout is tested beside the table.
    size_of::<HostTable>() as u32
}

fn read(table: &PluginTable) -> Result<Library, Refusal> {
    let (Some(start), Some(recv), Some(stop)) = (table.start, table.recv, table.stop) else {
        let sentence = "the library's table lacks start, recv or stop; the plugin must be built again";
        return Err(Refusal::new(Rule::NotALibrary, sentence));
    };
    if table.id.is_null() {
        return Err(Refusal::new(
            Rule::Identity,
            "the library's table has no id; the plugin must be built again",
        ));
    }
    // SAFETY: the treaty says that the id is a text that ends with a zero byte.
    let id = unsafe { CStr::from_ptr(table.id) }.to_string_lossy().into_owned();
    Ok(Library { id, abi: table.abi, start, recv, stop })
}

fn absent() -> Refusal {
    let sentence = format!(
        "the library does not export {SYMBOL}: it is no plugin, or built for another major version of the plugin \
         interface; install the plugin's release for this appliance"
    );
    Refusal::new(Rule::Abi, sentence)
}

fn other_abi(size: u32, abi: u32) -> Refusal {
    let sentence = format!(
        "the library's table is of version {}.{} with {size} bytes, this appliance speaks {}.{}; install the \
         plugin's release for this appliance",
        abi >> 16,
        abi & 0xffff,
        ABI >> 16,
        ABI & 0xffff
    );
    Refusal::new(Rule::Abi, sentence)
}

/// Closes every descriptor from that one on: what the appliance itself inherited from whoever started it is
/// nothing to a plugin. Must come before this process has opened anything.
pub fn close_from(first: u32) -> std::io::Result<()> {
    // SAFETY: nothing in this process owns a descriptor yet but the three standard ones.
    match unsafe { libc::close_range(first, u32::MAX, 0) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// What a plugin calls to send.
///
/// # Safety
/// `ctx` is the one of the host's table, and `bytes` has `length` bytes.
unsafe extern "C" fn send(ctx: *mut c_void, kind: u32, id: u64, bytes: *const u8, length: usize) -> i32 {
    // SAFETY: the context is the gate, which lives for ever.
    let Some(gate) = (unsafe { ctx.cast::<Gate>().as_ref() }) else { return Sent::Closed as i32 };
    if length == 0 {
        return gate.take(kind, id, &[]) as i32;
    }
    if bytes.is_null() || isize::try_from(length).is_err() {
        return gate.refuse() as i32;
    }
    // SAFETY: the treaty says that there are that many bytes, borrowed for the call.
    gate.take(kind, id, unsafe { std::slice::from_raw_parts(bytes, length) }) as i32
}
