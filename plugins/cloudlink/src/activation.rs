//! `cloudlink/activation`: how far activation is, which is nowhere while nothing is connected, and which
//! accounts would fail it as they are. The latter needs no cloud, so it is true at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jackfield_sdk::form::shown;
use jackfield_sdk::{
    Call, Code, Failure, FieldError, Host, Outcome, Part, Problem, Reply, Value, json, params,
};
use serde::{Deserialize, Serialize};

use crate::counts::{Counted, Numbers};
use crate::failures::{REASONS, Told};
use crate::{CloudLink, condition};

/// Accounts that one statement looks at: few enough that it is never stopped for taking long.
const SLICE: usize = 5000;
/// Longest that a request looks for accounts that would fail.
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// The last account of a slice that begins after one; none: the rest is no whole slice.
const BOUND: &str = "SELECT id FROM core_accounts WHERE id > ?1 AND peer IS NULL AND removed_at IS NULL ORDER BY id LIMIT 1 OFFSET ?2";
/// Every own account of a slice that its directory still has, with a column for each reason of [`REASONS`]. An account that is not deployed is not
/// sent, so nothing else is wrong with it yet. Malformed is what no mail system takes: not one @, a domain that
/// is no DNS name of two labels, dots where none may be, white space (RFC 5321 section 4.1.2).
const JUDGED: &str = r#"WITH judged AS MATERIALIZED (
        SELECT id, enterprise, login_id, first_name, last_name, email,
            deployed = 0 AS not_deployed,
            deployed = 1 AND trim(login_id) = '' AS missing_login,
            deployed = 1 AND (trim(first_name) = '' OR trim(last_name) = '') AS missing_names,
            deployed = 1 AND trim(email) = '' AS missing_email,
            deployed = 1 AND trim(email) <> '' AND (email NOT GLOB '?*@?*.?*' OR email GLOB '*@*@*'
                OR email GLOB '*[ ,;:<>()"' || char(9, 10, 13) || ']*' OR email GLOB '*..*' OR email GLOB '.*'
                OR email GLOB '*.@*' OR email GLOB '*@[.-]*' OR email GLOB '*[.-]'
                OR email GLOB '*@*[^a-zA-Z0-9.-]*') AS malformed_email,
            deployed = 1 AND email <> '' AND EXISTS (SELECT 1 FROM core_accounts AS other
                WHERE other.email = account.email AND other.id <> account.id AND other.deployed = 1)
                AS duplicate_email
        FROM core_accounts AS account
        WHERE id > ?1 AND (?2 = '' OR id <= ?2) AND peer IS NULL AND removed_at IS NULL)
    "#;

#[derive(Deserialize)]
struct Bound {
    id: String,
}

#[derive(Deserialize, Serialize)]
struct Row {
    #[serde(rename(deserialize = "id"))]
    account: String,
    enterprise: String,
    login_id: String,
    first_name: String,
    last_name: String,
    email: String,
    #[serde(flatten, skip_serializing)]
    judged: BTreeMap<String, i64>,
}

#[derive(Serialize)]
struct Item {
    #[serde(flatten)]
    row: Row,
    findings: Vec<Told>,
}

/// What was found of a list, and after which account to go on.
struct Found {
    rows: Vec<Row>,
    next: Option<String>,
}

impl CloudLink {
    pub(crate) fn read_activation(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let reason = reason(call)?;
        let condition = condition::of(&self.setup()?);
        // Counting looks at every account, so it is done for the first page only.
        let counted = if after.is_empty() { self.counted()? } else { None };
        let Found { rows, next } = self.failing(&reason, after, limit)?;
        let items: Vec<Item> = rows.into_iter().map(item).collect();
        let numbers = counted.as_ref().map(|counted| &counted.numbers);
        let count = |name: &str| numbers.map(|all| all.get(name).copied().unwrap_or_default());
        let by_reason: BTreeMap<_, _> =
            REASONS.iter().map(|reason| (reason.name, count(reason.name))).collect();
        Reply::ok(&json!({
            "state": condition.word,
            "reason": format!("no account is activated: {}", condition.reason),
            "progress": null,
            "successful": 0,
            "failed": 0,
            "accounts": count("accounts"),
            "ready": count("ready"),
            "would_fail": count("would_fail"),
            "by_reason": by_reason,
            "counts_are_current": counted.is_some_and(|counted| counted.is_current),
            "items": items,
            "next": next,
        }))
    }

