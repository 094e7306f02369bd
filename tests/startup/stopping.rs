//! How it stops: in time, in order, whatever clients do.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;
use rustls::{ClientConnection, StreamOwned};

use super::*;

const STOP_WITHIN: Duration = Duration::from_secs(5);

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connected(appliance: &Appliance) -> Tls {
    let address: SocketAddr = appliance.address();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let name = rustls::pki_types::ServerName::from(address.ip());
    StreamOwned::new(ClientConnection::new(appliance.anonymous().tls(), name).unwrap(), socket)
}

fn read_some(stream: &mut Tls) -> String {
    let mut bytes = [0; 4096];
    let length = stream.read(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

#[test]
fn a_stop_ends_an_idle_connection() {
    let mut appliance = Appliance::start();
    let mut idle = connected(&appliance);
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: box\r\n\r\n").unwrap();
    assert!(read_some(&mut idle).starts_with("HTTP/1.1 200 "));
    let took = appliance.stop();
    assert!(took < Duration::from_secs(2), "an idle connection held up the stop for {took:?}");
    let mut rest = Vec::new();
    // With or without TLS's goodbye, which the next test is about.
    let _ = idle.read_to_end(&mut rest);
    assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
}

/// RFC 8446 section 6.1: each side sends close_notify before it closes, so that nobody takes a cut for an end.
#[test]
fn a_stop_takes_leave_of_an_idle_connection() {
    let mut appliance = Appliance::start();
    let mut idle = connected(&appliance);
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: box\r\n\r\n").unwrap();
    assert!(read_some(&mut idle).starts_with("HTTP/1.1 200 "));
    appliance.stop();
    let ended = idle.read_to_end(&mut Vec::new());
    assert!(ended.is_ok(), "the idle connection was cut without close_notify: {ended:?}");
}

#[test]
fn a_stop_does_not_wait_for_a_slow_body() {
    let mut appliance = Appliance::start();
    let mut slow = connected(&appliance);
    let head = "POST /api/v1/claim HTTP/1.1\r\nHost: box\r\nContent-Type: application/json\r\n";
    slow.write_all(format!("{head}Content-Length: 900000\r\n\r\n{{\"code\":").as_bytes()).unwrap();
    slow.flush().unwrap();
    appliance.anonymous().get("/claim").expect(200);
    assert!(appliance.stop() <= STOP_WITHIN);
}

#[test]
fn a_stop_does_not_wait_for_silent_connections() {
    let mut appliance = Appliance::start();
    let silent: Vec<_> = (0..20).map(|_| TcpStream::connect(appliance.address()).unwrap()).collect();
    let took = appliance.stop();
    assert!(
        took < Duration::from_secs(2),
        "{} silent connections held up the stop for {took:?}",
        silent.len()
    );
}

#[test]
fn a_request_that_runs_is_answered_before_the_stop() {
    let mut appliance = Appliance::start();
    let admin = appliance.admin();
    let posted = std::thread::spawn(move || admin.post("/enterprises", &enterprise_body("acme")).status);
    appliance.stop();
    let status = posted.join();
    appliance.resume();
    let kept = appliance.admin().get("/enterprises/acme").status;
    // Refused because it came too late is as good as done; done and lost is not.
    assert!(status.is_err() || kept == 200, "it was answered {status:?} and then read with {kept}");
}

#[test]
fn an_interrupt_stops_as_well_as_a_termination() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut appliance = quiet();
        appliance.resume();
        let pid = rustix::process::Pid::from_raw(appliance.pid().try_into().unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        let took = appliance.ended();
        assert!(took <= STOP_WITHIN, "{signal:?} took {took:?}");
        appliance.resume();
    }
}

#[test]
fn a_stop_while_metrics_are_read_ends_in_order() {
    let mut appliance = Appliance::start();
    for _ in 0..8 {
        let (client, done) = (appliance.anonymous(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let _ = client.root("GET", "/metrics").try_send();
                    }
                });
            }
            let before = client.root("GET", "/metrics").send().expect(200);
            assert!(before.bytes.len() > 100);
            let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| appliance.stop()));
            done.store(true, Ordering::Relaxed);
            if let Err(cause) = stopped {
                std::panic::resume_unwind(cause);
            }
        });
        appliance.resume();
    }
}

#[test]
fn nothing_but_the_state_is_left_after_a_stop() {
    let appliance = stopped();
    let names: Vec<_> = snapshot(&appliance.state())
        .into_keys()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, ["backups", "jackfield.db", "lock", "master.key"]);
}
