//! The place between a session whose connection broke and the connection that resumes it (XEP-0198 section 5).

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::session::Line;

/// Where another connection is handed over to a session.
#[derive(Default)]
pub struct Handover {
    slot: Mutex<Option<(Box<Line>, u32)>>,
    news: Notify,
}

impl Handover {
    /// Hands it over, with how many stanzas the client has handled. One that waits there already is dropped: the client
    /// has given it up.
    pub fn put(&self, line: Box<Line>, h: u32) {
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some((line, h));
        self.news.notify_one();
    }

    /// Waits for one.
    pub async fn taken(&self) -> (Box<Line>, u32) {
        loop {
            if let Some(handed) = self.slot.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return handed;
            }
            self.news.notified().await;
        }
    }
}
