//! What the kind of deployment rules out: MiCloud Flex on GCP has neither federation nor peering (seeds 000 and 002).
//! Everything that would set one up asks here first; what is there may always be looked at and taken away.

use jackfield_abi::site;
use jackfield_db::{Read, params};

use crate::catalog::problems::{NOT_HERE, Problem};
use crate::catalog::settings::MICLOUD_FLEX;

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
    site::lacks(MICLOUD_FLEX, what).map_or_else(String::new, |reason| format!("{reason}."))
}

/// Whether the site says that it is such a deployment.
pub fn is_micloud_flex(read: &Read<'_>) -> Result<bool, Problem> {
    let sql = "SELECT 1 FROM core_site WHERE deployment = ?1";
    Ok(read.one(sql, params![MICLOUD_FLEX], |_| Ok(()))?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::settings::{ON_PREMISE, SITE_DEPLOYMENT, find};

    #[test]
    fn plugins_know_the_same_words() {
        assert_eq!([site::MICLOUD_FLEX, site::ON_PREMISE], [MICLOUD_FLEX, ON_PREMISE]);
        assert_eq!(site::SETTING, SITE_DEPLOYMENT);
        assert_eq!(site::lacks(ON_PREMISE, "Peering"), None);
    }

    /// The view says it for as long as nobody has set it.
    #[test]
    fn the_view_has_the_setting_s_default() {
        let folder = tempfile::tempdir().unwrap();
        let state = crate::engine::state::StateDir::open(folder.path()).unwrap();
        let engine = crate::engine::Engine::open(state).unwrap();
        let seen = |read: &Read<'_>| {
            Ok::<_, Problem>(read.one("SELECT deployment FROM core_site", params![], |row| row.get(0))?)
        };
        let deployment: Option<String> = engine.db.read(seen).unwrap();
        assert_eq!(deployment.map(Into::into), find(SITE_DEPLOYMENT).map(|setting| setting.default_value()));
    }
}
