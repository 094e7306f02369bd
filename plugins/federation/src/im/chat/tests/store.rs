//! The appliance's store of messages as far as this part uses it, in memory; and its answers about accounts.

use std::sync::{Arc, Mutex, MutexGuard};

use jackfield_sdk::bench::FakeHost;
use jackfield_sdk::{Value, json};

/// A message that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// As the store answers it.
    pub message: Value,
    /// Whether it waits.
    pub waits: bool,
}

/// Everything that is kept.
#[derive(Debug, Default)]
pub struct Inside {
    /// In order.
    pub kept: Vec<Kept>,
    /// Rows of the plugin's own tables that were inserted, by statement.
    pub rows: Vec<(String, Vec<Value>)>,
    /// Ids that failed, with the reason.
    pub failed: Vec<(String, String)>,
    /// Commits.
    pub commits: usize,
}

/// The store; clone it for another process of the plugin.
#[derive(Debug, Clone, Default)]
pub struct Store(Arc<Mutex<Inside>>);

impl Store {
    /// A look inside.
    pub fn look(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap()
    }

    /// Texts of what waits.
    pub fn waiting(&self) -> Vec<String> {
        let look = self.look();
        let waits = look.kept.iter().filter(|kept| kept.waits);
        waits.map(|kept| kept.message["body"].as_str().unwrap().to_owned()).collect()
    }

    /// A message that another plugin brings.
    pub fn bring(&self, from: &str, to: &str, body: &str) {
        self.look().accept(&json!({"from": from, "to": to, "body": body}));
    }

    /// A host that answers from here.
    pub fn under(&self, host: FakeHost) -> FakeHost {
        let with = |answer: fn(&mut Inside, &Value) -> Value| {
            let store = self.clone();
            move |args: Value| Ok(answer(&mut store.look(), &args))
        };
        host.answer("message.accept_all", with(Inside::accept_all))
            .answer("message.pending", with(Inside::pending))
            .answer("message.delivered", with(Inside::delivered))
            .answer("message.failed", with(Inside::fail))
            .answer("message.search", with(Inside::search))
            .answer("db.query", with(Inside::query))
            .answer("db.tx", with(Inside::write))
    }
}

fn account(address: &str) -> Option<String> {
    let (login, domain) = address.split_once('@')?;
    (domain == "home.example").then(|| format!("acc-{login}"))
}

impl Inside {
    fn accept(&mut self, message: &Value) -> Value {
        let same = |kept: &&Kept| {
            kept.message["from"] == message["from"]
                && message["origin_id"].is_string()
                && kept.message["origin_id"] == message["origin_id"]
        };
        if let Some(before) = self.kept.iter().find(same) {
            return json!({"id": before.message["id"], "at": "", "duplicate": true});
        }
        let n = self.kept.len() + 1;
        let (id, at) = (format!("m{n}"), format!("2026-01-01T00:00:{:02}.000Z", n % 60));
        let mut kept = message.clone();
        kept["id"] = json!(id);
        kept["at"] = json!(at);
        kept["direction"] = json!("local");
        kept["delivered_at"] = Value::Null;
        self.kept.push(Kept { message: kept, waits: true });
        json!({"id": id, "at": at, "duplicate": false})
    }

    fn accept_all(&mut self, args: &Value) -> Value {
        self.commits += 1;
        let all = args["messages"].as_array().unwrap();
        json!({"accepted": all.iter().map(|message| self.accept(message)).collect::<Vec<_>>()})
    }

    fn pending(&mut self, args: &Value) -> Value {
        let (after, limit) =
            (args["after"].as_u64().unwrap() as usize, args["limit"].as_u64().unwrap() as usize);
        let is_asked = |kept: &Kept| {
            let to = account(kept.message["to"].as_str().unwrap());
            if args["elsewhere"] == true { to.is_none() } else { to.as_deref() == args["account"].as_str() }
        };
        let all = self.kept.iter().enumerate().skip(after);
        let mut found = all.filter(|(_, kept)| kept.waits && is_asked(kept));
        let part: Vec<_> = found.by_ref().take(limit).collect();
        let next = part.last().map(|(at, _)| at + 1).filter(|_| found.next().is_some());
        json!({"messages": part.iter().map(|(_, kept)| &kept.message).collect::<Vec<_>>(), "next": next})
    }

    fn end(&mut self, args: &Value) -> Vec<String> {
        let ids = args["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned());
        let ids: Vec<_> = ids.collect();
        for kept in &mut self.kept {
            kept.waits &= !ids.iter().any(|id| kept.message["id"] == *id.as_str());
        }
        ids
    }

    fn delivered(&mut self, args: &Value) -> Value {
        json!({"delivered": self.end(args).len()})
    }

    fn fail(&mut self, args: &Value) -> Value {
        let reason = args["reason"].as_str().unwrap().to_owned();
        let ids = self.end(args);
        self.failed.extend(ids.iter().map(|id| (id.clone(), reason.clone())));
        json!({"failed": ids.len()})
    }

    /// The last ones of somebody; the rest is the appliance's own tests.
    fn search(&mut self, args: &Value) -> Value {
        let of = &args["of"];
        let mine = self.kept.iter().filter(|kept| kept.message["from"] == *of || kept.message["to"] == *of);
        let mine: Vec<_> = mine.map(|kept| kept.message.clone()).collect();
        let limit = args["limit"].as_u64().unwrap() as usize;
        let last = &mine[mine.len().saturating_sub(limit)..];
        json!({"messages": last, "complete": last.len() == mine.len(), "count": mine.len()})
    }

    fn query(&mut self, args: &Value) -> Value {
        let (sql, params) = (args["sql"].as_str().unwrap(), &args["params"]);
        let rows = |columns: &[&str], rows: Vec<Vec<Value>>| json!({"columns": columns, "rows": rows, "more": false});
        if sql.contains("core_accounts a JOIN") {
            let known = ["ann", "bob"].iter().any(|login| params[0] == *login) && params[1] == "home.example";
            let id = format!("acc-{}", params[0].as_str().unwrap_or_default());
            let found = vec![json!(id), json!("home"), json!(""), json!(""), json!(1)];
            return rows(
                &["id", "enterprise", "first_name", "last_name", "deployed"],
                if known { vec![found] } else { vec![] },
            );
        }
        if sql.contains("SELECT domain FROM core_enterprises") {
            return rows(&["domain"], vec![vec![json!("home.example")]]);
        }
        if sql.contains("SELECT domain FROM core_peers") {
            return rows(&["domain"], vec![vec![json!("sister.example")]]);
        }
        if sql.contains("FROM federation_notice") {
            let kept = self
                .rows
                .iter()
                .filter(|(sql, row)| sql.contains("federation_notice") && row[0] == params[0]);
            return rows(&["stanza"], kept.map(|(_, row)| vec![row[1].clone()]).collect());
        }
        rows(&["account", "address"], vec![])
    }

    fn write(&mut self, args: &Value) -> Value {
        let statements = args["statements"].as_array().unwrap();
        for statement in statements {
            let sql = statement["sql"].as_str().unwrap();
            if sql.starts_with("DELETE FROM federation_notice") {
                self.rows.retain(|(known, _)| !known.contains("federation_notice"));
            } else {
                self.rows.push((sql.to_owned(), statement["params"].as_array().unwrap().clone()));
            }
        }
        json!({"changed": vec![1; statements.len()], "rowids": vec![1; statements.len()], "revisions": []})
    }
}
