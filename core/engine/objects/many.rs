//! Making many accounts at once: a few statements over all of them cost a fraction of a few statements for each, most of
//! all in the index of words. They come as JSON objects whose fields were accepted already, each with its id; `common` has
//! what all of them share. Whoever is in somebody's way is not made here: that needs a second look.

use std::ops::Range;

use jackfield_db::{Error, Read, Value as Cell, params, params_from_iter};

use super::ACCOUNTS;
use super::accounts::fill;
use super::rows::{columns, to_cell};
use crate::catalog::problems::Problem;
use crate::catalog::shape::{Access, Field, Object};
use crate::engine::change::Change;
use crate::engine::clock;

/// The array element by element, in a form whose fields are found without reading the text again.
const EACH: &str = "each AS MATERIALIZED (SELECT key, value FROM jsonb_each(?1))";

/// What decides whether somebody is in the way.
const LOOKED_AT: [&str; 8] =
    ["enterprise", "login_id", "extension", "pbx_node", "profile", "peer", "synchronizer", "directory_key"];

/// By the rules that making one account has: its key and its login are free, it has a profile and a node that are there,
/// and, among the enterprise's own, its login is nobody's extension and its extension nobody's login. Of two in the array
/// that are in each other's way neither is made.
const IN_THE_WAY: &str = "SELECT place FROM one WHERE
        EXISTS (SELECT 1 FROM account a WHERE a.synchronizer = one.synchronizer AND a.directory_key = one.directory_key)
        OR EXISTS (SELECT 1 FROM account a WHERE a.enterprise = one.enterprise AND a.login_id = one.login_id
            AND coalesce(a.peer, '') = coalesce(one.peer, ''))
        OR NOT EXISTS (SELECT 1 FROM profile WHERE profile.id = one.profile)
        OR one.pbx_node IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pbx_node
            WHERE pbx_node.id = one.pbx_node AND pbx_node.enterprise = one.enterprise)
        OR one.peer IS NULL AND (
            EXISTS (SELECT 1 FROM account a WHERE a.enterprise = one.enterprise AND a.extension = one.login_id
                AND a.peer IS NULL AND a.removed_at IS NULL)
            OR EXISTS (SELECT 1 FROM account a WHERE a.enterprise = one.enterprise AND a.login_id = one.extension
                AND a.peer IS NULL AND a.removed_at IS NULL))
    UNION SELECT one.place FROM one JOIN one AS other
        ON other.login_id = one.login_id COLLATE NOCASE AND other.place <> one.place
    UNION SELECT iif(side.n, one.place, other.place) FROM one JOIN one AS other
        ON other.login_id = one.extension COLLATE NOCASE AND other.place <> one.place
        JOIN (SELECT 0 AS n UNION ALL SELECT 1) AS side WHERE one.peer IS NULL
    ORDER BY place";

/// A new account as it is to be given here: with an id, its references as they spell themselves, and what one has unless
/// told otherwise.
pub fn newcomer(read: &Read<'_>, mut account: Object) -> Result<Object, Problem> {
    ACCOUNTS.resolve_references(read, &mut account)?;
    account.insert("id".to_owned(), ACCOUNTS.new_id()?.into());
    fill(&mut account);
    Ok(account)
}

/// What has become of accounts that are to be made, by their places.
pub enum Turn {
    /// They are made.
    Made(Range<usize>),
    /// It is its turn, and it has to be made by itself.
    Alone(usize),
}

/// Makes accounts, each given as JSON, in their order: those together that are in nobody's way. What comes of it is what
/// would come of it if each were made by itself.
pub fn make_in_order(
    change: &Change<'_>,
    common: &Object,
    accounts: &[&str],
    mut turn: impl FnMut(Turn) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut from = 0;
    while from < accounts.len() {
        change.tx.gets_on();
        let rest = array(&accounts[from..]);
        let made = make_free(change, common, &rest)?;
        if let Some(count @ 1..) = made {
            turn(Turn::Made(from..from + count))?;
            from += count;
            continue;
        }
        let blocked = in_the_way(change.tx, common, &rest)?;
        // Where a rule is broken that only the table knows, each is tried by itself until the next who is in the way.
        let free = match made {
            Some(_) => 0,
            None => blocked.first().copied().unwrap_or(accounts.len() - from),
        };
        let next = blocked.iter().skip_while(|place| **place < free);
        let alone = free + next.zip(free..).take_while(|(place, next)| *place == next).count();
        (from..from + alone).try_for_each(|place| turn(Turn::Alone(place)))?;
        // The rest is looked at anew: who was just made may have got in their way, or out of it.
        from += alone;
    }
    Ok(())
}

