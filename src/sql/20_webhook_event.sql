-- Events of webhooks that wait for a refresh, and how they change the schedule. What takes them in is in the part of webhooks.

-- No model: an event may concern several, or none any more. Not dumped: an event of before a restore that comes again costs one request.
CREATE TABLE reefqbo._webhook_seen (
    event_digest bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (event_digest)
);

CREATE INDEX webhook_seen_at ON reefqbo._webhook_seen (seen_at);

COMMENT ON TABLE reefqbo._webhook_seen IS 'Internal: the SHA-256 of the ids of events that were taken in, for a week: none counts twice.';

-- No foreign key: whoever leaves a transaction open after an event shall lock no row that the background worker needs.
CREATE TABLE reefqbo.webhook_event (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    webhook_event_id bigint GENERATED ALWAYS AS IDENTITY,
    events integer NOT NULL,
    happened_at timestamptz,
    received_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, webhook_event_id)
);

CREATE INDEX webhook_event_received ON reefqbo.webhook_event (received_at);

COMMENT ON TABLE reefqbo.webhook_event IS
'Events of webhooks that wait for the refresh they call for: a row for each call of reefqbo.receive_webhook and each company. A row goes when the company has been refreshed since. Not part of a dump.';
COMMENT ON COLUMN reefqbo.webhook_event.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.webhook_event.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.webhook_event.webhook_event_id IS 'in the order they came in';
COMMENT ON COLUMN reefqbo.webhook_event.events IS 'how many events';
COMMENT ON COLUMN reefqbo.webhook_event.happened_at IS 'when the last of them happened, by QuickBooks'' clock; NULL: one of them does not say';
COMMENT ON COLUMN reefqbo.webhook_event.received_at IS 'when they came in';
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.webhook_event');

CREATE FUNCTION reefqbo._pace(refresh_every interval, webhook_at timestamptz)
RETURNS interval
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 > reefqbo._now() - interval '7 days' THEN $1 + LEAST($1 * 3, interval '18 hours') ELSE $1 END
$$;

COMMENT ON FUNCTION reefqbo._pace(interval, timestamptz) IS
'Internal: how often a connection is refreshed on schedule: less often where webhooks have brought something within a week.';
