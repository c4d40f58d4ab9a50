-- Whether anybody is written to by a channel is asked at each start: by one look, not through all endpoints.
CREATE INDEX endpoints_by_channel ON endpoints (channel, state);
