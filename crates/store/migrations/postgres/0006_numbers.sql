-- Messages, and what belongs to them, refer to their session by its number and to large texts by
-- theirs. An index of such numbers takes less to search and to write than one of ids and hashes,
-- and what is new stands at its end.

ALTER TABLE violations DROP CONSTRAINT violations_session_sequence_fkey;
ALTER TABLE event_contents DROP CONSTRAINT event_contents_session_sequence_fkey;
ALTER TABLE event_contents DROP CONSTRAINT event_contents_hash_fkey;
ALTER TABLE events DROP CONSTRAINT events_session_fkey;

ALTER TABLE contents ALTER COLUMN hash TYPE BYTEA USING decode(hash, 'hex');
ALTER TABLE contents DROP CONSTRAINT contents_pkey;
ALTER TABLE contents ADD COLUMN id BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY;
ALTER TABLE contents ADD CONSTRAINT contents_hash_key UNIQUE (hash);

-- The type of a column is changed with an expression, which may call a function but not query.
CREATE FUNCTION portcullis_number_of(session TEXT) RETURNS BIGINT LANGUAGE SQL STABLE
    AS 'SELECT s.number FROM sessions AS s WHERE s.id = session';
CREATE FUNCTION portcullis_content_of(hash TEXT) RETURNS BIGINT LANGUAGE SQL STABLE
    AS 'SELECT c.id FROM contents AS c WHERE c.hash = decode($1, ''hex'')';

ALTER TABLE events ALTER COLUMN session TYPE BIGINT USING portcullis_number_of(session);
ALTER TABLE violations ALTER COLUMN session TYPE BIGINT USING portcullis_number_of(session);
ALTER TABLE event_contents
    ALTER COLUMN session TYPE BIGINT USING portcullis_number_of(session),
    ALTER COLUMN hash TYPE BIGINT USING portcullis_content_of(hash);
ALTER TABLE event_contents RENAME COLUMN hash TO content;
ALTER INDEX event_contents_by_hash RENAME TO event_contents_by_content;
DROP FUNCTION portcullis_number_of(TEXT);
DROP FUNCTION portcullis_content_of(TEXT);

ALTER TABLE events ADD FOREIGN KEY (session) REFERENCES sessions (number) ON DELETE CASCADE;
ALTER TABLE violations ADD FOREIGN KEY (session, sequence)
    REFERENCES events (session, sequence) ON DELETE CASCADE;
ALTER TABLE event_contents
    ADD FOREIGN KEY (content) REFERENCES contents (id),
    ADD FOREIGN KEY (session, sequence) REFERENCES events (session, sequence) ON DELETE CASCADE;
