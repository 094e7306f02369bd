//! Messages of our users with an unmodified client: to each other, to Prosody and to ejabberd, and what of them is left
//! when somebody is killed in the middle.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::user::User;
use super::*;

const PASSWORD: &str = "correct horse battery";
const C2S: u16 = 5222;
/// A message waits a minute for its link, half a minute for being taken and half a minute for its confirmation.
const PROMISED: Duration = Duration::from_secs(120);
/// For what takes as long as it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// An appliance at home.example with ann and ben, whose clients connect at the usual port.
fn chatting(rows: &[Value]) -> (Appliance, Client) {
    let (appliance, admin) = home(rows);
    set(&admin, "c2s_listen", json!([format!("127.0.0.1:{C2S}")]));
    admin.post("/accounts", &account("home", "ben", &json!({}))).expect(201);
    for one in admin.get("/accounts").expect(200).items() {
        let path = format!("/accounts/{}/password", one["id"].as_str().expect("an id"));
        admin.put(&path, "*", &json!({"password": PASSWORD})).expect(204);
    }
    await_clients();
    (appliance, admin)
}

fn await_clients() {
    let listens = || std::net::TcpStream::connect(("127.0.0.1", C2S)).ok();
    assert!(awaited(PATIENCE, listens).is_some(), "nobody waits for clients");
}

/// A user's client that is there.
fn user(login: &str, resource: &str) -> User {
    User::present(&format!("{login}@home.example/{resource}"), PASSWORD, C2S, &[]).0
}

fn raw(user: &mut User, text: &str) {
    user.does(&json!({"do": "raw", "text": text}));
}

/// The next message that has these words.
#[track_caller]
fn stanza(user: &mut User, words: &str) -> String {
    loop {
        let xml = user.hears("stanza")["xml"].as_str().expect("a stanza").to_owned();
        if xml.contains(words) {
            return xml;
        }
    }
}

/// The answer to a question.
#[track_caller]
fn asks(user: &mut User, id: &str, text: &str) -> String {
    raw(user, text);
    loop {
        let answer = user.hears("answer");
        if answer["id"] == id {
            return answer["xml"].as_str().expect("a stanza").to_owned();
        }
    }
}

fn federated() -> Value {
    json!({"domain": "far.example", "policy": "tls_dialback"})
}

fn prosody(network: &network::Network) -> Prosody {
    let hosts = [("far.example", Authority::new().leaf("far.example", 2090))];
    Prosody::start(network, "127.0.1.2", &hosts, &Authority::new().pem(), false)
}

#[test]
fn texts_go_both_ways_wait_with_their_time_and_are_confirmed() {
    within(HOSTS, |network| {
        let prosody = prosody(network);
        let (_appliance, admin) = chatting(&[federated()]);
        let mut bob = prosody.bob("far.example");
        let asked = "<request xmlns='urn:xmpp:receipts'/></message>";
        bob.say(&message("ann@home.example", "m1", "while you were out").replace("</message>", asked));
        assert!(awaited(PATIENCE, || (kept(&admin) == 1).then_some(())).is_some(), "it is not kept");
        let mut ann = User::begin("ann@home.example/desk", PASSWORD, C2S, &[]);
        ann.hears("started");
        ann.does(&json!({"do": "presence"}));
        let late = stanza(&mut ann, "while you were out");
        assert!(late.contains("urn:xmpp:delay") && late.contains("urn:xmpp:receipts"), "{late}");
        assert!(late.contains("bob@far.example/desk") && late.contains("id=\"m1\""), "{late}");
        let receipt = "<message to='bob@far.example/desk' type='chat'><received xmlns='urn:xmpp:receipts' id='m1'/></message>";
        raw(&mut ann, receipt);
        bob.hear("<received");
        bob.hear("</message>");
        let long = "x".repeat(32 * 1024);
        for (written, meant) in [("&lt;&amp;'\" \u{1F600}", "<&'\" \u{1F600}"), (&long, &long)] {
            bob.say(&message("ann@home.example", "m2", written));
            assert_eq!(ann.hears("message")["body"], *meant);
            ann.does(&json!({"do": "message", "to": "bob@far.example", "body": meant}));
            let there = bob.hear("</message>");
            assert!(there.contains(written) || there.contains("&lt;&amp;&apos;&quot; \u{1F600}"), "{there}");
        }
        // What bob's server has is known once it has answered a ping.
        assert!(awaited(PATIENCE, || (kept(&admin) == 0).then_some(())).is_some(), "{} wait", kept(&admin));
        raw(&mut ann, &message("bob@far.example", "l1", &"x".repeat(32 * 1024 + 1)));
        let refused = stanza(&mut ann, "type=\"error\"");
        assert!(refused.contains("32768 are the most"), "{refused}");
        raw(&mut ann, &message("zoe@stranger.example", "s1", "hello?"));
        let refused = stanza(&mut ann, "type=\"error\"");
        assert!(refused.contains("forbidden") && refused.contains("not federated"), "{refused}");
        raw(&mut ann, &message("nobody@far.example", "n1", "hello?"));
        let refused = stanza(&mut ann, "type=\"error\"");
        assert!(refused.contains("n1") && refused.contains("from=\"nobody@far.example\""), "{refused}");
    });
}

