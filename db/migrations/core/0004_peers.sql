-- What a peer is, and when it is synchronised. Peers that were there keep everything, above all their dialing prefix;
-- whether they are sister appliances or messaging servers of others nobody has said yet, so their kind is NULL.

ALTER TABLE peer ADD COLUMN kind TEXT CHECK (kind IN ('jackfield', 'external'));
ALTER TABLE peer ADD COLUMN hostname TEXT COLLATE NOCASE CHECK ((hostname IS NOT NULL) = (kind IS 'jackfield'));
ALTER TABLE peer ADD COLUMN peer_enterprise TEXT COLLATE NOCASE
    CHECK ((peer_enterprise IS NOT NULL) = (kind IS 'jackfield'));
ALTER TABLE peer ADD COLUMN sync_every_days INTEGER NOT NULL DEFAULT 0 CHECK (sync_every_days BETWEEN 0 AND 365);
ALTER TABLE peer ADD COLUMN sync_hour INTEGER NOT NULL DEFAULT 2 CHECK (sync_hour BETWEEN 1 AND 12);
ALTER TABLE peer ADD COLUMN sync_minute INTEGER NOT NULL DEFAULT 0 CHECK (sync_minute BETWEEN 0 AND 59);
ALTER TABLE peer ADD COLUMN sync_half TEXT NOT NULL DEFAULT 'AM' CHECK (sync_half IN ('AM', 'PM'));

-- An enterprise that is deleted and made again under its id is another one: the time of its making tells them apart.
DROP VIEW core_enterprises;
CREATE VIEW core_enterprises AS SELECT id, description, domain, created_at FROM enterprise;

CREATE VIEW core_peers AS
    SELECT id, enterprise, kind, description, hostname, peer_enterprise, sync_every_days, sync_hour, sync_minute,
        sync_half, created_at
    FROM peer;
