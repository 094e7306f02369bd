//! Plugins through the whole appliance, as an admin sees them. One file for each matter; this one has what
//! they share. Leaves out what the supervisor decides alone, which is tested beside it.

mod c_echo;
mod children;
mod cloudlink;
mod faults;
mod jobs;
mod keys;
mod metrics;
pub mod mirror;
mod pages;
mod peering;
mod quarantine;
mod secret_settings;
mod secrets;
mod serving;
mod settings;
mod take_over;
mod teams;
mod trust;
mod undo;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::*;

/// From a death to the next start, with the waits of a plugin that has died a few times, on a busy machine.
pub const BACK_WITHIN: Duration = Duration::from_secs(90);
/// Between two calls of a bystander, so that one test leaves room for the others.
const PAUSE: Duration = Duration::from_millis(20);

/// A command to the supervisor of a plugin.
pub fn order(client: &Client, id: &str, command: &str) -> Answer {
    client.call("POST", &format!("/plugins/{id}:{command}")).send()
}

/// Has the plugin `faulty` misbehave.
pub fn misbehave(client: &Client, how: &str) -> Answer {
    client.post("/faulty", &json!({"how": how}))
}

/// Waits for another process of the plugin than the one of that status.
#[track_caller]
pub fn await_successor(client: &Client, before: &Value) -> Value {
    let id = before["id"].as_str().expect("a status has an id");
    await_that(client, id, BACK_WITHIN, "up in a new process", |now| {
        now["state"] == "up" && now["pid"] != before["pid"]
    })
}

/// For a few calls of every bystander.
const READ_WITHIN: Duration = Duration::from_secs(20);

/// Says that it is over, also when the thread panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while others read these paths over and over; every one of their calls must succeed, before,
/// meanwhile and afterwards.
#[track_caller]
pub fn undisturbed<T>(client: &Client, paths: &[&str], deed: impl FnOnce() -> T) -> T {
    let is_over = AtomicBool::new(false);
    let counted: Vec<_> = paths.iter().map(|path| (*path, AtomicUsize::new(0))).collect();
    let read = |path: &str, calls: &AtomicUsize| {
        while !is_over.load(Ordering::Relaxed) {
            client.get(path).expect(200);
            calls.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
    };
    std::thread::scope(|scope| {
        let over = Over(&is_over);
        counted.iter().for_each(|(path, calls)| drop(scope.spawn(|| read(path, calls))));
        await_more(&counted);
        let done = deed();
        await_more(&counted);
        drop(over);
        done
    })
}

/// Waits until each path was read once more from beginning to end.
#[track_caller]
fn await_more(counted: &[(&str, AtomicUsize)]) {
    let before: Vec<_> = counted.iter().map(|(_, calls)| calls.load(Ordering::Relaxed)).collect();
    // The call under way now may have begun before.
    let has_more = |(now, before): (&(&str, AtomicUsize), &usize)| now.1.load(Ordering::Relaxed) > before + 1;
    let all_have = || counted.iter().zip(&before).all(has_more).then_some(());
    assert!(awaited(READ_WITHIN, all_have).is_some(), "not all of them can be read: {counted:?}");
}

/// What core and another plugin serve.
pub const OTHERS: &[&str] = &["/enterprises", "/echo"];
