-- What plugins may know of the site as such. `on_premise` is the default of the setting, which has no row until somebody
-- sets it; the aggregate makes one row of none.

CREATE VIEW core_site AS
    SELECT coalesce(max(value ->> '$'), 'on_premise') AS deployment FROM setting WHERE name = 'site.deployment';
