//! What the kind of deployment rules out: MiCloud Flex on GCP has neither federation nor peering (seeds 000 and 002).
//! Everything that would set one up asks here first; what is there may always be looked at and taken away.

use jackfield_db::{Read, params};

use crate::catalog::problems::{NOT_HERE, Problem};
use crate::catalog::settings::{MICLOUD_FLEX, SITE_DEPLOYMENT};

/// Plugins that the deployment can rule out, with what each of them is for.
const RULED_OUT: &[(&str, &str)] = &[("federation", "Federation"), ("peering", "Peering")];

/// Refuses to set up peering where it is not supported.
pub fn refuse_peering(read: &Read<'_>) -> Result<(), Problem> {
    refuse(read, "peering")
}

/// Refuses to set up what a plugin is for, where that is not supported.
pub fn refuse(read: &Read<'_>, plugin: &str) -> Result<(), Problem> {
    let Some((_, name)) = RULED_OUT.iter().find(|(id, _)| *id == plugin) else { return Ok(()) };
    if !is_micloud_flex(read)? {
        return Ok(());
    }
    Err(Problem::new(NOT_HERE, format!("{} Nothing was changed.", reason(name))))
}

/// Why it is refused, as the seeds give it.
pub fn reason(what: &str) -> String {
    format!(
        "{what} is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment, and the setting {SITE_DEPLOYMENT} says that this is one."
    )
}

/// Whether the site says that it is such a deployment.
pub fn is_micloud_flex(read: &Read<'_>) -> Result<bool, Problem> {
    let sql = "SELECT 1 FROM setting WHERE name = ?1 AND value = json_quote(?2)";
    Ok(read.one(sql, params![SITE_DEPLOYMENT, MICLOUD_FLEX], |_| Ok(()))?.is_some())
}
