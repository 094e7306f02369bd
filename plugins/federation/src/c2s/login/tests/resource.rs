//! Binding and resuming.

use super::*;

#[test]
fn after_the_proof_a_resource_is_bound() {
    let mut line = Line::known();
    line.says("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><required/></bind>");
    line.says("<session xmlns='urn:ietf:params:xml:ns:xmpp-session'><optional/></session>");
    line.says("<sm xmlns='urn:xmpp:sm:3'/>");
    assert!(!line.said.contains("mechanism"), "{}", line.said);
    let bind =
        |resource: &str| format!("<iq type='set' id='b1'><bind xmlns='{}'>{resource}</bind></iq>", ns::BIND);
    for (resource, wanted) in [("<resource>desk</resource>", Some("desk")), ("<resource/>", None), ("", None)]
    {
        line.put(&bind(resource));
        let Some(Out::Bind(wish)) = line.outs.first().cloned() else { panic!("{:?}", line.outs) };
        assert_eq!(wish.resource.as_deref(), wanted);
        let outs = line.login.not_bound(&wish, "resource-constraint");
        line.note(outs);
        line.says("<iq type='error' id='b1'><error type='wait'><resource-constraint ");
    }
    line.put(&bind("<resource>desk</resource>"));
    let Some(Out::Bind(wish)) = line.outs.first().cloned() else { panic!("{:?}", line.outs) };
    let said = line.login.bound(&wish, "ann@home.example/desk");
    assert_eq!(
        said,
        "<iq type='result' id='b1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>\
         <jid>ann@home.example/desk</jid></bind></iq>"
    );
}

#[test]
fn before_a_resource_is_bound_nothing_else_goes() {
    for (text, condition) in [
        ("<message to='ben@home.example'><body>x</body></message>", "not-authorized"),
        ("<presence/>", "not-authorized"),
        ("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "not-authorized"),
        (
            "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGEAYg==</auth>",
            "policy-violation",
        ),
    ] {
        let mut line = Line::known();
        line.put(text);
        line.ended(condition);
    }
    let mut early = Line::secure(&[]);
    early.auth("PLAIN", "\0ann\0secret");
    early.told(Told::Right(account()));
    early.put(&format!("<iq type='set' id='b'><bind xmlns='{}'/></iq>", ns::BIND));
    early.ended("not-authorized");
}

#[test]
fn a_session_is_resumed_instead_or_a_resource_bound_after_all() {
    let mut line = Line::known();
    line.put("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    line.says("<failed xmlns='urn:xmpp:sm:3'><unexpected-request ");
    for wrong in ["<resume xmlns='urn:xmpp:sm:3'/>", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='many'/>"] {
        line.put(wrong);
        line.says("<failed xmlns='urn:xmpp:sm:3'><bad-request ");
    }
    line.put("<resume xmlns='urn:xmpp:sm:3' previd='x' h='4294967295'/>");
    assert_eq!(line.outs, [Out::Resume { id: "x".to_owned(), h: u32::MAX }]);
    let outs = line.login.not_resumed();
    line.note(outs);
    line.says("<failed xmlns='urn:xmpp:sm:3'><item-not-found ");
    line.put(&format!("<iq type='set' id='b'><bind xmlns='{}'/></iq>", ns::BIND));
    assert!(matches!(line.outs[0], Out::Bind(_)));
    let mut stranger = Line::secure(&[]);
    stranger.put("<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>");
    stranger.ended("unsupported-stanza-type");
}
