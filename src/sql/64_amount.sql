-- What a statement of several companies is made of: amounts in each column, by accounts or by mapped categories.

CREATE FUNCTION reefqbo._slot_amounts(model_id bigint, connections bigint[], branches bigint[], statement text, currency text,
                                      slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, variable_type text, category text, subcategory text,
               is_before boolean, debit numeric, account_type text, is_outside boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH kind AS (
        SELECT CASE $4 WHEN 'cash_flow' THEN 'balance_sheet' ELSE $4 END AS statement
    ), slot AS MATERIALIZED (
        SELECT s.ordinality AS slot, s.accounting_method, m.month, m.is_before
        FROM unnest($6) WITH ORDINALITY s
        CROSS JOIN LATERAL (
            SELECT x.month, false AS is_before FROM unnest(s.months) x (month)
            WHERE $4 = 'profit_and_loss' OR x.month = s.months[cardinality(s.months)]
            UNION ALL
            SELECT s.before, true WHERE $4 = 'cash_flow') m
    ), range AS (
        SELECT s.accounting_method, min(s.month) AS first, max(s.month) AS last FROM slot s GROUP BY s.accounting_method
    ), amount AS MATERIALIZED (
        SELECT r.accounting_method, x.connection_id, x.account_id, x.period_start, x.since,
               x.amount * reefqbo._debit_sign(a.account_type, coalesce(a.classification, CASE $4 WHEN 'profit_and_loss' THEN 'Expense' END)) AS debit
        FROM range r
        CROSS JOIN kind k
        CROSS JOIN LATERAL reefqbo._group_amounts($1, $2, $3, k.statement, r.accounting_method, r.first, r.last, $5, $7) x
        LEFT JOIN reefqbo._accounts_at($1, $2, $7) a ON a.connection_id = x.connection_id AND a.account_id = x.account_id
    ), own AS (
        SELECT s.slot, a.connection_id, a.account_id, s.is_before, s.is_outside, sum(a.debit) AS debit
        FROM reefqbo._slot_ends($1, $2, $3, $4, $6, $7) s
        JOIN amount a ON a.accounting_method = s.accounting_method AND a.connection_id = s.connection_id AND a.since = s.since
                     AND a.period_start = s.month
        GROUP BY s.slot, a.connection_id, a.account_id, s.is_before, s.is_outside
    )
    SELECT o.slot, o.connection_id, o.account_id, NULL, NULL, NULL, o.is_before, o.debit, NULL, o.is_outside
    FROM own o
    WHERE o.debit <> 0
    UNION ALL
    SELECT s.slot, NULL, NULL, e.variable_type, e.category, e.subcategory, s.is_before, sum(e.amount), e.account_type, false
    FROM slot s
    CROSS JOIN kind k
    CROSS JOIN LATERAL reefqbo._eliminated($1, $3, k.statement, s.accounting_method, ARRAY[s.month], $7) e
    WHERE $3 IS NOT NULL AND $8
    GROUP BY s.slot, e.variable_type, e.account_type, e.category, e.subcategory, s.is_before
    HAVING sum(e.amount) <> 0
$$;

COMMENT ON FUNCTION reefqbo._slot_amounts(bigint, bigint[], bigint[], text, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the amounts in each column of an imported statement, debits positive: of accounts; of what a statement itself computes; and, if they are wanted, of eliminations, which have no account but a type and category, and maybe an account type.
Of a cash_flow the balances at both ends: is_before, those before the period; is_outside, those with which a company joined the group, or left it, within the period.';

CREATE FUNCTION reefqbo._words_for(account_id text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'computed:Translation' THEN 'Translation Difference'
                   WHEN 'computed:OtherBranches' THEN 'Position in Other Branches'
                   WHEN 'computed:NonControlling' THEN 'Non-controlling Interests'
                   WHEN 'computed:NonControllingShare' THEN 'Share of Non-controlling Interests'
                   WHEN 'computed:NonControllingProfit' THEN 'Profit of Non-controlling Interests'
                   WHEN 'computed:OwnersProfit' THEN 'Share of Non-controlling Interests'
                   WHEN 'computed:Investment' THEN 'Eliminated Investment'
                   WHEN 'computed:Rounding' THEN 'Rounding of Shares'
                   WHEN 'computed:AdjustedProfit' THEN 'Adjusted Profit'
                   WHEN 'computed:Associate' THEN 'Equity Method: Change since Acquisition'
                   WHEN 'computed:AssociateTranslation' THEN 'Equity Method: Translation Difference'
                   WHEN 'computed:AssociateEquity' THEN 'Equity Method: Share of Equity'
                   WHEN 'computed:Disposal' THEN 'Disposal: Earned Before'
                   WHEN 'computed:ShareOfProfit' THEN 'Equity Method: Share of Profit'
                   ELSE 'Net Income' END
$$;

COMMENT ON FUNCTION reefqbo._words_for(text) IS 'Internal: what a computed line is called.';

-- Lines that are in no company's chart: those of ownership, and of adjustments.
CREATE FUNCTION reefqbo._group_line(model_id bigint, account_id text, as_of timestamptz)
RETURNS TABLE (account_type text, label text, variable_type text, category text, subcategory text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.account_type, reefqbo._words_for($2), v.variable_type, reefqbo._words_for($2), NULL
    FROM (VALUES ('computed:Associate', 'Other Asset', 'Asset'), ('computed:AssociateTranslation', 'Other Asset', 'Asset'),
                 ('computed:Disposal', 'Other Income', 'Revenue'), ('computed:ShareOfProfit', 'Other Income', 'Revenue')) v (account_id, account_type, variable_type)
    WHERE v.account_id = $2
    UNION ALL
    SELECT coalesce(s.account_type, reefqbo._elimination_section(s.variable_type)), coalesce(s.subcategory, s.category), s.variable_type,
           s.category, s.subcategory
    FROM (SELECT substring($2 FROM '^computed:Adjusted:([0-9]+)$')::bigint AS number) n
    JOIN LATERAL (
        SELECT x.debit_type, x.debit_account_type, x.debit_category, x.debit_subcategory,
               x.credit_type, x.credit_account_type, x.credit_category, x.credit_subcategory
        FROM reefqbo.adjustment x
        WHERE $3 IS NULL AND x.model_id = $1 AND x.adjustment_id = n.number / 2
        UNION ALL
        SELECT h.debit_type, h.debit_account_type, h.debit_category, h.debit_subcategory,
               h.credit_type, h.credit_account_type, h.credit_category, h.credit_subcategory
        FROM reefqbo.adjustment_history h
        WHERE h.model_id = $1 AND h.adjustment_id = n.number / 2 AND h.valid_from <= $3 AND h.valid_until > $3) e ON true
    CROSS JOIN LATERAL (VALUES (0, e.debit_type, e.debit_account_type, e.debit_category, e.debit_subcategory),
                               (1, e.credit_type, e.credit_account_type, e.credit_category, e.credit_subcategory))
        s (place, variable_type, account_type, category, subcategory)
    WHERE s.place = n.number % 2
    UNION ALL
    -- among those of the account that the investment is in, and beside it
    SELECT coalesce((SELECT l.account_type FROM reefqbo._statement_layout('balance_sheet') l WHERE l.account_type = a.account_type), 'Other Asset'),
           'Eliminated Investment', p.variable_type, coalesce(p.category, a.fully_qualified_name), 'Eliminations'
    FROM regexp_match($2, '^computed:Eliminated:([0-9]+):(.*)$') m (parts)
    JOIN LATERAL reefqbo._accounts_at($1, ARRAY[m.parts[1]::bigint], $3) a ON a.account_id = m.parts[2]
    LEFT JOIN LATERAL reefqbo._mappings_at($1, ARRAY[m.parts[1]::bigint], $3) p ON p.account_id = a.account_id
$$;

COMMENT ON FUNCTION reefqbo._group_line(bigint, text, timestamptz) IS
'Internal: where a line that is no account and not of equity stands in statements, by account and by category, and what it is called. No row for others.';

CREATE FUNCTION reefqbo._words_of_line(model_id bigint, account_id text, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 IS NOT NULL THEN coalesce((SELECT g.label FROM reefqbo._group_line($1, $2, $3) g), reefqbo._words_for($2)) END
$$;

COMMENT ON FUNCTION reefqbo._words_of_line(bigint, text, timestamptz) IS 'Internal: what a line that is no account is called; NULL for none.';

CREATE FUNCTION reefqbo._group_lines(model_id bigint, connections bigint[], statement text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, account_type text, label text, rank bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH line AS (
        SELECT u.connection_id, v.account_id
        FROM unnest($2) u (connection_id)
        CROSS JOIN unnest(ARRAY['computed:NetIncome', 'computed:AdjustedProfit', 'computed:Investment', 'computed:AssociateEquity', 'computed:Rounding',
                                'computed:NonControllingShare', 'computed:NonControlling', 'computed:Associate', 'computed:AssociateTranslation',
                                'computed:Disposal', 'computed:ShareOfProfit']) v (account_id)
        WHERE u.connection_id IN (SELECT o.connection_id FROM reefqbo._ownership_at($1, $2, $4) o
                                  UNION ALL SELECT e.connection_id FROM reefqbo._adjustments_at($1, $2, $4) e)
        UNION
        SELECT e.connection_id, 'computed:Adjusted:' || e.adjustment_id * 2 + s.place
        FROM reefqbo._adjustments_at($1, $2, $4) e
        CROSS JOIN (VALUES (0), (1)) s (place)
        UNION
        SELECT o.connection_id, format('computed:Eliminated:%s:%s', o.investment_connection_id, o.investment_account_id)
        FROM reefqbo._ownership_at($1, $2, $4) o
        WHERE o.investment_account_id IS NOT NULL
    ), placed AS (
        SELECT l.connection_id, l.account_id, coalesce(g.account_type, 'Equity') AS account_type, coalesce(g.label, reefqbo._words_for(l.account_id)) AS label
        FROM line l
        LEFT JOIN LATERAL reefqbo._group_line($1, l.account_id, $4) g ON true
        WHERE l.account_id <> 'computed:NetIncome'
           OR l.connection_id NOT IN (SELECT a.connection_id FROM reefqbo._accounts_at($1, $2, $4) a WHERE a.account_id = 'computed:NetIncome')
    )
    SELECT p.connection_id, p.account_id, p.account_type, p.label, row_number() OVER (ORDER BY p.account_id COLLATE "C")
    FROM placed p
    JOIN reefqbo._statement_layout($3) y ON y.account_type = p.account_type
$$;

COMMENT ON FUNCTION reefqbo._group_lines(bigint, bigint[], text, timestamptz) IS
'Internal: the lines of a statement by accounts that are in no company''s chart: those of ownership, and of adjustments.';

-- By accounts: the tree of each company's chart, under its name where there are several.
CREATE FUNCTION reefqbo._account_nodes(model_id bigint, connections bigint[], statement text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, variable_type text, node reefqbo._statement_node)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS (
        SELECT u.connection_id, u.place * 1000000000000 AS base, c.company_name, cardinality($2) > 1 AS is_named
        FROM unnest($2) WITH ORDINALITY u (connection_id, place)
        JOIN reefqbo._companies_at($1, $2, $4) c ON c.connection_id = u.connection_id
    ), account AS (
        SELECT c.*, t.account_id, t.account_type, t.name, t.account_number,
               CASE WHEN t.is_computed THEN 'computed' ELSE 'account' END AS kind,
               ARRAY(SELECT c.base + 1000000 + p.rank FROM unnest(t.path) WITH ORDINALITY p (rank, place) ORDER BY p.place) AS path
        FROM company c
        CROSS JOIN LATERAL reefqbo._statement_tree($1, c.connection_id, $3, $4) t
        UNION ALL
        SELECT c.*, v.account_id, 'Equity', reefqbo._words_for(v.account_id), NULL, 'computed', ARRAY[c.base + v.rank]
        FROM company c
        CROSS JOIN (VALUES ('computed:Translation', 999999999998), ('computed:OtherBranches', 999999999999)) v (account_id, rank)
        WHERE $3 = 'balance_sheet'
        UNION ALL
        SELECT c.*, g.account_id, g.account_type, g.label, NULL, 'computed', ARRAY[c.base + 990000000000 + g.rank]
        FROM reefqbo._group_lines($1, $2, $3, $4) g
        JOIN company c ON c.connection_id = g.connection_id
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
    UNION ALL
    -- those that are said to be of an account type
    SELECT NULL, NULL, v.account_type,
           ROW('elimination:' || v.account_type, ARRAY[9000000000000000100 + v.place], v.account_type, format('Eliminations (%s)', v.account_type),
               'computed', NULL, NULL, NULL, false)::reefqbo._statement_node
    FROM (SELECT DISTINCT u.account_type, l.place
          FROM unnest(reefqbo._fitting_types(CASE $3 WHEN 'profit_and_loss' THEN 'Revenue' ELSE 'Asset' END)) t (variable_type)
          CROSS JOIN LATERAL unnest(reefqbo._account_types_of(t.variable_type)) u (account_type)
          JOIN reefqbo._statement_layout($3) l ON l.account_type = u.account_type) v
$$;

COMMENT ON FUNCTION reefqbo._account_nodes(bigint, bigint[], text, timestamptz) IS
'Internal: where each account stands in a profit and loss or balance sheet by accounts, and each elimination by its type. Rows without both are the names of the companies.';

CREATE FUNCTION reefqbo._category_of(model_id bigint, statement text, connection_id bigint, account_id text, as_of timestamptz)
RETURNS TABLE (section text, category text, subcategory text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN c.is_closing THEN 'Equity'
                WHEN g.account_type IS NOT NULL AND $2 = 'profit_and_loss' THEN reefqbo._result_section(g.variable_type, g.account_type)
                WHEN g.account_type IS NOT NULL
                    THEN coalesce(g.variable_type, CASE reefqbo._debit_sign(g.account_type, NULL) WHEN 1 THEN 'Unmapped Assets' ELSE 'Unmapped Liabilities and Equity' END)
                WHEN p.variable_type = ANY (reefqbo._fitting_types(CASE $2 WHEN 'profit_and_loss' THEN 'Revenue' ELSE 'Asset' END))
                    THEN CASE $2 WHEN 'profit_and_loss' THEN reefqbo._result_section(p.variable_type, a.account_type) ELSE p.variable_type END
                WHEN $2 = 'profit_and_loss'
                    THEN CASE reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense')) WHEN 1 THEN 'Unmapped Expenses' ELSE 'Unmapped Income' END
                ELSE CASE reefqbo._debit_sign(a.account_type, a.classification) WHEN 1 THEN 'Unmapped Assets'
                     ELSE 'Unmapped Liabilities and Equity' END END,
           CASE WHEN c.is_closing THEN reefqbo._words_for($4)
                ELSE coalesce(g.category, p.category, a.fully_qualified_name) END,
           coalesce(g.subcategory, p.subcategory)
    FROM (VALUES (1)) one (row)
    LEFT JOIN LATERAL (
        SELECT x.account_id, x.fully_qualified_name, x.account_type, x.classification, x.is_computed
        FROM reefqbo.account x
        WHERE $5 IS NULL AND x.model_id = $1 AND x.connection_id = $3 AND x.account_id = $4
        UNION ALL
        SELECT h.account_id, h.fully_qualified_name, h.account_type, h.classification, h.is_computed
        FROM reefqbo.account_history h
        WHERE h.model_id = $1 AND h.connection_id = $3 AND h.account_id = $4 AND h.valid_from <= $5 AND h.valid_until > $5) a ON true
    LEFT JOIN LATERAL (
        SELECT x.variable_type, x.category, x.subcategory
        FROM reefqbo.account_mapping x
        WHERE $5 IS NULL AND x.model_id = $1 AND x.connection_id = $3 AND x.account_id = $4
        UNION ALL
        SELECT h.variable_type, h.category, h.subcategory
        FROM reefqbo.account_mapping_history h
        WHERE h.model_id = $1 AND h.connection_id = $3 AND h.account_id = $4 AND h.valid_from <= $5 AND h.valid_until > $5) p ON true
    LEFT JOIN LATERAL (SELECT l.* FROM reefqbo._group_line($1, $4, $5) l WHERE $4 ~ '^computed:') g ON true
    -- the profit inside equity, and what a statement itself computes there
    CROSS JOIN LATERAL (SELECT $2 = 'balance_sheet' AND g.account_type IS NULL AND (a.account_id IS NULL OR reefqbo._is_closing_line(a.is_computed, a.classification))
                        AS is_closing) c
$$;

COMMENT ON FUNCTION reefqbo._category_of(bigint, text, bigint, text, timestamptz) IS
'Internal: where an account stands, or stood at a moment, in a statement by categories: under its variable type, or under what is not mapped, by its full name.';

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
                -- a share of profit is earned, and no cash yet
                WHEN $1 = 'computed:Associate' THEN 'Operating'
                WHEN $2 = 'Bank' OR $3 = 'UndepositedFunds' THEN 'Cash'
                WHEN $3 ~ '^(Accumulated(Depreciation|Amortization|Depletion)|CumulativeDepreciation)' THEN 'Operating'
                WHEN $2 IN ('Fixed Asset', 'Other Asset') THEN 'Investing'
                WHEN $2 IN ('Accounts Receivable', 'Other Current Asset', 'Accounts Payable', 'Credit Card', 'Other Current Liability')
                    THEN 'Operating'
                ELSE 'Financing' END
$$;

COMMENT ON FUNCTION reefqbo._cash_section(text, text, text) IS
'Internal: the part of a cash flow statement that an account''s movement stands in. Cash is bank accounts and undeposited funds; depreciation is added back to the profit.';

-- IAS 7.25 to 7.28 and ASC 830-230-45-1: flows at the rates at which they happened, or the average of their month.
CREATE FUNCTION reefqbo._foreign_flows(model_id bigint, connections bigint[], branches bigint[], currency text,
                                       slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, flow numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency
        FROM reefqbo._companies_at($1, $2, $6) c
        WHERE c.home_currency <> $4
    ), month AS MATERIALIZED (
        SELECT s.ordinality AS slot, s.accounting_method, m.month, coalesce(lag(m.month) OVER (PARTITION BY s.ordinality ORDER BY m.month), s.before) AS before
        FROM unnest($5) WITH ORDINALITY s
        CROSS JOIN LATERAL unnest(s.months) m (month)
    ), home AS MATERIALIZED (
        SELECT r.accounting_method, x.connection_id, x.account_id, x.period_start, x.since,
               x.home * reefqbo._debit_sign(a.account_type, a.classification) AS debit
        FROM (SELECT m.accounting_method, min(m.before) AS first, max(m.month) AS last FROM month m GROUP BY m.accounting_method) r
        CROSS JOIN LATERAL reefqbo._group_amounts($1, ARRAY(SELECT c.connection_id FROM company c), $3, 'balance_sheet',
                                                  r.accounting_method, r.first, r.last, NULL, $6) x
        LEFT JOIN reefqbo._accounts_at($1, $2, $6) a ON a.connection_id = x.connection_id AND a.account_id = x.account_id
    ), moved AS (
        SELECT m.slot, m.month, h.connection_id, h.account_id, sum(CASE h.period_start WHEN m.before THEN h.debit ELSE -h.debit END) AS flow
        FROM month m
        JOIN home h ON h.accounting_method = m.accounting_method AND h.period_start IN (m.before, m.month)
        JOIN reefqbo._stays($1, $2, $3, $6) y ON y.connection_id = h.connection_id AND y.since = h.since AND m.month BETWEEN y.since AND y.until
        GROUP BY m.slot, m.month, h.connection_id, h.account_id
    )
    SELECT m.slot, m.connection_id, m.account_id, sum(round(m.flow * r.average, reefqbo._decimals($4)))
    FROM moved m
    JOIN company c ON c.connection_id = m.connection_id
    JOIN reefqbo._rates_at($1, NULL, $4, $6) r ON r.from_currency = c.home_currency AND r.month = m.month
    GROUP BY m.slot, m.connection_id, m.account_id
$$;

COMMENT ON FUNCTION reefqbo._foreign_flows(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz) IS
'Internal: what the balances of companies in other currencies did to cash in each column: the movement of each month at its average rate.';

CREATE FUNCTION reefqbo._cash_items(model_id bigint, connections bigint[], branches bigint[], currency text,
                                    slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, connection_id bigint, account_id text, section text, category text, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH movement AS MATERIALIZED (
        SELECT b.slot, b.connection_id, b.account_id, b.variable_type, b.category, b.is_before, b.debit,
               CASE WHEN b.is_before THEN b.debit ELSE -b.debit END AS flow, false AS is_of_month, b.account_type, b.is_outside
        FROM reefqbo._slot_amounts($1, $2, $3, 'cash_flow', $4, $5, $6, $7) b
        -- whose an equity is, and what rates have done to a share of it, is no flow
        WHERE coalesce(b.account_id NOT IN ('computed:NonControlling', 'computed:NonControllingShare', 'computed:AssociateTranslation'), true)
        UNION ALL
        SELECT f.slot, f.connection_id, f.account_id, NULL, NULL, false, 0, f.flow, true, NULL, false
        FROM reefqbo._foreign_flows($1, $2, $3, $4, $5, $6) f
        WHERE f.account_id NOT IN ('computed:NonControlling', 'computed:NonControllingShare', 'computed:AssociateTranslation')
    ), line AS MATERIALIZED (
        SELECT u.account_id, g.*
        FROM (SELECT DISTINCT m.account_id FROM movement m WHERE m.account_id ~ '^computed:') u
        CROSS JOIN LATERAL reefqbo._group_line($1, u.account_id, $6) g
    ), named AS (
        SELECT m.*,
               CASE WHEN m.account_type IS NOT NULL THEN reefqbo._cash_section(NULL, m.account_type, NULL)
                    WHEN m.variable_type IN ('Asset', 'Liability') THEN 'Operating'
                    WHEN m.variable_type IS NOT NULL THEN 'Financing'
                    ELSE reefqbo._cash_section(m.account_id, coalesce(a.account_type, g.account_type), a.account_subtype) END AS section,
               reefqbo._is_closing_line(a.is_computed, a.classification) OR a.account_subtype = 'RetainedEarnings' OR m.category = 'Eliminated Profit'
               OR m.account_id IN ('computed:NetIncome', 'computed:AdjustedProfit', 'computed:AssociateEquity', 'computed:Rounding') AS is_profit,
               CASE WHEN m.variable_type IS NOT NULL THEN 'Eliminations'
                    ELSE coalesce(p.category, a.fully_qualified_name, g.category, reefqbo._words_for(m.account_id)) END AS name,
               c.home_currency <> $4 AS is_foreign,
               coalesce(a.classification = 'Equity' OR reefqbo._is_closing_line(a.is_computed, a.classification), false)
               OR coalesce(m.account_id ~ '^computed:(Eliminated:|Associate|AdjustedProfit|Investment|NetIncome|Rounding)'
                           OR m.account_id ~ '^computed:Adjusted:' AND g.variable_type NOT IN ('Asset', 'Liability'), false) AS is_equity
        FROM movement m
        LEFT JOIN line g ON g.account_id = m.account_id
        LEFT JOIN reefqbo._companies_at($1, $2, $6) c ON c.connection_id = m.connection_id
        LEFT JOIN reefqbo._accounts_at($1, $2, $6) a ON a.connection_id = m.connection_id AND a.account_id = m.account_id
        LEFT JOIN reefqbo._mappings_at($1, $2, $6) p ON p.connection_id = m.connection_id AND p.account_id = m.account_id
    ), own AS MATERIALIZED (
        -- in another currency: movements of claims, debts, stocks and the like month by month, cash and equity as they are translated
        SELECT n.*
        FROM named n
        WHERE n.is_foreign IS NOT TRUE OR n.is_of_month = (n.section <> 'Cash' AND NOT n.is_equity)
    ), balance AS MATERIALIZED (
        SELECT o.* FROM own o
        UNION ALL
        -- what the rates have done to cash: its change is not what flowed
        SELECT o.slot, o.connection_id, 'computed:Translation', NULL, NULL, false, 0, -sum(o.flow), true, NULL, false, 'Exchange', false,
               reefqbo._words_for('computed:Translation'), true, false
        FROM own o
        WHERE o.is_foreign
        GROUP BY o.slot, o.connection_id
    ), result AS MATERIALIZED (
        SELECT r.slot, r.connection_id, -sum(r.debit) AS amount, coalesce(sum(r.debit) FILTER (WHERE r.account_id = 'computed:Disposal'), 0) AS disposed
        FROM reefqbo._slot_amounts($1, $2, $3, 'profit_and_loss', $4, $5, $6, $7) r
        GROUP BY r.slot, r.connection_id
    ), elsewhere AS MATERIALIZED (
        -- a class or department can have a branch that the company itself, with its equity, is not in
        SELECT o.connection_id FROM balance o WHERE o.account_id = 'computed:OtherBranches'
        UNION
        SELECT c.connection_id
        FROM reefqbo._companies_at($1, $2, $6) c
        WHERE c.branch_id <> ALL ($3)
        UNION
        SELECT d.connection_id
        FROM reefqbo._dimension_mappings_at($1, $2, $6) d
        WHERE d.branch_id <> ALL ($3)
    )
    SELECT b.slot, b.connection_id, b.account_id, b.section, b.name, sum(b.flow)
    FROM balance b
    WHERE b.section <> 'Cash' AND b.is_profit IS NOT TRUE
    GROUP BY b.slot, b.connection_id, b.account_id, b.section, b.name
    UNION ALL
    SELECT b.slot, NULL, NULL, 'Cash', NULL, sum(b.debit) FROM balance b WHERE b.section = 'Cash' AND b.is_before AND NOT b.is_outside GROUP BY b.slot
    UNION ALL
    -- IAS 7.40 to 7.42: what a company had when it joined the group or left it
    SELECT b.slot, b.connection_id, NULL, 'Investing', 'Cash of Companies that Joined or Left', sum(b.flow)
    FROM balance b
    WHERE b.section = 'Cash' AND b.is_outside
    GROUP BY b.slot, b.connection_id
    UNION ALL
    SELECT r.slot, NULL, NULL, 'Net Income', NULL, sum(r.amount) FROM result r GROUP BY r.slot
    UNION ALL
    -- what was earned before a disposal, and is no longer the group's
    SELECT r.slot, r.connection_id, NULL, 'Operating', reefqbo._words_for('computed:Disposal'), r.disposed FROM result r WHERE r.disposed <> 0
    UNION ALL
    -- what retained earnings and the year's profit changed by, beyond the profit of the period
    SELECT x.slot, x.connection_id, NULL, 'Financing',
           CASE WHEN e.connection_id IS NOT NULL THEN 'Profit in Other Branches' ELSE 'Retained Earnings' END, sum(x.amount)
    FROM (SELECT b.slot, b.connection_id, b.flow AS amount FROM balance b WHERE b.is_profit
          UNION ALL
          SELECT r.slot, r.connection_id, -r.amount - r.disposed FROM result r) x
    LEFT JOIN elsewhere e ON e.connection_id = x.connection_id
    GROUP BY x.slot, x.connection_id, e.connection_id
    UNION ALL
    -- for checking: all movements together are nothing
    SELECT b.slot, NULL, NULL, NULL, NULL, sum(b.flow) FROM balance b GROUP BY b.slot
$$;

COMMENT ON FUNCTION reefqbo._cash_items(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: what each account did to cash in each column: where it came from is positive, where it went negative. Together they are the change in cash, since a balance sheet balances; a row without a section is what all movements sum to, which is 0.';

CREATE FUNCTION reefqbo._placed_cash(model_id bigint, connections bigint[], branches bigint[], by_category boolean, currency text,
                                     slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, amount numeric, node text, spot reefqbo._statement_node)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH item AS MATERIALIZED (
        SELECT i.slot, i.amount, i.section,
               CASE WHEN $4 OR i.section IN ('Net Income', 'Cash') THEN NULL ELSE i.connection_id END AS connection_id,
               CASE WHEN $4 THEN NULL ELSE i.account_id END AS account_id,
               CASE WHEN $4 OR i.account_id IS NULL THEN i.category ELSE coalesce(a.name, i.category) END
               || CASE WHEN NOT $4 AND cardinality($2) > 1 AND i.connection_id IS NOT NULL
                       THEN format(' (%s)', c.company_name) ELSE '' END AS label,
               CASE WHEN NOT $4 THEN a.account_number END AS account_number
        FROM reefqbo._cash_items($1, $2, $3, $5, $6, $7, $8) i
        LEFT JOIN reefqbo._accounts_at($1, $2, $7) a ON a.connection_id = i.connection_id AND a.account_id = i.account_id
        LEFT JOIN reefqbo._companies_at($1, $2, $7) c ON c.connection_id = i.connection_id
    ), amount AS MATERIALIZED (
        SELECT i.slot, i.section, i.connection_id, i.account_id, i.label, i.account_number, sum(i.amount) AS amount,
               coalesce(CASE WHEN cardinality($2) > 1 THEN format('%s:', i.connection_id) END || i.account_id, i.account_id,
                        -- companies may have the same name
                        concat_ws(' / ', i.section, i.connection_id, i.label)) AS node
        FROM item i
        WHERE i.section IS NOT NULL
        GROUP BY i.slot, i.section, i.connection_id, i.account_id, i.label, i.account_number
        HAVING sum(i.amount) <> 0
    ), spot AS (
        SELECT a.node, a.section, a.connection_id, a.account_id, a.label, a.account_number,
               row_number() OVER (ORDER BY a.section, a.label COLLATE "C", a.connection_id, a.account_id) AS rank
        FROM amount a
        GROUP BY a.node, a.section, a.connection_id, a.account_id, a.label, a.account_number
    )
    SELECT a.slot, a.amount, a.node, NULL FROM amount a
    UNION ALL
    SELECT NULL, NULL, s.node, ROW(s.node, ARRAY[s.rank], s.section, s.label, 'account', s.connection_id, s.account_id,
                                   s.account_number, true)::reefqbo._statement_node
    FROM spot s
    UNION ALL
    SELECT i.slot, i.amount, NULL, NULL FROM item i WHERE i.section IS NULL
$$;

COMMENT ON FUNCTION reefqbo._placed_cash(bigint, bigint[], bigint[], boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: reefqbo._placed of a cash flow.';

CREATE FUNCTION reefqbo._category_sign(section text, statement text)
RETURNS integer
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $1 IN ('Other Income', 'Unmapped Income', 'Unmapped Liabilities and Equity') THEN -1
                WHEN $1 IN ('Other Expenses', 'Unmapped Assets', 'Unmapped Expenses') THEN 1
                ELSE reefqbo._natural_sign($1, $2) END
$$;

COMMENT ON FUNCTION reefqbo._category_sign(text, text) IS
'Internal: what a debit counts in a section of a statement by categories: 1, or where credits are shown as positive, -1.';

-- Natures are nodes that have no place of their own: a line adds or subtracts them.
CREATE FUNCTION reefqbo._nature_node(nature text)
RETURNS reefqbo._statement_node
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ROW($1, ARRAY[-array_position(ARRAY['~Depreciation', '~Interest', '~Exchange', '~Tax', '~Operating Tax', '~Non-controlling'], $1)], $1, $1, 'computed',
               NULL, NULL, NULL, true)::reefqbo._statement_node
$$;

COMMENT ON FUNCTION reefqbo._nature_node(text) IS 'Internal: a nature as a node of a statement.';

CREATE FUNCTION reefqbo._has_others(model_id bigint, branches bigint[], as_of timestamptz)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT 1 FROM reefqbo._ownership_at($1, NULL, $3) o
                   WHERE o.branch_id = ANY ($2) AND o.method = 'full' AND o.percent < 100)
$$;

COMMENT ON FUNCTION reefqbo._has_others(bigint, bigint[], timestamptz) IS
'Internal: whether the group of these branches has companies of which others have a part: all of its statements, and all parts of them, tell the owners'' share apart.';

CREATE FUNCTION reefqbo._placed_categories(model_id bigint, connections bigint[], branches bigint[], statement text, currency text,
                                           slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, amount numeric, node text, spot reefqbo._statement_node)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH amount AS MATERIALIZED (
        SELECT i.* FROM reefqbo._slot_amounts($1, $2, $3, $4, $5, $6, $7, $8) i WHERE NOT i.is_before
    ), account AS MATERIALIZED (
        SELECT u.connection_id, u.account_id, g.section, g.category, g.subcategory
        FROM (SELECT DISTINCT a.connection_id, a.account_id FROM amount a
              WHERE a.account_id NOT IN ('computed:NonControllingProfit', 'computed:OwnersProfit')) u
        CROSS JOIN LATERAL reefqbo._category_of($1, $4, u.connection_id, u.account_id, $7) g
    ), sorted AS MATERIALIZED (
        SELECT a.slot, a.debit, c.section, c.category, c.subcategory
        FROM amount a
        JOIN account c ON c.connection_id = a.connection_id AND c.account_id = a.account_id
        UNION ALL
        SELECT a.slot, a.debit,
               CASE WHEN $4 = 'profit_and_loss' AND a.account_type IS NOT NULL THEN reefqbo._result_section(a.variable_type, a.account_type)
                    ELSE a.variable_type END, a.category,
               coalesce(a.subcategory, CASE WHEN a.category <> 'Eliminated Profit' THEN 'Eliminations' END)
        FROM amount a
        WHERE a.account_id IS NULL
    ), placed AS MATERIALIZED (
        SELECT s.slot, s.section, s.category, s.subcategory, reefqbo._category_node(s.section, s.category, s.subcategory) AS node,
               sum(s.debit) AS debit
        FROM sorted s
        GROUP BY s.slot, s.section, s.category, s.subcategory
    ), spot AS MATERIALIZED (
        SELECT p.node, p.section, p.category, p.subcategory, bool_or(p.debit <> 0) AS is_moved,
               dense_rank() OVER (ORDER BY p.section, p.category COLLATE "C") * 1000000 AS above,
               row_number() OVER (ORDER BY p.section, p.category COLLATE "C", p.subcategory COLLATE "C" NULLS FIRST) AS rank
        FROM placed p
        GROUP BY p.node, p.section, p.category, p.subcategory
    ), nature AS MATERIALIZED (
        SELECT a.slot, n.nature, sum(a.debit) AS debit
        FROM amount a
        JOIN reefqbo._group_natures($1, $2, $7) n
            ON n.connection_id = coalesce(a.connection_id, 0) AND n.account_id = coalesce(a.account_id, a.variable_type)
        WHERE $4 = 'profit_and_loss' OR n.nature = '~Non-controlling'
        GROUP BY a.slot, n.nature
        HAVING sum(a.debit) <> 0
    )
    SELECT p.slot,
           p.debit * reefqbo._category_sign(p.section, $4),
           p.node, NULL
    FROM placed p
    UNION ALL
    SELECT NULL, NULL, s.node,
           ROW(s.node, CASE WHEN s.subcategory IS NULL THEN ARRAY[s.above] ELSE ARRAY[s.above, s.above + s.rank] END,
               s.section, coalesce(s.subcategory, s.category), 'account', NULL, NULL, NULL, s.is_moved)::reefqbo._statement_node
    FROM spot s
    UNION ALL
    -- a category whose amounts all stand in subcategories has a title all the same
    SELECT NULL, NULL, n.node, ROW(n.node, ARRAY[n.above], n.section, n.category, 'group', NULL, NULL, NULL, false)::reefqbo._statement_node
    FROM (SELECT s.section, s.category, s.above, reefqbo._category_node(s.section, s.category, NULL) AS node
          FROM spot s
          GROUP BY s.section, s.category, s.above
          HAVING bool_and(s.subcategory IS NOT NULL)) n
    UNION ALL
    SELECT n.slot, n.debit, n.nature, NULL FROM nature n
    UNION ALL
    SELECT NULL, NULL, n.nature, reefqbo._nature_node(n.nature)
    FROM (SELECT u.nature FROM nature u UNION SELECT '~Non-controlling' WHERE reefqbo._has_others($1, $3, $7)) n
    UNION ALL
    SELECT a.slot, sum(a.debit), NULL, NULL FROM amount a GROUP BY a.slot
$$;

COMMENT ON FUNCTION reefqbo._placed_categories(bigint, bigint[], bigint[], text, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: reefqbo._placed of a profit and loss or a balance sheet by categories.';

CREATE FUNCTION reefqbo._placed_accounts(model_id bigint, connections bigint[], branches bigint[], statement text, currency text,
                                         slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, amount numeric, node text, spot reefqbo._statement_node)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH amount AS MATERIALIZED (
        SELECT i.slot, coalesce(i.connection_id, 0) AS company, coalesce(i.account_id, i.account_type, i.variable_type) AS name, i.debit
        FROM reefqbo._slot_amounts($1, $2, $3, $4, $5, $6, $7, $8) i
        WHERE NOT i.is_before
    ), spot AS MATERIALIZED (
        -- no company has the key 0: there, under their types, are eliminations
        SELECT coalesce(n.connection_id, 0) AS company, coalesce(n.account_id, n.variable_type) AS name, (n.node).node AS node,
               (n.node).section AS section, n.node AS spot
        FROM reefqbo._account_nodes($1, $2, $4, $7) n
    ), placed AS MATERIALIZED (
        SELECT a.slot, a.debit * reefqbo._debit_sign(s.section, NULL) AS amount, s.node
        FROM amount a
        JOIN spot s ON s.company = a.company AND s.name = a.name
        WHERE a.company <> 0
        UNION ALL
        SELECT a.slot, sum(a.debit) * reefqbo._debit_sign(s.section, NULL), s.node
        FROM amount a
        JOIN spot s ON s.company = 0 AND s.name = a.name
        WHERE a.company = 0
        GROUP BY a.slot, s.section, s.node
    ), nature AS MATERIALIZED (
        SELECT a.slot, n.nature, sum(a.debit) AS debit
        FROM amount a
        JOIN reefqbo._group_natures($1, $2, $7) n
            ON n.connection_id = a.company AND n.account_id = a.name
        WHERE $4 = 'profit_and_loss' OR n.nature = '~Non-controlling'
        GROUP BY a.slot, n.nature
        HAVING sum(a.debit) <> 0
    )
    SELECT p.slot, p.amount, p.node, NULL::reefqbo._statement_node FROM placed p
    UNION ALL
    SELECT NULL, NULL, s.node,
           ROW(s.node, (s.spot).path, s.section, (s.spot).label, (s.spot).kind, (s.spot).connection_id, (s.spot).account_id,
               (s.spot).account_number, m.node IS NOT NULL)::reefqbo._statement_node
    FROM spot s
    LEFT JOIN (SELECT DISTINCT p.node FROM placed p WHERE p.amount <> 0) m ON m.node = s.node
    UNION ALL
    SELECT n.slot, n.debit, n.nature, NULL FROM nature n
    UNION ALL
    SELECT NULL, NULL, n.nature, reefqbo._nature_node(n.nature)
    FROM (SELECT u.nature FROM nature u UNION SELECT '~Non-controlling' WHERE reefqbo._has_others($1, $3, $7)) n
    UNION ALL
    SELECT a.slot, sum(a.debit), NULL, NULL FROM amount a GROUP BY a.slot
$$;

COMMENT ON FUNCTION reefqbo._placed_accounts(bigint, bigint[], bigint[], text, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: reefqbo._placed of a profit and loss or a balance sheet by accounts.';

CREATE FUNCTION reefqbo._placed(model_id bigint, connections bigint[], branches bigint[], statement text, by_category boolean,
                                currency text, slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (slot bigint, amount numeric, node text, spot reefqbo._statement_node)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $4 = 'cash_flow' THEN
        RETURN QUERY SELECT * FROM reefqbo._placed_cash($1, $2, $3, $5, $6, $7, $8, $9);
    ELSIF $5 THEN
        RETURN QUERY SELECT * FROM reefqbo._placed_categories($1, $2, $3, $4, $6, $7, $8, $9);
    ELSE
        RETURN QUERY SELECT * FROM reefqbo._placed_accounts($1, $2, $3, $4, $6, $7, $8, $9);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._placed(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: what a statement is made of. A row with a column and a node: the amount of that node there, with the sign it is printed with. A row with a spot: the node itself. A row with a column and no node: the sum of the column, debits positive, for checking; of a cash flow, of all movements.';

-- Nothing in a statement takes up what is left over: it is told.
CREATE FUNCTION reefqbo._check_balance(model_id bigint, connections bigint[], statement text, slot reefqbo._statement_slot, rest numeric,
                                       as_of timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last_day date := ($4.months[cardinality($4.months)] + interval '1 month')::date - 1;
    message text := format('this %s does not balance in %s', replace($3, '_', ' '), to_char(last_day, 'YYYY-MM'));
    told text := format('With debits positive, its amounts come to %s and not to 0.', $5);
BEGIN
    -- what must be read again is known to be wrong, and what was known once may have been
    IF $6 IS NOT NULL OR EXISTS (SELECT 1 FROM reefqbo._unsettled($1, $2, $4.accounting_method,
                                                                  CASE $3 WHEN 'cash_flow' THEN $4.before ELSE $4.months[1] END, last_day, $6)) THEN
        RAISE NOTICE USING MESSAGE = message, DETAIL = told;
        RETURN true;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'RQ007', MESSAGE = message, DETAIL = told,
        HINT = 'reefqbo.balance_sheet shows each company as it is; import its month again with reefqbo.import_actuals.';
END
$$;

COMMENT ON FUNCTION reefqbo._check_balance(bigint, bigint[], text, reefqbo._statement_slot, numeric, timestamptz) IS
'Internal: what to do about amounts of a balance sheet, or movements of a cash flow, that do not sum to 0: RQ007, or a notice where months must be read again anyway, or where it is said as of when. True after the notice.';

CREATE FUNCTION reefqbo._figures(model_id bigint, connections bigint[], branches bigint[], statement text, by_category boolean,
                                 currency text, slots reefqbo._statement_slot[], as_of timestamptz, eliminate boolean)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, slot bigint, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH placed AS MATERIALIZED (
        SELECT p.* FROM reefqbo._placed($1, $2, $3, $4, $5, $6, $7, $8, $9) p
    ), amount AS MATERIALIZED (
        SELECT p.slot, p.node, p.amount FROM placed p WHERE p.slot IS NOT NULL AND p.node IS NOT NULL
    ), line AS MATERIALIZED (
        SELECT l.*
        FROM reefqbo._statement_lines(reefqbo._layout_name($4, $5, $3 IS NULL), ARRAY(SELECT p.spot FROM placed p WHERE p.slot IS NULL)) l
    ), below AS MATERIALIZED (
        SELECT l.line, u.node
        FROM line l
        CROSS JOIN LATERAL unnest(l.adds) u (node)
        WHERE l.add_sections IS NULL AND cardinality(l.adds) > 1
    ), section AS MATERIALIZED (
        SELECT (n.spot).section AS section, a.slot, sum(a.amount) AS amount
        FROM amount a
        JOIN placed n ON n.slot IS NULL AND n.node = a.node
        GROUP BY (n.spot).section, a.slot
    ), figure AS MATERIALIZED (
        SELECT l.line, a.slot, a.amount
        FROM line l
        JOIN amount a ON a.node = l.adds[1]
        WHERE l.add_sections IS NULL AND cardinality(l.adds) = 1
        UNION ALL
        SELECT b.line, a.slot, sum(a.amount)
        FROM below b
        JOIN amount a ON a.node = b.node
        GROUP BY b.line, a.slot
        UNION ALL
        SELECT l.line, s.slot, sum(u.sign * s.amount)
        FROM line l
        CROSS JOIN LATERAL (SELECT unnest(l.add_sections), 1 UNION ALL SELECT unnest(l.subtract_sections), -1) u (section, sign)
        JOIN section s ON s.section = u.section
        GROUP BY l.line, s.slot
    ), shown AS (
        SELECT f.slot, sum(f.amount * reefqbo._shown_debit($4, l.label, l.kind, l.depth, l.connection_id, l.account_id)) AS debit
        FROM line l
        JOIN figure f ON f.line = l.line
        WHERE reefqbo._shown_debit($4, l.label, l.kind, l.depth, l.connection_id, l.account_id) <> 0
        GROUP BY f.slot
    )
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.connection_id, l.account_id, l.account_number, s.slot,
           CASE WHEN l.kind <> 'section' THEN coalesce(f.amount, 0) + 0.00 END
    FROM line l
    CROSS JOIN generate_series(1, cardinality($7)) s (slot)
    LEFT JOIN figure f ON f.line = l.line AND f.slot = s.slot
    WHERE (SELECT bool_and(CASE WHEN $4 <> 'cash_flow' THEN reefqbo._check_sum($4, coalesce(d.debit, 0), p.amount) END IS NOT FALSE
                           AND CASE WHEN $4 <> 'profit_and_loss' AND p.amount <> 0
                                    THEN reefqbo._check_balance($1, $2, $4, ($7)[p.slot], p.amount, $8) END IS NOT FALSE)
           FROM placed p LEFT JOIN shown d ON d.slot = p.slot WHERE p.slot IS NOT NULL AND p.node IS NULL) IS NOT FALSE
$$;

COMMENT ON FUNCTION reefqbo._figures(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the lines of a statement, and a figure for each of them in each column.';
