-- Proof: what was held against what at each import, with both figures.

-- Which checks there are, and of what: what is stored is the place in the list.
CREATE FUNCTION reefqbo._proof_kinds()
RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['section_totals', 'total_column', 'balance', 'net_income', 'year_in_one_column', 'trial_balance_sides',
             'trial_balance_statements', 'stored'];

COMMENT ON FUNCTION reefqbo._proof_kinds() IS 'Internal: the kinds of checks; reefqbo._proof has their places.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._proof_kinds()');

CREATE FUNCTION reefqbo._proof_statements()
RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['profit_and_loss', 'balance_sheet', 'trial_balance'];

COMMENT ON FUNCTION reefqbo._proof_statements() IS 'Internal: the statements that checks are about; reefqbo._proof has their places.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._proof_statements()');

CREATE FUNCTION reefqbo._proof_methods()
RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY['Accrual', 'Cash'];

COMMENT ON FUNCTION reefqbo._proof_methods() IS 'Internal: the accounting methods; reefqbo._proof has their places.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._proof_methods()');

-- What is stored: all that was checked in one go in a row, and what is as it should be not at all. Readers have reefqbo.tie_out_check.
CREATE TABLE reefqbo._proof (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    import_id bigint NOT NULL,
    proof_id bigint GENERATED ALWAYS AS IDENTITY,
    checked_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    kinds smallint[] NOT NULL,
    statements smallint[] NOT NULL,
    methods smallint[] NOT NULL,
    starts date[] NOT NULL,
    ends date[] NOT NULL,
    figures numeric[] NOT NULL,
    compared integer[] NOT NULL,
    other_figures numeric[],
    passed boolean[],
    account_ids text[] COLLATE "C",
    details text[],
    PRIMARY KEY (model_id, connection_id, import_id, proof_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    CONSTRAINT proof_kind_is_known CHECK (1 <= ALL (kinds) AND 8 >= ALL (kinds)),
    CONSTRAINT proof_statement_is_known CHECK (1 <= ALL (statements) AND 3 >= ALL (statements)),
    CONSTRAINT proof_method_is_known CHECK (1 <= ALL (methods) AND 2 >= ALL (methods)),
    CONSTRAINT proof_is_complete CHECK (
        cardinality(kinds) > 0
        AND cardinality(kinds) = ALL (ARRAY[cardinality(statements), cardinality(methods), cardinality(starts),
                                            cardinality(ends), cardinality(figures), cardinality(compared),
                                            coalesce(cardinality(other_figures), cardinality(kinds)),
                                            coalesce(cardinality(passed), cardinality(kinds)),
                                            coalesce(cardinality(account_ids), cardinality(kinds)),
                                            coalesce(cardinality(details), cardinality(kinds))]))
);

COMMENT ON TABLE reefqbo._proof IS
'Internal: what reefqbo.tie_out_check shows, a row for all checks that were kept in one go: an element of each array is one of them. NULL for a whole array: other_figures are figures, all have passed, no accounts, no details.';

SELECT pg_catalog.pg_extension_config_dump('reefqbo._proof', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo._proof_proof_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo._proof');

-- With the rights of whoever reads. As many numbers as one row of reefqbo._proof can have checks are left between it and the next.
CREATE VIEW reefqbo.tie_out_check WITH (security_invoker) AS
SELECT p.model_id,
       p.proof_id * 1000000 + u.place AS check_id,
       p.connection_id,
       p.import_id,
       p.checked_at,
       (reefqbo._proof_kinds())[u.kind] AS kind,
       (reefqbo._proof_statements())[u.statement] AS statement,
       (reefqbo._proof_methods())[u.method] AS accounting_method,
       u.period_start,
       u.period_end,
       u.account_id,
       u.figure,
       o.figure AS other_figure,
       u.figure - o.figure AS difference,
       u.compared,
       p.passed IS NULL OR u.passed AS passed,
       u.detail,
       c.home_currency AS currency
FROM reefqbo._proof p
CROSS JOIN LATERAL unnest(p.kinds, p.statements, p.methods, p.starts, p.ends, p.account_ids, p.figures, p.other_figures,
                          p.compared, p.passed, p.details) WITH ORDINALITY
    AS u (kind, statement, method, period_start, period_end, account_id, figure, other_figure, compared, passed, detail, place)
CROSS JOIN LATERAL (SELECT CASE WHEN p.other_figures IS NULL THEN u.figure ELSE u.other_figure END) AS o (figure)
LEFT JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id;

COMMENT ON VIEW reefqbo.tie_out_check IS
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
COMMENT ON COLUMN reefqbo.tie_out_check.currency IS 'the currency of the figures: the company''s home currency';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.tie_out_check');

CREATE FUNCTION reefqbo.tie_out(model text, branch text DEFAULT NULL, accounting_method text DEFAULT NULL,
    OUT model_name text, OUT branch_name text, OUT company text, OUT kind text, OUT statement text,
    OUT method text, OUT period_start date, OUT period_end date, OUT account_id text, OUT figure numeric,
    OUT other_figure numeric, OUT difference numeric, OUT passed boolean, OUT detail text, OUT currency text)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_tie_out';

COMMENT ON FUNCTION reefqbo.tie_out(text, text, text) IS
'Proves everything that was imported against what QuickBooks prints now. Asks for both statements by month, the profit and loss in one column and the trial balance, for each fiscal year and accounting method; changes no figure. A notice says first how many requests that takes.
Arguments: model; branch, by default every connection of the model; accounting_method, ''Accrual'' or ''Cash'', by default all that was imported.
Result: the checks, as in reefqbo.tie_out_check, which keeps them under the import_id of this call''s row in reefqbo.import_log. A check that fails raises no error: look for passed = false, and for NULL, which is a check that could not be made.
Errors: 22023 unknown method; 42704 no such model, branch or connection; RQ001, RQ003 to RQ006, RQ008, RQ010, RQ011.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.tie_out(text, text, text)');
