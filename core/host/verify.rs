//! Decides whether a plugin may be run, before any of its code is: who could have changed the files, who
//! signed the manifest, whether the library is the one that was signed, and whether this appliance has what
//! it needs. What comes out is the manifest and a sealed copy of the library.

use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64;
use jackfield_abi::{ABI, ops};
use ring::signature::{ED25519, UnparsedPublicKey};

use super::claims;
use super::extent;
use super::folder::Folder;
use super::manifest::{self, Manifest};
use super::page::{self, Page};
use super::refusal::{Refusal, Rule};
use super::seal::{Sealed, seal};

/// Folder of the trusted keys, beside the plugins.
pub const KEYS: &str = "keys";
/// Major version of the treaty that this appliance speaks.
pub const ABI_MAJOR: u32 = ABI >> 16;

/// Name of the signature beside the manifest.
pub const SIGNATURE: &str = "plugin.toml.sig";
const MANIFEST_BYTES: u64 = 256 * 1024;
const KEY_BYTES: u64 = 4096;

/// Whose plugins are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// Only those signed by a key of the keys folder.
    Signed,
    /// Any that lies in the plugins folder; for those who write plugins. The appliance says so loudly.
    Development,
}

/// A plugin that may be run.
pub struct Verified {
    /// Its manifest.
    pub manifest: Manifest,
    /// Its library.
    pub sealed: Sealed,
    /// Its console page, if it has one.
    pub page: Option<Arc<Page>>,
    /// File name of the key that signed it; none in development.
    pub signed_by: Option<String>,
}

/// Verifies the plugin in the folder `id` of the plugins folder.
pub fn verify(plugins: &Path, id: &str, trust: Trust) -> Result<Verified, Refusal> {
    let (manifest, signed_by) = read_manifest(plugins, id, trust)?;
    claims::judge(plugins, &manifest, trust)?;
    let folder = Folder::open(&plugins.join(id))?;
    let sealed = read_library(&folder, &manifest)?;
    judge_hash(&folder, &manifest, &sealed, trust)?;
    judge_extent(&folder, &manifest, &sealed)?;
    let page = page::read(&folder, &manifest, trust)?.map(Arc::new);
    Ok(Verified { manifest, sealed, page, signed_by })
}

/// The manifest alone, verified; with the key that signed it.
pub fn read_manifest(plugins: &Path, id: &str, trust: Trust) -> Result<(Manifest, Option<String>), Refusal> {
    let plugins = Folder::open(plugins)?;
    let folder = plugins.sub(id)?;
    let text = folder.text(manifest::FILE, MANIFEST_BYTES)?;
    let signed_by = match trust {
        Trust::Signed => Some(judge_signature(&plugins, &folder, &text)?),
        Trust::Development => None,
    };
    let manifest = Manifest::parse(&text).map_err(|sentence| {
        let file = folder.path().join(manifest::FILE);
        Refusal::new(Rule::Manifest, format!("{}: {sentence}", file.display()))
    })?;
    judge_manifest(&manifest, id)?;
    Ok((manifest, signed_by))
}

fn judge_manifest(manifest: &Manifest, folder: &str) -> Result<(), Refusal> {
    if manifest.id != folder {
        let sentence =
            format!("the folder {folder} holds the plugin {}; name the folder like the plugin", manifest.id);
        return Err(Refusal::new(Rule::Identity, sentence));
    }
    if manifest.abi != ABI_MAJOR {
        let sentence = format!(
            "{folder} was built for major version {} of the plugin interface, this appliance speaks {ABI_MAJOR}; \
             install the plugin's release for this appliance",
            manifest.abi
        );
        return Err(Refusal::new(Rule::Abi, sentence));
    }
    let unmet = |service: &&String| !ops::SERVICES.contains(&service.as_str());
    let unmet: Vec<_> = manifest.services.iter().filter(unmet).map(String::as_str).collect();
    if unmet.is_empty() {
        return Ok(());
    }
    let sentence = format!(
        "{folder} needs the service {}, which this appliance does not have; update the appliance",
        unmet.join(", ")
    );
    Err(Refusal::new(Rule::Service, sentence))
}

