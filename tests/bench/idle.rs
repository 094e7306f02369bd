//! What a client costs that is there and says nothing: five thousand of them, over TLS, signed in, present and with
//! acknowledgements (XEP-0198), at the appliance and at ejabberd. Both have the same accounts with the same number of
//! clients each, and empty rosters. Memory is that of all processes of a server, before and with them.

use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, getrlimit, setrlimit};
use rustls::{ALL_VERSIONS, ClientConfig};
use serde_json::json;

use crate::authority::Authority;
use crate::ejabberd::Ejabberd;
use crate::harness::{Appliance, Client, awaited, enterprise_body, with};
use crate::network::{Network, within};
use crate::report::Report;
use crate::scram::Prover;
use crate::secure::{CLIENT, Secure, any_certificate};
use crate::weight::share;

const HOSTS: &[(&str, &str)] = &[("home.example", "127.0.1.1"), ("erlang.example", "127.0.1.2")];
const ACCOUNTS: usize = 500;
/// Clients of each; an appliance takes 16.
const OF_ACCOUNT: usize = 10;
/// Threads that sign clients in.
const AT_ONCE: usize = 4;
/// What the clients' arrival leaves to do is done by then.
const CALM: Duration = Duration::from_secs(15);
/// Longest time until nothing more comes to anybody.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);
const PASSWORD: &str = "correct horse battery";

/// A client that is there, and how many stanzas it has handled.
struct Idle {
    line: Secure,
    handled: usize,
}

/// Memory of a server in KiB.
struct Weight {
    empty: u64,
    full: u64,
}

impl Weight {
    fn of_client(&self) -> f64 {
        self.full.saturating_sub(self.empty) as f64 / (ACCOUNTS * OF_ACCOUNT) as f64
    }
}

/// Measures both and reports.
pub fn measure(report: &mut Report) {
    // A socket for each client here, and one at the server, which inherits the limit.
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the limit of descriptors is raised as far as it may be");
    let authority = Authority::new();
    within(HOSTS, |network| {
        let (ours, theirs) = (ours(&authority), theirs(&authority, network));
        let each = [
            (
                "clients_ours_kib",
                "5,000 idle clients, all our processes: proportional memory, KiB",
                ours.full as f64,
            ),
            (
                "clients_ejabberd_kib",
                "5,000 idle clients, ejabberd: proportional memory, KiB",
                theirs.full as f64,
            ),
            ("client_ours_kib", "an idle client of ours, KiB", ours.of_client()),
            ("client_ejabberd_kib", "an idle client of ejabberd's, KiB", theirs.of_client()),
            (
                "client_ratio",
                "ejabberd's memory of a client beside ours (goal: above 1)",
                theirs.of_client() / ours.of_client(),
            ),
        ];
        for (key, label, value) in each {
            report.note(key, label, value);
        }
    });
}

fn ours(authority: &Authority) -> Weight {
    let appliance = Appliance::with_plugins(&["federation"]);
    prepare(&appliance.admin(), authority);
    weigh(appliance.pid(), || {
        arrive(("127.0.0.1", 5223), "home.example", |login| {
            let mut prover = Prover::new(login, PASSWORD);
            move |line| drop(line.proves(&mut prover, "n,,", &[]))
        })
    })
}

fn theirs(authority: &Authority, network: &Network) -> Weight {
    let leaf = authority.leaf("erlang.example", 2090);
    let server = Ejabberd::start(network, "127.0.1.2", "erlang.example", &leaf, &authority.pem());
    logins().for_each(|login| server.register(&login));
    weigh(server.pid(), || {
        arrive(("127.0.1.2", 5223), "erlang.example", |login| {
            let secret = format!("\0{login}\0secret");
            move |line| {
                line.auth("PLAIN", &secret);
                line.hear("<success");
                line.hear(">");
            }
        })
    })
}

fn logins() -> impl Iterator<Item = String> {
    (0..ACCOUNTS).map(|n| format!("user{n}"))
}

