//! Photos as an unmodified client reads them: named in presence, the same in card and avatar, byte for byte, and not to be
//! set in chat.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::super::user::User;
use super::Home;
use crate::harness::*;

impl Home {
    fn photo(&self, login: &str, media: &str, bytes: &[u8]) {
        let path = format!("/accounts/{}/photo", self.id(login));
        let call = self.admin.call("PUT", &path).header("If-Match", "*").header("Content-Type", media);
        call.bytes(bytes).send().expect(204);
    }
}

/// The next word about ben's photo.
#[track_caller]
fn update(ann: &mut User) -> Value {
    loop {
        let told = ann.hears("update");
        if told["sender"].as_str().is_some_and(|sender| sender.starts_with("ben@home.example")) {
            return told["photo"].clone();
        }
    }
}

#[test]
fn a_colleagues_photo_is_announced_and_read_byte_for_byte() {
    let home = Home::new();
    let largest = jpeg(102_400, 7);
    home.photo("ben", "image/jpeg", &largest);
    let (mut ann, _) = home.user("ann", &["--photos"]);
    let (_ben, _) = home.user("ben", &[]);
    assert_eq!(update(&mut ann), sha1(&largest));
    for (media, bytes, size) in [("image/jpeg", &largest, ["96", "64"]), ("image/png", &png(), ["1", "1"])] {
        if media == "image/png" {
            home.photo("ben", media, bytes);
            assert_eq!(update(&mut ann), sha1(bytes), "another one is told at once");
        }
        ann.does(&json!({"do": "photo", "to": "ben@home.example"}));
        let told = ann.hears("photo");
        assert_eq!(told["type"], media);
        for way in ["card", "avatar"] {
            let read = BASE64.decode(told[way].as_str().expect("a text").as_bytes()).expect("base64");
            assert!(read == *bytes, "{way}");
        }
        let [width, height] = size;
        let info = json!({"id": sha1(bytes), "type": media, "bytes": bytes.len().to_string(), "width": width, "height": height});
        assert_eq!(told["info"], info);
    }
    home.admin.delete(&format!("/accounts/{}/photo", home.id("ben")), "*").expect(204);
    assert_eq!(update(&mut ann), "", "that it is gone is told as well");
}

#[test]
fn a_client_that_sets_a_photo_is_told_whose_it_is_to_set() {
    let home = Home::new();
    let (mut ann, _) = home.user("ann", &["--photos"]);
    ann.does(&json!({"do": "publish", "data": BASE64.encode(&png())}));
    let published = ann.hears("published");
    let outcomes = published["outcomes"].as_array().expect("outcomes");
    assert_eq!(outcomes.len(), 2);
    for outcome in outcomes {
        assert_eq!(outcome["condition"], "not-allowed", "{published:#}");
        assert!(
            outcome["text"].as_str().expect("words").contains("administrators change them"),
            "{published:#}"
        );
    }
    assert_eq!(
        home.admin.get(&format!("/accounts/{}", home.id("ann"))).expect(200).json["photo"],
        Value::Null
    );
}
