-- Requests: imports and refreshes that the background worker does, asked for in the caller's own transaction.

CREATE SEQUENCE reefqbo._request_id_seq;

CREATE TABLE reefqbo._request (
    model_id bigint NOT NULL,
    request_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    branch_id bigint,
    kind text NOT NULL,
    accounting_method text,
    start_date date,
    end_date date,
    is_whole boolean NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    requested_by name NOT NULL,
    not_before timestamptz NOT NULL DEFAULT reefqbo._now(),
    led_by bigint,
    attempts integer NOT NULL DEFAULT 0,
    started_at timestamptz,
    finished_at timestamptz,
    outcome text,
    import_id bigint,
    sqlstate text,
    message text,
    detail text,
    hint text,
    PRIMARY KEY (model_id, request_id, connection_id),
    CONSTRAINT request_kind_is_known CHECK (kind IN ('import', 'refresh')),
    CONSTRAINT request_outcome_is_known CHECK (outcome IN ('succeeded', 'failed', 'cancelled')),
    CONSTRAINT request_has_an_end CHECK ((outcome IS NULL) = (finished_at IS NULL))
);

-- no key refers to connection from here: a caller's open transaction must not lock its row
CREATE INDEX _request_open ON reefqbo._request (model_id, connection_id, request_id) WHERE finished_at IS NULL;
CREATE INDEX _request_id ON reefqbo._request (request_id);
CREATE INDEX _request_finished ON reefqbo._request (finished_at);

COMMENT ON SEQUENCE reefqbo._request_id_seq IS 'Internal: ids of requests.';
COMMENT ON TABLE reefqbo._request IS
'Internal: one row for each connection of a request, in reefqbo.request. led_by is the request whose import does it as well, while that runs; not_before is when it is tried, for the first time or again; outcome is how it ended.';

