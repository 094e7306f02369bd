-- Passwords of accounts for signing in as a user: what proves them (RFC 5802), sealed with the appliance's key. How an
-- account signs in follows from its other columns, so that nothing can contradict it.

CREATE TABLE account_password (
    account TEXT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    sealed BLOB NOT NULL
) STRICT;

ALTER TABLE account ADD COLUMN password_changed_at TEXT;
ALTER TABLE account ADD COLUMN can_sign_in TEXT GENERATED ALWAYS AS (
    CASE
        WHEN deployed = 0 OR peer IS NOT NULL THEN 'no'
        WHEN password_changed_at IS NOT NULL THEN 'password'
        WHEN origin = 'synchronizer' THEN 'directory'
        ELSE 'no'
    END
) VIRTUAL;
-- Whether anybody can sign in at all is asked after every change of an account.
CREATE INDEX account_signing_in ON account (can_sign_in) WHERE can_sign_in <> 'no';

-- Nothing is hidden by the condition: every account is in core_accounts.
CREATE VIEW core_logins AS
    SELECT id AS account, can_sign_in = 'password' AS scram, can_sign_in = 'directory' AS bind, password_changed_at
    FROM account WHERE can_sign_in <> 'no';