fn array(accounts: &[&str]) -> String {
    format!("[{}]", accounts.join(","))
}

/// The elements with what decides whether somebody is in the way, in SQL.
fn looked_at(common: &Object, bound: &mut Vec<Cell>) -> String {
    let fields = columns(&ACCOUNTS).filter(|field| LOOKED_AT.contains(&field.name));
    let given: Vec<String> =
        fields.map(|field| format!("{} AS {}", given(field, common, bound), field.name)).collect();
    format!("one AS MATERIALIZED (SELECT key AS place, {} FROM each)", given.join(", "))
}

/// Places in the array of those that have to be made one by one, in order.
fn in_the_way(read: &Read<'_>, common: &Object, accounts: &str) -> Result<Vec<usize>, Problem> {
    let mut bound = vec![Cell::Text(accounts.to_owned())];
    let sql = format!("WITH {EACH}, {} {IN_THE_WAY}", looked_at(common, &mut bound));
    let places = read.all(&sql, params_from_iter(bound), |row| row.get::<_, i64>(0))?;
    Ok(places.into_iter().filter_map(|place| usize::try_from(place).ok()).collect())
}

/// Makes those before the first who is in somebody's way, as parts of the revision under way; how many. None: some rule
/// is broken, and nobody is made.
fn make_free(change: &Change<'_>, common: &Object, accounts: &str) -> Result<Option<usize>, Problem> {
    let (mut common, now) = (common.clone(), clock::now());
    common.insert("revision".to_owned(), change.next_revision()?.into());
    for field in ["created_at", "changed_at"] {
        common.insert(field.to_owned(), now.as_str().into());
    }
    let newest = "SELECT coalesce(max(seq), 0) FROM account";
    let newest: i64 = change.tx.one(newest, params![], |row| row.get(0))?.unwrap_or(0);
    let mut bound = vec![Cell::Text(accounts.to_owned())];
    let looked_at = looked_at(&common, &mut bound);
    let written: Vec<&Field> = columns(&ACCOUNTS).filter(|field| field.access != Access::Derived).collect();
    let names: Vec<&str> = written.iter().map(|field| field.name).collect();
    let values: Vec<String> = written.iter().map(|field| given(field, &common, &mut bound)).collect();
    let (names, values) = (names.join(", "), values.join(", "));
    let sql = format!(
        "WITH {EACH}, {looked_at}, blocked AS MATERIALIZED ({IN_THE_WAY} LIMIT 1)
         INSERT INTO account ({names}) SELECT {values} FROM each
         WHERE key < coalesce((SELECT place FROM blocked), key + 1)"
    );
    match change.tx.execute(&sql, params_from_iter(bound)) {
        Ok(0) => Ok(Some(0)),
        Ok(_) => change.record_made(ACCOUNTS.name, ACCOUNTS.table, newest).map(Some),
        Err(Error::Constraint { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A field of an element: what all share, or its own, or what stands in for it.
fn given(field: &Field, common: &Object, bound: &mut Vec<Cell>) -> String {
    let own = format!("value ->> '$.{}'", field.name);
    let (value, is_common) = match common.get(field.name) {
        Some(value) => (value.clone(), true),
        None => (field.absent.value().unwrap_or_default(), false),
    };
    if !is_common && value.is_null() {
        return own;
    }
    bound.push(to_cell(&value));
    let mark = format!("?{}", bound.len());
    if is_common { mark } else { format!("coalesce({own}, {mark})") }
}
