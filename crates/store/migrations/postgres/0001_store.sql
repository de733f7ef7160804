-- The same tables as those of SQLite. Times are microseconds since 1970-01-01T00:00:00Z. JSON is
-- kept as text, exactly as written. Text is compared by code points, as SQLite does it.

-- One row for each migration that was run.
CREATE TABLE schema_version (version BIGINT PRIMARY KEY NOT NULL);

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    is_public BOOLEAN NOT NULL,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- The place that the next trace gets.
    next_index BIGINT NOT NULL DEFAULT 0,
    -- Kept here so that a list of projects counts no sessions.
    trace_count BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE sessions (
    id TEXT COLLATE "C" PRIMARY KEY NOT NULL,
    project TEXT,
    name TEXT,
    server TEXT NOT NULL,
    client_name TEXT,
    client_version TEXT,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    metadata TEXT NOT NULL,
    -- Kept beside the events so that a list of sessions reads no events.
    last_sequence BIGINT NOT NULL DEFAULT 0,
    event_count BIGINT NOT NULL DEFAULT 0,
    violation_count BIGINT NOT NULL DEFAULT 0,
    -- A short name for other tables to refer to.
    number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
    origin TEXT NOT NULL,
    project_index BIGINT,
    hierarchy_path TEXT NOT NULL,
    last_pushed_at BIGINT,
    is_shared BOOLEAN NOT NULL DEFAULT FALSE,
    -- The last time that anything was recorded.
    active_at BIGINT NOT NULL,
    -- What the texts of its messages take, each counted in full.
    bytes BIGINT NOT NULL DEFAULT 0,
    -- How many rows of `session_words` it has.
    word_rows BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX sessions_by_start ON sessions (started_at, id);
CREATE UNIQUE INDEX sessions_by_number ON sessions (number);
CREATE INDEX sessions_of_project_by_start ON sessions (project, started_at, id);
CREATE UNIQUE INDEX sessions_of_project_by_index ON sessions (project, project_index);
CREATE INDEX sessions_by_activity ON sessions (active_at);
CREATE INDEX sessions_of_server_by_start ON sessions (server, started_at, id);
CREATE INDEX sessions_with_violations ON sessions (started_at, id) WHERE violation_count > 0;

CREATE TABLE events (
    session TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    recorded_at BIGINT NOT NULL,
    direction TEXT NOT NULL,
    method TEXT,
    message TEXT,
    events TEXT NOT NULL,
    verdict TEXT NOT NULL,
    failure TEXT,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (session, sequence)
);

CREATE TABLE violations (
    session TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    place BIGINT NOT NULL,
    guardrail_id TEXT,
    guardrail_name TEXT NOT NULL,
    action TEXT NOT NULL,
    message TEXT NOT NULL,
    arguments TEXT NOT NULL,
    keywords TEXT NOT NULL,
    ranges TEXT NOT NULL,
    PRIMARY KEY (session, sequence, place),
    FOREIGN KEY (session, sequence) REFERENCES events (session, sequence) ON DELETE CASCADE
);

-- The words of the messages that were written together; of its numbers the lowest 24 bits count
-- those of one session, and what is above them is the session's number.
CREATE TABLE session_words (
    id BIGINT PRIMARY KEY NOT NULL,
    words TEXT[] COLLATE "C" NOT NULL
);
CREATE INDEX session_words_by_word ON session_words USING GIN (words);

-- `session` is `sessions.number`.
CREATE TABLE session_properties (
    session BIGINT NOT NULL,
    key TEXT NOT NULL,
    value TEXT COLLATE "C" NOT NULL,
    number DOUBLE PRECISION,
    PRIMARY KEY (session, key)
);
CREATE INDEX properties_by_value ON session_properties (key, value, session);
CREATE INDEX properties_by_number ON session_properties (key, number, session);

CREATE TABLE contents (
    hash TEXT PRIMARY KEY NOT NULL,
    text TEXT NOT NULL
);

-- A part of a text of an event that is kept in `contents`; `position` is its first byte in the
-- whole text.
CREATE TABLE event_contents (
    session TEXT COLLATE "C" NOT NULL,
    sequence BIGINT NOT NULL,
    part TEXT NOT NULL,
    position BIGINT NOT NULL,
    hash TEXT NOT NULL REFERENCES contents (hash),
    PRIMARY KEY (session, sequence, part, position),
    FOREIGN KEY (session, sequence) REFERENCES events (session, sequence) ON DELETE CASCADE
);
CREATE INDEX event_contents_by_hash ON event_contents (hash);

CREATE TABLE annotations (
    id TEXT PRIMARY KEY NOT NULL,
    session TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    content TEXT NOT NULL,
    address TEXT NOT NULL,
    metadata TEXT NOT NULL,
    -- What the metadata says, so that annotations are counted and replaced by it.
    source TEXT,
    is_reviewed BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX annotations_of_session ON annotations (session, created_at, id);

CREATE TABLE guardrails (
    id TEXT PRIMARY KEY NOT NULL,
    project TEXT REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    action TEXT NOT NULL,
    client TEXT,
    server TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX guardrails_of_project ON guardrails (project, created_at, id);

-- Outlives the guardrail and its project.
CREATE TABLE guardrail_versions (
    id TEXT NOT NULL,
    project TEXT,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    action TEXT NOT NULL,
    client TEXT,
    server TEXT,
    metadata TEXT NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    deleted BOOLEAN NOT NULL,
    PRIMARY KEY (id, version)
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

CREATE TABLE counters (
    name TEXT PRIMARY KEY NOT NULL,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('guardrails-changed', 0);
