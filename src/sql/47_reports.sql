-- Statements of a model, a branch with all below it, or a company: by accounts or by mapped categories.

CREATE TYPE reefqbo._statement_slot AS (
    period integer,
    variant text,
    accounting_method text,
    months date[],
    before date
);

COMMENT ON TYPE reefqbo._statement_slot IS
'Internal: one column of figures: of a period, in a variant (amount, previous_period, previous_year, other_method). months: those it covers, by their first days; before: the month before them.';

CREATE FUNCTION reefqbo._statements_read(statement text)
RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'profit_and_loss' THEN ARRAY['profit_and_loss'] WHEN 'balance_sheet' THEN ARRAY['balance_sheet']
                   WHEN 'cash_flow' THEN ARRAY['balance_sheet', 'profit_and_loss']
                   WHEN 'trial_balance' THEN ARRAY['balance_sheet', 'profit_and_loss'] END
$$;

COMMENT ON FUNCTION reefqbo._statements_read(text) IS 'Internal: the imported statements that a statement is worked out of; NULL for an unknown one.';

CREATE FUNCTION reefqbo._common_months(model_id bigint, connections bigint[], statements text[], accounting_method text,
                                       as_of timestamptz)
RETURNS TABLE (month date, period_end date, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.period_start, k.period_end, bool_or(k.is_provisional)
    FROM unnest($2) c (connection_id)
    CROSS JOIN unnest($3) s (statement)
    CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, s.statement, $4, $5) k
    GROUP BY k.period_start, k.period_end
    HAVING count(*) = cardinality($2) * cardinality($3)
$$;

COMMENT ON FUNCTION reefqbo._common_months(bigint, bigint[], text[], text, timestamptz) IS
'Internal: the months that were imported for each of these companies and statements.';

CREATE FUNCTION reefqbo._tell_missing_months(model_id bigint, connections bigint[], statements text[], accounting_method text,
                                             start_date date, end_date date, as_of timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    WITH known AS (
        SELECT c.connection_id, k.period_start
        FROM unnest($2) c (connection_id)
        CROSS JOIN unnest($3) s (statement)
        CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, s.statement, $4, $7) k
        WHERE k.period_start >= $5 AND k.period_end <= $6
        GROUP BY c.connection_id, k.period_start
        HAVING count(*) = cardinality($3)
    ), missing AS (
        SELECT c.connection_id, m.period_start
        FROM unnest($2) c (connection_id)
        CROSS JOIN (SELECT DISTINCT k.period_start FROM known k) m
        EXCEPT
        SELECT k.connection_id, k.period_start FROM known k
    ), company AS (
        SELECT format('%s: %s months, %s to %s', o.company_name, count(*), to_char(min(m.period_start), 'YYYY-MM'),
                      to_char(max(m.period_start), 'YYYY-MM')) AS words
        FROM missing m
        JOIN reefqbo.connection o ON o.model_id = $1 AND o.connection_id = m.connection_id
        GROUP BY o.connection_id, o.company_name
    )
    SELECT string_agg(c.words, '; ' ORDER BY c.words COLLATE "C") INTO told FROM company c;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'months are left out that were not imported for every company',
            DETAIL = format('Not imported: %s.', told),
            HINT = 'Import them with reefqbo.import_actuals.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._tell_missing_months(bigint, bigint[], text[], text, date, date, timestamptz) IS
'Internal: a notice of the months that some of these companies have and others do not.';

CREATE FUNCTION reefqbo._tell_untagged_months(model_id bigint, connections bigint[], accounting_method text, start_date date,
                                              end_date date)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    WITH company AS (
        SELECT DISTINCT c.connection_id, c.company_name, p.dimension
        FROM reefqbo.connection c
        JOIN reefqbo.dimension_mapping p ON p.model_id = c.model_id AND p.connection_id = c.connection_id
        WHERE c.model_id = $1 AND c.connection_id = ANY ($2)
    ), missing AS (
        SELECT format('%s by %s: %s months, %s to %s', c.company_name, c.dimension, count(*),
                      to_char(min(k.period_start), 'YYYY-MM'), to_char(max(k.period_start), 'YYYY-MM')) AS words
        FROM company c
        CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, 'profit_and_loss', $3, NULL) k
        WHERE k.period_start >= $4 AND k.period_end <= $5
          AND NOT EXISTS (SELECT FROM reefqbo.dimension_month d WHERE d.model_id = $1 AND d.connection_id = c.connection_id
                          AND d.dimension = c.dimension AND d.accounting_method = $3 AND d.period_start = k.period_start)
        GROUP BY c.connection_id, c.company_name, c.dimension
    )
    SELECT string_agg(m.words, '; ' ORDER BY m.words COLLATE "C") INTO told FROM missing m;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'months that were not imported by class or department stand in their company''s own branch as a whole',
            DETAIL = format('Not imported: %s.', told),
            HINT = 'Import them with reefqbo.import_dimensions.';
    END IF;
    SELECT string_agg(DISTINCT format('%s by %s, %s', c.company_name, d.dimension, to_char(d.period_start, 'YYYY-MM')), '; ') INTO told
    FROM reefqbo.dimension_difference d
    JOIN reefqbo.connection c ON c.model_id = d.model_id AND c.connection_id = d.connection_id
    JOIN reefqbo.dimension_mapping p ON p.model_id = d.model_id AND p.connection_id = d.connection_id AND p.dimension = d.dimension
    WHERE d.model_id = $1 AND d.connection_id = ANY ($2) AND d.accounting_method = $3 AND d.period_start BETWEEN $4 AND $5;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'months were restated since they were imported by class or department; what has changed stands in their company''s own branch',
            DETAIL = format('These are: %s.', told),
            HINT = 'Import them again with reefqbo.import_dimensions.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._tell_untagged_months(bigint, bigint[], text, date, date) IS
'Internal: notices of the months that are not split among branches, or not as they are now, of companies whose classes or departments are mapped to branches.';

CREATE FUNCTION reefqbo._periods(model_id bigint, connections bigint[], statement text, accounting_method text,
                                 start_date date, end_date date, frequency text, first_month integer, as_of timestamptz)
