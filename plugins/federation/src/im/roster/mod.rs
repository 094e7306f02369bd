//! Who sees whom: rosters, subscriptions and presence of our users, both ways.
//!
//! | here | is |
//! |---|---|
//! | `table` | what becomes of a subscription, as one pure function |
//! | `contact`, `store`, `user` | a contact, rosters on the disk, a user who is connected |
//! | `directory` | the corporate directory as part of every roster |
//! | `queries`, `cards` | what clients ask and set (RFC 6121 section 2), and whose card and photo they get |
//! | `subscriptions` | who wants to see whom (section 3) |
//! | `clients`, `partners` | presence from our clients and from other servers (section 4) |
//! | `people`, `telling` | what the appliance says people are doing, and who is told |
//! | `anew` | what partners may have missed |
//! | `probes` | questions to other servers, spread |
//! | `watch`, `watch_store` | contacts of external peers, which the whole enterprise sees |
//! | `leaving` | accounts that are gone, and links that are lost |
//! | `moving` | accounts whose address has become another one |
//!
//! Left out: messages, and the words for states (`presence`).

mod anew;
mod blocking;
mod cards;
mod clients;
mod contact;
mod directory;
mod leaving;
mod moving;
mod partners;
mod people;
mod probes;
mod queries;
mod store;
mod subscriptions;
mod table;
mod telling;
mod user;
mod watch;
mod watch_store;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jackfield_sdk::{Event, Failure, log};
use jid::BareJid;

use super::desk::SessionId;
use super::effect::Effect;
use super::parcel::{Origin, Parcel};
use super::photos::Photos;
use super::sessions::Session;
use super::site::Site;
use crate::xml::{Element, ns};
use anew::Anew;
use contact::{Contact, Line};
use directory::{Circle, Directories};
use moving::Moves;
use people::People;
use probes::Probes;
use user::User;
use watch::Watch;
pub use watch_store::counts as watch_counts;

/// Resource of everybody whose presence the appliance tells: one that stays, because who is there is not one client.
pub const RESOURCE: &str = "uc";
/// Entries of the largest directory that rosters show whole, unless the setting says otherwise.
const MOST_OF_DIRECTORY: usize = 1000;
/// Pause between two readings of directories, however many changes there are.
const READ_AGAIN: Duration = Duration::from_secs(2);
/// Pause after a change of partners until the sockets have followed.
const FOLLOWED: Duration = Duration::from_secs(3);
/// Pause after the start before everybody's watchers are told anew; sources of presence tell theirs in it.
const SWEEP_AFTER: Duration = Duration::from_secs(30);

/// The part that knows who sees whom.
pub struct Roster {
    /// Users who are connected, by account.
    users: HashMap<String, User>,
    directories: Directories,
    /// Entries of the largest directory that is shown whole.
    most: usize,
    people: People,
    photos: Photos,
    probes: Probes,
    anew: Anew,
    watch: Watch,
    /// Whether directories have to be read again.
    is_stale: bool,
    /// Whether accounts may have gone.
    has_orphans: bool,
    /// Whose address may have become another one.
    moves: Moves,
    read_at: Option<Instant>,
    /// When presence of a directory was last read as a whole.
    looked_at: HashMap<Circle, Instant>,
    /// When to look who is a partner, after a change.
    partners_at: Option<Instant>,
    are_partners_stale: bool,
    /// How far the telling after the start has come: when it goes on, after which account.
    sweep: Option<(Option<Instant>, String)>,
    /// Counts roster pushes, which need an id.
    pushes: u64,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            users: HashMap::new(),
            directories: Directories::default(),
            most: MOST_OF_DIRECTORY,
            people: People::default(),
            photos: Photos::default(),
            probes: Probes::default(),
            anew: Anew::default(),
            watch: Watch::default(),
            is_stale: false,
            has_orphans: true,
            moves: Moves::default(),
            read_at: None,
            looked_at: HashMap::new(),
            partners_at: None,
            are_partners_stale: false,
            sweep: Some((None, String::new())),
            pushes: 0,
        }
    }
}

impl Roster {
    /// Reads who has a photo, before anybody is told anything.
    pub fn begin(&mut self, site: &Site) -> Result<(), Failure> {
        self.photos.read(&site.host).map(drop)
    }

