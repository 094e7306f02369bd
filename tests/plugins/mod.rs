//! Plugins through the whole appliance, as an admin sees them. One file for each matter; this one has what
//! they share. Leaves out what the supervisor decides alone, which is tested beside it.

mod c_echo;
mod children;
mod faults;
mod jobs;
mod mirror;
mod quarantine;
mod secrets;
mod serving;
mod settings;
mod take_over;
mod trust;

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

/// Says that it is over, also when the thread panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while others read these paths over and over; every one of their calls must succeed.
#[track_caller]
pub fn undisturbed<T>(client: &Client, paths: &[&str], deed: impl FnOnce() -> T) -> T {
    let (is_over, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
    let read = |path: &str| {
        while !is_over.load(Ordering::Relaxed) {
            client.get(path).expect(200);
            calls.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(PAUSE);
        }
    };
    let done = std::thread::scope(|scope| {
        let over = Over(&is_over);
        paths.iter().for_each(|path| drop(scope.spawn(|| read(path))));
        let all_have_begun = || (calls.load(Ordering::Relaxed) >= paths.len()).then_some(());
        awaited(Duration::from_secs(20), all_have_begun).expect("the others can read");
        let done = deed();
        drop(over);
        done
    });
    assert!(calls.load(Ordering::Relaxed) > paths.len(), "nobody read meanwhile");
    done
}

/// What core and another plugin serve.
pub const OTHERS: &[&str] = &["/enterprises", "/echo"];
