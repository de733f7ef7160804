-- Messages, and what belongs to them, refer to their session by its number and to large texts by
-- theirs. An index of such numbers takes less to search and to write than one of ids and hashes,
-- and what is new stands at its end.

-- What a damaged file lacks must not keep the rest from being read: a session without a number gets
-- one, and what belongs to no message is left out.
UPDATE sessions SET number = rowid + (SELECT coalesce(max(number), 0) FROM sessions)
WHERE number IS NULL;

CREATE TABLE new_events (
    session INTEGER NOT NULL REFERENCES sessions (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL CHECK (sequence > 0),
    recorded_at INTEGER NOT NULL,
    direction TEXT NOT NULL,
    method TEXT,
    message TEXT,
    events TEXT NOT NULL,
    verdict TEXT NOT NULL,
    failure TEXT,
    bytes INTEGER NOT NULL,
    copies TEXT,
    PRIMARY KEY (session, sequence)
) STRICT;
INSERT INTO new_events
    (session, sequence, recorded_at, direction, method, message, events, verdict, failure, bytes,
     copies)
SELECT s.number, e.sequence, e.recorded_at, e.direction, e.method, e.message, e.events, e.verdict,
    e.failure, e.bytes, e.copies
FROM events AS e CROSS JOIN sessions AS s ON s.id = e.session
ORDER BY e.rowid;

CREATE TABLE new_violations (
    session INTEGER NOT NULL,
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
    FOREIGN KEY (session, sequence) REFERENCES new_events (session, sequence) ON DELETE CASCADE
) STRICT;
INSERT INTO new_violations
    (session, sequence, place, guardrail_id, guardrail_name, action, message, arguments, keywords,
     ranges)
SELECT s.number, v.sequence, v.place, v.guardrail_id, v.guardrail_name, v.action, v.message,
    v.arguments, v.keywords, v.ranges
FROM violations AS v CROSS JOIN sessions AS s ON s.id = v.session
WHERE EXISTS (
    SELECT 1 FROM new_events AS e WHERE e.session = s.number AND e.sequence = v.sequence)
ORDER BY v.rowid;

CREATE TABLE new_contents (
    id INTEGER PRIMARY KEY NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    text TEXT NOT NULL,
    -- Large texts are compressed where that makes them shorter; `text` is empty then.
    packed BLOB
) STRICT;
INSERT INTO new_contents (hash, text, packed)
SELECT unhex(hash), text, packed FROM contents WHERE unhex(hash) IS NOT NULL ORDER BY rowid;
-- What a damaged file has lost stays known as damaged, under a hash that no text has.
INSERT INTO new_contents (hash, text, packed)
SELECT DISTINCT unhex(r.hash || '00'), '', x'' FROM event_contents AS r
WHERE unhex(r.hash) IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM new_contents AS c WHERE c.hash = unhex(r.hash));

-- A part of a text of an event that is kept in `contents`; `position` is its first byte in the
-- whole text.
CREATE TABLE new_event_contents (
    session INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    part TEXT NOT NULL,
    position INTEGER NOT NULL,
    content INTEGER NOT NULL REFERENCES new_contents (id),
    PRIMARY KEY (session, sequence, part, position),
    FOREIGN KEY (session, sequence) REFERENCES new_events (session, sequence) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
INSERT INTO new_event_contents (session, sequence, part, position, content)
SELECT s.number, r.sequence, r.part, r.position, c.id
FROM event_contents AS r
    CROSS JOIN sessions AS s ON s.id = r.session
    CROSS JOIN new_contents AS c ON c.hash = coalesce(
        (SELECT kept.hash FROM new_contents AS kept WHERE kept.hash = unhex(r.hash)),
        unhex(r.hash || '00'))
WHERE EXISTS (
    SELECT 1 FROM new_events AS e WHERE e.session = s.number AND e.sequence = r.sequence);

DROP TABLE event_contents;
DROP TABLE violations;
DROP TABLE events;
DROP TABLE contents;
ALTER TABLE new_events RENAME TO events;
ALTER TABLE new_violations RENAME TO violations;
ALTER TABLE new_contents RENAME TO contents;
ALTER TABLE new_event_contents RENAME TO event_contents;
CREATE INDEX event_contents_by_content ON event_contents (content);
