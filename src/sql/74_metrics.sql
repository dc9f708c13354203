-- What a monitoring system asks for, as names, labels and values.

CREATE TABLE reefqbo._call_total (
    model_id bigint NOT NULL,
    api text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    place integer NOT NULL,
    calls bigint NOT NULL,
    milliseconds bigint NOT NULL,
    PRIMARY KEY (model_id, api, outcome, place)
);

COMMENT ON TABLE reefqbo._call_total IS
'Internal: the requests whose rows of api_call have been removed, so that counters only grow. place: which of the latencies they stayed below, counted from 1.';

SELECT pg_catalog.pg_extension_config_dump('reefqbo._call_total', '');

CREATE FUNCTION reefqbo._latencies()
RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 'Infinity']::double precision[];

COMMENT ON FUNCTION reefqbo._latencies() IS 'Internal: the upper ends of the buckets that requests are counted in, in seconds.';
INSERT INTO reefqbo._privilege VALUES ('monitor', 'EXECUTE', 'FUNCTION reefqbo._latencies()');

CREATE FUNCTION reefqbo._count_removed_calls(model_ids bigint[], methods text[], statuses integer[], took integer[])
RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO reefqbo._call_total AS t (model_id, api, outcome, place, calls, milliseconds)
    SELECT r.model_id, CASE r.method WHEN 'POST' THEN 'oauth' ELSE 'accounting' END, coalesce(r.status::text, 'none'), p.place, count(*), sum(r.took)
    FROM unnest($1, $2, $3, $4) AS r (model_id, method, status, took)
    CROSS JOIN LATERAL (SELECT min(l.place) AS place FROM unnest(reefqbo._latencies()) WITH ORDINALITY AS l (latency, place)
                        WHERE r.took <= l.latency * 1000) p
    -- of a model that is gone nothing is kept
    WHERE r.model_id IN (SELECT m.model_id FROM reefqbo.model m)
    GROUP BY 1, 2, 3, 4
    ON CONFLICT (model_id, api, outcome, place) DO UPDATE
    SET calls = t.calls + EXCLUDED.calls, milliseconds = t.milliseconds + EXCLUDED.milliseconds
$$;

COMMENT ON FUNCTION reefqbo._count_removed_calls(bigint[], text[], integer[], integer[]) IS
'Internal: counts requests whose rows are being removed. Arguments: a column each.';

CREATE VIEW reefqbo._my_calls WITH (security_barrier) AS
SELECT c.api, c.outcome, c.place, sum(c.calls) AS calls, sum(c.milliseconds) AS milliseconds
FROM (
    SELECT t.model_id, t.api, t.outcome, t.place, t.calls, t.milliseconds FROM reefqbo._call_total t
    UNION ALL
    SELECT r.model_id, CASE r.method WHEN 'POST' THEN 'oauth' ELSE 'accounting' END, COALESCE(r.status::text, 'none'),
           width_bucket(r.milliseconds::double precision, ARRAY[100.000001, 250.000001, 500.000001, 1000.000001, 2500.000001, 5000.000001, 10000.000001, 30000.000001, 60000.000001]) + 1,
           1, r.milliseconds
    FROM reefqbo.api_call r
) c
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access m WHERE m.model_id = 0 AND NOT m.scoped AND m.level = ANY (reefqbo._levels_with('monitor'))))
   OR c.model_id IN (SELECT v.model_id FROM reefqbo._my_watch v)
GROUP BY c.api, c.outcome, c.place;

COMMENT ON VIEW reefqbo._my_calls IS 'Internal: the requests of the models that whoever asks may watch, by API, outcome and latency, those of removed rows included.';

CREATE VIEW reefqbo._my_connections WITH (security_barrier) AS
SELECT m.name AS model, b.name AS branch, c.status, c.model_id, c.connection_id,
       k.now,
       extract(epoch FROM k.now - COALESCE(u.succeeded_at, c.actuals_as_of, c.connected_at))::double precision AS lag,
       u.failures, u.sqlstate, u.throttled_since,
       extract(epoch FROM k.now - t.obtained_at)::double precision AS token_age,
       (extract(epoch FROM LEAST(t.refresh_expires_at, t.hard_expires_at) - k.now) / 86400)::double precision AS grant_days,
       u.requests_total, u.saved_total,
       extract(epoch FROM k.now - GREATEST(u.refresh_due_at, u.not_before))::double precision AS overdue,
       s.is_paused
