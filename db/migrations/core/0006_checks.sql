-- How each check of a script stands: what is shown, what is in doubt, the last run (JSON). Survives a restart.
CREATE TABLE check_standing (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    doubt TEXT,
    since TEXT NOT NULL,
    last_ok TEXT,
    last_run TEXT CHECK (json_valid(last_run)),
    ran_at TEXT NOT NULL
) STRICT;

-- Every run, and longest those that changed the state.
CREATE TABLE check_run (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    state TEXT NOT NULL,
    changed INTEGER NOT NULL CHECK (changed IN (0, 1)),
    detail TEXT NOT NULL,
    advice TEXT NOT NULL,
    data TEXT CHECK (json_valid(data)),
    took_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX check_run_name ON check_run (name, seq);
