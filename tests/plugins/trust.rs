//! Who may run: every way to tamper with a plugin is refused with a sentence of its own, the others serve on,
//! and what was mended serves again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::{misbehave, order};
use crate::harness::*;

/// What is done, to which sentence it leads, and how.
type Tampering = (&'static str, &'static str, fn(&Appliance));

const TAMPERINGS: &[Tampering] = &[
    ("no signature", "there is no signature", |a| remove(a, "plugin.toml.sig")),
    ("another's signature", "is not by any trusted key", |a| {
        assert_eq!(a.cli(&["plugin", "key", a.folder().join("other.key").to_str().unwrap()], "").code, 0);
        a.sign_plugin_with("faulty", "other.key");
    }),
    ("a signature of rubbish", "is not one base64 line of 64 bytes", |a| {
        fs::write(file(a, "plugin.toml.sig"), "rubbish\n").unwrap();
    }),
    ("a changed manifest", "or the manifest was changed after signing", |a| {
        edit(a, |text| text.replace("memory_mib = 64", "memory_mib = 65"));
    }),
    ("another library", "is not the library that was signed", |a| {
        let echo = fs::read(a.plugin_folder("echo").join("libjackfield_echo.so")).unwrap();
        replace(a, &echo);
    }),
    ("one changed byte", "is not the library that was signed", |a| {
        let mut bytes = fs::read(file(a, LIBRARY)).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        replace(a, &bytes);
    }),
    ("no library", "cannot be opened", |a| remove(a, LIBRARY)),
    ("a library that others may write", "can be written by others (mode 664)", |a| {
        fs::set_permissions(file(a, LIBRARY), fs::Permissions::from_mode(0o664)).unwrap();
    }),
    ("a folder that others may write", "can be written by others (mode 777)", |a| {
        fs::set_permissions(a.plugin_folder("faulty"), fs::Permissions::from_mode(0o777)).unwrap();
    }),
    ("a library of somebody else", "belongs to user 12345", |a| {
        std::os::unix::fs::chown(file(a, LIBRARY), Some(12345), None).unwrap();
    }),
    ("a link for a library", "is a link", |a| {
        fs::rename(file(a, LIBRARY), a.folder().join("moved.so")).unwrap();
        std::os::unix::fs::symlink(a.folder().join("moved.so"), file(a, LIBRARY)).unwrap();
    }),
    ("another major version", "built for major version 2", |a| signed(a, "abi = 1", "abi = 2")),
    ("a service that is not there", "needs the service teleport/1", |a| {
        signed(a, "\"log/1\"]", "\"log/1\", \"teleport/1\"]");
    }),
    ("a manifest that is none", "plugin.toml: line 1: ", |a| signed_raw(a, "id = [\n")),
    ("an unknown key in the manifest", "colour", |a| {
        signed_raw_with(a, |text| format!("colour = 1\n{text}"))
    }),
    ("a signed library of rubbish", "the library cannot be loaded", |a| {
        replace(a, b"\x7fELF and nothing more");
        a.sign_plugin("faulty");
    }),
    ("a signed library cut short", "it is no whole library", |a| {
        let bytes = fs::read(file(a, LIBRARY)).unwrap();
        replace(a, &bytes[..4096]);
        a.sign_plugin("faulty");
    }),
    ("a signed library whose last byte is missing", "it is no whole library", |a| {
        let bytes = fs::read(file(a, LIBRARY)).unwrap();
        replace(a, &bytes[..bytes.len() - 1]);
        a.sign_plugin("faulty");
    }),
    ("a console page of somebody else", "is not the page that was signed", |a| {
        fs::write(file(a, "console.js"), "export const draw = () => [];").unwrap();
        signed_with_page(a);
        fs::write(file(a, "console.js"), "export const draw = () => alert(1);").unwrap();
    }),
    ("a console page that is missing", "console.js cannot be opened", |a| {
        fs::write(file(a, "console.js"), "export const draw = () => [];").unwrap();
        signed_with_page(a);
        remove(a, "console.js");
    }),
    ("a console page that is not in the signature", "lacks console_sha256", |a| {
        fs::write(file(a, "console.js"), "export const draw = () => [];").unwrap();
        signed_raw_with(a, |text| format!("console = \"console.js\"\n{text}"));
    }),
    ("a signed library of another plugin", "the library says it is \"echo\"", |a| {
        let echo = fs::read(a.plugin_folder("echo").join("libjackfield_echo.so")).unwrap();
        replace(a, &echo);
        a.sign_plugin("faulty");
    }),
    ("operations that the manifest hides", "the two must agree", |a| {
        signed(a, "ops = [\"http\", \"fault\"]", "ops = [\"http\"]");
    }),
    ("no key", "there is no trusted key", |a| {
        fs::remove_file(a.folder().join("plugins/keys/site.pub")).unwrap()
    }),
    ("a key of rubbish", "is not a key", |a| {
        fs::write(a.folder().join("plugins/keys/site.pub"), "rubbish\n").unwrap();
    }),
];

const LIBRARY: &str = "libjackfield_faulty.so";

fn file(appliance: &Appliance, name: &str) -> std::path::PathBuf {
    appliance.plugin_folder("faulty").join(name)
}

fn remove(appliance: &Appliance, name: &str) {
    fs::remove_file(file(appliance, name)).unwrap();
}