    /// So many accounts after one to which the reason applies. Where they are rare, what was found in the time
    /// that a request may take comes first, and the rest by the cursor.
    fn failing(&self, reason: &str, after: &str, limit: usize) -> Result<Found, Problem> {
        let sql = format!("{JUDGED} SELECT * FROM judged WHERE {reason} ORDER BY id");
        let (mut rows, mut slice, began) = (Vec::new(), Some(after.to_owned()), Instant::now());
        while let Some(after) = slice {
            if began.elapsed() > LONGEST_LOOK {
                return Ok(Found { rows, next: Some(after) });
            }
            let end = end_of_slice(&self.host, &after)?;
            let left = limit - rows.len();
            // One more than is left says whether there are more.
            let page =
                self.host.db().page::<Row>(&sql, params![after, end.as_deref().unwrap_or("")], left + 1)?;
            rows.extend(page.rows);
            if rows.len() > limit {
                rows.truncate(limit);
                let next = rows.last().map(|row| row.account.clone());
                return Ok(Found { rows, next });
            }
            slice = end;
        }
        Ok(Found { rows, next: None })
    }

    fn counted(&self) -> Result<Option<Counted>, Problem> {
        let host = self.host.clone();
        Ok(self.counter.read(move |goes_on| counts(&host, goes_on))?)
    }
}

fn counts(host: &Host, goes_on: &dyn Fn() -> bool) -> Result<Numbers, Failure> {
    let sums: Vec<_> =
        REASONS.iter().map(|reason| format!("coalesce(sum({0}), 0) AS {0}", reason.name)).collect();
    let sql = format!(
        "{JUDGED} SELECT count(*) AS accounts, coalesce(sum(NOT ({})), 0) AS ready, {} FROM judged",
        any(),
        sums.join(", ")
    );
    let (mut all, mut slice) = (Numbers::new(), Some(String::new()));
    while let Some(after) = slice {
        if !goes_on() {
            return Err(Failure::new(Code::Unavailable, "the plugin is stopping"));
        }
        let end = end_of_slice(host, &after)?;
        let bound = params![after, end.as_deref().unwrap_or("")];
        let part: Option<Numbers> = host.db().first(&sql, bound)?;
        part.into_iter().flatten().for_each(|(name, count)| *all.entry(name).or_default() += count);
        slice = end;
    }
    let count = |name: &str| all.get(name).copied().unwrap_or_default();
    let would_fail = count("accounts") - count("ready") - count("not_deployed");
    all.insert("would_fail".to_owned(), would_fail);
    Ok(all)
}

fn end_of_slice(host: &Host, after: &str) -> Result<Option<String>, Failure> {
    let found: Option<Bound> = host.db().first(BOUND, params![after, SLICE - 1])?;
    Ok(found.map(|bound| bound.id))
}

fn any() -> String {
    REASONS.iter().map(|reason| reason.name).collect::<Vec<_>>().join(" OR ")
}

/// The condition that picks accounts: one reason, or any.
fn reason(call: &Call<'_>) -> Result<String, Problem> {
    let Some(asked) = call.query("reason") else { return Ok(any()) };
    if let Some(known) = REASONS.iter().find(|reason| reason.name == asked) {
        return Ok(known.name.to_owned());
    }
    let names: Vec<_> = REASONS.iter().map(|reason| format!("{:?}", reason.name)).collect();
    let detail = format!("reason must be one of {}; {}", names.join(", "), shown(&Value::from(asked)));
    Err(Problem::invalid(vec![FieldError { pointer: "?reason".to_owned(), detail }]))
}

fn item(row: Row) -> Item {
    let is_so = |name: &str| row.judged.get(name).is_some_and(|flag| *flag != 0);
    let told = REASONS.iter().filter(|reason| is_so(reason.name));
    let findings = told.map(|reason| reason.of(&row.email)).collect();
    Item { row, findings }
}
