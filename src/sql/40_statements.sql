-- Reading: the profit and loss and the balance sheet, in the order an accountant expects.

CREATE FUNCTION reefqbo._statement_layout(statement text)
RETURNS TABLE (place integer, depth integer, kind text, section text, label text, account_type text,
               adds text[], subtracts text[], is_always boolean)
LANGUAGE sql IMMUTABLE ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.place, l.depth, l.kind, l.section, l.label, l.account_type,
           l.adds::text[], l.subtracts::text[], l.is_always
    FROM (VALUES
        ('profit_and_loss', 1, 0, 'section', 'Income', 'Income', 'Income', '{Income}', '{}', true),
        ('profit_and_loss', 2, 0, 'total', 'Income', 'Total Income', NULL, '{Income}', '{}', true),
        ('profit_and_loss', 3, 0, 'section', 'Cost of Goods Sold', 'Cost of Goods Sold', 'Cost of Goods Sold',
            '{Cost of Goods Sold}', '{}', false),
        ('profit_and_loss', 4, 0, 'total', 'Cost of Goods Sold', 'Total Cost of Goods Sold', NULL,
            '{Cost of Goods Sold}', '{}', false),
        ('profit_and_loss', 5, 0, 'computed', NULL, 'Gross Profit', NULL, '{Income}', '{Cost of Goods Sold}', true),
        ('profit_and_loss', 6, 0, 'section', 'Expenses', 'Expenses', 'Expense', '{Expense}', '{}', true),
        ('profit_and_loss', 7, 0, 'total', 'Expenses', 'Total Expenses', NULL, '{Expense}', '{}', true),
        ('profit_and_loss', 8, 0, 'computed', NULL, 'Net Operating Income', NULL,
            '{Income}', '{Cost of Goods Sold,Expense}', true),
        ('profit_and_loss', 9, 0, 'section', 'Other Income', 'Other Income', 'Other Income', '{Other Income}', '{}', false),
        ('profit_and_loss', 10, 0, 'total', 'Other Income', 'Total Other Income', NULL, '{Other Income}', '{}', false),
        ('profit_and_loss', 11, 0, 'section', 'Other Expenses', 'Other Expenses', 'Other Expense',
            '{Other Expense}', '{}', false),
        ('profit_and_loss', 12, 0, 'total', 'Other Expenses', 'Total Other Expenses', NULL, '{Other Expense}', '{}', false),
        ('profit_and_loss', 13, 0, 'computed', NULL, 'Net Other Income', NULL,
            '{Other Income}', '{Other Expense}', false),
        ('profit_and_loss', 14, 0, 'computed', NULL, 'Net Income', NULL,
            '{Income,Other Income}', '{Cost of Goods Sold,Expense,Other Expense}', true),

        ('balance_sheet', 1, 0, 'section', 'Assets', 'Assets', NULL,
            '{Bank,Accounts Receivable,Other Current Asset,Fixed Asset,Other Asset}', '{}', true),
        ('balance_sheet', 2, 1, 'section', 'Current Assets', 'Current Assets', NULL,
            '{Bank,Accounts Receivable,Other Current Asset}', '{}', false),
        ('balance_sheet', 3, 2, 'section', 'Bank Accounts', 'Bank Accounts', 'Bank', '{Bank}', '{}', false),
        ('balance_sheet', 4, 2, 'total', 'Bank Accounts', 'Total Bank Accounts', NULL, '{Bank}', '{}', false),
        ('balance_sheet', 5, 2, 'section', 'Accounts Receivable', 'Accounts Receivable', 'Accounts Receivable',
            '{Accounts Receivable}', '{}', false),
        ('balance_sheet', 6, 2, 'total', 'Accounts Receivable', 'Total Accounts Receivable', NULL,
            '{Accounts Receivable}', '{}', false),
        ('balance_sheet', 7, 2, 'section', 'Other Current Assets', 'Other Current Assets', 'Other Current Asset',
            '{Other Current Asset}', '{}', false),
        ('balance_sheet', 8, 2, 'total', 'Other Current Assets', 'Total Other Current Assets', NULL,
            '{Other Current Asset}', '{}', false),
        ('balance_sheet', 9, 1, 'total', 'Current Assets', 'Total Current Assets', NULL,
            '{Bank,Accounts Receivable,Other Current Asset}', '{}', false),
        ('balance_sheet', 10, 1, 'section', 'Fixed Assets', 'Fixed Assets', 'Fixed Asset', '{Fixed Asset}', '{}', false),
        ('balance_sheet', 11, 1, 'total', 'Fixed Assets', 'Total Fixed Assets', NULL, '{Fixed Asset}', '{}', false),
        ('balance_sheet', 12, 1, 'section', 'Other Assets', 'Other Assets', 'Other Asset', '{Other Asset}', '{}', false),
        ('balance_sheet', 13, 1, 'total', 'Other Assets', 'Total Other Assets', NULL, '{Other Asset}', '{}', false),
        ('balance_sheet', 14, 0, 'total', 'Assets', 'Total Assets', NULL,
            '{Bank,Accounts Receivable,Other Current Asset,Fixed Asset,Other Asset}', '{}', true),
        ('balance_sheet', 15, 0, 'section', 'Liabilities and Equity', 'Liabilities and Equity', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability,Long Term Liability,Equity}', '{}', true),
        ('balance_sheet', 16, 1, 'section', 'Liabilities', 'Liabilities', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability,Long Term Liability}', '{}', false),
        ('balance_sheet', 17, 2, 'section', 'Current Liabilities', 'Current Liabilities', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability}', '{}', false),
        ('balance_sheet', 18, 3, 'section', 'Accounts Payable', 'Accounts Payable', 'Accounts Payable',
            '{Accounts Payable}', '{}', false),
        ('balance_sheet', 19, 3, 'total', 'Accounts Payable', 'Total Accounts Payable', NULL,
            '{Accounts Payable}', '{}', false),
        ('balance_sheet', 20, 3, 'section', 'Credit Cards', 'Credit Cards', 'Credit Card', '{Credit Card}', '{}', false),
        ('balance_sheet', 21, 3, 'total', 'Credit Cards', 'Total Credit Cards', NULL, '{Credit Card}', '{}', false),
        ('balance_sheet', 22, 3, 'section', 'Other Current Liabilities', 'Other Current Liabilities',
            'Other Current Liability', '{Other Current Liability}', '{}', false),
        ('balance_sheet', 23, 3, 'total', 'Other Current Liabilities', 'Total Other Current Liabilities', NULL,
            '{Other Current Liability}', '{}', false),
        ('balance_sheet', 24, 2, 'total', 'Current Liabilities', 'Total Current Liabilities', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability}', '{}', false),
        ('balance_sheet', 25, 2, 'section', 'Long-Term Liabilities', 'Long-Term Liabilities', 'Long Term Liability',
            '{Long Term Liability}', '{}', false),
        ('balance_sheet', 26, 2, 'total', 'Long-Term Liabilities', 'Total Long-Term Liabilities', NULL,
            '{Long Term Liability}', '{}', false),
        ('balance_sheet', 27, 1, 'total', 'Liabilities', 'Total Liabilities', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability,Long Term Liability}', '{}', false),
        ('balance_sheet', 28, 1, 'section', 'Equity', 'Equity', 'Equity', '{Equity}', '{}', false),
        ('balance_sheet', 29, 1, 'total', 'Equity', 'Total Equity', NULL, '{Equity}', '{}', false),
        ('balance_sheet', 30, 0, 'total', 'Liabilities and Equity', 'Total Liabilities and Equity', NULL,
            '{Accounts Payable,Credit Card,Other Current Liability,Long Term Liability,Equity}', '{}', true),

        ('profit_and_loss_by_category', 1, 0, 'section', 'Revenue', 'Revenue', 'Revenue', '{Revenue}', '{}', true),
        ('profit_and_loss_by_category', 2, 0, 'total', 'Revenue', 'Total Revenue', NULL, '{Revenue}', '{}', true),
        ('profit_and_loss_by_category', 3, 0, 'section', 'COGS', 'COGS', 'COGS', '{COGS}', '{}', false),
        ('profit_and_loss_by_category', 4, 0, 'total', 'COGS', 'Total COGS', NULL, '{COGS}', '{}', false),
        ('profit_and_loss_by_category', 5, 0, 'computed', NULL, 'Gross Profit', NULL, '{Revenue}', '{COGS}', true),
        ('profit_and_loss_by_category', 6, 0, 'section', 'Opex', 'Opex', 'Opex', '{Opex}', '{}', false),
        ('profit_and_loss_by_category', 7, 0, 'total', 'Opex', 'Total Opex', NULL, '{Opex}', '{}', false),
        ('profit_and_loss_by_category', 8, 0, 'section', 'Staff', 'Staff', 'Staff', '{Staff}', '{}', false),
        ('profit_and_loss_by_category', 9, 0, 'total', 'Staff', 'Total Staff', NULL, '{Staff}', '{}', false),
        ('profit_and_loss_by_category', 10, 0, 'computed', NULL, 'Profit before Tax', NULL,
            '{Revenue}', '{COGS,Opex,Staff}', true),
        ('profit_and_loss_by_category', 11, 0, 'section', 'Tax', 'Tax', 'Tax', '{Tax}', '{}', false),
        ('profit_and_loss_by_category', 12, 0, 'total', 'Tax', 'Total Tax', NULL, '{Tax}', '{}', false),
        ('profit_and_loss_by_category', 13, 0, 'section', 'Unmapped Income', 'Unmapped Income', 'Unmapped Income',
            '{Unmapped Income}', '{}', false),
        ('profit_and_loss_by_category', 14, 0, 'total', 'Unmapped Income', 'Total Unmapped Income', NULL,
            '{Unmapped Income}', '{}', false),
        ('profit_and_loss_by_category', 15, 0, 'section', 'Unmapped Expenses', 'Unmapped Expenses', 'Unmapped Expenses',
            '{Unmapped Expenses}', '{}', false),
        ('profit_and_loss_by_category', 16, 0, 'total', 'Unmapped Expenses', 'Total Unmapped Expenses', NULL,
            '{Unmapped Expenses}', '{}', false),
        ('profit_and_loss_by_category', 17, 0, 'computed', NULL, 'Net Income', NULL,
            '{Revenue,Unmapped Income}', '{COGS,Opex,Staff,Tax,Unmapped Expenses}', true),

        ('balance_sheet_by_category', 1, 0, 'section', 'Assets', 'Assets', 'Asset', '{Asset,Unmapped Assets}', '{}', true),
        ('balance_sheet_by_category', 2, 1, 'section', 'Unmapped Assets', 'Unmapped Assets', 'Unmapped Assets',
            '{Unmapped Assets}', '{}', false),
        ('balance_sheet_by_category', 3, 1, 'total', 'Unmapped Assets', 'Total Unmapped Assets', NULL,
            '{Unmapped Assets}', '{}', false),
        ('balance_sheet_by_category', 4, 0, 'total', 'Assets', 'Total Assets', NULL, '{Asset,Unmapped Assets}', '{}', true),
        ('balance_sheet_by_category', 5, 0, 'section', 'Liabilities and Equity', 'Liabilities and Equity', NULL,
            '{Liability,Tax,Equity,Unmapped Liabilities and Equity}', '{Dividend}', true),
        ('balance_sheet_by_category', 6, 1, 'section', 'Liabilities', 'Liabilities', 'Liability', '{Liability}', '{}', false),
        ('balance_sheet_by_category', 7, 1, 'total', 'Liabilities', 'Total Liabilities', NULL, '{Liability}', '{}', false),
        ('balance_sheet_by_category', 8, 1, 'section', 'Tax', 'Tax', 'Tax', '{Tax}', '{}', false),
        ('balance_sheet_by_category', 9, 1, 'total', 'Tax', 'Total Tax', NULL, '{Tax}', '{}', false),
        ('balance_sheet_by_category', 10, 1, 'section', 'Equity', 'Equity', 'Equity', '{Equity}', '{}', false),
        ('balance_sheet_by_category', 11, 1, 'total', 'Equity', 'Total Equity', NULL, '{Equity}', '{}', false),
        ('balance_sheet_by_category', 12, 1, 'section', 'Dividends', 'Dividends Paid', 'Dividend', '{Dividend}', '{}', false),
        ('balance_sheet_by_category', 13, 1, 'total', 'Dividends', 'Total Dividends Paid', NULL, '{Dividend}', '{}', false),
        ('balance_sheet_by_category', 14, 1, 'section', 'Unmapped Liabilities and Equity', 'Unmapped Liabilities and Equity',
            'Unmapped Liabilities and Equity', '{Unmapped Liabilities and Equity}', '{}', false),
        ('balance_sheet_by_category', 15, 1, 'total', 'Unmapped Liabilities and Equity', 'Total Unmapped Liabilities and Equity',
            NULL, '{Unmapped Liabilities and Equity}', '{}', false),
        ('balance_sheet_by_category', 16, 0, 'total', 'Liabilities and Equity', 'Total Liabilities and Equity', NULL,
            '{Liability,Tax,Equity,Unmapped Liabilities and Equity}', '{Dividend}', true),

        ('cash_flow', 1, 0, 'section', 'Operating Activities', 'Operating Activities', NULL, '{Net Income,Operating}', '{}', true),
        ('cash_flow', 2, 1, 'computed', 'Operating Activities', 'Net Income', NULL, '{Net Income}', '{}', true),
        ('cash_flow', 3, 1, 'section', 'Operating Activities', 'Adjustments', 'Operating', '{Operating}', '{}', true),
        ('cash_flow', 4, 0, 'total', 'Operating Activities', 'Net Cash from Operating Activities', NULL,
            '{Net Income,Operating}', '{}', true),
        ('cash_flow', 5, 0, 'section', 'Investing Activities', 'Investing Activities', 'Investing', '{Investing}', '{}', false),
        ('cash_flow', 6, 0, 'total', 'Investing Activities', 'Net Cash from Investing Activities', NULL, '{Investing}', '{}', false),
        ('cash_flow', 7, 0, 'section', 'Financing Activities', 'Financing Activities', 'Financing', '{Financing}', '{}', false),
        ('cash_flow', 8, 0, 'total', 'Financing Activities', 'Net Cash from Financing Activities', NULL, '{Financing}', '{}', false),
        ('cash_flow', 9, 0, 'computed', NULL, 'Effect of Exchange Rates', NULL, '{Exchange}', '{}', false),
        ('cash_flow', 10, 0, 'computed', NULL, 'Net Change in Cash', NULL,
            '{Net Income,Operating,Investing,Financing,Exchange}', '{}', true),
        ('cash_flow', 11, 0, 'computed', NULL, 'Cash at Beginning of Period', NULL, '{Cash}', '{}', true),
        ('cash_flow', 12, 0, 'computed', NULL, 'Cash at End of Period', NULL,
            '{Net Income,Operating,Investing,Financing,Exchange,Cash}', '{}', true)
    ) AS l (statement, place, depth, kind, section, label, account_type, adds, subtracts, is_always)
    WHERE l.statement = $1
    ORDER BY l.place
