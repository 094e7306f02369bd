//! Messages over links: they wait in the appliance until the other side has stored them, and a message that comes is
//! stored before it is acknowledged. So a kill of either side loses none, and its id keeps it from being stored twice.

use std::time::Instant;

use jackfield_sdk::{Code, Failure, MessagePending, Messages, NewMessage, json, log};

use super::Desk;
use crate::sister::frame::{Frame, Letter, Returned};
use crate::sister::link::Conn;
use crate::sister::post;

/// Pages of waiting messages that are looked through for one that may be sent.
const PAGES: usize = 5;

impl Desk {
    /// Sends what waits, on every link.
    pub(super) fn letters(&mut self) {
        let all: Vec<String> = self.peers.keys().cloned().collect();
        for id in all {
            self.letters_of(&id);
        }
    }

    /// Sends what waits for one peer's people.
    pub(super) fn letters_of(&mut self, id: &str) {
        let now = Instant::now();
        let Some(peer) = self.peers.get(id) else { return };
        let (Some(conn), Some(agreed)) = (peer.link.conn(), &peer.agreed) else { return };
        // Within one appliance a message is with its reader as soon as it is stored.
        if self.is_near(conn) || !peer.mute.is_empty() || !peer.post.may_send(now) {
            return;
        }
        let waiting = match self.waiting(id, &agreed.domain) {
            Ok(waiting) => waiting,
            Err(failure) => return log::warn!("messages for the peer {id} could not be read: {failure}"),
        };
        let Some(peer) = self.peers.get_mut(id).filter(|_| !waiting.is_empty()) else { return };
        let items = peer.post.pack(waiting, now);
        self.send(conn, Frame::Messages { items });
    }

    /// Messages of our people for theirs that may be sent.
    fn waiting(&self, id: &str, domain: &str) -> Result<Vec<Letter>, Failure> {
        let Some(peer) = self.peers.get(id) else { return Ok(Vec::new()) };
        let mut after = 0;
        for _ in 0..PAGES {
            let asked = MessagePending {
                domain: Some(domain.to_owned()),
                after,
                limit: 100,
                ..MessagePending::default()
            };
            let Messages { messages, next } = self.host.chat().pending(&asked)?;
            let ours = messages.into_iter().filter(|message| post::domain(&message.from) == peer.row.domain);
            let open = ours.filter(|message| !peer.post.is_parked(&message.id));
            let letters: Vec<Letter> = open
                .map(|message| Letter {
                    id: message.id,
                    from: message.from,
                    to: message.to,
                    body: message.body,
                })
                .collect();
            match next {
                Some(next) if letters.is_empty() => after = next,
                _ => return Ok(letters),
            }
        }
        Ok(Vec::new())
    }

    /// The other side says what became of ours.
    pub(super) fn settle(&mut self, id: &str, done: Vec<String>, refused: Vec<Returned>, later: &[String]) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let settled = peer.post.answered(done, refused, later, Instant::now());
        if let Err(failure) = self.host.chat().delivered(&settled.delivered) {
            log::warn!(
                "that messages reached the peer {id} could not be kept; they are sent again: {failure}"
            );
            return;
        }
        for Returned { id: message, detail } in settled.refused {
            log::warn!("the message {message} is not taken by the peer {id}: {detail}");
            let failed = json!({"ids": [message], "reason": detail});
            if self.host.call("message.failed", failed).is_err()
                && let Some(peer) = self.peers.get_mut(id)
            {
                peer.post.park([message]);
            }
        }
        self.letters_of(id);
    }

    /// Messages of theirs for our people.
    pub(super) fn take_letters(&mut self, conn: Conn, id: &str, items: Vec<Letter>) {
        let Some(peer) = self.peers.get(id) else { return };
        let theirs = match (&peer.agreed, peer.mute.is_empty()) {
            (Some(agreed), true) => agreed.domain.clone(),
            _ => String::new(),
        };
        let ours = peer.row.domain.clone();
        let (mut done, mut refused, mut later) = (Vec::new(), Vec::new(), Vec::new());
        for letter in items {
            let key = letter.id.clone();
            match self.take_letter(letter, &ours, &theirs) {
                Taken::Done => done.push(key),
                Taken::Later => later.push(key),
                Taken::Never(detail) => refused.push(Returned { id: key, detail }),
            }
        }
        self.send(conn, Frame::MessagesDone { done, refused, later });
    }

    fn take_letter(&self, letter: Letter, ours: &str, theirs: &str) -> Taken {
        if let Some(detail) = post::not_theirs(&letter, ours, theirs) {
            return Taken::Never(detail);
        }
        let Letter { id, from, to, body } = letter;
        match self.host.chat().accept(&NewMessage { from, to, body, origin_id: Some(id), envelope: None }) {
            Ok(_) => Taken::Done,
            Err(failure) => match failure.code {
                Code::NotFound | Code::BadRequest => Taken::Never(failure.msg),
                // Full or read-only for now: the sender keeps it.
                _ => Taken::Later,
            },
        }
    }
}

enum Taken {
    Done,
    Later,
    Never(String),
}
