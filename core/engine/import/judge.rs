//! What one line means: a new account, a change of one that is there, or nothing; and every rule it breaks.

use std::collections::HashMap;

use jackfield_db::{Read, params};
use serde_json::Value;

use super::lines::Line;
use super::report::{LineError, Outcome};
use crate::catalog::problems::Problem;
use crate::catalog::shape::Object;
use crate::engine::change::Change;
use crate::engine::objects::{
    ACCOUNTS, Hidden, Turn, is_same, make_in_order, newcomer, refuse_losing_node, text,
};

/// What is to be done for a line.
enum Plan {
    Create(Object),
    Replace(Object, Object),
    Nothing,
}

/// Judges lines, remembering which accounts the list has named so far.
#[derive(Default)]
pub struct Judge {
    seen: HashMap<(String, String), u64>,
}

impl Judge {
    /// Notes which account a line is about; refuses a second line about the same one.
    pub fn note(&mut self, line: &Line) -> Result<(), LineError> {
        let Ok(fields) = &line.fields else { return Ok(()) };
        let key = (text(fields, "enterprise").to_lowercase(), text(fields, "login_id").to_lowercase());
        let value = LineError::shortened(text(fields, "login_id"));
        match self.seen.insert(key.clone(), line.number) {
            Some(first) => {
                self.seen.insert(key, first);
                let rule = format!("is in line {first} already; one line is one account");
                Err(LineError { line: line.number, column: "login_id".to_owned(), rule, value })
            }
            None => Ok(()),
        }
    }
}

/// What a line would do, without doing it.
pub fn examine(read: &Read<'_>, line: &Line) -> Result<Outcome, Problem> {
    let fields = match &line.fields {
        Ok(fields) => fields,
        Err(errors) => return Ok(Outcome::Wrong(errors.clone())),
    };
    let examined = plan(read, fields).and_then(|plan| match plan {
        Plan::Nothing => Ok(Outcome::Unchanged),
        Plan::Create(mut object) => ACCOUNTS.examine(read, &mut object).map(|()| Outcome::Created),
        Plan::Replace(_, mut object) => ACCOUNTS.examine(read, &mut object).map(|()| Outcome::Changed),
    });
    or_wrong(examined, line, fields)
}

/// Does what lines say, in their order.
pub fn apply_all(change: &Change<'_>, lines: &[Line]) -> Result<Vec<Outcome>, Problem> {
    let mut outcomes = Vec::with_capacity(lines.len());
    while let Some(first) = lines.get(outcomes.len()) {
        change.tx.gets_on();
        let rest = &lines[outcomes.len()..];
        let new = newcomers(change.tx, rest)?;
        if new.is_empty() {
            outcomes.push(apply(change, first)?);
            continue;
        }
        let new: Vec<&str> = new.iter().map(String::as_str).collect();
        make_in_order(change, &Object::new(), &new, |turn| {
            match turn {
                Turn::Made(places) => outcomes.extend(places.map(|_| Outcome::Created)),
                Turn::Alone(place) => outcomes.push(apply(change, &rest[place])?),
            }
            Ok(())
        })?;
    }
    Ok(outcomes)
}

