//! Two and three appliances, each in a network of its own, and what befalls machines: a power cut, another address, an
//! impostor, a clock that is a day wrong, a cable that is pulled. After each, within a minute: everybody's presence is
//! right on every side, nobody is there twice, and every message is there once.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use super::lan::{self, Lan, Place};
use super::sister::{MINUTE, SOON, Sister, certify};
use crate::harness::*;

/// What people are doing, one after the other.
const STATES: [&str; 5] = ["busy", "in_call", "do_not_disturb", "in_meeting", "away"];
const DAY: i64 = 86_400;

/// Appliances that are each other's peers, with one person each.
struct Company<'a> {
    lan: &'a Lan,
    sites: Vec<Site>,
    /// Texts that were written, by the two sites in order.
    written: BTreeMap<(usize, usize), Vec<String>>,
    round: usize,
}

struct Site {
    place: Place,
    sister: Sister,
    /// Id of its person's account; the login is the enterprise's id.
    person: String,
}

impl Site {
    fn address(&self) -> String {
        format!("{}@{}", self.sister.enterprise, self.sister.domain())
    }

    /// What the person of another site is shown to be doing; none: they are not there exactly once.
    fn sees(&self, other: &Self) -> Option<Value> {
        let mut found = self.sister.contacts();
        found.retain(|contact| contact["login_id"] == other.sister.enterprise);
        match found.as_slice() {
            [one] => Some(self.sister.state(one["id"].as_str().expect("an id"))),
            _ => None,
        }
    }
}

impl<'a> Company<'a> {
    /// Appliances of these names, numbered from 1, whose clocks are that many seconds ahead.
    fn new(lan: &'a Lan, names: &[(&str, i64)]) -> Self {
        let hosts: Vec<String> = names.iter().map(|(name, _)| format!("{name}.example")).collect();
        let numbered: Vec<(&str, u8)> = hosts.iter().map(String::as_str).zip(1..).collect();
        lan.name(&numbered);
        let start = |(name, number): (&str, u8), (enterprise, clock): (&str, i64)| {
            let place = lan.place(number);
            let sister = Sister::within(lan, &place, name, enterprise, clock);
            let person = sister.account(enterprise);
            Site { place, sister, person }
        };
        let sites = std::thread::scope(|scope| {
            let begun: Vec<_> = numbered
                .iter()
                .zip(names)
                .map(|(numbered, name)| scope.spawn(|| start(*numbered, *name)))
                .collect();
            begun.into_iter().map(|site| site.join().expect("it starts")).collect()
        });
        let company = Self { lan, sites, written: BTreeMap::new(), round: 0 };
        for (inviting, invited) in company.pairs() {
            let code = company.sites[inviting].sister.invite()["code"].clone();
            company.sites[invited].sister.accept(code.as_str().expect("a code")).expect(201);
        }
        company
    }

    /// Each two sites once.
    fn pairs(&self) -> Vec<(usize, usize)> {
        let all = 0..self.sites.len();
        all.clone().flat_map(|one| (0..one).map(move |other| (other, one))).collect()
    }

    /// Each two sites in both directions.
    fn ways(&self) -> Vec<(usize, usize)> {
        self.pairs().into_iter().flat_map(|(one, other)| [(one, other), (other, one)]).collect()
    }

    /// The person of one site writes to that of another.
    #[track_caller]
    fn write(&mut self, from: usize, to: usize) {
        let all = self.written.entry((from.min(to), from.max(to))).or_default();
        let text = format!("{from} to {to}, number {}", all.len());
        all.push(text.clone());
        let (from, to) = (&self.sites[from].sister, self.sites[to].address());
        let stored = from.write(&from.enterprise, &to, &text);
        assert!(stored["id"].is_string(), "{stored:#}");
    }

    /// Everybody does something else, and writes to everybody; all of it must be seen on every side within a minute.
    #[track_caller]
    fn is_right(&mut self) {
        let until = Instant::now() + MINUTE;
        self.round += 1;
        let does: Vec<&str> =
            (0..self.sites.len()).map(|site| STATES[(self.round + site) % STATES.len()]).collect();
        for (site, does) in self.sites.iter().zip(&does) {
            site.sister.put_state(&site.person, does);
        }
        self.ways().into_iter().for_each(|(from, to)| self.write(from, to));
        for (here, there) in self.ways() {
            let (here, other) = (&self.sites[here], &self.sites[there]);
            let left = || until.saturating_duration_since(Instant::now());
            let is_seen = awaited(left(), || here.sees(other).filter(|state| state == does[there]).map(drop));
            let why = || format!("{:#} {:#?}", here.sister.peering(), here.sister.contacts());
            assert!(
                is_seen.is_some(),
                "{} is {:?}, not {}, at {}",
                other.address(),
                here.sees(other),
                does[there],
                why()
            );
            let has_gone =
                awaited(left(), || (here.sister.waiting(&other.sister.domain()) == 0).then_some(()));
            assert!(has_gone.is_some(), "messages wait: {}", why());
        }
        self.holds_everything_once();
    }

    /// No contact, no peer, no trusted server and no message is missing or there twice.
    #[track_caller]
    fn holds_everything_once(&self) {
        let others = self.sites.len() - 1;
        for Site { sister, .. } in &self.sites {
            assert_eq!(sister.contacts().len(), others, "{:#?}", sister.contacts());
            for list in ["/peers", "/trusted-servers"] {
                assert_eq!(sister.admin.get(list).expect(200).items().len(), others, "{list}");
            }
        }
        for ((one, other), written) in &self.written {
            let (one, other) = (&self.sites[*one], &self.sites[*other]);
            for (here, there) in [(one, other), (other, one)] {
                let (mut found, mut wanted) =
                    (here.sister.talk(&here.address(), &there.address()), written.clone());
                found.sort();
                wanted.sort();
                assert_eq!(found, wanted, "at {}", here.address());
            }
        }
    }

