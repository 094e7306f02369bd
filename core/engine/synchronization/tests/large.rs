//! A large directory: its first run, a run without changes, a run with some, each measured in rows that are written.

use jackfield_abi::ops::DirectoryEntry;

use super::bench::*;

fn people(count: usize, version: impl Fn(usize) -> usize) -> Vec<DirectoryEntry> {
    let person = |n: usize| DirectoryEntry {
        first_name: Some(format!("First{n}")),
        email: Some(format!("user{n}@acme.example.com")),
        extension: Some(format!("8{n:06}")),
        folder: Some(format!("Unit {}/Team {}", n % 7, n % 40)),
        ..entry(&format!("{n:032x}"), &format!("v{}", version(n)), &format!("user{n}"))
    };
    (0..count).map(person).collect()
}

fn files(bench: &Bench) -> u64 {
    let folder = bench.engine.state.path();
    ["jackfield.db", "jackfield.db-wal"]
        .iter()
        .filter_map(|name| folder.join(name).metadata().ok())
        .map(|m| m.len())
        .sum()
}

/// Fifty thousand, as a directory of a large company has them: first all, then nothing new, then five hundred changes.
#[test]
fn fifty_thousand_entries_cost_what_differs() {
    const MANY: usize = 50_000;
    let bench = bench();
    let began = std::time::Instant::now();
    let closed = bench.run(lyon(), &people(MANY, |_| 1));
    eprintln!("first run: {:?}", began.elapsed());
    assert_eq!((closed.adds, closed.refused), (MANY as u64, 0));
    assert_eq!(bench.count("SELECT parts FROM revision ORDER BY n DESC LIMIT 1"), 50_000, "one revision");
    let (commits, size) = (bench.commits(), files(&bench));
    let began = std::time::Instant::now();
    let closed = bench.run(lyon(), &people(MANY, |_| 1));
    eprintln!("run without changes: {:?}", began.elapsed());
    assert_eq!((closed.unchanged, closed.revision), (MANY as u64, None));
    assert_eq!((bench.commits(), files(&bench)), (commits, size), "not a row is written");
    let next: Vec<_> = people(MANY, |n| if n % 100 == 0 { 2 } else { 1 })
        .into_iter()
        .map(|entry| match entry.hash.as_str() {
            "v2" => DirectoryEntry { extension: Some("999".to_owned()), ..entry },
            _ => entry,
        })
        .collect();
    let began = std::time::Instant::now();
    let closed = bench.run(lyon(), &next);
    eprintln!("run with 500 changes: {:?}", began.elapsed());
    assert_eq!((closed.changes, closed.unchanged, bench.commits()), (500, 49_500, commits + 1));
    assert_eq!(bench.count("SELECT parts FROM revision ORDER BY n DESC LIMIT 1"), 500);
}
