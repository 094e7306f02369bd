//! Every way in which a plugin can go wrong: it is put into words, the process is replaced where that is due,
//! and the others never notice.

use std::time::{Duration, Instant};

use jackfield_abi::ops::{Code, Limits};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde_json::{Value, json};

use super::bench::{Bench, SOON, ask_echo, fault, reaches, up};
use crate::host::{Host, State, Status};

/// Waits until a new process serves.
fn next_life(host: &Host, before: &Status) -> Status {
    let until = Instant::now() + SOON;
    loop {
        let status = up(host, &before.id);
        if status.pid != before.pid || Instant::now() > until {
            return status;
        }
        // The old process is still shown; its end is the next change.
        host.wait_for(&before.id, State::Backoff, Duration::from_millis(20));
    }
}

/// Sends the signal until the process ends: the first SIGSEGV is taken by the Rust runtime, which looks for an
/// overflow of the stack. A process that SIGSTOP has halted is ended by its supervisor.
fn signal(status: &Status, signal: Signal) {
    let pid = Pid::from_raw(status.pid.unwrap().try_into().unwrap()).unwrap();
    let process = pidfd_open(pid, PidfdFlags::empty()).unwrap();
    let short = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    while poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&short)).unwrap() == 0 {
        // It may end between the two.
        let _ = pidfd_send_signal(&process, signal);
    }
}

#[test]
fn a_process_that_dies_or_hangs_is_replaced_and_the_others_go_on() {
    let bench = Bench::new();
    let mut config = bench.config();
    config.pace.deaths = 100;
    let host = Host::start(config).unwrap();
    let echo = up(&host, "echo");
    let rows = [
        ("panic", "SIGABRT", "fault"),
        ("abort", "SIGABRT", "fault"),
        ("segv", "SIGSEGV", "fault"),
        ("exit", "exit code 3", "fault"),
        ("spin", "does not return from recv", "fault"),
        ("block", "does not return from recv", "fault"),
        ("spin_thread", "unanswered", "fault"),
        ("mute", "unanswered", "fault"),
        ("memory_hog", "SIGABRT", "fault"),
        ("log_flood_for_ever", "more lines than allowed", "fault"),
    ];
    for (how, words, op) in rows {
        let before = up(&host, "faulty");
        let answer = fault(&host, how).unwrap_err();
        assert!(matches!(answer.code, Code::Unavailable | Code::Timeout), "{how}: {answer:?}");
        assert!(ask_echo(&host).is_ok(), "{how}");
        let after = next_life(&host, &before);
        assert!(after.last_end.contains(words), "{how}: {}", after.last_end);
        assert!(after.last_end.contains(op), "{how}: {}", after.last_end);
        assert_eq!(after.restarts, before.restarts + 1, "{how}");
        assert_eq!(fault(&host, "none").unwrap()["status"], 200, "{how}");
    }
    assert_eq!(up(&host, "echo").pid, echo.pid);
}

#[test]
fn signals_from_outside_are_named() {
    let bench = Bench::new();
    let host = bench.host_up();
    let rows = [
        (Signal::KILL, "SIGKILL"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::STOP, "a signal has halted it"),
    ];
    for (number, words) in rows {
        let before = up(&host, "faulty");
        signal(&before, number);
        let after = next_life(&host, &before);
        assert!(after.last_end.contains(words), "{number:?}: {}", after.last_end);
    }
    assert!(ask_echo(&host).is_ok());
}

#[test]
fn what_breaks_the_treaty_is_turned_away_and_counted() {
    let bench = Bench::new();
    let host = bench.host_up();
    let before = up(&host, "faulty");
    let sent = |how: &str| fault(&host, how).unwrap()["body"]["sent"].clone();
    let rows =
        [("ask_with_even_id", 4), ("unknown_kind", 4), ("pong", 4), ("too_big", 3), ("hello_again", 0)];
    for (how, code) in rows {
        assert_eq!(sent(how), json!(code), "{how}");
    }
    assert_eq!(fault(&host, "reply_twice").unwrap()["body"], "first");
    assert_eq!(fault(&host, "reply_unknown").unwrap()["body"], Value::Null);
    assert_eq!(fault(&host, "not_json").unwrap_err().code, Code::Internal);
    assert_eq!(fault(&host, "none").unwrap()["status"], 200);
    let after = up(&host, "faulty");
    assert_eq!(after.pid, before.pid, "{}", after.last_end);
    // The second hello, the second reply, the unknown reply, the broken JSON.
    assert_eq!(after.misbehaviour, 4);
}

#[test]
fn a_plugin_that_talks_too_much_is_cut_short() {
    let bench = Bench::new();
    let mut config = bench.config();
    // A flood that ends is not to end the process here.
    config.timing.flood = Duration::from_secs(60);
    config.timing.unanswered = Duration::from_secs(60);
    let host = Host::start(config).unwrap();
    up(&host, "echo");
    let before = up(&host, "faulty");
    let (began, mut flood) = (Instant::now(), None);
    for how in ["ten_threads", "ask_flood", "log_flood"] {
        // Who fills its own queue may not get its answer out, until the flood is over.
        let answer = fault(&host, how);
        assert!(
            answer.is_ok() || answer.as_ref().is_err_and(|e| e.code == Code::Timeout),
            "{how}: {answer:?}"
        );
        let until = Instant::now() + SOON;
        while fault(&host, "none").is_err() {
            assert!(Instant::now() < until, "{how}: {:?}", up(&host, "faulty").last_end);
        }
        flood = answer.ok();
    }
    let status = up(&host, "faulty");
    assert_eq!(status.pid, before.pid, "{}", status.last_end);
    // How many lines get as far as the host depends on how fast it takes them; beyond the rate all of them are dropped.
    let admitted = u64::from(Limits::default().log_lines_per_second) * (began.elapsed().as_secs() + 2);
    let count = |field: &str| flood.as_ref().and_then(|told| told[field].as_u64()).unwrap_or_default();
    let arrived = count("lines") - count("busy");
    let dropped = status.dropped_lines;
    assert!(dropped > 0 && dropped + admitted >= arrived, "{dropped} of {arrived}, at most {admitted} kept");
    assert_eq!(status.last_lines.len(), 64);
    assert!(ask_echo(&host).is_ok());
}

