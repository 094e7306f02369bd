//! What a run was opened with, checked against what is there.

use std::ops::RangeInclusive;

use jackfield_abi::ops::{DirectoryOpen, DirectoryOwner};
use jackfield_db::{Read, params};
use serde_json::json;

use crate::catalog::problems::{CONFLICT, Problem};
use crate::catalog::shape::Object;
use crate::engine::change::Origin;
use crate::engine::deployment;
use crate::engine::objects::{DEFAULT_PROFILE, ENTERPRISES, PEERS, PROFILES, names_nothing, text};

/// Characters of a synchronizer's id.
const NAME: RangeInclusive<usize> = 1..=120;
/// Longest grace period, in days.
const MOST_DAYS: u16 = 365;

/// The order for a run.
#[derive(Debug, Clone)]
pub struct Order {
    /// The plugin that runs it.
    pub plugin: String,
    /// Whose run it is: the plugin's id, a slash, and the plugin's own id of the synchronizer.
    pub synchronizer: String,
    /// Enterprise, as it spells itself.
    pub enterprise: String,
    /// Peer whose contacts it brings; none: accounts of the enterprise.
    pub peer: Option<String>,
    /// Who started it.
    pub who: String,
    /// Whether nothing may be changed.
    pub dry_run: bool,
    /// Whether somebody means an empty answer or many removals.
    pub confirm: bool,
    /// Share beyond which removals must be confirmed, in percent.
    pub removal_share: u64,
    /// Days for which a removed one is kept hidden.
    pub grace_days: i64,
    /// Whether what is not told is gone.
    pub full: bool,
    /// Whether new accounts are put into use.
    pub deploy: bool,
    /// Profile of new ones.
    pub profile: Option<String>,
}

/// The synchronizer of a plugin, as accounts name it.
pub fn synchronizer_of(plugin: &str, owner: &DirectoryOwner) -> Result<String, Problem> {
    let name = &owner.synchronizer;
    let fits = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if NAME.contains(&name.len()) && name.chars().all(fits) {
        return Ok(format!("{plugin}/{name}"));
    }
    let detail = format!("must be 1 to 120 ASCII letters, digits and / . _ -; {name:?} is not");
    Err(Problem::field("synchronizer", detail))
}

impl Order {
    /// Checks what a plugin asks for.
    pub fn checked(read: &Read<'_>, plugin: &str, asked: DirectoryOpen) -> Result<Self, Problem> {
        let DirectoryOpen { owner, enterprise, peer, who, dry_run, confirm, full, deploy, profile, .. } =
            asked;
        let synchronizer = synchronizer_of(plugin, &owner)?;
        let found = ENTERPRISES.find(read, &enterprise)?;
        let unknown = || Problem::field("enterprise", names_nothing(&ENTERPRISES, &enterprise));
        let enterprise = text(&found.ok_or_else(unknown)?, "id").to_owned();
        if let Some(peer) = &peer {
            deployment::refuse_peering(read)?;
            check_peer(read, peer, &enterprise)?;
        }
        if let Some(profile) = profile.as_deref()
            && PROFILES.find(read, profile)?.is_none()
        {
            return Err(Problem::field("profile", names_nothing(&PROFILES, profile)));
        }
        check_bounds(&who, asked.removal_share, asked.grace_days)?;
        let order = Self {
            plugin: plugin.to_owned(),
            synchronizer,
            enterprise,
            peer,
            who,
            dry_run,
            confirm,
            removal_share: asked.removal_share.into(),
            grace_days: asked.grace_days.into(),
            full,
            deploy,
            profile,
        };
        order.check_place(read)?;
        Ok(order)
    }

    /// One synchronizer fills one place, so one account of it tells of all.
    fn check_place(&self, read: &Read<'_>) -> Result<(), Problem> {
        let sql = "SELECT enterprise, peer FROM account WHERE synchronizer = ?1 LIMIT 1";
        let place =
            |row: &jackfield_db::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?));
        let Some((enterprise, peer)) = read.one(sql, params![self.synchronizer], place)? else {
            return Ok(());
        };
        if enterprise == self.enterprise && peer == self.peer {
            return Ok(());
        }
        let detail = format!(
            "The synchronizer {:?} has filled another place before (enterprise {enterprise:?}, peer {peer:?}). Give it another id, or have it forget what it brought.",
            self.synchronizer
        );
        Err(Problem::new(CONFLICT, detail))
    }

    /// What all accounts or contacts have in common that it makes.
    pub fn newcomer(&self) -> Object {
        let is_contact = self.peer.is_some();
        let common = json!({
            "enterprise": self.enterprise, "peer": self.peer, "synchronizer": self.synchronizer,
            "profile": self.profile.as_deref().unwrap_or(DEFAULT_PROFILE),
            "origin": if is_contact { "peer" } else { "synchronizer" }, "deployed": self.deploy && !is_contact,
        });
        common.as_object().cloned().unwrap_or_default()
    }

    /// Where the changes come from.
    pub fn origin(&self) -> Origin {
        origin(&self.plugin, &self.who)
    }

    /// What has changed: the peer, or the enterprise.
    pub fn place(&self) -> &str {
        self.peer.as_deref().unwrap_or(&self.enterprise)
    }
}

/// Where a plugin's changes come from.
pub fn origin(plugin: &str, who: &str) -> Origin {
    Origin { who: who.to_owned(), from: format!("plugin {plugin}"), via: "plugin", request: String::new() }
}

fn check_peer(read: &Read<'_>, id: &str, enterprise: &str) -> Result<(), Problem> {
    let peer = PEERS.find(read, id)?.ok_or_else(|| Problem::field("peer", names_nothing(&PEERS, id)))?;
    if text(&peer, "enterprise") == enterprise {
        return Ok(());
    }
    let detail = format!(
        "must be one of the enterprise {enterprise:?}; {id:?} belongs to {:?}",
        text(&peer, "enterprise")
    );
    Err(Problem::field("peer", detail))
}

fn check_bounds(who: &str, share: u8, days: u16) -> Result<(), Problem> {
    if who.is_empty() || who.len() > 256 {
        return Err(Problem::field("who", "must be 1 to 256 bytes long: revisions name who started a run"));
    }
    if share > 100 {
        return Err(Problem::field("removal_share", format!("must be 0 to 100 percent; {share} is not")));
    }
    if days > MOST_DAYS {
        return Err(Problem::field("grace_days", format!("must be 0 to {MOST_DAYS}; {days} is not")));
    }
    Ok(())
}
