//! Photos of our users, seen by a user of an unmodified Prosody.

use data_encoding::BASE64;

use super::person::Person;
use super::presence::{befriend, prosody, trusting};
use super::*;

/// What stands between two words.
#[track_caller]
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let rest = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}")).1;
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} in {text}")).0
}

#[test]
fn a_user_elsewhere_sees_the_photo_and_hears_of_another_one() {
    within(HOSTS, |network| {
        let authority = Authority::new();
        let prosody = prosody(network, &authority);
        let (_appliance, admin, id) = trusting(&authority);
        let path = format!("/accounts/{id}/photo");
        let give = |bytes: &[u8]| {
            let call = admin.call("PUT", &path).header("If-Match", "*").header("Content-Type", "image/jpeg");
            call.bytes(bytes).send().expect(204);
        };
        let (mut ann, _) = Person::arrive("ann@home.example/desk", &authority);
        let mut bob = prosody.bob("far.example").interested();
        befriend(&mut ann, &mut bob);
        let largest = jpeg(102_400, 3);
        give(&largest);
        bob.hear(&format!("<photo>{}</photo>", sha1(&largest)));
        bob.say("<iq type='get' id='v1' to='ann@home.example'><vCard xmlns='vcard-temp'/></iq>");
        let card = bob.hear("</BINVAL>");
        let read = BASE64.decode(between(&card, "<BINVAL>", "</BINVAL>").as_bytes()).expect("base64");
        assert!(read == largest && card.contains("<TYPE>image/jpeg</TYPE>"));
        let ask = |node: &str| {
            format!(
                "<iq type='get' id='a1' to='ann@home.example'><pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='urn:xmpp:avatar:{node}'/></pubsub></iq>"
            )
        };
        bob.say(&ask("metadata"));
        bob.hear("</metadata>");
        bob.say(&ask("data"));
        let data = bob.hear("</data>");
        let data = data.rsplit_once("urn:xmpp:avatar:data").expect("an avatar").1;
        assert!(BASE64.decode(between(data, ">", "</data>").as_bytes()).expect("base64") == largest);
        give(&jpeg(500, 4));
        bob.hear(&format!("<photo>{}</photo>", sha1(&jpeg(500, 4))));
        admin.delete(&path, "*").expect(204);
        bob.hear("<photo/>");
    });
}
