//! `cloudlink/activation`: how far activation is, which is nowhere while nothing is connected, and which
//! accounts would fail it as they are. The latter needs no cloud, so it is true at once.

use std::collections::BTreeMap;

use jackfield_sdk::form::shown;
use jackfield_sdk::{Call, FieldError, Outcome, Part, Problem, Reply, Value, json, params};
use serde::{Deserialize, Serialize};

use crate::failures::{REASONS, Told};
use crate::{CloudLink, condition};

/// Accounts that one statement looks at: few enough that it is never stopped for taking long.
const SLICE: usize = 5000;
/// The last account of a slice that begins after one; none: the rest is no whole slice.
const BOUND: &str = "SELECT id FROM core_accounts WHERE id > ?1 ORDER BY id LIMIT 1 OFFSET ?2";
/// Every account of a slice with a column for each reason of [`REASONS`]. An account that is not deployed is not
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
        FROM core_accounts AS account WHERE id > ?1 AND (?2 = '' OR id <= ?2))
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

impl CloudLink {
    pub(crate) fn read_activation(&self, call: &Call<'_>) -> Outcome {
        let Part { limit, after } = call.part()?;
        let reason = reason(call)?;
        let condition = condition::of(&self.setup()?);
        // Counting looks at every account, so it is done for the first page only.
        let counts = if after.is_empty() { Some(self.counts()?) } else { None };
        let (rows, more) = self.failing(&reason, after, limit)?;
        let items: Vec<Item> = rows.into_iter().map(item).collect();
        let next = items.last().filter(|_| more).map(|item| item.row.account.as_str());
        let count = |name: &str| counts.as_ref().map(|counts| counts.get(name).copied().unwrap_or_default());
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
            "items": items,
            "next": next,
        }))
    }

    /// So many accounts after one to which the reason applies, and whether there are more.
    fn failing(&self, reason: &str, after: &str, limit: usize) -> Result<(Vec<Row>, bool), Problem> {
        let sql = format!("{JUDGED} SELECT * FROM judged WHERE {reason} ORDER BY id");
        let (mut found, mut slice) = (Vec::new(), Some(after.to_owned()));
        while let Some(after) = slice {
            let end = self.end_of_slice(&after)?;
            let left = limit - found.len();
            // One more than is left says whether there are more.
            let page =
                self.host.db().page::<Row>(&sql, params![after, end.as_deref().unwrap_or("")], left + 1)?;
            found.extend(page.rows);
            if found.len() > limit {
                found.truncate(limit);
                return Ok((found, true));
            }
            slice = end;
        }
        Ok((found, false))
    }

    fn counts(&self) -> Result<BTreeMap<String, i64>, Problem> {
        let sums: Vec<_> =
            REASONS.iter().map(|reason| format!("coalesce(sum({0}), 0) AS {0}", reason.name)).collect();
        let sql = format!(
            "{JUDGED} SELECT count(*) AS accounts, coalesce(sum(NOT ({})), 0) AS ready, {} FROM judged",
            any(),
            sums.join(", ")
        );
        let (mut all, mut slice) = (BTreeMap::new(), Some(String::new()));
        while let Some(after) = slice {
            let end = self.end_of_slice(&after)?;
            let bound = params![after, end.as_deref().unwrap_or("")];
            let part: Option<BTreeMap<String, i64>> = self.host.db().first(&sql, bound)?;
            part.into_iter().flatten().for_each(|(name, count)| *all.entry(name).or_default() += count);
            slice = end;
        }
        let count = |name: &str| all.get(name).copied().unwrap_or_default();
        let would_fail = count("accounts") - count("ready") - count("not_deployed");
        all.insert("would_fail".to_owned(), would_fail);
        Ok(all)
    }

    fn end_of_slice(&self, after: &str) -> Result<Option<String>, Problem> {
        let found: Option<Bound> = self.host.db().first(BOUND, params![after, SLICE - 1])?;
        Ok(found.map(|bound| bound.id))
    }
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
