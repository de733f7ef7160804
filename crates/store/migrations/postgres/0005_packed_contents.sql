-- Large texts are compressed where that makes them shorter; `text` is empty then.
ALTER TABLE contents ADD COLUMN packed BYTEA;
-- It need not be tried again.
ALTER TABLE contents ALTER COLUMN packed SET STORAGE EXTERNAL;
