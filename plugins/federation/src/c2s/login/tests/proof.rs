//! What all mechanisms have in common.

use super::*;

#[test]
fn a_first_message_may_come_later() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let mut line = Line::secure(&[]);
        line.put(&format!("<auth xmlns='{}' mechanism='{mechanism}'/>", ns::SASL));
        line.says("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
        line.response(if mechanism == "PLAIN" { "\0ann\0secret" } else { "n,,n=ann,r=abc" });
        assert!(matches!(line.outs[0], Out::Ask(_)), "{:?}", line.outs);
    }
}

#[test]
fn what_is_no_proof_has_its_own_name() {
    for (mechanism, text, condition) in [
        ("PLAIN", "", "malformed-request"),
        ("PLAIN", "ann", "malformed-request"),
        ("PLAIN", "\0ann\0", "malformed-request"),
        ("PLAIN", "\0ann\0a\0b", "malformed-request"),
        ("PLAIN", "\0\0secret", "not-authorized"),
        ("PLAIN", "ben@home.example\0ann\0secret", "invalid-authzid"),
        ("PLAIN", "ann@other.example\0ann\0secret", "invalid-authzid"),
        ("SCRAM-SHA-256", "n,a=ben@home.example,n=ann,r=abc", "invalid-authzid"),
        ("SCRAM-SHA-256", "x", "malformed-request"),
        ("SCRAM-SHA-256-PLUS", "n,,n=ann,r=abc", "invalid-mechanism"),
        ("EXTERNAL", "x", "invalid-mechanism"),
        ("", "x", "invalid-mechanism"),
    ] {
        let mut line = Line::secure(&[]);
        if text.is_empty() {
            line.put(&format!("<auth xmlns='{}' mechanism='{mechanism}'>=</auth>", ns::SASL));
        } else {
            line.auth(mechanism, text);
        }
        line.fails(condition);
    }
    let mut line = Line::secure(&[]);
    line.put(&format!("<auth xmlns='{}' mechanism='PLAIN'>*</auth>", ns::SASL));
    line.fails("incorrect-encoding");
    line.response("n,,n=ann,r=abc");
    line.fails("malformed-request");
    line.put(&format!("<abort xmlns='{}'/>", ns::SASL));
    line.fails("aborted");
}

#[test]
fn attempts_on_one_connection_are_bounded() {
    let mut line = Line::secure(&[]);
    for _ in 0..4 {
        line.auth("PLAIN", "\0ann\0wrong");
        line.told(Told::Wrong);
        line.fails("not-authorized");
        assert!(!line.outs.contains(&Out::Close));
    }
    line.auth("PLAIN", "\0ann\0wrong");
    line.told(Told::Wrong);
    line.ended("policy-violation");
}

#[test]
fn what_cannot_be_checked_now_is_told_in_words_and_is_nobody_s_fault() {
    for mechanism in ["PLAIN", "SCRAM-SHA-256"] {
        let mut line = Line::secure(&[]);
        for _ in 0..20 {
            line.auth(mechanism, if mechanism == "PLAIN" { "\0ann\0secret" } else { "n,,n=ann,r=abc" });
            line.told(Told::Later("the directory does not answer".to_owned()));
            line.fails("temporary-auth-failure");
            line.says("<text>the directory does not answer</text>");
        }
        let outs = line.login.turned_away("wait");
        line.note(outs);
        line.fails("temporary-auth-failure");
    }
}
