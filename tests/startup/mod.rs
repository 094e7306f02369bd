//! What keeps the appliance from starting. Each refusal is exit code 1 and one sentence on standard error
//! that names the thing and the remedy; what was there before is there unchanged. This file has the
//! configuration file and the addresses; the rest is one file for each thing that may be wrong.

mod certificate;
mod database;
mod master_key;
mod state;
mod stopping;

use std::fs;
use std::net::TcpListener;
use std::time::Duration;

use crate::harness::*;

/// An appliance that has not been started, with a log that is silent unless something is wrong.
pub fn quiet() -> Appliance {
    Appliance::laid_out(quietly)
}

/// A configuration file with a log that is silent unless something is wrong.
pub fn quietly(config: String) -> String {
    config.replace("level = \"info\"", "level = \"error\"")
}

/// An appliance that has run and was stopped in order.
pub fn stopped() -> Appliance {
    let mut appliance = Appliance::start_with(quietly);
    appliance.stop();
    appliance
}

/// Checks that `serve` ends with exit code 1 and one sentence that says all of this; answers the sentence.
#[track_caller]
pub fn refused(appliance: &Appliance, words: &[&str]) -> String {
    check_refusal(appliance.cli(&["serve"], ""), words)
}

#[track_caller]
fn check_refusal(outcome: Outcome, words: &[&str]) -> String {
    let Outcome { code, stdout, stderr } = outcome;
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    let sentence = stderr.trim_end();
    assert_eq!(sentence.lines().count(), 1, "not one sentence: {sentence}");
    for word in words {
        assert!(sentence.contains(word), "it does not say {word:?}: {sentence}");
    }
    sentence.to_owned()
}

#[test]
fn every_mistake_in_the_configuration_file_is_named_with_its_remedy() {
    let table: &[(&str, &str, &[&str])] = &[
        ("listen =", "lisen =", &["unknown key lisen in [http]", "did you mean listen?"]),
        ("[storage]", "[storge]", &["unknown section [storge]", "did you mean storage?"]),
        ("\"127.0.0.1:0\"", "8443", &["http.listen must be text in quotes, not integer"]),
        (
            "\"127.0.0.1:0\"",
            "\"localhost\"",
            &["http.listen must be an IP address and a port", "\"localhost\""],
        ),
        ("\"127.0.0.1:0\"", "[]", &["http.listen must name 1 to 16 addresses"]),
        ("path = \"state\"", "path = 5", &["storage.path must be text in quotes, not integer"]),
        ("path = \"state\"", "path = \"state", &["line 3 is not TOML"]),
        ("[plugins]", "[plugins]\ndir = \"x\"", &["line 10 is not TOML: duplicate key"]),
        ("\"error\"", "\"eror\"", &["unknown value \"eror\" of log.level", "did you mean error?"]),
        (
            "[http]",
            "[http]\ncert = \"c.pem\"",
            &["http.cert is set but http.key is not", "give both, or neither"],
        ),
        (
            "[http]",
            "[http]\nkey = \"k.pem\"",
            &["http.key is set but http.cert is not", "give both, or neither"],
        ),
    ];
    for (right, wrong, words) in table {
        let appliance = Appliance::laid_out(|config| quietly(config).replace(right, wrong));
        let sentence = refused(&appliance, words);
        assert!(sentence.starts_with("In the configuration file "), "{sentence}");
        assert!(sentence.contains(&appliance.config().display().to_string()), "{sentence}");
        assert!(snapshot(&appliance.state()).is_empty(), "{sentence}: the state folder was touched");
    }
}

#[test]
fn a_missing_configuration_file_is_named_with_the_way_to_name_another() {
    let appliance = quiet();
    fs::remove_file(appliance.config()).unwrap();
    let config = appliance.config().display().to_string();
    refused(&appliance, &["Cannot read the configuration file", &config, "No such file", "--config FILE"]);
    assert!(snapshot(&appliance.state()).is_empty());
}

#[test]
fn a_configuration_file_that_is_not_text_is_refused() {
    let appliance = quiet();
    fs::write(appliance.config(), [0xff, 0xfe, 0x00]).unwrap();
    refused(&appliance, &["Cannot read the configuration file", "UTF-8"]);
}

#[test]
fn a_taken_port_is_named_with_the_way_to_find_who_has_it() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let mut appliance = Appliance::laid_out(|config| quietly(config).replace("127.0.0.1:0", &address));
    let words = [
        &format!("cannot listen on {address}"),
        "another program listens there",
        "ss -ltnp",
        "open the door",
    ];
    refused(&appliance, &words);
    drop(holder);
    appliance.resume();
    appliance.anonymous().get("/claim").expect(200);
}

#[test]
fn an_address_that_is_not_ours_is_named() {
    let appliance = Appliance::laid_out(|config| quietly(config).replace("127.0.0.1:0", "192.0.2.1:8443"));
    refused(&appliance, &["cannot listen on 192.0.2.1:8443", "has no such address", "ip address"]);
}

/// Counted in the processor's time, of which a machine that is busy with others takes no more.
#[test]
fn a_start_costs_less_than_a_second_and_says_how_long_it_took() {
    let appliance = Appliance::start();
    let spent = processor_time(appliance.pid());
    assert!(spent < Duration::from_secs(1), "the start took {spent:?} of the processor's time");
    let log = appliance.log();
    let took = log.split("ready after ").nth(1).and_then(|rest| rest.split(" ms").next());
    assert!(took.is_some_and(|ms| ms.parse::<u64>().is_ok()), "no start time in {log}");
}

/// What a process has used so far, in user and in system mode (proc(5): fields 14 and 15, in ticks of 10 ms).
fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process is there");
    let (_, after_name) = stat.rsplit_once(')').expect("a name in parentheses");
    let ticks =
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}
