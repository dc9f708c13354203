-- Webhooks: the tokens they are signed with, the events that came in, and the refresh that they call for.

CREATE TABLE reefqbo.webhook (
    environment_id bigint NOT NULL REFERENCES reefqbo.environment,
    verifier_sealed bytea NOT NULL,
    previous_sealed bytea,
    registered_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (environment_id)
);

COMMENT ON TABLE reefqbo.webhook IS
'The token that Intuit signs webhooks of an environment with, sealed, and the one before it, which stays good until it is replaced again. Set with reefqbo.register_webhook.';
COMMENT ON COLUMN reefqbo.webhook.environment_id IS 'the environment';
COMMENT ON COLUMN reefqbo.webhook.verifier_sealed IS 'the verifier token, sealed';
COMMENT ON COLUMN reefqbo.webhook.previous_sealed IS 'the one before, sealed; NULL if there is none';
COMMENT ON COLUMN reefqbo.webhook.registered_at IS 'when';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.webhook', '');
INSERT INTO reefqbo._privilege VALUES ('admin', 'SELECT (environment_id, registered_at)', 'TABLE reefqbo.webhook');

CREATE FUNCTION reefqbo.register_webhook(environment text, verifier_token text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_register_webhook';

COMMENT ON FUNCTION reefqbo.register_webhook(text, text) IS
E'Registers the token that Intuit signs webhooks with, or replaces it. It is sealed with the newest key of the key ring. The one before stays good until it is replaced again, so that nothing is lost while Intuit goes over to the new one.
This one call carries the token: keep it out of the server log and shell history, as with reefqbo.register_app.
Arguments: environment; verifier_token, from the app''s Webhooks page at Intuit. Registering the same once more changes nothing.
Errors: 42704 no such environment, 22023 the token is not acceptable, RQ010 no key, 42501 the caller is no admin.
See https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/managing-webhooks-notifications';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.register_webhook(text, text)');

-- ---- events ----

CREATE FUNCTION reefqbo._note_events()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- a company that has events waiting is due already, and the background worker knows when
    IF EXISTS (SELECT 1 FROM added a
               WHERE NOT EXISTS (SELECT 1 FROM reefqbo.webhook_event w
                                 WHERE w.model_id = a.model_id AND w.connection_id = a.connection_id
                                   AND w.webhook_event_id < a.webhook_event_id)) THEN
        UPDATE reefqbo.schedule SET is_paused = is_paused WHERE false;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION reefqbo._note_events() IS 'Internal: trigger function: the background worker looks at commit what has become due.';

CREATE TRIGGER webhook_event_note AFTER INSERT ON reefqbo.webhook_event
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._note_events();

CREATE FUNCTION reefqbo._take_events(ids text[], realms integer[], entities text[], wanted boolean[], moments timestamptz[],
                                     digest_realms integer[], digests bytea[])
RETURNS TABLE (event_id text, model_id bigint, connection_id bigint, entity text, outcome text)
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    WITH event AS MATERIALIZED (
        SELECT e.*, sha256(convert_to(e.id, 'UTF8')) AS digest, row_number() OVER (PARTITION BY e.id ORDER BY e.place) AS turn
        FROM unnest($1, $2, $3, $4, $5) WITH ORDINALITY AS e (id, realm, entity, is_wanted, happened_at, place)
    ), company AS MATERIALIZED (
        SELECT DISTINCT r.realm, c.model_id, c.connection_id, u.changes_until
        FROM unnest($6, $7) AS r (realm, digest)
        JOIN reefqbo.connection c ON c.realm_digest = r.digest AND c.status <> 'disconnected'
        LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
    ), counted AS (
        -- in one order, so that two that come at once wait for each other and not in a circle
        INSERT INTO reefqbo._webhook_seen (event_digest)
        SELECT e.digest FROM event e
        WHERE e.is_wanted AND e.turn = 1 AND e.realm IN (SELECT c.realm FROM company c)
        ORDER BY e.digest
        ON CONFLICT DO NOTHING
        RETURNING event_digest
    ), judged AS MATERIALIZED (
        SELECT e.place, e.id, c.model_id, c.connection_id, e.entity, e.happened_at,
               CASE WHEN e.id IS NULL THEN 'ignored'
                    WHEN c.realm IS NULL THEN 'unknown_company'
                    WHEN NOT e.is_wanted THEN 'ignored'
                    WHEN n.event_digest IS NULL OR e.turn > 1 THEN 'duplicate'
                    -- what happened well before the moment up to which changes were read is in the tables
                    WHEN e.happened_at < c.changes_until - interval '5 minutes' THEN 'ignored'
                    ELSE 'queued' END AS outcome
        FROM event e
        LEFT JOIN company c ON c.realm = e.realm
        LEFT JOIN counted n ON n.event_digest = e.digest
    ), queued AS (
        INSERT INTO reefqbo.webhook_event (model_id, connection_id, events, happened_at)
        SELECT j.model_id, j.connection_id, count(*), CASE WHEN count(*) = count(j.happened_at) THEN max(j.happened_at) END
        FROM judged j WHERE j.outcome = 'queued'
        GROUP BY j.model_id, j.connection_id
    )
    SELECT j.id, j.model_id, j.connection_id, j.entity, j.outcome FROM judged j ORDER BY j.place, j.model_id, j.connection_id
