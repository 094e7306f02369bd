//! Synchronizing on the bench: runs in parts, what the fake host makes of them, and a run that is given up.

use jackfield_abi::ops::{
    DirectoryClosed, DirectoryEntry, DirectoryOpen, DirectoryOutcome, DirectoryOwner, DirectoryRefused,
};
use serde_json::json;

use crate::bench::{Bench, FakeHost};
use crate::{Call, Config, Failure, Host, Outcome, Plugin, Reply, Routes};

struct Reader(Host);

impl Plugin for Reader {
    const ID: &'static str = "reader";
    const VERSION: &'static str = "1.0.0";
    const OPS: &'static [&'static str] = &["http"];

    fn start(host: Host, _: Config) -> Result<Self, Failure> {
        Ok(Self(host))
    }

    fn routes() -> Routes<Self> {
        Routes::new()
            .post("reader/{share}", Self::read)
            .post("reader:fail", Self::fail)
            .post("reader:large", Self::large)
            .post("reader:gone", Self::gone)
            .post("reader:forget", Self::forget)
    }
}

impl Reader {
    fn order(full: bool, removal_share: u8) -> DirectoryOpen {
        DirectoryOpen {
            owner: DirectoryOwner { synchronizer: "peer/1".to_owned() },
            enterprise: "home".to_owned(),
            peer: Some("peer-1".to_owned()),
            who: "admin alice".to_owned(),
            dry_run: false,
            confirm: false,
            removal_share,
            grace_days: 30,
            full,
            deploy: false,
            profile: None,
        }
    }

    /// Synchronizes the keys that the body lists.
    fn read(&self, call: &Call<'_>) -> Outcome {
        let entries: Vec<_> = call.body::<Vec<String>>()?.into_iter().map(entry).collect();
        let mut run = self.0.directory().open(&Self::order(true, call.param("share")?))?;
        run.put(&entries)?;
        Reply::ok(&run.close(DirectoryOutcome::Complete, "")?)
    }

    fn fail(&self, _: &Call<'_>) -> Outcome {
        let mut run = self.0.directory().open(&Self::order(true, 20))?;
        run.put(&[entry("k".to_owned())])?;
        Reply::ok(&"dropped")
    }

    fn large(&self, _: &Call<'_>) -> Outcome {
        let mut run = self.0.directory().open(&Self::order(true, 20))?;
        let huge = DirectoryEntry { folder: Some("x".repeat(1024 * 1024)), ..entry("huge".to_owned()) };
        let wide = |n: usize| DirectoryEntry { folder: Some("x".repeat(300_000)), ..entry(format!("k{n}")) };
        let taken = run.put(&[wide(1), huge, wide(2), wide(3)])?;
        Reply::ok(&taken.refused)
    }

    fn gone(&self, call: &Call<'_>) -> Outcome {
        let mut run = self.0.directory().open(&Self::order(false, 100))?;
        run.gone(&call.body::<Vec<String>>()?)?;
        Reply::ok(&run.close(DirectoryOutcome::Complete, "")?)
    }

    fn forget(&self, _: &Call<'_>) -> Outcome {
        self.0.directory().peer_domain("peer-1", "lyon.example", Some("1.0"))?;
        Reply::ok(&self.0.directory().forget("peer/1", "admin alice", false)?)
    }
}

fn entry(key: String) -> DirectoryEntry {
    let (login_id, last_name) = (format!("user-{key}"), "Doe".to_owned());
    DirectoryEntry { hash: "1".to_owned(), login_id, last_name, key, ..DirectoryEntry::default() }
}

fn read(bench: &Bench, share: u8, count: usize) -> DirectoryClosed {
    let keys: Vec<_> = (0..count).map(|n| n.to_string()).collect();
    serde_json::from_value(bench.post(&format!("reader/{share}"), json!(keys)).body).unwrap()
}

#[test]
fn a_run_goes_in_parts_and_the_next_one_finds_what_is_there() {
    let bench = FakeHost::new().start::<Reader>().unwrap();
    let first = read(&bench, 20, 1200);
    assert_eq!((first.adds, first.unchanged, first.held), (1200, 0, None));
    let parts = bench.asked("directory.put");
    let sizes: Vec<_> = parts.iter().map(|part| part["entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [500, 500, 200]);
    let second = read(&bench, 20, 1201);
    assert_eq!((second.adds, second.unchanged), (1, 1200));
    let third = read(&bench, 20, 100);
    assert_eq!((third.held.unwrap().reason.as_str(), third.removals), ("removals", 1101));
    assert_eq!(read(&bench, 100, 0).held.unwrap().reason, "empty");
    assert_eq!(read(&bench, 100, 100).removals, 1101);
    let gone: DirectoryClosed =
        serde_json::from_value(bench.post("reader:gone", json!(["3", "4", "none"])).body).unwrap();
    assert_eq!(gone.removals, 2);
    assert_eq!(bench.post("reader:forget", json!(null)).body["removals"], 98);
    assert_eq!(bench.asked("peer.domain")[0]["domain"], "lyon.example");
}

#[test]
fn a_run_that_is_dropped_is_given_up() {
    let bench = FakeHost::new().start::<Reader>().unwrap();
    bench.post("reader:fail", json!(null));
    assert_eq!(bench.asked("directory.drop").len(), 1);
    assert_eq!(read(&bench, 20, 1).adds, 1, "nothing of it stays, and another one may begin");
}

#[test]
fn messages_stay_below_the_bound_and_what_cannot_is_refused_by_itself() {
    let bench = FakeHost::new().start::<Reader>().unwrap();
    let refused: Vec<DirectoryRefused> =
        serde_json::from_value(bench.post("reader:large", json!(null)).body).unwrap();
    assert_eq!((refused.len(), refused[0].key.as_str()), (1, "huge"));
    let sizes: Vec<_> =
        bench.asked("directory.put").iter().map(|part| part["entries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [2, 1]);
}
