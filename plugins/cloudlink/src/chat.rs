//! `cloudlink/chat`: whether CloudLink chat is on. It cannot be while nothing is connected, so nothing is
//! kept; what is asked for is refused with the reason (seed 004 section 3.3).

use jackfield_sdk::{Call, Outcome, Problem, Reply};
use serde::Serialize;

use crate::{CloudLink, condition};

const ADVICE: &str = "Switch chat outside of working hours: it moves every user at once.";

#[derive(Serialize)]
struct Chat<'a> {
    enabled: bool,
    /// The appliance's own chat, which CloudLink chat replaces.
    legacy_chat: bool,
    state: &'static str,
    reason: &'a str,
    advice: &'static str,
}

impl CloudLink {
    pub(crate) fn read_chat(&self, _call: &Call<'_>) -> Outcome {
        let condition = condition::of(&self.setup()?);
        let (state, reason) = (condition.word, &*condition.reason);
        let version = format!("0-{state}");
        Ok(Reply::ok(&Chat { enabled: false, legacy_chat: true, state, reason, advice: ADVICE })?
            .version(version))
    }

    pub(crate) fn put_chat(&self, call: &Call<'_>) -> Outcome {
        let is_wanted = call.form(|form| {
            form.ignore(&["legacy_chat", "state", "reason", "advice"]);
            form.field("enabled").flag().required()
        })?;
        call.must_match("0")?;
        if !is_wanted {
            return self.read_chat(call);
        }
        let reason = condition::of(&self.setup()?).reason;
        Err(Problem::conflict(format!(
            "CloudLink chat was to be switched on, but no account is activated for it: {reason}. The appliance's \
             own chat stays on"
        )))
    }
}