#[test]
fn what_it_prints_and_logs_reaches_the_journal_without_control_bytes() {
    let bench = Bench::new();
    let host = bench.host_up();
    assert!(fault(&host, "log_control_bytes").is_ok());
    let lines = up(&host, "faulty").last_lines;
    assert!(lines.iter().any(|line| line.contains("[31mred  second line")), "{lines:?}");
    assert!(lines.iter().all(|line| line.len() < 9000 && !line.contains('\u{1b}')));
    assert!(fault(&host, "print").is_ok());
    // Printed lines come through a pipe of their own: the stop of the process flushes it.
    host.restart("faulty").unwrap();
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        let lines = up(&host, "faulty").last_lines.join("\n");
        if lines.contains("printed to standard output") && lines.contains("printed to standard error") {
            return;
        }
        host.wait_for("faulty", State::Stopping, Duration::from_millis(10));
    }
    panic!("{:?}", up(&host, "faulty").last_lines);
}

#[test]
fn five_deaths_quarantine_and_an_operator_clears() {
    let bench = Bench::new();
    let host = bench.host_up();
    for _ in 0..4 {
        let before = up(&host, "faulty");
        assert!(fault(&host, "exit").is_err());
        next_life(&host, &before);
    }
    assert!(fault(&host, "exit").is_err());
    let status = reaches(&host, "faulty", State::Quarantined);
    assert!(status.reason.contains("5 ends") && status.reason.contains("exit code 3"), "{}", status.reason);
    assert!(status.next_try.is_some());
    let refused = fault(&host, "none").unwrap_err();
    assert!(refused.code == Code::Unavailable && refused.msg.contains("5 ends"), "{refused:?}");
    assert!(host.restart("faulty").unwrap_err().contains("5 ends"));
    host.stop(SOON);
    // A restart of the appliance is no amnesty.
    let host = bench.host();
    reaches(&host, "faulty", State::Quarantined);
    host.clear_quarantine("faulty").unwrap();
    assert!(fault(&host, "none").is_ok());
}

#[test]
fn a_plugin_that_starts_badly_says_how() {
    let rows = [
        ("refuse", State::Backoff, "refused to start"),
        ("wrong_id", State::Refused, "somebody_else"),
        ("silent", State::Backoff, "did not say hello"),
        ("slow", State::Backoff, "did not say hello"),
        ("panic", State::Backoff, "SIGABRT"),
    ];
    let bench = Bench::new();
    for (start, state, words) in rows {
        bench.memory.0.lock().unwrap().clear();
        bench.services.settings.lock().unwrap().insert("faulty.start".into(), json!(start));
        let mut config = bench.config();
        config.timing.start = Duration::from_millis(400);
        config.pace.first_wait = Duration::from_secs(30);
        config.pace.longest_wait = Duration::from_secs(30);
        let host = Host::start(config).unwrap();
        let status = reaches(&host, "faulty", state);
        assert!(status.reason.contains(words), "{start}: {}", status.reason);
    }
}

#[test]
fn a_confined_process_reaches_nothing() {
    let bench = Bench::new();
    let host = bench.host_up();
    for how in ["try_exec", "try_read", "try_write", "try_socket"] {
        let answer = fault(&host, how).unwrap();
        assert_eq!(answer["body"]["allowed"], false, "{how}: {answer}");
    }
    let status = up(&host, "faulty");
    let descriptors = std::fs::read_dir(format!("/proc/{}/fd", status.pid.unwrap())).unwrap();
    let mut descriptors: Vec<u32> =
        descriptors.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    descriptors.sort_unstable();
    assert!(descriptors.len() <= 5, "{descriptors:?}");
    assert!(std::fs::read(format!("/proc/{}/environ", status.pid.unwrap())).unwrap().is_empty());
    let calls = status.confinement.iter().find(|measure| measure.name == "calls").unwrap();
    assert!(calls.is_enforced && calls.detail.contains("no sockets"), "{calls:?}");
    assert!(status.confinement.iter().any(|measure| measure.name == "files"));
}

#[test]
fn a_plugin_with_the_network_still_runs_and_writes_nothing() {
    let bench = Bench::new();
    let manifest = bench.manifest("faulty");
    bench.sign("faulty", &format!("net = [\"outbound\"]\n{manifest}"));
    let host = bench.host_up();
    let socket = fault(&host, "try_socket").unwrap();
    let error = socket["body"]["error"].as_str().unwrap_or_default();
    assert!(socket["body"]["allowed"] == true || error.contains("refused"), "{socket}");
    for how in ["try_exec", "try_write"] {
        assert_eq!(fault(&host, how).unwrap()["body"]["allowed"], false, "{how}");
    }
    let files = up(&host, "faulty").confinement.into_iter().find(|measure| measure.name == "files").unwrap();
    let read = fault(&host, "try_read").unwrap();
    assert_eq!(read["body"]["allowed"], !files.is_enforced, "{files:?} {read}");
}
