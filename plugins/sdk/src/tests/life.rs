//! Starting and stopping.

use super::*;

#[test]
fn the_greeting_names_the_plugin() {
    let hello = probe().hello().unwrap();
    assert_eq!((hello.id.as_str(), hello.version.as_str()), ("probe", "1.2.3"));
    assert_eq!(hello.ops, Probe::OPS);
}

#[test]
fn a_refused_start_says_why() {
    let refused = FakeHost::new().start::<Probe>().unwrap_err();
    assert!(refused.msg.contains("colour"), "{}", refused.msg);
}

#[test]
fn the_host_cannot_be_asked_before_start_has_returned() {
    let refused = FakeHost::new().setting("probe.colour", "ask").start::<Probe>().unwrap_err();
    assert!(refused.msg.contains("in `ready`"), "{}", refused.msg);
}

#[test]
fn ready_can_ask_the_host() {
    let told = probe().wait_asked("state.report").unwrap();
    assert_eq!(told, json!({"state": "up", "reason": "painting in red"}));
}

#[test]
fn a_plugin_that_is_not_ready_ends_its_process() {
    let bench = FakeHost::new().setting("probe.colour", "unready").start::<Probe>().unwrap();
    assert_eq!(bench.exit_code(), Some(1));
    assert!(bench.has_logged("there is no paint"));
}

#[test]
fn stopping_wakes_what_runs_and_refuses_what_waits() {
    let bench = probe();
    let running = bench.ask("try", doing("block"));
    assert!(bench.has_logged("blocked"));
    let waiting = bench.ask("try", doing("colour"));
    bench.stop(Duration::from_secs(5));
    assert_eq!(running.wait(), Ok(json!("released")));
    assert_eq!(code(waiting.wait()), Code::Unavailable);
    assert!(bench.has_logged("stopping in red"));
}

#[test]
fn stopping_ends_a_call_that_waits_for_the_host() {
    let (release, released) = channel::<()>();
    let silent = move |_| {
        // Ends when the test drops its half.
        let _ = released.recv_timeout(Duration::from_secs(10));
        Ok(json!({}))
    };
    let bench = host().answer("secret.get", silent).start::<Probe>().unwrap();
    let asked = bench.ask("try", doing("sum"));
    assert!(bench.wait_asked("secret.get").is_some());
    bench.stop(Duration::from_secs(5));
    assert_eq!(code(asked.wait()), Code::Unavailable);
    drop(release);
}

#[test]
fn a_request_that_does_not_end_is_refused_at_the_deadline() {
    let bench = host().setting("probe.colour", "sticky").start::<Probe>().unwrap();
    let asked = bench.ask("try", doing("block"));
    assert!(bench.has_logged("blocked"));
    bench.stop(Duration::from_millis(50));
    assert_eq!(code(asked.wait()), Code::Unavailable);
    assert!(bench.has_logged("did not end"));
}