FROM reefqbo.connection c
JOIN reefqbo.model m ON m.model_id = c.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.schedule s ON s.model_id = c.model_id
LEFT JOIN reefqbo.credential t ON t.model_id = c.model_id AND t.connection_id = c.connection_id
LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
CROSS JOIN LATERAL (
    SELECT statement_timestamp() + COALESCE(current_setting('reefqbo.clock_offset', true), '0')::interval AS now
) k
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access m WHERE m.model_id = 0 AND NOT m.scoped AND m.level = ANY (reefqbo._levels_with('monitor'))))
   OR c.model_id IN (SELECT v.model_id FROM reefqbo._my_watch v);

COMMENT ON VIEW reefqbo._my_connections IS 'Internal: what the metrics say of each connection of the models that whoever asks may watch.';

CREATE VIEW reefqbo.metrics WITH (security_barrier) AS
SELECT 'reefqbo_requests_total'::text AS name,
       jsonb_build_object('api', c.api, 'status', c.outcome) AS labels,
       sum(c.calls)::double precision AS value,
       'counter'::text AS kind,
       'Requests to Intuit, by API (accounting, oauth) and HTTP status; none: there was no answer.'::text AS help
FROM reefqbo._my_calls c GROUP BY c.api, c.outcome
UNION ALL
SELECT 'reefqbo_request_seconds_bucket', jsonb_build_object('api', a.api, 'le', CASE l.latency WHEN 'Infinity' THEN '+Inf' ELSE l.latency::text END),
       COALESCE(sum(c.calls) OVER (PARTITION BY a.api ORDER BY l.place), 0)::double precision, 'histogram',
       'How long requests to Intuit took: how many took at most so many seconds.'
FROM (VALUES ('accounting'), ('oauth')) AS a (api)
CROSS JOIN unnest(reefqbo._latencies()) WITH ORDINALITY AS l (latency, place)
LEFT JOIN (SELECT o.api, o.place, sum(o.calls) AS calls FROM reefqbo._my_calls o GROUP BY o.api, o.place) c
    ON c.api = a.api AND c.place = l.place
UNION ALL
SELECT 'reefqbo_request_seconds_sum', jsonb_build_object('api', c.api), sum(c.milliseconds) / 1000, 'histogram',
       'How long requests to Intuit took, all in all.'
FROM reefqbo._my_calls c GROUP BY c.api
UNION ALL
SELECT 'reefqbo_request_seconds_count', jsonb_build_object('api', c.api), sum(c.calls), 'histogram', 'Requests to Intuit.'
FROM reefqbo._my_calls c GROUP BY c.api
UNION ALL
SELECT 'reefqbo_requests_saved_total', '{}', COALESCE(sum(c.saved_total), 0), 'counter',
       'Requests that were not needed, since QuickBooks said what had changed.'
FROM reefqbo._my_connections c
UNION ALL
SELECT 'reefqbo_connections', jsonb_build_object('status', s.status), count(c.status), 'gauge', 'Connections, by status.'
FROM (VALUES ('connected'), ('reconnect_required'), ('suspended'), ('disconnected')) AS s (status)
LEFT JOIN reefqbo._my_connections c ON c.status = s.status
GROUP BY s.status
UNION ALL
SELECT 'reefqbo_overdue_connections', '{}', count(*) FILTER (WHERE c.overdue > 60), 'gauge',
       'Connections whose refresh has been due for more than a minute.'
FROM reefqbo._my_connections c WHERE c.status IN ('connected', 'suspended') AND NOT c.is_paused
UNION ALL
SELECT 'reefqbo_overdue_seconds', '{}', GREATEST(0, max(c.overdue)), 'gauge', 'For how long the refresh that has been due longest has been so.'
FROM reefqbo._my_connections c WHERE c.status IN ('connected', 'suspended') AND NOT c.is_paused
UNION ALL
SELECT 'reefqbo_webhook_events_waiting', '{}', COALESCE(sum(w.events), 0), 'gauge', 'Events of webhooks that wait for the refresh they call for.'
FROM reefqbo.webhook_event w JOIN reefqbo._my_connections c ON c.model_id = w.model_id AND c.connection_id = w.connection_id
UNION ALL
SELECT 'reefqbo_imports_waiting', '{}', count(*), 'gauge', 'Imports that were cut off and that the background worker goes on with.'
FROM reefqbo.upkeep u JOIN reefqbo._my_connections c ON c.model_id = u.model_id AND c.connection_id = u.connection_id
WHERE u.backfill_is_wanted AND u.backfill_import_id IS NOT NULL
UNION ALL
SELECT 'reefqbo_lag_seconds', jsonb_build_object('model', c.model, 'branch', c.branch), c.lag, 'gauge',
       'Time since the tables were last known to hold what QuickBooks holds.'
