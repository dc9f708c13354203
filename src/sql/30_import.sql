-- What is imported: accounts, actuals, which months were fetched, what was restated, and the log of imports.

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
COMMENT ON COLUMN reefqbo.import_log.started_by IS 'the role that asked, or "reefqbo worker" for the background worker';
COMMENT ON COLUMN reefqbo.import_log.requests_saved IS 'requests that were not needed, since QuickBooks said what had changed';
COMMENT ON COLUMN reefqbo.import_log.chunks_total IS 'stretches of at most twelve months to read, those of the import it continues counted';
COMMENT ON COLUMN reefqbo.import_log.chunks_done IS 'how many of them are read and stored';
COMMENT ON COLUMN reefqbo.import_log.chunks_before IS 'how many were done by the import it continues';
COMMENT ON COLUMN reefqbo.import_log.pending IS 'the chunks left to read of an import of a range, oldest first; each goes in the transaction that stores what was read of it, so that an interrupted import goes on where it was';
COMMENT ON COLUMN reefqbo.import_log.continues IS 'the interrupted import whose pending chunks this one reads; its months are counted here as well';
COMMENT ON COLUMN reefqbo.import_log.attempts IS 'how often it was tried on schedule and failed with the same error';
COMMENT ON COLUMN reefqbo.import_log.requests IS 'requests made to the accounting API, repeated ones counted';
COMMENT ON COLUMN reefqbo.import_log.months IS 'months fetched and stored, both statements; for a refresh that found no change, the months that stand';
COMMENT ON COLUMN reefqbo.import_log.intuit_tid IS 'Intuit''s own id of the last answer, for its support';

CREATE TABLE reefqbo.account (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    fully_qualified_name text NOT NULL,
    account_number text,
    classification text,
    account_type text,
    account_subtype text,
    parent_account_id text,
    is_active boolean NOT NULL DEFAULT true,
    is_computed boolean NOT NULL DEFAULT false,
    currency text,
    current_balance numeric,
    description text,
    gone_since timestamptz,
    first_seen_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    changed_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, account_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

COMMENT ON TABLE reefqbo.account IS
'The chart of accounts of each connection, keyed by QuickBooks'' account id. Rows are never removed: inactive and deleted accounts, and those QuickBooks no longer names, keep their history.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account';
COMMENT ON COLUMN reefqbo.account.account_id IS 'QuickBooks'' own id, text; a line QuickBooks computes has an id that begins with "computed:"';
COMMENT ON COLUMN reefqbo.account.parent_account_id IS 'the account it stands under; always an account of the same connection, though no constraint says so, since that would keep pg_dump --inserts from being restored';
COMMENT ON COLUMN reefqbo.account.is_computed IS 'a line QuickBooks works out (Net Income inside equity), kept so that a balance sheet balances';
COMMENT ON COLUMN reefqbo.account.current_balance IS 'today''s balance as QuickBooks delivers it: in the account''s own currency, in the ledger''s sign (credit cards excepted), 0 for income and expenses. Statements use reefqbo.actual instead';
COMMENT ON COLUMN reefqbo.account.gone_since IS 'since when QuickBooks no longer names the account in its chart; NULL while it does';

CREATE TABLE reefqbo.imported_month (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    statement text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    is_provisional boolean NOT NULL,
    import_id bigint NOT NULL,
    known_since timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, period_start),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection
);

COMMENT ON TABLE reefqbo.imported_month IS
'Which months were fetched. An account without a row in reefqbo.actual is 0 in a month that is here, and unknown in a month that is not.';
COMMENT ON COLUMN reefqbo.imported_month.is_provisional IS 'the month was not over yet in the company''s time zone when it was last fetched';
COMMENT ON COLUMN reefqbo.imported_month.known_since IS 'when it was fetched first: before that nothing was known of it';
COMMENT ON COLUMN reefqbo.imported_month.import_id IS 'the import that fetched it first, or that found it over';

CREATE TABLE reefqbo.actual (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    statement text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    amount numeric NOT NULL,
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, connection_id, statement, accounting_method, period_start, account_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT actual_statement_is_known CHECK (statement IN ('profit_and_loss', 'balance_sheet')),
    CONSTRAINT actual_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

CREATE INDEX actual_account ON reefqbo.actual (model_id, connection_id, account_id, statement, accounting_method, period_start);

COMMENT ON TABLE reefqbo.actual IS
'One account''s amount in one month, one statement and one accounting method, in the company''s home currency and with the sign QuickBooks prints.
statement profit_and_loss: the movement in the month; balance_sheet: the balance at its end. An account that is 0 has no row, unless it once had another amount.';
COMMENT ON COLUMN reefqbo.actual.import_id IS 'the import that brought this amount';

CREATE TABLE reefqbo.restatement (
    model_id bigint NOT NULL,
    restatement_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    statement text NOT NULL,
    accounting_method text NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    old_amount numeric NOT NULL,
    new_amount numeric NOT NULL,
    restated_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    in_closed_period boolean NOT NULL,
    was_provisional boolean NOT NULL,
    PRIMARY KEY (model_id, restatement_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account
);

CREATE INDEX restatement_month ON reefqbo.restatement
    (model_id, connection_id, statement, accounting_method, period_start, account_id);

COMMENT ON TABLE reefqbo.restatement IS
'Every change of an amount in a month that had been imported already: what it was, what it is, when and by which import that was seen. A row that vanished from a report is a change to 0, a new row one from 0.';
COMMENT ON COLUMN reefqbo.restatement.in_closed_period IS 'the month ends on or before the closing date of the company''s books';
COMMENT ON COLUMN reefqbo.restatement.was_provisional IS 'the month was not over when the old amount was fetched';

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
Arguments: model; start_date, the first day of a month; end_date, the last day of a month; accounting_method, ''Accrual'' or ''Cash''; branch, by default every connection of the model.
Result: a row a connection with what was done. Errors: 22023 not whole months or an unknown method; 42704; RQ001, RQ003 to RQ008, RQ010, RQ011.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/profitandloss and …/balancesheet';

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
See https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/change-data-capture';