/// The appliance at home.example with the accounts and their passwords.
fn prepare(admin: &Client, authority: &Authority) {
    admin
        .post("/enterprises", &with(&enterprise_body("home"), &json!({"domain": "home.example"})))
        .expect(201);
    let settings = [
        ("federation.c2s_tls_listen", json!(["127.0.0.1:5223"])),
        // Nobody has contacts at the other side either.
        ("federation.directory_contacts_most", json!(0)),
    ];
    for (name, value) in settings {
        admin.put(&format!("/settings/{name}"), "*", &json!({ "value": value })).expect(200);
    }
    let leaf = authority.leaf("home.example", 2090);
    let body = json!({"certificate": leaf.cert, "key": leaf.key, "trusted": [authority.pem()]});
    admin.put("/federation/certificate", "*", &body).expect(200);
    let lines = logins().map(|login| format!("home,{login},Doe\n")).collect::<String>();
    let list = format!("enterprise,login_id,last_name\n{lines}");
    let import = admin.call("POST", "/accounts/import").header("Content-Type", "text/csv").bytes(list).send();
    let job = format!("/jobs/{}", import.expect(202).id());
    let done = || (admin.get(&job).expect(200).json["state"] == "done").then_some(());
    assert!(awaited(Duration::from_secs(60), done).is_some(), "{:#}", admin.get(&job).json);
    let accounts = admin.get(&format!("/accounts?limit={ACCOUNTS}")).expect(200);
    assert_eq!(accounts.items().len(), ACCOUNTS);
    for account in accounts.items() {
        let id = account["id"].as_str().expect("an id");
        admin.put(&format!("/accounts/{id}/password"), "*", &json!({"password": PASSWORD})).expect(204);
    }
    let listens = || TcpStream::connect("127.0.0.1:5223").ok();
    assert!(awaited(Duration::from_secs(30), listens).is_some(), "nobody waits for clients");
}

/// A server's memory before and with the clients.
fn weigh(pid: u32, arrive: impl FnOnce() -> Vec<Idle>) -> Weight {
    std::thread::sleep(CALM);
    let empty = share(pid);
    let mut clients = arrive();
    settle(&mut clients);
    std::thread::sleep(CALM);
    let full = share(pid);
    assert!(clients.iter_mut().all(|client| client.line.so_far().is_some()), "a client was cut off");
    Weight { empty, full }
}

/// Signs all clients in. `proof` proves an account, as often as it has clients.
fn arrive<P: FnMut(&mut Secure)>(
    place: (&str, u16),
    domain: &'static str,
    proof: impl Fn(&str) -> P + Sync,
) -> Vec<Idle> {
    let (tls, logins) = (any_certificate(ALL_VERSIONS, CLIENT), logins().collect::<Vec<_>>());
    let some = |logins: &[String]| {
        let of_account = |login: &String| {
            let mut prove = proof(login);
            (0..OF_ACCOUNT).map(|n| present(&tls, place, domain, n, &mut prove)).collect::<Vec<_>>()
        };
        logins.iter().flat_map(of_account).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let shares = logins.chunks(logins.len().div_ceil(AT_ONCE));
        let runs: Vec<_> = shares.map(|share| scope.spawn(|| some(share))).collect();
        runs.into_iter().flat_map(|run| run.join().expect("they sign in")).collect()
    })
}

fn present(
    tls: &Arc<ClientConfig>,
    place: (&str, u16),
    domain: &'static str,
    n: usize,
    prove: &mut impl FnMut(&mut Secure),
) -> Idle {
    let socket = TcpStream::connect(place).expect("the port takes connections");
    let mut line = Secure::over(socket, Arc::clone(tls), domain);
    line.open();
    prove(&mut line);
    line.binds(&format!("desk{n}"));
    line.say("<enable xmlns='urn:xmpp:sm:3' resume='true'/>");
    line.hear("<enabled");
    line.hear(">");
    line.say("<presence/>");
    Idle { line, handled: 0 }
}

/// Everybody takes what comes and acknowledges it, until nothing comes any more.
fn settle(clients: &mut [Idle]) {
    let until = Instant::now() + SETTLED_WITHIN;
    let mut quiet = 0;
    while quiet < 3 {
        assert!(Instant::now() < until, "stanzas still come");
        std::thread::sleep(Duration::from_millis(500));
        let came: usize = clients.iter_mut().map(Idle::take).sum();
        quiet = if came == 0 { quiet + 1 } else { 0 };
    }
}

impl Idle {
    /// Handles what has come; how much that was.
    fn take(&mut self) -> usize {
        let text = self.line.so_far().expect("the client is not cut off");
        let came = ["<presence", "<iq", "<message"].map(|stanza| text.matches(stanza).count()).iter().sum();
        self.handled += came;
        if came > 0 || text.contains("<r ") {
            self.line.say(&format!("<a xmlns='urn:xmpp:sm:3' h='{}'/>", self.handled));
        }
        came
    }
}
