-- Statements of a model, a branch with all below it, or a company.

CREATE FUNCTION reefqbo._check_statement(statement text, lines text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF ($1 IN ('profit_and_loss', 'balance_sheet', 'cash_flow')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown statement "%s"', $1),
            HINT = 'Pass ''profit_and_loss'', ''balance_sheet'' or ''cash_flow''; reefqbo.trial_balance is a function of its own.';
    ELSIF ($2 IN ('account', 'category')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown lines "%s"', $2),
            HINT = 'Pass ''account'' (the charts of accounts) or ''category'' (what they are mapped to).';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_statement(text, text) IS 'Internal: 22023 for an unknown statement or kind of lines.';

CREATE FUNCTION reefqbo._statement(model text, statement text, start_date date, end_date date, frequency text, lines text,
                                   year text, accounting_method text, branch text, company boolean, as_of timestamptz, to_date boolean)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean, currency text,
               amount numeric, share numeric, previous_period numeric, previous_year numeric, other_method numeric,
               year_to_date numeric, previous_year_to_date numeric, trailing_twelve_months numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    scope record;
    first_month integer;
    slots reefqbo._statement_slot[];
    columns reefqbo._statement_slot[];
BEGIN
    PERFORM reefqbo._check_statement($2, $6);
    PERFORM reefqbo._check_periods($3, $4, $5, $7, $8);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $9, $10, $11) s;
    first_month := CASE $7 WHEN 'fiscal' THEN reefqbo._fiscal_month(in_model, scope.connections, $11) ELSE 1 END;
    PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read($2), $8, $3, $4, $11, scope.branches);
    PERFORM reefqbo._tell_unsettled_months(in_model, scope.connections, $8, $3, $4, $11);
    IF scope.branches IS NOT NULL AND $2 <> 'balance_sheet' THEN
        PERFORM reefqbo._tell_untagged_months(in_model, scope.connections, $8, $3, $4, $11);
    END IF;
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $11, scope.branches, $12) s);
    slots := reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, $11, scope.branches);
    columns := reefqbo._distinct_slots(slots);
    RETURN QUERY
    WITH figure AS MATERIALIZED (
        SELECT f.*
        FROM reefqbo._figures(in_model, scope.connections, scope.branches, $2, $6 = 'category', scope.currency, columns, $11, true) f
    ), head AS MATERIALIZED (
        SELECT f.* FROM figure f WHERE f.slot = 1
    ), row AS MATERIALIZED (
        SELECT f.line, v.period,
               min(f.amount) FILTER (WHERE v.variant = 'amount') AS amount,
               min(f.amount) FILTER (WHERE v.variant = 'previous_period') AS previous_period,
               min(f.amount) FILTER (WHERE v.variant = 'previous_year') AS previous_year,
               min(f.amount) FILTER (WHERE v.variant = 'other_method') AS other_method,
               min(f.amount) FILTER (WHERE v.variant = 'year_to_date') AS year_to_date,
               min(f.amount) FILTER (WHERE v.variant = 'previous_year_to_date') AS previous_year_to_date,
               min(f.amount) FILTER (WHERE v.variant = 'trailing_twelve_months') AS trailing_twelve_months
        FROM figure f
        JOIN reefqbo._slots_shown(slots, columns) v ON v.slot = f.slot
        GROUP BY f.line, v.period
    ), base AS (
        SELECT r.period, sum(r.amount) AS amount
        FROM row r
        JOIN head h ON h.line = r.line
        WHERE h.account_id IS NULL
          AND h.label IN (SELECT l.label FROM reefqbo._statement_layout(reefqbo._layout_name($2, $6 = 'category', $10)) l WHERE l.is_base)
        GROUP BY r.period
    )
    SELECT r.line, h.depth, h.label, h.kind, h.section, h.connection_id, h.account_id, h.account_number, p.label, p.period_start,
           p.period_end, p.is_provisional, scope.currency::text, reefqbo._in_decimals(r.amount, scope.currency),
           round(r.amount / nullif(b.amount, 0), 6), reefqbo._in_decimals(r.previous_period, scope.currency),
           reefqbo._in_decimals(r.previous_year, scope.currency), reefqbo._in_decimals(r.other_method, scope.currency),
           reefqbo._in_decimals(r.year_to_date, scope.currency), reefqbo._in_decimals(r.previous_year_to_date, scope.currency),
           reefqbo._in_decimals(r.trailing_twelve_months, scope.currency)
    FROM row r
    JOIN head h ON h.line = r.line
    JOIN reefqbo._periods(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $11, scope.branches) p ON p.period = r.period
    LEFT JOIN base b ON b.period = r.period
    ORDER BY r.line, p.period_start;
