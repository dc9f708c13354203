-- The schedule: how often each model is refreshed, how each connection stands with it, and the processes behind it.

CREATE TABLE reefqbo.schedule (
    model_id bigint NOT NULL REFERENCES reefqbo.model ON DELETE CASCADE,
    refresh_every interval NOT NULL DEFAULT '6 hours',
    reread_months integer NOT NULL DEFAULT 3,
    full_every interval NOT NULL DEFAULT '7 days',
    quiet_from time NOT NULL DEFAULT '00:00',
    quiet_until time NOT NULL DEFAULT '00:00',
    time_zone text NOT NULL DEFAULT 'UTC',
    is_paused boolean NOT NULL DEFAULT false,
    PRIMARY KEY (model_id),
    -- a year has 365.25 days where turns are worked out, and 360 where intervals are compared
    CONSTRAINT schedule_refresh_every CHECK (refresh_every BETWEEN interval '1 minute' AND interval '28 days'
        AND date_part('epoch', refresh_every) BETWEEN 60 AND 28 * 86400),
    CONSTRAINT schedule_full_every CHECK (full_every BETWEEN interval '1 hour' AND interval '366 days'
        AND date_part('epoch', full_every) BETWEEN 3600 AND 366 * 86400),
    CONSTRAINT schedule_reread_months CHECK (reread_months BETWEEN 1 AND 1200)
);

COMMENT ON TABLE reefqbo.schedule IS
'When the background worker refreshes the connections of each model. A row is made with its model; change it with reefqbo.set_schedule.';
COMMENT ON COLUMN reefqbo.schedule.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.schedule.refresh_every IS 'how often QuickBooks is asked for changes; companies are spread evenly over it';
COMMENT ON COLUMN reefqbo.schedule.reread_months IS 'how many months, the present one counted, are read again when something has changed';
COMMENT ON COLUMN reefqbo.schedule.full_every IS 'how often everything that was imported is read again, whatever QuickBooks says of changes';
COMMENT ON COLUMN reefqbo.schedule.quiet_from IS 'from this time of day nothing is read, until quiet_until; no quiet hours when both are the same';
COMMENT ON COLUMN reefqbo.schedule.quiet_until IS 'time of day at which the quiet hours end';
COMMENT ON COLUMN reefqbo.schedule.time_zone IS 'the time zone of the quiet hours';
COMMENT ON COLUMN reefqbo.schedule.is_paused IS 'nothing is read; grants are kept alive all the same';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.schedule', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.schedule');

CREATE FUNCTION reefqbo._wake()
RETURNS trigger
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_wake_trigger';

COMMENT ON FUNCTION reefqbo._wake() IS 'Internal: the background worker looks at commit what has become due.';

CREATE TRIGGER schedule_wake AFTER INSERT OR UPDATE OR DELETE ON reefqbo.schedule
FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._wake();

