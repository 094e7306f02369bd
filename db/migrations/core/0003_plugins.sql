-- What is remembered of a plugin across restarts: deaths, quarantine, whether it is switched off (JSON).
CREATE TABLE plugin (
    id TEXT PRIMARY KEY,
    counters TEXT NOT NULL CHECK (json_valid(counters)),
    changed_at TEXT NOT NULL
) STRICT;

-- Work that takes longer than a request: one row each, kept for the history. Progress lives in memory.
CREATE TABLE job (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    plugin TEXT NOT NULL,
    name TEXT NOT NULL,
    input TEXT NOT NULL CHECK (json_valid(input)),
    who TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'interrupted')),
    note TEXT NOT NULL,
    result TEXT CHECK (json_valid(result)),
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT
) STRICT;
CREATE INDEX job_open ON job (seq) WHERE state IN ('queued', 'running');
