-- The site's own rules in Lua. A script is a name with versions; a version never changes, so its number and its
-- SHA-256 say what runs. `latest` is the version that was put last, `active` the one that runs, `previous` the one that
-- ran before it. A deleted script keeps its versions for a while, so that the deletion can be undone.
CREATE TABLE script (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    active INTEGER,
    previous INTEGER,
    latest INTEGER NOT NULL,
    published_at TEXT,
    published_by TEXT,
    -- SHA-256 of the source that came with the appliance last; NULL: it is the site's own.
    shipped TEXT,
    deleted_at TEXT,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    -- Neither what runs nor the way back can be dropped.
    FOREIGN KEY (name, active) REFERENCES script_version (script, n),
    FOREIGN KEY (name, previous) REFERENCES script_version (script, n)
) STRICT;

CREATE TABLE script_version (
    script TEXT NOT NULL REFERENCES script (name),
    n INTEGER NOT NULL CHECK (n > 0),
    sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
    source TEXT NOT NULL CHECK (octet_length(source) <= 262144),
    author TEXT NOT NULL,
    note TEXT NOT NULL,
    at TEXT NOT NULL,
    -- When it ran for the first time; NULL: never.
    published_at TEXT,
    -- What it registers (JSON); NULL: it was not loaded yet.
    registers TEXT CHECK (json_valid(registers)),
    PRIMARY KEY (script, n),
    UNIQUE (script, sha256)
) STRICT;
