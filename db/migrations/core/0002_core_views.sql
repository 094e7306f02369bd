-- What plugins may read of core, and how far each plugin's own tables are. The views are plain projections: a plugin
-- may read every row of them, so a view that must hide rows needs a table of its own.

CREATE VIEW core_enterprises AS SELECT id, description, domain FROM enterprise;

CREATE VIEW core_nodes AS SELECT id, enterprise, name, kind, address FROM pbx_node;

CREATE VIEW core_accounts AS
    SELECT id, enterprise, login_id, first_name, last_name, email, extension, pbx_node, origin, deployed FROM account;

CREATE TABLE owner_schema (owner TEXT PRIMARY KEY, version INTEGER NOT NULL, changed_at TEXT NOT NULL) STRICT;
