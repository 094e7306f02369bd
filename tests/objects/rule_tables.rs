//! What every field takes and refuses, as tables: good values, and bad ones with words of the refusal. Leaves
//! out trying them, which `rules` does.

use serde_json::{Value, json};

/// A field's good values, and bad ones with words of the refusal; null stands for leaving the field out.
pub type Rule = (&'static str, Vec<Value>, Vec<(Value, &'static str)>);

fn text(n: usize) -> Value {
    "a".repeat(n).into()
}

/// Enterprises (seed 001).
pub fn enterprise_rules() -> Vec<Rule> {
    vec![
        (
            "id",
            vec![json!("abcd"), text(32), json!("A-1-b")],
            vec![
                (json!("abc"), "4 to 32 characters long; this has 3"),
                (text(33), "4 to 32 characters long; this has 33"),
                (json!("ab cd"), "letters, digits and dashes only"),
                (json!("ab_cd"), "letters, digits and dashes only"),
                (json!("ab|cd"), "letters, digits and dashes only; \"ab|cd\" is not"),
                (json!("ab,cd"), "letters, digits and dashes only"),
                (json!("ab;cd"), "letters, digits and dashes only"),
                (json!("ab:cd"), "letters, digits and dashes only"),
                (json!("école"), "letters, digits and dashes only"),
                (json!("abcd\n"), "letters, digits and dashes only"),
                (json!(1234), "must be text, not a number"),
                (Value::Null, "is missing: Enterprise ID"),
            ],
        ),
        (
            "description",
            vec![json!("Zürich site-2"), text(128), json!("x")],
            vec![
                (json!(""), "1 to 128 characters long; this has 0"),
                (text(129), "this has 129"),
                (json!("a|b"), "letters, digits, dashes and spaces only; \"a|b\" is not"),
                (json!("a_b"), "letters, digits, dashes and spaces only"),
                (json!(" a"), "letters, digits, dashes and spaces only"),
                (json!(["a"]), "must be text, not a list"),
                (Value::Null, "is missing: What people call it"),
            ],
        ),
        (
            "domain",
            vec![json!("a.b"), json!("x-1.example.com"), json!(format!("{0}.{0}.com", "d".repeat(63)))],
            vec![
                (json!("com"), "a DNS name such as example.com"),
                (json!("ab"), "3 to 253 characters long; this has 2"),
                (json!("-a.com"), "a DNS name"),
                (json!("a..com"), "a DNS name"),
                (json!("10.0.0.1"), "a DNS name"),
                (json!(format!("{}.com", "d".repeat(64))), "a DNS name"),
                (text(254), "this has 254"),
                (json!("é.fr"), "a DNS name"),
                (Value::Null, "is missing: DNS name"),
            ],
        ),
        (
            "voice_mail_server",
            vec![json!(""), json!("nupoint"), json!("10.0.0.7"), json!(format!("{0}.{0}", "v".repeat(63)))],
            vec![
                (json!("a b"), "a host name or an IP address"),
                (text(129), "0 to 128 characters long; this has 129"),
            ],
        ),
        (
            "admin_email",
            vec![json!(""), json!("it@example.com")],
            vec![
                (json!("it"), "an e-mail address such as name@example.com"),
                (text(255), "0 to 254 characters long; this has 255"),
            ],
        ),
        (
            "presence_privacy",
            vec![json!(true), json!(false)],
            vec![(json!(1), "must be true or false, not a number")],
        ),
        (
            "calendar_integration",
            vec![json!(true), json!(false)],
            vec![(json!("on"), "must be true or false, not text")],
        ),
    ]
}