CREATE TABLE reefqbo.upkeep (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    refresh_due_at timestamptz NOT NULL,
    full_due_at timestamptz,
    not_before timestamptz,
    backfill_import_id bigint,
    backfill_is_wanted boolean NOT NULL DEFAULT false,
    attempted_at timestamptz,
    succeeded_at timestamptz,
    failed_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    sqlstate text,
    message text,
    throttled_since timestamptz,
    webhook_at timestamptz,
    changes_until timestamptz,
    changes_read_at timestamptz,
    changes_seen text[],
    requests_on date,
    requests_today integer NOT NULL DEFAULT 0,
    saved_today integer NOT NULL DEFAULT 0,
    requests_total bigint NOT NULL DEFAULT 0,
    saved_total bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (model_id, connection_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection ON DELETE CASCADE
);

COMMENT ON TABLE reefqbo.upkeep IS
'How each connection stands with the schedule: what is due when, how the last attempts ended, and up to when changes in QuickBooks are known. Read reefqbo.upkeep_status instead.';
COMMENT ON COLUMN reefqbo.upkeep.full_due_at IS 'when everything that was imported is to be read again; NULL: with the next refresh';
COMMENT ON COLUMN reefqbo.upkeep.not_before IS 'no attempt before this time. Written ahead of each attempt, so that one that ends with a crash is repeated with a pause as well';
COMMENT ON COLUMN reefqbo.upkeep.backfill_import_id IS 'an import of a range that has chunks left to read';
COMMENT ON COLUMN reefqbo.upkeep.backfill_is_wanted IS 'the worker goes on with it by itself; false once somebody has cancelled it';
COMMENT ON COLUMN reefqbo.upkeep.throttled_since IS 'since when every attempt was refused with 429; for hours on end it is the app''s monthly quota that is used up';
COMMENT ON COLUMN reefqbo.upkeep.webhook_at IS 'when the last webhook came in that a refresh has followed';
COMMENT ON COLUMN reefqbo.upkeep.changes_until IS 'by QuickBooks'' clock: what changed before it is in the tables; NULL: not known, so the next refresh reads everything';
COMMENT ON COLUMN reefqbo.upkeep.changes_read_at IS 'the same moment by the server''s clock';
COMMENT ON COLUMN reefqbo.upkeep.changes_seen IS 'the changes QuickBooks told last: the next question overlaps, and these are not news';
COMMENT ON COLUMN reefqbo.upkeep.saved_today IS 'requests that were not needed, since QuickBooks said that nothing had changed';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.upkeep', '');

-- ---- when ----

CREATE FUNCTION reefqbo._phase(connection_id bigint)
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$ SELECT (hashint8($1) & 2147483647) / 2147483648.0::double precision $$;

COMMENT ON FUNCTION reefqbo._phase(bigint) IS
'Internal: where in each period a connection has its turn, from 0 to 1: always the same for one connection, and spread evenly over many.';

CREATE FUNCTION reefqbo._after_quiet(moment timestamptz, quiet_from time, quiet_until time, time_zone text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN $2 = $3 THEN $1
        WHEN $2 < $3 AND l.t::time >= $2 AND l.t::time < $3 THEN (l.t::date + $3) AT TIME ZONE $4
        WHEN $2 > $3 AND l.t::time >= $2 THEN (l.t::date + 1 + $3) AT TIME ZONE $4
        WHEN $2 > $3 AND l.t::time < $3 THEN (l.t::date + $3) AT TIME ZONE $4
        ELSE $1
    END
    FROM (SELECT $1 AT TIME ZONE $4) AS l (t)
$$;

COMMENT ON FUNCTION reefqbo._after_quiet(timestamptz, time, time, text) IS
'Internal: the moment itself, or the end of the quiet hours that it falls into.';

CREATE FUNCTION reefqbo._next_turn(after timestamptz, every interval, phase double precision,
                                   quiet_from time, quiet_until time, time_zone text)
RETURNS timestamptz
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN q.t = n.t THEN n.t
                ELSE q.t + LEAST($2, interval '1 hour') * $3 END
    FROM (SELECT extract(epoch FROM $2)::double precision) AS e (s),
         LATERAL (SELECT to_timestamp((floor(extract(epoch FROM $1)::double precision / e.s - $3) + 1 + $3) * e.s)) AS n (t),
         LATERAL (SELECT reefqbo._after_quiet(n.t, $4, $5, $6)) AS q (t)
$$;

COMMENT ON FUNCTION reefqbo._next_turn(timestamptz, interval, double precision, time, time, text) IS
'Internal: the next turn of a connection after a moment. Turns come every so often, counted from 1970, moved by the phase; however many were missed, there is one next.
A turn in the quiet hours comes after their end, within the first hour, by the phase.';

CREATE FUNCTION reefqbo._set_schedule(model text, refresh_every interval, reread_months integer, full_every interval,
                                      quiet_from time, quiet_until time, time_zone text, paused boolean)
RETURNS reefqbo.schedule
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    changed reefqbo.schedule;
BEGIN
    -- a name that means the same to everybody: an abbreviation means what the session's settings say
    IF $7 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pg_timezone_names z WHERE lower(z.name) = lower($7)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('time zone "%s" is not known', $7),
            HINT = 'It is a name of pg_timezone_names, such as "UTC" or "Europe/Berlin".';
    END IF;
    INSERT INTO reefqbo.schedule AS s (model_id) VALUES (in_model) ON CONFLICT DO NOTHING;
    UPDATE reefqbo.schedule s
    SET refresh_every = COALESCE($2, s.refresh_every), reread_months = COALESCE($3, s.reread_months),
        full_every = COALESCE($4, s.full_every), quiet_from = COALESCE($5, s.quiet_from),
        quiet_until = COALESCE($6, s.quiet_until), time_zone = COALESCE($7, s.time_zone),
        is_paused = COALESCE($8, s.is_paused)
    WHERE s.model_id = in_model
    RETURNING s.* INTO changed;
    -- what is overdue stays so; what lies ahead follows the new schedule
    UPDATE reefqbo.upkeep u
    SET refresh_due_at = reefqbo._next_turn(reefqbo._now(), reefqbo._pace(changed.refresh_every, u.webhook_at), reefqbo._phase(u.connection_id),
                                            changed.quiet_from, changed.quiet_until, changed.time_zone),
        full_due_at = CASE WHEN u.full_due_at IS NOT NULL
                           THEN LEAST(u.full_due_at, reefqbo._now() + changed.full_every) END
    WHERE u.model_id = in_model AND u.refresh_due_at > reefqbo._now();
    PERFORM reefqbo._audit('schedule_changed', in_model, $1, row_to_json(changed)::text);
    RETURN changed;
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not set the schedule of model "%s"', $1),
            DETAIL = 'refresh_every is 1 minute to 28 days, full_every 1 hour to 366 days, and reread_months 1 to 1200.',
            HINT = 'The schedule is as it was. To read nothing for a while, pass paused => true.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_schedule(text, interval, integer, interval, time, time, text, boolean) IS
'Internal: what reefqbo.set_schedule does, without asking who calls.';

CREATE FUNCTION reefqbo.set_schedule(model text, refresh_every interval DEFAULT NULL, reread_months integer DEFAULT NULL,
                                     full_every interval DEFAULT NULL, quiet_from time DEFAULT NULL,
                                     quiet_until time DEFAULT NULL, time_zone text DEFAULT NULL,
                                     paused boolean DEFAULT NULL)
RETURNS reefqbo.schedule
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_schedule(text, interval, integer, interval, time, time, text, boolean) IS
'Changes when the background worker refreshes a model. What is left out or NULL stays as it is.
Arguments: model; refresh_every, 1 minute to 28 days (at first 6 hours); reread_months, how many months are read again when something has changed (3);
full_every, how often everything imported is read again, 1 hour to 366 days (7 days); quiet_from and quiet_until, times of day between which nothing is read (the same time twice: none), in time_zone (UTC);
paused, true to read nothing until it is false again: grants are kept alive all the same.
Result: the schedule. Errors: 42704 no such model, 22023 a value or time zone is not acceptable.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_schedule(text, interval, integer, interval, time, time, text, boolean)');

-- ---- pauses that QuickBooks asks for ----

CREATE FUNCTION reefqbo._paused_until(throttle_tokens double precision, throttle_counted_at timestamptz)
RETURNS timestamptz
LANGUAGE c VOLATILE STRICT SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_paused_until';

COMMENT ON FUNCTION reefqbo._paused_until(double precision, timestamptz) IS
'Internal: until when a company with this budget of requests is left alone, by the server''s clock; NULL if it is not.';

CREATE VIEW reefqbo._pause AS
SELECT c.model_id, c.connection_id, c.realm_digest, p.paused_until
FROM reefqbo.connection c
CROSS JOIN LATERAL (
    SELECT reefqbo._paused_until(o.throttle_tokens, o.throttle_counted_at) AS paused_until
    FROM reefqbo.connection o
    WHERE o.realm_digest = c.realm_digest AND o.throttle_counted_at IS NOT NULL
    ORDER BY o.throttle_counted_at DESC LIMIT 1
) p
WHERE c.status <> 'disconnected' AND p.paused_until IS NOT NULL;

COMMENT ON VIEW reefqbo._pause IS
'Internal: the connections whose company has asked to be left alone, whichever of its connections it has told.';

CREATE FUNCTION reefqbo._lift_pause(model text, branch text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    in_branch bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._branch_id(in_model, $2) END;
    companies bytea[];
    paused bigint;
BEGIN
    PERFORM 1 FROM reefqbo.connection c WHERE c.model_id = in_model AND (in_branch IS NULL OR c.branch_id = in_branch);
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL THEN format('model "%s" has no connection', $1)
                           ELSE format('branch "%s" of model "%s" has no connection', $2, $1) END,
            HINT = 'The view reefqbo.connection_status lists the connections.';
    END IF;
    -- a job under way may have been asked for a pause that is not written down yet
    companies := ARRAY(SELECT c.realm_digest FROM reefqbo.connection c
                       WHERE c.model_id = in_model AND (in_branch IS NULL OR c.branch_id = in_branch));
    paused := (SELECT count(DISTINCT p.realm_digest) FROM reefqbo._pause p WHERE p.realm_digest = ANY (companies));
    UPDATE reefqbo.connection c
    SET throttle_tokens = NULL, throttle_counted_at = NULL, pause_lifted_at = clock_timestamp()
    WHERE c.realm_digest = ANY (companies);
    UPDATE reefqbo.upkeep u SET not_before = NULL
    FROM reefqbo.connection c
    WHERE c.realm_digest = ANY (companies) AND u.model_id = c.model_id AND u.connection_id = c.connection_id
      AND u.sqlstate = 'RQ006';
    UPDATE reefqbo._request r SET not_before = reefqbo._now()
    FROM reefqbo.connection c
    WHERE c.realm_digest = ANY (companies) AND r.model_id = c.model_id AND r.connection_id = c.connection_id
      AND r.finished_at IS NULL AND r.sqlstate = 'RQ006';
    -- the background worker looks at commit what has become due
    UPDATE reefqbo.schedule s SET is_paused = s.is_paused WHERE s.model_id = in_model;
    PERFORM reefqbo._audit('pause_lifted', in_model, $1, format('of %s companies', paused));
    RETURN paused;
END
$$;

COMMENT ON FUNCTION reefqbo._lift_pause(text, text) IS 'Internal: what reefqbo.lift_pause does, without asking who calls.';

CREATE FUNCTION reefqbo.lift_pause(model text, branch text DEFAULT NULL)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.lift_pause(text, text) IS
'Lets a company be asked again although QuickBooks has throttled and asked for a pause, of an hour at most; reefqbo.check() shows the pauses there are. A pause is the company''s: it is lifted for every connection to it, and a job under way that was asked for one before does not bring it back. QuickBooks may answer with the next one.
Arguments: model; branch, by default every connection of the model. Result: how many companies were paused, by what is written down. Errors: 42704 no such model, branch or connection.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.lift_pause(text, text)');

CREATE VIEW reefqbo._due AS
SELECT d.*, GREATEST(LEAST(d.refresh_due_at, d.backfill_due_at, d.grant_due_at), d.held_until) AS due_at
FROM (
    SELECT c.model_id, c.connection_id,
           CASE WHEN s.is_paused THEN NULL
                WHEN u.connection_id IS NULL OR w.was_set_back THEN q.readable_at
                ELSE GREATEST(LEAST(u.refresh_due_at, h.due_at), q.readable_at) END AS refresh_due_at,
           CASE WHEN u.backfill_is_wanted AND u.backfill_import_id IS NOT NULL AND NOT s.is_paused
                THEN q.readable_at END AS backfill_due_at,
           CASE WHEN t.obtained_at > n.t + interval '1 minute' THEN n.t ELSE t.keep_alive_at END AS grant_due_at,
           CASE WHEN NOT w.is_held_too_long THEN u.not_before END AS held_until,
           u.attempted_at, u.backfill_import_id, COALESCE(u.failures, 0) AS failures
    FROM reefqbo.connection c
    JOIN reefqbo.credential t ON t.model_id = c.model_id AND t.connection_id = c.connection_id
    JOIN reefqbo.schedule s ON s.model_id = c.model_id
    LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
    CROSS JOIN (SELECT reefqbo._now()) AS n (t)
    -- events of webhooks are gathered for some seconds; in a stream of them there is a refresh every two minutes
    LEFT JOIN (SELECT w.model_id, w.connection_id, min(w.received_at) AS first_at
               FROM reefqbo.webhook_event w GROUP BY w.model_id, w.connection_id) AS e
        ON e.model_id = c.model_id AND e.connection_id = c.connection_id
    CROSS JOIN LATERAL (SELECT CASE WHEN e.first_at IS NOT NULL
                                    THEN GREATEST(LEAST(e.first_at, n.t) + interval '5 seconds',
                                                  u.attempted_at + LEAST(s.refresh_every, interval '2 minutes')) END) AS h (due_at)
    CROSS JOIN LATERAL (SELECT COALESCE(GREATEST(u.attempted_at, u.succeeded_at, u.failed_at) > n.t + interval '1 minute'
                                        OR u.refresh_due_at > n.t + reefqbo._pace(s.refresh_every, u.webhook_at) + interval '1 day', false),
                               COALESCE(u.attempted_at > n.t + interval '1 minute' OR u.not_before > n.t + interval '2 days', false)
        ) AS w (was_set_back, is_held_too_long)
    CROSS JOIN LATERAL (SELECT CASE WHEN s.quiet_from = s.quiet_until THEN n.t
                                    ELSE reefqbo._after_quiet(n.t, s.quiet_from, s.quiet_until, s.time_zone) END) AS q (readable_at)
    WHERE c.status <> 'disconnected' AND t.rejected_at IS NULL
) d;

COMMENT ON VIEW reefqbo._due IS
'Internal: when there is something to do for each living connection: a refresh, an import to go on with, or a grant to keep alive. Times that lie in the future because the clock was set back count as come.';

-- ---- watching ----

CREATE VIEW reefqbo.upkeep_status WITH (security_barrier) AS
SELECT pg_catalog.current_database() AS database,
       m.name AS model,
       b.name AS branch,
       c.company_name AS company,
       c.status,
       s.is_paused AS paused,
       u.succeeded_at AS last_success,
       k.now - COALESCE(u.succeeded_at, c.actuals_as_of) AS lag,
       u.failures AS failures_in_a_row,
       CASE WHEN u.failures > 0 THEN u.sqlstate END AS sqlstate,
       CASE WHEN u.failures > 0 THEN u.message END AS error,
       CASE WHEN u.requests_on = (k.now AT TIME ZONE 'UTC')::date THEN u.requests_today ELSE 0 END AS requests_today,
       CASE WHEN u.requests_on = (k.now AT TIME ZONE 'UTC')::date THEN u.saved_today ELSE 0 END AS requests_saved_today,
       COALESCE(u.requests_total, 0) AS requests_total,
       COALESCE(u.saved_total, 0) AS requests_saved_total,
       CASE WHEN c.status <> 'disconnected' AND t.rejected_at IS NULL THEN
           GREATEST(LEAST(CASE WHEN NOT s.is_paused THEN COALESCE(LEAST(u.refresh_due_at, h.due_at), k.now) END, t.keep_alive_at), u.not_before)
       END AS next_due,
       u.full_due_at AS next_full_reading,
       CASE WHEN t.rejected_at IS NULL THEN t.keep_alive_at END AS grant_refreshed_by,
       u.throttled_since,
       u.webhook_at AS last_webhook,
       c.model_id,
       c.connection_id
FROM reefqbo.connection c
JOIN reefqbo.model m ON m.model_id = c.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.schedule s ON s.model_id = c.model_id
LEFT JOIN reefqbo.credential t ON t.model_id = c.model_id AND t.connection_id = c.connection_id
LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id
-- as in reefqbo._due
LEFT JOIN (SELECT w.model_id, w.connection_id, pg_catalog.min(w.received_at) AS first_at
           FROM reefqbo.webhook_event w GROUP BY w.model_id, w.connection_id) AS e
    ON e.model_id = c.model_id AND e.connection_id = c.connection_id
CROSS JOIN LATERAL (SELECT CASE WHEN e.first_at IS NOT NULL
                                THEN GREATEST(e.first_at + interval '5 seconds',
                                              u.attempted_at + LEAST(s.refresh_every, interval '2 minutes')) END) AS h (due_at)
CROSS JOIN LATERAL (
    SELECT pg_catalog.statement_timestamp()
           + COALESCE(pg_catalog.current_setting('reefqbo.clock_offset', true), '0')::interval AS now
) k
-- as in connection_status
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a WHERE a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with(NULL))))
   OR c.model_id IN (SELECT v.model_id FROM reefqbo._my_right v WHERE v.level = ANY (reefqbo._levels_with(NULL)));

