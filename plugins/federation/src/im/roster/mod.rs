//! Who sees whom: presence of our users and of those they know. Here so far: what a client says of itself is noted, what
//! other servers say is heard. Rosters and subscriptions are not here yet.

use std::time::Instant;

use jackfield_sdk::Event;

use super::desk::SessionId;
use super::effect::Effect;
use super::parcel::{Origin, Parcel};
use super::sessions::Session;
use super::site::Site;
use crate::s2s::Pair;

/// Types of presence (RFC 6121 section 4.7.1).
const KINDS: [&str; 8] =
    ["", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", "error"];

/// The part that knows who sees whom.
#[derive(Default)]
pub struct Roster {}

impl Roster {
    /// Presence of a client or of a partner.
    pub fn take(&mut self, site: &mut Site, parcel: &Parcel, _now: Instant) -> Vec<Effect> {
        if !KINDS.contains(&parcel.kind()) {
            return Effect::send(parcel.error("bad-request"));
        }
        // Nobody of ours watches another domain or lets it watch yet, so its presence is heard and not answered. A request
        // to subscribe stays open on its own server, which repeats it.
        if let (Origin::Session(id), None) = (&parcel.origin, &parcel.to) {
            match parcel.kind() {
                "" => site.sessions.present(*id, Some(parcel.stanza.clone())),
                "unavailable" => site.sessions.present(*id, None),
                _ => {}
            }
        }
        vec![]
    }

    /// A client is in.
    pub fn bound(&mut self, _site: &mut Site, _id: SessionId) -> Vec<Effect> {
        vec![]
    }

    /// A session is over; it is not among the sessions any more.
    pub fn gone(&mut self, _site: &mut Site, _gone: &Session, _now: Instant) -> Vec<Effect> {
        vec![]
    }

    /// The link of that pair stands, or does not any more.
    pub fn link(&mut self, _site: &mut Site, _pair: &Pair, _is_up: bool) -> Vec<Effect> {
        vec![]
    }

    /// Something happened in the appliance.
    pub fn hear(&mut self, _site: &mut Site, _event: &Event) -> Vec<Effect> {
        vec![]
    }

    /// What is left to do at a turn's end. A turn comes at least once a second.
    pub fn settle(&mut self, _site: &mut Site, _now: Instant) -> Vec<Effect> {
        vec![]
    }
}
