//! What a user sees of a directory that is too large for a roster, by an unmodified client.

use serde_json::{Value, json};

use super::user::User;
use super::*;

const PASSWORD: &str = "correct horse battery";
const C2S: u16 = 5222;

#[test]
fn whoever_is_not_in_the_roster_is_found_by_a_search() {
    within(&[("home.example", "127.0.1.1")], |_| {
        let (_appliance, admin) = home(&[]);
        set(&admin, "c2s_listen", json!([format!("127.0.0.1:{C2S}")]));
        set(&admin, "directory_contacts_most", json!(10));
        let person = |login: &str, first: &str, folder: &str| {
            let more = json!({"first_name": first, "last_name": "Mueller", "folder": folder, "extension": format!("2{}", login.len())});
            admin.post("/accounts", &account("home", login, &more)).expect(201).id()
        };
        let ben = person("ben", "Ben", "Sales");
        person("eve", "Eve", "Sales");
        person("oezge", "\u{d6}zge", "Lab");
        (0..60).for_each(|n| drop(person(&format!("p{n}"), "Many", "Lab")));
        admin.put(&format!("/accounts/{ben}/password"), "*", &json!({"password": PASSWORD})).expect(204);
        let listens = || std::net::TcpStream::connect(("127.0.0.1", C2S)).ok();
        assert!(awaited(SOON, listens).is_some(), "clients are waited for");
        let (mut ben, _) = User::present("ben@home.example/desk", PASSWORD, C2S, &[]);
        let roster = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>";
        ben.does(&json!({"do": "raw", "text": roster}));
        let roster = ben.hears("answer")["xml"].to_string();
        assert!(roster.contains("eve@home.example") && !roster.contains("p1@home.example"), "{roster}");
        let mut search = |fields: Value| {
            let found = || {
                ben.does(&json!({"do": "search", "fields": fields}));
                Some(ben.hears("found")).filter(|found| found["error"] != "resource-constraint")
            };
            awaited(SOON, found).expect("an answer other than to wait")
        };
        let found = search(json!({"first": "\u{f6}zg"}));
        assert_eq!(found["at"], "directory.home.example");
        for name in ["first", "last", "nick", "email", "x-extension", "x-folder"] {
            assert!(found["asked"].as_array().expect("fields").contains(&json!(name)), "{found:#}");
        }
        let items = found["items"].as_array().expect("a list");
        assert_eq!(
            (items.len(), &items[0]["jid"], &items[0]["last"]),
            (1, &json!("oezge@home.example"), &json!("Mueller"))
        );
        let many = search(json!({"last": "muell", "x-folder": "Lab"}));
        assert_eq!(many["items"].as_array().expect("a list").len(), 50);
        assert!(many["words"].as_str().expect("words").contains("more than these 50"), "{many:#}");
        assert_eq!(search(json!({"last": "nobody"}))["items"], json!([]));
        assert_eq!(search(json!({"last": "*"}))["error"], "not-acceptable");
        assert_eq!(search(json!({"nick": "p_"}))["items"], json!([]), "a line is a line");
    });
}
