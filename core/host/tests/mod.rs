//! The host with real processes of real plugins. They need what `cargo build --workspace` leaves beside the
//! test binary: the program itself, and the libraries of the plugins `echo` and `faulty`.

mod bench;
mod conformance;
mod faults;
mod life;
mod manifests;
mod refusals;