#[test]
fn ejabberd_and_our_users_write_to_each_other() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let leaf = authority.leaf("far.example", 2090);
        let ejabberd = Ejabberd::start(network, "127.0.1.2", "far.example", &leaf, &authority.pem());
        let (_appliance, admin) = chatting(&[json!({"domain": "far.example"})]);
        certify(&admin, &authority);
        let (mut bob, mut ann) = (ejabberd.bob(), user("ann", "desk"));
        for body in ["one", "two \u{1F600}", "three"] {
            bob.say(&message("ann@home.example", "e1", body));
            assert_eq!(ann.hears("message")["body"], body);
            ann.does(&json!({"do": "message", "to": "bob@far.example", "body": body}));
            bob.hear(body);
        }
        assert!(awaited(PATIENCE, || (kept(&admin) == 0).then_some(())).is_some(), "{} wait", kept(&admin));
    });
}

#[test]
fn copies_archive_and_blocking_as_an_unmodified_client_uses_them() {
    within(HOSTS, |_| {
        let (_appliance, _admin) = chatting(&[]);
        let (mut desk, mut phone, mut ben) = (user("ann", "desk"), user("ann", "phone"), user("ben", "desk"));
        let enable = "<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>";
        assert!(asks(&mut phone, "c1", enable).contains("result"));
        raw(&mut desk, &message("ben@home.example", "a1", "to ben"));
        assert_eq!(ben.hears("message")["body"], "to ben");
        let copy = stanza(&mut phone, "urn:xmpp:carbons:2");
        assert!(copy.contains("to ben") && copy.contains("from=\"ann@home.example\""), "{copy}");
        for n in 0..24 {
            raw(&mut ben, &message("ann@home.example", &format!("b{n}"), &format!("number {n}")));
        }
        stanza(&mut desk, "number 23");
        let page = |after: &str| {
            format!(
                "<iq type='set' id='q1'><query xmlns='urn:xmpp:mam:2'><set xmlns='http://jabber.org/protocol/rsm'>\
                 <max>10</max>{after}</set></query></iq>"
            )
        };
        let (mut seen, mut after) = (Vec::new(), String::new());
        for part in 0.. {
            assert!(part < 4, "the archive does not end: {seen:?}");
            let fin = asks(&mut desk, "q1", &page(&after));
            let last = fin.split_once("<last>").and_then(|(_, rest)| rest.split_once("</last>"));
            after = format!("<after>{}</after>", last.expect("a last one").0);
            seen.push(fin.contains("complete=\"true\""));
            if fin.contains("complete=\"true\"") {
                assert!(fin.contains("<count>25</count>"), "{fin}");
                break;
            }
        }
        assert_eq!(seen, [false, false, true]);
        let results: Vec<_> = desk
            .so_far()
            .into_iter()
            .filter(|told| told["what"] == "stanza")
            .map(|told| told["xml"].to_string())
            .collect();
        assert!(results.is_empty(), "results come before the end of their part: {results:?}");
        let block = "<iq type='set' id='k1'><block xmlns='urn:xmpp:blocking'><item jid='ben@home.example'/></block></iq>";
        assert!(asks(&mut desk, "k1", block).contains("result"));
        raw(&mut ben, &message("ann@home.example", "x1", "are you there?"));
        assert!(stanza(&mut ben, "type=\"error\"").contains("service-unavailable"));
        raw(&mut desk, &message("ben@home.example", "x2", "no"));
        assert!(stanza(&mut desk, "type=\"error\"").contains("urn:xmpp:blocking:errors"));
        let list =
            asks(&mut desk, "k2", "<iq type='get' id='k2'><blocklist xmlns='urn:xmpp:blocking'/></iq>");
        assert!(list.contains("ben@home.example"), "{list}");
    });
}

