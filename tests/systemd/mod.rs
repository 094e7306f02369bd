//! What systemd is told, by its own protocol (sd_notify(3)): readiness, status, the stop, the watchdog. A
//! booted systemd is the package's test.

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::harness::*;

const SOON: Duration = Duration::from_secs(10);
const WATCHDOG: Duration = Duration::from_millis(600);

/// An appliance run as a service: nobody reads its output, systemd listens.
struct Service {
    process: Process,
    manager: UnixDatagram,
    // Dropped last: its folder is the service's.
    appliance: Appliance,
}

impl Service {
    fn start(appliance: Appliance, environment: &[(&str, String)]) -> Self {
        let socket = appliance.folder().join("manager.sock");
        let manager = UnixDatagram::bind(&socket).unwrap();
        let mut serve = appliance.command(&["serve"]);
        serve.env("NOTIFY_SOCKET", &socket).envs(environment.iter().map(|(name, value)| (name, value)));
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self { process: Process::start(&mut serve), manager, appliance }
    }

    fn watched(appliance: Appliance) -> Self {
        Self::start(appliance, &[("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())])
    }

    /// The next message; `None` when none came in time.
    fn hears(&self, within: Duration) -> Option<String> {
        if !is_readable(&self.manager, within) {
            return None;
        }
        let mut message = [0; 4096];
        let length = self.manager.recv(&mut message).unwrap();
        Some(String::from_utf8(message[..length].to_vec()).unwrap())
    }

    /// Waits for a message with that line.
    #[track_caller]
    fn awaits(&self, line: &str) -> String {
        let deadline = Instant::now() + SOON;
        let mut heard = Vec::new();
        while let Some(message) = self.hears(deadline.saturating_duration_since(Instant::now())) {
            if message.lines().any(|one| one == line) {
                return message;
            }
            heard.push(message);
        }
        panic!("systemd did not hear {line:?} within {SOON:?}, but {heard:?}");
    }

    /// How many watchdog pings come within that time.
    fn pings(&self, within: Duration) -> usize {
        let deadline = Instant::now() + within;
        let mut pings = 0;
        while let Some(message) = self.hears(deadline.saturating_duration_since(Instant::now())) {
            pings += usize::from(message.lines().any(|line| line == "WATCHDOG=1"));
        }
        pings
    }
}

#[test]
fn readiness_comes_with_a_status_and_once_the_door_is_open() {
    let service = Service::start(Appliance::laid_out(|config| config), &[]);
    let told = service.awaits("READY=1");
    let status = told.lines().find_map(|line| line.strip_prefix("STATUS=")).expect("a status");
    let address = status.strip_prefix("serving https://").expect("where it serves").trim_end_matches('/');
    std::net::TcpStream::connect(address).expect("the door is open when readiness is told");
}

#[test]
fn the_stop_is_told_before_it_begins() {
    let mut service = Service::start(Appliance::laid_out(|config| config), &[]);
    service.awaits("READY=1");
    service.process.signal(Signal::TERM);
    service.awaits("STOPPING=1");
    assert_eq!(service.process.wait(SOON).code(), Some(0));
    assert_eq!(service.hears(Duration::ZERO), None, "something was told after the stop");
}

#[test]
fn a_start_that_fails_never_tells_readiness() {
    let appliance = Appliance::laid_out(|config| config);
    std::fs::write(appliance.state().join("jackfield.db"), "Dear diary").unwrap();
    let mut service = Service::start(appliance, &[]);
    assert_eq!(service.process.wait(SOON).code(), Some(1));
    while let Some(message) = service.hears(Duration::ZERO) {
        assert!(!message.contains("READY=1"), "{message}");
    }
    assert!(!service.appliance.state().join("control.sock").exists());
}

#[test]
fn the_watchdog_is_fed_well_within_its_time() {
    let service = Service::watched(Appliance::laid_out(|config| config));
    service.awaits("READY=1");
    for _ in 0..6 {
        let waited = Instant::now();
        service.awaits("WATCHDOG=1");
        assert!(waited.elapsed() < WATCHDOG, "a ping took {:?} of {WATCHDOG:?}", waited.elapsed());
    }
}

#[test]
fn a_process_that_stands_still_does_not_feed_the_watchdog() {
    let service = Service::watched(Appliance::laid_out(|config| config));
    service.awaits("WATCHDOG=1");
    service.process.signal(Signal::STOP);
    service.pings(WATCHDOG / 3);
    assert_eq!(service.pings(WATCHDOG * 3), 0);
    service.process.signal(Signal::CONT);
    service.awaits("WATCHDOG=1");
}

#[test]
fn nobody_is_pinged_who_did_not_ask() {
    let service = Service::start(Appliance::laid_out(|config| config), &[]);
    service.awaits("READY=1");
    assert_eq!(service.pings(Duration::from_millis(2500)), 0);
}

#[test]
fn a_watchdog_meant_for_another_process_is_not_fed() {
    let environment = [("WATCHDOG_USEC", "600000".to_owned()), ("WATCHDOG_PID", "1".to_owned())];
    let service = Service::start(Appliance::laid_out(|config| config), &environment);
    service.awaits("READY=1");
    assert_eq!(service.pings(WATCHDOG * 3), 0);
}

/// A restart frees no space: it would only take the readers' service away, again and again.
#[test]
fn a_full_disk_does_not_starve_the_watchdog() {
    let appliance = Appliance::laid_out(|config| config);
    // Declared first, so that it is dropped last: its folder can go once the disk is unmounted.
    let service;
    let disk = SmallDisk::mount(&appliance.state());
    service = Service::watched(appliance);
    service.awaits("WATCHDOG=1");
    disk.fill();
    service.pings(WATCHDOG);
    assert!(service.pings(WATCHDOG * 4) > 0, "systemd would kill the appliance because its disk is full");
}
