//! The code keeps to the picture of its parts: who may use whom in the core, which foreign crate is named in
//! which folder only, and that every dependency has its reason. Reads the sources; nothing is started.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::harness::workspace;

/// Each part of the core and the parts it may use. `cli` stands at the left and may use everything to its
/// right; `config` and `logging` help `cli` and `boot`; `api` and `console`, `engine` and `http` are
/// neighbours, which do not know each other.
const ARROWS: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("cli", &["boot", "api", "console", "http", "engine", "host", "lua", "catalog", "config", "logging"]),
    ("boot", &["api", "console", "http", "engine", "host", "lua", "catalog", "config", "logging"]),
    ("api", &["http", "engine", "host", "lua", "catalog"]),
    ("console", &["http", "engine", "host", "lua", "catalog"]),
    ("engine", &["host", "lua", "catalog"]),
    ("http", &["host", "lua", "catalog"]),
    ("host", &["catalog"]),
    ("lua", &["catalog"]),
    ("catalog", &[]),
    ("config", &["catalog"]),
    ("logging", &["config"]),
];

/// Foreign crates and the one folder that names each.
const DOORS: &[(&str, &str)] = &[
    ("tiny_http", "core/http"),
    ("rustls", "core/http"),
    ("rcgen", "core/http"),
    ("mio", "core/http"),
    ("httparse", "core/http"),
    ("dns_lookup", "core/engine/probes"),
    ("md5", "core/engine/probes"),
    ("libloading", "core/host"),
    ("landlock", "core/host"),
    ("seccompiler", "core/host"),
    ("mlua", "core/lua"),
    ("rusqlite", "db"),
];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// `core/api/call.rs` belongs to the part `api`, `core/boot.rs` to `boot`.
    fn part(&self) -> &str {
        let below = self.path.strip_prefix("core").expect("a file of the core");
        let first = below.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
        first.trim_end_matches(".rs")
    }

    /// Lines of code with their numbers, without what is commented out.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        numbered.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// Every Rust file below a folder of the workspace, with its path from there.
fn sources(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![workspace().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the workspace").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(source(&path));
            }
        }
    }
    found
}

fn source(path: &Path) -> Source {
    let text = std::fs::read_to_string(path).expect("a readable source");
    Source { path: path.strip_prefix(workspace()).expect("inside the workspace").to_owned(), text }
}

/// Parts named by paths that begin at the crate's root, such as `use crate::http::Request;`. `use crate::{…}`
/// has each of its parts.
fn parts_used(line: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for after in line.split("crate::").skip(1) {
        match after.strip_prefix('{') {
            Some(list) => parts.extend(top_names(list)),
            None => parts.extend(first_name(after)),
        }
    }
    parts
}

fn first_name(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    Some(name).filter(|name| name.starts_with(|c: char| c.is_lowercase()))
}

/// The names of a brace list that are not inside inner braces.
fn top_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut names = vec![String::new()];
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            _ if depth == 0 => names.last_mut().expect("one name at least").push(letter),
            _ => {}
        }
    }
    names.iter().filter_map(|name| first_name(name.trim())).collect()
}

fn allowed(part: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(name, _)| *name == part).map(|(_, uses)| *uses)
}

/// Arrows of one file that the picture does not have.
fn wrong_arrows(source: &Source) -> Vec<String> {
    let part = source.part();
    let Some(uses) = allowed(part) else {
        return vec![format!("{}: the part {part:?} is not in the picture", source.path.display())];
    };
    let mut wrong = Vec::new();
    for (number, line) in source.code() {
        let used = parts_used(line).into_iter();
        let strange =
            used.filter(|name| name != part && allowed(name).is_some() && !uses.contains(&name.as_str()));
        wrong.extend(strange.map(|name| format!("{}:{number}: {part} uses {name}", source.path.display())));
    }
    wrong
}

