//! Plugins' storage: what their SQL may reach, what it may cost, how their tables grow.

use std::time::Duration;

use super::*;
use crate::migrations::CORE;
use crate::{Owner, OwnerStep, Table, Value};

const SCHEMA: &str = "CREATE TABLE federation_server (id INTEGER PRIMARY KEY, domain TEXT UNIQUE) STRICT;\
    CREATE TABLE federation_link (server INTEGER REFERENCES federation_server (id) ON DELETE CASCADE) STRICT;\
    CREATE INDEX federation_links ON federation_link (server);\
    CREATE TRIGGER federation_linked AFTER INSERT ON federation_server BEGIN \
      INSERT INTO federation_link VALUES (new.id); END; -- the end";

/// What no plugin may do, neither in a statement nor in a migration.
const ATTACKS: &[&str] = &[
    "SELECT password FROM admin",
    "SELECT count(*) FROM admin",
    "SELECT 1 FROM \"ADMIN\"",
    "SELECT EXISTS (SELECT 1 FROM main.admin)",
    "SELECT id FROM enterprise",
    "SELECT seq FROM pbx_node",
    "SELECT rowid FROM core_nodes, admin",
    "SELECT name FROM sqlite_schema",
    "SELECT 1 FROM sqlite_master",
    "SELECT * FROM sqlite_temp_master",
    "SELECT seq FROM sqlite_sequence",
    "SELECT * FROM dbstat",
    "SELECT 1 FROM dbstat",
    "SELECT name FROM pragma_table_info('admin')",
    "SELECT 1 FROM pragma_user_version",
    "WITH core_nodes AS (SELECT password FROM admin) SELECT * FROM core_nodes",
    "WITH core_nodes AS (SELECT id FROM pbx_node) SELECT * FROM core_nodes",
    "WITH \"Core_Nodes\"/**/(id) as materialized (SELECT id FROM pbx_node) SELECT * FROM core_nodes",
    "WITH [core_nodes] --x\n AS NOT MATERIALIZED (SELECT id FROM pbx_node) SELECT * FROM core_nodes",
    "WITH admin2 AS (SELECT password FROM admin) SELECT * FROM admin2",
    "SELECT * FROM (SELECT password FROM admin) AS core_nodes",
    "SELECT id FROM federation2_x",
    "SELECT id FROM xfederation_x",
    "SELECT id FROM \"federation\"",
    "INSERT INTO meta VALUES ('a', 'b')",
    "UPDATE admin SET role='admin'",
    "DELETE FROM admin",
    "DELETE FROM core_nodes",
    "INSERT INTO federation2_x VALUES (9)",
    "REPLACE INTO owner_schema VALUES ('x', 9, '')",
    "INSERT INTO federation_server (domain) SELECT password FROM admin",
    "INSERT INTO federation_server (domain) VALUES ('x') RETURNING (SELECT password FROM admin)",
    "UPDATE federation_server SET domain = password FROM admin",
    "UPDATE sqlite_master SET sql=''",
    "INSERT INTO sqlite_master VALUES (1,2,3,4,5)",
    "DELETE FROM sqlite_master",
    "DELETE FROM sqlite_sequence",
    "ATTACH ':memory:' AS x",
    "DETACH x",
    "PRAGMA user_version=1",
    "PRAGMA table_info(admin)",
    "VACUUM",
    "VACUUM INTO '/nowhere/x'",
    "REINDEX",
    "REINDEX federation_links",
    "ANALYZE",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "RELEASE job",
    "ROLLBACK TO job",
    "SELECT load_extension('x')",
    "SELECT fts3_tokenizer('x')",
    "SELECT sqlite_version()",
    "CREATE VIEW federation_v AS SELECT * FROM admin",
    "DROP VIEW core_nodes",
    "CREATE TEMP TABLE federation_t (a)",
    "CREATE TEMP VIEW federation_v AS SELECT 1",
    "CREATE TEMP TRIGGER federation_g AFTER INSERT ON federation_server BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE federation_v USING fts5 (a)",
    "CREATE TABLE other (a TEXT) STRICT",
    "CREATE TABLE core_x (a TEXT) STRICT",
    "CREATE TABLE federation_c AS SELECT name FROM sqlite_schema",
    "DROP TABLE admin",
    "DROP INDEX account_node",
    "ALTER TABLE admin ADD COLUMN x TEXT",
    "CREATE INDEX federation_i ON admin (password)",
    "CREATE INDEX other ON federation_server (domain)",
    "CREATE TRIGGER federation_g AFTER INSERT ON admin BEGIN SELECT 1; END",
    "ALTER TABLE federation_server RENAME TO other",
    "CREATE TABLE federation_f (a INTEGER REFERENCES admin (seq)) STRICT",
    "ALTER TABLE federation_link ADD COLUMN a INTEGER REFERENCES admin (seq)",
    "CREATE TRIGGER federation_g AFTER UPDATE OF domain ON federation_server BEGIN DELETE FROM admin; END",
    "CREATE TRIGGER federation_g AFTER DELETE ON federation_server WHEN (SELECT 1 FROM admin) BEGIN SELECT 1; END",
];

