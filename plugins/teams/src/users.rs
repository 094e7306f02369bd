//! `teams/users`: for which accounts Teams status is on, which core keeps with the account and its profile, and
//! who each is in Teams, which is kept here. The directory of the tenant is not read yet, so every state
//! is "not read yet" and shows what will be looked for, in order.

use jackfield_sdk::form::{self, EMAIL, Form};
use jackfield_sdk::{
    Call, Document, FieldError, Outcome, Part, Place, Problem, Reply, Tx, Undo, flag, json, params,
};
use serde::{Deserialize, Serialize};

use crate::Teams;

/// Kind of the revisions.
pub const KIND: &str = "teams/users";
/// Accounts with what core says of their Teams status: the account's own box, and its profile's.
const ACCOUNTS: &str =
    "SELECT a.id, a.enterprise, a.login_id, a.first_name, a.last_name, a.email, a.teams_status,
        coalesce(p.teams_status, 0) AS profile_teams_status, coalesce(u.value ->> 'upn', '') AS upn,
        coalesce(u.value ->> 'object_id', '') AS object_id, coalesce(u.revision, 0) AS revision, u.changed_at
    FROM core_accounts AS a LEFT JOIN core_profiles AS p ON p.id = a.profile
        LEFT JOIN teams_user AS u ON u.name = a.id";
/// Each half in the words of its index, so that it is one look-up however many rows there are.
const OTHER: &str = "SELECT name, 1 AS by_upn FROM teams_user
    WHERE value ->> 'upn' <> '' AND lower(value ->> 'upn') = lower(?2) AND name <> ?1
    UNION ALL SELECT name, 0 FROM teams_user
    WHERE value ->> 'object_id' <> '' AND value ->> 'object_id' = ?3 AND name <> ?1";

/// Who an account is in Teams, where an administrator says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Identity {
    /// User principal name in the tenant; empty: the account's own.
    upn: String,
    /// Object id in the tenant, a GUID; empty: it is looked for.
    object_id: String,
}

/// An account as core has it.
#[derive(Debug, Deserialize, Serialize)]
struct Account {
    #[serde(rename(deserialize = "id"))]
    account: String,
    enterprise: String,
    login_id: String,
    first_name: String,
    last_name: String,
    email: String,
    /// "Microsoft Teams status" of the account itself (seed 003).
    #[serde(deserialize_with = "flag")]
    teams_status: bool,
    /// The same of its profile.
    #[serde(deserialize_with = "flag")]
    profile_teams_status: bool,
}

#[derive(Deserialize)]
struct Row {
    #[serde(flatten)]
    account: Account,
    #[serde(flatten)]
    identity: Identity,
    revision: i64,
    changed_at: Option<String>,
}

/// What will be looked for in the tenant.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Try {
    by: &'static str,
    value: String,
}

/// What is shown besides the identity.
#[derive(Serialize)]
struct More<'a> {
    #[serde(flatten)]
    account: &'a Account,
    /// Whether Teams status is on, by the account's own box or by its profile; both are core's.
    enabled: bool,
    /// In order; two hits of one are an error, never a guess.
    match_order: Vec<Try>,
    state: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
struct Item<'a> {
    #[serde(flatten)]
    identity: Identity,
    #[serde(flatten)]
    more: More<'a>,
    revision: i64,
    changed_at: Option<&'a str>,
}

#[derive(Deserialize)]
struct Other {
    name: String,
    by_upn: i64,
}

impl Teams {
    pub(crate) fn list_users(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let sql =
            format!("{ACCOUNTS} WHERE a.id > ?1 AND a.peer IS NULL AND a.removed_at IS NULL ORDER BY a.id");
        let page = self.host.db().page::<Row>(&sql, params![after], limit)?;
        let items: Vec<Item<'_>> = page.rows.iter().map(item).collect();
        let next = page.rows.last().filter(|_| page.more).map(|row| row.account.account.as_str());
        Reply::list(&items, next)
    }

    pub(crate) fn read_user(&self, call: &Call<'_>) -> Outcome {
        let account = self.addressed(call)?;
        shown(&place(&account).read(&self.host)?, &account)
    }

    pub(crate) fn put_user(&self, call: &Call<'_>) -> Outcome {
        let account = self.addressed(call)?;
        let wanted = call.form(|form| read(form, &account))?;
        let _writing = self.writing();
        let old: Document<Identity> = place(&account).read(&self.host)?;
        call.must_match(&old.revision.to_string())?;
        self.refuse_taken(&account, &wanted)?;
        let new = place(&account).change(&self.host, call, &old, wanted, &[])?;
        shown(&new, &account)
    }

