-- Jobs that a plugin has planned for itself: every so many days at a time of day in the site's time zone. What an
-- administrator plans stands in `schedule`.
CREATE TABLE plan (
    plugin TEXT NOT NULL,
    key TEXT NOT NULL,
    job TEXT NOT NULL,
    input TEXT NOT NULL CHECK (json_valid(input)),
    every_days INTEGER NOT NULL CHECK (every_days BETWEEN 1 AND 365),
    hour INTEGER NOT NULL CHECK (hour BETWEEN 1 AND 12),
    minute INTEGER NOT NULL CHECK (minute BETWEEN 0 AND 59),
    half TEXT NOT NULL CHECK (half IN ('AM', 'PM')),
    next_on TEXT NOT NULL,
    next_at TEXT,
    last_job TEXT,
    PRIMARY KEY (plugin, key)
) STRICT, WITHOUT ROWID;
