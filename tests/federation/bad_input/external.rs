//! Certificates that prove nothing, and proofs by a good one that are made wrongly (XEP-0178, RFC 6120 sections 5 and 6).

use std::net::TcpStream;

use rcgen::{ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::ALL_VERSIONS;

use super::super::authority::Leaf;
use super::super::secure::{Secure, with_identity};
use super::*;

const STANZA: &str = "<message from='x@far.example' to='ann@home.example'><body>hi</body></message>";
/// A domain below a partner's, and a partner of its own.
const BRANCH: &str = "branch.far.example";
const PROOF: &str = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>";

/// An appliance that takes far.example by its certificate alone, and streams with TLS at once.
fn careful(body: impl Fn(&Authority) + Send + Sync) {
    within(HOSTS, |_| {
        let authority = Authority::new();
        let (_appliance, admin) = home(&[json!({"domain": "far.example"}), json!({"domain": BRANCH})]);
        certify(&admin, &authority);
        set(&admin, "s2s_tls_listen", json!(["127.0.1.1:5270"]));
        assert!(awaited(SOON, || TcpStream::connect("127.0.1.1:5270").ok()).is_some(), "nobody listens");
        let pid = plugin(&admin, "federation")["pid"].clone();
        body(&authority);
        let after = plugin(&admin, "federation");
        assert_eq!((&after["pid"], &after["state"]), (&pid, &json!("up")), "{after:#}");
        assert_eq!(kept(&admin), 0);
    });
}

/// A stream of far.example's by TLS, with that certificate, whose header has been sent.
fn stream(own: Option<&Leaf>) -> Secure {
    stream_of(OPEN, own)
}

/// The same with that header.
fn stream_of(header: &str, own: Option<&Leaf>) -> Secure {
    let socket = TcpStream::connect("127.0.1.1:5270").expect("the port takes connections");
    let mut line = Secure::over(socket, with_identity(ALL_VERSIONS, b"xmpp-server", own), "home.example");
    line.say(header);
    line
}

/// A stream that may prove itself by a good certificate.
#[track_caller]
fn trusted(authority: &Authority) -> Secure {
    let mut line = stream(Some(&authority.leaf("far.example", 2090)));
    line.hear("<mechanism>EXTERNAL</mechanism>");
    line.hear("</stream:features>");
    line
}

#[test]
fn certificates_that_prove_nothing_end_the_stream_with_what_is_wrong() {
    careful(|authority| {
        let but = |name: &str, change: &dyn Fn(&mut rcgen::CertificateParams)| {
            authority.leaf_but(&[name], |params| change(params))
        };
        let other = Authority::new();
        for (own, words) in [
            (None, "certificate"),
            (Some(authority.leaf("far.example", 2021)), "expired"),
            (
                Some(but("far.example", &|params| params.not_before = date_time_ymd(2089, 1, 1))),
                "not valid yet",
            ),
            (Some(other.leaf("far.example", 2090)), "not trusted here"),
            (Some(authority.leaf("other.example", 2090)), "it is for other.example"),
            (Some(authority.leaf("*.far.example", 2090)), "it is for *.far.example"),
            // The common name alone says nothing (RFC 9525 section 2).
            (Some(but("far.example", &|params| params.subject_alt_names.clear())), ""),
            (
                Some(but("far.example", &|params| {
                    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
                })),
                "",
            ),
        ] {
            let mut line = stream(own.as_ref());
            line.say(PROOF);
            line.say(STANZA);
            let heard = line.hear_out();
            assert!(heard.contains("<stream:error><not-authorized "), "{words}: {heard}");
            assert!(heard.contains(words), "{words}: {heard}");
        }
        // One for servers alone is what servers have.
        trusted(authority);
        // A star is one label (RFC 9525 section 6.3).
        let of_branch = OPEN.replace("far.example", BRANCH);
        let mut two_labels = stream_of(&of_branch, Some(&authority.leaf("*.example", 2090)));
        assert!(two_labels.hear_out().contains("<not-authorized "));
        let mut one_label = stream_of(&of_branch, Some(&authority.leaf("*.far.example", 2090)));
        one_label.hear("<mechanism>EXTERNAL</mechanism>");
    });
}

#[test]
fn a_good_certificate_says_one_thing_once() {
    careful(|authority| {
        let auth = |text: &str| PROOF.replace(">=<", &format!(">{text}<"));
        for (said, failure) in [
            (auth("aG9tZS5leGFtcGxl"), "invalid-authzid"),
            (auth("c3ViLmZhci5leGFtcGxl"), "invalid-authzid"),
            (auth("!!"), "incorrect-encoding"),
            (PROOF.replace("EXTERNAL", "PLAIN"), "invalid-mechanism"),
            ("<abort xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>".to_owned(), "aborted"),
        ] {
            let mut line = trusted(authority);
            line.say(&said);
            line.hear(&format!("<{failure}/>"));
            line.say(STANZA);
            assert!(line.hear_out().contains("<not-authorized "), "{said}");
        }
        let mut large = trusted(authority);
        large.say(&auth(&"A".repeat(20_000)));
        assert!(large.hear_out().contains("<policy-violation "));
        let mut secured = trusted(authority);
        secured.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        assert!(secured.hear_out().contains("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
        let before_header = [PROOF, STANZA, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"];
        for behind in before_header {
            let mut line = trusted(authority);
            line.say(&format!("{PROOF}{behind}"));
            let heard = line.hear_out();
            assert!(
                !heard.contains("</stream:features>") && heard.matches("<success ").count() <= 1,
                "{heard}"
            );
        }
        for header in [OPEN.replace("from='far", "from='other"), OPEN.replace("from='far", "from='home")] {
            let mut line = trusted(authority);
            line.say(PROOF);
            line.hear("<success ");
            line.say(&header);
            assert!(line.hear_out().contains("<invalid-from "), "{header}");
        }
        let mut proved = trusted(authority);
        proved.say(PROOF);
        proved.hear("<success ");
        proved.say(OPEN);
        proved.hear("</stream:features>");
        proved.say("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        assert!(proved.hear_out().contains("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"));
    });
}
