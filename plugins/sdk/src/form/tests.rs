//! Every kind with what it takes, what it refuses, and the sentence for it.

use std::fmt::Debug;

use serde_json::json;

use super::*;
use crate::Secret;

/// What one field is read as.
fn one<T>(value: &Value, read: impl FnOnce(Field<'_>) -> Option<T>) -> Result<T, String> {
    let body = json!({ "f": value });
    super::read(&body, |form| read(form.field("f"))).map_err(|problem| {
        assert_eq!((problem.status, problem.errors.len()), (422, 1), "{problem:?}");
        assert_eq!(problem.errors[0].pointer, "/f");
        problem.errors[0].detail.clone()
    })
}

#[track_caller]
fn takes<T: Debug + PartialEq>(value: Value, read: impl FnOnce(Field<'_>) -> Option<T>, wanted: T) {
    assert_eq!(one(&value, read), Ok(wanted), "{value}");
}

#[track_caller]
fn refuses<T: Debug>(values: &[Value], read: impl Fn(Field<'_>) -> Option<T>, says: &str) {
    for value in values {
        let said = one(value, &read).unwrap_err();
        assert_eq!(said, format!("f must be {says}; {}", shown(value)));
    }
}

#[test]
fn plain_kinds() {
    takes(json!(true), |f| f.flag().required(), true);
    refuses(&[json!("yes"), json!(1), json!(null), json!("")], |f| f.flag().required(), "true or false");
    takes(json!(-3), |f| f.whole(-3..=9).required(), -3);
    let wrong = [json!(10), json!(-4), json!(1.5), json!("1"), json!(1e300), json!([1]), json!({"a": 1})];
    refuses(&wrong, |f| f.whole(-3..=9).required(), "a whole number from -3 to 9");
    takes(json!(65535), |f| f.port().required(), 65535);
    refuses(
        &[json!(0), json!(65536), json!("80")],
        |f| f.port().required(),
        "a whole number from 1 to 65535",
    );
    takes(json!("eu"), |f| f.choice(&["", "eu"]).required(), "eu");
    takes(json!(""), |f| f.choice(&["", "eu"]).required(), "");
    refuses(
        &[json!("EU"), json!(7), json!(null)],
        |f| f.choice(&["", "eu"]).required(),
        "one of \"\", \"eu\"",
    );
}

#[test]
fn lengths_are_counted_in_characters_not_bytes() {
    let four = |f: Field<'_>| f.text(1..=4, &PLAIN).required();
    takes(json!("éééé"), four, "éééé".to_owned());
    takes(json!("𝄞𝄞𝄞𝄞"), four, "𝄞𝄞𝄞𝄞".to_owned());
    let says = format!("text of 1 to 4 characters, {}", PLAIN.says);
    refuses(&[json!("ééééé"), json!(""), json!(" a"), json!("a\n"), json!("a\u{7f}b")], four, &says);
    let nine = |f: Field<'_>| f.text(9..=9, &DIGITS).required();
    takes(json!("123456789"), nine, "123456789".to_owned());
    refuses(
        &[json!("12345678"), json!("12345678٣"), json!(123_456_789)],
        nine,
        "text of 9 characters, digits only",
    );
    takes(json!(""), |f| f.text(0..=4, &PLAIN).required(), String::new());
}

#[test]
fn names_of_hosts_and_domains() {
    let (label, long) = ("a".repeat(63), format!("{}com", "abcdefghi.".repeat(25)));
    for domain in
        ["ocs.com", "a-1.b.co", "xn--bcher-kva.example", "1.example", &format!("{label}.com"), &long]
    {
        takes(json!(domain), |f| f.domain().required(), domain.to_owned());
    }
    takes(json!("OCS.com"), |f| f.domain().required(), "ocs.com".to_owned());
    let names =
        ["", "ocs", "ocs..com", ".ocs.com", "ocs.com.", "-ocs.com", "ocs-.com", "o_cs.com", "o cs.com"];
    let more = ["é.fr", "10.0.0.1", "fe80::1", "x.1"].map(Value::from);
    let too_long = [format!("a{label}.com"), format!("a{long}")].map(Value::from);
    refuses(&names.map(Value::from), |f| f.domain().required(), DOMAIN.says);
    refuses(&more, |f| f.domain().required(), DOMAIN.says);
    refuses(&too_long, |f| f.domain().required(), DOMAIN.says);
    for host in ["mbg", "10.0.0.1", "fe80::1", "a.b"] {
        takes(json!(host), |f| f.host().required(), host.to_owned());
    }
    refuses(&["10.0.0.256", "a_b", "http://x", "a:80"].map(Value::from), |f| f.host().required(), HOST.says);
}

#[test]
fn guids_addresses_days_and_times() {
    let guid = "6A7E3F1C-0b52-4b55-9d0e-2f6a1c0d9e11";
    takes(json!(guid), |f| f.guid().required(), guid.to_ascii_lowercase());
    let wrong = [guid.replace('-', ""), format!("{{{guid}}}"), guid.replace('A', "g"), format!("{guid}0")];
    refuses(&wrong.map(Value::from), |f| f.guid().required(), GUID.says);
    takes(json!("ann.ek@ex.org"), |f| f.matching(&EMAIL).required(), "ann.ek@ex.org".to_owned());
    refuses(
        &["ann", "@ex.org", "a@b", "a b@ex.org"].map(Value::from),
        |f| f.matching(&EMAIL).required(),
        EMAIL.says,
    );
    takes(json!("2028-02-29"), |f| f.date().required(), jiff::civil::date(2028, 2, 29));
    let days = ["2027-02-29", "2028-2-29", "20280229", "2028-02-29T00:00", "29.02.2028", "+028-02-29"];
    refuses(&days.map(Value::from), |f| f.date().required(), "a day such as 2030-01-31");
    takes(json!("06:30"), |f| f.time().required(), jiff::civil::time(6, 30, 0, 0));
    refuses(
        &["24:00", "6:30", "06:60", "06:30:00"].map(Value::from),
        |f| f.time().required(),
        "a time of day such as 06:30",
    );
}

#[test]
fn web_addresses() {
    for url in [
        "https://a.example",
        "https://a.example:8443/x?y=1",
        "http://127.0.0.1:80/x",
        "http://[::1]/",
        "http://localhost",
    ] {
        takes(json!(url), |f| f.url().required(), url.to_owned());
    }
    for url in [
        "http://a.example",
        "ftp://a.example",
        "https://",
        "https:///x",
        "https://u@a.example",
        "https://a.example#x",
        "https://a.example:0",
        "https://a.example:+1",
        "https://a.example:99999",
        "https://a b",
        "https://a_b.example",
        "https://[10.0.0.1]",
        "https://[::1",
        "HTTPS//a",
    ] {
        refuses(&[json!(url)], |f| f.url().required(), URL.says);
    }
    takes(
        json!("https://a.example/v1"),
        |f| f.matching(&BASE_URL).required(),
        "https://a.example/v1".to_owned(),
    );
    let wrong = ["https://a.example/", "https://a.example/v1?x", "x"].map(Value::from);
    refuses(&wrong, |f| f.matching(&BASE_URL).required(), BASE_URL.says);
    refuses(&[json!(format!("https://a.example/{}", "x".repeat(2048)))], |f| f.url().required(), URL.says);
}

#[test]
fn what_is_missing_is_refused_replaced_or_nothing() {
    for missing in [json!({}), json!({"f": null}), json!({"f": ""})] {
        assert_eq!(read(&missing, |form| form.field("f").port().or(5269)), Ok(5269), "{missing}");
        assert_eq!(read(&missing, |form| form.field("f").host().optional()), Ok(None), "{missing}");
    }
    let said = read(&json!({}), |form| form.field("f").port().required()).unwrap_err();
    assert_eq!(said.errors[0].detail, "f must be a whole number from 1 to 65535; it is missing");
    assert!(one(&json!(0), |f| f.port().or(1)).is_err(), "wrong is not missing");
}

#[test]
fn a_secret_is_kept_forgotten_or_set_and_never_repeated() {
    let secret = |body: Value| read(&body, |form| form.field("f").secret(4..=8));
    assert_eq!(secret(json!({})), Ok(SecretEdit::Keep));
    assert_eq!(secret(json!({"f": null})), Ok(SecretEdit::Forget));
    assert_eq!(secret(json!({"f": ""})), Ok(SecretEdit::Forget));
    assert_eq!(secret(json!({"f": "hush!"})), Ok(SecretEdit::Set(Secret::new("hush!"))));
    for wrong in [json!("abc"), json!("abcdefghi"), json!("a\nbcd"), json!(12345), json!(["hush!"])] {
        let problem = secret(json!({ "f": wrong })).unwrap_err();
        let said = format!("{problem:?}");
        assert!(
            said.contains("f must be text of 4 to 8 characters") && said.contains("not repeated"),
            "{said}"
        );
        for part in ["abc", "12345", "hush"] {
            assert!(!said.contains(part), "{said}");
        }
    }
    let shown = format!("{:?}", SecretEdit::Set(Secret::new("hush!")));
    assert!(!shown.contains("hush"), "{shown}");
}

/// Pointers of a reading, in order.
fn pointers<T: Debug>(outcome: Result<T, Problem>) -> Vec<String> {
    outcome.unwrap_err().errors.into_iter().map(|error| error.pointer).collect()
}

fn nested(form: &mut Form<'_>) -> Option<(Option<String>, Vec<u16>)> {
    form.ignore(&["revision"]);
    let host = form.field("proxy").object(|proxy| proxy.field("host").host().required()).optional();
    let row = |row: Field<'_>| row.object(|row| row.field("po/rt").port().required()).required();
    let rows = form.field("rows").list(3, row).or(Vec::new());
    Some((host?, rows?))
}

#[test]
fn objects_and_lists_of_them_have_pointers_of_their_own() {
    let good = json!({"proxy": {"host": "A"}, "rows": [{"po/rt": 1}, {"po/rt": 2}], "revision": 7});
    assert_eq!(read(&good, nested), Ok((Some("a".to_owned()), vec![1, 2])));
    assert_eq!(read(&json!({"proxy": null}), nested), Ok((None, Vec::new())));
    let wrong =
        json!({"proxy": {"host": 1, "pots": 1}, "rows": [{"po/rt": 0}, 7, {"po/rt": 9, "x~": 1}], "rev": 1});
    let all = ["/rev", "/proxy/pots", "/proxy/host", "/rows/0/po~1rt", "/rows/1", "/rows/2/x~0"];
    assert_eq!(pointers(read(&wrong, nested)), all);
    assert_eq!(pointers(read(&json!({"proxy": [], "rows": {}}), nested)), ["/proxy", "/rows"]);
    let long = read(&json!({"rows": [1, 2, 3, 4]}), nested).unwrap_err();
    assert_eq!(long.errors[0].detail, "rows must have at most 3 entries; 4 are given");
    assert_eq!(long.errors.len(), 1);
}

#[test]
fn an_unknown_field_is_named_with_those_that_there_are() {
    let problem =
        read(&json!({"prot": {"secret": "hush"}}), |form| form.field("port").port().or(1)).unwrap_err();
    assert_eq!(problem.errors[0].detail, "\"prot\" is no field here; known: `port`");
    assert!(!format!("{problem:?}").contains("hush"));
    assert_eq!(pointers(read(&json!({"a": 1}), |_| Some(()))), ["/a"]);
    for body in [json!(null), json!([]), json!("x")] {
        assert_eq!(pointers(read(&body, |_| Some(()))), [""], "{body}");
    }
}

#[test]
fn fields_can_need_each_other() {
    let pair = |form: &mut Form<'_>| {
        let (host, port) = (form.field("host").host().optional(), form.field("port").port().optional());
        let (host, port) = (host?, port?);
        form.check(host.is_some() == port.is_some(), "port", "port must be given together with host");
        Some((host, port))
    };
    assert_eq!(read(&json!({}), pair), Ok((None, None)));
    assert_eq!(pointers(read(&json!({"host": "a"}), pair)), ["/port"]);
    assert_eq!(pointers(read(&json!({"host": "a", "port": 0}), pair)), ["/port"], "only once");
}

#[test]
fn a_long_wrong_value_is_cut_and_a_large_one_is_not_repeated() {
    let said = one(&json!("é".repeat(100_000)), |f| f.host().required()).unwrap_err();
    assert!(said.len() < 300 && said.ends_with("… is not"), "{said}");
    let said = one(&json!({"password": "hush"}), |f| f.host().required()).unwrap_err();
    assert!(said.ends_with("; an object is not"), "{said}");
}

#[test]
fn a_refusal_without_a_reason_is_the_author_s_fault() {
    assert_eq!(read(&json!({}), |_| None::<()>).unwrap_err().status, 500);
}
