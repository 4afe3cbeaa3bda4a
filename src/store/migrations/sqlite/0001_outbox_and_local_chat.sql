-- How far each channel has been read.
CREATE TABLE cursor (
    platform  TEXT    NOT NULL,
    workspace TEXT    NOT NULL,
    channel   TEXT    NOT NULL,
    position  INTEGER NOT NULL,
    PRIMARY KEY (platform, workspace, channel)
) WITHOUT ROWID;

-- One row per message that was answered: what is to be visible for it, and what is.
CREATE TABLE outbox (
    id                 INTEGER PRIMARY KEY,
    platform           TEXT    NOT NULL,
    workspace          TEXT    NOT NULL,
    channel            TEXT    NOT NULL,
    message            TEXT    NOT NULL,
    thread             TEXT,
    -- JSON of the reply; NULL when it is to be withdrawn.
    reply              TEXT,
    -- Counts the changes of `reply`; the row waits for delivery while they differ.
    revision           INTEGER NOT NULL DEFAULT 1,
    delivered_revision INTEGER NOT NULL DEFAULT 0,
    -- Where the reply stands, in the platform's words.
    place              TEXT,
    attempts           INTEGER NOT NULL DEFAULT 0,
    -- Times are milliseconds since 1970.
    due_at             INTEGER NOT NULL,
    leased_until       INTEGER NOT NULL DEFAULT 0,
    -- Why the last attempt failed, and whether that is the end.
    failure            TEXT,
    dead               INTEGER NOT NULL DEFAULT 0,
    UNIQUE (platform, workspace, channel, message)
);
CREATE INDEX outbox_waiting ON outbox (platform, id) WHERE dead = 0 AND delivered_revision < revision;
CREATE INDEX outbox_thread ON outbox (platform, workspace, channel, thread) WHERE thread IS NOT NULL;

-- The local workspace's own history.
CREATE TABLE local_message (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    channel   TEXT    NOT NULL,
    thread    INTEGER,
    author    TEXT    NOT NULL,
    is_bot    INTEGER NOT NULL,
    text      TEXT    NOT NULL,
    -- JSON of the reply that a bot's message shows.
    reply     TEXT,
    -- The message that a bot's message answers; there is one answer to a message.
    answers   INTEGER UNIQUE,
    posted_at INTEGER NOT NULL,
    edited    INTEGER NOT NULL DEFAULT 0,
    deleted   INTEGER NOT NULL DEFAULT 0,
    -- The place of the last change in the order of all changes.
    change    INTEGER NOT NULL UNIQUE
);
CREATE INDEX local_message_channel ON local_message (channel, change);