fn owner(id: &str) -> Owner {
    Owner::new(id).unwrap()
}

fn steps(list: &[&str]) -> Vec<OwnerStep> {
    list.iter().map(|sql| OwnerStep { name: "step".to_owned(), sql: (*sql).to_owned() }).collect()
}

fn filled(place: &Place) -> Db {
    let db = place.try_open(CORE).unwrap().0;
    db.migrate_owner(&owner("federation"), &steps(&[SCHEMA])).unwrap();
    db.migrate_owner(&owner("federation2"), &steps(&["CREATE TABLE federation2_x (id INTEGER) STRICT"]))
        .unwrap();
    let core = "INSERT INTO admin VALUES (1, 'a', 'n', 'admin', 'secret', 1, '', '')";
    db.write(move |tx| tx.execute(core, [])).unwrap();
    let core = "INSERT INTO enterprise (id, description, domain, revision, created_at, changed_at)
                VALUES ('ente', 'E', 'd', 1, '', '')";
    db.write(move |tx| tx.execute(core, [])).unwrap();
    db
}

fn query(db: &Db, sql: &str) -> Result<Table, Error> {
    db.query_as(&owner("federation"), sql, Vec::new(), 100)
}

fn execute(db: &Db, sql: &str) -> Result<usize, Error> {
    let sql = sql.to_owned();
    db.write_as(&owner("federation"), move |tx| Ok(tx.execute_as(&sql, Vec::new())?.rows))
}

/// Everything that an attack could have changed.
fn picture(db: &Db) -> Vec<String> {
    let sql = "SELECT name || coalesce(sql, '') FROM sqlite_schema UNION ALL SELECT password || role FROM admin \
         UNION ALL SELECT 'server' FROM federation_server UNION ALL SELECT 'x' FROM federation2_x \
         UNION ALL SELECT owner || version FROM owner_schema UNION ALL SELECT name FROM meta ORDER BY 1";
    db.read::<_, Error>(|read| read.all(sql, [], |row| row.get(0))).unwrap()
}

#[test]
fn no_attack_gets_through() {
    let place = Place::new();
    let db = filled(&place);
    let before = picture(&db);
    let mut through = Vec::new();
    for attack in ATTACKS {
        let in_step = db.migrate_owner(&owner("federation"), &steps(&[SCHEMA, attack]));
        for (way, outcome) in [
            ("query", query(&db, attack).map(drop)),
            ("execute", execute(&db, attack).map(drop)),
            ("step", in_step.map(drop)),
        ] {
            let is_missing = attack.contains("xfederation_x") || attack.contains("\"federation\"");
            let is_refused = matches!(outcome, Err(Error::Denied { .. })) || (is_missing && outcome.is_err());
            if !is_refused {
                through.push(format!("{way}: {attack}: {outcome:?}"));
            }
        }
    }
    assert!(through.is_empty(), "{through:#?}");
    assert_eq!(picture(&db), before);
}

#[test]
fn what_core_ran_before_is_refused_to_a_plugin_and_the_other_way_round() {
    let place = Place::new();
    let db = filled(&place);
    let (read, change) = ("SELECT password FROM admin", "DELETE FROM admin WHERE seq = 7");
    for _ in 0..3 {
        for _ in 0..place.readers {
            let core = db.read::<_, Error>(|r| r.one(read, [], |row| row.get::<_, String>(0)));
            assert_eq!(core.unwrap().as_deref(), Some("secret"));
            assert!(matches!(query(&db, read), Err(Error::Denied { .. })));
        }
        assert_eq!(db.write(move |tx| tx.execute(change, [])), Ok(0));
        assert!(matches!(execute(&db, change), Err(Error::Denied { .. })));
    }
}

