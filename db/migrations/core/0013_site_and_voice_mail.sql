-- What plugins may know of the site as such, and voice mail of accounts of their own. `on_premise` is the default of the setting, which has no row until somebody
-- sets it; the aggregate makes one row of none.

CREATE VIEW core_site AS
    SELECT coalesce(max(value ->> '$'), 'on_premise') AS deployment FROM setting WHERE name = 'site.deployment';

ALTER TABLE account ADD COLUMN voice_mail_server TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN voice_mail_number TEXT NOT NULL DEFAULT '';
