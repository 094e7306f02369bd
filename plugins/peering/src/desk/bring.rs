//! A peer's directory on its way into the appliance: pages are handed over by a thread of their own, because the appliance
//! may take a while with them and links must not wait. The appliance guards (P9), writes, and can undo.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use jackfield_sdk::jiff::Timestamp;
use jackfield_sdk::{Code, Failure, Host, Value, json, log};
use sha2::{Digest, Sha256};

use super::{Call, Desk, Outcome, Told, rows};
use crate::guard::Guard;
use crate::sister::frame::{Entry, Frame, Page};
use crate::sister::link::Conn;
use crate::sister::share::{Order, Step};
use crate::sister::status::{Trouble, Word};

/// Pages that wait for the appliance: each peer has at most one.
const WAITING: usize = 256;
/// Longest a run may take to be closed: everything is written then.
const CLOSE_WITHIN: Duration = Duration::from_secs(600);
/// Until one that failed is tried again.
const AGAIN: Duration = Duration::from_secs(60);
/// Most refusals that are shown.
const MOST_REFUSED: usize = 100;

/// Begins a run.
struct Open {
    enterprise: String,
    guard: Guard,
    full: bool,
    order: Order,
}

/// A page for the appliance.
struct Work {
    peer: String,
    serial: u64,
    open: Option<Open>,
    /// None: the run is abandoned.
    page: Option<Box<Page>>,
    closes: bool,
}

/// What the appliance did with a page.
pub struct Done {
    /// How the run ended, with its last page.
    pub closed: Option<Outcome>,
}

/// The thread that hands pages over.
pub struct Worker(SyncSender<Work>);

struct Run {
    id: String,
    serial: u64,
    full: bool,
    unchanged: u64,
}

impl Worker {
    /// Starts it.
    pub fn start(host: &Host, desk: SyncSender<Call>) -> Result<Self, Failure> {
        let (work, waiting) = sync_channel(WAITING);
        let own = host.clone();
        host.spawn("directory", move || run(&own, &waiting, &desk))?;
        Ok(Self(work))
    }

    fn give(&self, work: Work) -> Result<(), String> {
        self.0.try_send(work).map_err(|_| "too many directories are being brought at once".to_owned())
    }
}

fn run(host: &Host, waiting: &Receiver<Work>, desk: &SyncSender<Call>) {
    let mut runs: HashMap<String, Run> = HashMap::new();
    while let Ok(work) = waiting.recv() {
        let (peer, serial) = (work.peer.clone(), work.serial);
        if work.page.is_none() {
            abandon(host, runs.remove(&peer));
            continue;
        }
        let done = hand_over(host, &mut runs, work);
        if done.is_err() {
            abandon(host, runs.remove(&peer));
        }
        // Without a desk there is nobody who would go on.
        if desk.send(Call::Worked { peer, serial, done: Box::new(done) }).is_err() {
            return;
        }
    }
}

fn abandon(host: &Host, run: Option<Run>) {
    let Some(Run { id, .. }) = run else { return };
    if let Err(failure) = host.call("directory.drop", json!({"run": id})) {
        log::debug!("a run that was broken off could not be given up, and ends by itself: {failure}");
    }
}

fn hand_over(host: &Host, runs: &mut HashMap<String, Run>, work: Work) -> Result<Done, Failure> {
    let Work { peer, serial, open, page, closes } = work;
    if let Some(open) = open {
        abandon(host, runs.remove(&peer));
        runs.insert(peer.clone(), begin(host, &peer, serial, &open)?);
    }
    let gone = || Failure::new(Code::Internal, "the run is gone");
    let run = runs.get_mut(&peer).filter(|run| run.serial == serial).ok_or_else(gone)?;
    let page = page.ok_or_else(gone)?;
    put(host, run, &page.entries)?;
    if !run.full && !page.gone.is_empty() {
        host.call("directory.gone", json!({"run": run.id, "keys": page.gone}))?;
    }
    if !closes {
        return Ok(Done { closed: None });
    }
    let run = runs.remove(&peer).ok_or_else(gone)?;
    Ok(Done { closed: Some(close(host, run)?) })
}

fn begin(host: &Host, peer: &str, serial: u64, open: &Open) -> Result<Run, Failure> {
    let Open { enterprise, guard, full, order } = open;
    let asked = json!({
        "owner": {"synchronizer": format!("sister/{peer}")}, "enterprise": enterprise, "peer": peer,
        "who": "plugin peering", "dry_run": order.dry_run, "confirm": order.confirm,
        "removal_share": guard.max_removal_percent, "grace_days": guard.grace_days, "full": full,
    });
    let answer = host.call("directory.open", asked)?;
    let id = answer["run"].as_str().unwrap_or_default().to_owned();
    Ok(Run { id, serial, full: *full, unchanged: 0 })
}

