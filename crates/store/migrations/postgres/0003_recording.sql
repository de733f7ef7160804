-- What makes recording cheap.

-- Which parts of `events` are the same as parts of `message`, and left out: for each its first byte
-- in the whole `events`, its first byte in the whole message and its length, `1 2 3` and a comma
-- before the next.
ALTER TABLE events ADD COLUMN copies TEXT;
