-- Claims are numbered, so that who lost a row cannot record over who has it now; and a post that may have been
-- sent is remembered as such until its delivery is recorded, whatever is decided meanwhile.
ALTER TABLE outbox ADD COLUMN claim INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN unrecorded INTEGER NOT NULL DEFAULT 0;
-- When it was decided last: what is old and settled expires.
ALTER TABLE outbox ADD COLUMN decided_at INTEGER NOT NULL DEFAULT 0;
UPDATE outbox SET unrecorded = attempts, decided_at = unixepoch() * 1000;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_waiting ON outbox (platform, id) WHERE NOT dead AND NOT shadow AND delivered_revision < revision;
CREATE INDEX outbox_dead ON outbox (id) WHERE dead;
CREATE INDEX outbox_decided ON outbox (decided_at);
CREATE INDEX feedback_at ON feedback (at);
CREATE INDEX local_message_posted ON local_message (posted_at);
CREATE INDEX local_message_thread ON local_message (thread) WHERE thread IS NOT NULL;

-- Names that one live process holds at a time.
CREATE TABLE lease (
    name       TEXT    PRIMARY KEY,
    holder     TEXT    NOT NULL,
    -- Grows whenever it is taken.
    fence      INTEGER NOT NULL,
    held_until INTEGER NOT NULL
) WITHOUT ROWID;
