//! The one integration binary: every test starts its own appliance in an empty directory on a free port and
//! meets it as its users do. Leaves out what one function alone decides: that is tested beside the function.

/// Starts, stops and speaks to appliances.
#[cfg(test)]
mod harness;

/// Who gets in and what they may do: claim, sessions, tokens, roles, secrets.
#[cfg(test)]
mod access;

/// What all of the HTTP API has in common: problems, versions, dry runs, keys, limits, its description.
#[cfg(test)]
mod api;

/// The code keeps to the picture of its parts.
#[cfg(test)]
mod architecture;

/// Checks and their probes: clocks of real time servers, ports and web pages of every sort.
#[cfg(test)]
mod checks;

/// Every verb of the command line, with and without a running appliance.
#[cfg(test)]
mod cli;

/// Which digits are dialed, from the saved configuration to the preview.
#[cfg(test)]
mod dialing;

/// The console in a real browser.
#[cfg(test)]
mod first_page;

/// Federation with real servers of others, and with what no server would say.
#[cfg(test)]
mod federation;

/// The TLS door under load, at its caps and while it is changed.
#[cfg(test)]
mod door;

/// What was acknowledged stays: after a kill, on a full disk, under an older program.
#[cfg(test)]
mod durability;

/// Lists of accounts in and out: what is wrong with a line, what a kill leaves, Import Users.
#[cfg(test)]
mod import;

/// The site's scripts: kept, tried, published, asked while somebody dials, and what happens when one is bad.
#[cfg(test)]
mod hooks;

/// Enterprises, nodes, accounts, peers: their rules, lists and changes.
#[cfg(test)]
mod objects;

/// Plugins as an admin sees them: what they serve, how they fail, who may run, how they are exchanged.
#[cfg(test)]
mod plugins;

/// Who changed what, and the way back.
#[cfg(test)]
mod revisions;

/// Events as they happen: going on where one stopped, rights, bounds, ends.
#[cfg(test)]
mod events;

/// Passwords of accounts: set and removed, sealed, and asked for by plugins when users sign in.
#[cfg(test)]
mod login;

/// Chat messages as plugins bring and fetch them.
#[cfg(test)]
mod messages;

/// What people are doing: sources, merge, privacy, Teams, restarts.
#[cfg(test)]
mod presence;
/// Jobs that are due again and again, in the site's time zone.
#[cfg(test)]
mod schedule;

/// What keeps the appliance from starting, and how it stops.
#[cfg(test)]
mod startup;

/// Accounts and contacts that a plugin's synchronization brings.
#[cfg(test)]
mod synchronization;

/// What systemd is told.
#[cfg(test)]
mod systemd;