FROM reefqbo._my_connections c WHERE c.status <> 'disconnected'
UNION ALL
SELECT 'reefqbo_token_age_seconds', jsonb_build_object('model', c.model, 'branch', c.branch), c.token_age, 'gauge',
       'Time since the newest tokens of the connection were handed out.'
FROM reefqbo._my_connections c WHERE c.status <> 'disconnected' AND c.token_age IS NOT NULL
UNION ALL
SELECT 'reefqbo_grant_days_left', jsonb_build_object('model', c.model, 'branch', c.branch), GREATEST(0, c.grant_days), 'gauge',
       'Days until the grant of the connection ends.'
FROM reefqbo._my_connections c WHERE c.status <> 'disconnected' AND c.grant_days IS NOT NULL
UNION ALL
SELECT 'reefqbo_throttled_connections', '{}', count(*) FILTER (WHERE c.throttled_since IS NOT NULL), 'gauge',
       'Connections that QuickBooks has refused every request of with 429.'
FROM reefqbo._my_connections c
UNION ALL
SELECT 'reefqbo_failing_connections', jsonb_build_object('sqlstate', c.sqlstate), count(*), 'gauge',
       'Connections whose last attempt on schedule has failed, by SQLSTATE.'
FROM reefqbo._my_connections c WHERE c.failures > 0 GROUP BY c.sqlstate
UNION ALL
SELECT 'reefqbo_failed_imports_day', jsonb_build_object('sqlstate', COALESCE(l.sqlstate, 'none')), count(*), 'gauge',
       'Imports of the last 24 hours that have failed, by SQLSTATE.'
FROM reefqbo.import_log l JOIN reefqbo._my_connections c ON c.model_id = l.model_id AND c.connection_id = l.connection_id
WHERE l.status = 'failed' AND l.started_at > c.now - interval '1 day' GROUP BY l.sqlstate
UNION ALL
SELECT 'reefqbo_worker_state', jsonb_build_object('database', w.database, 'state', w.state), 1, 'gauge',
       'The background worker of each database, by its state: launcher, working, idle, due or failing.'
FROM reefqbo.worker_status() w
UNION ALL
SELECT 'reefqbo_worker_began_seconds', jsonb_build_object('database', w.database), extract(epoch FROM w.last_began)::double precision, 'gauge',
       'When the last background worker of each database began, in seconds since 1970.'
FROM reefqbo.worker_status() w WHERE w.last_began IS NOT NULL
UNION ALL
SELECT 'reefqbo_table_bytes', jsonb_build_object('table', t.name), pg_total_relation_size(t.relation)::double precision, 'gauge',
       'Size on disk of the larger tables, with their indexes.'
FROM (VALUES ('_actual_year', 'reefqbo._actual_year'::regclass), ('account', 'reefqbo.account'::regclass),
             ('api_call', 'reefqbo.api_call'::regclass), ('import_log', 'reefqbo.import_log'::regclass),
             ('_proof', 'reefqbo._proof'::regclass), ('restatement', 'reefqbo.restatement'::regclass),
             ('ledger_line', 'reefqbo.ledger_line'::regclass), ('dimension_actual', 'reefqbo.dimension_actual'::regclass)) AS t (name, relation)
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access m WHERE m.model_id = 0 AND NOT m.scoped AND m.level = ANY (reefqbo._levels_with('monitor'))));

COMMENT ON VIEW reefqbo.metrics IS
'For monitoring systems: what goes on, as names, labels and values in the manner of Prometheus, of the models that whoever asks may watch; no data of companies. contrib/prometheus has a configuration for sql_exporter, alert rules and a dashboard.
Ask by name, and only what that takes is computed. Counters go on counting when old rows of api_call are removed.';
COMMENT ON COLUMN reefqbo.metrics.name IS 'name of the metric';
COMMENT ON COLUMN reefqbo.metrics.labels IS 'what tells its values apart, as an object of texts';
COMMENT ON COLUMN reefqbo.metrics.value IS 'the value';
COMMENT ON COLUMN reefqbo.metrics.kind IS 'counter, gauge or histogram';
COMMENT ON COLUMN reefqbo.metrics.help IS 'what it means';
INSERT INTO reefqbo._privilege VALUES ('monitor', 'SELECT', 'TABLE reefqbo.metrics');
