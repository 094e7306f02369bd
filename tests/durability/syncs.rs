//! An acknowledged write has reached the disk, and writers at once share the trip: counted with strace at the
//! system calls themselves.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use super::person;
use crate::harness::*;

const WRITES: usize = 50;

/// Watches a running process for calls that wait for the disk.
struct Trace {
    strace: Process,
    file: PathBuf,
}

impl Trace {
    /// Attaches to every thread; returns once they are watched.
    fn attach(appliance: &Appliance) -> Self {
        let file = appliance.folder().join("strace");
        let mut command = Command::new("strace");
        command.args(["-f", "-y", "-e", "trace=fsync,fdatasync", "-o"]).arg(&file);
        command.args(["-p", &appliance.pid().to_string()]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut strace = Process::start(&mut command);
        let mut told = BufReader::new(strace.child().stderr.take().expect("piped"));
        let mut line = String::new();
        told.read_line(&mut line).expect("strace says what it does");
        assert!(line.contains("attached"), "strace cannot watch the appliance: {line}");
        // What else it says is kept in the pipe, which it never fills.
        strace.child().stderr = Some(told.into_inner());
        Self { strace, file }
    }

    /// Detaches, and answers how often a file of the database was synchronised.
    fn syncs(mut self) -> usize {
        self.strace.signal(Signal::INT);
        self.strace.wait(Duration::from_secs(10));
        let seen = fs::read_to_string(&self.file).expect("strace writes its file");
        let begun = seen.lines().filter(|line| line.contains("sync(") && line.contains("/jackfield.db"));
        begun.count()
    }
}

#[test]
fn every_acknowledged_write_was_synchronised_first() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    let trace = Trace::attach(&appliance);
    for n in 0..WRITES {
        admin.post("/accounts", &person(&format!("user{n}"))).expect(201);
    }
    let syncs = trace.syncs();
    assert!(syncs >= WRITES, "{WRITES} writes one after another were acknowledged after only {syncs} syncs");
}

#[test]
fn writers_at_once_share_commits() {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    site(&admin);
    // What the appliance writes of its own accord when its scripts and their checks begin is not to be counted.
    appliance.await_up(&["scripts", "workbench"]);
    for name in admin.get("/hooks").expect(200).column("name") {
        admin.delete(&format!("/hooks/{name}"), "*").expect(204);
    }
    let count = |name| admin.figure(&format!("jackfield_db_{name}_total"));
    let before = (count("commits"), count("writes"));
    std::thread::scope(|scope| {
        for writer in 0..WRITES {
            let admin = admin.clone();
            scope.spawn(move || {
                for n in 0..4 {
                    admin.post("/accounts", &person(&format!("user{writer}-{n}"))).expect(201);
                }
            });
        }
    });
    let (commits, writes) = (count("commits") - before.0, count("writes") - before.1);
    assert_eq!(writes, 4.0 * WRITES as f64);
    assert!(commits < writes, "{writes} writes of {WRITES} clients at once took {commits} commits");
}
