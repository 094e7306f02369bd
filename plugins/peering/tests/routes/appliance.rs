//! The plugin on a site with peers of every kind; its desk of sister appliances writes by itself, whatever is asked
//! meanwhile.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::time::{Duration, Instant};

use jackfield_bench::Site;
use jackfield_peering::Peering;
use jackfield_sdk::bench::FakeHost;
use jackfield_sdk::{HttpResponse, Value, json};

type Inner = jackfield_bench::Appliance<Peering>;

/// The plugin, started on a new database with the enterprises `home` (domain `Home.example`) and `Branch`, and with
/// the peers `peer-ocs` (external), `peer-lyon` (a sister appliance) and `peer-old` (of no kind).
pub struct Appliance(Inner);

impl Deref for Appliance {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Appliance {
    pub fn new() -> Self {
        let site = Site { core: SITE, host, is_by_itself: is_desk_s };
        looked_around(Inner::on(site, include_str!("../../plugin.toml")))
    }

    /// The same database with a new process of the plugin; something is written while there is none.
    pub fn restarted_after(self, core: &str) -> Self {
        looked_around(self.0.restarted_after(&[core]))
    }

    /// All secrets that are kept for somebody, by name; the key of the plugin's own certificate is left out.
    pub fn secrets(&self) -> BTreeMap<String, String> {
        let mut secrets = self.0.secrets();
        secrets.remove("certificate_key");
        secrets
    }

    /// Puts without naming a version.
    pub fn put(&self, path: &str, body: Value) -> HttpResponse {
        self.bench.http(&Inner::request("PUT", path, body))
    }

    /// Waits until the plugin has asked that more often.
    pub fn await_more(&self, op: &str, than: usize) {
        awaited(op, || self.count(op) > than);
    }
}

/// What core has before the plugin starts.
const SITE: &[&str] = &[
    "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at) VALUES
        ('home', 'Home', 'Home.example', 1, '2026-01-01', ''), ('Branch', 'Branch', 'branch.example', 1, '2026-01-02', '')",
    "INSERT INTO peer (id, enterprise, description, kind, hostname, peer_enterprise, dialing_prefix, revision,
        created_at, changed_at) VALUES
        ('peer-ocs', 'home', 'OCS', 'external', NULL, NULL, '', 1, '2026-01-03', ''),
        ('peer-lyon', 'home', 'Lyon', 'jackfield', 'uc.lyon.example', 'Lyon-01', '77', 1, '2026-01-04', ''),
        ('peer-old', 'Branch', 'Old', NULL, NULL, NULL, '-8', 1, '2026-01-05', '')",
];

fn host() -> FakeHost {
    FakeHost::new()
        // No test of routes needs an open port.
        .setting("peering.listen", json!([]))
        .answer("peer.here", |_| Ok(json!({"names": ["uc.home.example", "localhost"]})))
}

/// Waits until the plugin has said something of its sisters.
fn looked_around(started: Inner) -> Appliance {
    awaited("check.report of sisters", || {
        started.bench.asked("check.report").iter().any(|finding| finding["name"] == "sisters")
    });
    Appliance(started)
}

fn awaited(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the desk of sister appliances wrote it.
fn is_desk_s(args: &Value) -> bool {
    let text = args.to_string();
    ["peering_shown", "peering_self"].iter().any(|table| text.contains(table))
        && !text.contains("peering_synchronizer")
}
