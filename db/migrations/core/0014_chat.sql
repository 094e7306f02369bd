-- Messages that did not arrive: when that was clear, and why. They wait no more.
ALTER TABLE message ADD COLUMN failed_at INTEGER;
ALTER TABLE message ADD COLUMN failure TEXT;
-- What else the plugin that brought a message wants back with it, in words of its own.
ALTER TABLE message ADD COLUMN envelope TEXT;

-- What waits; each message is in two of these at most, because every entry is written twice, coming and going.
DROP INDEX message_waiting;
DROP INDEX message_leaving;
DROP INDEX message_for_account;
CREATE INDEX message_waiting ON message (recipient, seq) WHERE delivered_at IS NULL AND failed_at IS NULL;
CREATE INDEX message_leaving ON message (recipient_domain, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NULL;
CREATE INDEX message_for_account ON message (recipient_account, seq)
    WHERE delivered_at IS NULL AND failed_at IS NULL AND recipient_account IS NOT NULL;
