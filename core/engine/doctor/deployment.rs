//! What the kind of deployment rules out, and whether something of it is there all the same.

use jackfield_db::params;

use super::{Check, Finding, State};
use crate::engine::{Engine, deployment};

/// The check.
pub static CHECK: Check = Check { name: "deployment", gates_readiness: false, run };

fn run(engine: &Engine) -> Finding {
    let seen = engine.db.read(|read| {
        let peers = read.one("SELECT count(*) FROM peer", params![], |row| row.get::<_, i64>(0))?;
        Ok::<_, crate::catalog::problems::Problem>((deployment::is_micloud_flex(read)?, peers.unwrap_or(0)))
    });
    match seen {
        Ok((false, _)) => Finding::ok("on premise: federation and peering are supported"),
        Ok((true, 0)) => {
            Finding::ok(deployment::reason("Neither federation nor peering").replace("is not", "is"))
        }
        Ok((true, peers)) => Finding::bad(
            State::Warning,
            format!("{} {peers} of peers are there.", deployment::reason("Peering")),
            "Delete the peers, or correct the setting site.deployment.",
        ),
        Err(problem) => Finding::bad(State::Problem, problem.detail, "See the check database_answers."),
    }
}
