//! The site's last word on what is dialed: `dial.rewrite` may change the number, `dial.admit` may refuse the call.
//! Both are asked after the appliance's own rule, and neither about emergency numbers. Leaves out running scripts.

use serde_json::Value;

use crate::catalog::hooks::{DIAL_ADMIT, DIAL_REWRITE, Hook, POLICY_UNAVAILABLE};
use crate::engine::dialing::{self, Dialed, Lint, Site, Step};
use crate::engine::scripts::{self, Asked, Called, Panel, Verdict};

/// What the appliance's own rule decided, and what scripts are told of the call.
pub struct Plan {
    /// What the rule decided.
    pub dialed: Dialed,
    /// The caller's node.
    pub site: Site,
    /// The call as scripts see it, without its number.
    pub call: Value,
    /// What a number may keep although no PBX dials it; see [`Called::verbatim`].
    pub verbatim: String,
}

/// Lets scripts have the last word. Where there are none, nothing is asked.
pub fn last_word(panel: &Panel<'_>, plan: Plan) -> Dialed {
    let Plan { mut dialed, site, call, verbatim } = plan;
    if dialed.dialed.is_empty() || !panel.has_dialing() {
        return dialed;
    }
    if is_emergency(&dialed, &site) {
        note_emergency(&mut dialed);
        return dialed;
    }
    let call = Called { told: &call, verbatim: &verbatim };
    rewrite(panel, &mut dialed, &call);
    if site.is_emergency(&dialed.dialed) {
        let text = format!(
            "A script made the emergency number {} of this call, which then nobody may refuse. Correct the script.",
            dialed.dialed
        );
        dialed.lints.push(Lint { code: dialing::SCRIPT_TO_EMERGENCY, text });
        note_emergency(&mut dialed);
        return dialed;
    }
    admit(panel, &mut dialed, &call);
    dialed
}

/// By the rule that kept it, or by its digits, however they came about.
fn is_emergency(dialed: &Dialed, site: &Site) -> bool {
    site.is_emergency(&dialed.dialed) || dialed.steps.iter().any(|step| step.code == dialing::EMERGENCY_KEEP)
}

fn note_emergency(dialed: &mut Dialed) {
    let text = "An emergency number is dialed at once: no script may change or refuse it.".to_owned();
    let number = dialed.dialed.clone();
    let (before, after) = (number.clone(), number);
    dialed.steps.push(Step { code: dialing::SCRIPT_EMERGENCY, text, before, after, source: None });
}

fn rewrite(panel: &Panel<'_>, dialed: &mut Dialed, call: &Called<'_>) {
    let asked = scripts::consult(panel, DIAL_REWRITE, &dialed.dialed, call);
    for one in &asked {
        let text = match one.verdict {
            Verdict::Changed => format!("{} changed the number.", who(one)),
            Verdict::Failed => format!("{} {}. The number stays as it was.", who(one), failed(one)),
            _ => format!("{} has no opinion.", who(one)),
        };
        note(dialed, DIAL_REWRITE, dialing::DIAL_REWRITE, one, text, one.after.clone());
    }
    let Some(last) = asked.last() else { return };
    dialed.dialed.clone_from(&last.after);
    if asked.iter().any(|one| one.verdict == Verdict::Changed) {
        dialed.lints.retain(|lint| lint.code != dialing::DIALED_LONG);
        dialed.lints.extend(dialing::lint_length(&last.after));
    }
}

fn admit(panel: &Panel<'_>, dialed: &mut Dialed, call: &Called<'_>) {
    let asked = scripts::consult(panel, DIAL_ADMIT, &dialed.dialed, call);
    for one in &asked {
        let (text, after) = match one.verdict {
            Verdict::Rejected => (format!("{} rejected the call: {}.", who(one), reason(one)), String::new()),
            Verdict::Failed => (
                format!("{} {}. The call is rejected: {POLICY_UNAVAILABLE}.", who(one), failed(one)),
                String::new(),
            ),
            Verdict::Allowed => (format!("{} allowed the call.", who(one)), one.after.clone()),
            _ => (format!("{} has no opinion.", who(one)), one.after.clone()),
        };
        note(dialed, DIAL_ADMIT, dialing::DIAL_ADMIT, one, text, after);
    }
    if let Some(reason) = scripts::refusal(DIAL_ADMIT, &asked) {
        let text =
            format!("Nothing is dialed, because the call was rejected: {}.", reason.trim_end_matches('.'));
        dialed.lints.push(Lint { code: dialing::SCRIPT_REJECTED, text });
        dialed.dialed.clear();
    }
}

fn note(dialed: &mut Dialed, hook: &Hook, code: &'static str, one: &Asked, text: String, after: String) {
    if one.verdict == Verdict::Failed {
        let text = format!("{} {}. {}", who(one), failed(one), hook.on_failure);
        dialed.lints.push(Lint { code: dialing::SCRIPT_FAILED, text });
    }
    dialed.steps.push(Step { code, text, before: one.before.clone(), after, source: one.place() });
}

fn who(one: &Asked) -> String {
    match one.script.is_empty() {
        true => "The site's scripts".to_owned(),
        false if one.version == 0 => format!("The candidate for {}", one.script),
        false => format!("The script {} (version {})", one.script, one.version),
    }
}

fn failed(one: &Asked) -> String {
    let reason = reason(one);
    match one.script.is_empty() {
        true => format!("could not be asked: {reason}"),
        false => format!("failed: {reason}"),
    }
}

/// The reason as part of a sentence.
fn reason(one: &Asked) -> &str {
    match one.reason.trim().trim_end_matches('.') {
        "" => "it gave no reason",
        reason => reason,
    }
}
