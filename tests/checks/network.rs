//! Names and networks as a site has them: a name server with odd answers, networks without a route. In a network
//! namespace with nothing else in it.

use std::net::{IpAddr, Ipv4Addr};

use serde_json::{Value, json};

use super::ports::Stub;
use super::{outcome, probe};
use crate::federation::network::within_names;
use crate::harness::*;

/// Records of one name for all of these addresses, as an option of dnsmasq for each.
fn records(name: &str, addresses: impl IntoIterator<Item = IpAddr>) -> Vec<String> {
    addresses.into_iter().map(|address| format!("--address=/{name}/{address}")).collect()
}

/// Probes of an appliance in a network whose name server answers so.
fn asked(records: &[String], tries: impl FnOnce(&dyn Fn(&str, Value) -> Value) + Send) {
    within_names(&[], records, |network| {
        // To the one there is a route that leads nowhere, to all others none at all.
        network.space().ip(&["route", "add", "unreachable", "198.51.100.0/24"]);
        let mut appliance = Appliance::laid_out(|config| config);
        appliance.launch_by(network.launcher());
        appliance.resume();
        let client = appliance.admin();
        tries(&|op, args| probe(&client, op, &args));
    });
}

#[test]
fn hosts_and_networks_that_cannot_be_reached_are_told_apart() {
    asked(&[], |probe| {
        for (address, reason) in
            [("198.51.100.7", "host_unreachable"), ("203.0.113.7", "network_unreachable")]
        {
            let port = probe("tcp.probe", json!({"address": address, "port": 3211}));
            assert_eq!(outcome(&port), ("unreachable", reason), "{port:#}");
            let clock = probe("ntp.query", json!({"address": address}));
            assert_eq!(outcome(&clock), ("no_answer", reason), "{clock:#}");
            let page = probe("http.date", json!({"url": format!("http://{address}/")}));
            assert_eq!(outcome(&page), ("no_answer", "unreachable"), "{page:#}");
        }
    });
}

#[test]
fn a_name_with_a_hundred_addresses_costs_a_few_questions_and_says_so() {
    let addresses = (1..=100).map(|n| IpAddr::from([127, 0, 9, n]));
    asked(&records("many.example", addresses), |probe| {
        let name = probe("dns.lookup", json!({"name": "many.example"}));
        assert_eq!((&name["verdict"], &name["found"]), (&json!("ok"), &json!(100)), "{name:#}");
        assert_eq!(name["addresses"].as_array().map(Vec::len), Some(16), "{name:#}");
        let port = probe("tcp.probe", json!({"address": "many.example", "port": 3211}));
        assert_eq!((outcome(&port), &port["found"]), (("refused", "refused"), &json!(100)), "{port:#}");
        let tried = port["asked"].as_u64().expect("a count");
        assert!(tried <= 4, "{port:#}");
        let words = format!("the name has 100 addresses, of which {tried} were tried");
        assert!(port["words"].as_str().is_some_and(|said| said.ends_with(&words)), "{port:#}");
    });
}

#[test]
fn every_address_of_a_name_is_tried_by_itself() {
    let quiet = || Stub::start(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())));
    let both = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    asked(&records("both.example", both), |probe| {
        let stub = quiet();
        let port = probe("tcp.probe", json!({"address": "both.example", "port": stub.address.port()}));
        assert_eq!((outcome(&port), &port["open"]), (("refused", "refused"), &json!(false)), "{port:#}");
        let words = port["words"].as_str().unwrap_or_default();
        assert!(words.contains("1 of 2 addresses that were tried are open"), "{port:#}");
    });
}