/// User profiles.
pub fn profile_rules() -> Vec<Rule> {
    let mut rules: Vec<Rule> = vec![
        (
            "name",
            vec![json!("Sales (été)"), text(64)],
            vec![
                (json!(""), "1 to 64 characters"),
                (text(65), "this has 65"),
                (json!("a|b"), "text without |"),
                (json!(" a"), "not beginning or ending with a space"),
                (Value::Null, "is missing"),
            ],
        ),
        (
            "description",
            vec![json!(""), text(128)],
            vec![
                (text(129), "this has 129"),
                (json!("a|b"), "text without |"),
                (json!("a\nb"), "control characters"),
            ],
        ),
        ("built_in", vec![], vec![(json!(true), "is set by the appliance")]),
    ];
    let switches = [
        "teams_status",
        "allow_user_statuses",
        "call_through",
        "auto_start",
        "telephony_only",
        "calendar_integration",
        "set_advisory",
    ];
    rules.extend(switches.map(|name| {
        (name, vec![json!(true), json!(false)], vec![(json!("yes"), "must be true or false, not text")])
    }));
    rules
}

/// Trusted servers.
pub fn trusted_server_rules() -> Vec<Rule> {
    vec![
        (
            "description",
            vec![json!("Lyon site-2"), text(64)],
            vec![
                (json!(""), "1 to 64"),
                (text(65), "this has 65"),
                (json!("a_b"), "letters, digits, dashes and spaces only; \"a_b\" is not"),
                (Value::Null, "is missing"),
            ],
        ),
        (
            "address",
            vec![json!("10.0.0.9"), json!("fe80::9"), json!("im.example.com")],
            vec![
                (json!("im"), "an IP address or a fully qualified host name; \"im\" is not"),
                (json!("https://im.example.com"), "fully qualified host name"),
                (json!("10.0.0.256"), "an IP address"),
                (text(254), "1 to 253 characters long; this has 254"),
                (Value::Null, "is missing"),
            ],
        ),
        (
            "type",
            vec![json!("presence"), json!("im"), json!("peer")],
            vec![(json!("chat"), "must be one of presence, im, peer"), (Value::Null, "is missing")],
        ),
        ("peer", vec![], vec![(json!("peer-1"), "is set by the appliance")]),
    ]
}

