-- Photos of accounts and contacts, each kept once however many have it, under its SHA-1 in hexadecimal: what XEP-0153
-- and XEP-0084 call it by. Nothing refers to it by a rule of the database, because the rehearsal of a synchronization
-- names photos that are not kept.
CREATE TABLE photo (
    hash TEXT PRIMARY KEY CHECK (length(hash) = 40),
    media_type TEXT NOT NULL CHECK (media_type IN ('image/jpeg', 'image/png')),
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    size INTEGER NOT NULL,
    -- When it was last brought.
    added_at TEXT NOT NULL,
    -- When an account last gave it up; revisions before that name it.
    released_at TEXT,
    bytes BLOB NOT NULL
) STRICT;
-- Old ones are found from this alone, without reading any photo.
CREATE INDEX photo_age ON photo (added_at, released_at, hash);

ALTER TABLE account ADD COLUMN photo TEXT;
CREATE INDEX account_photo ON account (photo, id) WHERE photo IS NOT NULL;
CREATE TRIGGER account_photo_changed AFTER UPDATE OF photo ON account
    WHEN old.photo IS NOT NULL AND old.photo IS NOT new.photo
BEGIN
    UPDATE photo SET released_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE hash = old.photo;
END;
CREATE TRIGGER account_photo_gone AFTER DELETE ON account WHEN old.photo IS NOT NULL BEGIN
    UPDATE photo SET released_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now') WHERE hash = old.photo;
END;

DROP VIEW core_accounts;
CREATE VIEW core_accounts AS
    SELECT id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin, deployed,
        profile, teams_status, show_presence, in_directory, folder, peer, synchronizer, directory_key, removed_at,
        directory_hash, photo
    FROM account;
CREATE VIEW core_photos AS SELECT hash, media_type, width, height, size, bytes FROM photo;
