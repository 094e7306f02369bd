-- Work that is due again and again. `next_on` is the day in the site's time zone; the instant follows from it and the
-- time of day, so that a new zone or a change of daylight-saving time needs no change here.

ALTER TABLE job ADD COLUMN owner TEXT;

CREATE TABLE schedule (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    plugin TEXT NOT NULL,
    job TEXT NOT NULL,
    input TEXT CHECK (json_valid(input)),
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    every_days INTEGER NOT NULL CHECK (every_days BETWEEN 1 AND 365),
    hour INTEGER NOT NULL CHECK (hour BETWEEN 1 AND 12),
    minute INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 59),
    half TEXT NOT NULL CHECK (half IN ('AM', 'PM')),
    next_on TEXT NOT NULL,
    next_at TEXT,
    last_at TEXT,
    last_job TEXT,
    revision INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    changed_at TEXT NOT NULL
) STRICT;