    /// The first site shows how far the clock of the second is ahead.
    #[track_caller]
    fn tells_clock(&self, ahead: i64) {
        let north = &self.sites[0].sister;
        let told = north.status(&north.peer())["link"]["clock_ahead"].as_i64().expect("seconds");
        assert!((told - ahead).abs() < 60, "{told} is not {ahead}");
    }

    /// Starts a site's appliance anew, with a clock that is so many seconds ahead.
    fn restart(&mut self, site: usize, clock_ahead: i64) {
        let Site { place, sister, .. } = &mut self.sites[site];
        sister.appliance.launch_by(self.lan.launcher(place, clock_ahead));
        sister.appliance.stop();
        sister.resume();
    }
}

#[test]
fn three_appliances_get_over_a_power_cut_and_a_new_address() {
    lan::within(|lan| {
        let mut company = Company::new(lan, &[("north", 0), ("south", 0), ("east", 0)]);
        company.is_right();
        company.sites[1].sister.appliance.kill9();
        company.write(0, 1);
        let north = &company.sites[0].sister;
        let gone = |peer: &Value| peer["status"] == "unreachable" && peer["link"]["last_good"].is_string();
        let is_said = || north.peering()["peers"].as_array().expect("peers").iter().any(gone).then_some(());
        assert!(awaited(MINUTE, is_said).is_some(), "{:#}", north.peering());
        company.sites[1].sister.resume();
        company.is_right();
        // Another address and another name, while it runs. Nobody but itself can tell where it is now.
        lan.name(&[("north.example", 1), ("moved.example", 12), ("east.example", 3)]);
        let Site { place, sister, .. } = &mut company.sites[1];
        place.readdress(12);
        let fingerprint = certify(sister.appliance.folder(), &["moved.example"]);
        let token = sister.appliance.token("moved", "admin");
        sister.admin = Client::new(sister.appliance.address(), &fingerprint).with_token(&token);
        let shown = || sister.admin.call("GET", "/peering").try_send();
        assert!(awaited(SOON, shown).is_some(), "the new certificate is not taken up");
        for Site { sister, .. } in [&company.sites[0], &company.sites[2]] {
            let follows = || {
                let names = [("/trusted-servers", "address"), ("/peers", "hostname")]
                    .map(|(list, field)| sister.admin.get(list).expect(200).column(field));
                names.iter().all(|names| names.contains(&"moved.example".to_owned())).then_some(())
            };
            assert!(awaited(MINUTE, follows).is_some(), "{:#}", sister.peering());
        }
        company.is_right();
    });
}

#[test]
fn two_appliances_get_over_clocks_that_are_a_day_wrong_and_an_impostor() {
    lan::within(|lan| {
        // Invited, certified and joined by somebody who lives tomorrow; then yesterday, with what was made tomorrow.
        let mut company = Company::new(lan, &[("north", 0), ("south", DAY)]);
        company.is_right();
        company.tells_clock(DAY);
        company.restart(1, -DAY);
        company.is_right();
        company.tells_clock(-DAY);
        company.restart(1, 0);
        company.is_right();
        let north = &company.sites[0].sister;
        assert!(north.status(&north.peer())["link"]["clock_ahead"].is_null());
        // Another machine of that name at that address, with a key of its own, is let in by nobody.
        let own = company.sites[1].sister.us()["fingerprint"].clone();
        company.sites[1].sister.appliance.stop();
        let impostor = Sister::within(lan, &company.sites[1].place, "south.example", "south", 0);
        impostor.invite();
        company.write(0, 1);
        let north = &company.sites[0].sister;
        let status = north.await_status(MINUTE, &["certificate_mismatch"]);
        for (side, key) in [("expected", own), ("found", impostor.us()["fingerprint"].clone())] {
            let wanted = format!("{} for south.example", key.as_str().expect("a fingerprint"));
            assert_eq!(status["link"][side], wanted, "{status:#}");
        }
        let doctor = north.admin.get("/doctor").expect(200).json.to_string();
        assert!(doctor.contains("certificate mismatch"), "{doctor}");
        assert_eq!(north.waiting(&company.sites[1].sister.domain()), 1);
        drop(impostor);
        company.sites[1].sister.resume();
        company.is_right();
    });
}

#[test]
fn a_cable_that_is_pulled_parts_nobody_else_and_loses_nothing() {
    lan::within(|lan| {
        let mut company = Company::new(lan, &[("north", 0), ("south", 0), ("east", 0)]);
        company.is_right();
        lan.cut(&company.sites[2].place);
        for (from, to) in company.ways() {
            company.write(from, to);
        }
        let [north, south, east] = company.sites.as_slice() else { panic!("three") };
        north.sister.put_state(&north.person, "out_of_office");
        for (here, there, wanted) in [
            (south, north, "out_of_office"),
            (north, east, "unknown"),
            (south, east, "unknown"),
            (east, north, "unknown"),
            (east, south, "unknown"),
        ] {
            let is_seen = awaited(MINUTE, || here.sees(there).filter(|state| state == wanted));
            assert!(is_seen.is_some(), "{}: {:#}", here.address(), here.sister.peering());
        }
        let peers = east.sister.peering()["peers"].clone();
        assert!(
            peers.as_array().expect("peers").iter().all(|peer| peer["status"] == "unreachable"),
            "{peers:#}"
        );
        assert_eq!(
            (south.sister.waiting(&north.sister.domain()), south.sister.waiting(&east.sister.domain())),
            (0, 1)
        );
        lan.heal(&company.sites[2].place);
        company.is_right();
    });
}
