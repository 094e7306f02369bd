//! `teams/preconditions`: what must be so before presence is synchronised (seed 003, Pre-conditions and
//! Dependencies), each `ok`, `not_ok` or `unknown`, and what to do. What this plugin cannot see is unknown.

use jackfield_sdk::jiff::civil::Date;
use jackfield_sdk::{Call, Failure, Outcome, Reply, json, params};
use serde::{Deserialize, Serialize};

use crate::Teams;
use crate::setup::{Contract, Setup};

/// CSTA ports of a MiVoice 5000 (seed 003); more are added with load.
const CSTA_PORTS: &str = "3211 (default), 3212, 3213";

#[derive(Debug, Serialize)]
struct Precondition {
    name: &'static str,
    state: &'static str,
    detail: String,
    what_to_do: String,
}

#[derive(Deserialize)]
struct Node {
    name: String,
}

impl Teams {
    pub(crate) fn list_preconditions(&self, _call: &Call<'_>) -> Outcome {
        let (document, today) = self.setup()?;
        let setup = &document.value;
        let mut items = vec![contract(&setup.contract, today)];
        items.extend(administrators(setup));
        items.extend([ntp(), self.csta()?]);
        Reply::ok(&json!({
            "items": items,
            "next": null,
            "bi_directional_allowed": setup.contract.allows_bi_directional(today),
        }))
    }

    fn csta(&self) -> Result<Precondition, Failure> {
        let sql = "SELECT name FROM core_nodes WHERE kind = 'mivoice_5000' ORDER BY name";
        let nodes = self.host.db().page::<Node>(sql, params![], 10)?;
        let names: Vec<_> = nodes.rows.iter().map(|node| node.name.as_str()).collect();
        let more = if nodes.more { " and more" } else { "" };
        if names.is_empty() {
            return Ok(Precondition {
                name: "csta_ports",
                state: "ok",
                detail: "there is no MiVoice 5000 among the PBX nodes".to_owned(),
                what_to_do: String::new(),
            });
        }
        Ok(Precondition {
            name: "csta_ports",
            state: "unknown",
            detail: format!("this plugin does not reach the MiVoice 5000: {}{more}", names.join(", ")),
            what_to_do: format!(
                "Open TCP {CSTA_PORTS} and more by load, enter them in the PBX node's CSTA settings, and map them in \
                 the X.25 gateway; the page Checks tries them."
            ),
        })
    }
}

fn contract(contract: &Contract, today: Date) -> Precondition {
    let is_allowed = contract.allows_bi_directional(today);
    let detail = match contract.active_until {
        Some(last) if is_allowed => format!("{} until {last}, as entered", contract.tier),
        _ => {
            format!("an active SWA contract of tier advantage or premium is needed; {}", contract.lack(today))
        }
    };
    let what_to_do =
        "Enter the contract's tier and last day. Without it bi-directional presence does not start.";
    Precondition {
        name: "contract",
        state: if is_allowed { "ok" } else { "not_ok" },
        detail,
        what_to_do: if is_allowed { String::new() } else { what_to_do.to_owned() },
    }
}

fn administrators(setup: &Setup) -> [Precondition; 2] {
    let rights = |name, is_confirmed: bool, who: &str| Precondition {
        name,
        state: if is_confirmed { "ok" } else { "unknown" },
        detail: match is_confirmed {
            true => format!("confirmed by hand: {who}"),
            false => format!("nobody has confirmed that there is {who}"),
        },
        what_to_do: match is_confirmed {
            true => String::new(),
            false => "Ask whoever sets it up, and confirm it in the set-up of Teams.".to_owned(),
        },
    };
    let given = &setup.administrators;
    [
        rights(
            "microsoft_365_administrator",
            given.microsoft_365_global,
            "a global administrator of Microsoft 365",
        ),
        rights(
            "cloudlink_administrator",
            given.cloudlink_account,
            "a customer or partner administrator of the CloudLink account",
        ),
    ]
}

fn ntp() -> Precondition {
    Precondition {
        name: "same_time_source",
        state: "unknown",
        detail: "this plugin does not see the time source of other servers".to_owned(),
        what_to_do:
            "Give the UC server, every PBX and the CloudLink Gateway the same NTP source; the page Checks \
                     compares their clocks."
                .to_owned(),
    }
}