/// PBX nodes (seeds 001 and 003).
pub fn node_rules() -> Vec<Rule> {
    let ports: Vec<u16> = (1..=33).collect();
    vec![
        (
            "name",
            vec![json!("Nœud n° 1 | été"), text(64)],
            vec![
                (json!(""), "1 to 64 characters"),
                (text(65), "this has 65"),
                (json!("a\u{0}b"), "without control characters"),
                (json!("a\nb"), "without control characters"),
                (Value::Null, "is missing: What people call it"),
            ],
        ),
        (
            "kind",
            vec![json!("mivoice_business"), json!("mx_one"), json!("mivoice_5000")],
            vec![
                (json!("mx-one"), "did you mean \"mx_one\"?"),
                (json!("office_400"), "must be one of mivoice_business, mx_one, mivoice_5000"),
                (Value::Null, "is missing"),
            ],
        ),
        (
            "address",
            vec![json!("pbx"), json!("10.0.0.1"), json!("fe80::1"), json!("pbx.example.com")],
            vec![
                (json!(""), "1 to 253 characters"),
                (json!("a_b"), "a host name or an IP address"),
                (json!("10.0.0.256"), "a host name or an IP address"),
                (json!("http://x"), "a host name or an IP address"),
                (text(254), "this has 254"),
                (Value::Null, "is missing: Host name"),
            ],
        ),
        (
            "outgoing_digit",
            vec![json!(""), json!("0"), json!("*"), json!("#")],
            vec![
                (json!("00"), "0 to 1 characters long; this has 2"),
                (json!("a"), "one of 0 to 9, * or #, or empty"),
                (json!("٣"), "one of 0 to 9"),
                (json!(0), "must be text, not a number"),
            ],
        ),
        (
            "country",
            vec![json!(""), json!("FR"), json!("QQ")],
            vec![
                (json!("fr"), "two capital letters of ISO 3166"),
                (json!("F"), "two capital letters"),
                (json!("FRA"), "0 to 2 characters"),
            ],
        ),
        (
            "international_prefix",
            vec![json!(""), json!("00"), json!("12345678")],
            vec![(json!("+"), "digits only"), (json!("123456789"), "0 to 8 characters")],
        ),
        (
            "trunk_prefix",
            vec![json!(""), json!("0")],
            vec![(json!("x"), "digits only"), (json!(0), "must be text")],
        ),
        (
            "emergency_numbers",
            vec![json!([]), json!(["112", "15"])],
            vec![
                (json!(["1"]), "2 to 8 characters"),
                (json!(["11a"]), "digits only"),
                (json!(["112", "112"]), "is listed twice"),
                (json!("112"), "must be a list, not text"),
                (json!([112]), "must be text, not a number"),
            ],
        ),
        (
            "extension_ranges",
            vec![json!([]), json!(["7"]), json!(["100-199", "2000-2999"])],
            vec![
                (json!(["a"]), "an extension such as 2000, or a range such as 2000-2999"),
                (json!(["2-1"]), "\"2-1\" runs backwards. Write 1-2."),
                (json!(["9-10"]), "\"9-10\" has ends of different length"),
                (json!(["123456789"]), "an extension such as 2000"),
            ],
        ),
        (
            "transparent",
            vec![json!(true), json!(false)],
            vec![(json!("true"), "must be true or false, not text"), (json!(1), "not a number")],
        ),
        (
            "csta_ports",
            vec![json!([]), json!([1, 65535]), json!(ports[..32])],
            vec![
                (json!([0]), "must be 1 to 65535; 0 is not"),
                (json!([65536]), "must be 1 to 65535"),
                (json!([1.5]), "must be a whole number"),
                (json!(["1"]), "must be a whole number, not text"),
                (json!([7, 7]), "7 is listed twice"),
                (json!(ports), "may hold at most 32; this has 33"),
            ],
        ),
        ("x25_ports", vec![json!([])], vec![(json!([4711]), "maps 4711, which is not one of csta_ports")]),
        (
            "ntp_address",
            vec![json!(""), json!("ntp.example.com"), json!("::1")],
            vec![(json!("a b"), "a host name or an IP address")],
        ),
        (
            "voice_mail_server",
            vec![json!(""), json!("vm.example.com"), json!("10.0.0.8")],
            vec![(json!("a b"), "a host name or an IP address"), (text(129), "this has 129")],
        ),
        (
            "voice_mail_number",
            vec![json!(""), json!("+33 (0)1 42 76-49.78"), json!("*98")],
            vec![(json!("call me"), "a telephone number"), ("1".repeat(33).into(), "0 to 32")],
        ),
    ]
}

