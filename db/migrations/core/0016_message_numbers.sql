-- Messages come by the thousand. The appliance gives the numbers, and an id names its message's number, so that no index
-- of ids is needed. What waits stands in one index where it is an account's, else in two.
CREATE TABLE message_next (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
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
        direction, origin_id, at, delivered_at, failed_at, failure, body, envelope)
    SELECT seq, printf('msg-%x-%s', seq, substr(id, -16)), conversation, sender, recipient, recipient_domain,
        sender_account, recipient_account, direction, origin_id, at, delivered_at, failed_at, failure, body, envelope
    FROM message ORDER BY seq;

-- Numbers are never given twice, also where the newest messages were dropped: the highest number of one that was.
CREATE TABLE message_dropped (seq INTEGER NOT NULL) STRICT;
INSERT INTO message_dropped (seq)
    SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'message'), 0);
DROP TABLE message;
ALTER TABLE message_next RENAME TO message;

CREATE UNIQUE INDEX message_origin ON message (sender, origin_id) WHERE origin_id IS NOT NULL;
CREATE INDEX message_of_conversation ON message (conversation, seq);
CREATE INDEX message_age ON message (at);
CREATE INDEX message_of_sender ON message (sender_account) WHERE sender_account IS NOT NULL;
CREATE INDEX message_of_recipient ON message (recipient_account) WHERE recipient_account IS NOT NULL;
CREATE INDEX message_for_account ON message (recipient_account, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NOT NULL;
CREATE INDEX message_leaving ON message (recipient_domain, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NULL;
CREATE INDEX message_elsewhere ON message (recipient)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NULL;
