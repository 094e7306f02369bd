//! What most tests need to be there: an enterprise with a French and an American node and a peer.

use serde_json::{Value, json};

use super::{Answer, Client};

/// The ids of what was made.
#[derive(Debug, Clone)]
pub struct Site {
    /// The enterprise.
    pub enterprise: String,
    /// A MiVoice 5000 in France with the outgoing digit 0 and the extensions 2000-2999.
    pub fr: String,
    /// An MX-ONE in the United States with the outgoing digit 9 and the extensions 2000-2999.
    pub us: String,
    /// A peer with the prefix 77.
    pub peer: String,
}

/// Makes the site `acme`.
pub fn site(client: &Client) -> Site {
    site_named(client, "acme")
}

/// Makes a site of that enterprise id.
pub fn site_named(client: &Client, enterprise: &str) -> Site {
    let made = |path: &str, body: Value| client.post(path, &body).expect(201).id();
    made("/enterprises", enterprise_body(enterprise));
    Site {
        fr: made(
            "/pbx-nodes",
            node(
                enterprise,
                "Paris",
                &json!({"outgoing_digit": "0", "country": "FR", "kind": "mivoice_5000"}),
            ),
        ),
        us: made("/pbx-nodes", node(enterprise, "Boston", &json!({"outgoing_digit": "9", "country": "US"}))),
        peer: made(
            "/peers",
            json!({"enterprise": enterprise, "description": "Lyon", "dialing_prefix": "77"}),
        ),
        enterprise: enterprise.to_owned(),
    }
}

/// A whole enterprise as it is posted.
pub fn enterprise_body(id: &str) -> Value {
    json!({"id": id, "description": format!("Company {id}"), "domain": format!("{id}.example.com")})
}

/// A whole node as it is posted, with fields of one's own.
pub fn node(enterprise: &str, name: &str, fields: &Value) -> Value {
    let usual = json!({
        "enterprise": enterprise, "name": name, "kind": "mx_one", "address": "pbx.example.com",
        "extension_ranges": ["2000-2999"],
    });
    with(&usual, fields)
}

/// A whole account as it is posted, with fields of one's own.
pub fn account(enterprise: &str, login: &str, fields: &Value) -> Value {
    with(&json!({"enterprise": enterprise, "login_id": login, "last_name": "Doe"}), fields)
}

/// A whole peer of the enterprise `acme` that is a sister appliance, as it is posted.
pub fn sister(description: &str, hostname: &str, peer_enterprise: &str) -> Value {
    json!({
        "enterprise": "acme", "description": description, "kind": "jackfield", "hostname": hostname,
        "peer_enterprise": peer_enterprise,
    })
}

/// An object with some fields laid over it; a field that is null there is taken out.
pub fn with(object: &Value, fields: &Value) -> Value {
    let mut whole = object.as_object().expect("an object").clone();
    for (name, value) in fields.as_object().expect("an object") {
        match value {
            Value::Null => drop(whole.remove(name)),
            value => drop(whole.insert(name.clone(), value.clone())),
        }
    }
    Value::Object(whole)
}

/// Every object of a list, page by page.
pub fn all_pages(client: &Client, path: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut page: Answer = client.get(path).expect(200);
    loop {
        found.extend(page.items().iter().cloned());
        let Some(next) = page.json["next"].as_str() else { return found };
        let mark = if path.contains('?') { '&' } else { '?' };
        page = client.get(&format!("{path}{mark}cursor={next}")).expect(200);
    }
}