    /// Presence of a client or of a partner.
    pub fn take(&mut self, site: &mut Site, parcel: &Parcel, now: Instant) -> Vec<Effect> {
        let done = match parcel.origin {
            Origin::Session(id) => self.client_says(site, id, parcel, now),
            Origin::Partner(_) => self.partner_says(site, parcel),
        };
        done.unwrap_or_else(|failure| {
            log::warn!("presence of {} was not dealt with: {failure}", parcel.from.to_bare());
            Effect::send(parcel.error("internal-server-error"))
        })
    }

    /// A client is in; what it needs is read when it asks.
    pub fn bound(&mut self, _site: &mut Site, _id: SessionId) -> Vec<Effect> {
        vec![]
    }

    /// A session is over; it is not among the sessions any more.
    pub fn gone(&mut self, _site: &mut Site, gone: &Session, _now: Instant) -> Vec<Effect> {
        let effects = self.leaves(&gone.account, gone.id, &gone.address.clone().into(), None);
        let Some(user) = self.users.get_mut(&gone.account) else { return effects };
        user.seats.remove(&gone.id);
        if user.seats.is_empty() {
            let circle = user.circle.clone();
            self.users.remove(&gone.account);
            if !self.users.values().any(|user| user.circle == circle) {
                self.directories.forget(&circle);
                // What happens from now on is not followed.
                self.looked_at.remove(&circle);
            }
        }
        effects
    }

    /// Something happened in the appliance.
    pub fn hear(&mut self, _site: &mut Site, event: &Event) -> Vec<Effect> {
        match event.event.as_str() {
            "presence.changed" => self.people.look_at(&event.object),
            "account.changed" => {
                // It may not be deployed any more, or be again: then those who see it are told.
                self.people.forget(&event.object);
                self.people.look_at(&event.object);
                self.photos.look_at(&event.object);
                self.moves.look_at(&event.object);
                (self.is_stale, self.has_orphans) = (true, true);
            }
            "federation.changed" => self.are_partners_stale = true,
            "accounts.changed" => {
                self.photos.look_at_all();
                self.moves.look_at_all();
                (self.is_stale, self.has_orphans) = (true, true);
            }
            "enterprise.changed" | "directory.changed" | "peer.changed" => {
                (self.is_stale, self.has_orphans, self.watch.is_stale) = (true, true, true);
                self.are_partners_stale = true;
                self.photos.look_at_all();
                if event.event == "enterprise.changed" {
                    self.moves.look_at_all();
                }
            }
            _ => {}
        }
        vec![]
    }

    /// Directories with more entries than that are shown by folders from now on.
    pub fn bound_directory(&mut self, most: usize) {
        self.is_stale |= self.most != most;
        self.most = most;
    }

    /// What is left to do at a turn's end. A turn comes at least once a second.
    pub fn settle(&mut self, site: &mut Site, now: Instant) -> Vec<Effect> {
        let mut effects = Vec::new();
        if (self.is_stale || self.has_orphans || self.moves.are_due() || self.photos.is_stale())
            && self.read_at.is_none_or(|at| now.duration_since(at) >= READ_AGAIN)
        {
            self.read_at = Some(now);
            effects.extend(self.reads_again(site));
        }
        let read = self.photos.read_changed(&site.host);
        self.shows_photos(read);
        self.sweeps(site, now);
        effects.extend(self.partners_changed(site, now));
        effects.extend(self.retries(now));
        effects.extend(self.tells_anew(site));
        effects.extend(self.watches(site, now));
        effects.extend(self.probes.due(now).into_iter().map(Effect::Send));
        self.people.publish(&site.host, now);
        effects.extend(self.tells(site));
        effects
    }

