-- The first schema: access, secrets, settings, revisions, and the objects that dialing needs.
-- Every object table has `seq` (order of making, never used twice, for cursors) and `revision` (the last
-- change, for ETags).

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The data key that encrypts every secret, itself encrypted by the master key outside this file.
CREATE TABLE keyring (
    version INTEGER PRIMARY KEY,
    wrapped BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE secret (name TEXT PRIMARY KEY, sealed BLOB NOT NULL, changed_at TEXT NOT NULL) STRICT;

CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL CHECK (json_valid(value)),
    revision INTEGER NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE revision (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    origin TEXT NOT NULL,
    via TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'change', 'delete')),
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT CHECK (json_valid(before)),
    after TEXT CHECK (json_valid(after)),
    undoes INTEGER REFERENCES revision (n) ON DELETE SET NULL,
    request TEXT NOT NULL
) STRICT;
CREATE INDEX revision_of_object ON revision (kind, object, n);
CREATE INDEX revision_undoes ON revision (undoes) WHERE undoes IS NOT NULL;

CREATE TABLE admin (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    password TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    admin INTEGER NOT NULL REFERENCES admin (seq) ON DELETE CASCADE,
    csrf TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_of_admin ON session (admin);

CREATE TABLE token (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    scopes TEXT CHECK (json_valid(scopes)),
    expires_at TEXT,
    hash BLOB NOT NULL UNIQUE,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency (
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    sealed BLOB NOT NULL,
    kept_at INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (kept_at);

CREATE TABLE enterprise (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE COLLATE NOCASE CHECK (length(id) BETWEEN 4 AND 32),
    description TEXT NOT NULL,
    domain TEXT NOT NULL UNIQUE COLLATE NOCASE,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE pbx_node (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    enterprise TEXT NOT NULL COLLATE NOCASE REFERENCES enterprise (id),
    name TEXT NOT NULL COLLATE NOCASE,
    kind TEXT NOT NULL CHECK (kind IN ('mivoice_business', 'mx_one', 'mivoice_5000')),
    address TEXT NOT NULL,
    outgoing_digit TEXT NOT NULL,
    country TEXT NOT NULL,
    international_prefix TEXT NOT NULL,
    trunk_prefix TEXT,
    emergency_numbers TEXT NOT NULL CHECK (json_valid(emergency_numbers)),
    extension_ranges TEXT NOT NULL CHECK (json_valid(extension_ranges)),
    transparent INTEGER NOT NULL CHECK (transparent IN (0, 1)),
    csta_ports TEXT NOT NULL CHECK (json_valid(csta_ports)),
    x25_ports TEXT NOT NULL CHECK (json_valid(x25_ports)),
    ntp_address TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    UNIQUE (enterprise, name)
) STRICT;

CREATE TABLE account (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    enterprise TEXT NOT NULL COLLATE NOCASE REFERENCES enterprise (id),
    login_id TEXT NOT NULL COLLATE NOCASE,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    email TEXT NOT NULL COLLATE NOCASE,
    extension TEXT NOT NULL,
    pbx_node TEXT REFERENCES pbx_node (id),
    origin TEXT NOT NULL CHECK (origin IN ('manual', 'synchronizer', 'peer')),
    deployed INTEGER NOT NULL CHECK (deployed IN (0, 1)),
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    UNIQUE (enterprise, login_id)
) STRICT;
CREATE INDEX account_node ON account (pbx_node);
CREATE INDEX account_extension ON account (enterprise, extension);

CREATE TABLE peer (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    enterprise TEXT NOT NULL COLLATE NOCASE REFERENCES enterprise (id),
    description TEXT NOT NULL COLLATE NOCASE,
    dialing_prefix TEXT NOT NULL CHECK (length(dialing_prefix) <= 20),
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    UNIQUE (enterprise, description)
) STRICT;