RETURNS TABLE (period integer, label text, period_start date, period_end date, is_provisional boolean, months date[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH known AS MATERIALIZED (
        SELECT m.*, reefqbo._period_of(m.month, $7, $8) AS starts
        FROM reefqbo._common_months($1, $2, reefqbo._statements_read($3), $4, $9) m
    ), part AS (
        SELECT k.starts, min(k.month) AS first, max(k.period_end) AS last, bool_or(k.is_provisional) AS is_provisional,
               array_agg(k.month ORDER BY k.month) AS months
        FROM known k
        WHERE k.month >= $5 AND k.period_end <= $6
        GROUP BY k.starts
        HAVING count(*) = reefqbo._months_between(greatest(k.starts, $5),
            least((k.starts + interval '1 month' * reefqbo._period_months($7))::date - 1, $6))
    )
    SELECT (row_number() OVER (ORDER BY p.starts))::integer, reefqbo._period_label(p.starts, $7, $8), p.first, p.last,
           p.is_provisional, p.months
    FROM part p
    -- a flow of cash is told by the balances at both its ends
    WHERE $3 <> 'cash_flow' OR (p.first - interval '1 month')::date IN (SELECT k.month FROM known k)
    ORDER BY p.starts
$$;

COMMENT ON FUNCTION reefqbo._periods(bigint, bigint[], text, text, date, date, text, integer, timestamptz) IS
'Internal: the periods of a statement: those parts of each month, quarter, half-year or year inside start_date to end_date of which every month was imported for every company.';

CREATE FUNCTION reefqbo._slots(model_id bigint, connections bigint[], statement text, accounting_method text,
                               start_date date, end_date date, frequency text, first_month integer, as_of timestamptz)
RETURNS SETOF reefqbo._statement_slot
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH method AS (
        SELECT $4 AS name, true AS is_asked
        UNION ALL
        SELECT CASE $4 WHEN 'Cash' THEN 'Accrual' ELSE 'Cash' END, false
    ), known AS MATERIALIZED (
        SELECT d.name AS method, array_agg(m.month) AS months
        FROM method d
        CROSS JOIN LATERAL reefqbo._common_months($1, $2, reefqbo._statements_read($3), d.name, $9) m
        GROUP BY d.name
    ), wanted AS (
        SELECT p.period, v.variant, d.name AS method,
               ARRAY(SELECT (m.month - v.back)::date FROM unnest(p.months) m (month) ORDER BY m.month) AS months
        FROM reefqbo._periods($1, $2, $3, $4, $5, $6, $7, $8, $9) p
        CROSS JOIN (VALUES ('amount', interval '0', true),
                           ('previous_period', interval '1 month' * reefqbo._period_months($7), true),
                           ('previous_year', interval '12 months', true),
                           ('other_method', interval '0', false)) v (variant, back, is_asked)
        JOIN method d ON d.is_asked = v.is_asked
    )
    SELECT w.period, w.variant, w.method, w.months, b.before
    FROM wanted w
    JOIN known k ON k.method = w.method
    CROSS JOIN LATERAL (SELECT (w.months[1] - interval '1 month')::date AS before) b
    WHERE w.months <@ k.months AND ($3 <> 'cash_flow' OR b.before = ANY (k.months))
$$;

COMMENT ON FUNCTION reefqbo._slots(bigint, bigint[], text, text, date, date, text, integer, timestamptz) IS
'Internal: the columns of figures of a statement: each period, and the like months before it, a year before it, and by the other accounting method, where all of them were imported.';

CREATE FUNCTION reefqbo._months_read(model_id bigint, connection_id bigint, statement text, imported text,
                                     slot reefqbo._statement_slot, as_of timestamptz)
RETURNS date[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $3 = 'trial_balance' AND $4 = 'profit_and_loss' THEN ARRAY(
                    SELECT k.period_start
                    FROM reefqbo.connection c
                    CROSS JOIN LATERAL reefqbo._known_months($1, $2, $4, $5.accounting_method, $6) k
                    WHERE c.model_id = $1 AND c.connection_id = $2
                      AND k.period_start BETWEEN reefqbo._period_of(l.last, 'year', coalesce(c.fiscal_year_start_month, 1)) AND l.last)
                WHEN $4 = 'profit_and_loss' THEN $5.months
                WHEN $3 = 'cash_flow' THEN ARRAY[$5.before, l.last]
                ELSE ARRAY[l.last] END
    FROM (SELECT $5.months[cardinality($5.months)] AS last) l
$$;

COMMENT ON FUNCTION reefqbo._months_read(bigint, bigint, text, text, reefqbo._statement_slot, timestamptz) IS
'Internal: the months of an imported statement that a column of a statement is worked out of: of a trial balance, those of the fiscal year so far.';

CREATE FUNCTION reefqbo._slots_with_rates(model_id bigint, connections bigint[], statement text, slots reefqbo._statement_slot[],
                                          currency text, as_of timestamptz)
RETURNS reefqbo._statement_slot[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    slot reefqbo._statement_slot;
    usable reefqbo._statement_slot[] := '{}';
    missing text;
BEGIN
    FOREACH slot IN ARRAY $4 LOOP
        SELECT min(r.missing) INTO missing
        FROM reefqbo.connection c
        CROSS JOIN unnest(reefqbo._statements_read($3)) s (statement)
        CROSS JOIN LATERAL (
            SELECT reefqbo._missing_rate($1, c.connection_id, s.statement, slot.accounting_method,
                                         reefqbo._months_read($1, c.connection_id, $3, s.statement, slot, $6), $5, $6) AS missing) r
        WHERE c.model_id = $1 AND c.connection_id = ANY ($2) AND c.home_currency <> $5;
        IF missing IS NULL THEN
            usable := usable || slot;
        ELSIF slot.variant = 'amount' THEN
            RAISE undefined_object USING
                MESSAGE = missing,
                HINT = 'State it with reefqbo.set_rate, or ask for other months.';
        END IF;
    END LOOP;
    RETURN usable;
END
$$;

COMMENT ON FUNCTION reefqbo._slots_with_rates(bigint, bigint[], text, reefqbo._statement_slot[], text, timestamptz) IS
'Internal: those columns for which there are rates. Error: 42704 one is missing for a column that was asked for.';

-- ---- what a statement is made of ----

CREATE FUNCTION reefqbo._slot_amounts(model_id bigint, connections bigint[], branches bigint[], statement text, currency text,
                                      slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, variable_type text, category text, subcategory text,
               is_before boolean, debit numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH slot AS MATERIALIZED (
        SELECT s.ordinality AS slot, s.accounting_method, m.month, m.is_before
        FROM unnest($6) WITH ORDINALITY s
        CROSS JOIN LATERAL (
            SELECT x.month, false AS is_before FROM unnest(s.months) x (month)
            WHERE $4 = 'profit_and_loss' OR x.month = s.months[cardinality(s.months)]
            UNION ALL
            SELECT s.before, true WHERE $4 = 'balance_sheet') m
    ), range AS (
        SELECT s.accounting_method, min(s.month) AS first, max(s.month) AS last FROM slot s GROUP BY s.accounting_method
    ), amount AS MATERIALIZED (
        SELECT r.accounting_method, x.connection_id, x.account_id, x.period_start,
               x.amount * reefqbo._debit_sign(a.account_type, coalesce(a.classification, CASE $4 WHEN 'profit_and_loss' THEN 'Expense' END)) AS debit
        FROM range r
        CROSS JOIN LATERAL reefqbo._branch_amounts($1, $2, $3, $4, r.accounting_method, r.first, r.last, $5, $7) x
        LEFT JOIN reefqbo.account a
            ON a.model_id = $1 AND a.connection_id = x.connection_id AND a.account_id = x.account_id
    ), own AS (
        SELECT s.slot, a.connection_id, a.account_id, s.is_before, sum(a.debit) AS debit
        FROM slot s
        JOIN amount a ON a.accounting_method = s.accounting_method AND a.period_start = s.month
        GROUP BY s.slot, a.connection_id, a.account_id, s.is_before
    )
    SELECT o.slot, o.connection_id, o.account_id, NULL, NULL, NULL, o.is_before, o.debit
    FROM own o
    WHERE o.debit <> 0
    UNION ALL
    -- what a company has in branches that are not asked for
    SELECT o.slot, o.connection_id, 'computed:OtherBranches', NULL, NULL, NULL, o.is_before, -sum(o.debit)
    FROM own o
    WHERE $4 = 'balance_sheet' AND $3 IS NOT NULL
    GROUP BY o.slot, o.connection_id, o.is_before
    HAVING sum(o.debit) <> 0
    UNION ALL
    SELECT s.slot, NULL, NULL, e.variable_type, e.category, e.subcategory, s.is_before, sum(e.amount)
    FROM slot s
    CROSS JOIN LATERAL reefqbo._eliminated($1, $3, $4, s.accounting_method, ARRAY[s.month]) e
    WHERE $3 IS NOT NULL AND $8
    GROUP BY s.slot, e.variable_type, e.category, e.subcategory, s.is_before
    HAVING sum(e.amount) <> 0
$$;

COMMENT ON FUNCTION reefqbo._slot_amounts(bigint, bigint[], bigint[], text, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the amounts in each column of an imported statement, debits positive: of accounts; of what a company has in other branches; and, if they are wanted, of eliminations, which have no account but a type and category.
is_before: the balance before the period.';

CREATE FUNCTION reefqbo._elimination_section(variable_type text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'Revenue' THEN 'Income' WHEN 'COGS' THEN 'Cost of Goods Sold' WHEN 'Opex' THEN 'Expense'
                   WHEN 'Staff' THEN 'Expense' WHEN 'Tax' THEN 'Other Expense' WHEN 'Asset' THEN 'Other Current Asset'
                   WHEN 'Liability' THEN 'Other Current Liability' ELSE 'Equity' END
$$;

COMMENT ON FUNCTION reefqbo._elimination_section(text) IS
'Internal: the account type among whose accounts eliminations of a variable type are shown.';

-- By accounts: the tree of each company's chart, under its name where there are several.
CREATE FUNCTION reefqbo._account_nodes(model_id bigint, connections bigint[], statement text)
RETURNS TABLE (connection_id bigint, account_id text, variable_type text, node reefqbo._statement_node)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS (
        SELECT u.connection_id, u.place * 1000000000000 AS base, c.company_name, cardinality($2) > 1 AS is_named
        FROM unnest($2) WITH ORDINALITY u (connection_id, place)
        JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = u.connection_id
    ), account AS (
        SELECT c.*, t.account_id, t.account_type, t.name, t.account_number,
               CASE WHEN t.is_computed THEN 'computed' ELSE 'account' END AS kind,
               ARRAY(SELECT c.base + 1000000 + p.rank FROM unnest(t.path) WITH ORDINALITY p (rank, place) ORDER BY p.place) AS path
        FROM company c
        CROSS JOIN LATERAL reefqbo._statement_tree($1, c.connection_id, $3) t
        UNION ALL
        SELECT c.*, v.account_id, 'Equity', v.label, NULL, 'computed', ARRAY[c.base + v.rank]
        FROM company c
        CROSS JOIN (VALUES ('computed:Translation', 'Translation Difference', 999999999998),
                           ('computed:OtherBranches', 'Position in Other Branches', 999999999999)) v (account_id, label, rank)
        WHERE $3 = 'balance_sheet'
    )
    SELECT a.connection_id, a.account_id, NULL,
           ROW(CASE WHEN a.is_named THEN format('%s:%s', a.connection_id, a.account_id) ELSE a.account_id END,
               CASE WHEN a.is_named THEN a.base + l.place || a.path ELSE a.path END,
               a.account_type, a.name, a.kind, a.connection_id, a.account_id, a.account_number, false)::reefqbo._statement_node
    FROM account a
    JOIN reefqbo._statement_layout($3) l ON l.account_type = a.account_type
    UNION ALL
    SELECT NULL, NULL, NULL,
           ROW(format('company:%s:%s', c.connection_id, l.place), ARRAY[c.base + l.place], l.account_type, c.company_name, 'group',
               c.connection_id, NULL, NULL, false)::reefqbo._statement_node
    FROM company c
    CROSS JOIN reefqbo._statement_layout($3) l
    WHERE c.is_named AND l.account_type IS NOT NULL
    UNION ALL
    SELECT NULL, NULL, v.variable_type,
           ROW('elimination:' || v.variable_type, ARRAY[9000000000000000000 + v.place], reefqbo._elimination_section(v.variable_type),
               CASE v.variable_type WHEN 'Equity' THEN 'Eliminations' ELSE format('Eliminations (%s)', v.variable_type) END,
               'computed', NULL, NULL, NULL, false)::reefqbo._statement_node
    FROM unnest(reefqbo._fitting_types(CASE $3 WHEN 'profit_and_loss' THEN 'Revenue' ELSE 'Asset' END)) WITH ORDINALITY v (variable_type, place)
$$;

COMMENT ON FUNCTION reefqbo._account_nodes(bigint, bigint[], text) IS
'Internal: where each account stands in a profit and loss or balance sheet by accounts, and each elimination by its type. Rows without both are the names of the companies.';

CREATE FUNCTION reefqbo._words_for(account_id text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'computed:Translation' THEN 'Translation Difference'
                   WHEN 'computed:OtherBranches' THEN 'Position in Other Branches' ELSE 'Net Income' END
$$;

COMMENT ON FUNCTION reefqbo._words_for(text) IS 'Internal: what a computed line of equity is called.';

CREATE FUNCTION reefqbo._category_of(model_id bigint, statement text, connection_id bigint, account_id text)
RETURNS TABLE (section text, category text, subcategory text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN a.account_id IS NULL OR a.is_computed THEN 'Equity'
                WHEN p.variable_type = ANY (reefqbo._fitting_types(CASE $2 WHEN 'profit_and_loss' THEN 'Revenue' ELSE 'Asset' END))
                    THEN p.variable_type
                WHEN $2 = 'profit_and_loss'
                    THEN CASE reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense')) WHEN 1 THEN 'Unmapped Expenses' ELSE 'Unmapped Income' END
                ELSE CASE reefqbo._debit_sign(a.account_type, a.classification) WHEN 1 THEN 'Unmapped Assets'
                     ELSE 'Unmapped Liabilities and Equity' END END,
           CASE WHEN a.account_id IS NULL OR a.is_computed THEN reefqbo._words_for($4)
                ELSE coalesce(p.category, a.fully_qualified_name) END,
           p.subcategory
    FROM (VALUES (1)) one (row)
    LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $3 AND a.account_id = $4
    LEFT JOIN reefqbo.account_mapping p ON p.model_id = $1 AND p.connection_id = $3 AND p.account_id = $4
$$;

COMMENT ON FUNCTION reefqbo._category_of(bigint, text, bigint, text) IS
'Internal: where an account stands in a statement by categories: under its variable type, or under what is not mapped, by its full name.';

CREATE FUNCTION reefqbo._category_node(section text, category text, subcategory text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- a category may have a slash in it: doubled, it is no separator
    SELECT concat_ws(' / ', $1, replace($2, '/', '//'), replace($3, '/', '//'))
$$;

COMMENT ON FUNCTION reefqbo._category_node(text, text, text) IS 'Internal: the name of a node of a statement by categories, which no other has.';

-- Where cash came from and went to, from the movements of the balance sheet and the profit.
CREATE FUNCTION reefqbo._cash_section(account_id text, account_type text, account_subtype text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $1 = 'computed:Translation' THEN 'Exchange'
                WHEN $2 = 'Bank' OR $3 = 'UndepositedFunds' THEN 'Cash'
                WHEN $3 ~ '^(Accumulated(Depreciation|Amortization|Depletion)|CumulativeDepreciation)' THEN 'Operating'
                WHEN $2 IN ('Fixed Asset', 'Other Asset') THEN 'Investing'
                WHEN $2 IN ('Accounts Receivable', 'Other Current Asset', 'Accounts Payable', 'Credit Card', 'Other Current Liability')
                    THEN 'Operating'
                ELSE 'Financing' END
$$;

COMMENT ON FUNCTION reefqbo._cash_section(text, text, text) IS
'Internal: the part of a cash flow statement that an account''s movement stands in. Cash is bank accounts and undeposited funds; depreciation is added back to the profit.';

CREATE FUNCTION reefqbo._cash_items(model_id bigint, connections bigint[], branches bigint[], currency text,
                                    slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, section text, category text, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH balance AS MATERIALIZED (
        SELECT b.*, CASE WHEN b.is_before THEN b.debit ELSE -b.debit END AS flow,
               CASE WHEN b.variable_type IN ('Asset', 'Liability') THEN 'Operating'
                    WHEN b.variable_type IS NOT NULL THEN 'Financing'
                    ELSE reefqbo._cash_section(b.account_id, a.account_type, a.account_subtype) END AS section,
               a.is_computed OR a.account_subtype = 'RetainedEarnings' OR b.category = 'Eliminated Profit' AS is_profit,
               CASE WHEN b.variable_type IS NOT NULL THEN 'Eliminations'
                    ELSE coalesce(p.category, a.fully_qualified_name, reefqbo._words_for(b.account_id)) END AS name
        FROM reefqbo._slot_amounts($1, $2, $3, 'balance_sheet', $4, $5, $6, $7) b
        LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = b.connection_id AND a.account_id = b.account_id
        LEFT JOIN reefqbo.account_mapping p
            ON p.model_id = $1 AND p.connection_id = b.connection_id AND p.account_id = b.account_id
    ), result AS (
        SELECT r.slot, r.connection_id, -sum(r.debit) AS amount
        FROM reefqbo._slot_amounts($1, $2, $3, 'profit_and_loss', $4, $5, $6, $7) r
        GROUP BY r.slot, r.connection_id
    )
    SELECT b.slot, b.connection_id, b.account_id, b.section, b.name, sum(b.flow)
    FROM balance b
    WHERE b.section <> 'Cash' AND b.is_profit IS NOT TRUE
    GROUP BY b.slot, b.connection_id, b.account_id, b.section, b.name
    UNION ALL
    SELECT b.slot, NULL, NULL, 'Cash', NULL, sum(b.debit) FROM balance b WHERE b.section = 'Cash' AND b.is_before GROUP BY b.slot
    UNION ALL
    SELECT r.slot, NULL, NULL, 'Net Income', NULL, sum(r.amount) FROM result r GROUP BY r.slot
    UNION ALL
    -- what retained earnings and the year's profit changed by, beyond the profit of the period
    SELECT x.slot, x.connection_id, NULL, 'Financing',
           CASE WHEN EXISTS (SELECT FROM balance o WHERE o.connection_id = x.connection_id AND o.account_id = 'computed:OtherBranches')
                THEN 'Profit in Other Branches' ELSE 'Retained Earnings' END, sum(x.amount)
    FROM (SELECT b.slot, b.connection_id, b.flow AS amount FROM balance b WHERE b.is_profit
          UNION ALL
          SELECT r.slot, r.connection_id, -r.amount FROM result r) x
    GROUP BY x.slot, x.connection_id
$$;

COMMENT ON FUNCTION reefqbo._cash_items(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: what each account did to cash in each column: what left it is positive, what went into it negative. Together they are the change in cash, since a balance sheet balances.';

CREATE FUNCTION reefqbo._placed(model_id bigint, connections bigint[], branches bigint[], statement text, by_category boolean,
                                currency text, slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, amount numeric, node reefqbo._statement_node)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $4 = 'cash_flow' THEN
        RETURN QUERY
        WITH item AS (
            SELECT i.slot, i.amount, i.section,
                   CASE WHEN $5 OR i.section IN ('Net Income', 'Cash') THEN NULL ELSE i.connection_id END AS connection_id,
                   CASE WHEN $5 THEN NULL ELSE i.account_id END AS account_id,
                   CASE WHEN $5 OR i.account_id IS NULL THEN i.category ELSE coalesce(a.name, i.category) END
                   || CASE WHEN NOT $5 AND cardinality($2) > 1 AND i.connection_id IS NOT NULL
                           THEN format(' (%s)', c.company_name) ELSE '' END AS label,
                   CASE WHEN NOT $5 THEN a.account_number END AS account_number
            FROM reefqbo._cash_items($1, $2, $3, $6, $7, $8, $9) i
            LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = i.connection_id AND a.account_id = i.account_id
            LEFT JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = i.connection_id
        ), spot AS (
            SELECT i.slot, i.section, i.connection_id, i.account_id, i.label, i.account_number, sum(i.amount) AS amount,
                   dense_rank() OVER (ORDER BY i.section, i.label COLLATE "C", i.connection_id, i.account_id) AS rank
            FROM item i
            GROUP BY i.slot, i.section, i.connection_id, i.account_id, i.label, i.account_number
        )
        SELECT s.slot, s.amount,
               ROW(coalesce(CASE WHEN cardinality($2) > 1 THEN format('%s:', s.connection_id) END || s.account_id, s.account_id,
                            -- companies may have the same name
                            concat_ws(' / ', s.section, s.connection_id, s.label)), ARRAY[s.rank], s.section, s.label, 'account',
                   s.connection_id, s.account_id, s.account_number, true)::reefqbo._statement_node
        FROM spot s
        WHERE s.amount <> 0;
    ELSIF $5 THEN
        RETURN QUERY
        WITH spot AS (
            SELECT i.slot, i.debit, coalesce(i.variable_type, g.section) AS section, coalesce(i.category, g.category) AS category,
                   CASE WHEN i.variable_type IS NOT NULL THEN coalesce(i.subcategory, CASE WHEN i.category <> 'Eliminated Profit' THEN 'Eliminations' END)
                        ELSE g.subcategory END AS subcategory
            FROM reefqbo._slot_amounts($1, $2, $3, $4, $6, $7, $8, $9) i
            LEFT JOIN LATERAL reefqbo._category_of($1, $4, i.connection_id, i.account_id) g ON i.account_id IS NOT NULL
            WHERE NOT i.is_before
        ), ranked AS (
            SELECT s.*, dense_rank() OVER (ORDER BY s.section, s.category COLLATE "C") * 1000000 AS above,
                   dense_rank() OVER (ORDER BY s.section, s.category COLLATE "C", s.subcategory COLLATE "C" NULLS FIRST) AS rank
            FROM spot s
        )
        SELECT r.slot,
               sum(r.debit) * CASE r.section WHEN 'Unmapped Income' THEN -1 WHEN 'Unmapped Liabilities and Equity' THEN -1
                                             WHEN 'Unmapped Assets' THEN 1 WHEN 'Unmapped Expenses' THEN 1
                                             ELSE reefqbo._natural_sign(r.section, $4) END,
               ROW(reefqbo._category_node(r.section, r.category, r.subcategory),
                   CASE WHEN r.subcategory IS NULL THEN ARRAY[r.above] ELSE ARRAY[r.above, r.above + r.rank] END,
                   r.section, coalesce(r.subcategory, r.category), 'account', NULL, NULL, NULL, true)::reefqbo._statement_node
        FROM ranked r
        GROUP BY r.slot, r.section, r.category, r.subcategory, r.above, r.rank
        UNION ALL
        -- a category whose amounts all stand in subcategories has a title all the same
        SELECT NULL, 0, ROW(reefqbo._category_node(r.section, r.category, NULL), ARRAY[r.above], r.section, r.category, 'group',
                            NULL, NULL, NULL, false)::reefqbo._statement_node
        FROM ranked r
        GROUP BY r.section, r.category, r.above
        HAVING bool_and(r.subcategory IS NOT NULL);
    ELSE
        RETURN QUERY
        SELECT i.slot, sum(i.debit) * reefqbo._debit_sign((n.node).section, NULL), n.node
        FROM reefqbo._account_nodes($1, $2, $4) n
        LEFT JOIN reefqbo._slot_amounts($1, $2, $3, $4, $6, $7, $8, $9) i
            ON NOT i.is_before AND ((i.connection_id = n.connection_id AND i.account_id = n.account_id) OR i.variable_type = n.variable_type)
        GROUP BY i.slot, n.node;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._placed(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the amounts in each column of a statement, with the sign they are printed with, and the node each of them stands at. Rows without a column are nodes that only have others below them.';

CREATE FUNCTION reefqbo._figures(model_id bigint, connections bigint[], branches bigint[], statement text, by_category boolean,
                                 currency text, slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, slot bigint, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH placed AS MATERIALIZED (
        SELECT p.* FROM reefqbo._placed($1, $2, $3, $4, $5, $6, $7, $8, $9) p
    ), node AS (
        SELECT ROW((p.node).node, (p.node).path, (p.node).section, (p.node).label, (p.node).kind, (p.node).connection_id,
                   (p.node).account_id, (p.node).account_number, bool_or(p.amount <> 0))::reefqbo._statement_node AS node
        FROM placed p
        GROUP BY p.node
    ), line AS MATERIALIZED (
        SELECT l.*
        FROM reefqbo._statement_lines($4 || CASE WHEN $5 AND $4 <> 'cash_flow' THEN '_by_category' ELSE '' END,
                                      ARRAY(SELECT n.node FROM node n)) l
    ), part AS (
        SELECT l.line, u.node, u.sign
        FROM line l
        CROSS JOIN LATERAL (SELECT unnest(l.adds), 1 UNION ALL SELECT unnest(l.subtracts), -1) u (node, sign)
        WHERE l.kind <> 'section' OR l.adds <> '{}'
    ), figure AS (
        SELECT q.line, p.slot, sum(q.sign * p.amount) AS amount
        FROM part q
        JOIN placed p ON (p.node).node = q.node AND p.slot IS NOT NULL
        GROUP BY q.line, p.slot
    )
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.connection_id, l.account_id, l.account_number, s.slot,
           CASE WHEN l.kind <> 'section' THEN coalesce(f.amount, 0) + 0.00 END
    FROM line l
    CROSS JOIN generate_series(1, cardinality($7)) s (slot)
    LEFT JOIN figure f ON f.line = l.line AND f.slot = s.slot
$$;

COMMENT ON FUNCTION reefqbo._figures(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the lines of a statement, and a figure for each of them in each column.';

-- ---- what is asked for ----

CREATE FUNCTION reefqbo._scope(model_id bigint, branch text, company boolean, OUT connections bigint[], OUT branches bigint[],
                               OUT currency text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 THEN
        connections := ARRAY[reefqbo._statement_connection($1, $2)];
        currency := (SELECT c.home_currency FROM reefqbo.connection c WHERE c.model_id = $1 AND c.connection_id = connections[1]);
        RETURN;
    END IF;
    branches := reefqbo._branches_below($1, reefqbo._branch_id($1, $2));
    connections := reefqbo._companies_of($1, branches);
    IF connections = '{}' THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL THEN 'the model has no connection in a branch that is enabled'
                           ELSE format('neither branch "%s" nor any below it has a company', $2) END,
            HINT = 'reefqbo.connect links a branch to a QuickBooks company; the view reefqbo.connection_status lists the connections.';
    END IF;
    PERFORM reefqbo._check_companies($1, connections);
    currency := reefqbo._currency_of($1, connections);
END
$$;

COMMENT ON FUNCTION reefqbo._scope(bigint, text, boolean) IS
'Internal: what a statement covers: a branch with all below it, by default the root; or the company of a branch as a whole, in its home currency, with branches NULL.
Errors: 42704 no such branch or no company; 22023 companies of different currencies; RQ003 a sandbox company in a production model.';

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
                                   year text, accounting_method text, branch text, company boolean, as_of timestamptz)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean, currency text,
               amount numeric, share numeric, previous_period numeric, previous_year numeric, other_method numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    scope record;
    first_month integer;
    slots reefqbo._statement_slot[];
BEGIN
    PERFORM reefqbo._check_statement($2, $6);
    PERFORM reefqbo._check_periods($3, $4, $5, $7, $8);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $9, $10) s;
    first_month := CASE $7 WHEN 'fiscal' THEN reefqbo._fiscal_month(in_model, scope.connections) ELSE 1 END;
    PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read($2), $8, $3, $4, $11);
    IF scope.branches IS NOT NULL AND $2 <> 'balance_sheet' THEN
        PERFORM reefqbo._tell_untagged_months(in_model, scope.connections, $8, $3, $4);
    END IF;
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $11) s);
    slots := reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, $11);
    RETURN QUERY
    WITH figure AS MATERIALIZED (
        SELECT f.*, (slots[f.slot]).period AS period, (slots[f.slot]).variant AS variant
        FROM reefqbo._figures(in_model, scope.connections, scope.branches, $2, $6 = 'category', scope.currency, slots, $11, true) f
    ), row AS (
        SELECT f.line, f.depth, f.label, f.kind, f.section, f.connection_id, f.account_id, f.account_number, f.period,
               min(f.amount) FILTER (WHERE f.variant = 'amount') AS amount,
               min(f.amount) FILTER (WHERE f.variant = 'previous_period') AS previous_period,
               min(f.amount) FILTER (WHERE f.variant = 'previous_year') AS previous_year,
               min(f.amount) FILTER (WHERE f.variant = 'other_method') AS other_method
        FROM figure f
        GROUP BY f.line, f.depth, f.label, f.kind, f.section, f.connection_id, f.account_id, f.account_number, f.period
    ), base AS (
        SELECT r.period, sum(r.amount) AS amount
        FROM row r
        WHERE r.account_id IS NULL
          AND r.label = ANY (CASE $2 || ' by ' || $6 WHEN 'profit_and_loss by account' THEN ARRAY['Total Income']
                                                     WHEN 'profit_and_loss by category' THEN ARRAY['Total Revenue', 'Total Unmapped Income']
                                                     WHEN 'cash_flow by account' THEN '{}' WHEN 'cash_flow by category' THEN '{}'
                                                     ELSE ARRAY['Total Assets'] END)
        GROUP BY r.period
    )
    SELECT r.line, r.depth, r.label, r.kind, r.section, r.connection_id, r.account_id, r.account_number, p.label, p.period_start,
           p.period_end, p.is_provisional, scope.currency::text, r.amount, round(r.amount / nullif(b.amount, 0), 6),
           r.previous_period, r.previous_year, r.other_method
    FROM row r
    JOIN reefqbo._periods(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $11) p ON p.period = r.period
    LEFT JOIN base b ON b.period = r.period
    ORDER BY r.line, p.period_start;
END
$$;

COMMENT ON FUNCTION reefqbo._statement(text, text, date, date, text, text, text, text, text, boolean, timestamptz) IS 'Internal: what reefqbo.statement does, without asking who calls.';

CREATE FUNCTION reefqbo.statement(model text, statement text, start_date date, end_date date, frequency text DEFAULT 'month',
                                  lines text DEFAULT 'account', year text DEFAULT 'calendar',
                                  accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
                                  company boolean DEFAULT false, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean, currency text,
               amount numeric, share numeric, previous_period numeric, previous_year numeric, other_method numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.statement(text, text, date, date, text, text, text, text, text, boolean, timestamptz) IS
'A statement of a model, of a branch with all below it, or of one company, from the months imported so far. Several companies are consolidated.
Arguments: model; statement, ''profit_and_loss'', ''balance_sheet'' or ''cash_flow'' (indirect: from the profit and the movements of the balance sheet);
start_date and end_date, between which a month must lie wholly; frequency, ''month'', ''quarter'', ''half-year'' or ''year''; lines, ''account'' (the charts of accounts) or ''category'' (the mapped type, category and subcategory, what is not mapped under Unmapped);
year, ''calendar'' or ''fiscal''; accounting_method; branch, by default the root; company, true for the branch''s company as a whole, in its home currency, wherever its accounts are mapped; as_of, to see the figures as they were known at that moment (but with today''s mapping, rates and eliminations).
Disabled branches below the one asked for are left out; an account''s amounts stand in the one branch it, or (profit and loss, of the months imported by it) its class or department, is mapped to; eliminations of the branches covered are taken out.
Result: a row for each line and period, as of reefqbo.profit_and_loss, in currency: the model''s, or that of all companies. A period is there only if all its months were imported for every company; a notice says where some were not. By accounts, each company has a title of its own in every section.
amount: as QuickBooks prints it, by category with the natural sign of the type; of a cash flow, positive where cash came from. share: of total income (by category: revenue, and income that is not mapped) or total assets, 0.25 for 25 %; NULL for a cash flow.
previous_period and previous_year: the like months just before, and a year before; other_method: by cash if amount is by accrual, and the reverse. NULL where those months, or rates for them, are not there.
Other currencies: profit and loss at the average rate of each month, assets and liabilities at the closing rate, equity at historical rates; the difference is the line Translation Difference. Position in Other Branches is what a company has in branches that are not covered.
Errors: 42704 no such model or branch, no company, a rate that is missing; 22023 an unknown word, start after end, different currencies and none stated, a company whose currency is not known, different fiscal years; 22004 no date; RQ003 a sandbox company in a production model.';

CREATE FUNCTION reefqbo._check_trial_months(model_id bigint, connections bigint[], accounting_method text, month date,
                                            as_of timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    SELECT string_agg(quote_ident(c.company_name), ', ' ORDER BY c.company_name COLLATE "C") INTO told
    FROM reefqbo.connection c
    WHERE c.model_id = $1 AND c.connection_id = ANY ($2)
      AND NOT EXISTS (SELECT FROM reefqbo._common_months($1, ARRAY[c.connection_id], reefqbo._statements_read('trial_balance'), $3, $5) m
                      WHERE m.month = $4);
    IF told IS NOT NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('%s was not imported for every company', to_char($4, 'YYYY-MM')),
            DETAIL = format('It is missing for: %s.', told),
            HINT = 'Import it with reefqbo.import_actuals.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_trial_months(bigint, bigint[], text, date, timestamptz) IS
'Internal: 42704 unless a month was imported, both statements, for each of these companies.';

-- A trial balance has the movements of each company's own fiscal year to date.
CREATE FUNCTION reefqbo._trial_amounts(model_id bigint, connections bigint[], branches bigint[], accounting_method text,
                                       month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, variable_type text, debit numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS (
        SELECT c.connection_id, reefqbo._period_of($5, 'year', coalesce(c.fiscal_year_start_month, 1)) AS year,
               b.parent_branch_id IS NULL AS is_root
        FROM reefqbo.connection c
        JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
        WHERE c.model_id = $1 AND c.connection_id = ANY ($2)
    ), slot AS (
        SELECT c.connection_id,
               ROW(1, 'amount', $4, ARRAY(SELECT g::date FROM generate_series(c.year::timestamp, $5::timestamp, interval '1 month') g),
                   NULL)::reefqbo._statement_slot AS slot
        FROM company c
    ), result AS (
        SELECT a.connection_id, a.account_id, a.debit
        FROM slot s
        CROSS JOIN LATERAL reefqbo._slot_amounts($1, ARRAY[s.connection_id], $3, 'profit_and_loss', $6, ARRAY[s.slot], $7, false) a
    ), position AS (
        SELECT a.*
        FROM reefqbo._slot_amounts($1, $2, $3, 'balance_sheet', $6,
                                   ARRAY[ROW(1, 'amount', $4, ARRAY[$5], NULL)::reefqbo._statement_slot], $7, true) a
        WHERE NOT a.is_before
    ), year AS (
        SELECT CASE WHEN min(c.year) = max(c.year) THEN min(c.year)
                    ELSE coalesce(min(c.year) FILTER (WHERE c.is_root), date_trunc('year', $5::timestamp)::date) END AS starts
        FROM company c
    ), eliminated AS (
        SELECT e.variable_type, sum(e.amount) AS debit
        FROM year y
        CROSS JOIN LATERAL reefqbo._eliminated($1, $3, 'profit_and_loss', $4,
            ARRAY(SELECT g::date FROM generate_series(y.starts::timestamp, $5::timestamp, interval '1 month') g)) e
        GROUP BY e.variable_type
    )
    SELECT r.connection_id, r.account_id, NULL, r.debit FROM result r
    UNION ALL
    SELECT e.connection_id, e.account_id, e.variable_type, sum(e.debit)
    FROM (SELECT p.connection_id, p.account_id, p.variable_type, p.debit FROM position p
          UNION ALL
          -- what eliminations take out of the year's profit stands where it was earned, and not in equity
          SELECT NULL, NULL, v.variable_type, v.debit
          FROM eliminated x CROSS JOIN LATERAL (VALUES (x.variable_type, x.debit), ('Equity', -x.debit)) v (variable_type, debit)) e
    WHERE e.account_id IS DISTINCT FROM 'computed:NetIncome'
    GROUP BY e.connection_id, e.account_id, e.variable_type
    UNION ALL
    -- the year's profit is in the accounts that made it; what is not, of months before those imported, stays
    SELECT x.connection_id, 'computed:NetIncome', NULL, sum(x.debit)
    FROM (SELECT p.connection_id, p.debit FROM position p WHERE p.account_id = 'computed:NetIncome'
          UNION ALL
          SELECT r.connection_id, -r.debit FROM result r) x
    GROUP BY x.connection_id
    HAVING sum(x.debit) <> 0
$$;

COMMENT ON FUNCTION reefqbo._trial_amounts(bigint, bigint[], bigint[], text, date, text, timestamptz) IS
'Internal: the amounts of a trial balance at the end of a month, debits positive.';

CREATE FUNCTION reefqbo._trial_rows(model_id bigint, connections bigint[], branches bigint[], currency text,
                                    slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (period integer, connection_id bigint, account_id text, variable_type text, amount numeric,
               previous_period numeric, previous_year numeric, other_method numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH amount AS MATERIALIZED (
        SELECT s.period, s.variant, t.connection_id, t.account_id, t.variable_type, t.debit
        FROM unnest($5) s
        CROSS JOIN LATERAL reefqbo._trial_amounts($1, $2, $3, s.accounting_method, s.months[cardinality(s.months)], $4, $6) t
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
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $4, $5) s;
    IF $7 IS NULL THEN
        PERFORM reefqbo._check_trial_months(in_model, scope.connections, $3, start_date, $6);
    ELSE
        PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read('trial_balance'), $3, start_date, end_date, $6);
    END IF;
    first_month := CASE $9 WHEN 'fiscal' THEN reefqbo._fiscal_month(in_model, scope.connections) ELSE 1 END;
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6) s);
    slots := reefqbo._slots_with_rates(in_model, scope.connections, 'trial_balance', slots, scope.currency, $6);
    RETURN QUERY
    WITH row AS MATERIALIZED (
        SELECT t.*, c.company_name, a.account_number, a.account_type,
               coalesce(a.name, CASE WHEN t.account_id IS NULL THEN format('Eliminations (%s)', t.variable_type)
                                     ELSE reefqbo._words_for(t.account_id) END) AS label,
               coalesce(array_position(ARRAY['Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset',
                   'Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability', 'Equity', 'Income',
                   'Cost of Goods Sold', 'Expense', 'Other Income', 'Other Expense'], a.account_type), 99) AS rank,
               array_position(scope.connections::bigint[], t.connection_id) AS place
        FROM reefqbo._trial_rows(in_model, scope.connections, scope.branches, scope.currency, slots, $6) t
        LEFT JOIN reefqbo.account a ON a.model_id = in_model AND a.connection_id = t.connection_id AND a.account_id = t.account_id
        LEFT JOIN reefqbo.connection c ON c.model_id = in_model AND c.connection_id = t.connection_id
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
        FROM reefqbo._periods(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6) p
        LEFT JOIN total t ON t.period = p.period
    )
    SELECT e.line, e.company_name, e.label, e.account_id, e.account_number, e.account_type, p.label, p.period_end, p.is_provisional,
           e.debit, e.credit, round(coalesce(e.debit, e.credit) / nullif(t.debit, 0), 6), e.previous_period, e.previous_year,
           e.other_method, scope.currency::text, e.connection_id
    FROM every e
    JOIN reefqbo._periods(in_model, scope.connections, 'trial_balance', $3, start_date, end_date, $8, first_month, $6) p ON p.period = e.period
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
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.trial_balance(text, date, text, text, boolean, timestamptz, date, text, text) IS
'The trial balance at the end of a month, or of each period from that month on, worked out of the months imported: balances, and the movements of each company''s fiscal year to date. The last line is the total, where debits equal credits. reefqbo.tie_out compares it with QuickBooks'' own.
Arguments: model; month, any day of it; accounting_method, branch, company and as_of, as of reefqbo.statement; until, any day of the last month, by default the first; frequency and year, as of reefqbo.statement.
Result: a row for each account and period with an amount, or one to compare with, ordered by account, then period; debit or credit is filled, neither where it is 0 and another column is not. share: of the total of debits. previous_period, previous_year and other_method, as of reefqbo.statement, with debits positive.
A line Net Income is what months of the fiscal year made that were not imported, or that come before the one with the historical rate; of a part of a company, also what its profit in other branches makes up. Eliminations stand by their types: of the balance sheet as they are at the end of the month, of the profit and loss for the fiscal year to date (that of all companies, else of the root''s, else the calendar year).
Errors: as of reefqbo.statement, and 42704 the one month asked for was not imported for every company.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/report-entities/trialbalance';

-- ---- the parts and the whole ----

CREATE FUNCTION reefqbo._parts_of(model_id bigint, connection_id bigint, branches bigint[], statement text, currency text,
                                  slots reefqbo._statement_slot[])
RETURNS TABLE (label text, slot bigint, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT f.label, f.slot, f.amount
    FROM reefqbo._figures($1, CASE WHEN $2 IS NULL THEN '{}' ELSE ARRAY[$2] END, $3, $4, false, $5, $6, NULL, $2 IS NULL) f
    WHERE f.account_id IS NULL AND f.kind IN ('total', 'computed')
$$;

COMMENT ON FUNCTION reefqbo._parts_of(bigint, bigint, bigint[], text, text, reefqbo._statement_slot[]) IS
'Internal: the totals of a statement of one company''s part of branches, or (NULL) of their eliminations alone.';

CREATE FUNCTION reefqbo._reconcile(model text, statement text, start_date date, end_date date, frequency text,
                                   accounting_method text, branch text)
RETURNS TABLE (period text, line integer, label text, part text, home_currency text, home_amount numeric, currency text,
               amount numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    scope record;
    slots reefqbo._statement_slot[];
BEGIN
    PERFORM reefqbo._check_statement($2, 'account');
    PERFORM reefqbo._check_periods($3, $4, $5, 'calendar', $6);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $7, false) s;
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, $2, $6, $3, $4, $5, 1, NULL) s WHERE s.variant = 'amount');
    PERFORM reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, NULL);
    RETURN QUERY
    WITH whole AS MATERIALIZED (
        SELECT f.line, f.label, f.slot, f.amount
        FROM reefqbo._figures(in_model, scope.connections, scope.branches, $2, false, scope.currency, slots, NULL, true) f
        WHERE f.account_id IS NULL AND f.connection_id IS NULL AND f.kind IN ('total', 'computed') AND f.label !~ '^ *Eliminations'
    ), company AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency, c.company_name, b.name AS branch
        FROM reefqbo.connection c
        JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
        WHERE c.model_id = in_model AND c.connection_id = ANY (scope.connections)
    ), part AS (
        -- each company by itself, once in its own currency and once in the model's
        SELECT w.line, w.slot, format('%s (%s)', c.company_name, c.branch) AS part, c.home_currency,
               coalesce(h.amount, 0) + 0.00 AS home_amount, coalesce(t.amount, 0) + 0.00 AS amount, 1 AS rank
        FROM whole w
        CROSS JOIN company c
        LEFT JOIN LATERAL (
            SELECT f.* FROM reefqbo._parts_of(in_model, c.connection_id, scope.branches, $2, NULL, slots) f
        ) h ON h.label = w.label AND h.slot = w.slot
        LEFT JOIN LATERAL (
            SELECT f.* FROM reefqbo._parts_of(in_model, c.connection_id, scope.branches, $2, scope.currency, slots) f
        ) t ON t.label = w.label AND t.slot = w.slot
    ), elimination AS (
        SELECT w.line, w.slot, 'Eliminations', NULL, NULL::numeric, coalesce(e.amount, 0) + 0.00, 2
        FROM whole w
        LEFT JOIN reefqbo._parts_of(in_model, NULL, scope.branches, $2, scope.currency, slots) e ON e.label = w.label AND e.slot = w.slot
    ), every AS (
        SELECT * FROM part UNION ALL SELECT * FROM elimination
    ), shown AS (
        SELECT e.* FROM every e
        UNION ALL
        SELECT w.line, w.slot, 'Consolidated', NULL, NULL, w.amount, 3 FROM whole w
        UNION ALL
        SELECT w.line, w.slot, 'Difference', NULL, NULL,
               w.amount - (SELECT sum(e.amount) FROM every e WHERE e.line = w.line AND e.slot = w.slot), 4
        FROM whole w
    )
    SELECT p.label, s.line, btrim(w.label), s.part, s.home_currency, s.home_amount, scope.currency::text, s.amount
    FROM shown s
    JOIN whole w ON w.line = s.line AND w.slot = s.slot
    JOIN reefqbo._periods(in_model, scope.connections, $2, $6, $3, $4, $5, 1, NULL) p ON p.period = (slots[s.slot]).period
    ORDER BY p.period_start, s.line, s.rank, s.part COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._reconcile(text, text, date, date, text, text, text) IS 'Internal: what reefqbo.reconcile does, without asking who calls.';

CREATE FUNCTION reefqbo.reconcile(model text, statement text, start_date date, end_date date, frequency text DEFAULT 'month',
                                  accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (period text, line integer, label text, part text, home_currency text, home_amount numeric, currency text,
               amount numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.reconcile(text, text, date, date, text, text, text) IS
'How a consolidated statement comes about: for each of its totals and computed lines, what each company is in it, in its home currency and in the model''s, the eliminations, the consolidated figure, and the difference between it and the sum of the parts, which is 0.00.
Arguments and errors: as of reefqbo.statement. Result: part, a company with its branch, Eliminations, Consolidated or Difference; home_amount is NULL but for companies.';
