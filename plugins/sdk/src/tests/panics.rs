//! A panic in each of the plugin's functions: logged with its place, answered, and the end of the process.

use super::*;
use crate::Kind;

/// What every panic but those of `start` and `stop` leads to.
fn ends_with_101(bench: &Bench) {
    assert_eq!(bench.exit_code(), Some(101));
    assert!(bench.has_logged("the plugin's code panicked at "));
    assert!(bench.logs().iter().any(|line| line.target == "panic" && line.msg.contains("tests.rs:")));
}

#[test]
fn in_a_request_it_is_answered_and_ends_the_process() {
    let bench = probe();
    let failure = bench.request("try", doing("panic")).unwrap_err();
    assert_eq!(failure.code, Code::Panic);
    assert!(failure.msg.contains("`try`"), "{}", failure.msg);
    ends_with_101(&bench);
}

#[test]
fn the_host_hears_everything_before_the_process_ends() {
    let bench = probe();
    assert_eq!(code(bench.request("try", doing("panic"))), Code::Panic);
    assert_eq!(bench.exit_code(), Some(101));
    let told = bench.asked("state.report").pop().unwrap();
    assert_eq!(told["state"], "failed");
}

#[test]
fn the_instance_is_not_used_again() {
    let bench = probe();
    let (broken, waiting) = (bench.ask("try", doing("panic")), bench.ask("try", doing("colour")));
    assert_eq!(code(broken.wait()), Code::Panic);
    assert_eq!(code(waiting.wait()), Code::Unavailable);
    bench.stop(Duration::from_secs(1));
    assert!(bench.logs().iter().all(|line| !line.msg.starts_with("stopping")));
}

#[test]
fn in_an_event_it_ends_the_process() {
    let bench = probe();
    bench.event("account.changed", "panic");
    ends_with_101(&bench);
}

#[test]
fn in_new_settings_it_ends_the_process() {
    let bench = probe();
    let changed = bench.change_settings(json!({"probe.colour": "blue", "probe.panics_in": "settings"}));
    assert_eq!(code(changed), Code::Panic);
    ends_with_101(&bench);
}

#[test]
fn in_ready_it_ends_the_process() {
    ends_with_101(&host().setting("probe.colour", "panic").start::<Probe>().unwrap());
}

#[test]
fn in_on_message_it_is_answered_and_ends_the_process() {
    let bench = probe();
    assert_eq!(bench.recv(Kind::Request as u32, 1000, b"panic"), 0);
    assert!(bench.sent(Kind::Error).iter().any(|frame| frame.id == 1000));
    ends_with_101(&bench);
}

#[test]
fn in_a_thread_of_the_plugins_own_it_ends_the_process() {
    let bench = probe();
    assert_eq!(bench.request("try", doing("thread")), Ok(json!({})));
    ends_with_101(&bench);
}

#[test]
fn in_start_it_refuses_the_start() {
    let refused = host().setting("probe.panics_in", "start").start::<Probe>().unwrap_err();
    assert_eq!(refused.code, Code::Panic);
}

#[test]
fn in_stop_it_is_logged_and_the_rest_of_stopping_goes_on() {
    let bench = host().setting("probe.colour", "sticky").start::<Probe>().unwrap();
    bench.stop(Duration::from_secs(1));
    assert!(bench.has_logged("the plugin's code panicked at "));
}
