-- A message can have several posts (the reply, the call for the team), which people work with and which
-- are decided about by state of the message.
CREATE TABLE post (
    id                 INTEGER PRIMARY KEY,
    platform           TEXT    NOT NULL,
    workspace          TEXT    NOT NULL,
    channel            TEXT    NOT NULL,
    message            TEXT    NOT NULL,
    -- Which of the posts about the message.
    part               TEXT    NOT NULL DEFAULT 'reply',
    thread             TEXT,
    -- Who wrote the answered message, and when (milliseconds since 1970, as all times here).
    author             TEXT,
    posted_at          INTEGER NOT NULL DEFAULT 0,
    -- The state of the answered message that was decided about.
    version            INTEGER NOT NULL DEFAULT 0,
    -- JSON of what is to be visible; NULL when it is to be withdrawn.
    post               TEXT,
    -- Recorded only, never delivered.
    shadow             INTEGER NOT NULL DEFAULT 0,
    -- Counts the changes of `post`; the row waits for delivery while they differ.
    revision           INTEGER NOT NULL DEFAULT 1,
    delivered_revision INTEGER NOT NULL DEFAULT 0,
    -- Where it stands, in the platform's words.
    place              TEXT,
    -- Claims that were not followed by a success.
    attempts           INTEGER NOT NULL DEFAULT 0,
    due_at             INTEGER NOT NULL,
    leased_until       INTEGER NOT NULL DEFAULT 0,
    -- Why the last attempt failed, and whether that is the end.
    failure            TEXT,
    dead               INTEGER NOT NULL DEFAULT 0,
    UNIQUE (platform, workspace, channel, message, part)
);
INSERT INTO post (id, platform, workspace, channel, message, thread, post, revision, delivered_revision, place,
                  attempts, due_at, leased_until, failure, dead)
    SELECT id, platform, workspace, channel, message, thread,
           CASE WHEN reply IS NULL THEN NULL ELSE json_object('form', 'answer', 'reply', json(reply)) END,
           revision, delivered_revision, place, attempts, due_at, leased_until, failure, dead
    FROM outbox;
DROP TABLE outbox;
ALTER TABLE post RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (platform, id) WHERE dead = 0 AND shadow = 0 AND delivered_revision < revision;
CREATE INDEX outbox_thread ON outbox (platform, workspace, channel, thread) WHERE thread IS NOT NULL;
CREATE INDEX outbox_posted ON outbox (platform, workspace, channel, posted_at);

-- Channels whose settings people chose in the channel itself. The settings are NULL where it was opted out.
CREATE TABLE channel (
    platform     TEXT    NOT NULL,
    workspace    TEXT    NOT NULL,
    channel      TEXT    NOT NULL,
    scope        TEXT,
    mode         TEXT,
    support_role TEXT,
    chosen_by    TEXT    NOT NULL,
    chosen_at    INTEGER NOT NULL,
    PRIMARY KEY (platform, workspace, channel)
) WITHOUT ROWID;

-- What people did with replies.
CREATE TABLE feedback (
    id        INTEGER PRIMARY KEY,
    platform  TEXT    NOT NULL,
    workspace TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    message   TEXT    NOT NULL,
    -- JSON list of the rules that the reply was about.
    rules     TEXT    NOT NULL,
    button    TEXT    NOT NULL,
    person    TEXT    NOT NULL,
    -- Seconds since 1970.
    at        INTEGER NOT NULL
);
