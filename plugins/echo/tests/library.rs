//! The plugins as libraries: what they export, and a conversation with each through the C interface. A host
//! of one page in C (`drive.c`) is linked with them.

#![cfg(test)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jackfield_sdk::{Value, json};

const FLAGS: [&str; 5] = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Runs it and gives what it printed; a failure shows what it said.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn gcc() -> Command {
    let mut gcc = Command::new("gcc");
    gcc.args(FLAGS).arg("-I").arg(here("../abi"));
    gcc
}

fn c_library(folder: &Path) -> PathBuf {
    let library = folder.join("libjackfield_echo_c.so");
    run(gcc().args(["-shared", "-fPIC", "-o"]).arg(&library).arg(here("c/echo.c")));
    library
}

/// A library of the workspace. Testing a package does not leave its library behind, so it is built here.
fn rust_library(package: &str) -> PathBuf {
    let arguments = ["build", "--quiet", "--message-format=json", "-p", package];
    let built = run(Command::new(env!("CARGO")).args(arguments).current_dir(here(".")));
    let name = format!("lib{}.so", package.replace('-', "_"));
    let messages = built.lines().filter_map(|line| line.parse::<Value>().ok());
    let files = messages.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    files.filter_map(|file| file.as_str().map(PathBuf::from)).find(|path| path.ends_with(&name)).unwrap()
}

fn exported(library: &Path) -> Vec<String> {
    let symbols = run(Command::new("nm").args(["-D", "--defined-only"]).arg(library));
    symbols.lines().filter_map(|line| line.split_whitespace().last().map(str::to_owned)).collect()
}

/// What the plugin sends, as (kind, id, content), when it is started and asked those requests in turn.
fn conversation(library: &Path, settings: Value, requests: &[Value]) -> Vec<(u32, u64, Value)> {
    let folder = tempfile::tempdir().unwrap();
    let host = folder.path().join("host");
    let libraries = library.parent().unwrap().display();
    run(gcc()
        .arg("-o")
        .arg(&host)
        .arg(here("tests/drive.c"))
        .arg(library)
        .arg(format!("-Wl,-rpath,{libraries}")));
    let limits = jackfield_sdk::abi::ops::Limits::default();
    let config = json!({"version": "1", "services": [], "settings": settings, "limits": limits});
    let lines = requests.iter().enumerate().map(|(n, request)| format!("2 {} {request}\n", 2 * n + 2));
    printed(Command::new(&host).arg(config.to_string()), &lines.collect::<String>())
}

fn printed(host: &mut Command, input: &str) -> Vec<(u32, u64, Value)> {
    let mut host = host.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    host.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = host.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(message).collect()
}

fn message(line: &str) -> (u32, u64, Value) {
    let mut parts = line.splitn(3, ' ');
    let mut next = || parts.next().unwrap();
    (next().parse().unwrap(), next().parse().unwrap(), next().parse().unwrap())
}

fn requests(path: &str) -> [Value; 4] {
    let tricky = json!({"who": "a \" } liar", "method": ["GET", {"op": "x\\"}], "é": null});
    let http = |method: &str, body: Value| json!({"op": "http", "args": {"method": method, "path": path, "body": body, "who": "Ann \"A\" B"}});
    let job = json!({"job": "7", "name": "count", "input": {"to": 3}});
    [
        http("GET", Value::Null),
        http("POST", tricky),
        json!({"op": "job.run", "args": job, "deadline_ms": 5000}),
        json!({"op": "dance"}),
    ]
}

/// Both languages behave alike, but for the greeting.
fn behaves(said: &[(u32, u64, Value)], path: &str) {
    let answer = |id: u64| said.iter().find(|(kind, of, _)| *of == id && matches!(kind, 3 | 4)).unwrap();
    assert_eq!((said[0].0, &said[0].2["id"]), (1, &json!(path)));
    assert_eq!((answer(2).0, &answer(2).2["body"]["who"]), (3, &json!("Ann \"A\" B")));
    assert_eq!(answer(2).2["body"]["method"], "GET");
    assert_eq!(answer(4).2["body"], requests(path)[1]["args"]["body"]);
    assert_eq!(answer(6).2, json!({"result": {"counted": 3}}));
    let progress: Vec<_> =
        said.iter().filter(|(kind, ..)| *kind == 2).map(|m| &m.2["args"]["done"]).collect();
    assert_eq!(progress, [1, 2, 3]);
    assert_eq!((answer(8).0, &answer(8).2["code"]), (4, &json!("bad_request")));
}

#[test]
fn the_plugin_in_c_exports_one_symbol_and_answers() {
    let folder = tempfile::tempdir().unwrap();
    let library = c_library(folder.path());
    assert_eq!(exported(&library), ["jackfield_plugin_v1"]);
    behaves(&conversation(&library, json!({}), &requests("echo_c")), "echo_c");
}

#[test]
fn the_plugin_in_c_fits_on_a_page() {
    let source = std::fs::read_to_string(here("c/echo.c")).unwrap();
    assert!(source.lines().count() <= 60);
}

#[test]
fn the_plugin_in_rust_exports_one_symbol_and_answers() {
    let library = rust_library("jackfield-echo");
    assert_eq!(exported(&library), ["jackfield_plugin_v1"]);
    let settings = json!({"echo.greeting": "Hello"});
    behaves(&conversation(&library, settings, &requests("echo")), "echo");
}

#[test]
fn the_faulty_plugin_exports_one_symbol_and_answers_while_it_behaves() {
    let library = rust_library("jackfield-faulty");
    assert_eq!(exported(&library), ["jackfield_plugin_v1"]);
    let faults =
        [json!({"op": "fault", "args": {"how": "none"}}), json!({"op": "fault", "args": {"how": "?"}})];
    let said = conversation(&library, json!({}), &faults);
    assert_eq!(said.iter().map(|(kind, id, _)| (*kind, *id)).collect::<Vec<_>>(), [(1, 0), (3, 2), (4, 4)]);
}