#[test]
fn no_part_of_the_core_uses_one_to_its_left_or_beside_it() {
    let sources = sources("core");
    assert!(sources.len() > 50, "only {} files were read", sources.len());
    let wrong: Vec<_> = sources.iter().flat_map(wrong_arrows).collect();
    assert!(wrong.is_empty(), "the code or the picture is wrong:\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_arrow_would_be_seen() {
    let file = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
    let wrong = |path: &str, text: &str| wrong_arrows(&file(path, text)).len();
    assert_eq!(wrong("core/engine/x.rs", "use crate::http::Client;"), 1);
    assert_eq!(wrong("core/api/x.rs", "let x = crate::console::answer();"), 1);
    assert_eq!(wrong("core/http/x.rs", "use crate::{catalog::problems, engine::{Engine, change}, api};"), 2);
    assert_eq!(wrong("core/catalog/x.rs", "use crate::config::Config;"), 1);
    assert_eq!(wrong("core/strange.rs", ""), 1);
    assert_eq!(wrong("core/engine/x.rs", "// crate::http is what api uses\nuse crate::engine::change;"), 0);
    assert_eq!(wrong("core/boot.rs", "use crate::{api, engine::Engine};"), 0);
}

/// Whether a line names a crate as a path, not as part of a longer word or inside words for people.
fn names_crate(line: &str, name: &str) -> bool {
    [format!("{name}::"), format!("use {name};"), format!("extern crate {name}")].iter().any(|form| {
        line.match_indices(form.as_str()).any(|(at, _)| {
            !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
        })
    })
}

#[test]
fn every_foreign_crate_has_one_door() {
    let mut wrong = Vec::new();
    for source in ["core", "db"].into_iter().flat_map(sources) {
        for (name, door) in DOORS.iter().filter(|(_, door)| !source.path.starts_with(door)) {
            let lines = source.code().filter(|(_, line)| names_crate(line, name));
            wrong.extend(
                lines.map(|(n, _)| format!("{}:{n} names {name}, which is {door}'s", source.path.display())),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(names_crate("use rustls::ServerConfig;", "rustls") && !names_crate("crate::mio::x", "mio"));
}

/// Besides the database crate only the benchmarks name it: it is what they compare with.
#[test]
fn only_the_database_crate_depends_on_sqlite() {
    let naming = manifests().into_iter().filter(|manifest| manifest.text.contains("\nrusqlite"));
    let places: BTreeSet<_> = naming.map(|manifest| manifest.path).collect();
    assert_eq!(places, BTreeSet::from(["db/Cargo.toml", "tests/Cargo.toml"].map(PathBuf::from)));
}

fn manifests() -> Vec<Source> {
    let root = source(&workspace().join("Cargo.toml"));
    let members =
        root.text.lines().find_map(|line| line.strip_prefix("members = [")).expect("members on one line");
    let folders: Vec<_> = members.split('"').skip(1).step_by(2).map(|name| workspace().join(name)).collect();
    let below = folders.iter().map(|folder| source(&folder.join("Cargo.toml")));
    let below: Vec<_> = below.collect();
    std::iter::once(root).chain(below).collect()
}

/// Dependencies without a comment line above; `name.workspace = true` has its reason in the workspace.
fn without_reason(manifest: &Source) -> Vec<String> {
    let lines: Vec<&str> = manifest.text.lines().collect();
    let mut in_dependencies = false;
    let mut bare = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.trim_end().ends_with("dependencies]");
        } else if in_dependencies
            && line.contains('=')
            && !line.starts_with(['#', ' '])
            && !line.contains(".workspace")
        {
            let has_reason = index > 0 && lines[index - 1].starts_with("# ");
            bare.extend((!has_reason).then(|| format!("{}:{}: {line}", manifest.path.display(), index + 1)));
        }
    }
    bare
}

#[test]
fn every_dependency_has_its_reason() {
    let manifests = manifests();
    let bare: Vec<_> = manifests.iter().flat_map(without_reason).collect();
    assert!(bare.is_empty(), "say in a comment line above why this is needed:\n{}", bare.join("\n"));
    assert!(manifests.len() >= 3, "only {} manifests were read", manifests.len());
    let example = "[dev-dependencies]\na = \"1\"\n# why\nb = \"1\"\nlog.workspace = true\n[x]\nc = 1\n";
    let bare = without_reason(&Source { path: "Cargo.toml".into(), text: example.to_owned() });
    assert_eq!(bare, ["Cargo.toml:2: a = \"1\""]);
}

#[test]
fn every_source_file_says_what_it_is_for() {
    let all = ["core", "db", "tests"].into_iter().flat_map(sources);
    let silent: Vec<_> =
        all.filter(|source| !source.text.starts_with("//! ")).map(|source| source.path).collect();
    assert!(silent.is_empty(), "these do not open with a //! comment: {silent:?}");
}