fn edit(appliance: &Appliance, change: impl FnOnce(String) -> String) {
    let manifest = file(appliance, "plugin.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let changed = change(text.clone());
    assert_ne!(text, changed, "nothing was changed");
    fs::write(manifest, changed).unwrap();
}

/// As an attacker would not do it: signed again after the change, so that another rule must hold.
fn signed(appliance: &Appliance, from: &str, to: &str) {
    edit(appliance, |text| text.replace(from, to));
    appliance.sign_plugin("faulty");
}

fn signed_with_page(appliance: &Appliance) {
    edit(appliance, |text| format!("console = \"console.js\"\n{text}"));
    appliance.sign_plugin("faulty");
}

fn signed_raw(appliance: &Appliance, text: &str) {
    signed_raw_with(appliance, |_| text.to_owned());
}

/// The product's own signing refuses what is no manifest, so this signs with the key itself.
fn signed_raw_with(appliance: &Appliance, change: impl FnOnce(String) -> String) {
    edit(appliance, change);
    let text = fs::read(file(appliance, "plugin.toml")).unwrap();
    let key = fs::read_to_string(appliance.folder().join("site.key")).unwrap();
    let key = data_encoding::BASE64.decode(key.trim().as_bytes()).unwrap();
    let key = ring::signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(&key).unwrap();
    let line = data_encoding::BASE64.encode(key.sign(&text).as_ref());
    fs::write(file(appliance, "plugin.toml.sig"), line + "\n").unwrap();
}

/// Beside and renamed, as packages are installed.
fn replace(appliance: &Appliance, bytes: &[u8]) {
    let fresh = file(appliance, "fresh");
    fs::write(&fresh, bytes).unwrap();
    fs::rename(fresh, file(appliance, LIBRARY)).unwrap();
}

/// Copies a folder tree with its modes.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let from = entry.unwrap().path();
        let to = to.join(from.file_name().unwrap());
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(fs::copy(&from, &to).unwrap()),
        }
    }
    fs::set_permissions(to, fs::metadata(from).unwrap().permissions()).unwrap();
}

/// Puts the plugins folder back as it was.
fn mend(appliance: &Appliance) {
    let plugins = appliance.folder().join("plugins");
    fs::remove_dir_all(&plugins).unwrap();
    copy(&appliance.folder().join("sound"), &plugins);
}

#[test]
fn every_tampering_is_refused_in_its_own_words_and_mending_helps() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    copy(&appliance.folder().join("plugins"), &appliance.folder().join("sound"));
    for (what, words, tamper) in TAMPERINGS {
        tamper(&appliance);
        let refused = order(&admin, "faulty", "restart");
        let detail = refused.json["detail"].as_str().unwrap_or_default();
        assert!(refused.status == 409 && detail.contains(words), "{what}: {refused}");
        let status = plugin(&admin, "faulty");
        assert_eq!(
            (&status["state"], &status["pid"]),
            (&json!("refused"), &json!(null)),
            "{what}: {status:#}"
        );
        assert_eq!(status["reason"], detail, "{what}");
        misbehave(&admin, "none").problem(503, "plugins/unavailable").says(words);
        admin.get("/echo").expect(200);
        mend(&appliance);
        let up = order(&admin, "faulty", "restart");
        assert_eq!((up.status, &up.json["state"]), (200, &json!("up")), "{what}: {up}");
    }
    assert!(!plugin(&admin, "faulty")["last_end"].to_string().contains("SIG"), "a refusal is no death");
}

#[test]
fn a_successor_that_is_refused_leaves_the_running_version_in_place() {
    let appliance = Appliance::with_plugins(&["echo", "faulty"]);
    let admin = appliance.admin();
    copy(&appliance.folder().join("plugins"), &appliance.folder().join("sound"));
    let before = plugin(&admin, "faulty");
    for (what, words, tamper) in TAMPERINGS {
        tamper(&appliance);
        let refused = order(&admin, "faulty", "replace");
        let detail = refused.json["detail"].as_str().unwrap_or_default();
        assert!(refused.status == 409 && detail.contains(words), "{what}: {refused}");
        assert!(detail.starts_with("the running version stays"), "{what}: {refused}");
        misbehave(&admin, "none").expect(200);
        mend(&appliance);
    }
    let after = plugin(&admin, "faulty");
    assert_eq!((&after["pid"], &after["state"]), (&before["pid"], &json!("up")), "{after:#}");
}

#[test]
fn an_appliance_starts_beside_a_refused_plugin_and_takes_it_up_once_mended() {
    let mut appliance = Appliance::laid_out_with(&["echo", "faulty"], |config| config);
    copy(&appliance.folder().join("plugins"), &appliance.folder().join("sound"));
    remove(&appliance, "plugin.toml.sig");
    appliance.resume();
    appliance.await_up(&["echo"]);
    let refused = await_plugin(&appliance.admin(), "faulty", "refused");
    assert_eq!((&refused["version"], &refused["signed_by"]), (&json!(""), &json!(null)), "{refused:#}");
    let listed = appliance.cli(&["plugin", "list"], "").stdout;
    assert!(listed.contains("refused") && listed.contains("there is no signature"), "{listed}");
    mend(&appliance);
    appliance.restart();
    appliance.await_up(&["echo", "faulty"]);
}
