-- Trial balances of a model, a branch with all below it, or a company.

CREATE FUNCTION reefqbo._check_trial_months(model_id bigint, connections bigint[], accounting_method text, month date,
                                            as_of timestamptz, branches bigint[])
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    SELECT string_agg(quote_ident(c.company_name), ', ' ORDER BY c.company_name COLLATE "C") INTO told
    FROM reefqbo._companies_at($1, $2, $5) c
    WHERE c.connection_id IN (SELECT y.connection_id FROM reefqbo._stays($1, $2, $6, $5) y WHERE $4 BETWEEN y.since AND y.until)
      AND NOT EXISTS (SELECT 1 FROM reefqbo._common_months($1, ARRAY[c.connection_id], reefqbo._statements_read('trial_balance'), $3, $5, NULL) m
                      WHERE m.month = $4);
    IF told IS NOT NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('%s was not imported for every company', to_char($4, 'YYYY-MM')),
            DETAIL = format('It is missing for: %s.', reefqbo._show_line(told)),
            HINT = 'Import it with reefqbo.import_actuals.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_trial_months(bigint, bigint[], text, date, timestamptz, bigint[]) IS
'Internal: 42704 unless a month was imported, both statements, for each of these companies that belonged to the group of these branches then.';

-- A trial balance has the movements of each company's own fiscal year to date: companies with one first month are read together.
CREATE FUNCTION reefqbo._trial_amounts(model_id bigint, connections bigint[], branches bigint[], currency text,
                                       slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, variable_type text, debit numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS MATERIALIZED (
        SELECT c.connection_id, coalesce(c.fiscal_year_start_month, 1)::integer AS first_month, b.parent_branch_id IS NULL AS is_root
        FROM reefqbo._companies_at($1, $2, $6) c
        JOIN reefqbo._branches_at($1, $6) b ON b.branch_id = c.branch_id
    ), slot AS MATERIALIZED (
        SELECT s.ordinality AS slot, s.period, s.variant, s.accounting_method, s.months[cardinality(s.months)] AS month
        FROM unnest($5) WITH ORDINALITY s
    ), result AS MATERIALIZED (
        SELECT a.slot, a.connection_id, a.account_id, a.debit
        FROM (SELECT c.first_month, array_agg(c.connection_id) AS connections FROM company c GROUP BY c.first_month) y
        CROSS JOIN LATERAL reefqbo._slot_amounts($1, y.connections, $3, 'profit_and_loss', $4, ARRAY(
            SELECT ROW(s.period, s.variant, s.accounting_method, ARRAY(
                       SELECT g::date FROM generate_series(reefqbo._period_of(s.month, 'year', y.first_month)::timestamp, s.month::timestamp,
                                                           interval '1 month') g), NULL)::reefqbo._statement_slot
            FROM slot s ORDER BY s.slot), $6, false) a
    ), position AS MATERIALIZED (
        SELECT a.slot, a.connection_id, a.account_id, a.variable_type, a.debit
        FROM reefqbo._slot_amounts($1, $2, $3, 'balance_sheet', $4, ARRAY(
            SELECT ROW(s.period, s.variant, s.accounting_method, ARRAY[s.month], NULL)::reefqbo._statement_slot
            FROM slot s ORDER BY s.slot), $6, true) a
        WHERE NOT a.is_before
    ), eliminated AS (
        SELECT s.slot, e.variable_type, sum(e.amount) AS debit
        FROM slot s
        CROSS JOIN (SELECT CASE WHEN min(c.first_month) = max(c.first_month) THEN min(c.first_month)
                                ELSE coalesce(min(c.first_month) FILTER (WHERE c.is_root), 1) END AS first_month
                    FROM company c) y
        CROSS JOIN LATERAL reefqbo._eliminated($1, $3, 'profit_and_loss', s.accounting_method,
            ARRAY(SELECT g::date FROM generate_series(reefqbo._period_of(s.month, 'year', y.first_month)::timestamp, s.month::timestamp,
                                                      interval '1 month') g), $6) e
        GROUP BY s.slot, e.variable_type
    )
    -- whose a profit is says no account
    SELECT r.slot, r.connection_id, r.account_id, NULL, r.debit
    FROM result r
    WHERE r.account_id NOT IN ('computed:NonControllingProfit', 'computed:OwnersProfit')
    UNION ALL
    SELECT p.slot, p.connection_id, p.account_id, NULL, p.debit
    FROM position p
    WHERE p.account_id <> 'computed:NetIncome'
    UNION ALL
    SELECT e.slot, NULL, NULL, e.variable_type, sum(e.debit)
    FROM (SELECT p.slot, p.variable_type, p.debit FROM position p WHERE p.account_id IS NULL
          UNION ALL
          -- what eliminations take out of the year's profit stands where it was earned, and not in equity
          SELECT x.slot, v.variable_type, v.debit
          FROM eliminated x CROSS JOIN LATERAL (VALUES (x.variable_type, x.debit), ('Equity', -x.debit)) v (variable_type, debit)) e
    GROUP BY e.slot, e.variable_type
    UNION ALL
    -- the year's profit is in the accounts that made it; what is not, of months before those imported, stays
    SELECT x.slot, x.connection_id, 'computed:NetIncome', NULL, sum(x.debit)
    FROM (SELECT p.slot, p.connection_id, p.debit FROM position p WHERE p.account_id = 'computed:NetIncome'
          UNION ALL
          SELECT r.slot, r.connection_id, -r.debit FROM result r) x
    GROUP BY x.slot, x.connection_id
    HAVING sum(x.debit) <> 0
$$;

COMMENT ON FUNCTION reefqbo._trial_amounts(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz) IS
'Internal: the amounts of a trial balance at the end of each column, debits positive.';

CREATE FUNCTION reefqbo._trial_rows(model_id bigint, connections bigint[], branches bigint[], currency text,
                                    slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (period integer, connection_id bigint, account_id text, variable_type text, amount numeric,
               previous_period numeric, previous_year numeric, other_method numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH amount AS MATERIALIZED (
        SELECT s.period, s.variant, t.connection_id, t.account_id, t.variable_type, t.debit
        FROM (SELECT reefqbo._distinct_slots($5) AS columns) d
        CROSS JOIN LATERAL reefqbo._trial_amounts($1, $2, $3, $4, d.columns, $6) t
        JOIN LATERAL reefqbo._slots_shown($5, d.columns) s ON s.slot = t.slot
    )
    SELECT a.period, a.connection_id, a.account_id, a.variable_type,
           coalesce(sum(a.debit) FILTER (WHERE a.variant = 'amount'), 0),
           CASE WHEN 'previous_period' = ANY (v.names) THEN coalesce(sum(a.debit) FILTER (WHERE a.variant = 'previous_period'), 0) + 0.00 END,
           CASE WHEN 'previous_year' = ANY (v.names) THEN coalesce(sum(a.debit) FILTER (WHERE a.variant = 'previous_year'), 0) + 0.00 END,
           CASE WHEN 'other_method' = ANY (v.names) THEN coalesce(sum(a.debit) FILTER (WHERE a.variant = 'other_method'), 0) + 0.00 END
    FROM amount a
    JOIN (SELECT s.period, array_agg(s.variant) AS names FROM unnest($5) s GROUP BY s.period) v ON v.period = a.period
    GROUP BY a.period, v.names, a.connection_id, a.account_id, a.variable_type
    HAVING bool_or(a.debit <> 0)
$$;

COMMENT ON FUNCTION reefqbo._trial_rows(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz) IS
'Internal: the accounts of a trial balance in each period, debits positive, beside those they are compared with.';

CREATE FUNCTION reefqbo._trial_balance(model text, month date, accounting_method text, branch text, company boolean,
                                       as_of timestamptz, until date, frequency text, year text)
RETURNS TABLE (line bigint, company_name text, label text, account_id text, account_number text, account_type text,
               period text, period_end date, is_provisional boolean, debit numeric, credit numeric, share numeric,
               previous_period numeric, previous_year numeric, other_method numeric, currency text, connection_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    start_date date := date_trunc('month', $2::timestamp);
    end_date date := date_trunc('month', coalesce($7, $2)::timestamp) + interval '1 month' - interval '1 day';
    scope record;
    first_month integer;
    slots reefqbo._statement_slot[];
BEGIN
    PERFORM reefqbo._check_periods($2, coalesce($7, $2), $8, $9, $3);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $4, $5, $6) s;
    IF $7 IS NULL THEN
        PERFORM reefqbo._check_trial_months(in_model, scope.connections, $3, start_date, $6, scope.branches);
    ELSE
        PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read('trial_balance'), $3, start_date, end_date, $6, scope.branches);
    END IF;
    PERFORM reefqbo._tell_unsettled_months(in_model, scope.connections, $3, start_date, end_date, $6);
    first_month := CASE $9 WHEN 'fiscal' THEN reefqbo._fiscal_month(in_model, scope.connections, $6) ELSE 1 END;
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6, scope.branches) s);
    slots := reefqbo._slots_with_rates(in_model, scope.connections, 'trial_balance', slots, scope.currency, $6, scope.branches);
    RETURN QUERY
    WITH row AS MATERIALIZED (
        SELECT t.*, c.company_name, a.account_number, a.account_type,
               coalesce(a.name, CASE WHEN t.account_id IS NULL THEN format('Eliminations (%s)', t.variable_type)
                                     ELSE reefqbo._words_of_line(in_model, t.account_id, $6) END) AS label,
               coalesce(array_position(ARRAY['Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset',
                   'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability', 'Equity', 'Income',
                   'Cost of Goods Sold', 'Expense', 'Other Income', 'Other Expense'], a.account_type), 99) AS rank,
               array_position(scope.connections::bigint[], t.connection_id) AS place
        FROM reefqbo._trial_rows(in_model, scope.connections, scope.branches, scope.currency, slots, $6) t
        LEFT JOIN reefqbo._accounts_at(in_model, scope.connections, $6) a ON a.connection_id = t.connection_id AND a.account_id = t.account_id
        LEFT JOIN reefqbo._companies_at(in_model, scope.connections, $6) c ON c.connection_id = t.connection_id
    ), numbered AS (
        SELECT r.*, dense_rank() OVER (ORDER BY r.place NULLS LAST, r.rank, r.account_number COLLATE "C" NULLS LAST,
                                                r.label COLLATE "C", r.account_id COLLATE "C") AS line
        FROM row r
    ), total AS (
        SELECT r.period, sum(r.amount) FILTER (WHERE r.amount > 0) AS debit, -sum(r.amount) FILTER (WHERE r.amount < 0) AS credit,
               sum(r.previous_period) AS previous_period, sum(r.previous_year) AS previous_year, sum(r.other_method) AS other_method
        FROM row r
        GROUP BY r.period
    ), every AS (
        SELECT n.line, n.company_name, n.label, n.account_id, n.account_number, n.account_type, n.period,
               CASE WHEN n.amount > 0 THEN n.amount + 0.00 END AS debit, CASE WHEN n.amount < 0 THEN 0.00 - n.amount END AS credit,
               n.previous_period, n.previous_year, n.other_method, n.connection_id
        FROM numbered n
        UNION ALL
        SELECT (SELECT coalesce(max(n.line), 0) + 1 FROM numbered n), NULL, 'Total', NULL, NULL, NULL, p.period,
               coalesce(t.debit, 0) + 0.00, coalesce(t.credit, 0) + 0.00, t.previous_period, t.previous_year, t.other_method, NULL
        FROM reefqbo._periods(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6, scope.branches) p
        LEFT JOIN total t ON t.period = p.period
    )
    SELECT e.line, e.company_name, e.label, e.account_id, e.account_number, e.account_type, p.label, p.period_end, p.is_provisional,
           reefqbo._in_decimals(e.debit, scope.currency), reefqbo._in_decimals(e.credit, scope.currency),
           round(coalesce(e.debit, e.credit) / nullif(t.debit, 0), 6), reefqbo._in_decimals(e.previous_period, scope.currency),
           reefqbo._in_decimals(e.previous_year, scope.currency), reefqbo._in_decimals(e.other_method, scope.currency), scope.currency::text, e.connection_id
    FROM every e
    JOIN reefqbo._periods(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6, scope.branches) p ON p.period = e.period
    LEFT JOIN total t ON t.period = e.period
    ORDER BY e.line, p.period_end;