#[test]
fn own_tables_and_views_are_free_to_use() {
    let place = Place::new();
    let db = filled(&place);
    let answer = db.write_as(&owner("federation"), |tx| {
        let made = tx.query_as(
            "INSERT INTO FEDERATION_server (domain) VALUES (?1) RETURNING id, domain",
            vec![Value::Text("a.example".to_owned())],
            10,
        )?;
        tx.execute("INSERT INTO meta VALUES ('noted', 'with it')", [])?;
        let again = tx.execute_as(
            "INSERT INTO federation_server VALUES (1, 'b') ON CONFLICT (id) DO UPDATE SET domain = excluded.domain",
            Vec::new(),
        )?;
        Ok::<_, Error>((made, again.rows))
    });
    let (made, rows) = answer.unwrap();
    assert_eq!((made.columns, rows), (vec!["id".to_owned(), "domain".to_owned()], 1));
    assert_eq!(made.rows, [[Value::Integer(1), Value::Text("a.example".to_owned())]]);
    for sql in [
        "SELECT count(*) FROM federation_link",
        "SELECT id FROM core_enterprises",
        "SELECT count(*) FROM CORE_enterprises",
        "SELECT e.domain FROM core_enterprises AS e LEFT JOIN federation_server ON 1",
        "SELECT upper('a') LIKE 'A'",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT count(*) FROM n",
        "SELECT value FROM json_each('[1]')",
        "SELECT row_number() OVER () FROM federation_server",
        "EXPLAIN QUERY PLAN SELECT 1 FROM federation_server",
    ] {
        assert_eq!(query(&db, sql).map(|table| table.rows.len()), Ok(1), "{sql}");
    }
    let alter = "ALTER TABLE federation_server RENAME TO federation_host; ALTER TABLE federation_host ADD COLUMN w TEXT NOT NULL \
        DEFAULT 'x' CHECK (length(w) > 0); ALTER TABLE federation_host RENAME COLUMN w TO v; \
        ALTER TABLE federation_host DROP COLUMN v; DROP TRIGGER federation_linked; DROP TABLE federation_link";
    let migrated = db.migrate_owner(&owner("federation"), &steps(&[SCHEMA, alter])).unwrap();
    assert_eq!((migrated.from, migrated.to), (1, 2));
    assert!(
        migrated.copy.unwrap().file_name().unwrap().to_str().unwrap().starts_with("pre-federation-1-to-2-")
    );
    let newer = db.migrate_owner(&owner("federation"), &steps(&[SCHEMA]));
    assert!(matches!(newer, Err(Error::Migration { .. })), "{newer:?}");
}

#[test]
fn a_panic_ends_the_confinement() {
    let place = Place { readers: 1, ..Place::new() };
    let db = filled(&place);
    let outcome = db.write_as::<(), Error>(&owner("federation"), |tx| {
        let late = std::time::Instant::now() + LIMIT;
        tx.confined(&owner("federation"), late, |_| panic!("while confined"))
    });
    assert!(matches!(outcome, Err(Error::Panicked { .. })));
    assert_eq!(db.write(|tx| tx.execute("UPDATE admin SET role = 'viewer'", [])), Ok(1));
}

