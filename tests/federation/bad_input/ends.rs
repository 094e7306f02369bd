//! Partners that leave in the middle of things: by half, with a reset, without reading, with a farewell while much waits.

use std::net::Shutdown;

use super::*;

/// A question of x's that home.example answers with much text.
fn asks(id: &str, to: &str) -> String {
    format!(
        "<iq type='get' from='x@far.example' to='{to}' id='{id}'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    )
}

#[test]
fn a_half_closed_stream_is_ended_and_what_came_before_is_done() {
    alone(|_, _| {
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        line.say(&asks("half", "home.example"));
        line.shut(Shutdown::Write);
        assert!(line.hear_out().ends_with("</stream:stream>"), "it is ended as it should be");
        friend.hears("half");
    });
}

#[test]
fn a_reset_in_the_middle_of_a_stanza_delivers_nothing() {
    alone(|_, _| {
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        line.say("<message from='x@far.example' to='ann@home.example'><body>half a mes");
        line.reset();
        let mut other = Friend::stream();
        other.say(&asks("after-reset", "home.example"));
        friend.hears("after-reset");
    });
}

#[test]
fn an_unknown_resource_and_user_are_answered_by_what_is_due() {
    within(HOSTS, |_| {
        let row = json!({"domain": "far.example", "policy": "plain_dialback", "confirm_plain": true});
        let (_appliance, admin) = home(&[row]);
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        for to in ["ann@home.example/nowhere", "nobody@home.example"] {
            line.say(&asks(&format!("to {to}"), to));
            friend.hears(&format!("to {to}"));
        }
        let heard = friend.heard();
        assert_eq!(heard.matches("<service-unavailable ").count(), 2, "{heard}");
        assert!(!heard.contains("type='result'"), "nothing says which of them exists: {heard}");
        // RFC 6121 section 8.5.3.2.1: a chat message to a resource that is gone is for the account.
        line.say("<message type='chat' from='x@far.example' to='ann@home.example/nowhere' id='m'><body>a</body></message>");
        assert!(awaited(SOON, || (kept(&admin) == 1).then_some(())).is_some(), "it is not kept");
    });
}

/// 100,000 questions have answers of some 60 MB; what waits for a partner is 2,000 stanzas at most.
#[test]
fn a_partner_that_asks_and_never_reads_costs_little() {
    alone(|_, admin| {
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        line.say(&asks("first", "home.example"));
        friend.hears("first");
        friend.reads_no_more();
        let before = resident(admin);
        for _ in 0..100 {
            line.say(&asks("flood", "home.example").repeat(1000));
        }
        let queued = || {
            let link = link(admin, "out", |_| true);
            link["queued"].as_u64().expect("a number")
        };
        assert!(queued() <= 2000, "{} stanzas wait", queued());
        let after = resident(admin);
        assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB while a partner does not read");
    });
}

#[test]
fn a_farewell_while_much_waits_loses_nothing_that_can_still_go() {
    alone(|_, admin| {
        let friend = Friend::at("127.0.1.2");
        let mut line = Friend::stream();
        line.say(&asks("first", "home.example"));
        friend.hears("first");
        friend.takes_leave();
        line.say(&(0..100).map(|n| asks(&format!("queued-{n}."), "home.example")).collect::<String>());
        // The next link takes what the one before did not.
        for n in [0, 50, 99] {
            friend.hears(&format!("queued-{n}."));
        }
        link(admin, "out", |link| link["state"] == "up");
    });
}
