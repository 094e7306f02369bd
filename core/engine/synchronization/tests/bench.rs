//! An engine with the enterprise acme, its peers Lyon and OCS, and a manual account bob.

use std::sync::Arc;

use jackfield_abi::ops::{
    DirectoryClose, DirectoryClosed, DirectoryEntry, DirectoryOpen, DirectoryOutcome, DirectoryOwner,
    DirectoryTaken,
};
use jackfield_db::params;
use serde_json::Value;

use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::{Change, Origin};
use crate::engine::objects::{ACCOUNTS, Page, text};
use crate::engine::state::StateDir;
use crate::engine::{Engine, Mode, revisions};

pub struct Bench {
    pub engine: Arc<Engine>,
    _folder: tempfile::TempDir,
}

pub const PLUGIN: &str = "peering";

pub fn bench() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let engine = Arc::new(Engine::open(StateDir::open(folder.path()).unwrap()).unwrap());
    let sql = [
        "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
         VALUES ('acme', 'Acme', 'acme.example.com', 1, '', ''), ('beta', 'Beta', 'beta.example.com', 1, '', '')",
        "INSERT INTO peer (id, enterprise, description, dialing_prefix, kind, hostname, peer_enterprise, revision,
             created_at, changed_at)
         VALUES ('peer-lyon', 'acme', 'Lyon', '77', 'jackfield', 'uc.lyon.example', 'Lyon-01', 1, '', ''),
                ('peer-ocs', 'acme', 'OCS', '', 'external', NULL, NULL, 1, '', '')",
        "INSERT INTO account (id, enterprise, login_id, first_name, last_name, email, extension, origin, deployed,
             profile, revision, created_at, changed_at)
         VALUES ('acc-bob', 'acme', 'bob', '', 'Manual', '', '200', 'manual', 1, 'profile-default', 1, '', '')",
    ];
    let made = move |tx: &jackfield_db::Tx<'_>| {
        sql.iter().try_for_each(|sql| Ok::<_, Problem>(tx.execute(sql, []).map(drop)?))
    };
    engine.db.write(made).unwrap();
    Bench { engine, _folder: folder }
}

/// A full run of acme's own accounts.
pub fn own() -> DirectoryOpen {
    DirectoryOpen {
        owner: DirectoryOwner { synchronizer: "enterprise/acme".to_owned() },
        enterprise: "acme".to_owned(),
        peer: None,
        who: "admin alice".to_owned(),
        dry_run: false,
        confirm: false,
        removal_share: 100,
        grace_days: 30,
        full: true,
        deploy: true,
        profile: None,
    }
}

/// A full run of Lyon's contacts.
pub fn lyon() -> DirectoryOpen {
    let owner = DirectoryOwner { synchronizer: "peer/peer-lyon".to_owned() };
    DirectoryOpen { owner, peer: Some("peer-lyon".to_owned()), ..own() }
}

/// An entry: key, version and login.
pub fn entry(key: &str, hash: &str, login: &str) -> DirectoryEntry {
    DirectoryEntry {
        key: key.to_owned(),
        hash: hash.to_owned(),
        login_id: login.to_owned(),
        last_name: format!("Last {login}"),
        ..DirectoryEntry::default()
    }
}

impl Bench {
    pub fn open(&self, order: DirectoryOpen) -> String {
        self.engine.runs.open(&self.engine, PLUGIN, order).unwrap()
    }

    pub fn put(&self, run: &str, entries: &[DirectoryEntry]) -> DirectoryTaken {
        self.engine.runs.put(&self.engine, PLUGIN, run, entries).unwrap()
    }

    pub fn close(&self, run: &str, outcome: DirectoryOutcome) -> Result<DirectoryClosed, Problem> {
        let close = DirectoryClose { run: run.to_owned(), outcome, detail: String::new() };
        self.engine.runs.close(&self.engine, PLUGIN, &close)
    }

    /// A whole run.
    pub fn run(&self, order: DirectoryOpen, entries: &[DirectoryEntry]) -> DirectoryClosed {
        let run = self.open(order);
        entries.chunks(500).for_each(|some| drop(self.put(&run, some)));
        self.close(&run, DirectoryOutcome::Complete).unwrap()
    }

    /// The account of a login, among those of a peer or of acme's own.
    pub fn account(&self, login: &str, peer: Option<&str>) -> Option<Object> {
        let sql = "SELECT id FROM account WHERE login_id = ?1 AND coalesce(peer, '') = coalesce(?2, '')";
        self.engine
            .db
            .read(|read| {
                let id = read.one(sql, params![login, peer], |row| row.get::<_, String>(0))?;
                id.map(|id| ACCOUNTS.get(read, &id)).transpose()
            })
            .unwrap_or_else(|problem| panic!("{}", problem.detail))
    }

    pub fn own(&self, login: &str) -> Object {
        self.account(login, None).unwrap_or_else(|| panic!("there is no account {login}"))
    }

    /// Logins of everybody who is in the directory, in order.
    pub fn shown(&self) -> Vec<String> {
        let page = Page { limit: 5000, ..Page::default() };
        let (accounts, _) = self.engine.db.read(|read| ACCOUNTS.list(read, &page)).unwrap();
        let shown = accounts.iter().filter(|account| account["in_directory"] == true);
        let mut logins: Vec<_> = shown.map(|account| text(account, "login_id").to_owned()).collect();
        logins.sort();
        logins
    }

    /// Everything that counts of all accounts, to compare.
    pub fn everything(&self) -> Vec<Object> {
        let page = Page { limit: 5000, ..Page::default() };
        let (mut accounts, _) = self.engine.db.read(|read| ACCOUNTS.list(read, &page)).unwrap();
        for account in &mut accounts {
            account.remove("revision");
            account.remove("changed_at");
        }
        accounts.sort_by_key(|account| text(account, "id").to_owned());
        accounts
    }

    pub fn change<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Change<'_>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let origin = Origin { who: "test".into(), from: "test".into(), via: "api", request: String::new() };
        self.engine.change(origin, Mode::Commit, work)
    }

    pub fn undo(&self, n: i64) -> Result<Object, Problem> {
        let engine = Arc::clone(&self.engine);
        self.change(move |change| revisions::undo(change, &engine.keyring, n))
    }

    pub fn sql(&self, sql: &str) -> usize {
        let sql = sql.to_owned();
        self.engine.db.write(move |tx| Ok::<_, Problem>(tx.execute(&sql, [])?)).unwrap()
    }

    pub fn count(&self, sql: &str) -> i64 {
        self.engine.db.read(|read| Ok::<_, Problem>(read.one(sql, [], |row| row.get(0))?)).unwrap().unwrap()
    }

    /// Commits of the database so far.
    pub fn commits(&self) -> u64 {
        self.engine.db.stats().commits
    }
}

/// One field of an account.
pub fn field<'a>(account: &'a Object, name: &str) -> &'a Value {
    account.get(name).unwrap_or_else(|| panic!("no field {name}"))
}