/// Accounts.
pub fn account_rules() -> Vec<Rule> {
    vec![
        (
            "login_id",
            vec![json!("jo"), json!("jo@example.com"), json!("jérôme"), json!("4001"), text(113)],
            vec![
                (Value::Null, "is missing: Login ID"),
                (json!("j"), "2 to 113 characters"),
                (text(114), "this has 114"),
                (json!("@jo"), "with @ neither first nor last"),
                (json!("jo@"), "with @ neither first nor last"),
                (json!("j o"), "without spaces"),
                (json!("jo€"), "characters of ISO 8859-1"),
                (json!("j\u{0}o"), "characters of ISO 8859-1"),
            ],
        ),
        (
            "first_name",
            vec![json!(""), json!("Zoé"), text(64)],
            vec![(text(65), "0 to 64"), (json!("a\tb"), "without control characters")],
        ),
        (
            "last_name",
            vec![json!("O'Neil"), json!("王"), json!("👩‍🚀")],
            vec![(json!(""), "1 to 64"), (text(65), "this has 65"), (Value::Null, "is missing: Last name")],
        ),
        (
            "email",
            vec![json!(""), json!("a.b+c@ex-1.org"), json!("Jo@Example.com")],
            vec![
                (json!("a"), "an e-mail address such as name@example.com"),
                (json!("a@b"), "an e-mail address"),
                (json!("a b@c.com"), "an e-mail address"),
                (text(255), "0 to 254 characters long; this has 255"),
            ],
        ),
        (
            "extension",
            vec![json!(""), json!("*12#"), "1".repeat(32).into()],
            vec![
                ("1".repeat(33).into(), "0 to 32"),
                (json!("20 01"), "digits, * and # only"),
                (json!(2001), "must be text, not a number"),
            ],
        ),
        (
            "folder",
            vec![json!(""), json!("Sales/Paris été"), text(255)],
            vec![
                (text(256), "this has 256"),
                (json!("/Sales"), "folder names with / between them"),
                (json!("Sales//Paris"), "folder names with / between them"),
                (json!("Sales/"), "folder names with / between them"),
                (json!("Sales /Paris"), "folder names with / between them"),
                (json!("Sa\nles"), "folder names with / between them"),
            ],
        ),
        (
            "voice_mail_server",
            vec![json!(""), json!("vm.example.com"), json!("10.0.0.8")],
            vec![(json!("a b"), "a host name or an IP address"), (text(129), "this has 129")],
        ),
        (
            "voice_mail_number",
            vec![json!(""), json!("+33 (0)1 42 76-49.78"), json!("*98")],
            vec![(json!("call me"), "a telephone number"), ("1".repeat(33).into(), "0 to 32")],
        ),
        ("deployed", vec![json!(true), json!(false)], vec![(json!("yes"), "must be true or false")]),
        ("teams_status", vec![json!(true), json!(false)], vec![(json!("yes"), "must be true or false")]),
        ("show_presence", vec![json!(true), json!(false)], vec![(json!("yes"), "must be true or false")]),
        ("in_directory", vec![json!(true), json!(false)], vec![(json!("yes"), "must be true or false")]),
        (
            "profile",
            vec![json!("profile-teams")],
            vec![(json!("profile-x"), "names no profile: there is none")],
        ),
        ("peer", vec![], vec![(json!("peer-1"), "is set by the appliance; leave it out")]),
        ("origin", vec![], vec![(json!("peer"), "is set by the appliance; leave it out")]),
        ("id", vec![], vec![(json!("acc-1"), "is set by the appliance; leave it out")]),
    ]
}

/// Peers (seed 001).
pub fn peer_rules() -> Vec<Rule> {
    vec![
        (
            "description",
            vec![json!("Lyon site-2"), text(64)],
            vec![
                (json!(""), "1 to 64"),
                (text(65), "this has 65"),
                (json!("a|b"), "letters, digits, dashes and spaces only"),
                (json!("trail "), "letters, digits, dashes and spaces only"),
                (Value::Null, "is missing: What people call it"),
            ],
        ),
        // Seed 001: only the length blocks.
        (
            "dialing_prefix",
            vec![
                json!(""),
                json!(" -77 "),
                json!("é\u{0}\n👩"),
                "9".repeat(20).into(),
                "👩".repeat(20).into(),
            ],
            vec![
                ("9".repeat(21).into(), "0 to 20 characters long; this has 21"),
                (json!(77), "must be text, not a number"),
            ],
        ),
        (
            "kind",
            vec![Value::Null, json!("external")],
            vec![
                (json!("jackfeild"), "did you mean \"jackfield\"?"),
                (json!("micollab"), "must be one of jackfield, external"),
            ],
        ),
        ("hostname", vec![], vec![(json!("pbx.lyon.example"), "must be null while kind is null")]),
        ("peer_enterprise", vec![], vec![(json!("Lyon-01"), "must be null while kind is null")]),
        ("sync_every_days", vec![json!(0)], vec![(json!(1), "must be 0 while kind is null")]),
    ]
}

