//! The path assistant: from the name of a domain controller to the path of its Active Directory. Stores nothing.

use jackfield_sdk::{Call, Outcome, Reply, json};

use crate::Peering;
use crate::ldap::path::Path;
use crate::owner::{Of, Owner};

impl Peering {
    pub(crate) fn assist_peer(&self, call: &Call<'_>) -> Outcome {
        self.assist(call, Of::Peer)
    }

    pub(crate) fn assist_enterprise(&self, call: &Call<'_>) -> Outcome {
        self.assist(call, Of::Enterprise)
    }

    fn assist(&self, call: &Call<'_>, of: Of) -> Outcome {
        let controller = call.form(|form| form.field("controller").domain().required())?;
        Owner::named(&self.host, of, call)?.must_take_one(of)?;
        let (host, domain) = controller.split_once('.').unwrap_or((&controller, ""));
        let base_dn = base_dn(domain);
        let path = Path { is_secure: false, host: host.to_owned(), port: None, base_dn: base_dn.clone() };
        Reply::ok(&json!({"host": host, "domain": domain, "base_dn": base_dn, "path": path.text()}))
    }
}

/// An Active Directory's tree is named like its domain (RFC 2247).
fn base_dn(domain: &str) -> String {
    domain.split('.').map(|label| format!("DC={label}")).collect::<Vec<_>>().join(",")
}
