//! PLAIN.

use super::*;

#[test]
fn a_password_in_clear_is_checked_by_the_appliance() {
    let mut line = Line::secure(&["tls-exporter"]);
    line.auth("PLAIN", "\0ann\\40corp.example\0s\u{e9}cret");
    let Some(Out::Ask(Ask::Check { login, domain, password })) = line.outs.first() else {
        panic!("{:?}", line.outs)
    };
    assert_eq!(
        (login.as_str(), domain.as_str(), password.reveal()),
        ("ann@corp.example", "home.example", "s\u{e9}cret")
    );
    line.told(Told::Right(account()));
    line.says("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    assert_eq!(line.login.who().unwrap().address.as_str(), "ann\\40corp.example@home.example");
    // Typed as the account has it, it is the same.
    let mut raw = Line::secure(&[]);
    raw.auth("PLAIN", "\0ann@corp.example\0x");
    raw.told(Told::Right(account()));
    assert_eq!(raw.login.who().unwrap().address.as_str(), "ann\\40corp.example@home.example");
}
