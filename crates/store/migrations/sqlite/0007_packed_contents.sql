-- Large texts are compressed where that makes them shorter; `text` is empty then.
ALTER TABLE contents ADD COLUMN packed BLOB;