#[test]
fn sizes_are_bounded() {
    let place = Place::new();
    let db = filled(&place);
    let many =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT hex(zeroblob(?1)) FROM n";
    let ask = |bytes, limit| db.query_as(&owner("federation"), many, vec![Value::Integer(bytes)], limit);
    let few = ask(1, 3).unwrap();
    assert_eq!((few.rows.len(), few.more), (3, true));
    let too_large = [
        ask(400_000, 100).unwrap_err(),
        ask(2_000_000, 1).unwrap_err(),
        query(&db, &format!("SELECT '{}'", "x".repeat(65_536))).unwrap_err(),
        db.query_as(&owner("federation"), "SELECT 1", vec![Value::Null; 251], 1).unwrap_err(),
    ];
    for error in too_large {
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
    let long = db.read::<_, Error>(|read| {
        read.one("SELECT length(zeroblob(2000000))", [], |row| row.get::<_, i64>(0))
    });
    assert_eq!(long, Ok(Some(2_000_000)), "core keeps its own limits");
}

#[test]
fn endless_sql_is_stopped_and_neighbours_lose_nothing() {
    let place = Place { owner_time: Duration::from_millis(200), ..Place::new() };
    let db = filled(&place);
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
    let read = query(&db, &format!("{endless} SELECT count(*) FROM n"));
    assert!(matches!(read, Err(Error::TooSlow { .. })), "{read:?}");
    let blockade = Blockade::new(&db);
    let meta = |name: &'static str| {
        move |db: &Db| db.write(move |tx| tx.execute("INSERT INTO meta VALUES (?1, '')", [name]))
    };
    let before = queued(&db, 1, meta("before"));
    let sql = format!("INSERT INTO federation_server {endless} SELECT i, i FROM n");
    let slow = queued(&db, 2, move |db| execute(db, &sql));
    let after = queued(&db, 3, meta("after"));
    blockade.lift();
    assert_eq!(before.join().unwrap(), Ok(1));
    assert!(matches!(slow.join().unwrap(), Err(Error::TooSlow { .. })));
    assert_eq!(after.join().unwrap(), Ok(1));
    let left = query(&db, "SELECT count(*) FROM federation_server").unwrap();
    assert_eq!(left.rows, [[Value::Integer(0)]]);
}

#[test]
fn a_bad_migration_leaves_everything_as_it_was() {
    let place = Place::new();
    let db = filled(&place);
    let before = picture(&db);
    for bad in [
        "CREATE TABLE federation_loose (a)",
        "CREATE TABLE federation_fine (a TEXT) STRICT; INSERT INTO federation_nowhere VALUES (1)",
        "INSERT INTO federation_server VALUES (1, 'a'); INSERT OR ROLLBACK INTO federation_server VALUES (1, 'b')",
    ] {
        let outcome = db.migrate_owner(&owner("federation"), &steps(&[SCHEMA, bad]));
        assert!(matches!(outcome, Err(Error::Migration { .. })), "{bad}: {outcome:?}");
        assert_eq!(picture(&db), before);
    }
    let dangling = db.write_as(&owner("federation"), |tx| {
        tx.execute_as("INSERT INTO federation_link VALUES (9)", Vec::new())
    });
    assert!(matches!(dangling, Err(Error::Constraint { .. })), "references are enforced again");
}

/// Names near the prefix, in all cases and quotes, from a small generator with a fixed start.
#[test]
fn ten_thousand_names_never_reach_a_foreign_table() {
    let place = Place::new();
    let db = filled(&place);
    let secret = "CREATE TABLE federation2_secret (word TEXT) STRICT";
    db.migrate_owner(
        &owner("federation2"),
        &steps(&["CREATE TABLE federation2_x (id INTEGER) STRICT", secret]),
    )
    .unwrap();
    let parts = [
        "federation",
        "FEDERATION",
        "2",
        "_",
        "secret",
        "admin",
        "core",
        "nodes",
        "meta",
        ".",
        "main",
        " ",
        "\"",
        "é",
        "x",
    ];
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    for _ in 0..10_000 {
        let name: String = (0..=draw(5)).map(|_| parts[draw(parts.len())]).collect();
        let quoted = [name.clone(), format!("\"{}\"", name.replace('"', "\"\"")), format!("[{name}]")];
        let sql = format!("SELECT 1 FROM {}", quoted[draw(3)]);
        let foreign = db.read::<_, Error>(|read| {
            read.one("SELECT count(*) FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE", [&name], |row| {
                row.get::<_, i64>(0)
            })
        });
        let is_own = owner("federation").owns(&name) || name.to_ascii_lowercase().starts_with("core_");
        if foreign.unwrap() == Some(1) && !is_own {
            assert!(matches!(query(&db, &sql), Err(Error::Denied { .. })), "{sql}");
        } else if query(&db, &sql).is_ok() {
            assert!(is_own || sql.contains("core_nodes"), "{sql}");
        }
    }
}
