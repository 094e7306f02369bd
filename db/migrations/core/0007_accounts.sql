-- Profiles, trusted servers, the fields of enterprises, nodes and accounts that came later, and the index for any part
-- of a person's name, number or e-mail.

ALTER TABLE enterprise ADD COLUMN voice_mail_server TEXT NOT NULL DEFAULT '';
ALTER TABLE enterprise ADD COLUMN admin_email TEXT NOT NULL DEFAULT '';
ALTER TABLE enterprise ADD COLUMN presence_privacy INTEGER NOT NULL DEFAULT 0 CHECK (presence_privacy IN (0, 1));
ALTER TABLE enterprise ADD COLUMN calendar_integration INTEGER NOT NULL DEFAULT 1 CHECK (calendar_integration IN (0, 1));

ALTER TABLE pbx_node ADD COLUMN voice_mail_server TEXT NOT NULL DEFAULT '';
ALTER TABLE pbx_node ADD COLUMN voice_mail_number TEXT NOT NULL DEFAULT '';

CREATE TABLE profile (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    description TEXT NOT NULL,
    teams_status INTEGER NOT NULL CHECK (teams_status IN (0, 1)),
    allow_user_statuses INTEGER NOT NULL CHECK (allow_user_statuses IN (0, 1)),
    call_through INTEGER NOT NULL CHECK (call_through IN (0, 1)),
    auto_start INTEGER NOT NULL CHECK (auto_start IN (0, 1)),
    telephony_only INTEGER NOT NULL CHECK (telephony_only IN (0, 1)),
    calendar_integration INTEGER NOT NULL CHECK (calendar_integration IN (0, 1)),
    set_advisory INTEGER NOT NULL CHECK (set_advisory IN (0, 1)),
    built_in INTEGER NOT NULL CHECK (built_in IN (0, 1)),
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
INSERT INTO profile VALUES
    (1, 'profile-default', 'Default User Profile', 'What users have unless told otherwise', 0, 1, 1, 0, 0, 1, 1, 1, 0,
     strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    (2, 'profile-teams', 'Default MS Teams User Profile', 'Users whose status comes from Microsoft Teams', 1, 0, 1, 0, 0, 1, 1, 1, 0,
     strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'));

-- SQLite does not add a column that refers to another table and has a value, and 0001's accounts need one.
ALTER TABLE account ADD COLUMN profile TEXT REFERENCES profile (id);
UPDATE account SET profile = 'profile-default';
ALTER TABLE account ADD COLUMN teams_status INTEGER NOT NULL DEFAULT 0 CHECK (teams_status IN (0, 1));
ALTER TABLE account ADD COLUMN show_presence INTEGER NOT NULL DEFAULT 1 CHECK (show_presence IN (0, 1));
ALTER TABLE account ADD COLUMN in_directory INTEGER NOT NULL DEFAULT 1 CHECK (in_directory IN (0, 1));
ALTER TABLE account ADD COLUMN folder TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
ALTER TABLE account ADD COLUMN peer TEXT REFERENCES peer (id);
CREATE INDEX account_enterprise ON account (enterprise);
CREATE INDEX account_profile ON account (profile);
CREATE INDEX account_peer ON account (peer) WHERE peer IS NOT NULL;
CREATE INDEX account_email ON account (email);
-- The directory's folders are counted and read from these alone.
CREATE INDEX account_folder ON account (enterprise, in_directory, peer, folder);
CREATE INDEX account_waiting ON account (enterprise) WHERE deployed = 0;

CREATE TABLE trusted_server (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    enterprise TEXT NOT NULL COLLATE NOCASE REFERENCES enterprise (id),
    description TEXT NOT NULL,
    address TEXT NOT NULL COLLATE NOCASE,
    type TEXT NOT NULL CHECK (type IN ('presence', 'im', 'peer')),
    peer TEXT UNIQUE REFERENCES peer (id),
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
-- Several enterprises of one sister appliance may be peers, and each has its row.
CREATE UNIQUE INDEX trusted_server_address ON trusted_server (enterprise, type, address) WHERE peer IS NULL;

-- Any part of a name, login, e-mail or number, without regard to case and accents. Only the index is kept; what it
-- points to is the account's row (https://sqlite.org/fts5.html sections 4.3.4 and 4.4.3).
CREATE VIRTUAL TABLE account_search USING fts5 (
    words, content = '', contentless_delete = 1, tokenize = 'trigram remove_diacritics 1'
);
INSERT INTO account_search (rowid, words)
    SELECT seq, concat_ws(char(10), first_name || ' ' || last_name, login_id, email, extension) FROM account;
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

DROP VIEW core_enterprises;
CREATE VIEW core_enterprises AS
    SELECT id, description, domain, voice_mail_server, admin_email, presence_privacy, calendar_integration, created_at
    FROM enterprise;
DROP VIEW core_accounts;
CREATE VIEW core_accounts AS
    SELECT id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin, deployed,
        profile, teams_status, show_presence, in_directory, folder, peer FROM account;
CREATE VIEW core_profiles AS
    SELECT id, name, teams_status, allow_user_statuses, calendar_integration, built_in FROM profile;
CREATE VIEW core_trusted_servers AS
    SELECT id, enterprise, description, address, type, peer FROM trusted_server;