END
$$;

COMMENT ON FUNCTION reefqbo._statement(text, text, date, date, text, text, text, text, text, boolean, timestamptz, boolean) IS 'Internal: what reefqbo.statement does, without asking who calls.';

CREATE FUNCTION reefqbo.statement(model text, statement text, start_date date, end_date date, frequency text DEFAULT 'month',
                                  lines text DEFAULT 'account', year text DEFAULT 'calendar',
                                  accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
                                  company boolean DEFAULT false, as_of timestamptz DEFAULT NULL,
                                  to_date boolean DEFAULT false)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean, currency text,
               amount numeric, share numeric, previous_period numeric, previous_year numeric, other_method numeric,
               year_to_date numeric, previous_year_to_date numeric, trailing_twelve_months numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.statement(text, text, date, date, text, text, text, text, text, boolean, timestamptz, boolean) IS
'A statement of a model, of a branch with all below it, or of one company, from the months imported so far. Several companies are consolidated.
Arguments: model; statement, ''profit_and_loss'', ''balance_sheet'' or ''cash_flow'' (indirect: from the profit and the movements of the balance sheet);
start_date and end_date, between which a month must lie wholly; frequency, ''month'', ''quarter'', ''half-year'' or ''year''; lines, ''account'' (the charts of accounts) or ''category'' (the mapped type, category and subcategory, what is not mapped under Unmapped);
year, ''calendar'' or ''fiscal''; accounting_method; branch, by default the root; company, true for the branch''s company as a whole, in its home currency, wherever its accounts are mapped; as_of, to see what was shown at that moment: the figures as they were known, with the accounts, mapping, rates, eliminations, branches and companies of then; to_date, whether the columns until the end of each period are filled.
Disabled branches below the one asked for are left out; an account''s amounts stand in the one branch it, or (profit and loss, of the months imported by it) its class or department, is mapped to; eliminations of the branches covered are taken out.
Result: a row for each line and period, as of reefqbo.profit_and_loss, in currency: the model''s, or that of all companies. A period is there only if all its months were imported for every company that belonged to the group then (reefqbo.ownership); a notice says where some were not, and where months must be read again (reefqbo.unsettled_month). By accounts, each company has a title of its own in every section.
amount: as QuickBooks prints it, by category with the natural sign of the type; of a cash flow, positive where cash came from. share: of total income (by category: revenue, and income that is not mapped) or total assets, 0.25 for 25 %; NULL for a cash flow.
previous_period and previous_year: the like months just before, and a year before; other_method: by cash if amount is by accrual, and the reverse. NULL where those months, or rates for them, are not there.
year_to_date: from the beginning of the year (of argument year) until period_end; previous_year_to_date: the same of the year before; trailing_twelve_months: the twelve months until period_end. NULL unless to_date, for a balance sheet, and where one of the months was not imported. period: 2026-01, 2026 Q1, 2026 H1, 2026; what is only a part of one, for the dates asked for, says so: 2026 Q1 (part).
Other currencies: profit and loss at the average rate of each month, assets and liabilities at the closing rate, equity at historical rates; the line Translation Difference is net assets less equity. Position in Other Branches is what a company has in branches that are not covered. In a cash flow, balances of other currencies move at the average rate of each month, and the effect of rates is on cash alone.
Ownership: a company is in the group from the month that is stated to that it leaves in, with the share of others as Non-controlling Interests, in proportion, or by the equity method; without a row of reefqbo.ownership, as a whole, always. Entries of reefqbo.adjustment count as its own. What it had in cash when it joined or left is a line of its own in a cash flow.
Of a profit and loss, EBITDA, EBIT and profit before tax follow, but by accounts of one company as a whole, which is what QuickBooks prints: income tax is what is mapped to Tax, or of such a detail type; interest and depreciation go by the detail type. By category, other income and other expenses stand by themselves, so that operating income is the same as by accounts.
Errors: 42704 no such model or branch, no company, a rate that is missing; 22023 an unknown word, start after end, different currencies and none stated, a company whose currency is not known, different fiscal years; 22004 no date; RQ003 a sandbox company in a production model; RQ007 a balance sheet or a cash flow whose amounts do not sum to 0 (a notice, where months must be read again anyway, or with as_of).';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.statement(text, text, date, date, text, text, text, text, text, boolean, timestamptz, boolean)');
