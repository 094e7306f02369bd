//! Photos of accounts: given, read back byte for byte, put back, kept after a kill, and refused where they are none.

use serde_json::{Value, json};

use crate::harness::*;

/// An appliance with the account jo; its path.
fn with_jo() -> (Appliance, Client, String) {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    admin.post("/enterprises", &enterprise_body("acme")).expect(201);
    let jo =
        format!("/accounts/{}", admin.post("/accounts", &account("acme", "jo", &json!({}))).expect(201).id());
    (appliance, admin, jo)
}

fn give(admin: &Client, jo: &str, media: &str, bytes: &[u8]) -> Answer {
    let call = admin.call("PUT", &format!("{jo}/photo")).header("If-Match", "*");
    call.header("Content-Type", media).bytes(bytes).send()
}

#[test]
fn a_photo_comes_back_as_it_went_and_is_named_by_the_account() {
    let (_appliance, admin, jo) = with_jo();
    let path = format!("{jo}/photo");
    admin.get(&path).problem(404, "request/not_found").says("\"jo\" has no photo");
    assert_eq!(admin.get(&jo).expect(200).json["photo"], Value::Null);
    for (media, bytes) in [("image/jpeg", jpeg(102_400, 1)), ("image/png", png())] {
        give(&admin, &jo, media, &bytes).expect(204);
        let account = admin.get(&jo).expect(200);
        assert_eq!(account.json["photo"], sha1(&bytes));
        let got = admin.get(&path).expect(200);
        assert_eq!((got.header("content-type"), got.etag()), (Some(media), account.etag()));
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
        assert!(got.bytes == bytes);
        let known = admin.call("GET", &path).header("If-None-Match", &account.etag()).send().expect(304);
        assert!(known.bytes.is_empty());
    }
    admin.delete(&path, "*").expect(204);
    admin.get(&path).problem(404, "request/not_found");
    admin.delete(&path, "*").expect(204);
    admin.get("/accounts/acc-nobody/photo").problem(404, "request/not_found");
}

#[test]
fn a_change_names_its_version_and_can_be_rehearsed_and_undone() {
    let (_appliance, admin, jo) = with_jo();
    let path = format!("{jo}/photo");
    let put = |tag: Option<&str>, query: &str, fill: u8| {
        let call = admin.call("PUT", &format!("{path}{query}")).header("Content-Type", "image/jpeg");
        let call = tag.into_iter().fold(call, |call, tag| call.header("If-Match", tag));
        call.bytes(jpeg(2000, fill)).send()
    };
    put(None, "", 1).problem(428, "change/if_match_missing");
    put(Some("*"), "?dry_run=1", 1).expect(204);
    admin.get(&path).problem(404, "request/not_found");
    let old = admin.get(&jo).etag();
    put(Some(&old), "", 1).expect(204);
    put(Some(&old), "", 2).problem(412, "change/stale");
    put(Some("*"), "", 2).expect(204);
    let newest = admin.get("/revisions?limit=1").expect(200).items()[0].clone();
    let changes = newest["changes"].as_array().expect("changes");
    assert_eq!(changes.len(), 1, "{newest:#}");
    assert_eq!(
        changes[0],
        json!({"field": "photo", "before": sha1(&jpeg(2000, 1)), "after": sha1(&jpeg(2000, 2))})
    );
    admin.call("POST", &format!("/revisions/{}:undo", newest["n"])).send().expect(201);
    assert!(admin.get(&path).expect(200).bytes == jpeg(2000, 1));
}

#[test]
fn what_is_no_photo_is_refused_and_says_why() {
    let (appliance, admin, jo) = with_jo();
    give(&admin, &jo, "image/png", &png()).expect(204);
    let before = admin.get(&jo).expect(200).json;
    for (what, bytes, words) in not_photos() {
        let answer = give(&admin, &jo, "image/jpeg", &bytes);
        assert_eq!(answer.status, 422, "{what}: {answer}");
        answer.problem(422, "request/invalid").says(words).says("Nothing was changed");
    }
    give(&admin, &jo, "image/jpeg", &png()).problem(422, "request/invalid").says("is image/png by its bytes");
    give(&admin, &jo, "image/jpeg", &jpeg(5 * 1024 * 1024, 1)).problem(413, "http/body_too_large");
    for media in ["image/svg+xml", "text/html", "application/json", "image/webp"] {
        give(&admin, &jo, media, &png()).problem(415, "request/wrong_type").says("image/jpeg or image/png");
    }
    assert_eq!(admin.get(&jo).expect(200).json, before);
    admin.put(&jo, "*", &with(&before, &json!({"photo": sha1(b"another")}))).problem(422, "request/invalid");
    assert!(is_alive(appliance.pid().into()));
}

#[test]
fn a_photo_that_was_acknowledged_survives_a_kill_and_goes_with_its_account_and_back() {
    let (mut appliance, admin, jo) = with_jo();
    give(&admin, &jo, "image/jpeg", &jpeg(50_000, 3)).expect(204);
    appliance.kill9();
    appliance.resume();
    let admin = appliance.admin();
    assert!(admin.get(&format!("{jo}/photo")).expect(200).bytes == jpeg(50_000, 3));
    admin.delete(&jo, "*").expect(204);
    let newest = admin.get("/revisions?limit=1").expect(200).items()[0]["n"].clone();
    admin.call("POST", &format!("/revisions/{newest}:undo")).send().expect(201);
    assert!(admin.get(&format!("{jo}/photo")).expect(200).bytes == jpeg(50_000, 3));
}
