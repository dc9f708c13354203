-- Proof: what was held against what at each import, with both figures.

CREATE TABLE reefqbo.tie_out_check (
    model_id bigint NOT NULL,
    check_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    import_id bigint NOT NULL,
    checked_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    kind text NOT NULL,
    statement text COLLATE "C" NOT NULL,
    accounting_method text COLLATE "C" NOT NULL,
    period_start date NOT NULL,
    period_end date NOT NULL,
    account_id text COLLATE "C",
    figure numeric,
    other_figure numeric,
    difference numeric GENERATED ALWAYS AS (figure - other_figure) STORED,
    compared integer NOT NULL,
    passed boolean,
    detail text,
    PRIMARY KEY (model_id, check_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT tie_out_kind_is_known CHECK (kind IN ('section_totals', 'total_column', 'balance', 'net_income',
        'year_in_one_column', 'trial_balance_sides', 'trial_balance_statements', 'stored')),
    CONSTRAINT tie_out_statement_is_known CHECK (statement IN ('profit_and_loss', 'balance_sheet', 'trial_balance')),
    CONSTRAINT tie_out_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash'))
);

CREATE INDEX tie_out_check_import ON reefqbo.tie_out_check (model_id, connection_id, import_id);

COMMENT ON TABLE reefqbo.tie_out_check IS
'What was held against what, by every import and by reefqbo.tie_out: a row for each kind, statement, accounting method and month or range. Where a check fails, a row more for each account that differs, the 20 largest differences at most.
section_totals: what the report prints as sums / what its lines add up to. total_column: the Total column / the months. balance: assets / liabilities and equity. net_income: the line in equity / the profit and loss of the fiscal year to date, of the months stored. year_in_one_column: net income of the range, asked as one column / of the months stored. trial_balance_sides: debits / credits. trial_balance_statements: amounts of the trial balance without their signs / those of that statement, as stored. stored: what QuickBooks prints now / what is stored.
Rows go with the import''s row of reefqbo.import_log, after reefqbo.log_retention.';
COMMENT ON COLUMN reefqbo.tie_out_check.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.tie_out_check.check_id IS 'in the order they were made';
COMMENT ON COLUMN reefqbo.tie_out_check.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.tie_out_check.import_id IS 'the line of reefqbo.import_log of the import, or of the call of reefqbo.tie_out, that made the check';
COMMENT ON COLUMN reefqbo.tie_out_check.checked_at IS 'when';
COMMENT ON COLUMN reefqbo.tie_out_check.kind IS 'which check';
COMMENT ON COLUMN reefqbo.tie_out_check.statement IS 'profit_and_loss, balance_sheet or trial_balance; of trial_balance_statements, which statement the trial balance is held against';
COMMENT ON COLUMN reefqbo.tie_out_check.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.tie_out_check.period_start IS 'first day of what was compared';
COMMENT ON COLUMN reefqbo.tie_out_check.period_end IS 'last day of what was compared';
COMMENT ON COLUMN reefqbo.tie_out_check.account_id IS 'NULL: the check as a whole; else an account that differs, in the ledger''s sign (debits positive) when it is about a trial balance';
COMMENT ON COLUMN reefqbo.tie_out_check.figure IS 'what QuickBooks prints: of many sums or accounts, added up';
COMMENT ON COLUMN reefqbo.tie_out_check.other_figure IS 'what it should be equal to';
COMMENT ON COLUMN reefqbo.tie_out_check.difference IS 'figure less other_figure';
COMMENT ON COLUMN reefqbo.tie_out_check.compared IS 'how many sums or accounts were compared, each for itself; 0: there was nothing';
COMMENT ON COLUMN reefqbo.tie_out_check.passed IS 'all that was compared is equal, to the cent; NULL: the check could not be made, and detail says why';
COMMENT ON COLUMN reefqbo.tie_out_check.detail IS 'where it differs, or why it could not be made';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.tie_out_check', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.tie_out_check_check_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.tie_out_check');

CREATE FUNCTION reefqbo.tie_out(model text, branch text DEFAULT NULL, accounting_method text DEFAULT NULL,
    OUT model_name text, OUT branch_name text, OUT company text, OUT kind text, OUT statement text,
    OUT method text, OUT period_start date, OUT period_end date, OUT account_id text, OUT figure numeric,
    OUT other_figure numeric, OUT difference numeric, OUT passed boolean, OUT detail text)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_tie_out';

COMMENT ON FUNCTION reefqbo.tie_out(text, text, text) IS
'Proves everything that was imported against what QuickBooks prints now. Asks for both statements by month, the profit and loss in one column and the trial balance, for each fiscal year and accounting method; changes no figure. A notice says first how many requests that takes.
Arguments: model; branch, by default every connection of the model; accounting_method, ''Accrual'' or ''Cash'', by default all that was imported.
Result: the checks, as in reefqbo.tie_out_check, which keeps them under the import_id of this call''s row in reefqbo.import_log. A check that fails raises no error: look for passed = false, and for NULL, which is a check that could not be made.
Errors: 22023 unknown method; 42704 no such model, branch or connection; RQ001, RQ003 to RQ006, RQ008, RQ010, RQ011.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.tie_out(text, text, text)');