    pub(crate) fn put_user_back(&self, undo: &Undo, tx: &mut Tx) -> Result<(), Problem> {
        let account = self.account(&undo.object)?;
        let now: Document<Identity> = place(&account).read(&self.host)?;
        let body = if undo.before.is_null() { json!(Identity::default()) } else { undo.before.clone() };
        let back = form::read(&body, |form| read(form, &account))?;
        self.refuse_taken(&account, &back)?;
        place(&account).put_back(undo, tx, &now, back)
    }

    fn addressed(&self, call: &Call<'_>) -> Result<Account, Problem> {
        self.account(&call.param::<String>("account")?)
    }

    fn account(&self, id: &str) -> Result<Account, Problem> {
        let sql = format!("{ACCOUNTS} WHERE a.id = ?1 AND a.peer IS NULL");
        let found = self.host.db().first(&sql, params![id])?;
        found.ok_or_else(|| Problem::not_found(format!("{id:?} is no account's id; list the accounts first")))
    }

    /// Nobody in Teams is two accounts.
    fn refuse_taken(&self, account: &Account, wanted: &Identity) -> Result<(), Problem> {
        let bound = params![account.account, wanted.upn, wanted.object_id];
        let other: Option<Other> = self.host.db().first(OTHER, bound)?;
        let Some(other) = other else { return Ok(()) };
        let (field, value) =
            if other.by_upn == 1 { ("upn", &wanted.upn) } else { ("object_id", &wanted.object_id) };
        let detail = format!(
            "{field} must be one account's only; {value:?} is not: it is account {:?} already",
            other.name
        );
        Err(Problem::invalid(vec![FieldError { pointer: format!("/{field}"), detail }]))
    }
}

fn place(account: &Account) -> Place<'_> {
    Place { table: "teams_user", name: &account.account, kind: KIND }
}

fn read(form: &mut Form<'_>, account: &Account) -> Option<Identity> {
    form.ignore(&[
        "account",
        "enterprise",
        "login_id",
        "first_name",
        "last_name",
        "email",
        "teams_status",
        "profile_teams_status",
        "match_order",
        "state",
        "reason",
        "revision",
        "changed_at",
    ]);
    let enabled = form.field("enabled").flag().or(account.is_enabled());
    let upn = form.field("upn").matching(&EMAIL).or(String::new());
    let object_id = form.field("object_id").guid().or(String::new());
    let (enabled, identity) = (enabled?, Identity { upn: upn?, object_id: object_id? });
    form.check(
        enabled == account.is_enabled(),
        "enabled",
        format!(
            "enabled must be switched where it is kept: at the account (its field teams_status) or at its profile; \
             {enabled} is not what they say"
        ),
    );
    Some(identity)
}

fn shown(document: &Document<Identity>, account: &Account) -> Outcome {
    document.reply(&more(&document.value, account))
}

fn item(row: &Row) -> Item<'_> {
    let Row { account, identity, revision, changed_at } = row;
    let more = more(identity, account);
    Item { identity: identity.clone(), more, revision: *revision, changed_at: changed_at.as_deref() }
}

fn more<'a>(identity: &Identity, account: &'a Account) -> More<'a> {
    let enabled = account.is_enabled();
    let (state, reason) = match enabled {
        true => ("not_read_yet", "this version does not read the tenant's users"),
        false => ("off", "Teams status is off for this account, by itself and by its profile"),
    };
    More { account, enabled, match_order: match_order(identity, account), state, reason }
}

impl Account {
    fn is_enabled(&self) -> bool {
        self.teams_status || self.profile_teams_status
    }
}

/// An object id decides alone. Else the user principal name, then the mail address, then a proxy address.
fn match_order(identity: &Identity, account: &Account) -> Vec<Try> {
    let one = |by, value: &str| Try { by, value: value.to_owned() };
    if !identity.object_id.is_empty() {
        return vec![one("object_id", &identity.object_id)];
    }
    let own = if account.login_id.contains('@') { &account.login_id } else { &account.email };
    let upn = if identity.upn.is_empty() { own } else { &identity.upn };
    let tries = [
        one("upn", upn),
        one("mail", &account.email),
        one("proxy_address", &format!("smtp:{}", account.email)),
    ];
    let has_mail = !account.email.is_empty();
    tries.into_iter().filter(|t| if t.by == "upn" { !t.value.is_empty() } else { has_mail }).collect()
}
