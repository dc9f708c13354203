-- The profit and loss and the balance sheet of one company.

CREATE FUNCTION reefqbo._statement_periods(model_id bigint, connection_id bigint, statement text,
                                           accounting_method text, start_date date, end_date date, frequency text)
RETURNS TABLE (period text, period_start date, period_end date, is_provisional boolean, months date[])
LANGUAGE sql STABLE ROWS 12 SET search_path = pg_catalog, pg_temp
AS $$
    WITH month AS (
        SELECT i.period_start, i.period_end, i.is_provisional,
               date_trunc($7, i.period_start::timestamp) AS starts,
               (date_trunc($7, i.period_start::timestamp)
                + CASE $7 WHEN 'month' THEN interval '1 month' WHEN 'quarter' THEN interval '3 months'
                          ELSE interval '1 year' END)::date - 1 AS last_day
        FROM reefqbo.imported_month i
        WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4
          AND i.period_start >= $5 AND i.period_end <= $6
    ), part AS (
        SELECT m.starts, min(m.period_start) AS period_start, max(m.period_end) AS period_end,
               bool_or(m.is_provisional) AS is_provisional,
               array_agg(m.period_start ORDER BY m.period_start) AS months
        FROM month m
        GROUP BY m.starts, m.last_day
        -- as many months as there are whole ones in the part of the period that was asked for
        HAVING count(*) = reefqbo._months_between(greatest(m.starts::date, $5), least(m.last_day, $6))
    )
    SELECT to_char(p.starts, CASE $7 WHEN 'month' THEN 'YYYY-MM' WHEN 'quarter' THEN 'YYYY "Q"Q' ELSE 'YYYY' END),
           p.period_start, p.period_end, p.is_provisional,
           CASE $3 WHEN 'balance_sheet' THEN p.months[cardinality(p.months):] ELSE p.months END
    FROM part p
    ORDER BY p.starts
$$;

COMMENT ON FUNCTION reefqbo._statement_periods(bigint, bigint, text, text, date, date, text) IS
'Internal: the periods a statement shows: those parts of each month, quarter or calendar year inside start_date to end_date of which every month was imported.
Arguments: as reefqbo.profit_and_loss, checked already. Result: label, first and last day, whether a month of it was not over when fetched, and the months (first days) whose amounts it sums: all for movements, the last for balances.';

