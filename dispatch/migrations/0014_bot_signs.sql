-- What the process that talks for a bot says of it, for others to read: the bot's name in the settings ("": it is not there
-- any more), how its updates come ("polling" or "webhook"), what keeps them from coming ("": nothing) and since when, when
-- an update was handled last, and of how many replies nobody knows whether they arrived.
ALTER TABLE bots ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE bots ADD COLUMN updates TEXT NOT NULL DEFAULT '';
ALTER TABLE bots ADD COLUMN trouble TEXT NOT NULL DEFAULT '';
ALTER TABLE bots ADD COLUMN trouble_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE bots ADD COLUMN handled_at BIGINT;
ALTER TABLE bots ADD COLUMN replies_unknown BIGINT NOT NULL DEFAULT 0;
