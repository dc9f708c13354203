-- Evidence: every request that was made.

CREATE TABLE reefqbo.api_call (
    model_id bigint NOT NULL,
    call_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint,
    called_at timestamptz NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status integer,
    intuit_tid text,
    milliseconds integer NOT NULL,
    bytes bigint NOT NULL,
    error text,
    PRIMARY KEY (model_id, call_id)
);

CREATE INDEX api_call_called_at ON reefqbo.api_call (called_at);

COMMENT ON TABLE reefqbo.api_call IS
'Every request that was sent to Intuit: POST to the token and revoke endpoints, and GET to everything else. A row is stored with the transaction that follows the answer; of a request under way when the server crashes there is none.
Rows older than reefqbo.log_retention are removed. There is no foreign key, so that the evidence outlives what it is about.';
COMMENT ON COLUMN reefqbo.api_call.connection_id IS 'NULL while a first sign-in has not made the connection yet';
COMMENT ON COLUMN reefqbo.api_call.path IS 'path and query of the address; the realm id is blanked, and tokens are in no address';
COMMENT ON COLUMN reefqbo.api_call.status IS 'HTTP status; NULL if there was no answer';
COMMENT ON COLUMN reefqbo.api_call.intuit_tid IS 'Intuit''s own id of the answer, for its support';
COMMENT ON COLUMN reefqbo.api_call.milliseconds IS 'from sending to the end of the answer, or to giving up';
COMMENT ON COLUMN reefqbo.api_call.bytes IS 'of the answer''s body, as they came over the wire (compressed)';
COMMENT ON COLUMN reefqbo.api_call.error IS 'why there was no whole answer, in libcurl''s words; NULL if there was one';
