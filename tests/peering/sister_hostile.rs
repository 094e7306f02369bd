//! What no sister appliance says: wrong frames, wrong order, codes of others, somebody else's domain. Each ends with words,
//! and everything else goes on.

use serde_json::{Value, json};

use super::raw::{Actor, Line, inside};
use super::sister::{SOON, Sister};
use crate::harness::*;

/// An appliance with a peer that the test plays, trusted by an invitation.
pub fn played() -> (Sister, Actor) {
    let (north, actor) = (Sister::new("north.example", "north"), Actor::new("south.example"));
    let code = inside(north.invite()["code"].as_str().expect("a code"));
    open(&north);
    let answer = actor.redeem(north.listens, &code, "south");
    assert_eq!((&answer["type"], &answer["enterprise"]), (&json!("redeemed"), &json!("north")), "{answer}");
    (north, actor)
}

#[track_caller]
fn open(north: &Sister) {
    let is_open = || std::net::TcpStream::connect(north.listens).ok().map(drop);
    assert!(awaited(SOON, is_open).is_some(), "the port is not open");
}

/// A link that stands.
#[track_caller]
fn link(north: &Sister, actor: &Actor) -> Line {
    let mut line = actor.connect(north.listens);
    line.say(&actor.hello("south", "north"));
    line.hear_of("hello");
    // Nobody plays the directory that is asked for.
    north.await_status(SOON, &["connected", "syncing"]);
    line
}

#[test]
fn a_stranger_learns_nothing() {
    let (north, _actor) = played();
    let stranger = Actor::new("stranger.example");
    for (frame, code) in [
        (stranger.hello("south", "north"), "not_trusted"),
        (stranger.hello("south", "nobody"), "not_trusted"),
        (json!({"type": "enterprises"}), "not_trusted"),
        (json!({"type": "ping", "n": 1}), "bad_frame"),
        (json!({"type": "directory_get"}), "bad_frame"),
        (json!({"type": "messages", "items": []}), "bad_frame"),
        (json!({"type": "nonsense"}), "bad_frame"),
        (json!([1, 2]), "bad_frame"),
    ] {
        let mut line = stranger.connect(north.listens);
        line.say(&frame);
        let answer = line.hear_of("refuse");
        assert_eq!(answer["code"], code, "{frame} {answer}");
        assert_eq!(line.hear(), None, "the connection ends");
    }
    // Who has the name of a peer and another key is told what was compared, and so is the administrator.
    let namesake = Actor::new("south.example");
    let mut line = namesake.connect(north.listens);
    line.say(&namesake.hello("south", "north"));
    let answer = line.hear_of("refuse");
    assert_eq!(answer["code"], "certificate_mismatch", "{answer}");
    north.await_status(SOON, &["certificate_mismatch"]);
}

#[test]
fn frames_that_are_too_large_or_no_frames_end_the_connection_alone() {
    let (north, actor) = played();
    let mut good = link(&north, &actor);
    let stranger = Actor::new("stranger.example");
    for bytes in [
        &[0xff; 4][..],
        &[0, 0, 0x20, 1],
        &[0, 0, 0, 4, b'n', b'u', b'l', b'l'],
        &[0, 0, 0, 3, 0xff, 0xfe, 0xfd],
        &[0, 0, 0, 0],
    ] {
        let mut line = stranger.connect(north.listens);
        line.write(bytes);
        assert_eq!(line.hear_of("refuse")["code"], "bad_frame", "{bytes:?}");
        assert_eq!(line.hear(), None);
    }
    // No TLS at all, and TLS that is broken off.
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]] {
        let mut socket = std::net::TcpStream::connect(north.listens).expect("a connection");
        let _ = std::io::Write::write_all(&mut socket, bytes);
    }
    good.say(&json!({"type": "ping", "n": 7}));
    assert_eq!(good.hear_of("pong")["n"], 7);
    // A peer that is trusted has a larger bound, and one all the same.
    good.write(&[0, 4, 0, 1]);
    assert_eq!(good.hear_of("refuse")["code"], "bad_frame");
    north.await_status(SOON, &["unreachable"]);
    link(&north, &actor);
}