#[test]
fn each_message_arrives_once_or_its_sender_is_told_when_the_partner_is_killed() {
    within(HOSTS, |network| {
        let mut prosody = prosody(network);
        let (_appliance, admin) = chatting(&[federated()]);
        let (mut bob, mut ann) = (prosody.bob("far.example"), user("ann", "desk"));
        let mut said = 0;
        let mut say = |ann: &mut User, count: usize| {
            for _ in 0..count {
                said += 1;
                raw(ann, &message("bob@far.example", &format!("k{said}k"), &format!("text {said}.")));
            }
            said
        };
        say(&mut ann, 50);
        bob.hear("text 10.");
        say(&mut ann, 100);
        prosody.kill();
        let mut heard = bob.hear_out();
        say(&mut ann, 50);
        prosody.resume(network);
        let mut again = prosody.bob("far.example");
        let all = say(&mut ann, 50);
        let (begun, mut told) = (Instant::now(), BTreeSet::new());
        heard += &(1..=10).map(|n| format!("text {n}.")).collect::<String>();
        loop {
            again.say("<iq type='get' to='far.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
            heard += &again.hear("p1");
            let stanzas = ann.so_far().into_iter().filter(|told| told["what"] == "stanza");
            told.extend(stanzas.filter_map(|told| Some(told["xml"].as_str()?.to_owned())).filter_map(
                |xml| {
                    let id = xml.split_once("id=\"k")?.1.split_once('k')?.0.parse::<usize>().ok()?;
                    xml.contains("type=\"error\"").then_some(id)
                },
            ));
            // What the killed server had taken and not passed on to bob is lost there: its log says that it came.
            let log = prosody.log();
            let is_known = |n: &usize| {
                told.contains(n) || heard.contains(&format!("text {n}.")) || log.contains(&format!("'k{n}k'"))
            };
            let missing: Vec<_> = (1..=all).filter(|n| !is_known(n)).collect();
            if missing.is_empty() {
                break;
            }
            assert!(
                begun.elapsed() < PROMISED,
                "nobody knows of {missing:?}, {} of which wait",
                kept(&admin)
            );
        }
        let twice: Vec<_> = (1..=all).filter(|n| heard.matches(&format!("text {n}.")).count() > 1).collect();
        assert!(twice.is_empty(), "{twice:?} came twice");
        assert!(awaited(PATIENCE, || (kept(&admin) == 0).then_some(())).is_some(), "{} wait", kept(&admin));
    });
}

/// What our user was acknowledged goes out after the restart, and what bob's server was answered a ping behind is there;
/// both under the ids that they had.
#[test]
fn each_message_arrives_under_one_id_when_the_appliance_is_killed() {
    within(HOSTS, |network| {
        let prosody = prosody(network);
        let (mut appliance, _) = chatting(&[federated()]);
        let (mut bob, mut ann) = (prosody.bob("far.example"), user("ann", "desk"));
        for n in 0..100 {
            bob.say(&message("ben@home.example", &format!("b{n}"), &format!("answered {n}")));
        }
        bob.say("<iq type='get' to='home.example' id='p0'><ping xmlns='urn:xmpp:ping'/></iq>");
        bob.hear("p0");
        for n in 0..100 {
            raw(&mut ann, &message("bob@far.example", &format!("k{n}k"), &format!("text {n}.")));
        }
        ann.pings();
        appliance.kill9();
        appliance.resume();
        appliance.await_up(&["federation"]);
        await_clients();
        let mut ben = User::begin("ben@home.example/desk", PASSWORD, C2S, &[]);
        ben.hears("started");
        ben.does(&json!({"do": "presence"}));
        let (mut heard, mut all, begun) = (String::new(), BTreeMap::new(), Instant::now());
        loop {
            bob.say("<iq type='get' to='far.example' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>");
            heard += &bob.hear("p1");
            given(&ben, &mut all);
            let here = (0..100).filter(|n| all.contains_key(&format!("answered {n}"))).count();
            let there = (0..100).filter(|n| heard.contains(&format!("text {n}."))).count();
            if (here, there) == (100, 100) {
                break;
            }
            assert!(begun.elapsed() < PROMISED, "ben has {here} of 100, bob {there}");
        }
        for n in 0..100 {
            let (texts, ids) = (format!("text {n}."), format!("id='k{n}k'"));
            assert_eq!(heard.matches(&texts).count(), heard.matches(&ids).count(), "{texts}");
        }
        assert!(all.values().all(|ids| ids.len() == 1), "{all:?}");
        let admin = appliance.admin();
        assert!(awaited(PATIENCE, || (kept(&admin) == 0).then_some(())).is_some(), "{} wait", kept(&admin));
    });
}

/// What ben has been given, by the text; each with the ids under which it came.
fn given(ben: &User, into: &mut BTreeMap<String, BTreeSet<String>>) {
    for told in ben.so_far().into_iter().filter(|told| told["what"] == "stanza") {
        let xml = told["xml"].as_str().expect("a stanza");
        let between = |from: &str, to: &str| Some(xml.split_once(from)?.1.split_once(to)?.0.to_owned());
        let id = xml.split_once("urn:xmpp:sid:0").and_then(|(around, _)| around.rsplit_once('<'));
        let id = id.and_then(|(before, _)| {
            let tag = &xml[before.len()..];
            Some(tag.split_once(" id=\"")?.1.split_once('"')?.0.to_owned())
        });
        if let Some(body) = between("<body>", "</body>") {
            into.entry(body).or_default().extend(id);
        }
    }
}

/// Ann writes until something is killed. What was answered before must reach ben, twice at most under one id.
fn nothing_is_lost(kill: impl Fn(&mut Appliance, &Client) + Sync) {
    within(HOSTS, |_| {
        let (mut appliance, admin) = chatting(&[]);
        let (mut ann, mut ben) = (user("ann", "desk"), user("ben", "desk"));
        for n in 0..100 {
            raw(&mut ann, &message("ben@home.example", &format!("a{n}"), &format!("answered {n}")));
        }
        // The answer comes after everything before it is kept.
        ann.pings();
        for n in 0..200 {
            raw(&mut ann, &message("ben@home.example", &format!("t{n}"), &format!("tried {n}")));
        }
        kill(&mut appliance, &admin);
        await_clients();
        let mut all = BTreeMap::new();
        given(&ben, &mut all);
        ben = user("ben", "desk");
        let complete = || {
            given(&ben, &mut all);
            (0..100).all(|n| all.contains_key(&format!("answered {n}"))).then_some(())
        };
        assert!(awaited(PATIENCE, complete).is_some(), "only {} came", all.len());
        let doubled: Vec<_> = all.iter().filter(|(_, ids)| ids.len() != 1).collect();
        assert!(doubled.is_empty(), "{doubled:?}");
        let admin = appliance.admin();
        assert!(awaited(PATIENCE, || (kept(&admin) == 0).then_some(())).is_some(), "{} wait", kept(&admin));
    });
}

#[test]
fn what_was_answered_outlives_the_plugin() {
    nothing_is_lost(|_, admin| {
        let before = plugin(admin, "federation");
        signal(&before, rustix::process::Signal::KILL);
        let another = || (plugin(admin, "federation")["pid"] != before["pid"]).then_some(());
        assert!(awaited(PATIENCE, another).is_some(), "it is not started again");
        await_plugin(admin, "federation", "up");
    });
}

#[test]
fn what_was_answered_outlives_the_appliance() {
    nothing_is_lost(|appliance, _| {
        appliance.kill9();
        appliance.resume();
        appliance.await_up(&["federation"]);
    });
}
