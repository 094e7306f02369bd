-- Accounts and contacts that a synchronization brings: whose they are, by which key and version its source knows them,
-- and since when it has them no longer. A contact's login is unique among those of its peer, so the table is built anew;
-- this step must come before any other that adds to accounts or looks at them.

DROP VIEW core_accounts;
CREATE TABLE account_next (
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
    profile TEXT REFERENCES profile (id),
    teams_status INTEGER NOT NULL DEFAULT 0 CHECK (teams_status IN (0, 1)),
    show_presence INTEGER NOT NULL DEFAULT 1 CHECK (show_presence IN (0, 1)),
    in_directory INTEGER NOT NULL DEFAULT 1 CHECK (in_directory IN (0, 1)),
    folder TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    peer TEXT REFERENCES peer (id),
    address TEXT COLLATE NOCASE,
    synchronizer TEXT,
    directory_key TEXT CHECK ((directory_key IS NULL) = (synchronizer IS NULL)),
    directory_hash TEXT,
    removed_at TEXT,
    kept_until TEXT CHECK ((kept_until IS NULL) = (removed_at IS NULL)),
    before_removal TEXT CHECK (json_valid(before_removal))
) STRICT;
INSERT INTO account_next (seq, id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin,
        deployed, revision, created_at, changed_at, profile, teams_status, show_presence, in_directory, folder, peer)
    SELECT seq, id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin,
        deployed, revision, created_at, changed_at, profile, teams_status, show_presence, in_directory, folder, peer
    FROM account;
-- The numbers of accounts that were deleted are not used again either.
DELETE FROM sqlite_sequence WHERE name = 'account_next';
INSERT INTO sqlite_sequence (name, seq) SELECT 'account_next', seq FROM sqlite_sequence WHERE name = 'account';
DROP TABLE account;
ALTER TABLE account_next RENAME TO account;

-- Own accounts have no peer. The name says which field a broken rule is about.
CREATE UNIQUE INDEX account_login_id ON account (enterprise, login_id, coalesce(peer, ''));
CREATE INDEX account_node ON account (pbx_node) WHERE pbx_node IS NOT NULL;
CREATE INDEX account_extension ON account (enterprise, extension);
CREATE INDEX account_enterprise ON account (enterprise);
CREATE INDEX account_profile ON account (profile);
CREATE INDEX account_peer ON account (peer) WHERE peer IS NOT NULL;
CREATE INDEX account_email ON account (email);
-- The directory's folders are counted and read from these alone.
CREATE INDEX account_folder ON account (enterprise, in_directory, peer, folder);
CREATE INDEX account_waiting ON account (enterprise) WHERE deployed = 0 AND peer IS NULL AND removed_at IS NULL;
CREATE UNIQUE INDEX account_source ON account (synchronizer, directory_key) WHERE synchronizer IS NOT NULL;
CREATE INDEX account_removed ON account (synchronizer) WHERE removed_at IS NOT NULL;
CREATE INDEX account_kept ON account (kept_until) WHERE kept_until IS NOT NULL;

CREATE TRIGGER account_made AFTER INSERT ON account BEGIN
    INSERT INTO account_search (rowid, words) VALUES
        (new.seq, concat_ws(char(10), new.first_name || ' ' || new.last_name, new.login_id, new.email, new.extension));
END;
CREATE TRIGGER account_gone AFTER DELETE ON account BEGIN
    DELETE FROM account_search WHERE rowid = old.seq;
END;
CREATE TRIGGER account_renamed AFTER UPDATE ON account
    WHEN (old.first_name, old.last_name, old.login_id, old.email, old.extension)
        IS NOT (new.first_name, new.last_name, new.login_id, new.email, new.extension)
BEGIN
    UPDATE account_search
        SET words = concat_ws(char(10), new.first_name || ' ' || new.last_name, new.login_id, new.email, new.extension)
        WHERE rowid = new.seq;
END;

-- What a peer said of itself when it was last met.
ALTER TABLE peer ADD COLUMN domain TEXT COLLATE NOCASE;
ALTER TABLE peer ADD COLUMN version TEXT;

-- A run that changed nothing because somebody has to say whether it is meant: one question of each synchronizer.
CREATE TABLE directory_question (
    synchronizer TEXT PRIMARY KEY,
    enterprise TEXT NOT NULL COLLATE NOCASE REFERENCES enterprise (id) ON DELETE CASCADE,
    peer TEXT REFERENCES peer (id) ON DELETE CASCADE,
    at TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('failed', 'empty', 'removals')),
    what TEXT NOT NULL,
    adds INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    removals INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    unchanged INTEGER NOT NULL
) STRICT;
CREATE INDEX directory_question_enterprise ON directory_question (enterprise);
CREATE INDEX directory_question_peer ON directory_question (peer);

CREATE VIEW core_accounts AS
    SELECT id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin, deployed,
        profile, teams_status, show_presence, in_directory, folder, peer, synchronizer, directory_key, removed_at
    FROM account;
DROP VIEW core_peers;
CREATE VIEW core_peers AS
    SELECT id, enterprise, kind, description, hostname, peer_enterprise, sync_every_days, sync_hour, sync_minute,
        sync_half, domain, version, created_at
    FROM peer;
-- The address that the source gives, else the login at the peer's domain, escaped as XEP-0106 section 4.2 says: first
-- each backslash that would be read as an escape, then what must not stand before the @. NULL: no domain is known yet.
CREATE VIEW core_contacts AS
    SELECT account.id, account.enterprise, account.peer, account.synchronizer, account.directory_key AS key,
        account.login_id,
        coalesce(account.address, replace(replace(replace(replace(replace(replace(replace(replace(replace(
            replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(lower(account.login_id),
                '\5c', '\5c5c'), '\20', '\5c20'), '\22', '\5c22'), '\26', '\5c26'), '\27', '\5c27'), '\2f', '\5c2f'),
                '\3a', '\5c3a'), '\3c', '\5c3c'), '\3e', '\5c3e'), '\40', '\5c40'),
            ' ', '\20'), '"', '\22'), '&', '\26'), '''', '\27'), '/', '\2f'), ':', '\3a'), '<', '\3c'), '>', '\3e'),
            '@', '\40') || '@' || peer.domain) AS address,
        account.first_name, account.last_name, account.email, account.extension, account.folder, account.in_directory,
        account.removed_at
    FROM account JOIN peer ON peer.id = account.peer;
CREATE VIEW core_directory_questions AS
    SELECT synchronizer, enterprise, peer, at, who, reason, what, adds, changes, removals, refused, unchanged
    FROM directory_question;
