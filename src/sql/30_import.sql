-- Imports: asking for them, their log, and how far they have come. What they fill is in the parts after this one.

CREATE TABLE reefqbo.import_log (
    model_id bigint NOT NULL,
    import_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    kind text NOT NULL,
    accounting_method text,
    start_date date,
    end_date date,
    status text NOT NULL DEFAULT 'running',
    started_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    finished_at timestamptz,
    started_by name NOT NULL,
    accounts_seen integer NOT NULL DEFAULT 0,
    accounts_new integer NOT NULL DEFAULT 0,
    accounts_changed integer NOT NULL DEFAULT 0,
    months integer NOT NULL DEFAULT 0,
    amounts_inserted integer NOT NULL DEFAULT 0,
    amounts_changed integer NOT NULL DEFAULT 0,
    amounts_unchanged integer NOT NULL DEFAULT 0,
    requests integer NOT NULL DEFAULT 0,
    requests_saved integer NOT NULL DEFAULT 0,
    chunks_total integer NOT NULL DEFAULT 0,
    chunks_done integer NOT NULL DEFAULT 0,
    chunks_before integer NOT NULL DEFAULT 0,
    pending daterange[],
    continues bigint,
    attempts integer NOT NULL DEFAULT 1,
    sqlstate text,
    message text,
    detail text,
    hint text,
    intuit_tid text,
    PRIMARY KEY (model_id, import_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT import_kind_is_known CHECK (kind IN ('accounts', 'actuals', 'refresh', 'dimensions', 'ledger_lines', 'tie_out')),
    CONSTRAINT import_status_is_known CHECK (status IN ('running', 'succeeded', 'failed', 'interrupted'))
);

CREATE INDEX import_log_running ON reefqbo.import_log (model_id, connection_id) WHERE status = 'running';
CREATE INDEX import_log_started ON reefqbo.import_log (started_at);
CREATE INDEX import_log_connection ON reefqbo.import_log (model_id, connection_id, import_id);

COMMENT ON TABLE reefqbo.import_log IS
'One row an import, or a call of reefqbo.tie_out: what was fetched, for which range, what it changed and how it ended. A failed one says why, with SQLSTATE and intuit_tid; an interrupted one was cut off by a crash or a cancel.
A refresh on schedule that found no change leaves no row, and one that fails again just as before is counted in the row of before. Rows older than reefqbo.log_retention are removed.';
COMMENT ON COLUMN reefqbo.import_log.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.import_log.import_id IS 'the import, as in reefqbo.import_log';
COMMENT ON COLUMN reefqbo.import_log.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.import_log.kind IS 'accounts, actuals, refresh, dimensions, ledger_lines or tie_out';
COMMENT ON COLUMN reefqbo.import_log.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.import_log.start_date IS 'first day of its range, if it has one';
COMMENT ON COLUMN reefqbo.import_log.end_date IS 'last day of its range, if it has one';
COMMENT ON COLUMN reefqbo.import_log.status IS 'running, succeeded, failed or interrupted';
COMMENT ON COLUMN reefqbo.import_log.started_at IS 'when it began';
COMMENT ON COLUMN reefqbo.import_log.finished_at IS 'when it ended';
COMMENT ON COLUMN reefqbo.import_log.started_by IS 'the role that asked, or "reefqbo worker" for the background worker';
COMMENT ON COLUMN reefqbo.import_log.accounts_seen IS 'accounts in the chart';
COMMENT ON COLUMN reefqbo.import_log.accounts_new IS 'of them, new';
COMMENT ON COLUMN reefqbo.import_log.accounts_changed IS 'of them, changed';
COMMENT ON COLUMN reefqbo.import_log.months IS 'months fetched and stored, both statements; for a refresh that found no change, the months that stand';
COMMENT ON COLUMN reefqbo.import_log.amounts_inserted IS 'amounts that are new';
COMMENT ON COLUMN reefqbo.import_log.amounts_changed IS 'amounts that are not what they were';
COMMENT ON COLUMN reefqbo.import_log.amounts_unchanged IS 'amounts that are what they were';
COMMENT ON COLUMN reefqbo.import_log.requests IS 'requests made to the accounting API, repeated ones counted';
COMMENT ON COLUMN reefqbo.import_log.requests_saved IS 'requests that were not needed, since QuickBooks said what had changed';
COMMENT ON COLUMN reefqbo.import_log.chunks_total IS 'stretches of at most twelve months to read, those of the import it continues counted';
COMMENT ON COLUMN reefqbo.import_log.chunks_done IS 'how many of them are read and stored';
COMMENT ON COLUMN reefqbo.import_log.chunks_before IS 'how many were done by the import it continues';
COMMENT ON COLUMN reefqbo.import_log.pending IS 'the chunks left to read of an import of a range, oldest first; each goes in the transaction that stores what was read of it, so that an interrupted import goes on where it was';
COMMENT ON COLUMN reefqbo.import_log.continues IS 'the interrupted import whose pending chunks this one reads; its months are counted here as well';
COMMENT ON COLUMN reefqbo.import_log.attempts IS 'how often it was tried on schedule and failed with the same error';
COMMENT ON COLUMN reefqbo.import_log.sqlstate IS 'SQLSTATE of the failure';
COMMENT ON COLUMN reefqbo.import_log.message IS 'what went wrong';
COMMENT ON COLUMN reefqbo.import_log.detail IS 'more about it';
COMMENT ON COLUMN reefqbo.import_log.hint IS 'what to do about it';
COMMENT ON COLUMN reefqbo.import_log.intuit_tid IS 'Intuit''s own id of the last answer, for its support';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.import_log', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.import_log_import_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.import_log');