$$;

COMMENT ON FUNCTION reefqbo._statement_layout(text) IS
'Internal: the fixed lines of a statement, in order: titles, totals and computed lines.
Argument: statement: profit_and_loss, balance_sheet or cash_flow, or by_category of the first two. Result: account_type, on a title, the nodes that follow it: accounts of that type, or what is mapped to that variable type, or where cash went;
adds and subtracts, those a line is worked out of; is_always, whether the line comes even when nothing of the kind is shown. No row for another statement.';

CREATE FUNCTION reefqbo._statement_connection(model_id bigint, branch text)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._branch_id($1, $2) END;
    connections bigint[];
    branches text;
    has_root boolean;
BEGIN
    SELECT array_agg(c.connection_id ORDER BY b.parent_branch_id NULLS FIRST),
           string_agg(quote_literal(b.name), ', ' ORDER BY b.name COLLATE "C"),
           bool_or(b.parent_branch_id IS NULL)
    INTO connections, branches, has_root
    FROM reefqbo.connection c
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    WHERE c.model_id = $1 AND (wanted IS NULL OR c.branch_id = wanted);
    IF connections IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL THEN 'the model has no connection'
                           ELSE format('branch "%s" has no connection', $2) END,
            HINT = 'reefqbo.connect links a branch to a QuickBooks company; the view reefqbo.connection_status lists the connections.';
    ELSIF wanted IS NULL AND NOT has_root AND cardinality(connections) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'the model has several connections and none at its root, so a branch must be named',
            HINT = format('Pass one of these as branch: %s. A statement shows one company; it does not consolidate.', branches);
    END IF;
    RETURN connections[1];
