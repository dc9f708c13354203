-- Watching: progress, how the schedule stands, and the processes behind it.

CREATE VIEW reefqbo.import_progress WITH (security_barrier) AS
SELECT m.name AS model,
       b.name AS branch,
       c.company_name AS company,
       CASE WHEN l.status = 'running' THEN 'running'
            WHEN u.backfill_is_wanted THEN 'waiting'
            ELSE 'stopped' END AS state,
       l.kind,
       l.accounting_method,
       l.start_date,
       l.end_date,
       l.chunks_done,
       l.chunks_total,
       l.months AS months_done,
       l.started_at,
       CASE WHEN l.status = 'running' THEN r.chunks_per_minute::numeric(10, 2) END AS chunks_per_minute,
       CASE WHEN l.status = 'running' AND r.chunks_per_minute > 0
            THEN k.now + interval '1 minute' * ((l.chunks_total - l.chunks_done) / r.chunks_per_minute)
       END AS expected_end,
       l.model_id,
       l.connection_id,
       l.import_id
FROM reefqbo.import_log l
JOIN reefqbo.connection c ON c.model_id = l.model_id AND c.connection_id = l.connection_id
JOIN reefqbo.model m ON m.model_id = l.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
LEFT JOIN reefqbo.upkeep u ON u.model_id = l.model_id AND u.connection_id = l.connection_id
CROSS JOIN LATERAL (
    SELECT pg_catalog.statement_timestamp()
           + COALESCE(pg_catalog.current_setting('reefqbo.clock_offset', true), '0')::interval AS now
) k
CROSS JOIN LATERAL (
    SELECT (l.chunks_done - l.chunks_before) * 60
           / NULLIF(pg_catalog.extract('epoch', k.now - l.started_at), 0)::double precision AS chunks_per_minute
) r
WHERE (l.status = 'running' OR l.import_id = u.backfill_import_id)
  AND l.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.import_progress IS
'The imports that have not come to their end. state: running; waiting, interrupted, and the background worker goes on with it; stopped, cancelled, and calling the same import again goes on with it.
chunks_done of chunks_total are stored, newest first; chunks_per_minute is the rate of this run and expected_end what it comes to.';

CREATE VIEW reefqbo.upkeep_status WITH (security_barrier) AS
SELECT pg_catalog.current_database() AS database,
       m.name AS model,
       b.name AS branch,
       c.company_name AS company,
       c.status,
       s.is_paused AS paused,
       u.succeeded_at AS last_success,
       k.now - u.succeeded_at AS lag,
       u.failures AS failures_in_a_row,
       CASE WHEN u.failures > 0 THEN u.sqlstate END AS sqlstate,
       CASE WHEN u.failures > 0 THEN u.message END AS error,
       CASE WHEN u.requests_on = (k.now AT TIME ZONE 'UTC')::date THEN u.requests_today ELSE 0 END AS requests_today,
       CASE WHEN u.requests_on = (k.now AT TIME ZONE 'UTC')::date THEN u.saved_today ELSE 0 END AS requests_saved_today,
       COALESCE(u.requests_total, 0) AS requests_total,
       COALESCE(u.saved_total, 0) AS requests_saved_total,
       CASE WHEN c.status <> 'disconnected' AND t.rejected_at IS NULL THEN
           GREATEST(LEAST(CASE WHEN NOT s.is_paused THEN COALESCE(u.refresh_due_at, k.now) END, t.keep_alive_at), u.not_before)
       END AS next_due,
       u.full_due_at AS next_full_reading,
       CASE WHEN t.rejected_at IS NULL THEN t.keep_alive_at END AS grant_refreshed_by,
       u.throttled_since,
       c.model_id,
       c.connection_id
FROM reefqbo.connection c
JOIN reefqbo.model m ON m.model_id = c.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.schedule s ON s.model_id = c.model_id
LEFT JOIN reefqbo.credential t ON t.model_id = c.model_id AND t.connection_id = c.connection_id
LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
CROSS JOIN LATERAL (
    SELECT pg_catalog.statement_timestamp()
           + COALESCE(pg_catalog.current_setting('reefqbo.clock_offset', true), '0')::interval AS now
) k
WHERE c.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.upkeep_status IS
'For monitoring: how each connection stands with the schedule. lag is the time since the tables were last known to hold what QuickBooks holds; failures_in_a_row counts attempts on schedule, and error is the last one''s.
requests_today (of the day in UTC) were made to the accounting API, which Intuit meters; requests_saved_today were not needed. next_due is when the background worker does something for it next.';

CREATE FUNCTION reefqbo.worker_status(OUT database name, OUT state text, OUT pid integer, OUT last_began timestamptz,
                                      OUT last_ended timestamptz, OUT next_due timestamptz, OUT problem text, OUT hint text)
RETURNS SETOF record
LANGUAGE c ROWS 8 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_worker_status';

COMMENT ON FUNCTION reefqbo.worker_status() IS
'The background worker of every database in reefqbo.databases, read from shared memory: no table is touched and nothing is asked of QuickBooks. No row when reefqbo is not in shared_preload_libraries.
Result: state, ''launcher'' for the process that starts the others, and else working, idle, due or failing; pid; when a worker last began and ended; when there is work next (NULL: nothing is due); what is wrong, and what to do about it.';
