-- One row for each migration that was run.
CREATE TABLE schema_version (version INTEGER PRIMARY KEY NOT NULL) STRICT;

-- Times are microseconds since 1970-01-01T00:00:00Z. JSON is kept as text, exactly as written.

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    project TEXT,
    name TEXT,
    server TEXT NOT NULL,
    client_name TEXT,
    client_version TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    metadata TEXT NOT NULL,
    -- Kept beside the events so that a list of sessions reads no events.
    last_sequence INTEGER NOT NULL DEFAULT 0,
    event_count INTEGER NOT NULL DEFAULT 0,
    violation_count INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX sessions_by_start ON sessions (started_at, id);

CREATE TABLE events (
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    direction TEXT NOT NULL,
    method TEXT,
    message TEXT,
    events TEXT NOT NULL,
    verdict TEXT NOT NULL,
    failure TEXT,
    PRIMARY KEY (session, sequence)
) STRICT;

CREATE TABLE violations (
    session TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    place INTEGER NOT NULL,
    guardrail_id TEXT,
    guardrail_name TEXT NOT NULL,
    action TEXT NOT NULL,
    message TEXT NOT NULL,
    arguments TEXT NOT NULL,
    keywords TEXT NOT NULL,
    ranges TEXT NOT NULL,
    PRIMARY KEY (session, sequence, place),
    FOREIGN KEY (session, sequence) REFERENCES events (session, sequence) ON DELETE CASCADE
) STRICT;