fn put(host: &Host, run: &mut Run, entries: &[Entry]) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    let entries: Vec<Value> = entries.iter().map(written).collect();
    let answer = host.call("directory.put", json!({"run": run.id, "entries": entries}))?;
    run.unchanged += answer["unchanged"].as_u64().unwrap_or_default();
    Ok(())
}

fn close(host: &Host, run: Run) -> Result<Outcome, Failure> {
    let asked = json!({"run": run.id, "outcome": "complete", "detail": ""});
    let said = host.call_within("directory.close", asked, CLOSE_WITHIN)?;
    let count = |name: &str| said[name].as_u64().unwrap_or_default();
    let refused: Vec<&Value> = said["refusals"].as_array().into_iter().flatten().take(MOST_REFUSED).collect();
    Ok(Outcome {
        at: Timestamp::now().to_string(),
        whole: run.full,
        adds: count("adds"),
        changes: count("changes"),
        removals: count("removals"),
        unchanged: count("unchanged").max(run.unchanged),
        refused: json!(refused),
        held: said["held"].clone(),
        revision: said["revision"].clone(),
        list: said["list"].clone(),
        error: String::new(),
    })
}

/// Somebody as the appliance takes it; the address is the login at the peer's domain, which the appliance knows.
fn written(entry: &Entry) -> Value {
    let Entry { key, login_id, first_name, last_name, email, extension } = entry;
    let fields = [login_id, first_name, last_name, email, extension];
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    let hash = HEXLOWER.encode(&hash.finalize()[..16]);
    json!({
        "key": key, "hash": hash, "login_id": login_id, "first_name": first_name, "last_name": last_name,
        "email": email, "extension": extension, "folder": "",
    })
}

impl Desk {
    /// An administrator, or the clock, wants a peer's directory.
    pub(super) fn wanted(&mut self, id: &str, order: Order, tell: SyncSender<Told>) {
        let status = self.status(id);
        let Some(peer) = self.peers.get_mut(id) else {
            // Who asked has gone, or hears it.
            let _ = tell.try_send(Told::Ended(Box::new(Err("there is no such peer any more".to_owned()))));
            return;
        };
        if peer.link.conn().is_none() {
            peer.link.hurry(Instant::now());
            let why = status.map(|(word, trouble)| {
                format!("the peer is not connected ({}): {}", word.name(), trouble.detail)
            });
            let why = why.unwrap_or_else(|| "the peer is not connected".to_owned());
            let _ = tell.try_send(Told::Ended(Box::new(Err(why))));
            return;
        }
        peer.waiting.push(tell);
        self.start_sync(id, order);
    }