END
$$;

COMMENT ON FUNCTION reefqbo._statement_connection(bigint, text) IS
'Internal: the connection whose statements are read.
Arguments: model_id; branch, or NULL for the root''s connection, else the model''s only one.
Errors: 42704 no such branch, or no connection; 22023 several connections, none of them at the root.';

CREATE FUNCTION reefqbo._month_number(day date)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
    SELECT date_part('year', $1) * 12 + date_part('month', $1)
$$;

COMMENT ON FUNCTION reefqbo._month_number(date) IS
'Internal: the months from the year 0 to that of a date, so that months can be counted by subtraction.';

CREATE FUNCTION reefqbo._months_between(first_day date, last_day date)
RETURNS double precision
LANGUAGE sql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp
AS $$
    SELECT reefqbo._month_number($2 + 1) - reefqbo._month_number($1 - 1) - 1
$$;

COMMENT ON FUNCTION reefqbo._months_between(date, date) IS
'Internal: how many whole months lie between two days, both of them counted.';

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

CREATE FUNCTION reefqbo._statement_tree(model_id bigint, connection_id bigint, statement text)
RETURNS TABLE (account_id text, name text, account_number text, is_computed boolean, account_type text, path bigint[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE ranked AS (
        SELECT a.account_id, a.name, a.account_number, a.is_computed, a.parent_account_id,
               coalesce(l.account_type, CASE
                   WHEN $3 = 'profit_and_loss' THEN
                       CASE a.classification WHEN 'Revenue' THEN 'Other Income' ELSE 'Other Expense' END
                   ELSE
                       CASE a.classification WHEN 'Asset' THEN 'Other Asset'
                                             WHEN 'Liability' THEN 'Long Term Liability' ELSE 'Equity' END
                   END) AS account_type,
               row_number() OVER (ORDER BY a.is_computed, a.account_number COLLATE "C" NULLS LAST,
                                           lower(a.name COLLATE "C"), a.name COLLATE "C",
                                           a.account_id COLLATE "C") AS rank
        FROM reefqbo.account a
        LEFT JOIN reefqbo._statement_layout($3) l ON l.account_type = a.account_type
        WHERE a.model_id = $1 AND a.connection_id = $2
    ), linked AS (
        -- An account edited away from its parent's section begins a tree in its own.
        SELECT r.account_id, r.rank, p.account_id AS parent_id
        FROM ranked r
        LEFT JOIN ranked p ON p.account_id = r.parent_account_id AND p.account_type = r.account_type
    ), tree AS (
        SELECT l.account_id, ARRAY[l.rank] AS path FROM linked l WHERE l.parent_id IS NULL
        UNION ALL
        SELECT l.account_id, t.path || l.rank FROM tree t JOIN linked l ON l.parent_id = t.account_id
    )
    -- What no root leads to hangs on a circle of parents: shown flat.
    SELECT r.account_id, r.name, r.account_number, r.is_computed, r.account_type, coalesce(t.path, ARRAY[r.rank])
    FROM ranked r
    LEFT JOIN tree t ON t.account_id = r.account_id
$$;

COMMENT ON FUNCTION reefqbo._statement_tree(bigint, bigint, text) IS
'Internal: the chart of a connection as the trees of a statement''s sections.
Arguments: model_id, connection_id, statement. Result: every account, with the account type whose section it stands in (by its classification where the statement has no section for its own, so that none is lost) and its path: the ranks from its root to itself.
A rank belongs to one account; ordered by path, accounts stand by number, then name, each before its children, and computed lines last.';

CREATE TYPE reefqbo._statement_node AS (
    node text,
    path bigint[],
    section text,
    label text,
    kind text,
    connection_id bigint,
    account_id text,
    account_number text,
    is_moved boolean
);

COMMENT ON TYPE reefqbo._statement_node IS
'Internal: what stands between the titles and totals of a statement: an account, a computed line, or a group of them.
node names it; path: the ranks from its root to itself, a rank belonging to one node; section: the account type of the layout''s line that it follows; kind: account, computed or group; is_moved: it has an amount of its own to show.';

CREATE FUNCTION reefqbo._statement_lines(layout text, nodes reefqbo._statement_node[])
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, connection_id bigint, account_id text,
               account_number text, adds text[], subtracts text[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH node AS MATERIALIZED (
        SELECT n.*, n.path[cardinality(n.path)] AS rank FROM unnest($2) n
    ), moved AS MATERIALIZED (
        SELECT n.node, n.section, n.path FROM node n WHERE n.is_moved
    ), subtree AS (
        SELECT u.rank, array_agg(m.node) AS nodes
        FROM moved m CROSS JOIN LATERAL unnest(m.path) u (rank)
        GROUP BY u.rank
    ), shown AS (
        SELECT n.node, n.label, n.kind, n.connection_id, n.account_id, n.account_number, n.path, s.nodes,
               l.place, l.section, l.depth + cardinality(n.path) AS depth
        FROM subtree s
        JOIN node n ON n.rank = s.rank
        JOIN reefqbo._statement_layout($1) l ON l.account_type = n.section
    ), fixed AS (
        SELECT l.*,
               ARRAY(SELECT m.node FROM moved m WHERE m.section = ANY (l.adds)) AS add_nodes,
               ARRAY(SELECT m.node FROM moved m WHERE m.section = ANY (l.subtracts)) AS subtract_nodes
        FROM reefqbo._statement_layout($1) l
    ), line AS (
        SELECT f.place, ARRAY[]::bigint[] AS path, f.depth, f.kind, f.section, NULL::text AS node,
               NULL::bigint AS connection_id, NULL::text AS account_id, NULL::text AS account_number, f.label,
               f.add_nodes AS adds, f.subtract_nodes AS subtracts
        FROM fixed f
        WHERE f.is_always OR f.add_nodes <> '{}' OR f.subtract_nodes <> '{}'
        UNION ALL
        SELECT s.place, s.path, s.depth, CASE s.kind WHEN 'group' THEN 'section' ELSE s.kind END, s.section, s.node,
               s.connection_id, s.account_id, s.account_number, s.label, ARRAY[s.node], '{}'
        FROM shown s
        UNION ALL
        SELECT s.place, s.path || 9223372036854775807, s.depth, 'total', s.section, s.node,
               s.connection_id, s.account_id, s.account_number, 'Total ' || s.label, s.nodes, '{}'
        FROM shown s
        WHERE s.nodes <> ARRAY[s.node]
    ), labelled AS (
        SELECT l.*, i.indented, count(*) OVER (PARTITION BY i.indented) > 1 OR l.label ~ ' \[[0-9]+\]$' AS is_doubtful
        FROM line l
        CROSS JOIN LATERAL (SELECT repeat('  ', l.depth) || l.label) i (indented)
    )
    SELECT (row_number() OVER (ORDER BY l.place, l.path))::integer, l.depth,
           l.indented || CASE WHEN l.node IS NOT NULL AND bool_or(l.is_doubtful) OVER (PARTITION BY l.node)
                              THEN format(' [%s]', l.node) ELSE '' END,
           l.kind, l.section, l.connection_id, l.account_id, l.account_number, l.adds, l.subtracts
    FROM labelled l
    ORDER BY l.place, l.path
$$;

COMMENT ON FUNCTION reefqbo._statement_lines(text, reefqbo._statement_node[]) IS
'Internal: the lines of a statement, in order, without figures.
Arguments: layout, as reefqbo._statement_layout has it; nodes. Those with an amount are shown, and those above them.
Result: as reefqbo.profit_and_loss, and the nodes whose amounts each line adds and subtracts.';

CREATE FUNCTION reefqbo._statement_rows(model_id bigint, connection_id bigint, statement text,
                                        accounting_method text, start_date date, end_date date, frequency text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric)
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
    )
    -- 0.00 is what a fetched month without a row is; adding it gives every figure its cents.
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.account_id, l.account_number,
           p.period, p.period_start, p.period_end, p.is_provisional,
           CASE WHEN l.kind <> 'section' THEN coalesce(f.amount, 0) + 0.00 END
    FROM line l
    CROSS JOIN period p
    LEFT JOIN figure f ON f.line = l.line AND f.period_start = p.period_start
    ORDER BY l.line, p.period_start
$$;

COMMENT ON FUNCTION reefqbo._statement_rows(bigint, bigint, text, text, date, date, text) IS
'Internal: the rows of a statement of one connection. Arguments: as reefqbo.profit_and_loss, checked already. Result: as there.';

CREATE FUNCTION reefqbo._company_statement(model text, statement text, start_date date, end_date date, frequency text,
                                           accounting_method text, branch text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF $3 IS NULL OR $4 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a statement needs a start date and an end date';
    ELSIF $3 > $4 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('start date %s is after end date %s', $3, $4);
    ELSIF ($5 IN ('month', 'quarter', 'year')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown frequency "%s"', $5),
            HINT = 'Pass ''month'', ''quarter'' or ''year''.';
    ELSIF ($6 IN ('Accrual', 'Cash')) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('unknown accounting method "%s"', $6),
            HINT = 'Pass ''Accrual'' or ''Cash''.';
    END IF;
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
               amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT s.* FROM reefqbo._company_statement($1, 'profit_and_loss', $2, $3, $4, $5, $6) s
$$;

COMMENT ON FUNCTION reefqbo._profit_and_loss(text, date, date, text, text, text) IS 'Internal: what reefqbo.profit_and_loss does, without asking who calls.';

CREATE FUNCTION reefqbo.profit_and_loss(model text, start_date date, end_date date, frequency text DEFAULT 'month',
                                        accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.profit_and_loss(text, date, date, text, text, text) IS
'The profit and loss of one company, from the months imported so far, in the order of the printed statement. For a table in psql:
    SELECT label, period, amount FROM reefqbo.profit_and_loss(''Acme'', ''2026-01-01'', ''2026-12-31'') \crosstabview
Arguments: model; start_date and end_date, between which a month must lie wholly (''-infinity'' and ''infinity'': everything imported); frequency, ''month'', ''quarter'' or ''year'' (calendar);
accounting_method, ''Accrual'' or ''Cash''; branch, by default the root''s company, or the model''s only one. One company is shown: reefqbo.statement consolidates several.
Result: a row for each line and period, ordered by line, then period. A quarter or year is that part of it inside the range, and is there only if every month of the part was imported;
period names it (2026-01, 2026 Q1, 2026), period_start and period_end say what it covers, is_provisional whether a month of it was not over when fetched. No row for what was never fetched.
kind: section (a title, amount NULL), account (an account''s own amount), computed (Gross Profit, Net Operating Income, Net Other Income, Net Income), total (a section, or an account with those under it, whose account_id it has).
label is the name, indented two spaces a depth; where two lines would look alike the account id follows in brackets, so a label occurs once.
Accounts are those with an amount other than 0 in a period shown, and the accounts above them, nested as in today''s chart, by number, then name. One that has no known type stands under Other Income or Other Expenses.
amount: the movement in the period, in the company''s home currency, with the sign QuickBooks prints; 0.00 where the month was fetched and the account had none.
Errors: 42704 no such model or branch, or no connection; 22023 unknown frequency or method, start after end, or several connections and none at the root; 22004 no date.';

CREATE FUNCTION reefqbo._balance_sheet(model text, start_date date, end_date date, frequency text,
                                      accounting_method text, branch text)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
    SELECT s.* FROM reefqbo._company_statement($1, 'balance_sheet', $2, $3, $4, $5, $6) s
$$;

COMMENT ON FUNCTION reefqbo._balance_sheet(text, date, date, text, text, text) IS 'Internal: what reefqbo.balance_sheet does, without asking who calls.';

CREATE FUNCTION reefqbo.balance_sheet(model text, start_date date, end_date date, frequency text DEFAULT 'month',
                                      accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text,
               account_number text, period text, period_start date, period_end date, is_provisional boolean,
               amount numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.balance_sheet(text, date, date, text, text, text) IS
'The balance sheet of one company, from the months imported so far, in the order of the printed statement. For a table in psql:
    SELECT label, period, amount FROM reefqbo.balance_sheet(''Acme'', ''2026-01-01'', ''2026-12-31'') \crosstabview
Arguments, result and errors: as reefqbo.profit_and_loss, except
amount: the balance at period_end; a quarter or year has that of its last month, the last inside the range;
kind computed: Net Income inside equity, as QuickBooks printed it, with account_id computed:NetIncome. Total Assets equals Total Liabilities and Equity.
An account that has no known type stands under Other Assets, Long-Term Liabilities or Equity, by its classification.';