/// Peers that are sister appliances (seeds 001 and 002).
pub fn sister_rules() -> Vec<Rule> {
    vec![
        (
            "hostname",
            vec![json!("a.b"), json!("uc-1.lyon.example"), json!(format!("{0}.{0}.com", "d".repeat(63)))],
            vec![
                (Value::Null, "must be given for the kind jackfield; it is missing"),
                (json!("lyon"), "a DNS name such as example.com; \"lyon\" is not"),
                (json!("10.0.0.1"), "a DNS name"),
                (json!("https://lyon.example"), "a DNS name"),
                (json!("a_b.example"), "a DNS name"),
                (json!(""), "3 to 253 characters long; this has 0"),
                (json!(7), "must be text, not a number"),
            ],
        ),
        (
            "peer_enterprise",
            vec![json!("abcd"), text(32), json!("A-1-b")],
            vec![
                (Value::Null, "must be given for the kind jackfield; it is missing"),
                (json!("abc"), "4 to 32 characters long; this has 3"),
                (text(33), "4 to 32 characters long; this has 33"),
                (json!("ab cd"), "letters, digits and dashes only; \"ab cd\" is not"),
                (json!("ab|cd"), "letters, digits and dashes only"),
                (json!("ab,cd"), "letters, digits and dashes only"),
                (json!("ab;cd"), "letters, digits and dashes only"),
                (json!("ab:cd"), "letters, digits and dashes only"),
            ],
        ),
        ("dialing_prefix", vec![json!("77"), json!("-77")], vec![(text(21), "0 to 20 characters")]),
        (
            "sync_every_days",
            vec![json!(0), json!(1), json!(365)],
            vec![
                (json!(-1), "must be 0 to 365; -1 is not"),
                (json!(366), "must be 0 to 365; 366 is not"),
                (json!(1.5), "must be a whole number"),
                (json!("1"), "must be a whole number, not text"),
            ],
        ),
        (
            "sync_hour",
            vec![json!(1), json!(12)],
            vec![(json!(0), "must be 1 to 12; 0 is not"), (json!(13), "must be 1 to 12; 13 is not")],
        ),
        (
            "sync_minute",
            vec![json!(0), json!(59)],
            vec![(json!(-1), "must be 0 to 59"), (json!(60), "must be 0 to 59; 60 is not")],
        ),
        (
            "sync_half",
            vec![json!("AM"), json!("PM")],
            vec![(json!("pm"), "must be one of AM, PM; \"pm\" is not"), (json!(0), "must be text")],
        ),
    ]
}

/// Peers that are other messaging servers (seed 001).
pub fn external_rules() -> Vec<Rule> {
    vec![
        ("hostname", vec![], vec![(json!("uc.lyon.example"), "must be null for the kind external")]),
        ("peer_enterprise", vec![], vec![(json!("Lyon-01"), "must be null for the kind external")]),
        ("dialing_prefix", vec![json!("")], vec![(json!("77"), "must be empty for the kind external")]),
        ("sync_every_days", vec![json!(7)], vec![(json!(366), "must be 0 to 365")]),
    ]
}

/// Administrators.
pub fn admin_rules() -> Vec<Rule> {
    vec![
        (
            "name",
            vec![json!("a.b-c_d@e"), json!("0x")],
            vec![
                (json!("a"), "2 to 64"),
                (json!(".ab"), "beginning with a letter or digit"),
                (json!("a b"), "letters, digits, dots"),
            ],
        ),
        (
            "role",
            vec![json!("viewer"), json!("operator"), json!("admin")],
            vec![(json!("admn"), "did you mean \"admin\"?"), (Value::Null, "is missing")],
        ),
        (
            "password",
            vec![],
            vec![
                (json!("elevenchars"), "12 to 128 characters long; this has 11"),
                (text(129), "this has 129"),
                (Value::Null, "a new administrator needs one"),
            ],
        ),
    ]
}

/// Tokens.
pub fn token_rules() -> Vec<Rule> {
    vec![
        ("role", vec![json!("viewer")], vec![(json!("root"), "must be one of viewer, operator, admin")]),
        (
            "scopes",
            vec![json!([]), json!(["peers:read", "peers:write"])],
            vec![
                (json!(["peers:raed"]), "did you mean \"peers:read\"?"),
                (json!(["peers:read", "peers:read"]), "is listed twice"),
                (json!("peers:read"), "must be a list"),
            ],
        ),
        (
            "expires_at",
            vec![json!("2199-01-01T00:00:00Z")],
            vec![(json!("tomorrow"), "an RFC 3339 time"), (json!(0), "an RFC 3339 time")],
        ),
        ("token", vec![], vec![(json!("jf_mine"), "is set by the appliance")]),
    ]
}
