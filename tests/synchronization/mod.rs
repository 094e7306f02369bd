//! What a plugin's synchronization brings, as an administrator meets it: contacts in their folders, runs that are held,
//! the way back, and what a kill leaves. The rules of single entries are tested beside them.

mod held;
mod killed;
mod people;

use serde_json::{Value, json};

use crate::harness::*;
use crate::plugins::mirror;

/// An appliance with the enterprise acme, its peer Lyon, and the plugin mirror, which may synchronize.
struct Ground {
    appliance: Appliance,
    admin: Client,
    lyon: String,
}

fn ground() -> Ground {
    let mut appliance = mirror::laid_out();
    mirror::put(&appliance, "1.0.0", |m| {
        m.replace("\"secret/1\"]", "\"secret/1\", \"directory/1\", \"message/1\"]")
    });
    appliance.resume();
    appliance.await_up(&["mirror"]);
    let admin = appliance.admin();
    site(&admin);
    let lyon = admin.get("/peers?enterprise=acme").expect(200).items()[0]["id"].as_str().unwrap().to_owned();
    Ground { appliance, admin, lyon }
}

impl Ground {
    /// What the appliance answers the plugin.
    fn ask(&self, op: &str, args: &Value) -> Value {
        self.admin.post("/mirror:relay", &json!({"op": op, "args": args})).expect(200).json
    }

    /// The same where it is answered well.
    #[track_caller]
    fn asked(&self, op: &str, args: &Value) -> Value {
        let answer = self.ask(op, args);
        assert!(answer["error"].is_null(), "{op}: {answer}");
        answer["reply"].clone()
    }

    /// Begins a run of Lyon's contacts.
    fn open(&self, more: &Value) -> String {
        let usual = json!({
            "owner": {"synchronizer": "peer/lyon"}, "enterprise": "acme", "peer": self.lyon, "who": "admin alice",
        });
        let opened = self.asked("directory.open", &with(&usual, more));
        opened["run"].as_str().expect("a run").to_owned()
    }

    fn put(&self, run: &str, entries: &[Value]) -> Value {
        let mut last = Value::Null;
        for some in entries.chunks(500) {
            last = self.asked("directory.put", &json!({"run": run, "entries": some}));
        }
        last
    }

    fn close(&self, run: &str) -> Value {
        self.asked("directory.close", &json!({"run": run, "outcome": "complete", "detail": ""}))
    }

    /// A whole run.
    fn run(&self, more: &Value, entries: &[Value]) -> Value {
        let run = self.open(more);
        self.put(&run, entries);
        self.close(&run)
    }

    fn contacts(&self) -> Vec<String> {
        let found = all_pages(&self.admin, &format!("/accounts?peer={}&limit=500", self.lyon));
        let shown = found.iter().filter(|account| account["in_directory"] == true);
        shown.map(|account| account["login_id"].as_str().unwrap().to_owned()).collect()
    }

    fn undo(&self, n: &Value) -> Answer {
        self.admin.call("POST", &format!("/revisions/{n}:undo")).send()
    }
}

/// An entry of a source.
fn entry(key: &str, hash: &str, login: &str) -> Value {
    json!({"key": key, "hash": hash, "login_id": login, "last_name": format!("Last {login}"), "extension": "4321",
        "folder": "Ventes/Sud", "email": format!("{login}@lyon.example")})
}

fn entries(count: usize) -> Vec<Value> {
    (0..count).map(|n| entry(&format!("key-{n}"), "1", &format!("user{n}"))).collect()
}
