//! The two tables of functions, laid out as in `jackfield_plugin.h`.

use std::ffi::{c_char, c_void};

/// What the host gives; valid from `start` until `stop` has returned.
#[repr(C)]
pub struct HostTable {
    /// Size of this structure as the host knows it, in bytes.
    pub size: u32,
    /// [`crate::ABI`] of the host.
    pub abi: u32,
    /// Handed back in every call.
    pub ctx: *mut c_void,
    /// Any thread: queues one message.
    pub send: Option<unsafe extern "C" fn(*mut c_void, u32, u64, *const u8, usize) -> i32>,
}

/// What the plugin gives. The functions never overlap.
#[repr(C)]
pub struct PluginTable {
    /// Size of this structure as the plugin knows it, in bytes.
    pub size: u32,
    /// [`crate::ABI`] the plugin was built with.
    pub abi: u32,
    /// As in its manifest; ends with a zero byte.
    pub id: *const c_char,
    /// Once, first: the plugin's own state, or null for refused.
    pub start: Option<unsafe extern "C" fn(*const HostTable, *const u8, usize) -> *mut c_void>,
    /// After start and before stop: takes one message.
    pub recv: Option<unsafe extern "C" fn(*mut c_void, u32, u64, *const u8, usize) -> i32>,
    /// Once, last.
    pub stop: Option<unsafe extern "C" fn(*mut c_void, u32)>,
}

#[allow(unsafe_code)]
// SAFETY: the table is constant data; its pointers lead to constants and functions.
unsafe impl Sync for PluginTable {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::mem::{offset_of, size_of};

    #[test]
    fn the_layout_is_the_headers() {
        assert_eq!(size_of::<HostTable>(), 24);
        assert_eq!((offset_of!(HostTable, ctx), offset_of!(HostTable, send)), (8, 16));
        assert_eq!(size_of::<PluginTable>(), 40);
        assert_eq!((offset_of!(PluginTable, id), offset_of!(PluginTable, start)), (8, 16));
        assert_eq!((offset_of!(PluginTable, recv), offset_of!(PluginTable, stop)), (24, 32));
    }
}
