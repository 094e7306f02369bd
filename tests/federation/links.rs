//! How links to real servers are found, kept, closed and opened again, and what of them an administrator changes while
//! they stand.

use std::net::TcpListener;
use std::time::Instant;

use rustls::server::Acceptor;

use super::person::{Person, let_in};
use super::secure::shown;
use super::*;

/// A stanza of ann's is confirmed or given back within that, and here its link stands.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(40);

/// An appliance and Prosody that trust each other, with ann and bob signed in.
struct Two {
    _appliance: Appliance,
    admin: Client,
    authority: Authority,
    prosody: Prosody,
    ann: Person,
    bob: Line,
}

impl Two {
    fn meet(network: &network::Network) -> Self {
        let authority = Authority::new();
        let hosts = [("far.example", authority.leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        let (appliance, admin) = home(&[json!({"domain": "far.example"})]);
        set(&admin, "c2s_listen", json!(["127.0.1.1:5222"]));
        certify(&admin, &authority);
        let ann =
            admin.get("/accounts?q=ann").expect(200).items()[0]["id"].as_str().expect("an id").to_owned();
        let_in(&admin, &[&ann]);
        let (ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let bob = prosody.bob("far.example");
        Self { _appliance: appliance, admin, authority, prosody, ann, bob }
    }

    /// Ann writes, and bob hears it.
    #[track_caller]
    fn writes(&mut self, id: &str) {
        self.ann.say(&message("bob@far.example", id, &format!("words of {id}")));
        self.bob.hear(&format!("words of {id}"));
    }

    /// The link to bob's server, once it is up.
    #[track_caller]
    fn up(&self) -> Value {
        link(&self.admin, "out", |link| link["state"] == "up")
    }
}

#[test]
fn tls_at_once_is_found_by_its_own_record_and_does_both_ways() {
    let records: Vec<String> = [("home.example", "127.0.1.1"), ("far.example", "127.0.1.2")]
        .into_iter()
        .flat_map(|(domain, address)| {
            let service = format!("--srv-host=_xmpps-server._tcp.{domain},{domain},5270");
            [format!("--host-record={domain},{address}"), service]
        })
        .collect();
    within_names(&[], &records, |network| {
        let authority = Authority::new();
        let hosts = [("far.example", authority.leaf("far.example", 2090))];
        let prosody = Prosody::start(network, "127.0.1.2", &hosts, &authority.pem(), true);
        let (_appliance, admin) = home(&[json!({"domain": "far.example"})]);
        set(&admin, "s2s_listen", json!([]));
        set(&admin, "s2s_tls_listen", json!(["127.0.1.1:5270"]));
        certify(&admin, &authority);
        talk(&admin, prosody.bob("far.example"), "external");
        assert_eq!(link(&admin, "out", |_| true)["address"], "127.0.1.2:5270");
        let tested = admin.post("/federation/servers/far.example:test", &json!({})).expect(200).json;
        assert_eq!(tested["ok"], true, "{tested:#}");
    });
}

/// RFC 6066 section 3 and XEP-0368 section 3.
#[test]
fn tls_at_once_asks_for_the_domain_and_for_servers() {
    let records = [
        "--host-record=hub.example,127.0.1.7".to_owned(),
        "--srv-host=_xmpps-server._tcp.far.example,hub.example,443".to_owned(),
    ];
    within_names(&[("home.example", "127.0.1.1")], &records, |_| {
        let (_appliance, admin) = home(&[json!({"domain": "far.example"})]);
        let listener = TcpListener::bind("127.0.1.7:443").expect("the port is free");
        let hello = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().expect("a connection");
            let mut acceptor = Acceptor::default();
            loop {
                acceptor.read_tls(&mut socket).expect("bytes");
                if let Some(accepted) = acceptor.accept().expect("TLS") {
                    let hello = accepted.client_hello();
                    let alpn: Vec<_> = hello.alpn().into_iter().flatten().map(<[u8]>::to_vec).collect();
                    return (hello.server_name().map(str::to_owned), alpn);
                }
            }
        });
        admin.post("/federation/servers/far.example:test", &json!({})).expect(200);
        let (name, alpn) = hello.join().expect("it was asked");
        assert_eq!((name.as_deref(), alpn), (Some("far.example"), vec![b"xmpp-server".to_vec()]));
    });
}

#[test]
fn who_wrote_is_told_within_half_a_minute_when_a_partner_falls_silent() {
    within(HOSTS, |network| {
        let mut two = Two::meet(network);
        two.writes("s1");
        two.prosody.freeze();
        let begun = Instant::now();
        two.ann.say(&message("bob@far.example", "s2", "are you there?"));
        let told = two.ann.hear(&["<message", "type=\"error\"", "id=\"s2\""]);
        assert!(begun.elapsed() < CONFIRMED_WITHIN, "{:?}", begun.elapsed());
        for words in
            ["remote-server-timeout", "did not answer within 30 seconds", "may have arrived all the same"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
        let down = link(&two.admin, "out", |link| link["state"] != "up");
        assert!(
            down["last_error"].as_str().unwrap().contains("did not answer within 30 seconds"),
            "{down:#}"
        );
        two.prosody.thaw();
        two.writes("s3");
    });
}

#[test]
fn a_partner_that_answers_no_pings_is_given_up_and_its_people_are_not_shown() {
    within(HOSTS, |network| {
        let mut two = Two::meet(network);
        set(&two.admin, "s2s_ping_seconds", json!(5));
        let mut bob = two.prosody.bob("far.example").interested();
        presence::befriend(&mut two.ann, &mut bob);
        two.ann.hear(&["<presence", "from=\"bob@far.example/desk\""]);
        two.up();
        two.prosody.freeze();
        two.ann.hear(&["<presence", "type=\"unavailable\"", "from=\"bob@far.example/desk\""]);
        let down = link(&two.admin, "out", |link| link["state"] != "up");
        assert!(down["last_error"].as_str().unwrap().contains("did not answer two pings"), "{down:#}");
        two.prosody.thaw();
    });
}

#[test]
fn a_link_that_idles_is_closed_in_peace_and_opened_by_the_next_message() {
    within(HOSTS, |network| {
        let mut two = Two::meet(network);
        set(&two.admin, "s2s_ping_seconds", json!(5));
        set(&two.admin, "s2s_idle_seconds", json!(5));
        two.writes("i1");
        two.up();
        let closed = link(&two.admin, "out", |link| link["state"] == "down");
        assert_eq!(closed["last_error"], "", "{closed:#}");
        let log = two.prosody.log();
        assert!(log.contains("Received </stream:stream>"), "it was ended, not torn");
        two.writes("i2");
        two.up();
        two.ann.hears_none(&["type=\"error\""]);
    });
}

#[test]
fn what_waited_when_federation_was_switched_off_goes_when_it_is_on() {
    within(HOSTS, |network| {
        let mut two = Two::meet(network);
        two.writes("o1");
        two.prosody.freeze();
        two.ann.say(&message("bob@far.example", "o2", "words of o2"));
        assert!(awaited(SOON, || (kept(&two.admin) == 1).then_some(())).is_some(), "it is under way");
        for enabled in [false, true] {
            two.admin.put("/federation", "*", &json!({"enabled": enabled, "open": false})).expect(200);
        }
        two.prosody.thaw();
        two.bob.hear("words of o2");
        let confirmed = awaited(SOON, || (kept(&two.admin) == 0).then_some(()));
        assert!(confirmed.is_some(), "{} wait for ever", kept(&two.admin));
    });
}

#[test]
fn a_new_certificate_is_shown_without_a_restart_and_links_stand() {
    within(HOSTS, |network| {
        let mut two = Two::meet(network);
        set(&two.admin, "s2s_tls_listen", json!(["127.0.1.1:5270"]));
        let listens = || std::net::TcpStream::connect("127.0.1.1:5270").ok();
        assert!(awaited(SOON, listens).is_some(), "the new place is listened on");
        two.writes("c1");
        let before = two.up();
        let pid = plugin(&two.admin, "federation")["pid"].clone();
        let leaf = two.authority.leaf("home.example", 2080);
        let body = json!({"certificate": leaf.cert, "key": leaf.key});
        two.admin.put("/federation/certificate", "*", &body).expect(200);
        assert_eq!(shown("127.0.1.1:5270", "home.example"), leaf.der(), "the next stream sees the new one");
        two.writes("c2");
        let after = two.up();
        assert_eq!(
            (&after["since"], &after["state"]),
            (&before["since"], &json!("up")),
            "the link was not cut"
        );
        assert_eq!(plugin(&two.admin, "federation")["pid"], pid);
        let mut bob = two.prosody.bob("far.example");
        bob.say(&message("ann@home.example", "c3", "back to you"));
        two.ann.hear(&["<message", "back to you"]);
        let tested = two.admin.post("/federation/servers/far.example:test", &json!({})).expect(200).json;
        assert_eq!(tested["ok"], true, "Prosody takes the new one: {tested:#}");
    });
}

#[test]
fn each_domain_of_ours_proves_itself_by_its_own_certificate() {
    within(&[HOSTS, &[("other.example", "127.0.1.1")]].concat(), |network| {
        let mut two = Two::meet(network);
        set(&two.admin, "s2s_tls_listen", json!(["127.0.1.1:5270"]));
        let mut other = enterprise_body("other");
        other["domain"] = json!("other.example");
        two.admin.post("/enterprises", &other).expect(201);
        let ben = two.admin.post("/accounts", &account("other", "ben", &json!({}))).expect(201).id();
        let_in(&two.admin, &[&ben]);
        let leaf = two.authority.leaf("other.example", 2085);
        let before = two.admin.get("/federation/certificates/other.example").expect(200).json;
        assert!(before["note"].as_str().expect("words").contains("does not have this name"), "{before}");
        let admin = two.admin.clone();
        let test = |own: &str| admin.post(&format!("/federation/servers/far.example:test{own}"), &json!({}));
        let outcome = test("?own=home.example").expect(200).json;
        assert_eq!((&outcome["own"], &outcome["ok"]), (&json!("home.example"), &json!(true)), "{outcome:#}");
        let outcome = test("?own=Other.example").expect(200).json;
        assert_eq!(
            (&outcome["own"], &outcome["ok"]),
            (&json!("other.example"), &json!(false)),
            "{outcome:#}"
        );
        assert_eq!(outcome["own_reason"], "it was asked for");
        assert_eq!(outcome["steps"][5]["outcome"], "failed", "{outcome:#}");
        let refused = test("?own=strange.example").expect(422).json;
        let why = refused["errors"][0]["detail"].as_str().expect("words");
        assert!(why.contains("(home.example, other.example); \"strange.example\" is not"), "{refused:#}");
        let body = json!({"certificate": leaf.cert, "key": leaf.key});
        two.admin.put("/federation/certificates/other.example", "*", &body).expect(200);
        assert_eq!(shown("127.0.1.1:5270", "other.example"), leaf.der());
        assert_ne!(shown("127.0.1.1:5270", "home.example"), leaf.der());
        assert_eq!(test("?own=other.example").expect(200).json["ok"], true);
        // Their clients check the name, and Prosody, which asks for none by SNI, takes nothing but a good certificate.
        let (mut ben, _) = Person::arrive("ben@other.example/desk", &two.authority);
        two.bob.say(&message("ben@other.example", "e1", "to the other"));
        ben.hear(&["<message", "to the other"]);
        ben.say(&message("bob@far.example", "e2", "words of e2"));
        two.bob.hear("words of e2");
        two.writes("e3");
        let links = two.admin.get("/federation/links").expect(200).items().to_vec();
        for own in ["home.example", "other.example"] {
            let out = links.iter().find(|link| link["own"] == own && link["direction"] == "out");
            assert_eq!(out.expect("a link")["authenticated_by"], "external", "{links:#?}");
        }
        let outcome = test("").expect(200).json;
        assert_eq!((&outcome["own"], &outcome["ok"]), (&json!("home.example"), &json!(true)), "{outcome:#}");
        let reason = outcome["own_reason"].as_str().expect("words");
        assert!(reason.contains("the last to have a link with far.example"), "{outcome:#}");
        let revisions = two.admin.get("/revisions?limit=20").expect(200).items().to_vec();
        let given =
            revisions.iter().find(|one| one["kind"] == "federation/certificates").expect("it is noted");
        let undo = |revision: &Value| {
            two.admin.post(&format!("/revisions/{}:undo", revision["n"]), &json!({})).expect(201).json
        };
        let goes_by = |leaf: Vec<u8>| {
            let is_so = || (shown("127.0.1.1:5270", "other.example") == leaf).then_some(());
            assert!(awaited(SOON, is_so).is_some(), "another certificate is shown");
        };
        let undone = undo(given);
        goes_by(shown("127.0.1.1:5270", "home.example"));
        undo(&undone);
        goes_by(leaf.der());
    });
}
