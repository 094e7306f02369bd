//! The conformance check passes what keeps the treaty and names what does not.

use std::fs;
use std::path::Path;

use super::bench::{Bench, built, compile, install_echo_c, source};
use crate::host::conformance::{Finding, Verdict, check};

fn problems(target: &Path) -> Vec<Finding> {
    let mut findings = check(&built("jackfield"), target).unwrap();
    assert_eq!(findings.len(), 17);
    findings.retain(|finding| finding.verdict == Verdict::Problem);
    findings
}

#[test]
fn the_echoes_keep_the_treaty() {
    let bench = Bench::new();
    install_echo_c(&bench);
    for id in ["echo", "echo_c"] {
        let problems: Vec<_> = problems(&bench.path(id)).into_iter().map(|f| (f.check, f.detail)).collect();
        // The test's own compiler call hides no symbols.
        let problems =
            problems.into_iter().filter(|(check, _)| id == "echo" || *check != "exports one symbol");
        assert_eq!(problems.collect::<Vec<_>>(), [], "{id}");
    }
}

#[test]
fn a_plugin_that_breaks_the_treaty_is_told_where() {
    let header = source("plugins/abi/jackfield_plugin.h");
    let code = format!(
        r#"{header}
        #include <string.h>
        #include <unistd.h>
        int stray(void) {{ return 0; }}
        static const jackfield_host *host;
        static void *start(const jackfield_host *h, const uint8_t *c, size_t n) {{
          static const char hello[] = "{{\"id\":\"rude\",\"version\":\"1.0.0\",\"ops\":[]}}";
          (void)c, (void)n;
          host = h;
          host->send(host->ctx, JACKFIELD_HELLO, 0, (const uint8_t *)hello, sizeof hello - 1);
          return &host;
        }}
        static int32_t recv(void *s, uint32_t kind, uint64_t id, const uint8_t *b, size_t n) {{
          (void)s;
          if (kind == JACKFIELD_REQUEST && n == 0) *(volatile int *)0 = 1;
          if (kind > JACKFIELD_PONG) _exit(9);
          if (kind == JACKFIELD_REQUEST) host->send(host->ctx, JACKFIELD_REPLY, id, b, n);
          return 0;
        }}
        static void stop(void *s, uint32_t ms) {{ (void)s, (void)ms; for (;;) pause(); }}
        const jackfield_plugin jackfield_plugin_v1 = {{sizeof jackfield_plugin_v1, JACKFIELD_ABI, "rude", start, recv, stop}};"#
    );
    let bench = Bench::empty();
    let problems = problems(&compile(&bench, "rude", &code));
    let rows = [
        ("exports one symbol", "stray"),
        ("answers an unknown operation with an error", "as if it knew"),
        ("survives empty messages", "SIGSEGV"),
        ("survives a kind of message that it does not know", "exit code 9"),
        ("stops in time", "did not stop in time"),
        ("stops during a call", "did not stop in time"),
        ("stops once when it is told twice", "did not stop in time"),
        ("ends with the appliance", "did not stop in time"),
    ];
    assert_eq!(problems.len(), rows.len(), "{problems:?}");
    for (problem, (check, words)) in problems.iter().zip(rows) {
        assert!(problem.check == check && problem.detail.contains(words), "{problem:?}");
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let bench = Bench::empty();
    let missing = check(&built("jackfield"), &bench.path("nothing.so")).unwrap_err();
    assert!(missing.contains("Cannot read"), "{missing}");
    fs::create_dir(bench.path("bad")).unwrap();
    bench.write("bad/plugin.toml", "id = 1");
    assert!(check(&built("jackfield"), &bench.path("bad")).unwrap_err().contains("plugin.toml: line 1"));
}

#[test]
fn a_library_that_needs_its_settings_gets_the_defaults_of_the_manifest_beside_it() {
    let header = source("plugins/abi/jackfield_plugin.h");
    let code = format!(
        r#"{header}
        #include <string.h>
        static const jackfield_host *host;
        static int32_t say(uint32_t kind, uint64_t id, const char *text) {{
          return host->send(host->ctx, kind, id, (const uint8_t *)text, strlen(text));
        }}
        static void *start(const jackfield_host *h, const uint8_t *c, size_t n) {{
          host = h;
          if (!memmem(c, n, "needy.word", 10)) return 0;
          say(JACKFIELD_HELLO, 0, "{{\"id\":\"needy\",\"version\":\"1.0.0\",\"ops\":[\"settings.changed\"]}}");
          return &host;
        }}
        static int32_t recv(void *s, uint32_t kind, uint64_t id, const uint8_t *b, size_t n) {{
          (void)s, (void)b, (void)n;
          if (kind == JACKFIELD_REQUEST) say(JACKFIELD_ERROR, id, "{{\"code\":\"bad_request\",\"msg\":\"no\"}}");
          return 0;
        }}
        static void stop(void *s, uint32_t ms) {{ (void)s, (void)ms; }}
        __attribute__((visibility("default"))) const jackfield_plugin jackfield_plugin_v1 = {{
          sizeof(jackfield_plugin), JACKFIELD_ABI, "needy", start, recv, stop}};"#
    );
    let bench = Bench::empty();
    let library = compile(&bench, "needy", &format!("#define _GNU_SOURCE\n{code}"));
    let alone = problems(&library);
    let hello = alone.iter().find(|finding| finding.check == "says hello").expect("it cannot start");
    assert!(hello.detail.contains("refused to start"), "{hello:?}");
    assert!(hello.detail.contains("put its plugin.toml beside it"), "{hello:?}");
    let manifest = r#"
        id = "needy"
        version = "1.0.0"
        abi = 1
        library = "needy.so"
        summary = "Needs a word"
        services = []
        ops = ["settings.changed"]
        settings = [{ name = "needy.word", kind = "text", default = "x", help = "A word" }]"#;
    bench.write("plugin.toml", manifest);
    let problems: Vec<_> =
        problems(&library).into_iter().filter(|f| f.check != "exports one symbol").collect();
    assert!(problems.is_empty(), "{problems:?}");
    bench.write("plugin.toml", "id = 1");
    assert!(check(&built("jackfield"), &library).unwrap_err().contains("plugin.toml: line 1"));
}
