//! The site's scripts as an admin meets them: put, published, rolled back, and asked while somebody dials. This
//! file has what all of them share.

mod bad_input;
mod checks;
mod cli;
mod dialing;
mod dry_run;
mod faults;
mod lifecycle;
mod shipped;

use serde_json::{Value, json};

use crate::harness::*;

/// Puts a 9 before what is dialed.
pub const NINE: &str = r#"
hook("dial.rewrite", function(call)
  return { number = "9" .. call.number }
end)
"#;

/// Puts an 8 before what is dialed.
pub const EIGHT: &str = r#"
hook("dial.rewrite", function(call)
  return { number = "8" .. call.number }
end)
"#;

/// An appliance with a site, whose scripts' processes serve.
pub struct Ground {
    pub appliance: Appliance,
    pub admin: Client,
    pub site: Site,
}

pub fn ground() -> Ground {
    let appliance = Appliance::start();
    let admin = appliance.admin();
    let site = site(&admin);
    let ground = Ground { appliance, admin, site };
    ground.await_scripts();
    ground
}

impl Ground {
    /// Waits until both processes serve and every shipped script was looked at.
    pub fn await_scripts(&self) {
        self.appliance.await_up(&["scripts", "workbench"]);
        self.await_hook("csta_ports", |hook| hook["registers"] != json!([]));
    }

    /// Waits until a script is as it should be.
    #[track_caller]
    pub fn await_hook(&self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let path = format!("/hooks/{name}");
        let look = || Some(self.admin.get(&path).expect(200).json).filter(&fits);
        let found = awaited(std::time::Duration::from_secs(20), look);
        found.unwrap_or_else(|| panic!("{name} is never so: {}", self.admin.get(&path)))
    }

    /// Puts a text as a new version.
    #[track_caller]
    pub fn put(&self, name: &str, source: &str) -> Answer {
        let path = format!("/hooks/{name}");
        let call = self.admin.call("PUT", &path).json(&json!({"source": source}));
        let is_there = self.admin.get(&path).status == 200;
        if is_there { call.header("If-Match", "*").send() } else { call.send() }
    }

    /// Publishes or rolls back, the version that is due or the one named.
    #[track_caller]
    pub fn swap(&self, name: &str, verb: &str, version: Option<i64>) -> Answer {
        let call = self.admin.call("POST", &format!("/hooks/{name}:{verb}")).header("If-Match", "*");
        match version {
            None => call.send(),
            Some(n) => call.json(&json!({"version": n})).send(),
        }
    }

    /// Puts and publishes.
    #[track_caller]
    pub fn publish(&self, name: &str, source: &str) -> Value {
        self.put(name, source).expect(200);
        self.swap(name, "publish", None).expect(200).json
    }

    /// What a typed number becomes from the French node; `4001` alone is dialed as `04001`.
    #[track_caller]
    pub fn dial(&self, number: &str) -> Value {
        self.admin.post("/dialing/preview", &json!({"node": self.site.fr, "to": number})).expect(200).json
    }
}

/// Steps of one code.
pub fn steps<'a>(answer: &'a Value, code: &str) -> Vec<&'a Value> {
    answer["steps"].as_array().expect("steps").iter().filter(|step| step["code"] == code).collect()
}

/// Codes of the lints.
pub fn lints(answer: &Value) -> Vec<&str> {
    answer["lints"].as_array().expect("lints").iter().filter_map(|lint| lint["code"].as_str()).collect()
}
