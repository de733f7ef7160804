-- What makes recording cheap.

-- Which parts of `events` are the same as parts of `message`, and left out: for each its first byte
-- in the whole `events`, its first byte in the whole message and its length, `1 2 3` and a comma
-- before the next.
ALTER TABLE events ADD COLUMN copies TEXT;

-- Words that are not in `session_words` yet; `id` is the number that they have there, or that of a
-- later row of the same session. Each has a space before it and after it.
CREATE TABLE recent_words (
    id INTEGER PRIMARY KEY NOT NULL,
    words TEXT NOT NULL
) STRICT;
INSERT INTO counters (name, value) VALUES ('recent-words-bytes', 0);

-- The index is written in large portions, which need to be merged less often than small ones.
INSERT INTO session_words (session_words, rank) VALUES ('hashsize', 8388608);
INSERT INTO session_words (session_words, rank) VALUES ('automerge', 8);