COMMENT ON VIEW reefqbo.upkeep_status IS
'For monitoring: how each connection stands with the schedule. lag is the time since the tables were last known to hold what QuickBooks holds, or since the first import; failures_in_a_row counts attempts on schedule, and error is the last one''s.
requests_today (of the day in UTC) were made to the accounting API, which Intuit meters; requests_saved_today were not needed. next_due is when the background worker does something for it next.';
COMMENT ON COLUMN reefqbo.upkeep_status.database IS 'this database';
COMMENT ON COLUMN reefqbo.upkeep_status.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.upkeep_status.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.upkeep_status.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.upkeep_status.status IS 'as in reefqbo.connection_status';
COMMENT ON COLUMN reefqbo.upkeep_status.paused IS 'the schedule is paused';
COMMENT ON COLUMN reefqbo.upkeep_status.last_success IS 'when the tables were last known to hold what QuickBooks holds';
COMMENT ON COLUMN reefqbo.upkeep_status.lag IS 'time since then';
COMMENT ON COLUMN reefqbo.upkeep_status.failures_in_a_row IS 'attempts on schedule that have failed since the last that did not';
COMMENT ON COLUMN reefqbo.upkeep_status.sqlstate IS 'the last failure''s';
COMMENT ON COLUMN reefqbo.upkeep_status.error IS 'the last failure''s message';
COMMENT ON COLUMN reefqbo.upkeep_status.last_webhook IS 'when the last webhook came in that a refresh has followed; within a week of it the schedule goes slower';
COMMENT ON COLUMN reefqbo.upkeep_status.requests_today IS 'made to the accounting API, day in UTC';
COMMENT ON COLUMN reefqbo.upkeep_status.requests_saved_today IS 'that were not needed';
COMMENT ON COLUMN reefqbo.upkeep_status.requests_total IS 'made so far';
COMMENT ON COLUMN reefqbo.upkeep_status.requests_saved_total IS 'not needed so far';
COMMENT ON COLUMN reefqbo.upkeep_status.next_due IS 'when the background worker does something for it next';
COMMENT ON COLUMN reefqbo.upkeep_status.next_full_reading IS 'when everything is read again';
COMMENT ON COLUMN reefqbo.upkeep_status.grant_refreshed_by IS 'when the grant is refreshed at the latest';
COMMENT ON COLUMN reefqbo.upkeep_status.throttled_since IS 'since when every request is refused, or NULL';
COMMENT ON COLUMN reefqbo.upkeep_status.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.upkeep_status.connection_id IS 'the connection: one QuickBooks company in one branch';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.upkeep_status');
INSERT INTO reefqbo._privilege VALUES ('monitor', 'SELECT', 'TABLE reefqbo.upkeep_status');

CREATE FUNCTION reefqbo.worker_status(OUT database name, OUT state text, OUT pid integer, OUT last_began timestamptz,
                                      OUT last_ended timestamptz, OUT next_due timestamptz, OUT problem text, OUT hint text)
RETURNS SETOF record
LANGUAGE c ROWS 8 SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_worker_status';

COMMENT ON FUNCTION reefqbo.worker_status() IS
'The background worker of every database in reefqbo.databases, read from shared memory: no table is touched and nothing is asked of QuickBooks. No row when reefqbo is not in shared_preload_libraries.
Result: state, ''launcher'' for the process that starts the others, and else working, idle, due or failing; pid; when a worker last began and ended; when there is work next (NULL: nothing is due); what is wrong, and what to do about it.';
INSERT INTO reefqbo._privilege VALUES ('monitor', 'EXECUTE', 'FUNCTION reefqbo.worker_status()');
