-- One change of many objects is one revision with parts; so is a change that others follow. `position` is the newest
-- revision at the time, because a long import goes on while others make changes.

ALTER TABLE revision ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
CREATE TABLE revision_part (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    revision INTEGER NOT NULL REFERENCES revision (n) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'change', 'delete')),
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    before TEXT CHECK (json_valid(before)),
    after TEXT CHECK (json_valid(after))
) STRICT;
CREATE INDEX revision_part_of ON revision_part (revision, id);
CREATE INDEX revision_part_object ON revision_part (object, kind, id);
CREATE INDEX revision_by_object ON revision (object, n);
CREATE INDEX revision_by_time ON revision (at);
CREATE INDEX revision_by_who ON revision (who, n);
