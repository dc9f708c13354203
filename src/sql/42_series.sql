-- Series: the history of each mapped account, as a model reads it.

CREATE FUNCTION reefqbo._natural_sign(variable_type text, statement text)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 IN ('COGS', 'Opex', 'Staff', 'Asset', 'Dividend') THEN 1
            WHEN $1 = 'Tax' AND $2 = 'profit_and_loss' THEN 1 ELSE -1 END;

COMMENT ON FUNCTION reefqbo._natural_sign(text, text) IS
'Internal: what to multiply an amount with debits positive with, for a variable''s ordinary amount to be positive: 1 for costs, assets, dividends and tax expense; -1 for revenue, liabilities, equity and tax that is owed.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._natural_sign(text, text)');

CREATE VIEW reefqbo.series WITH (security_barrier) AS
SELECT p.model_id,
       p.variable_id,
       m.name AS model,
       b.name AS branch,
       v.name AS variable,
       p.variable_type,
       p.category,
       p.subcategory,
       CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END AS statement,
       CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'movement' ELSE 'balance' END AS measure,
       1 AS unit,
       c.home_currency AS currency,
       'month'::text AS frequency,
       a.account_id,
       a.account_number,
       a.name AS account_name,
       a.fully_qualified_name,
       a.is_active,
       a.gone_since,
       'QuickBooks Online'::text AS source,
       c.company_name AS company,
       pg_catalog.array_remove(ARRAY['quickbooks', lower(p.variable_type), c.company_name, p.category, p.subcategory], NULL) AS tags,
       c.actuals_as_of AS data_as_of,
       h.accounting_method,
       h.first_month,
       h.last_month,
       h.months,
       h.provisional_from,
       h.last_import_id,
       p.branch_id,
       p.connection_id
FROM reefqbo.account_mapping p
JOIN reefqbo.variable v ON v.model_id = p.model_id AND v.variable_id = p.variable_id
JOIN reefqbo.model m ON m.model_id = p.model_id
JOIN reefqbo.branch b ON b.model_id = p.model_id AND b.branch_id = p.branch_id
JOIN reefqbo.account a ON a.model_id = p.model_id AND a.connection_id = p.connection_id AND a.account_id = p.account_id
JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
LEFT JOIN LATERAL (
    SELECT i.accounting_method,
           pg_catalog.min(i.period_start) AS first_month,
           pg_catalog.max(i.period_start) AS last_month,
           pg_catalog.count(*) AS months,
           pg_catalog.min(i.period_start) FILTER (WHERE i.is_provisional) AS provisional_from,
           pg_catalog.max(i.import_id) AS last_import_id
    FROM reefqbo.imported_month i
    WHERE i.model_id = p.model_id AND i.connection_id = p.connection_id
      AND i.statement = CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END
    GROUP BY i.accounting_method
) h ON true
WHERE p.model_id IN (SELECT y.model_id FROM reefqbo._my_model y);

COMMENT ON VIEW reefqbo.series IS
'The data library: one series for each mapped account (and accounting method imported), whose values are in reefqbo.series_value. variable_id and accounting_method name it, in any later version of the mapping too.
unit 1: amounts are in whole units of currency, the company''s home currency; measure: movement (of a month) or balance (at its end); first_month to last_month is what was fetched, months how many of them; data_as_of, when the tables were last known to hold what QuickBooks holds. A mapped account of which nothing was fetched has no accounting_method.';
COMMENT ON COLUMN reefqbo.series.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.series.variable_id IS 'the variable, for good';
COMMENT ON COLUMN reefqbo.series.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.series.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.series.variable IS 'name of the variable';
COMMENT ON COLUMN reefqbo.series.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.series.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.series.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.series.statement IS 'the statement its values stand in';
COMMENT ON COLUMN reefqbo.series.measure IS 'movement or balance';
COMMENT ON COLUMN reefqbo.series.unit IS 'amounts are multiples of so many units of currency';
COMMENT ON COLUMN reefqbo.series.currency IS 'the company''s home currency';
COMMENT ON COLUMN reefqbo.series.frequency IS 'of its values';
COMMENT ON COLUMN reefqbo.series.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.series.account_number IS 'the account''s number, if the company uses numbers';
COMMENT ON COLUMN reefqbo.series.account_name IS 'the account''s name in QuickBooks today';
COMMENT ON COLUMN reefqbo.series.fully_qualified_name IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.series.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.series.gone_since IS 'since when QuickBooks no longer names the account';
COMMENT ON COLUMN reefqbo.series.source IS 'where the values come from';
COMMENT ON COLUMN reefqbo.series.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.series.tags IS 'for searching';
COMMENT ON COLUMN reefqbo.series.data_as_of IS 'when the tables were last known to hold what QuickBooks holds';
COMMENT ON COLUMN reefqbo.series.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.series.first_month IS 'first month that was fetched';
COMMENT ON COLUMN reefqbo.series.last_month IS 'last month that was fetched';
COMMENT ON COLUMN reefqbo.series.months IS 'how many months were fetched';
COMMENT ON COLUMN reefqbo.series.provisional_from IS 'first month that was not over when it was fetched, or NULL';
COMMENT ON COLUMN reefqbo.series.last_import_id IS 'the last import that brought it months';
COMMENT ON COLUMN reefqbo.series.branch_id IS 'the branch it stands in';
COMMENT ON COLUMN reefqbo.series.connection_id IS 'the connection: one QuickBooks company in one branch';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.series');