CREATE FUNCTION reefqbo._statement_rows(model_id bigint, connection_id bigint, statement text,
                                        accounting_method text, start_date date, end_date date, frequency text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH period AS MATERIALIZED (
        SELECT p.* FROM reefqbo._statement_periods($1, $2, $3, $4, $5, $6, $7) p
    ), moved AS MATERIALIZED (
        SELECT a.account_id, p.period_start, sum(a.amount) AS amount
        FROM period p
        CROSS JOIN LATERAL unnest(p.months) m (month)
        JOIN reefqbo.actual a
            ON a.model_id = $1 AND a.connection_id = $2 AND a.statement = $3 AND a.accounting_method = $4
           AND a.period_start = m.month
        WHERE a.amount <> 0
        GROUP BY a.account_id, p.period_start
    ), line AS MATERIALIZED (
        SELECT l.*
        FROM reefqbo._statement_lines($3, ARRAY(
            SELECT ROW(t.account_id, t.path, t.account_type, t.name, CASE WHEN t.is_computed THEN 'computed' ELSE 'account' END,
                       $2, t.account_id, t.account_number,
                       t.account_id IN (SELECT m.account_id FROM moved m))::reefqbo._statement_node
            FROM reefqbo._statement_tree($1, $2, $3) t)) l
    ), figure AS (
        SELECT l.line, m.period_start, sum(u.sign * m.amount) AS amount
        FROM line l
        CROSS JOIN LATERAL (SELECT unnest(l.adds), 1 UNION ALL SELECT unnest(l.subtracts), -1) u (account_id, sign)
        JOIN moved m ON m.account_id = u.account_id
        WHERE l.kind <> 'section'
        GROUP BY l.line, m.period_start
    ), shown AS (
        SELECT f.period_start, sum(f.amount * reefqbo._shown_debit($3, l.label, l.kind, l.depth, l.connection_id, l.account_id)) AS debit
        FROM line l
        JOIN figure f ON f.line = l.line
        GROUP BY f.period_start
    ), summed AS (
        SELECT m.period_start, sum(m.amount * reefqbo._debit_sign(a.account_type,
                   coalesce(a.classification, CASE $3 WHEN 'profit_and_loss' THEN 'Expense' END))) AS debit
        FROM moved m
        JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = m.account_id
        GROUP BY m.period_start
    )
    -- 0.00 is what a fetched month without a row is; every figure has the decimals of its currency
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.account_id, l.account_number,
           p.period, p.period_start, p.period_end, p.is_provisional,
           CASE WHEN l.kind <> 'section' THEN reefqbo._in_decimals(coalesce(f.amount, 0), c.home_currency) END,
           c.home_currency
    FROM line l
    CROSS JOIN period p
    JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2
    LEFT JOIN figure f ON f.line = l.line AND f.period_start = p.period_start
    WHERE (SELECT bool_and(reefqbo._check_sum($3, coalesce(s.debit, 0), m.debit))
           FROM summed m LEFT JOIN shown s ON s.period_start = m.period_start) IS NOT FALSE
    ORDER BY l.line, p.period_start
$$;

COMMENT ON FUNCTION reefqbo._statement_rows(bigint, bigint, text, text, date, date, text) IS
'Internal: the rows of a statement of one connection. Arguments: as reefqbo.profit_and_loss, checked already. Result: as there.';

CREATE FUNCTION reefqbo._company_statement(model text, statement text, start_date date, end_date date, frequency text,
                                           accounting_method text, branch text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF $3 IS NULL OR $4 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a statement needs a start date and an end date';
    END IF;
    PERFORM reefqbo._check_periods($3, $4, $5, 'calendar', $6, half_years => false);
    PERFORM reefqbo._tell_unsettled_months(in_model, ARRAY[reefqbo._statement_connection(in_model, $7)], $6, $3, $4);
    RETURN QUERY SELECT r.* FROM reefqbo._statement_rows(in_model, reefqbo._statement_connection(in_model, $7),
                                                         $2, $6, $3, $4, $5) r;
END
$$;

COMMENT ON FUNCTION reefqbo._company_statement(text, text, date, date, text, text, text) IS
'Internal: what reefqbo.profit_and_loss and reefqbo.balance_sheet share: checks the arguments and reads the statement, profit_and_loss or balance_sheet. Result and errors: as there.';

-- No JIT in these two: what it compiles takes longer than the statement of a company of any size.

CREATE FUNCTION reefqbo._profit_and_loss(model text, start_date date, end_date date, frequency text,
                                        accounting_method text, branch text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT s.* FROM reefqbo._company_statement($1, 'profit_and_loss', $2, $3, $4, $5, $6) s
$$;

COMMENT ON FUNCTION reefqbo._profit_and_loss(text, date, date, text, text, text) IS 'Internal: what reefqbo.profit_and_loss does, without asking who calls.';

CREATE FUNCTION reefqbo.profit_and_loss(model text, start_date date, end_date date, frequency text DEFAULT 'month',
                                        accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.profit_and_loss(text, date, date, text, text, text) IS
E'The profit and loss of one company, from the months imported so far, in the order of the printed statement. For a table in psql:
    SELECT label, period, amount FROM reefqbo.profit_and_loss(''Acme'', ''2026-01-01'', ''2026-12-31'') \\crosstabview
Arguments: model; start_date and end_date, between which a month must lie wholly (''-infinity'' and ''infinity'': everything imported); frequency, ''month'', ''quarter'' or ''year'' (calendar);
accounting_method, ''Accrual'' or ''Cash''; branch, by default the root''s company, or the model''s only one. One company is shown: reefqbo.statement consolidates several.
Result: a row for each line and period, ordered by line, then period. A quarter or year is that part of it inside the range, and is there only if every month of the part was imported;
period names it (2026-01, 2026 Q1, 2026), period_start and period_end say what it covers, is_provisional whether a month of it was not over when fetched. No row for what was never fetched.
kind: section (a title, amount NULL), account (an account''s own amount), computed (Gross Profit, Net Operating Income, Net Other Income, Net Income), total (a section, or an account with those under it, whose account_id it has).
label is the name, indented two spaces a depth; where two lines would look alike the account id follows in brackets, so a label occurs once.
Accounts are those with an amount other than 0 in a period shown, and the accounts above them, nested as in today''s chart, by number, then name. One that has no known type stands under Other Income or Other Expenses.
amount: the movement in the period, in the company''s home currency, with the sign QuickBooks prints; 0.00 where the month was fetched and the account had none. currency: that of the amount.
Errors: 42704 no such model or branch, or no connection; 22023 unknown frequency or method, start after end, or several connections and none at the root; 22004 no date.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.profit_and_loss(text, date, date, text, text, text)');

CREATE FUNCTION reefqbo._balance_sheet(model text, start_date date, end_date date, frequency text,
                                      accounting_method text, branch text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT s.* FROM reefqbo._company_statement($1, 'balance_sheet', $2, $3, $4, $5, $6) s
$$;

COMMENT ON FUNCTION reefqbo._balance_sheet(text, date, date, text, text, text) IS 'Internal: what reefqbo.balance_sheet does, without asking who calls.';

CREATE FUNCTION reefqbo.balance_sheet(model text, start_date date, end_date date, frequency text DEFAULT 'month',
                                      accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric, currency text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.balance_sheet(text, date, date, text, text, text) IS
E'The balance sheet of one company, from the months imported so far, in the order of the printed statement. For a table in psql:
    SELECT label, period, amount FROM reefqbo.balance_sheet(''Acme'', ''2026-01-01'', ''2026-12-31'') \\crosstabview
Arguments, result and errors: as reefqbo.profit_and_loss, except
amount: the balance at period_end; a quarter or year has that of its last month, the last inside the range;
kind computed: Net Income inside equity, as QuickBooks printed it, with account_id computed:NetIncome. Total Assets equals Total Liabilities and Equity.
An account that has no known type stands under Other Assets, Long-Term Liabilities or Equity, by its classification.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.balance_sheet(text, date, date, text, text, text)');
