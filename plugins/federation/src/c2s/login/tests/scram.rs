//! SCRAM, bound to the TLS connection or not.

use super::*;

#[test]
fn the_right_proof_is_answered_by_ours() {
    let exporter = b"data of tls-exporter".as_slice();
    let end_point = b"data of tls-server-end-point".as_slice();
    for (name, gs2, channel) in [
        ("SCRAM-SHA-256", "n,,", b"".as_slice()),
        ("SCRAM-SHA-256", "n,a=ann@home.example,", b""),
        ("SCRAM-SHA-256", "n,a=ANN@home.example/desk,", b""),
        ("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", exporter),
        ("SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", end_point),
    ] {
        let mut line = Line::secure(&["tls-exporter", "tls-server-end-point"]);
        line.scram(name, gs2, channel, found());
        line.says("<success ");
        assert!(line.challenge().starts_with("v="), "{name} {gs2}");
        assert_eq!(line.outs.last(), Some(&Out::Restart));
        let who = line.login.who().unwrap();
        assert_eq!((who.address.as_str(), who.mechanism), ("ann@home.example", name));
        assert_eq!(who.account, account());
    }
    let mut unaware = Line::secure(&[]);
    unaware.scram("SCRAM-SHA-256", "y,,", b"", found());
    unaware.says("<success ");
}

#[test]
fn what_was_bound_to_something_else_or_taken_away_on_the_way_is_refused() {
    for (name, gs2) in [
        // It can bind, and was told that we cannot: somebody changed our offer.
        ("SCRAM-SHA-256", "y,,"),
        ("SCRAM-SHA-256", "p=tls-exporter,,"),
        ("SCRAM-SHA-256-PLUS", "n,,"),
        ("SCRAM-SHA-256-PLUS", "y,,"),
        ("SCRAM-SHA-256-PLUS", "p=tls-unique,,"),
    ] {
        let mut line = Line::secure(&["tls-exporter"]);
        line.auth(name, &format!("{gs2}n=ann,r=abc"));
        line.fails("not-authorized");
    }
    let mut other = Line::secure(&["tls-exporter"]);
    other.scram("SCRAM-SHA-256-PLUS", "p=tls-exporter,,", b"data of another connection", found());
    other.fails("not-authorized");
}

#[test]
fn a_wrong_proof_is_told_as_nothing_but_that_and_counted() {
    let mut unknown = Line::secure(&[]);
    unknown.scram("SCRAM-SHA-256", "n,,", b"", Told::NoKeys { is_counted: true });
    unknown.fails("not-authorized");
    let mut wrong = Line::secure(&[]);
    let others = Keys { stored: vec![1; 32], ..keys() };
    wrong.scram("SCRAM-SHA-256", "n,,", b"", Told::Keys(account(), others));
    wrong.fails("not-authorized");
    assert_eq!(unknown.said, wrong.said, "nobody learns which logins there are");
    let mut directory = Line::secure(&[]);
    directory.scram("SCRAM-SHA-256", "n,,", b"", Told::NoKeys { is_counted: false });
    assert_eq!((directory.outs.len(), &directory.said), (1, &wrong.said), "its client tries PLAIN next");
    let counted = Out::Failed { login: "ann".to_owned(), is_uncounted: true };
    assert_eq!((&unknown.outs[0], &wrong.outs[0]), (&counted, &counted));
    let mut plain = Line::secure(&[]);
    plain.auth("PLAIN", "\0ann\0wrong");
    plain.told(Told::Wrong);
    plain.fails("not-authorized");
    assert_eq!(plain.outs[0], Out::Failed { login: "ann".to_owned(), is_uncounted: false });
}

#[test]
fn a_login_that_nobody_has_gets_a_salt_that_stays_the_same() {
    let salt = |login: &str| {
        let mut line = Line::secure(&[]);
        line.auth("SCRAM-SHA-256", &format!("n,,n={login},r=abc"));
        line.told(Told::NoKeys { is_counted: true });
        line.challenge()
    };
    assert_eq!(salt("nobody"), salt("nobody"));
    assert_ne!(salt("nobody"), salt("nobody2"));
    assert!(salt("nobody").ends_with(",i=10000"), "{}", salt("nobody"));
}
