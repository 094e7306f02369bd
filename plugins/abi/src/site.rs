//! What both sides know of the site: its kind of deployment, as the view `core_site` has it, and in which words something
//! is not supported there (seeds 000 and 002). Kinds of deployment only grow, and an unknown one rules nothing out.

/// The usual kind of deployment: everything is supported.
pub const ON_PREMISE: &str = "on_premise";
/// MiCloud Flex on GCP: neither federation nor peering is supported.
pub const MICLOUD_FLEX: &str = "micloud_flex_gcp";
/// Name of the setting that says which it is.
pub const SETTING: &str = "site.deployment";

/// Why a kind of deployment does not have something that MiCloud Flex on GCP lacks, as a sentence without its full stop;
/// `None`: it has it.
pub fn lacks(deployment: &str, what: &str) -> Option<String> {
    (deployment == MICLOUD_FLEX).then(|| {
        format!(
            "{what} is not supported in the MiCloud Flex on GCP (Google Cloud Platform) environment, and the setting \
             {SETTING} says that this is one"
        )
    })
}
