//! Figures that plugins tell of themselves stand among the appliance's own.

use std::time::Duration;

use rustix::process::Signal;

use super::order;
use crate::harness::*;

const SOON: Duration = Duration::from_secs(20);

/// The value of a figure; none: it is not there.
fn figure(client: &Client, name: &str) -> Option<f64> {
    let page = client.root("GET", "/metrics").send().expect(200);
    let text = String::from_utf8(page.bytes).expect("text");
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().expect("a number"))
}

#[test]
fn a_plugin_s_figures_are_told_while_it_serves() {
    let appliance = Appliance::with_plugins(&["echo", "federation"]);
    let admin = appliance.admin();
    assert_eq!(figure(&admin, "jackfield_echo_answers_total"), Some(0.0));
    (0..3).for_each(|_| drop(admin.get("/echo").expect(200)));
    assert_eq!(figure(&admin, "jackfield_echo_answers_total"), Some(3.0));
    assert_eq!(figure(&admin, "jackfield_federation_links{state=\"up\"}"), Some(0.0));
    assert_eq!(figure(&admin, "jackfield_federation_clients"), Some(0.0));
    assert_eq!(figure(&admin, "jackfield_plugin_metrics_refused{plugin=\"echo\"}"), Some(0.0));
    order(&admin, "echo", "disable").expect(200);
    assert_eq!(figure(&admin, "jackfield_echo_answers_total"), None);
    assert_eq!(figure(&admin, "jackfield_federation_clients"), Some(0.0));
}

#[test]
fn a_plugin_that_hangs_keeps_only_its_own_figures_back() {
    let appliance = Appliance::with_plugins(&["echo", "federation"]);
    let admin = appliance.admin();
    let halted = plugin(&admin, "echo");
    signal(&halted, Signal::STOP);
    assert_eq!(figure(&admin, "jackfield_echo_answers_total"), None);
    assert_eq!(figure(&admin, "jackfield_federation_clients"), Some(0.0));
    signal(&halted, Signal::CONT);
    let back = || figure(&admin, "jackfield_echo_answers_total");
    assert!(awaited(SOON, back).is_some(), "they are told again");
}
