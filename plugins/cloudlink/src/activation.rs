//! `cloudlink/activation`: how far activation is, which is nowhere while nothing is connected, and which
//! accounts would fail it as they are. The latter needs no cloud, so it is true at once.

use std::collections::BTreeMap;

use jackfield_sdk::form::shown;
use jackfield_sdk::{Call, FieldError, Outcome, Part, Problem, Reply, Value, json, params};
use serde::{Deserialize, Serialize};

use crate::failures::{REASONS, Told};
use crate::{CloudLink, condition};

/// Every account with a column for each reason of [`REASONS`]. An account that is not deployed is not sent, so
/// nothing else is wrong with it yet. Malformed is what no mail system takes: not one @, a domain that is no
/// DNS name of two labels, dots where none may be, white space (RFC 5321 section 4.1.2).
const JUDGED: &str = r#"WITH shared AS MATERIALIZED (
        SELECT lower(email) AS email FROM core_accounts WHERE deployed = 1 AND email <> ''
        GROUP BY lower(email) HAVING count(*) > 1),
    judged AS (
        SELECT id, enterprise, login_id, first_name, last_name, email,
            deployed = 0 AS not_deployed,
            deployed = 1 AND trim(login_id) = '' AS missing_login,
            deployed = 1 AND (trim(first_name) = '' OR trim(last_name) = '') AS missing_names,
            deployed = 1 AND trim(email) = '' AS missing_email,
            deployed = 1 AND trim(email) <> '' AND (email NOT GLOB '?*@?*.?*' OR email GLOB '*@*@*'
                OR email GLOB '*[ ,;:<>()"' || char(9, 10, 13) || ']*' OR email GLOB '*..*' OR email GLOB '.*'
                OR email GLOB '*.@*' OR email GLOB '*@[.-]*' OR email GLOB '*[.-]'
                OR email GLOB '*@*[^a-zA-Z0-9.-]*') AS malformed_email,
            deployed = 1 AND lower(email) IN (SELECT email FROM shared) AS duplicate_email
        FROM core_accounts)
    "#;

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
        let counts = self.counts()?;
        let sql = format!("{JUDGED} SELECT * FROM judged WHERE id > ?1 AND ({reason}) ORDER BY id");
        let page = self.host.db().page::<Row>(&sql, params![after], limit)?;
        let items: Vec<Item> = page.rows.into_iter().map(item).collect();
        let next = items.last().filter(|_| page.more).map(|item| item.row.account.as_str());
        let count = |name: &str| counts.get(name).copied().unwrap_or_default();
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
            "would_fail": count("accounts") - count("ready") - count("not_deployed"),
            "by_reason": by_reason,
            "items": items,
            "next": next,
        }))
    }

    fn counts(&self) -> Result<BTreeMap<String, i64>, Problem> {
        let sums: Vec<_> =
            REASONS.iter().map(|reason| format!("coalesce(sum({0}), 0) AS {0}", reason.name)).collect();
        let sql = format!(
            "{JUDGED} SELECT count(*) AS accounts, coalesce(sum(NOT ({})), 0) AS ready, {} FROM judged",
            any(),
            sums.join(", ")
        );
        let found = self.host.db().first(&sql, params![])?;
        found.ok_or_else(|| Problem::new(500, "counting the accounts gave nothing"))
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
