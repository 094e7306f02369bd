//! Why an account would fail activation as it is: the text that the Failed User Report has for it and what to
//! do (seed 004 section 3.6). Only what can be known without asking the cloud.

use serde::Serialize;

/// Why an account would fail, or not be sent.
#[derive(Debug)]
pub struct Reason {
    /// Its name in the API, and the column of `activation.rs` that finds it.
    pub name: &'static str,
    /// The failure's text; `{email}` stands for the address. Empty: the account is not sent, so nothing fails.
    text: &'static str,
    action: &'static str,
    retry: &'static str,
}

const BY_ITSELF: &str = "automatic";
const BY_HAND: &str = "by_hand";

/// All reasons, in the order in which they are best mended.
pub static REASONS: &[Reason] = &[
    Reason {
        name: "not_deployed",
        text: "",
        action: "Deploy the account (Import Users does it for all). Accounts that are not deployed are not sent.",
        retry: BY_ITSELF,
    },
    Reason {
        name: "missing_login",
        text: "SAS Error – User’s Email/UC service not available.",
        action: "Give the account a login ID, and look at its e-mail address; it is then activated by itself.",
        retry: BY_ITSELF,
    },
    Reason {
        name: "missing_names",
        text: "UCA Error - 400, <Validation Error: User info must not be empty>",
        action: "Fill in first name, last name and e-mail address, then retry the account.",
        retry: BY_HAND,
    },
    Reason {
        name: "missing_email",
        text: "UCA Error - 400, <Validation Error: Primary Email missing>",
        action: "Give the account a primary e-mail address, then retry it.",
        retry: BY_HAND,
    },
    Reason {
        name: "malformed_email",
        text: "CloudLink Error - 500, <Email address is invalid>",
        action: "Correct the e-mail address; mail must reach it from the internet. The account is then activated by \
                 itself.",
        retry: BY_ITSELF,
    },
    Reason {
        name: "duplicate_email",
        text: "UCA Error - 500, Multiple users found with email: {email}",
        action: "Leave the address to one account, and give the others one of their own or delete them; then retry. \
                 Accounts with one address would see each other's chat.",
        retry: BY_HAND,
    },
];

/// A reason as it is told of one account.
#[derive(Debug, Serialize)]
pub struct Told {
    reason: &'static str,
    failure: Option<String>,
    corrective_action: &'static str,
    retry: &'static str,
}

impl Reason {
    /// The same of the account with that address.
    pub fn of(&self, email: &str) -> Told {
        let failure = (!self.text.is_empty()).then(|| self.text.replace("{email}", email));
        Told { reason: self.name, failure, corrective_action: self.action, retry: self.retry }
    }
}
