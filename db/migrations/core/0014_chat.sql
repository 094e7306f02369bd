-- Messages come by the thousand, so one stands in as few indexes as what is asked needs: what is sent again is looked for
-- only among those whose sender's side gave an id. New are when and why a message did not arrive, and what else the plugin
-- that brought it wants back with it, in words of its own.
CREATE TABLE message_next (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation INTEGER NOT NULL REFERENCES conversation (seq),
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    recipient_domain TEXT NOT NULL,
    sender_account TEXT REFERENCES account (id) ON DELETE SET NULL,
    recipient_account TEXT REFERENCES account (id) ON DELETE SET NULL,
    direction TEXT NOT NULL CHECK (direction IN ('in', 'out', 'local')),
    origin_id TEXT,
    at INTEGER NOT NULL,
    delivered_at INTEGER,
    failed_at INTEGER,
    failure TEXT,
    body TEXT NOT NULL,
    envelope TEXT
) STRICT;
INSERT INTO message_next (seq, id, conversation, sender, recipient, recipient_domain, sender_account, recipient_account,
        direction, origin_id, at, delivered_at, body)
    SELECT seq, id, conversation, sender, recipient, recipient_domain, sender_account, recipient_account,
        direction, origin_id, at, delivered_at, body
    FROM message ORDER BY seq;
-- Numbers are never given twice, also where the newest messages were dropped.
INSERT INTO sqlite_sequence (name, seq)
    SELECT 'message_next', 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'message_next');
UPDATE sqlite_sequence
    SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0))
    WHERE name = 'message_next';
DROP TABLE message;
ALTER TABLE message_next RENAME TO message;

CREATE UNIQUE INDEX message_origin ON message (sender, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX message_of_conversation ON message (conversation, seq);
CREATE INDEX message_age ON message (at);
CREATE INDEX message_of_sender ON message (sender_account) WHERE sender_account IS NOT NULL;
CREATE INDEX message_of_recipient ON message (recipient_account) WHERE recipient_account IS NOT NULL;
-- What waits. Each message is in two of these at most, because every entry is written twice, coming and going.
CREATE INDEX message_waiting ON message (recipient, seq) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX message_leaving ON message (recipient_domain, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NULL;
CREATE INDEX message_for_account ON message (recipient_account, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NOT NULL;
