//! The bare parts beside which the appliance is measured.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, Row};
use serde_json::{Value, json};
use tiny_http::{Header, Response, Server};

use crate::Outcome;
use crate::measure::Samples;

const READ: &str =
    "SELECT id, description, domain, revision, created_at, changed_at FROM enterprise WHERE id = 'bench'";

/// More pages in one commit than SQLite keeps in its write-ahead log (1000 by default).
const GROW: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
    INSERT INTO item (body) SELECT hex(zeroblob(2048)) FROM n;";

/// Serves one row of the appliance's own database over plain HTTP, for as long as the process lives.
pub fn serve(database: &Path, workers: usize) -> Outcome<SocketAddr> {
    let server = Arc::new(Server::http("127.0.0.1:0")?);
    let address = server.server_addr().to_ip().ok_or("no TCP address")?;
    for _ in 0..workers {
        let (server, file) = (Arc::clone(&server), database.to_owned());
        let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let json = Header::from_bytes("Content-Type", "application/json").map_err(|()| "a header")?;
        std::thread::spawn(move || answer(&server, &connection, &json));
    }
    Ok(address)
}

fn answer(server: &Server, connection: &Connection, json: &Header) {
    while let Ok(request) = server.recv() {
        let found = connection.prepare_cached(READ).and_then(|mut read| read.query_row([], row));
        let response = match found {
            Ok(value) => Response::from_string(value.to_string()).with_header(json.clone()),
            // The client insists on 200 and ends the run.
            Err(cause) => Response::from_string(cause.to_string()).with_status_code(500),
        };
        if request.respond(response).is_err() {
            // The client is gone.
            continue;
        }
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<Value> {
    let text = |column| row.get::<_, String>(column);
    Ok(json!({"id": text(0)?, "description": text(1)?, "domain": text(2)?, "revision": row.get::<_, i64>(3)?,
              "created_at": text(4)?, "changed_at": text(5)?}))
}

/// A database with one connection that commits each row by itself, as durably as the appliance does.
pub struct Bare(Connection);

impl Bare {
    /// Makes it.
    pub fn create(file: &Path) -> Outcome<Self> {
        let connection = Connection::open(file)?;
        let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
        if mode != "wal" {
            return Err(format!("SQLite's journal mode is {mode}").into());
        }
        connection.execute_batch(
            "PRAGMA synchronous=FULL; CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;",
        )?;
        // A write-ahead log that still grows costs a trip for the file's size as well; both sides are measured
        // after it has reached its size and is written over from its start.
        connection.execute_batch(GROW)?;
        Ok(Self(connection))
    }

    /// Writes that row again and again for that long.
    pub fn write(&self, for_time: Duration, body: &str) -> Outcome<Samples> {
        let (begun, mut took) = (Instant::now(), Vec::new());
        let mut insert = self.0.prepare("INSERT INTO item (body) VALUES (?1)")?;
        while begun.elapsed() < for_time {
            let asked = Instant::now();
            insert.execute([body])?;
            took.push(asked.elapsed());
        }
        Ok(Samples::new(took, begun.elapsed()))
    }
}
