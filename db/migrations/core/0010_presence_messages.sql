-- What was set by hand; every other presence lives in memory. Times are milliseconds of Unix time.
CREATE TABLE presence_by_hand (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    since INTEGER NOT NULL,
    ends INTEGER
) STRICT;

-- Two addresses that write to each other, the smaller first, in lower case.
CREATE TABLE conversation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    low TEXT NOT NULL,
    high TEXT NOT NULL,
    UNIQUE (low, high)
) STRICT;
CREATE INDEX conversation_of_high ON conversation (high);

-- Chat messages. The accounts are those of this appliance at the time; null: the address is elsewhere.
CREATE TABLE message (
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
    body TEXT NOT NULL,
    at INTEGER NOT NULL,
    delivered_at INTEGER,
    UNIQUE (sender, origin_id)
) STRICT;
CREATE INDEX message_of_conversation ON message (conversation, seq);
CREATE INDEX message_waiting ON message (recipient, seq) WHERE delivered_at IS NULL;
CREATE INDEX message_leaving ON message (recipient_domain, seq) WHERE delivered_at IS NULL;
CREATE INDEX message_age ON message (at);
CREATE INDEX message_of_sender ON message (sender_account) WHERE sender_account IS NOT NULL;
CREATE INDEX message_of_recipient ON message (recipient_account) WHERE recipient_account IS NOT NULL;
CREATE INDEX message_for_account ON message (recipient_account, seq) WHERE delivered_at IS NULL;