/// The accounts, as JSON, of the first lines as far as each makes one and breaks no rule of its own.
fn newcomers(read: &Read<'_>, lines: &[Line]) -> Result<Vec<String>, Problem> {
    let mut all = Vec::new();
    for line in lines {
        let Ok(fields) = &line.fields else { break };
        match new_account(read, fields) {
            Ok(Some(account)) => all.push(Value::Object(account).to_string()),
            Err(problem) if problem.kind.status >= 500 => return Err(problem),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(all)
}

fn new_account(read: &Read<'_>, given: &Object) -> Result<Option<Object>, Problem> {
    let mut fields = given.clone();
    resolve_names(read, &mut fields)?;
    if existing(read, &fields)?.is_some() {
        return Ok(None);
    }
    let accepted = ACCOUNTS.shape.accept(&Value::Object(fields), None).map_err(Problem::invalid)?;
    newcomer(read, accepted).map(Some)
}

/// Does what a line says.
fn apply(change: &Change<'_>, line: &Line) -> Result<Outcome, Problem> {
    let fields = match &line.fields {
        Ok(fields) => fields,
        Err(errors) => return Ok(Outcome::Wrong(errors.clone())),
    };
    let nothing = Hidden::default();
    let applied = plan(change.tx, fields).and_then(|plan| match plan {
        Plan::Nothing => Ok(Outcome::Unchanged),
        Plan::Create(object) => ACCOUNTS.create(change, object, &nothing).map(|_| Outcome::Created),
        Plan::Replace(before, object) => {
            ACCOUNTS.replace(change, &before, object, &nothing).map(|_| Outcome::Changed)
        }
    });
    or_wrong(applied, line, fields)
}

/// A rule that is broken is the line's fault; anything else ends the import. A refused line has written nothing: its
/// rules are checked before its row is.
fn or_wrong(outcome: Result<Outcome, Problem>, line: &Line, fields: &Object) -> Result<Outcome, Problem> {
    match outcome {
        Err(problem) if problem.kind.status < 500 => {
            Ok(Outcome::Wrong(LineError::of(&problem, line.number, fields)))
        }
        other => other,
    }
}

fn plan(read: &Read<'_>, given: &Object) -> Result<Plan, Problem> {
    let mut fields = given.clone();
    resolve_names(read, &mut fields)?;
    let Some(before) = existing(read, &fields)? else {
        let accepted = ACCOUNTS.shape.accept(&Value::Object(fields), None).map_err(Problem::invalid)?;
        return Ok(Plan::Create(accepted));
    };
    if !text(&before, "peer").is_empty() {
        return Err(Problem::field("login_id", "is a peer's user; the peer's synchronization changes it"));
    }
    let mut whole = before.clone();
    // However the list spells the enterprise, it is the account's.
    fields.remove("enterprise");
    whole.extend(fields);
    let mut accepted =
        ACCOUNTS.shape.accept(&Value::Object(whole), Some(&before)).map_err(Problem::invalid)?;
    refuse_losing_node(&before, &accepted)?;
    // So that what is left out is what it will be.
    ACCOUNTS.examine(read, &mut accepted)?;
    Ok(if is_same(&before, &accepted) { Plan::Nothing } else { Plan::Replace(before, accepted) })
}

fn existing(read: &Read<'_>, fields: &Object) -> Result<Option<Object>, Problem> {
    let sql = "SELECT id FROM account WHERE enterprise = ?1 AND login_id = ?2 AND peer IS NULL";
    let bound = params![text(fields, "enterprise"), text(fields, "login_id")];
    let id = read.one(sql, bound, |row| row.get::<_, String>(0))?;
    id.map(|id| ACCOUNTS.get(read, &id)).transpose()
}

/// Nodes and profiles may be named as people call them; `fields` holds the enterprise.
pub fn resolve_names(read: &Read<'_>, fields: &mut Object) -> Result<(), Problem> {
    let enterprise = text(fields, "enterprise").to_owned();
    for (field, sql) in [
        ("pbx_node", "SELECT id FROM pbx_node WHERE id = ?1 OR (enterprise = ?2 AND name = ?1)"),
        ("profile", "SELECT id FROM profile WHERE ?2 = ?2 AND (id = ?1 OR name = ?1)"),
    ] {
        let named = text(fields, field);
        if named.is_empty() {
            continue;
        }
        let id = read.one(sql, params![named, enterprise], |row| row.get::<_, String>(0))?;
        let id =
            id.ok_or_else(|| Problem::field(field, "must be the name or the id of one that is there"))?;
        fields.insert(field.to_owned(), id.into());
    }
    Ok(())
}