    /// Begins to bring a peer's directory, or does so once more afterwards.
    pub(super) fn start_sync(&mut self, id: &str, order: Order) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Some(conn) = peer.link.conn() else { return };
        if let Some(step) = peer.share.want(order, Instant::now()) {
            self.do_step(conn, id, step);
        }
    }

    /// A page has come.
    pub(super) fn took_page(&mut self, conn: Conn, id: &str, page: Page) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        match peer.share.page(page) {
            Ok(step) => self.do_step(conn, id, step),
            Err(why) => self.misbehaves(conn, id, &why),
        }
    }

    fn do_step(&mut self, conn: Conn, id: &str, step: Step) {
        match step {
            Step::Ask(reached) => {
                self.send(conn, Frame::DirectoryGet { epoch: reached.epoch, after: reached.place });
            }
            Step::Work { page, opens, closes } => self.give(id, page, opens, closes),
            Step::Abandon(why) => {
                self.abandon(id);
                log::info!("the directory of the peer {id} is brought anew: {why}");
                self.go_on(id);
            }
            Step::Nothing(reached) => {
                if let Err(failure) = rows::reached(&self.host, id, &reached) {
                    log::warn!(
                        "how far the directory of the peer {id} was brought could not be kept: {failure}"
                    );
                }
                self.ended(id, Outcome { at: Timestamp::now().to_string(), ..Outcome::default() });
            }
        }
    }

    fn give(&mut self, id: &str, page: Box<Page>, opens: Option<bool>, closes: bool) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if opens.is_some() {
            peer.serial += 1;
        }
        let (enterprise, guard, order) = (peer.row.enterprise.clone(), peer.row.guard(), peer.share.order());
        let work = Work {
            peer: id.to_owned(),
            serial: peer.serial,
            open: opens.map(|full| Open { enterprise, guard, full, order }),
            page: Some(page),
            closes,
        };
        if let Err(why) = self.worker.give(work) {
            self.break_sync(id, &why);
        }
    }

    fn abandon(&mut self, id: &str) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let work = Work { peer: id.to_owned(), serial: peer.serial, open: None, page: None, closes: false };
        peer.serial += 1;
        if let Err(why) = self.worker.give(work) {
            log::debug!("the run of the peer {id} ends by itself: {why}");
        }
    }

    /// The appliance has dealt with a page.
    pub(super) fn worked(&mut self, id: &str, serial: u64, done: Result<Done, Failure>) {
        let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.serial == serial) else { return };
        let done = match done {
            Ok(done) => done,
            Err(failure) => {
                let why = format!("the appliance did not take it: {}", failure.msg);
                return self.break_sync(id, &why);
            }
        };
        let is_kept = done.closed.as_ref().is_none_or(|outcome| outcome.held.is_null());
        match peer.share.worked(is_kept, Instant::now()) {
            Ok(step) => {
                let Some(conn) = peer.link.conn() else { return };
                self.do_step(conn, id, step);
            }
            Err(reached) => {
                if let Some(reached) = reached
                    && let Err(failure) = rows::reached(&self.host, id, &reached)
                {
                    log::warn!(
                        "how far the directory of the peer {id} was brought could not be kept: {failure}"
                    );
                }
                self.know_contacts(id);
                self.ended(id, done.closed.unwrap_or_default());
            }
        }
    }

    /// The run is over before its end.
    pub(super) fn break_sync(&mut self, id: &str, why: &str) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let was_running = peer.share.progress().is_some();
        if peer.share.broken() {
            self.abandon(id);
        }
        if was_running {
            log::warn!("the directory of the peer {id} was not brought: {why}");
            let at = Timestamp::now().to_string();
            self.ended(id, Outcome { at, error: why.to_owned(), ..Outcome::default() });
        }
    }

    /// A run has ended: it is kept and told, and what was wanted meanwhile begins.
    fn ended(&mut self, id: &str, outcome: Outcome) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.again = (!outcome.error.is_empty()).then(|| Instant::now() + AGAIN);
        if !peer.share.order().dry_run {
            // Whom it is about is the job's answer; here it would only take room.
            let kept = Outcome { list: Value::Null, ..outcome.clone() };
            peer.outcome = Some(kept.clone());
            if let Err(failure) = rows::outcome(&self.host, id, &kept) {
                log::warn!("how the synchronization of the peer {id} ended could not be kept: {failure}");
            }
        }
        let said = || if outcome.error.is_empty() { Ok(outcome.clone()) } else { Err(outcome.error.clone()) };
        for tell in peer.waiting.drain(..) {
            // Who asked may have gone.
            let _ = tell.try_send(Told::Ended(Box::new(said())));
        }
        self.go_on(id);
    }

    fn go_on(&mut self, id: &str) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let Some(conn) = peer.link.conn() else { return };
        if let Some(step) = peer.share.next(Instant::now()) {
            self.do_step(conn, id, step);
        }
    }

    /// Pages that do not come, and people who wait to hear how far it is.
    pub(super) fn watch_sync(&mut self, id: &str, now: Instant) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        if let Some((done, total)) = peer.share.progress() {
            for tell in &peer.waiting {
                // One that is slow hears the next.
                let _ = tell.try_send(Told::Progress(done, total));
            }
        }
        if peer.again.take_if(|at| now >= *at).is_some() {
            return self.start_sync(id, Order::default());
        }
        if peer.share.is_overdue(now)
            && let Some(conn) = peer.link.conn()
        {
            self.cut(conn);
            let why = "the other side did not answer for its directory within a minute";
            self.lost(conn, id, Trouble::new(Word::Unreachable, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_of_all_that_is_brought() {
        let entry = Entry { key: "a".into(), login_id: "ann@x".into(), ..Entry::default() };
        let one = written(&entry);
        let shifted = Entry { login_id: "ann@".into(), first_name: "x".into(), ..entry.clone() };
        assert_ne!(written(&shifted)["hash"], one["hash"]);
        assert_eq!(written(&entry), one);
    }
}
