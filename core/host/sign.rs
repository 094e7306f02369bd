//! Signing plugins: makes a key, and signs a plugin's folder with it. The other half of [`super::verify`].

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use data_encoding::{BASE64, HEXLOWER};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::manifest::{self, Manifest};

/// Makes a key: the private half in `file` (0400), the public half beside it, ending in `.pub`.
pub fn make_key(file: &Path) -> Result<PathBuf, String> {
    let pair = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
        .map_err(|_| "The system gives no random bytes.")?;
    write_new(file, 0o400, &BASE64.encode(pair.as_ref()))?;
    let public = file.with_extension("pub");
    let keys =
        Ed25519KeyPair::from_pkcs8(pair.as_ref()).map_err(|e| format!("The new key cannot be used: {e}."))?;
    write_new(&public, 0o644, &BASE64.encode(keys.public_key().as_ref()))?;
    Ok(public)
}

fn write_new(file: &Path, mode: u32, line: &str) -> Result<(), String> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(mode).open(file);
    let written = opened.and_then(|mut f| writeln!(f, "{line}").and_then(|()| f.sync_all()));
    written.map_err(|e| format!("Cannot write {}: {e}.", file.display()))
}

/// Signs the plugin in a folder: puts the SHA-256 of the library and of the console page into the manifest, then
/// signs the manifest.
pub fn sign(folder: &Path, key: &Path) -> Result<Manifest, String> {
    let place = folder.join(manifest::FILE);
    let text = read_text(&place)?;
    let manifest = Manifest::parse(&text).map_err(|sentence| format!("{}: {sentence}", place.display()))?;
    let library = folder.join(&manifest.library);
    let bytes = fs::read(&library).map_err(|e| format!("Cannot read {}: {e}.", library.display()))?;
    let mut text = with_hash(&text, "sha256", &HEXLOWER.encode(&Sha256::digest(&bytes)));
    if !manifest.console.is_empty() {
        let page = folder.join(&manifest.console);
        let bytes = fs::read(&page).map_err(|e| format!("Cannot read {}: {e}.", page.display()))?;
        text = with_hash(&text, "console_sha256", &HEXLOWER.encode(&Sha256::digest(&bytes)));
    }
    let signature = key_pair(key)?.sign(text.as_bytes());
    write(&place, &text)?;
    write(&folder.join(super::verify::SIGNATURE), &format!("{}\n", BASE64.encode(signature.as_ref())))?;
    Manifest::parse(&text)
}

fn key_pair(key: &Path) -> Result<Ed25519KeyPair, String> {
    let wrong = || format!("{} is no private key made by `jackfield plugin key`.", key.display());
    let pkcs8 = BASE64.decode(read_text(key)?.trim().as_bytes()).map_err(|_| wrong())?;
    Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| wrong())
}

fn read_text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|e| format!("Cannot read {}: {e}.", file.display()))
}

/// Written beside and renamed, so that a plugin is never seen half signed.
fn write(file: &Path, text: &str) -> Result<(), String> {
    let beside = file.with_extension("new");
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, file));
    written.map_err(|e| format!("Cannot write {}: {e}.", file.display()))
}

/// The manifest's text with that hash; the rest stays as its author wrote it.
fn with_hash(text: &str, key: &str, hash: &str) -> String {
    let line = format!("{key} = \"{hash}\"");
    let is_hash = |line: &str| line.split('=').next().is_some_and(|name| name.trim() == key);
    let head = text.lines().take_while(|line| !line.trim_start().starts_with('[')).count();
    let mut lines: Vec<&str> = text.lines().collect();
    match lines[..head].iter().position(|line| is_hash(line)) {
        Some(at) => lines[at] = &line,
        None => lines.insert(0, &line),
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_replaces_the_one_that_stands_there_or_is_added() {
        let hashed = |text: &str| with_hash(text, "sha256", "ff");
        assert_eq!(hashed("id = \"a\"\nsha256 = \"\"\n"), "id = \"a\"\nsha256 = \"ff\"\n");
        assert_eq!(hashed("id = \"a\"\n[[routes]]\n"), "sha256 = \"ff\"\nid = \"a\"\n[[routes]]\n");
        assert_eq!(
            with_hash("sha256 = \"a\"\n", "console_sha256", "ff"),
            "console_sha256 = \"ff\"\nsha256 = \"a\"\n"
        );
    }

    #[test]
    fn a_key_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("site.key");
        let public = make_key(&file).unwrap();
        assert!(public.ends_with("site.pub"));
        assert!(key_pair(&file).is_ok());
        assert!(make_key(&file).unwrap_err().contains("Cannot write"));
    }
}
