//! Frames on a link that stands: what they mean is decided elsewhere; here they are taken to where that is.

use std::time::Instant;

use jackfield_sdk::{PresenceChange, log};

use super::handshake::refuse;
use super::{Desk, Stage, rows, shown};
use crate::sister::frame::{Frame, Reason};
use crate::sister::hello::Agreed;
use crate::sister::link::Conn;
use crate::sister::people::{HOLDS, Say};
use crate::sister::share::{Order, Reached};
use crate::sister::status::{Trouble, Word};

impl Desk {
    /// A link stands: both sides tell everything anew.
    pub(super) fn begin(&mut self, id: &str, agreed: Agreed) {
        let shows_upn = agreed.upn().is_ok();
        let Some(peer) = self.peers.get_mut(id) else { return };
        peer.agreed = Some(agreed);
        peer.post.restart();
        let say = peer.people.show_upn(shows_upn);
        self.publish(say);
        self.know_contacts(id);
        self.tell_whole(id);
        let conn = self.peers.get(id).and_then(|peer| peer.link.conn());
        if conn.is_some() {
            self.start_sync(id, Order::default());
        }
        self.letters_of(id);
    }

    pub(super) fn heard(&mut self, conn: Conn, id: &str, frame: Frame) {
        let now = Instant::now();
        let Some(peer) = self.peers.get_mut(id) else { return self.cut(conn) };
        peer.link.heard(conn, now);
        match frame {
            Frame::Ping { n } => self.send(conn, Frame::Pong { n }),
            Frame::Pong { .. } => {}
            Frame::Presence { part, items } => {
                let say = peer.people.take(part, items);
                self.publish(say);
            }
            Frame::DirectoryChanged => self.start_sync(id, Order::default()),
            Frame::DirectoryGet { epoch, after } => self.serve(conn, id, &Reached { epoch, place: after }),
            Frame::DirectoryPage(page) => self.took_page(conn, id, *page),
            Frame::Messages { items } => self.take_letters(conn, id, items),
            Frame::MessagesDone { done, refused, later } => self.settle(id, done, refused, &later),
            Frame::Bye { reason } => self.left(conn, id, &reason),
            Frame::Refuse(refuse) => {
                self.cut(conn);
                self.lost(conn, id, Trouble::of(&refuse));
            }
            Frame::Hello(_)
            | Frame::Redeem(_)
            | Frame::Redeemed(_)
            | Frame::Enterprises
            | Frame::EnterpriseList { .. } => {
                self.misbehaves(conn, id, "it sent a frame that a link has no use for")
            }
        }
    }

    /// Ends a link whose other side does not keep to the protocol.
    pub(super) fn misbehaves(&mut self, conn: Conn, id: &str, why: &str) {
        log::warn!("the link with the peer {id} is ended: {why}");
        self.end(conn, Frame::Refuse(refuse(Reason::BadFrame, why)));
        self.lost(conn, id, Trouble::new(Word::Unreachable, why));
    }

    /// The other side ends the link on purpose.
    fn left(&mut self, conn: Conn, id: &str, reason: &str) {
        self.cut(conn);
        let trouble = match reason {
            "deleted" => {
                let why = "the peer was deleted over there";
                if let Err(failure) = rows::ended(&self.host, id, why) {
                    log::warn!("that the peer {id} was deleted over there could not be kept: {failure}");
                }
                if let Some(peer) = self.peers.get_mut(id) {
                    peer.row.ended = Some(why.to_owned());
                }
                Trouble::new(Word::NotTrusted, why)
            }
            "disabled" => Trouble::new(Word::NotTrusted, "peering was switched off over there"),
            "stopping" => Trouble::new(Word::Unreachable, "the other appliance stops or starts anew"),
            _ => Trouble::new(Word::Unreachable, "the other side has ended the link and begins another"),
        };
        self.lost(conn, id, trouble);
    }

    /// A connection has ended.
    pub(super) fn closed(&mut self, conn: Conn, why: &str) {
        let Some(line) = self.lines.remove(&conn) else { return };
        let trouble = Trouble::new(Word::Unreachable, why.to_owned());
        match line.stage {
            Stage::Stranger => {}
            Stage::Greeting(id) => self.failed(&id, trouble),
            Stage::Up(id) => self.lost(conn, &id, trouble),
        }
    }

    /// The link is gone; what was under way is broken off.
    pub(super) fn lost(&mut self, conn: Conn, id: &str, trouble: Trouble) {
        let Some(peer) = self.peers.get_mut(id) else { return };
        let words = trouble.detail.clone();
        if !peer.link.closed(conn, trouble, Instant::now()) {
            return;
        }
        peer.agreed = None;
        peer.post.restart();
        log::info!("the peer {id} is not connected any more: {words}");
        self.break_sync(id, &format!("the link was lost: {words}"));
        if let Err(failure) = rows::last_good(&self.host, id) {
            log::debug!("when the link last stood could not be kept: {failure}");
        }
    }

    /// A page of our own directory for a peer.
    fn serve(&mut self, conn: Conn, id: &str, asked: &Reached) {
        let Some(enterprise) = self.peers.get(id).map(|peer| peer.row.enterprise.clone()) else { return };
        match shown::page(&self.host, &enterprise, asked) {
            Ok(page) => self.send(conn, Frame::DirectoryPage(Box::new(page))),
            Err(failure) => {
                log::warn!("the directory for the peer {id} could not be read: {failure}");
                self.end(
                    conn,
                    Frame::Refuse(refuse(Reason::Internal, "the directory over here cannot be read")),
                );
                self.lost(conn, id, Trouble::new(Word::Unreachable, "our own directory could not be read"));
            }
        }
    }

    /// Has the appliance show what people of peers are doing.
    pub(super) fn publish(&self, say: Vec<Say>) {
        if say.is_empty() {
            return;
        }
        let change = |(account, what): Say| {
            let (state, note) = what.map_or((None, String::new()), |(state, note)| (Some(state), note));
            PresenceChange { account, state, note, expires_in: Some(HOLDS.as_secs()) }
        };
        let changes: Vec<PresenceChange> = say.into_iter().map(change).collect();
        match self.host.presence().publish("xmpp", &changes) {
            Ok(refused) if refused.is_empty() => {}
            Ok(refused) => {
                let first = refused.first().map(|one| one.detail.as_str()).unwrap_or_default();
                log::debug!("presence of {} contacts was not taken: {first}", refused.len());
            }
            Err(failure) => log::warn!("presence of contacts could not be told to the appliance: {failure}"),
        }
    }

    /// Who the peer's contacts are now.
    pub(super) fn know_contacts(&mut self, id: &str) {
        match rows::contacts(&self.host, id) {
            Ok(contacts) => {
                let Some(peer) = self.peers.get_mut(id) else { return };
                let say = peer.people.know(contacts);
                self.publish(say);
            }
            Err(failure) => log::warn!("the contacts of the peer {id} could not be read: {failure}"),
        }
    }
}