CREATE FUNCTION reefqbo.import_accounts(model text, branch text DEFAULT NULL,
    OUT branch_name text, OUT company text, OUT accounts_seen integer, OUT accounts_new integer,
    OUT accounts_changed integer, OUT months integer, OUT amounts_inserted integer, OUT amounts_changed integer,
    OUT amounts_unchanged integer, OUT requests integer, OUT seconds numeric)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_import_accounts';

COMMENT ON FUNCTION reefqbo.import_accounts(text, text) IS
'Imports the whole chart of accounts, inactive accounts too. An account QuickBooks no longer names is marked gone, never removed.
Waits for the end and shows progress as notices; the work is done and committed by a background worker, whatever the caller''s transaction does.
Arguments: model; branch, by default every connection of the model. Result: a row a connection with what was done.
Errors: 42704 no such model, branch or connection; RQ001, RQ003 to RQ006, RQ008, RQ010, RQ011. Each import leaves a row in reefqbo.import_log.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.import_accounts(text, text)');

CREATE FUNCTION reefqbo.import_actuals(model text, start_date date, end_date date,
    accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
    OUT branch_name text, OUT company text, OUT accounts_seen integer, OUT accounts_new integer,
    OUT accounts_changed integer, OUT months integer, OUT amounts_inserted integer, OUT amounts_changed integer,
    OUT amounts_unchanged integer, OUT requests integer, OUT seconds numeric)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_import_actuals';

COMMENT ON FUNCTION reefqbo.import_actuals(text, date, date, text, text) IS
'Imports the monthly profit and loss and balance sheet over a range of whole months, in chunks of at most twelve months. A chunk is stored whole, tied out to QuickBooks'' own totals, or not at all.
At its end it is proved once more by the profit and loss in one column and the trial balance, unless reefqbo.proof_requests is off: a difference is a WARNING (RQ007) and no error. Every check is kept in reefqbo.tie_out_check.
Reads the chart of accounts first if that was never done. Goes on where an import of the same range was cut off within the last day; the background worker does so by itself. Waits for the end and shows progress as notices; see reefqbo.import_accounts.
Where the background worker looks after the database it becomes a request of reefqbo.request, takes no process, and goes on if the session or its statement is ended by anything but a cancel; reefqbo.request_import does not wait.
Months that have not begun, by QuickBooks'' clock and not by the server''s alone, are not read: a range that ends after the present month is cut, with a notice, and one that begins after it is refused.
Arguments: model; start_date, the first day of a month; end_date, the last day of a month; accounting_method, ''Accrual'' or ''Cash''; branch, by default every connection of the model.
Result: a row a connection with what was done. Errors: 22023 not whole months, none that has begun, or an unknown method; 42704; RQ001, RQ003 to RQ008, RQ010, RQ011.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss and …/balancesheet';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.import_actuals(text, date, date, text, text)');

CREATE FUNCTION reefqbo.refresh(model text, branch text DEFAULT NULL, whole boolean DEFAULT false,
    OUT branch_name text, OUT company text, OUT accounts_seen integer, OUT accounts_new integer,
    OUT accounts_changed integer, OUT months integer, OUT amounts_inserted integer, OUT amounts_changed integer,
    OUT amounts_unchanged integer, OUT requests integer, OUT seconds numeric)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_refresh';

COMMENT ON FUNCTION reefqbo.refresh(text, text, boolean) IS
'Brings the chart of accounts and everything imported before up to date, extended to the current month. First QuickBooks is asked, by one request, whether anything has changed; if nothing has, that is all.
If something has, or if QuickBooks cannot say, everything that was imported is read again. Amounts that did not change are not written; one that did leaves a row in reefqbo.restatement.
Arguments: model; branch, by default every connection of the model; whole, true to read everything without asking. Result: a row a connection with what was done. Errors: as reefqbo.import_actuals.
Done by the background worker as reefqbo.import_actuals is; reefqbo.request_refresh does not wait.
See https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.refresh(text, text, boolean)');

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
COMMENT ON COLUMN reefqbo.import_progress.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.import_progress.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.import_progress.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.import_progress.state IS 'running, waiting or stopped';
COMMENT ON COLUMN reefqbo.import_progress.kind IS 'as in reefqbo.import_log';
COMMENT ON COLUMN reefqbo.import_progress.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.import_progress.start_date IS 'first day of its range, if it has one';
COMMENT ON COLUMN reefqbo.import_progress.end_date IS 'last day of its range, if it has one';
COMMENT ON COLUMN reefqbo.import_progress.chunks_done IS 'stretches of months that are stored';
COMMENT ON COLUMN reefqbo.import_progress.chunks_total IS 'of so many';
COMMENT ON COLUMN reefqbo.import_progress.months_done IS 'months that are stored, both statements';
COMMENT ON COLUMN reefqbo.import_progress.started_at IS 'when it began';
COMMENT ON COLUMN reefqbo.import_progress.chunks_per_minute IS 'rate of this run';
COMMENT ON COLUMN reefqbo.import_progress.expected_end IS 'when it ends at that rate';
COMMENT ON COLUMN reefqbo.import_progress.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.import_progress.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.import_progress.import_id IS 'the import, as in reefqbo.import_log';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.import_progress');