SELECT pg_catalog.pg_extension_config_dump('reefqbo._request', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo._request_id_seq', '');

CREATE TRIGGER request_wake AFTER INSERT ON reefqbo._request
FOR EACH STATEMENT EXECUTE FUNCTION reefqbo._wake();

CREATE VIEW reefqbo._request_queue AS
SELECT q.model_id, q.request_id, row_number() OVER (ORDER BY q.turn, q.request_id) AS place
FROM (
    SELECT r.model_id, r.request_id, row_number() OVER (PARTITION BY r.model_id ORDER BY r.request_id) AS turn
    FROM reefqbo._request r
    WHERE r.finished_at IS NULL AND r.led_by IS NULL
    GROUP BY r.model_id, r.request_id
) q;

COMMENT ON VIEW reefqbo._request_queue IS
'Internal: the requests that wait, in the order in which they are begun: models take turns, and each model''s are done in the order they were made in.';

CREATE VIEW reefqbo._request_due AS
SELECT f.*, q.place
FROM (
    SELECT DISTINCT ON (r.model_id, r.connection_id) r.*
    FROM reefqbo._request r
    WHERE r.finished_at IS NULL
    -- what is tried again later keeps nobody waiting
    ORDER BY r.model_id, r.connection_id, r.led_by IS NULL, GREATEST(r.not_before, reefqbo._now()), r.request_id
) f
JOIN reefqbo._request_queue q ON q.model_id = f.model_id AND q.request_id = f.request_id
WHERE f.led_by IS NULL;

COMMENT ON VIEW reefqbo._request_due IS 'Internal: the request that comes next for each connection, and when, unless one is under way there.';

CREATE VIEW reefqbo.request WITH (security_barrier) AS
SELECT r.request_id,
       r.model_id,
       m.name AS model,
       b.name AS branch,
       r.kind,
       CASE WHEN r.is_under_way OR (r.is_open AND r.connections_done > 0) THEN 'running'
            WHEN r.is_open THEN 'queued'
            WHEN r.has_failed THEN 'failed'
            WHEN r.is_cancelled THEN 'cancelled'
            ELSE 'succeeded' END AS state,
       r.requested_at,
       r.requested_by,
       r.started_at,
       CASE WHEN NOT r.is_open THEN r.finished_at END AS finished_at,
       r.chunks_done,
       r.chunks_total,
       CASE WHEN r.is_open AND NOT r.is_under_way AND r.connections_done = 0 THEN q.place END AS place,
       CASE WHEN r.is_open AND NOT r.is_under_way AND r.connections_done = 0 THEN r.not_before END AS not_before,
       r.import_id,
       r.sqlstate,
       r.message,
       r.hint,
       r.accounting_method,
       r.start_date,
       r.end_date,
       r.is_whole AS whole,
       r.connections,
       r.connections_done,
       r.attempts,
       r.detail
FROM (
    SELECT p.model_id, p.request_id, p.branch_id, p.kind, p.accounting_method, p.start_date, p.end_date, p.is_whole,
           p.requested_at, p.requested_by,
           bool_or(p.finished_at IS NULL) AS is_open,
           bool_or(p.finished_at IS NULL AND p.led_by IS NOT NULL) AS is_under_way,
           bool_or(p.outcome = 'failed') AS has_failed,
           bool_or(p.outcome = 'cancelled') AS is_cancelled,
           min(p.started_at) AS started_at,
           max(p.finished_at) AS finished_at,
           min(p.not_before) FILTER (WHERE p.finished_at IS NULL) AS not_before,
           COALESCE(sum(l.chunks_done), 0)::integer AS chunks_done,
           COALESCE(sum(l.chunks_total), 0)::integer AS chunks_total,
           max(p.import_id) AS import_id,
           (array_agg(p.sqlstate ORDER BY p.connection_id) FILTER (WHERE p.sqlstate IS NOT NULL))[1] AS sqlstate,
           (array_agg(p.message ORDER BY p.connection_id) FILTER (WHERE p.sqlstate IS NOT NULL))[1] AS message,
           (array_agg(p.hint ORDER BY p.connection_id) FILTER (WHERE p.sqlstate IS NOT NULL))[1] AS hint,
           (array_agg(p.detail ORDER BY p.connection_id) FILTER (WHERE p.sqlstate IS NOT NULL))[1] AS detail,
           count(*)::integer AS connections,
           count(p.finished_at)::integer AS connections_done,
           max(p.attempts) AS attempts
    FROM reefqbo._request p
    LEFT JOIN reefqbo.import_log l ON l.model_id = p.model_id AND l.import_id = p.import_id
    WHERE p.model_id IN (SELECT v.model_id FROM reefqbo._my_model v)
    GROUP BY p.model_id, p.request_id, p.branch_id, p.kind, p.accounting_method, p.start_date, p.end_date, p.is_whole,
             p.requested_at, p.requested_by
) r
JOIN reefqbo.model m ON m.model_id = r.model_id
LEFT JOIN reefqbo.branch b ON b.model_id = r.model_id AND b.branch_id = r.branch_id
LEFT JOIN reefqbo._request_queue q ON q.model_id = r.model_id AND q.request_id = r.request_id;

COMMENT ON VIEW reefqbo.request IS
'What was asked of the background worker with reefqbo.request_import and reefqbo.request_refresh, of the models the caller may read. state: queued, running, succeeded, failed or cancelled.
A request of several connections runs until the last has ended, and has failed if one of them has. One that fails for what passes (QuickBooks throttles or is not there, the server is short of something) is queued again, with the sqlstate it failed with and not_before; the others end.
Requests that have ended are removed after reefqbo.log_retention.';
COMMENT ON COLUMN reefqbo.request.request_id IS 'the request, as it was returned';
COMMENT ON COLUMN reefqbo.request.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.request.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.request.branch IS 'name of the branch it was made for; NULL for every connection of the model';
COMMENT ON COLUMN reefqbo.request.kind IS 'import or refresh';
COMMENT ON COLUMN reefqbo.request.state IS 'queued, running, succeeded, failed or cancelled';
COMMENT ON COLUMN reefqbo.request.requested_at IS 'when it was made';
COMMENT ON COLUMN reefqbo.request.requested_by IS 'the role that made it';
COMMENT ON COLUMN reefqbo.request.started_at IS 'when it began; NULL before';
COMMENT ON COLUMN reefqbo.request.finished_at IS 'when the last of its connections ended; NULL before';
COMMENT ON COLUMN reefqbo.request.chunks_done IS 'stretches of at most twelve months that are stored';
COMMENT ON COLUMN reefqbo.request.chunks_total IS 'of so many; 0 before that is known';
COMMENT ON COLUMN reefqbo.request.place IS 'place in the queue, 1 for the next; NULL when it is not waiting';
COMMENT ON COLUMN reefqbo.request.not_before IS 'it is not tried earlier; NULL when it is not waiting';
COMMENT ON COLUMN reefqbo.request.import_id IS 'its import, as in reefqbo.import_log; of several connections the latest';
COMMENT ON COLUMN reefqbo.request.sqlstate IS 'SQLSTATE of the failure, the last one where it is tried again';
COMMENT ON COLUMN reefqbo.request.message IS 'what went wrong';
COMMENT ON COLUMN reefqbo.request.hint IS 'what to do about it';
COMMENT ON COLUMN reefqbo.request.accounting_method IS 'of an import: Accrual or Cash';
COMMENT ON COLUMN reefqbo.request.start_date IS 'of an import: first day of its range';
COMMENT ON COLUMN reefqbo.request.end_date IS 'of an import: last day of its range';
COMMENT ON COLUMN reefqbo.request.whole IS 'of a refresh: everything is read, whatever QuickBooks says of changes';
COMMENT ON COLUMN reefqbo.request.connections IS 'how many connections it is for';
COMMENT ON COLUMN reefqbo.request.connections_done IS 'how many of them have ended';
COMMENT ON COLUMN reefqbo.request.attempts IS 'how often it was begun';
COMMENT ON COLUMN reefqbo.request.detail IS 'and more about what went wrong';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.request');

CREATE FUNCTION reefqbo.request_import(model text, start_date date, end_date date, accounting_method text DEFAULT 'Accrual',
                                       branch text DEFAULT NULL)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_request_import';

COMMENT ON FUNCTION reefqbo.request_import(text, date, date, text, text) IS
'Asks the background worker for what reefqbo.import_actuals does, and returns at once. The request is a row of the caller''s transaction: it begins at commit and is gone with a rollback. It survives restarts and crashes of the server and the end of the caller, and goes on where it was.
Watch it in reefqbo.request, or LISTEN reefqbo: import_started, import_progress, import_finished and import_failed name it.
Arguments: as reefqbo.import_actuals. Result: the id of the request.
Errors: 22023 not whole months, or an unknown method; 42704 no such model, branch or connection; 54000 ten thousand of the model wait already. What fails later stands in reefqbo.request. Where no background worker looks after this database it waits for one, with a warning.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.request_import(text, date, date, text, text)');

CREATE FUNCTION reefqbo.request_refresh(model text, branch text DEFAULT NULL, whole boolean DEFAULT false)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_request_refresh';

COMMENT ON FUNCTION reefqbo.request_refresh(text, text, boolean) IS
'Asks the background worker for what reefqbo.refresh does, and returns at once; as reefqbo.request_import. Requests of one connection that wait for the same are done together, and notifications name the first of them.
Arguments: as reefqbo.refresh. Result: the id of the request.
Errors: 42704 no such model, branch or connection; 54000 as reefqbo.request_import.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.request_refresh(text, text, boolean)');

CREATE FUNCTION reefqbo.cancel_request(request_id bigint)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_cancel_request';

COMMENT ON FUNCTION reefqbo.cancel_request(bigint) IS
'Takes a request back. One that waits is never begun; one that runs stops when the months in hand are stored or refused, and what is stored stays.
Argument: request_id, as in reefqbo.request. Result: false if it had ended before. Error: 42704 no such request of a model that the caller operates.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.cancel_request(bigint)');