CREATE VIEW reefqbo.series_value WITH (security_barrier) AS
SELECT p.model_id,
       p.variable_id,
       i.accounting_method,
       i.period_start,
       i.period_end,
       i.statement,
       reefqbo._in_decimals(COALESCE(x.amounts[s.month], 0) * s.debit_sign * s.natural_sign, c.home_currency) AS amount,
       reefqbo._in_decimals(COALESCE(x.amounts[s.month], 0) * s.debit_sign, c.home_currency) AS ledger_amount,
       i.is_provisional,
       CASE WHEN x.amounts[s.month] IS NULL THEN i.import_id ELSE COALESCE(x.import_ids[s.month], x.import_id) END AS import_id,
       m.name AS model,
       b.name AS branch,
       v.name AS variable,
       p.variable_type,
       p.category,
       p.subcategory,
       c.home_currency AS currency,
       p.branch_id,
       p.connection_id,
       p.account_id
FROM reefqbo.account_mapping p
JOIN reefqbo.variable v ON v.model_id = p.model_id AND v.variable_id = p.variable_id
JOIN reefqbo.model m ON m.model_id = p.model_id
JOIN reefqbo.branch b ON b.model_id = p.model_id AND b.branch_id = p.branch_id
JOIN reefqbo.account a ON a.model_id = p.model_id AND a.connection_id = p.connection_id AND a.account_id = p.account_id
JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
JOIN reefqbo.imported_month i
    ON i.model_id = p.model_id AND i.connection_id = p.connection_id
   -- of two booleans the planner knows that half of them are alike
   AND (i.statement = 'profit_and_loss') = COALESCE(a.classification IN ('Revenue', 'Expense'), false)
LEFT JOIN reefqbo._actual_year x
    ON x.model_id = p.model_id AND x.connection_id = p.connection_id AND x.account_id = p.account_id
   AND x.statement = i.statement AND x.accounting_method = i.accounting_method AND x.year = reefqbo._year(i.period_start)
CROSS JOIN LATERAL (
    SELECT date_part('month', i.period_start)::integer AS month,
           reefqbo._debit_sign(a.account_type, a.classification) AS debit_sign,
           reefqbo._natural_sign(p.variable_type, i.statement) AS natural_sign
) s
WHERE p.model_id IN (SELECT y.model_id FROM reefqbo._my_model y);

COMMENT ON VIEW reefqbo.series_value IS
'The values of each series: a row for every month that was fetched, 0.00 where the account had nothing. A month without a row was never fetched and is unknown. It repeats what most readers want of reefqbo.series; say of which model (model or model_id), here too where the two are joined.
amount has the natural sign of the variable''s type: positive is what is ordinary for it (revenue earned; COGS, Opex, Staff and Tax spent; Asset owned; Liability and tax owed; Equity paid in; Dividend paid out), negative the reverse.
ledger_amount has the ledger''s own sign: debits positive, credits negative. is_provisional: the month was not over when it was fetched; import_id, the import that brought the amount, or the month.';
COMMENT ON COLUMN reefqbo.series_value.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.series_value.variable_id IS 'the variable, for good';
COMMENT ON COLUMN reefqbo.series_value.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.series_value.period_start IS 'first day of the month';
COMMENT ON COLUMN reefqbo.series_value.period_end IS 'last day of the month';
COMMENT ON COLUMN reefqbo.series_value.statement IS 'profit_and_loss or balance_sheet';
COMMENT ON COLUMN reefqbo.series_value.amount IS 'natural sign of the variable''s type';
COMMENT ON COLUMN reefqbo.series_value.ledger_amount IS 'debits positive';
COMMENT ON COLUMN reefqbo.series_value.is_provisional IS 'the month was not over when it was fetched';
COMMENT ON COLUMN reefqbo.series_value.import_id IS 'the import that brought the amount, or the month';
COMMENT ON COLUMN reefqbo.series_value.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.series_value.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.series_value.variable IS 'name of the variable';
COMMENT ON COLUMN reefqbo.series_value.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.series_value.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.series_value.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.series_value.currency IS 'the company''s home currency';
COMMENT ON COLUMN reefqbo.series_value.branch_id IS 'the branch it stands in';
COMMENT ON COLUMN reefqbo.series_value.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.series_value.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.series_value');

