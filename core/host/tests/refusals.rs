//! Every reason not to run a plugin at all, each with its own sentence.

use std::fs;
use std::os::unix::fs::{chown, symlink};

use super::bench::{Bench, built, compile, reaches, source, up};
use crate::host::refusal::{Refusal, Rule};
use crate::host::verify::{Trust, verify};
use crate::host::{Host, State};

fn refusal(bench: &Bench) -> Refusal {
    match verify(bench.dir.path(), "faulty", Trust::Signed) {
        Err(refusal) => refusal,
        Ok(_) => panic!("it was accepted"),
    }
}

#[test]
fn each_broken_rule_has_its_own_sentence() {
    type Row = (fn(&Bench), Rule, &'static str);
    let rows: &[Row] = &[
        (|b| b.set_mode("faulty/libjackfield_faulty.so", 0o666), Rule::Mode, "chmod go-w"),
        (|b| b.set_mode("faulty/plugin.toml", 0o664), Rule::Mode, "plugin.toml"),
        (|b| b.set_mode("faulty", 0o777), Rule::Mode, "written by others"),
        (|b| b.set_mode("faulty", 0o1777), Rule::Mode, "written by others"),
        (|b| b.set_mode("", 0o777), Rule::Mode, "written by others"),
        (|b| b.set_mode("keys", 0o777), Rule::Mode, "keys"),
        (|b| own(b, "faulty/libjackfield_faulty.so"), Rule::Owner, "belongs to user 65534"),
        (|b| own(b, "faulty"), Rule::Owner, "faulty belongs"),
        (|b| own(b, ""), Rule::Owner, "belongs to user"),
        (|b| own(b, "keys/test.pub"), Rule::Owner, "test.pub"),
        (|b| remove(b, "faulty/plugin.toml"), Rule::Missing, "plugin.toml"),
        (|b| remove(b, "faulty/libjackfield_faulty.so"), Rule::Missing, "libjackfield_faulty.so"),
        (link, Rule::FileKind, "is a link"),
        (|b| remove(b, "faulty/plugin.toml.sig"), Rule::Unsigned, "no signature"),
        (|b| remove(b, "keys/test.pub"), Rule::NoKey, "no trusted key"),
        (|b| b.write("keys/test.pub", "nonsense"), Rule::NoKey, "base64"),
        (|b| b.write("faulty/plugin.toml.sig", "nonsense"), Rule::Signature, "64 bytes"),
        (|b| b.write("faulty/plugin.toml", &(b.manifest("faulty") + "\n")), Rule::Signature, "trusted key"),
        (other_key, Rule::Signature, "test.pub"),
        (|b| resign(b, "abi = 1", "abi = 2"), Rule::Abi, "major version 2"),
        (|b| resign(b, "\"log/1\"", "\"fortune/1\""), Rule::Service, "fortune/1"),
        (|b| resign(b, "summary", "sumary"), Rule::Manifest, "did you mean `summary`?"),
        (|b| resign(b, "id = \"faulty\"", "id = \"other\""), Rule::Manifest, "begin with other"),
        (|b| b.write_bytes("faulty/libjackfield_faulty.so", b"\x7fELF"), Rule::Hash, "not the library"),
        (corrupt, Rule::Hash, "not the library"),
        (no_hash, Rule::Hash, "lacks sha256"),
    ];
    for (number, (break_it, rule, words)) in rows.iter().enumerate() {
        let bench = Bench::new();
        assert!(verify(bench.dir.path(), "faulty", Trust::Signed).is_ok());
        break_it(&bench);
        let refusal = refusal(&bench);
        assert_eq!(refusal.rule, *rule, "row {number}: {refusal}");
        assert!(refusal.sentence.contains(words), "row {number}: {refusal}");
    }
}

fn own(bench: &Bench, name: &str) {
    chown(bench.path(name), Some(65534), None).unwrap();
}

fn remove(bench: &Bench, name: &str) {
    fs::remove_file(bench.path(name)).unwrap();
}

fn link(bench: &Bench) {
    let (library, aside) = (bench.path("faulty/libjackfield_faulty.so"), bench.path("aside.so"));
    fs::rename(&library, &aside).unwrap();
    symlink(&aside, &library).unwrap();
}

fn other_key(bench: &Bench) {
    let other = Bench::empty();
    fs::copy(other.path("keys/test.pub"), bench.path("keys/test.pub")).unwrap();
}

fn resign(bench: &Bench, from: &str, to: &str) {
    let changed = bench.manifest("faulty").replacen(from, to, 1);
    bench.sign("faulty", &changed);
}

fn corrupt(bench: &Bench) {
    let mut code = fs::read(bench.path("faulty/libjackfield_faulty.so")).unwrap();
    let middle = code.len() / 2;
    code[middle] ^= 1;
    bench.write_bytes("faulty/libjackfield_faulty.so", &code);
}

fn no_hash(bench: &Bench) {
    let manifest = bench.manifest("faulty");
    let rest = manifest.lines().filter(|line| !line.starts_with("sha256")).collect::<Vec<_>>().join("\n");
    bench.sign("faulty", &rest);
}

#[test]
fn a_library_that_is_none_or_another_is_refused_by_the_process() {
    const TABLE: &str = "struct { unsigned size, abi; const char *id; void *f[3]; }";
    let rows = [
        ("nothing.so", b"no library".to_vec(), "cannot be loaded"),
        ("empty", code("int unused;"), "does not export"),
        ("newer", code(&format!("const {TABLE} jackfield_plugin_v1 = {{40, 0x20000, \"faulty\"}};")), "2.0"),
        (
            "short",
            code(&format!("const {TABLE} jackfield_plugin_v1 = {{16, 0x10000, \"faulty\"}};")),
            "16 bytes",
        ),
        (
            "hollow",
            code(&format!("const {TABLE} jackfield_plugin_v1 = {{40, 0x10000, \"faulty\"}};")),
            "lacks start",
        ),
        (
            "other",
            code(&format!(
                "const {TABLE} jackfield_plugin_v1 = {{40, 0x10000, \"other\", {{(void*)1, (void*)1, (void*)1}}}};"
            )),
            "says it is \"other\"",
        ),
        (
            "busy",
            code(&format!(
                "#include <pthread.h>\n#include <unistd.h>\nstatic void *idle(void *x) {{ pause(); return x; }}\n\
                 __attribute__((constructor)) static void begin(void) {{ pthread_t t; pthread_create(&t, 0, idle, 0); }}\n\
                 const {TABLE} jackfield_plugin_v1 = {{40, 0x10000, \"faulty\", {{(void*)1, (void*)1, (void*)1}}}};"
            )),
            "starts threads while it is loaded",
        ),
    ];
    let bench = Bench::empty();
    for (name, code, words) in rows {
        let library = bench.path("libjackfield_faulty.so");
        fs::write(&library, code).unwrap();
        bench.install("faulty", &source("plugins/echo/faulty/plugin.toml"), &library);
        let host = bench.host();
        let status = reaches(&host, "faulty", State::Refused);
        assert!(status.reason.contains(words), "{name}: {}", status.reason);
    }
}

fn code(c: &str) -> Vec<u8> {
    fs::read(compile(&Bench::empty(), "library", c)).unwrap()
}

#[test]
fn a_refused_plugin_starts_after_it_was_put_right_and_others_never_wait() {
    let bench = Bench::new();
    bench.set_mode("faulty", 0o777);
    let host = bench.host();
    up(&host, "echo");
    let status = reaches(&host, "faulty", State::Refused);
    assert!(status.reason.contains("chmod"), "{}", status.reason);
    assert!(host.restart("faulty").unwrap_err().contains("chmod"));
    bench.set_mode("faulty", 0o755);
    host.restart("faulty").unwrap();
    up(&host, "faulty");
}

/// The manifest of `faulty` with a route below `peers`; the plugin says hello as before.
fn beside(bench: &Bench, id: &str, template: &str) {
    let route = format!(
        "\n[[routes]]\nmethod = \"GET\"\npath = \"{template}\"\npublic = true\nsummary = \"Shows\"\n"
    );
    let manifest = bench.manifest(id).replacen("memory_mib", "serves = [\"peers\"]\nmemory_mib", 1);
    bench.sign(id, &(manifest + &route));
}

#[test]
fn of_two_plugins_with_the_same_route_the_first_by_name_has_it() {
    let bench = Bench::new();
    beside(&bench, "echo", "peers/{id}/shown");
    beside(&bench, "faulty", "peers/{peer}/shown");
    let refused = refusal(&bench);
    assert_eq!(refused.rule, Rule::Claim, "{refused}");
    for words in ["GET peers/{peer}/shown of faulty", "of the plugin echo as well"] {
        assert!(refused.sentence.contains(words), "{refused}");
    }
    assert!(verify(bench.dir.path(), "echo", Trust::Signed).is_ok());
}

#[test]
fn plugins_with_different_routes_below_one_segment_run_side_by_side() {
    let bench = Bench::new();
    beside(&bench, "echo", "peers/{id}/shown");
    beside(&bench, "faulty", "peers/{id}/hidden");
    let host = bench.host();
    up(&host, "echo");
    up(&host, "faulty");
}

#[test]
fn a_plugin_that_is_refused_itself_holds_no_route() {
    let bench = Bench::new();
    beside(&bench, "echo", "peers/{id}/shown");
    beside(&bench, "faulty", "peers/{id}/shown");
    bench.write("echo/plugin.toml.sig", "nonsense");
    assert!(verify(bench.dir.path(), "faulty", Trust::Signed).is_ok());
}

#[test]
fn development_needs_no_signature_but_the_same_owner_and_mode() {
    let bench = Bench::empty();
    bench.install("faulty", &source("plugins/echo/faulty/plugin.toml"), &built("libjackfield_faulty.so"));
    fs::remove_dir_all(bench.path("keys")).unwrap();
    no_hash(&bench);
    let mut config = bench.config();
    config.trust = Trust::Development;
    let host = Host::start(config).unwrap();
    assert_eq!(up(&host, "faulty").signed_by, None);
    bench.set_mode("faulty", 0o777);
    assert!(verify(bench.dir.path(), "faulty", Trust::Development).is_err());
}
