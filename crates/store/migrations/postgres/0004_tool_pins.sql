-- What is known of the tools of servers.

CREATE TABLE tool_pins (
    server TEXT COLLATE "C" NOT NULL,
    -- A digest of what the server runs, or of where it is; and as far as it may be shown.
    target TEXT COLLATE "C" NOT NULL,
    shown_as TEXT NOT NULL,
    tool TEXT COLLATE "C" NOT NULL,
    -- As it was seen first, or approved since. Without a digest it waits for its first approval;
    -- without a definition it is too long to be kept.
    pinned_digest TEXT,
    pinned_definition TEXT,
    -- As it was seen last, if that is something else.
    seen_digest TEXT,
    seen_definition TEXT,
    since BIGINT NOT NULL,
    PRIMARY KEY (server, target, tool)
);
