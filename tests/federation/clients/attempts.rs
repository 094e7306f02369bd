//! Wrong passwords: who is stopped by them, who is not, and that nobody learns which logins there are.

use std::net::Ipv4Addr;

use rustls::ALL_VERSIONS;

use super::super::scram::Prover;
use super::super::secure::{CLIENT, Secure, any_certificate};
use super::{Home, PASSWORD};
use crate::door::line::dial;
use crate::harness::plugin;

/// Many people's address.
const OFFICE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);

fn from(home: &Home, ip: Ipv4Addr) -> Secure {
    let socket = dial(ip, (Ipv4Addr::LOCALHOST, home.direct).into()).expect("the port takes connections");
    let mut line = Secure::over(socket, any_certificate(ALL_VERSIONS, CLIENT), "home.example");
    line.open();
    line
}

/// Tries wrong proofs of these logins in turn; how many were looked at, and what the last one was told.
fn guess<'a>(home: &Home, ip: Ipv4Addr, logins: impl IntoIterator<Item = &'a str>) -> (usize, String) {
    let (mut looked_at, mut told) = (0, String::new());
    let logins: Vec<_> = logins.into_iter().collect();
    for some in logins.chunks(4) {
        let mut line = from(home, ip);
        for login in some {
            line.auth("SCRAM-SHA-256", &format!("n,,n={login},r=abc"));
            let said = line.hear("</");
            if said.contains("<challenge") {
                line.hear(">");
                line.response("c=biws,r=no nonce,p=bm90aGluZw==");
                told = line.hear("</failure>");
            } else {
                told = said + &line.hear("</failure>");
            }
            looked_at += usize::from(told.contains("<not-authorized/>"));
        }
    }
    (looked_at, told)
}

fn gets_in(home: &Home, login: &str, ip: Ipv4Addr) -> bool {
    let mut line = from(home, ip);
    line.auth("PLAIN", &format!("\0{login}\0{PASSWORD}"));
    let said = line.hear(">");
    said.contains("<success")
}

#[test]
fn a_telephone_with_an_old_password_stops_only_its_user_and_only_there() {
    let home = Home::new();
    assert_eq!(guess(&home, OFFICE, ["ben"; 40]).0, 5);
    assert!(!gets_in(&home, "ben", OFFICE), "it might be a guess");
    assert!(gets_in(&home, "ann", OFFICE), "a colleague behind the same address");
    assert!(gets_in(&home, "ben", Ipv4Addr::new(127, 0, 0, 2)), "the same person elsewhere");
}

#[test]
fn a_right_password_forgives_the_wrong_ones() {
    let home = Home::new();
    for _ in 0..2 {
        assert_eq!(guess(&home, OFFICE, ["ben"; 4]).0, 4);
        assert!(gets_in(&home, "ben", OFFICE));
    }
}

#[test]
fn a_login_is_not_guessed_from_many_addresses_and_one_that_nobody_has_looks_alike() {
    let home = Home::new();
    let told = ["ben", "nobody"].map(|login| {
        let from = |n| guess(&home, Ipv4Addr::new(127, 0, 1, n), [login; 8]);
        let looked_at: usize = (1..6).map(|n| from(n).0).sum();
        assert_eq!(looked_at, 10, "{login}");
        let (_, told) = from(7);
        assert!(
            told.contains("<temporary-auth-failure/>") && told.contains("too many wrong passwords"),
            "{told}"
        );
        told.replace(|c: char| c.is_ascii_digit(), "")
    });
    assert_eq!(told[0], told[1]);
    assert!(!gets_in(&home, "ben", Ipv4Addr::new(127, 0, 1, 8)));
}

#[test]
fn who_tries_many_logins_is_stopped_and_others_go_on() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &[]);
    let pid = plugin(&home.admin, "federation")["pid"].clone();
    let stranger = Ipv4Addr::new(127, 0, 2, 1);
    let logins: Vec<_> = (0..400).map(|n| format!("login{}", n % 100)).collect();
    assert_eq!(guess(&home, stranger, logins.iter().map(String::as_str)).0, 300);
    assert!(!gets_in(&home, "ben", stranger));
    assert!(gets_in(&home, "ben", OFFICE));
    ann.pings();
    assert_eq!(plugin(&home.admin, "federation")["pid"], pid);
    let mut proved = from(&home, OFFICE);
    proved.proves(&mut Prover::new("ben", PASSWORD), "n,,", &[]);
}
