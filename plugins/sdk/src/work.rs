//! What the plugin's threads have to do, and the three queues in which it waits for them.

use std::collections::VecDeque;

use jackfield_abi::ops::{self, Event};

use crate::lane::Lane;
use crate::plugin::Request;

/// Something for the plugin's threads to do.
#[derive(Debug)]
pub enum Work {
    /// To be answered.
    Request(Request),
    /// To be heard.
    Event(Event),
}

/// The three queues.
pub struct Lanes {
    /// Requests, but for the two below.
    pub requests: Lane<Work>,
    /// Jobs, which may take long.
    pub jobs: Lane<Work>,
    /// Events and settings, in order.
    pub news: Lane<Work>,
}

impl Lanes {
    /// Three queues for that many each.
    pub fn new(capacity: usize) -> Self {
        Self { requests: Lane::new(capacity), jobs: Lane::new(capacity), news: Lane::new(capacity) }
    }

    /// Where an operation waits.
    pub fn of(&self, op: &str) -> &Lane<Work> {
        match op {
            ops::JOB_RUN => &self.jobs,
            ops::SETTINGS_CHANGED => &self.news,
            _ => &self.requests,
        }
    }

    /// Takes nothing more and gives back what nobody has taken.
    pub fn close(&self) -> impl Iterator<Item = Work> {
        let all: [VecDeque<Work>; 3] = [&self.requests, &self.jobs, &self.news].map(Lane::close);
        all.into_iter().flatten()
    }
}
