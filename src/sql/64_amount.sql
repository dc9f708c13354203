-- What a statement of several companies is made of: amounts in each column, by accounts or by mapped categories.

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

CREATE FUNCTION reefqbo._words_for(account_id text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'computed:Translation' THEN 'Translation Difference'
                   WHEN 'computed:OtherBranches' THEN 'Position in Other Branches' ELSE 'Net Income' END
$$;

COMMENT ON FUNCTION reefqbo._words_for(text) IS 'Internal: what a computed line of equity is called.';

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
        SELECT c.*, v.account_id, 'Equity', reefqbo._words_for(v.account_id), NULL, 'computed', ARRAY[c.base + v.rank]
        FROM company c
        CROSS JOIN (VALUES ('computed:Translation', 999999999998), ('computed:OtherBranches', 999999999999)) v (account_id, rank)
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

CREATE FUNCTION reefqbo._category_of(model_id bigint, statement text, connection_id bigint, account_id text)
RETURNS TABLE (section text, category text, subcategory text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN c.is_closing THEN 'Equity'
                WHEN p.variable_type = ANY (reefqbo._fitting_types(CASE $2 WHEN 'profit_and_loss' THEN 'Revenue' ELSE 'Asset' END))
                    THEN p.variable_type
                WHEN $2 = 'profit_and_loss'
                    THEN CASE reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense')) WHEN 1 THEN 'Unmapped Expenses' ELSE 'Unmapped Income' END
                ELSE CASE reefqbo._debit_sign(a.account_type, a.classification) WHEN 1 THEN 'Unmapped Assets'
                     ELSE 'Unmapped Liabilities and Equity' END END,
           CASE WHEN c.is_closing THEN reefqbo._words_for($4)
                ELSE coalesce(p.category, a.fully_qualified_name) END,
           p.subcategory
    FROM (VALUES (1)) one (row)
    LEFT JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $3 AND a.account_id = $4
    LEFT JOIN reefqbo.account_mapping p ON p.model_id = $1 AND p.connection_id = $3 AND p.account_id = $4
    -- the profit inside equity, and what a statement itself computes there
    CROSS JOIN LATERAL (SELECT $2 = 'balance_sheet' AND (a.account_id IS NULL OR reefqbo._is_closing_line(a.is_computed, a.classification))
                        AS is_closing) c
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
               reefqbo._is_closing_line(a.is_computed, a.classification) OR a.account_subtype = 'RetainedEarnings' OR b.category = 'Eliminated Profit' AS is_profit,
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
           -- a class or department can have a branch that the company itself, with its equity, is not in
           CASE WHEN EXISTS (SELECT 1 FROM balance o WHERE o.connection_id = x.connection_id AND o.account_id = 'computed:OtherBranches')
                  OR EXISTS (SELECT 1 FROM reefqbo.connection c WHERE c.model_id = $1 AND c.connection_id = x.connection_id
                             AND c.branch_id <> ALL ($3))
                  OR EXISTS (SELECT 1 FROM reefqbo.dimension_mapping d WHERE d.model_id = $1 AND d.connection_id = x.connection_id
                             AND d.branch_id <> ALL ($3))
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
        WITH spot AS MATERIALIZED (
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
        HAVING bool_and(r.subcategory IS NOT NULL)
        UNION ALL
        SELECT s.slot, sum(s.debit), NULL FROM spot s GROUP BY s.slot;
    ELSE
        RETURN QUERY
        WITH spot AS MATERIALIZED (
            SELECT i.* FROM reefqbo._slot_amounts($1, $2, $3, $4, $6, $7, $8, $9) i WHERE NOT i.is_before
        )
        SELECT i.slot, sum(i.debit) * reefqbo._debit_sign((n.node).section, NULL), n.node
        FROM reefqbo._account_nodes($1, $2, $4) n
        LEFT JOIN spot i
            ON ((i.connection_id = n.connection_id AND i.account_id = n.account_id) OR i.variable_type = n.variable_type)
        GROUP BY i.slot, n.node
        UNION ALL
        SELECT s.slot, sum(s.debit), NULL FROM spot s GROUP BY s.slot;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._placed(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the amounts in each column of a statement, with the sign they are printed with, and the node each of them stands at. Rows without a column are nodes that only have others below them; of a profit and loss or a balance sheet, rows without a node are the sums of a column, debits positive, for checking.';

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
        WHERE (p.node).node IS NOT NULL
        GROUP BY p.node
    ), line AS MATERIALIZED (
        SELECT l.*
        FROM reefqbo._statement_lines(reefqbo._layout_name($4, $5),
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
    ), shown AS (
        SELECT f.slot, sum(f.amount * reefqbo._shown_debit($4, l.label, l.kind, l.depth, l.connection_id, l.account_id)) AS debit
        FROM line l
        JOIN figure f ON f.line = l.line
        GROUP BY f.slot
    )
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.connection_id, l.account_id, l.account_number, s.slot,
           CASE WHEN l.kind <> 'section' THEN coalesce(f.amount, 0) + 0.00 END
    FROM line l
    CROSS JOIN generate_series(1, cardinality($7)) s (slot)
    LEFT JOIN figure f ON f.line = l.line AND f.slot = s.slot
    WHERE (SELECT bool_and(reefqbo._check_sum($4, coalesce(d.debit, 0), p.amount))
           FROM placed p LEFT JOIN shown d ON d.slot = p.slot WHERE (p.node).node IS NULL) IS NOT FALSE
$$;

COMMENT ON FUNCTION reefqbo._figures(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz, boolean) IS
'Internal: the lines of a statement, and a figure for each of them in each column.';
