-- Which part of a message was begun to be sent, counted from 1, and has no outcome yet: 0 for none. Where the receiver
-- cannot tell a repeat from another message, one that was begun and has no outcome after a crash may have arrived.
ALTER TABLE messages ADD COLUMN begun BIGINT NOT NULL DEFAULT 0;