CREATE FUNCTION reefqbo._series_by_period(model text, frequency text, year text, start_date date, end_date date,
                                          accounting_method text)
RETURNS TABLE (variable_id bigint, variable text, variable_type text, category text, subcategory text, branch text,
               currency text, period text, period_start date, period_end date, amount numeric, ledger_amount numeric,
               is_provisional boolean)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    PERFORM reefqbo._check_periods($4, $5, $2, $3, $6);
    RETURN QUERY
    WITH first_month AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency,
               CASE $3 WHEN 'fiscal' THEN coalesce(c.fiscal_year_start_month, 1) ELSE 1 END::integer AS month
        FROM reefqbo.connection c
        WHERE c.model_id = in_model
    ), part AS (
        SELECT x.variable_id, f.home_currency, f.month AS first_month, reefqbo._period_of(x.period_start, $2, f.month) AS starts,
               min(x.period_start) AS period_start, max(x.period_end) AS period_end, count(*) AS months,
               bool_or(x.is_provisional) AS is_provisional,
               CASE x.statement WHEN 'profit_and_loss' THEN sum(x.amount)
                    ELSE (array_agg(x.amount ORDER BY x.period_start DESC))[1] END AS amount,
               CASE x.statement WHEN 'profit_and_loss' THEN sum(x.ledger_amount)
                    ELSE (array_agg(x.ledger_amount ORDER BY x.period_start DESC))[1] END AS ledger_amount
        FROM reefqbo.series_value x
        JOIN first_month f ON f.connection_id = x.connection_id
        WHERE x.model_id = in_model AND x.accounting_method = $6 AND x.period_start >= $4 AND x.period_end <= $5
        GROUP BY x.variable_id, x.statement, f.home_currency, f.month, reefqbo._period_of(x.period_start, $2, f.month)
    )
    SELECT p.variable_id, v.name, m.variable_type, m.category, m.subcategory, b.name, p.home_currency,
           reefqbo._period_label(p.starts, $2, p.first_month), p.period_start, p.period_end, p.amount, p.ledger_amount,
           p.is_provisional
    FROM part p
    JOIN reefqbo.variable v ON v.model_id = in_model AND v.variable_id = p.variable_id
    JOIN reefqbo.account_mapping m ON m.model_id = in_model AND m.variable_id = p.variable_id
    JOIN reefqbo.branch b ON b.model_id = in_model AND b.branch_id = m.branch_id
    -- as many months as the part of the period has that was asked for
    WHERE p.months = reefqbo._months_between(greatest(p.starts, $4),
                                             least((p.starts + interval '1 month' * reefqbo._period_months($2))::date - 1, $5))
    ORDER BY p.variable_id, p.starts;
END
$$;

COMMENT ON FUNCTION reefqbo._series_by_period(text, text, text, date, date, text) IS 'Internal: what reefqbo.series_by_period does, without asking who calls.';

CREATE FUNCTION reefqbo.series_by_period(model text, frequency text, year text DEFAULT 'calendar',
                                         start_date date DEFAULT '-infinity', end_date date DEFAULT 'infinity',
                                         accounting_method text DEFAULT 'Accrual')
RETURNS TABLE (variable_id bigint, variable text, variable_type text, category text, subcategory text, branch text,
               currency text, period text, period_start date, period_end date, amount numeric, ledger_amount numeric,
               is_provisional boolean)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.series_by_period(text, text, text, date, date, text) IS
'The values of each series by month, quarter, half-year or year: movements sum, balances take the last month''s.
Arguments: model; frequency, ''month'', ''quarter'', ''half-year'' or ''year''; year, ''calendar'' or ''fiscal'' (each company''s own); start_date and end_date, between which a month must lie wholly; accounting_method.
Result: a row for each variable and period, ordered by them; the part of the period between the dates, and only if each of its months was fetched. period: 2026-01, 2026 Q1, 2026 H1, 2026; a fiscal year is named by the calendar year it ends in (FY2026 Q1).
amount has the natural sign, ledger_amount debits positive, as in reefqbo.series_value; in the company''s home currency. Errors: 42704 no such model, 22023 an unknown word or start after end, 22004 no date.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.series_by_period(text, text, text, date, date, text)');
