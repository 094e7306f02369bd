//! A plugin's page for the console: read and verified together with the manifest, and kept in memory, so that what
//! a browser is given is what was signed, whatever happens to the file later.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::folder::Folder;
use super::manifest::Manifest;
use super::refusal::{Refusal, Rule};
use super::verify::Trust;

/// Largest page, in bytes.
const MOST_BYTES: u64 = 512 * 1024;

/// A verified page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The script, an ES module.
    pub text: String,
    /// SHA-256 of it, 64 hexadecimal digits.
    pub sha256: String,
}

impl Page {
    /// Where the console serves it. The hash is in the address, so that no cache ever gives an old one.
    pub fn address(plugin: &str, sha256: &str) -> String {
        format!("/console/plugins/{plugin}/{sha256}.js")
    }
}

/// The page that a manifest names, if it names one.
pub fn read(folder: &Folder, manifest: &Manifest, trust: Trust) -> Result<Option<Page>, Refusal> {
    if manifest.console.is_empty() {
        return Ok(None);
    }
    let text = folder.text(&manifest.console, MOST_BYTES)?;
    let sha256 = HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
    if manifest.console_sha256 != sha256
        && !(manifest.console_sha256.is_empty() && trust == Trust::Development)
    {
        let file = folder.path().join(&manifest.console);
        let sentence = match manifest.console_sha256.as_str() {
            "" => format!("the manifest of {} lacks console_sha256; sign the plugin again", manifest.id),
            signed => format!(
                "{} is not the page that was signed (SHA-256 is {sha256}, the manifest says {signed}); install the plugin again",
                file.display()
            ),
        };
        return Err(Refusal::new(Rule::Hash, sentence));
    }
    Ok(Some(Page { text, sha256 }))
}
