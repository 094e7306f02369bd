//! What every field of a synchronizer takes and refuses, as a table. Tried as dry runs: nothing of it stays.

use jackfield_sdk::{Value, json};

use crate::appliance::Appliance;

/// A field's values with what is shown of them, and bad ones with words of the refusal.
type Rule = (&'static str, Vec<(Value, Value)>, Vec<(Value, &'static str)>);

/// A whole synchronizer as it is sent.
pub fn usual() -> Value {
    json!({
        "description": "Sales", "domain": "ocs.example", "path": "ldap://dc1.ocs.example/DC=ocs,DC=example",
        "tls": "ldaps", "bind_dn": "CN=reader,DC=ocs,DC=example", "password": "hush-hush",
    })
}

/// The same with other fields; one that is null is sent as null.
pub fn with(fields: Value) -> Value {
    let mut body = usual();
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// The same, of which some fields are left out.
pub fn without(names: &[&str], fields: Value) -> Value {
    let mut body = with(fields);
    names.iter().for_each(|name| drop(body.as_object_mut().unwrap().remove(*name)));
    body
}

const PEER: &str = "peers/peer-ocs/synchronizer";
const ENTERPRISE: &str = "enterprises/home/synchronizer";

fn tried(appliance: &Appliance, path: &str, body: Value) -> (u16, Value) {
    let answer = appliance.rehearse("PUT", path, None, body);
    (answer.status, answer.body)
}

#[track_caller]
fn refused(appliance: &Appliance, path: &str, body: Value, field: &str, words: &str) {
    let (status, answer) = tried(appliance, path, body.clone());
    assert_eq!(status, 422, "{body} was answered {answer}");
    let pointer = format!("/{}", field.replace('.', "/"));
    let errors = answer["errors"].as_array().unwrap();
    let error = errors.iter().find(|error| error["pointer"] == pointer.as_str());
    let detail =
        error.and_then(|error| error["detail"].as_str()).unwrap_or_else(|| panic!("{pointer}: {answer}"));
    let name = field.rsplit('.').next().unwrap();
    assert!(detail.starts_with(&format!("{name} must be ")), "{detail}");
    assert!(detail.contains(words), "{field}: {detail} does not say {words:?}");
}

fn same(values: Vec<Value>) -> Vec<(Value, Value)> {
    values.into_iter().map(|value| (value.clone(), value)).collect()
}

fn text(n: usize) -> Value {
    "a".repeat(n).into()
}

#[test]
fn what_is_left_out_is_filled_in() {
    let appliance = Appliance::new();
    let body = json!({"description": "Sales", "domain": "OCS.example", "host": "DC1", "base_dn": "DC=ocs, DC=example"});
    let (status, shown) = tried(&appliance, PEER, body);
    let filled = json!({
        "peer": "peer-ocs", "description": "Sales", "domain": "ocs.example", "path": "ldaps://dc1/DC=ocs,DC=example",
        "host": "dc1", "port": 636, "base_dn": "DC=ocs,DC=example", "search_context": "",
        "search_base": "DC=ocs,DC=example", "tls": "ldaps", "ca_certificate": null, "certificates": [],
        "bind_dn": null, "has_password": false, "password_set_at": null,
        "filter": "(&(objectCategory=person)(objectClass=user))", "scope": "subtree", "page_size": 500,
        "max_removal_percent": 20, "grace_days": 7, "state": "never_synchronized", "warnings": [], "revision": 1,
    });
    assert_eq!(status, 201, "{shown}");
    for (field, value) in filled.as_object().unwrap() {
        assert_eq!(&shown[field], value, "{field}");
    }
    assert!(shown["reason"].as_str().unwrap().starts_with("configured, and not read yet"), "{shown}");
    for (field, attribute) in [
        ("user_id", "objectGUID"),
        ("login", "sAMAccountName"),
        ("distinguished_name", "distinguishedName"),
        ("first_name", "givenName"),
        ("last_name", "sn"),
        ("email", "mail"),
        ("primary_phone", "telephoneNumber"),
        ("home_element", "ipPhone"),
        ("photo", "jpegPhoto"),
    ] {
        assert_eq!(shown["mapping"][field], attribute, "{field}");
    }
    for field in ["did", "position", "info", "info_2", "address"] {
        assert_eq!(shown["mapping"].get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!(shown["mapping"].as_object().unwrap().len(), 28);
}

fn rules() -> Vec<Rule> {
    vec![
        (
            "description",
            same(vec![json!("Ventes | été"), text(64)]),
            vec![
                (Value::Null, "text of 1 to 64 characters, without control characters"),
                (text(65), "aaa\" is not"),
                (json!("a\nb"), "\"a\\nb\" is not"),
                (json!(7), "7 is not"),
            ],
        ),
        (
            "domain",
            vec![(json!("OCS.Example"), json!("ocs.example"))],
            vec![
                (Value::Null, "a DNS name such as example.com"),
                (json!("ocs"), "\"ocs\" is not"),
                (json!("10.0.0.1"), "no IP address; \"10.0.0.1\" is not"),
                (json!("home.example"), "that of the enterprise \"home\""),
            ],
        ),
        (
            "path",
            vec![
                (json!("ldap://DC1/DC=x"), json!("ldaps://dc1/DC=x")),
                (
                    json!("ldaps://dc1:3269/OU=My%20People,DC=x"),
                    json!("ldaps://dc1:3269/OU=My%20People,DC=x"),
                ),
                (json!("ldap://[fe80::1]/DC=x"), json!("ldaps://[fe80::1]/DC=x")),
            ],
            vec![
                (json!("dc1"), "\"dc1\" is not: ldap:// is missing"),
                (json!("http://dc1/DC=x"), "neither ldap nor ldaps"),
                (json!("ldap://dc1"), "the / before the base DN is missing"),
                (json!("ldap://dc1/"), "the base DN is missing"),
                (json!("ldap://d_c/DC=x"), "\"d_c\" is neither a host name nor an IP address"),
                (json!("ldap://dc1/DC=x,OU=y"), "must come before the DC parts"),
                (json!("ldap://dc1/x"), "is not of the form TYPE=VALUE"),
            ],
        ),
        (
            "port",
            same(vec![json!(1), json!(65535)]),
            vec![
                (json!(0), "from 1 to 65535; 0 is not"),
                (json!(65536), "65536 is not"),
                (json!("389"), "\"389\" is not"),
            ],
        ),
        (
            "tls",
            same(vec![json!("none"), json!("starttls"), json!("ldaps")]),
            vec![
                (json!("TLS"), "one of \"none\", \"starttls\", \"ldaps\"; \"TLS\" is not"),
                (json!(true), "true is not"),
            ],
        ),
        (
            "search_context",
            vec![(json!("OU=a, OU=b"), json!("OU=a,OU=b")), (json!(""), json!(""))],
            vec![
                (json!("Sales"), "\"Sales\" is not: \"Sales\" is not of the form TYPE=VALUE"),
                (json!("OU=a,DC=ocs,DC=example"), "relative to base_dn"),
                (json!("OU=a;OU=b"), "';' must be written"),
            ],
        ),
        (
            "bind_dn",
            same(vec![json!("CN=r\\, eader,OU=x,DC=y"), json!("reader@ocs.example")]),
            vec![
                (
                    json!("OCS\\reader"),
                    "a user principal name such as reader@example.com; \"OCS\\\\reader\" is not",
                ),
                (json!("reader"), "\"reader\" is not"),
            ],
        ),
        (
            "filter",
            same(vec![json!("(mail=*)"), json!("(&(a=b)(!(c=d)))")]),
            vec![
                (json!("mail=*"), "\"mail=*\" is not: at character 1, \"(\" is missing"),
                (json!("(mail=*"), "at character 8, \")\" is missing"),
                (json!("(m ail=*)"), "does not name an attribute"),
            ],
        ),
        (
            "scope",
            same(vec![json!("base"), json!("one"), json!("subtree")]),
            vec![(json!("sub"), "one of \"base\", \"one\", \"subtree\"; \"sub\" is not")],
        ),
        (
            "page_size",
            same(vec![json!(1), json!(1000)]),
            vec![
                (json!(0), "from 1 to 1000; 0 is not"),
                (json!(1001), "1001 is not"),
                (json!(1.5), "1.5 is not"),
            ],
        ),
        (
            "max_removal_percent",
            same(vec![json!(0), json!(100)]),
            vec![(json!(-1), "from 0 to 100; -1 is not"), (json!(101), "101 is not")],
        ),
        (
            "grace_days",
            same(vec![json!(0), json!(365)]),
            vec![(json!(-1), "from 0 to 365; -1 is not"), (json!(366), "366 is not")],
        ),
        (
            "ca_certificate",
            vec![(Value::Null, Value::Null)],
            vec![(
                json!("secret-looking"),
                "certificates in PEM; what was given is not, and is not repeated here: it has no",
            )],
        ),
        ("mapping", vec![], vec![(json!("cn"), "an object; \"cn\" is not"), (json!([]), "a list is not")]),
        (
            "password",
            vec![],
            vec![
                (json!(7), "what was given is not, and is not repeated"),
                (text(257), "1 to 256 characters"),
            ],
        ),
    ]
}

#[test]
fn each_field_keeps_its_rule_and_says_it() {
    let appliance = Appliance::new();
    let writes = appliance.count("db.tx");
    for (field, good, bad) in rules() {
        for (value, shown) in good {
            let (status, body) = tried(&appliance, PEER, with(json!({field: value})));
            assert_eq!((status, &body[field]), (201, &shown), "{field} = {value}: {body}");
        }
        for (value, words) in bad {
            refused(&appliance, PEER, with(json!({field: value})), field, words);
        }
    }
    assert_eq!(appliance.count("db.tx"), writes, "a dry run writes nothing");
}

#[test]
fn host_port_and_base_dn_stand_for_a_path_or_agree_with_it() {
    let appliance = Appliance::new();
    let bare = |fields: Value| without(&["path", "tls"], fields);
    let (_, shown) =
        tried(&appliance, PEER, bare(json!({"host": "10.0.0.1", "port": 1636, "base_dn": "O=x"})));
    assert_eq!((&shown["path"], &shown["tls"]), (&json!("ldaps://10.0.0.1:1636/O=x"), &json!("ldaps")));
    for (fields, field, words) in [
        (
            json!({"base_dn": "O=x"}),
            "host",
            "a host name or an IP address, unless path says it; it is missing",
        ),
        (json!({"host": "a"}), "base_dn", "unless path says it; it is missing"),
        (json!({"host": "a b", "base_dn": "O=x"}), "host", "\"a b\" is not"),
        (json!({"host": "a", "base_dn": "x"}), "base_dn", "\"x\" is not: \"x\" is not of the form"),
    ] {
        refused(&appliance, PEER, bare(fields), field, words);
    }
    let agreeing = json!({"host": "DC1.ocs.example", "base_dn": "DC=ocs,DC=example", "port": 636});
    assert_eq!(tried(&appliance, PEER, with(agreeing)).0, 201);
    for (field, value, words) in [
        (
            "host",
            json!("dc2"),
            "what path says, \"dc1.ocs.example\", or one of them be left out; \"dc2\" is not",
        ),
        ("base_dn", json!("O=x"), "what path says, \"DC=ocs,DC=example\""),
        ("tls", json!("none"), "where path begins with ldaps://; \"none\" is not"),
    ] {
        let path = "ldaps://dc1.ocs.example/DC=ocs,DC=example";
        refused(&appliance, PEER, with(json!({"path": path, field: value})), field, words);
    }
    let twice = json!({"path": "ldap://dc1:390/O=x", "port": 389});
    refused(&appliance, PEER, with(twice), "port", "what path says, 390");
}

#[test]
fn the_port_follows_the_tls_mode() {
    let appliance = Appliance::new();
    for (tls, port) in [("none", 389), ("starttls", 389), ("ldaps", 636)] {
        assert_eq!(tried(&appliance, PEER, with(json!({"tls": tls}))).1["port"], port, "{tls}");
    }
    let unsaid = tried(&appliance, PEER, without(&["tls"], json!({}))).1;
    assert_eq!(
        (&unsaid["tls"], &unsaid["port"]),
        (&json!("starttls"), &json!(389)),
        "ldap:// without a word"
    );
}

#[test]
fn a_mapping_keeps_its_rules() {
    let appliance = Appliance::new();
    let mapped = |mapping: Value| with(json!({"mapping": mapping}));
    let given = json!({"login": "userPrincipalName", "fax": null, "photo": "", "did": "2.5.4.20", "title": "x;lang-fr"});
    let (_, shown) = tried(&appliance, PEER, mapped(given));
    let mapping = &shown["mapping"];
    for (field, value) in [
        ("login", json!("userPrincipalName")),
        ("fax", Value::Null),
        ("photo", Value::Null),
        ("did", json!("2.5.4.20")),
        ("title", json!("x;lang-fr")),
        ("email", json!("mail")),
    ] {
        assert_eq!(mapping[field], value, "{field}");
    }
    for needed in ["user_id", "distinguished_name", "first_name", "last_name"] {
        for nothing in [Value::Null, json!("")] {
            let field = format!("mapping.{needed}");
            refused(
                &appliance,
                PEER,
                mapped(json!({needed: nothing})),
                &field,
                "no contact can do without it; null is not",
            );
        }
    }
    for (value, words) in [
        (
            json!("given name"),
            "the name of an attribute such as givenName, or null for none; \"given name\" is not",
        ),
        (json!("1st"), "\"1st\" is not"),
        (text(129), "… is not"),
        (json!(7), "7 is not"),
    ] {
        refused(&appliance, PEER, mapped(json!({"city": value})), "mapping.city", words);
    }
    let (status, body) = tried(&appliance, PEER, mapped(json!({"surname": "sn"})));
    assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!("/mapping/surname")), "{body}");
}

#[test]
fn a_password_goes_with_an_account() {
    let appliance = Appliance::new();
    for (fields, words) in [
        (json!({"bind_dn": null}), "left out where bind_dn is; one was given, and is not repeated here"),
        (json!({"password": null}), "given with bind_dn; it is empty"),
        (json!({"password": ""}), "given with bind_dn; it is empty"),
    ] {
        refused(&appliance, PEER, with(fields), "password", words);
    }
    refused(
        &appliance,
        PEER,
        without(&["password"], json!({})),
        "password",
        "given with bind_dn; it is missing",
    );
    let (status, shown) = tried(&appliance, PEER, without(&["password", "bind_dn"], json!({})));
    assert_eq!((status, &shown["has_password"]), (201, &json!(false)), "{shown}");
}

#[test]
fn everything_wrong_is_told_at_once_and_no_secret_is_repeated() {
    let appliance = Appliance::new();
    let body = json!({"tls": 1, "port": 0, "filter": "x", "passwrd": "hush", "password": ["hush"], "mapping": {"fax": 1}});
    let (status, answer) = tried(&appliance, PEER, body);
    assert_eq!(status, 422, "{answer}");
    let mut pointers: Vec<_> =
        answer["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    let all =
        ["/description", "/domain", "/filter", "/mapping/fax", "/password", "/passwrd", "/port", "/tls"];
    assert_eq!(pointers, all, "{answer}");
    assert!(!answer.to_string().contains("hush"), "{answer}");
}

#[test]
fn only_an_enterprise_s_synchronizer_has_a_schedule() {
    let appliance = Appliance::new();
    let schedule = |field: &str, value: Value| with(json!({field: value}));
    let (_, shown) = tried(&appliance, ENTERPRISE, usual());
    let default = [
        ("sync_every_days", json!(0)),
        ("sync_hour", json!(2)),
        ("sync_minute", json!(0)),
        ("sync_half", json!("AM")),
        ("deploy", json!(true)),
        ("profile", json!(null)),
    ];
    for (field, value) in default {
        assert_eq!(shown[field], value, "{field}");
        let (status, body) = tried(&appliance, PEER, schedule(field, value));
        assert_eq!((status, &body["errors"][0]["pointer"]), (422, &json!(format!("/{field}"))), "{body}");
    }
    for (field, value, words) in [
        ("sync_every_days", json!(-1), "from 0 to 365; -1 is not"),
        ("sync_every_days", json!(366), "366 is not"),
        ("sync_hour", json!(0), "from 1 to 12; 0 is not"),
        ("sync_hour", json!(13), "13 is not"),
        ("sync_minute", json!(60), "from 0 to 59; 60 is not"),
        ("deploy", json!("yes"), "\"yes\" is not"),
        ("profile", json!("none"), "profile must be the id of a user profile, or null; \"none\" is none"),
        ("sync_half", json!("am"), "one of \"AM\", \"PM\"; \"am\" is not"),
    ] {
        refused(&appliance, ENTERPRISE, schedule(field, value), field, words);
    }
}

#[test]
fn what_is_allowed_but_unwise_is_warned_of() {
    let appliance = Appliance::new();
    for (fields, words) in [
        (json!({"tls": "none"}), "the password crosses the network in clear"),
        (json!({"tls": "none", "bind_dn": null, "password": null}), "anybody on the way can read and change"),
        (json!({"port": 3269}), "global catalogue"),
        (json!({"tls": "starttls", "port": 636}), "port 636 usually expects"),
        (json!({"port": 389}), "port 389 usually expects"),
    ] {
        let (_, shown) = tried(&appliance, PEER, with(fields));
        let warnings = shown["warnings"].as_array().unwrap_or_else(|| panic!("{shown}"));
        assert!(
            warnings.iter().any(|warning| warning.as_str().unwrap().contains(words)),
            "{words}: {warnings:?}"
        );
    }
}

#[test]
fn an_enterprise_s_people_may_have_its_own_domain() {
    let appliance = Appliance::new();
    let (status, shown) = tried(&appliance, ENTERPRISE, with(json!({"domain": "home.example"})));
    assert_eq!((status, &shown["enterprise"]), (201, &json!("home")), "{shown}");
}
