-- What goes on when a gateway does not: traces on their way to an Explorer elsewhere, and sessions.

CREATE TABLE uploads (
    session TEXT COLLATE "C" PRIMARY KEY NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    destination TEXT NOT NULL,
    -- What the trace is called there.
    trace TEXT,
    -- The sequence of the last message that is there.
    pushed BIGINT NOT NULL,
    -- Who takes care of it, and until when others leave it alone.
    claimant TEXT NOT NULL,
    claimed_until BIGINT NOT NULL
);
CREATE INDEX uploads_by_destination ON uploads (destination);

CREATE TABLE resumptions (
    key TEXT PRIMARY KEY NOT NULL,
    session TEXT COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    -- The gateway that has the session, or had it.
    holder TEXT NOT NULL,
    upstream_session TEXT
);
CREATE INDEX resumptions_of_session ON resumptions (session);