$$;

COMMENT ON FUNCTION reefqbo._take_events(text[], integer[], text[], boolean[], timestamptz[], integer[], bytea[]) IS
'Internal: what reefqbo.receive_webhook does with events that are Intuit''s. Arguments: a column each, an event a place: its id, the number of its realm, entity, whether that calls for a refresh, and when it happened; and the digests of each realm.';

CREATE FUNCTION reefqbo._forget_old_events()
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM reefqbo._webhook_seen s
    WHERE s.event_digest IN (SELECT o.event_digest FROM reefqbo._webhook_seen o
                             WHERE o.seen_at < reefqbo._now() - interval '7 days'
                             ORDER BY o.seen_at LIMIT 2000 FOR UPDATE SKIP LOCKED);
    DELETE FROM reefqbo.webhook_event w
    WHERE (w.model_id, w.connection_id, w.webhook_event_id) IN
        (SELECT o.model_id, o.connection_id, o.webhook_event_id FROM reefqbo.webhook_event o
         WHERE o.received_at < reefqbo._now() - interval '7 days' LIMIT 2000 FOR UPDATE SKIP LOCKED)
$$;

COMMENT ON FUNCTION reefqbo._forget_old_events() IS
'Internal: after a week an event is forgotten, also that it was waiting: the schedule has read the company since, or it cannot be read.';

CREATE FUNCTION reefqbo.receive_webhook(body bytea, signature text)
RETURNS TABLE (event_id text, model_id bigint, connection_id bigint, entity text, outcome text)
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_receive_webhook';

COMMENT ON FUNCTION reefqbo.receive_webhook(bytea, text) IS
'Takes in what Intuit has sent to the application''s webhook address. Nothing is asked of QuickBooks in this call: events of one company are gathered for some seconds, and the background worker then makes the refresh they call for, which asks what has changed and reads the months that it may have touched. In a stream of events that is every two minutes at most; quiet hours, pauses and budgets hold as for the schedule.
Answer Intuit with status 200 when this call has returned, and with 401 at SQLSTATE 28000.
Arguments: body, the bytes as they came, in either of Intuit''s two forms; signature, the header intuit-signature.
Result: a row for each event and each connection to its company. entity, as QuickBooks calls it; outcome: queued; duplicate (an event of this id came within the last week); unknown_company (no connection); ignored (it moves no figure, such as a customer''s, or its change has been read already).
An event counts when the caller''s transaction commits. Takes the level webhook, which may do nothing else, or operator, for all models.
Errors: 28000 the signature is not by a registered token; RQ008 signed, and not a webhook; RQ010 the key is not there; 22004 an argument is null; 42501.
See https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks';
INSERT INTO reefqbo._privilege VALUES ('webhook', 'EXECUTE', 'FUNCTION reefqbo.receive_webhook(bytea, text)');

-- ---- the refresh, and the schedule ----

CREATE FUNCTION reefqbo._end_events(model_id bigint, connection_id bigint)
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    WITH gone AS (
        DELETE FROM reefqbo.webhook_event w USING reefqbo.upkeep u
        WHERE u.model_id = $1 AND u.connection_id = $2 AND w.model_id = $1 AND w.connection_id = $2
          AND (w.received_at < u.attempted_at OR w.happened_at < u.changes_until)
        RETURNING w.received_at
    )
    UPDATE reefqbo.upkeep u SET webhook_at = GREATEST(u.webhook_at, g.received_at)
    FROM (SELECT max(o.received_at) AS received_at FROM gone o) g
    WHERE u.model_id = $1 AND u.connection_id = $2 AND g.received_at IS NOT NULL
$$;

COMMENT ON FUNCTION reefqbo._end_events(bigint, bigint) IS
'Internal: a connection was refreshed: events that came in before that began wait no longer.';
