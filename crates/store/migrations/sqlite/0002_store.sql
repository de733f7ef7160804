-- What belongs to traces: projects, guardrails, annotations, API keys; traces that were pushed;
-- words to search for; large texts that are kept once.

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    is_public INTEGER NOT NULL,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The place that the next trace gets.
    next_index INTEGER NOT NULL DEFAULT 0,
    -- Kept here so that a list of projects counts no sessions.
    trace_count INTEGER NOT NULL DEFAULT 0
) STRICT;

ALTER TABLE sessions ADD COLUMN number INTEGER;
ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT 'live';
ALTER TABLE sessions ADD COLUMN project_index INTEGER;
ALTER TABLE sessions ADD COLUMN hierarchy_path TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN last_pushed_at INTEGER;
ALTER TABLE sessions ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0;
-- The last time that anything was recorded.
ALTER TABLE sessions ADD COLUMN active_at INTEGER NOT NULL DEFAULT 0;
-- What the texts of its messages take, each counted in full.
ALTER TABLE sessions ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
-- How many rows of `session_words` it has.
ALTER TABLE sessions ADD COLUMN word_rows INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;

UPDATE events SET bytes =
    length(CAST(events AS BLOB)) + coalesce(length(CAST(message AS BLOB)), 0);

UPDATE sessions SET
    number = rowid,
    bytes = (SELECT coalesce(sum(e.bytes), 0) FROM events AS e WHERE e.session = sessions.id),
    active_at = max(
        started_at,
        coalesce(ended_at, started_at),
        coalesce((SELECT max(e.recorded_at) FROM events AS e WHERE e.session = sessions.id), started_at)
    ),
    project_index = (
        SELECT count(*) FROM sessions AS s
        WHERE s.project = sessions.project AND (s.started_at, s.id) < (sessions.started_at, sessions.id)
    );
UPDATE sessions SET project_index = NULL WHERE project IS NULL;

-- Random ids of version 4.
INSERT INTO projects (id, name, is_public, metadata, created_at, next_index, trace_count)
SELECT
    lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)
        || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
    project, 0, '{}', min(started_at), count(*), count(*)
FROM sessions WHERE project IS NOT NULL GROUP BY project;

CREATE UNIQUE INDEX sessions_by_number ON sessions (number);
CREATE INDEX sessions_of_project_by_start ON sessions (project, started_at, id);
CREATE UNIQUE INDEX sessions_of_project_by_index ON sessions (project, project_index);
CREATE INDEX sessions_by_activity ON sessions (active_at);
CREATE INDEX sessions_of_server_by_start ON sessions (server, started_at, id);
CREATE INDEX sessions_with_violations ON sessions (started_at, id) WHERE violation_count > 0;

-- A short name for other tables to refer to.
CREATE TRIGGER number_session AFTER INSERT ON sessions WHEN new.number IS NULL BEGIN
    UPDATE sessions SET number = (SELECT coalesce(max(number), 0) + 1 FROM sessions)
    WHERE id = new.id;
END;

-- The words of the messages that were written together; of its numbers the lowest 24 bits count
-- those of one session, and what is above them is the session's number. Words come in lower case
-- and with spaces between them, which this tokenizer leaves as they are.
CREATE VIRTUAL TABLE session_words USING fts5(
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);

-- `session` is `sessions.number`.
CREATE TABLE session_properties (
    session INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    number REAL,
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX properties_by_value ON session_properties (key, value, session);
CREATE INDEX properties_by_number ON session_properties (key, number, session);

CREATE TABLE contents (
    hash TEXT PRIMARY KEY NOT NULL,
    text TEXT NOT NULL
) STRICT;

-- A part of a text of an event that is kept in `contents`; `position` is its first byte in the
-- whole text.
CREATE TABLE event_contents (
    session TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    hash TEXT NOT NULL REFERENCES contents (hash),
    PRIMARY KEY (session, sequence, part, position),
    FOREIGN KEY (session, sequence) REFERENCES events (session, sequence) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX event_contents_by_hash ON event_contents (hash);

CREATE TABLE annotations (
    id TEXT PRIMARY KEY NOT NULL,
    session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    address TEXT NOT NULL,
    metadata TEXT NOT NULL,
    -- What the metadata says, so that annotations are counted and replaced by it.
    source TEXT,
    is_reviewed INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX annotations_of_session ON annotations (session, created_at, id);

CREATE TABLE guardrails (
    id TEXT PRIMARY KEY NOT NULL,
    project TEXT REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    action TEXT NOT NULL,
    client TEXT,
    server TEXT,
    metadata TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX guardrails_of_project ON guardrails (project, created_at, id);

-- Outlives the guardrail and its project.
CREATE TABLE guardrail_versions (
    id TEXT NOT NULL,
    project TEXT,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    action TEXT NOT NULL,
    client TEXT,
    server TEXT,
    metadata TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT;

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('guardrails-changed', 0);
