//! A network of a test's own (a network namespace of Linux): nothing is in it but what the test puts there. Deleted when
//! dropped. Needs root.

use std::fs::File;
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The namespace.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one, with its loopback up.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let new = Self { name: format!("jackfield-{}-{count}", std::process::id()) };
        run("ip", &["netns", "add", &new.name]);
        new.ip(&["link", "set", "lo", "up"]);
        new
    }

    /// Its name for `ip netns`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is as a file.
    pub fn path(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// The calling thread, and all that it starts, is in it from now on.
    pub fn enter(&self) {
        let link = File::open(self.path()).expect("the namespace is there");
        let moved = move_into_link_name_space(link.as_fd(), Some(LinkNameSpaceType::Network));
        moved.expect("the thread moves (needs root)");
    }

    /// Runs `ip` in it.
    #[track_caller]
    pub fn ip(&self, args: &[&str]) {
        self.run("ip", args);
    }

    /// Runs a program of iproute2 in it.
    #[track_caller]
    pub fn run(&self, program: &str, args: &[&str]) {
        run(program, &[&["-n", self.name.as_str()], args].concat());
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // A test that fails already must not fail once more.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

#[track_caller]
fn run(program: &str, args: &[&str]) {
    let done = Command::new(program).args(args).output().expect("iproute2 is installed");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{program} {}: {said}", args.join(" "));
}