END
$$;

COMMENT ON FUNCTION reefqbo._trial_balance(text, date, text, text, boolean, timestamptz, date, text, text) IS 'Internal: what reefqbo.trial_balance does, without asking who calls.';

CREATE FUNCTION reefqbo.trial_balance(model text, month date, accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
                                      company boolean DEFAULT false, as_of timestamptz DEFAULT NULL, until date DEFAULT NULL,
                                      frequency text DEFAULT 'month', year text DEFAULT 'calendar')
RETURNS TABLE (line bigint, company_name text, label text, account_id text, account_number text, account_type text,
               period text, period_end date, is_provisional boolean, debit numeric, credit numeric, share numeric,
               previous_period numeric, previous_year numeric, other_method numeric, currency text, connection_id bigint)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.trial_balance(text, date, text, text, boolean, timestamptz, date, text, text) IS
'The trial balance at the end of a month, or of each period from that month on, worked out of the months imported: balances, and the movements of each company''s fiscal year to date. The last line is the total, where debits equal credits. reefqbo.tie_out compares it with QuickBooks'' own.
Arguments: model; month, any day of it; accounting_method, branch, company and as_of, as of reefqbo.statement; until, any day of the last month, by default the first; frequency and year, as of reefqbo.statement.
Result: a row for each account and period with an amount, or one to compare with, ordered by account, then period; debit or credit is filled, neither where it is 0 and another column is not. share: of the total of debits. previous_period, previous_year and other_method, as of reefqbo.statement, with debits positive.
A line Net Income is what months of the fiscal year made that were not imported, or that come before the one with the historical rate; of a part of a company, also what its profit in other branches makes up. Eliminations stand by their types: of the balance sheet as they are at the end of the month, of the profit and loss for the fiscal year to date (that of all companies, else of the root''s, else the calendar year).
Errors: as of reefqbo.statement, and 42704 the one month asked for was not imported for every company.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/trialbalance';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.trial_balance(text, date, text, text, boolean, timestamptz, date, text, text)');
