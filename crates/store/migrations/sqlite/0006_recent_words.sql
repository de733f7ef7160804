-- What makes recording cheaper.

-- Words that are not in `session_words` yet, in the order in which they were said, so that those of
-- many sessions go into one page; `id` is the number that they have there, or that of a later row
-- of the same session. Each has a space before it and after it.
CREATE TABLE said_words (
    place INTEGER PRIMARY KEY NOT NULL,
    id INTEGER NOT NULL,
    words TEXT NOT NULL
) STRICT;
INSERT INTO said_words (id, words) SELECT id, words FROM recent_words ORDER BY id;
DROP TABLE recent_words;
ALTER TABLE said_words RENAME TO recent_words;
