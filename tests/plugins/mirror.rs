//! The plugin `mirror`, compiled here from `mirror/`: it shows what it was given, and what it is may be edited.

use std::fs;
use std::process::Command;

use crate::harness::*;

/// Puts a version of the plugin into an appliance's folder and signs it. Its manifest is edited first.
#[track_caller]
pub fn put(appliance: &Appliance, version: &str, edit: impl FnOnce(String) -> String) {
    let (source, folder) = (workspace().join("tests/plugins/mirror"), appliance.plugin_folder("mirror"));
    fs::create_dir_all(&folder).expect("the folder can be made");
    let manifest = fs::read_to_string(source.join("plugin.toml")).expect("the manifest is there");
    let manifest = manifest.replace("version = \"1.0.0\"", &format!("version = \"{version}\""));
    let manifest = edit(manifest);
    let more = ["revision.undo", "login.bind"].into_iter();
    let more = more.filter(|op| manifest.contains(&format!("\"{op}\"")));
    let undo: String = more.map(|op| format!(",\\\"{op}\\\"")).collect();
    fs::write(folder.join("plugin.toml"), manifest).expect("the manifest can be written");
    let fresh = folder.join("libmirror.so.new");
    let mut compiler = Command::new("cc");
    compiler.args([
        "-std=c11",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fvisibility=hidden",
        "-shared",
        "-fPIC",
    ]);
    compiler
        .arg(format!("-DVERSION=\"{version}\""))
        .arg(format!("-DUNDO=\"{undo}\""))
        .arg("-I")
        .arg(workspace().join("plugins/abi"));
    let compiled = compiler.arg("-o").arg(&fresh).arg(source.join("mirror.c")).status();
    assert!(compiled.expect("cc is installed").success(), "mirror.c cannot be compiled");
    // Never in place: it may be mapped.
    fs::rename(&fresh, folder.join("libmirror.so")).expect("the library can be put in place");
    appliance.sign_plugin("mirror");
}

/// An appliance with echo and the first version of the mirror, not started yet.
pub fn laid_out() -> Appliance {
    let appliance = Appliance::laid_out_with(&["echo"], |config| config);
    put(&appliance, "1.0.0", |manifest| manifest);
    appliance
}

/// The same, serving.
pub fn start() -> Appliance {
    let mut appliance = laid_out();
    appliance.resume();
    appliance.await_up(&["echo", "mirror"]);
    appliance
}
