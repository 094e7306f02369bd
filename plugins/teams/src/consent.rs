//! `teams/consent`: the address at which an administrator of the tenant grants the permissions, in the form
//! that Microsoft documents for admin consent, and what is granted there.

use form_urlencoded::Serializer;
use jackfield_sdk::{Call, Outcome, Problem, Reply, json};
use serde::Serialize;

use crate::setup::Setup;
use crate::{Teams, cloud};

/// A permission of Microsoft Graph. The names and what they allow are documented by Microsoft; which of them
/// Mitel's own integration asks for is not known, so the choice is this product's.
#[derive(Debug, Clone, Copy, Serialize)]
struct Permission {
    name: &'static str,
    kind: &'static str,
    needed_for: &'static str,
    /// Whether only bi-directional presence needs it.
    #[serde(skip)]
    is_for_reading: bool,
}

static PERMISSIONS: &[Permission] = &[
    Permission {
        name: "User.Read.All",
        kind: "application",
        needed_for: "finding an account's user in the tenant",
        is_for_reading: false,
    },
    Permission {
        name: "Presence.ReadWrite.All",
        kind: "application",
        needed_for: "showing telephone states in Teams",
        is_for_reading: false,
    },
    Permission {
        name: "Presence.Read.All",
        kind: "application",
        needed_for: "reading Teams' states of many users at once",
        is_for_reading: true,
    },
    Permission {
        name: "Presence.Read.All",
        kind: "delegated",
        needed_for: "being told of changes through presence monitor users, where that is wanted",
        is_for_reading: true,
    },
];

impl Teams {
    pub(crate) fn read_consent(&self, _call: &Call<'_>) -> Outcome {
        let (document, _) = self.setup()?;
        let setup = &document.value;
        refuse_incomplete(setup)?;
        let cloud = cloud::named(&setup.cloud);
        let needed =
            PERMISSIONS.iter().filter(|permission| setup.is_bi_directional() || !permission.is_for_reading);
        Reply::ok(&json!({
            "url": url(setup, document.revision),
            "tenant": setup.tenant_id,
            "cloud": setup.cloud,
            "graph": cloud.graph,
            "permissions": needed.collect::<Vec<_>>(),
            "state": "unknown",
            "reason": "only an administrator of the tenant can consent; this version does not see whether one has",
        }))
    }
}

fn refuse_incomplete(setup: &Setup) -> Result<(), Problem> {
    let fields = [
        ("tenant_id", &setup.tenant_id),
        ("client_id", &setup.client_id),
        ("redirect_uri", &setup.redirect_uri),
    ];
    let missing: Vec<_> =
        fields.iter().filter(|(_, value)| value.is_empty()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    Err(Problem::conflict(format!(
        "the address of admin consent could not be made, because the set-up of Teams lacks {missing}; enter it first"
    )))
}

/// `{login}/{tenant}/adminconsent?client_id&redirect_uri&state`. The state names the version of the set-up; it
/// proves nothing.
fn url(setup: &Setup, revision: i64) -> String {
    let query = Serializer::new(String::new())
        .append_pair("client_id", &setup.client_id)
        .append_pair("redirect_uri", &setup.redirect_uri)
        .append_pair("state", &format!("setup-{revision}"))
        .finish();
    format!("{}/{}/adminconsent?{query}", cloud::named(&setup.cloud).login, setup.tenant_id)
}
