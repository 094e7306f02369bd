//! What some kinds of objects refuse beyond the rules of their fields, and what goes or follows with them. Everything
//! here runs inside the change's transaction.

use jackfield_db::{Read, params_from_iter};

use super::accounts::refuse_losing_node;
use super::{
    ACCOUNTS, ALL, Object, PEERS, PROFILES, Resource, TRUSTED_SERVERS, find, profiles, text, trusted_servers,
};
use crate::catalog::counted;
use crate::catalog::events::DIRECTORY_CHANGED;
use crate::catalog::problems::Problem;
use crate::engine::change::Change;
use crate::engine::{deployment, photos};

/// What goes with an object that is deleted: the kind of the object, the kind of what goes, and its field that refers
/// to the object. Deleting a peer deletes what was imported from it (seed 002).
const CASCADES: &[(&str, &str, &str)] =
    &[("peers", "trusted-servers", "peer"), ("peers", "accounts", "peer")];

/// Objects that go with another in one read, so that memory stays bounded.
const AT_ONCE: usize = 500;

/// Whether references of that kind and field go with their object instead of keeping it.
pub fn cascades(target: &Resource, other: &Resource, field: &str) -> bool {
    CASCADES.contains(&(target.name, other.name, field))
}

/// What may stand in the way of making or changing an object.
pub fn before_write(
    change: &Change<'_>,
    resource: &Resource,
    before: Option<&Object>,
    after: &Object,
) -> Result<(), Problem> {
    if resource.name == ACCOUNTS.name && change.is_undo() {
        photos::refuse_forgotten(change.tx, after)?;
    }
    match (resource.name, before) {
        (name, _) if name == PEERS.name => deployment::refuse_peering(change.tx),
        // Putting back what gave it the node takes the node away.
        (name, Some(before)) if name == ACCOUNTS.name && !change.is_undo() => {
            refuse_losing_node(before, after)
        }
        (name, Some(before)) if name == TRUSTED_SERVERS.name => trusted_servers::refuse_change(before, after),
        _ => Ok(()),
    }
}

/// What may stand in the way of deleting an object.
pub fn before_removal(change: &Change<'_>, resource: &Resource, object: &Object) -> Result<(), Problem> {
    match resource.name {
        name if name == PROFILES.name => profiles::refuse_removal(change, object),
        name if name == TRUSTED_SERVERS.name => trusted_servers::refuse_removal(change, object),
        _ => Ok(()),
    }
}

/// What follows once an object was made or changed.
pub fn after_write(change: &Change<'_>, resource: &Resource, object: &Object) -> Result<(), Problem> {
    match resource.name == PEERS.name && !change.is_undo() {
        true => trusted_servers::follow_peer(change, object),
        false => Ok(()),
    }
}

/// Deletes what goes with an object.
pub fn remove_dependants(change: &Change<'_>, resource: &Resource, id: &str) -> Result<(), Problem> {
    let mut has_contacts = false;
    for (_, kind, field) in CASCADES.iter().filter(|(target, _, _)| *target == resource.name) {
        let Some(other) = find(kind) else { continue };
        loop {
            let found = referring(change.tx, other, field, id)?;
            change.tx.gets_on();
            found.iter().try_for_each(|dependant| other.erase(change, dependant))?;
            has_contacts |= other.name == ACCOUNTS.name && !found.is_empty();
            if found.len() < AT_ONCE {
                break;
            }
        }
    }
    if has_contacts {
        change.tell(DIRECTORY_CHANGED.name, id);
    }
    Ok(())
}

fn referring(read: &Read<'_>, other: &Resource, field: &str, id: &str) -> Result<Vec<Object>, Problem> {
    let sql = format!("SELECT id FROM {} WHERE {field} = ?1 LIMIT {AT_ONCE}", other.table);
    let ids = read.all(&sql, params_from_iter([id]), |row| row.get::<_, String>(0))?;
    ids.iter().map(|id| other.get(read, id)).collect()
}

/// How many objects of each kind keep one from being deleted, in words.
pub fn users_of(read: &Read<'_>, resource: &Resource, id: &str) -> Result<Vec<String>, Problem> {
    let mut users = Vec::new();
    for other in ALL {
        let referring = other.references().filter(|(_, target)| *target == resource.name);
        for (field, _) in referring.filter(|(field, _)| !cascades(resource, other, field)) {
            let count = super::rows::count(read, other, field, id)?;
            if count > 0 {
                users.push(counted(count.unsigned_abs(), other.one));
            }
        }
    }
    Ok(users)
}

/// Whether two states of an object say the same, whenever they were written.
pub fn is_same(one: &Object, other: &Object) -> bool {
    let counts = |name: &str| !matches!(name, "revision" | "changed_at");
    one.iter().filter(|(name, _)| counts(name)).all(|(name, value)| other.get(name) == Some(value))
        && one.len() == other.len()
        && text(one, "id") == text(other, "id")
}
