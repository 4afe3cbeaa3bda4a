-- How much is said in a channel at most, such as 10/5m; NULL for what holds everywhere.
ALTER TABLE channel ADD COLUMN cooldown TEXT;