    /// What changed in the appliance's tables since they were last read.
    fn reads_again(&mut self, site: &mut Site) -> Vec<Effect> {
        let mut effects = Vec::new();
        if std::mem::take(&mut self.is_stale) {
            match self.directories_again(site) {
                Ok(pushed) => effects.extend(pushed),
                Err(failure) => {
                    log::warn!("the directory could not be read again: {failure}");
                    self.is_stale = true;
                }
            }
        }
        if self.photos.is_stale() {
            let read = self.photos.read(&site.host);
            self.shows_photos(read);
        }
        if self.moves.are_due() {
            match self.moves(site) {
                Ok(told) => effects.extend(told),
                Err(failure) => {
                    log::warn!("accounts whose address has changed could not be moved: {failure}");
                    self.moves.look_at_all();
                }
            }
        }
        if std::mem::take(&mut self.has_orphans) {
            match self.lets_go(site) {
                Ok(told) => effects.extend(told),
                Err(failure) => {
                    log::warn!("rosters of accounts that have gone could not be cleared: {failure}");
                    self.has_orphans = true;
                }
            }
        }
        effects
    }

    /// The user of a session, read when it is not known; none: the account is not there any more.
    fn user(&mut self, site: &mut Site, id: SessionId) -> Result<Option<&mut User>, Failure> {
        let Some(session) = site.sessions.get(id) else { return Ok(None) };
        let (account, own) = (session.account.clone(), session.address.to_bare());
        if !self.users.contains_key(&account) {
            let Some(known) = site.accounts.find(&site.host, &own)? else { return Ok(None) };
            let circle = self.directories.circle(&site.host, &known.enterprise, &account, self.most)?;
            let mut user = User::load(&site.host, &account, own, circle)?;
            user.bars(site);
            self.users.insert(account.clone(), user);
        }
        let mut user = self.users.get_mut(&account);
        if let Some(user) = &mut user {
            user.seat(id);
        }
        Ok(user)
    }

    /// Whether the directory shows that address to the user.
    fn is_colleague(&self, user: &User, address: &BareJid) -> bool {
        let directory = self.directories.known(&user.circle);
        *address != user.own && directory.is_some_and(|known| known.entries.contains_key(address))
    }

    /// The line of that address in a user's roster: the directory's, with the user's own name and groups.
    fn line(&self, user: &User, address: &BareJid) -> Option<Line> {
        let own = user.contacts.get(address).and_then(|contact| contact.line(address));
        if !self.is_colleague(user, address) {
            return own;
        }
        let mut line = self.directories.known(&user.circle)?.line(address)?;
        let Some(own) = own else { return Some(line) };
        if !own.name.is_empty() {
            line.name = own.name;
        }
        let more = own.groups.into_iter().filter(|group| !line.groups.contains(group)).collect::<Vec<_>>();
        line.groups.extend(more);
        Some(line)
    }

    /// What is kept of a contact.
    fn contact(&self, site: &Site, account: &str, address: &BareJid) -> Result<Contact, Failure> {
        match self.users.get(account) {
            Some(user) => Ok(user.contacts.get(address).cloned().unwrap_or_default()),
            None => store::one(&site.host, account, address),
        }
    }

    /// Keeps a contact, durably, and tells the user's clients what is another in the roster.
    fn keep(
        &mut self,
        site: &Site,
        (account, own): (&str, &BareJid),
        address: &BareJid,
        contact: Contact,
    ) -> Result<Vec<Effect>, Failure> {
        store::put(&site.host, account, own, address, &contact)?;
        let Some(user) = self.users.get(account) else { return Ok(vec![]) };
        let before = self.line(user, address);
        let Some(user) = self.users.get_mut(account) else { return Ok(vec![]) };
        user.version += 1;
        if contact.is_empty() {
            user.contacts.remove(address);
        } else {
            user.contacts.insert(address.clone(), contact);
        }
        let Some(user) = self.users.get(account) else { return Ok(vec![]) };
        let after = self.line(user, address);
        if before == after {
            return Ok(vec![]);
        }
        Ok(self.pushed(account, after.unwrap_or_else(|| Line::gone(address))))
    }

    /// A line to every client that knows the roster (RFC 6121 section 2.1.6).
    fn pushed(&mut self, account: &str, line: Line) -> Vec<Effect> {
        self.pushes += 1;
        let Some(user) = self.users.get(account) else { return vec![] };
        let tag = user.tag(self.directories.known(&user.circle).map_or(0, |known| known.tag));
        let id = format!("push-{}", self.pushes);
        let push = Element::new(ns::SERVER, "iq").with("type", "set").with("id", &id);
        user.to_interested(push.child(contact::query([&line], &tag)))
    }
}
