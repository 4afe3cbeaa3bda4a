-- Channels, or whole platforms where workspace and channel are empty, to which nothing is sent for a while: a
-- platform asked one process for a pause, and all of them keep it.
CREATE TABLE hold (
    platform   TEXT NOT NULL,
    workspace  TEXT NOT NULL,
    channel    TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    PRIMARY KEY (platform, workspace, channel)
) WITHOUT ROWID;