/// The file name of the key that signed the text.
fn judge_signature(plugins: &Folder, folder: &Folder, text: &str) -> Result<String, Refusal> {
    let file = folder.path().join(SIGNATURE);
    let signature = folder.text(SIGNATURE, KEY_BYTES).map_err(|refusal| match refusal.rule {
        Rule::Missing => Refusal::new(
            Rule::Unsigned,
            format!("there is no signature: {refusal}; install a signed release"),
        ),
        _ => refusal,
    })?;
    let signature = base64_line(&signature, 64).ok_or_else(|| {
        Refusal::new(Rule::Signature, format!("{} is not one base64 line of 64 bytes", file.display()))
    })?;
    let keys = trusted_keys(plugins)?;
    let signer = keys
        .iter()
        .find(|(_, key)| UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok());
    signer.map(|(name, _)| name.clone()).ok_or_else(|| {
        let names: Vec<_> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let sentence = format!(
            "{} is not by any trusted key ({}), or the manifest was changed after signing; install the plugin again",
            file.display(),
            names.join(", ")
        );
        Refusal::new(Rule::Signature, sentence)
    })
}

/// Every trusted key with its file name, in the order of names.
fn trusted_keys(plugins: &Folder) -> Result<Vec<(String, Vec<u8>)>, Refusal> {
    let none = |cause: &str| {
        let place = plugins.path().join(KEYS);
        Refusal::new(
            Rule::NoKey,
            format!("there is no trusted key: {}{cause}; install the vendor's key", place.display()),
        )
    };
    let folder = plugins.sub(KEYS).map_err(|refusal| match refusal.rule {
        Rule::Missing => none(" is not there"),
        _ => refusal,
    })?;
    let entries = std::fs::read_dir(folder.path()).map_err(|e| none(&format!(" cannot be read: {e}")))?;
    let mut names: Vec<_> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.retain(|name| name.ends_with(".pub"));
    names.sort_unstable();
    if names.is_empty() {
        return Err(none(" has no file that ends in .pub"));
    }
    names.into_iter().map(|name| Ok((name.clone(), key(&folder, &name)?))).collect()
}

fn key(folder: &Folder, name: &str) -> Result<Vec<u8>, Refusal> {
    base64_line(&folder.text(name, KEY_BYTES)?, 32).ok_or_else(|| {
        let file = folder.path().join(name);
        let sentence =
            format!("{} is not a key: one base64 line of 32 bytes, comments begin with #", file.display());
        Refusal::new(Rule::NoKey, sentence)
    })
}

/// The one line that is no comment, decoded, when it has that many bytes.
fn base64_line(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let decoded = BASE64.decode(lines.next()?.as_bytes()).ok()?;
    (lines.next().is_none() && decoded.len() == bytes).then_some(decoded)
}

fn read_library(folder: &Folder, manifest: &Manifest) -> Result<Sealed, Refusal> {
    let mut file = folder.file(&manifest.library)?;
    seal(&mut file).map_err(|e| {
        let file = folder.path().join(&manifest.library);
        Refusal::new(Rule::Missing, format!("{} cannot be copied into memory: {e}", file.display()))
    })
}

fn judge_hash(folder: &Folder, manifest: &Manifest, sealed: &Sealed, trust: Trust) -> Result<(), Refusal> {
    if manifest.sha256 == sealed.sha256 || (manifest.sha256.is_empty() && trust == Trust::Development) {
        return Ok(());
    }
    let file = folder.path().join(&manifest.library);
    let sentence = if manifest.sha256.is_empty() {
        format!("the manifest of {} lacks sha256; install a packaged release", manifest.id)
    } else {
        format!(
            "{} is not the library that was signed (SHA-256 is {}, the manifest says {}); install the plugin again",
            file.display(),
            sealed.sha256,
            manifest.sha256
        )
    };
    Err(Refusal::new(Rule::Hash, sentence))
}

fn judge_extent(folder: &Folder, manifest: &Manifest, sealed: &Sealed) -> Result<(), Refusal> {
    extent::judge(&sealed.code).map_err(|cause| {
        let file = folder.path().join(&manifest.library);
        let sentence =
            format!("the library cannot be loaded: {}: {cause}; install the plugin again", file.display());
        Refusal::new(Rule::NotALibrary, sentence)
    })
}