#[test]
fn frames_that_a_link_has_no_use_for_end_it() {
    let (north, actor) = played();
    for frame in [
        actor.hello("south", "north"),
        json!({"type": "redeem", "invitation": "x", "secret": "y", "party": {
            "enterprise": "south", "hostname": "south.example", "address": "127.0.0.1:9"}}),
        json!({"type": "directory_page", "epoch": "", "from_start": true, "entries": [], "gone": [], "next": {"change": 1},
            "more": false, "total": 0}),
        json!({"type": "presence", "items": vec![json!({"key": "k", "state": "busy"}); 501]}),
        json!({"type": "enterprises"}),
    ] {
        let mut line = link(&north, &actor);
        line.say(&frame);
        assert_eq!(line.hear_of("refuse")["code"], "bad_frame", "{frame}");
    }
    let state = north.admin.get("/plugins/peering").expect(200).json;
    assert_ne!(state["state"], "backoff", "{state:#}");
}

#[test]
fn a_code_does_not_serve_another_and_few_guesses_are_borne() {
    let (north, actor) = played();
    let invitation = north.invite();
    let code = inside(invitation["code"].as_str().expect("a code"));
    let path = format!("/peering/invitations/{}", invitation["id"].as_str().expect("an id"));
    let state = || north.admin.get(&path).expect(200).json["state"].clone();
    // One whose name is none of its certificate's.
    let mut liar = Actor::new("liar.example");
    liar.name = "victim.example".to_owned();
    assert_eq!(liar.redeem(north.listens, &code, "liar")["code"], "certificate_mismatch");
    assert_eq!(state(), "open");
    let thief = Actor::new("thief.example");
    let guess = json!({"i": code["i"], "s": "wrong"});
    for _ in 0..5 {
        let answer = thief.redeem(north.listens, &guess, "thief");
        assert_eq!(answer["code"], "invitation", "{answer}");
    }
    assert_eq!(state(), "void");
    let answer = actor.redeem(north.listens, &code, "south");
    assert!(answer["detail"].as_str().unwrap().contains("void"), "{answer}");
    // One that was used is of no use to another, who may have read it underway.
    let second = north.invite();
    let code = inside(second["code"].as_str().expect("a code"));
    assert_eq!(Actor::new("third.example").redeem(north.listens, &code, "third")["type"], "redeemed");
    let replayed = thief.redeem(north.listens, &code, "thief");
    assert!(replayed["detail"].as_str().unwrap().contains("used already"), "{replayed}");
}

#[test]
fn a_peer_speaks_for_its_own_domain_alone() {
    let (north, actor) = played();
    north.account("ann");
    let ann = format!("ann@{}", north.domain());
    let mut line = link(&north, &actor);
    let letter = |id: &str, from: &str, to: &str| json!({"id": id, "from": from, "to": to, "body": id});
    line.say(&json!({"type": "messages", "items": [
        letter("m1", "bob@south.example.com", &ann),
        letter("m2", "boss@bank.example", &ann),
        letter("m3", &ann, &ann),
        letter("m4", "bob@south.example.com", "zoe@elsewhere.example"),
        letter("m5", "nobody", "nobody"),
        letter("m1", "bob@south.example.com", &ann),
    ]}));
    let answer = line.hear_of("messages_done");
    assert_eq!(answer["done"], json!(["m1", "m1"]), "{answer:#}");
    let refused: Vec<&Value> = answer["refused"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(refused, [&json!("m2"), &json!("m3"), &json!("m4"), &json!("m5")]);
    assert_eq!(north.talk(&ann, "bob@south.example.com"), ["m1"]);
    // Nobody settles what was not sent to him.
    let stored = north.write("ann", "zoe@elsewhere.example", "for another");
    line.say(&json!({"type": "messages_done", "done": [stored["id"]]}));
    line.say(&json!({"type": "ping", "n": 1}));
    line.hear_of("pong");
    assert_eq!(north.waiting("elsewhere.example"), 1);
}

#[test]
fn a_domain_that_is_ours_is_not_believed() {
    let (north, actor) = played();
    let mut hello = actor.hello("south", "north");
    hello["domain"] = json!(north.domain());
    let mut line = actor.connect(north.listens);
    line.say(&hello);
    line.hear_of("hello");
    let held = || north.status(&north.peer())["link"]["messages_held"].as_str().map(str::to_owned);
    let words = awaited(SOON, || held().filter(|words| !words.is_empty()));
    assert!(words.expect("it says so").contains("is also that of"), "{:?}", held());
    north.account("ann");
    let ann = format!("ann@{}", north.domain());
    line.say(&json!({"type": "messages", "items": [{"id": "m1", "from": ann, "to": ann, "body": "x"}]}));
    assert_eq!(line.hear_of("messages_done")["refused"][0]["id"], "m1");
}
