//! Who may do what: three roles, and rights named `area:verb` that a role holds from a certain rank up.
//! A token can be narrowed further to some of its role's rights. Plugins bring rights of their own.

use std::sync::{PoisonError, RwLock};

/// Most rights that plugins may bring, all together, in one process.
const MOST_BROUGHT: usize = 1024;
/// Rights that plugins brought, the newest last; a later version may give one to another role.
static BROUGHT: RwLock<Vec<&'static Right>> = RwLock::new(Vec::new());

/// The three roles, lowest first; a higher one may do all that a lower one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Sees everything but accounts of administrators and tokens.
    Viewer,
    /// Runs the day: enterprises, nodes, accounts, peers.
    Operator,
    /// Everything, including who else may do what.
    Admin,
}

impl Role {
    /// The names the API, the command line and the database use, in order of rank.
    pub const NAMES: &[&str] = &["viewer", "operator", "admin"];

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Operator, Self::Admin].into_iter().find(|role| role.name() == name)
    }

    /// The name of this role.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// One right.
#[derive(Debug, PartialEq, Eq)]
pub struct Right {
    /// `area:verb`.
    pub name: &'static str,
    /// The lowest role that holds it.
    pub least: Role,
    /// What its holder may do.
    pub help: &'static str,
}

/// A right that a plugin brings. It lives as long as the process, like the catalogue's own, and each is made once;
/// none where too many were brought already.
pub fn bring(name: &str, least: Role, help: &str) -> Option<&'static Right> {
    let mut brought = BROUGHT.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = brought.iter().find(|right| right.name == name && right.least == least) {
        return Some(known);
    }
    if brought.len() >= MOST_BROUGHT {
        return None;
    }
    let (name, help) = (String::leak(name.to_owned()), String::leak(help.to_owned()));
    let made: &'static Right = Box::leak(Box::new(Right { name, least, help }));
    brought.push(made);
    Some(made)
}

/// The names of all rights, the catalogue's own first.
pub fn names() -> Vec<&'static str> {
    let brought = BROUGHT.read().unwrap_or_else(PoisonError::into_inner);
    NAMES.iter().copied().chain(brought.iter().map(|right| right.name)).collect()
}

macro_rules! rights {
    ($($name:ident $text:literal $least:ident $help:literal;)*) => {
        $(#[doc = $help] pub const $name: &Right = &Right { name: $text, least: Role::$least, help: $help };)*
        /// Every declared right.
        pub const ALL: &[&Right] = &[$($name),*];
        /// The names of all of them.
        const NAMES: &[&str] = &[$($text),*];
    };
}

rights! {
    ENTERPRISES_READ "enterprises:read" Viewer "See enterprises";
    ENTERPRISES_WRITE "enterprises:write" Operator "Make, change and delete enterprises";
    NODES_READ "pbx-nodes:read" Viewer "See PBX nodes";
    NODES_WRITE "pbx-nodes:write" Operator "Make, change and delete PBX nodes";
    ACCOUNTS_READ "accounts:read" Viewer "See accounts";
    ACCOUNTS_WRITE "accounts:write" Operator "Make, change and delete accounts";
    ACCOUNTS_PASSWORD "accounts:password" Operator "Set and remove the passwords with which users sign in";
    PROFILES_READ "profiles:read" Viewer "See user profiles";
    PROFILES_WRITE "profiles:write" Operator "Make, change and delete user profiles";
    TRUSTED_SERVERS_READ "trusted-servers:read" Viewer "See trusted servers";
    TRUSTED_SERVERS_WRITE "trusted-servers:write" Operator "Make, change and delete trusted servers";
    PEERS_READ "peers:read" Viewer "See peers and their dialing prefixes";
    PEERS_WRITE "peers:write" Operator "Make, change and delete peers";
    PRESENCE_READ "presence:read" Viewer "See what people are doing, as far as they show it";
    PRESENCE_WRITE "presence:write" Operator "Say what people are doing, for any source";
    MESSAGES_READ "messages:read" Operator "See how many messages there are and for whom they wait, never their text";
    DIALING_PREVIEW "dialing:preview" Viewer "Ask which digits would be dialed";
    HOOKS_READ "hooks:read" Viewer "See the site's scripts, their source and how they do";
    HOOKS_WRITE "hooks:write" Admin "Put, publish, roll back and delete the site's scripts";
    SETTINGS_READ "settings:read" Viewer "See settings";
    SETTINGS_WRITE "settings:write" Admin "Change settings";
    REVISIONS_READ "revisions:read" Viewer "See who changed what, with before and after";
    REVISIONS_UNDO "revisions:undo" Operator "Undo a change that the same person could have made";
    ADMINS_READ "admins:read" Admin "See administrators";
    ADMINS_WRITE "admins:write" Admin "Make, change and delete administrators";
    TOKENS_READ "tokens:read" Admin "See API tokens, never their value";
    TOKENS_WRITE "tokens:write" Admin "Make and revoke API tokens";
    PLUGINS_READ "plugins:read" Viewer "See plugins and how they do";
    PLUGINS_WRITE "plugins:write" Admin "Restart, replace, switch off and on, and release plugins";
    JOBS_READ "jobs:read" Viewer "See jobs and how far they are";
    JOBS_WRITE "jobs:write" Operator "Cancel jobs";
    SCHEDULES_READ "schedules:read" Viewer "See schedules";
    SCHEDULES_WRITE "schedules:write" Admin "Make, change and delete schedules of any job";
    CHECKS_READ "checks:read" Viewer "See checks, how they stand and their history";
    CHECKS_RUN "checks:run" Operator "Run checks now, and probe clocks and ports by hand";
    DOCTOR_READ "doctor:read" Viewer "See the doctor's findings and advice";
}
