-- The lines of a statement, in the order an accountant expects: titles and totals, and the tree of what stands between them.

CREATE FUNCTION reefqbo._statement_layout(statement text)
RETURNS TABLE (place integer, depth integer, kind text, section text, label text, account_type text,
               adds text[], subtracts text[], is_always boolean, is_base boolean)
LANGUAGE sql IMMUTABLE ROWS 20 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT l.place, l.depth, l.kind, l.section, l.label, l.account_type,
           l.adds::text[], l.subtracts::text[], l.is_always,
           (l.statement, l.label) IN (('profit_and_loss', 'Total Income'), ('balance_sheet', 'Total Assets'),
                                      ('profit_and_loss_by_category', 'Total Revenue'),
                                      ('profit_and_loss_by_category', 'Total Unmapped Income'),
                                      ('balance_sheet_by_category', 'Total Assets'))
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
        ('profit_and_loss', 30, 0, 'computed', NULL, 'Net Income', NULL,
            '{Income,Other Income}', '{Cost of Goods Sold,Expense,Other Expense}', true),

        -- of the profit and loss by accounts of a group, the lines that QuickBooks does not print
        ('profit_and_loss_by_account', 20, 0, 'computed', NULL, 'EBITDA', NULL,
            '{Income,Other Income,~Depreciation,~Interest,~Tax}', '{Cost of Goods Sold,Expense,Other Expense}', true),
        ('profit_and_loss_by_account', 21, 0, 'computed', NULL, 'Depreciation and Amortization', NULL, '{~Depreciation}', '{}', false),
        ('profit_and_loss_by_account', 22, 0, 'computed', NULL, 'EBIT', NULL,
            '{Income,Other Income,~Interest,~Tax}', '{Cost of Goods Sold,Expense,Other Expense}', true),
        ('profit_and_loss_by_account', 23, 1, 'computed', NULL, 'Exchange Losses', NULL, '{~Exchange}', '{}', false),
        ('profit_and_loss_by_account', 24, 0, 'computed', NULL, 'Net Interest Expense', NULL, '{~Interest}', '{}', false),
        ('profit_and_loss_by_account', 25, 0, 'computed', NULL, 'Profit before Tax', NULL,
            '{Income,Other Income,~Tax}', '{Cost of Goods Sold,Expense,Other Expense}', true),
        ('profit_and_loss_by_account', 26, 0, 'computed', NULL, 'Income Tax', NULL, '{~Tax}', '{}', false),
        ('profit_and_loss_by_account', 31, 0, 'computed', NULL, 'Net Income Attributable to Owners', NULL,
            '{Income,Other Income}', '{Cost of Goods Sold,Expense,Other Expense,~Non-controlling}', false),
        ('profit_and_loss_by_account', 32, 0, 'computed', NULL, 'Net Income Attributable to Non-controlling Interests', NULL,
            '{~Non-controlling}', '{}', false),

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
        ('balance_sheet', 30, 1, 'computed', NULL, 'Equity Attributable to Owners', NULL, '{Equity,~Non-controlling}', '{}', false),
        ('balance_sheet', 31, 1, 'computed', NULL, 'Equity Attributable to Non-controlling Interests', NULL, '{}', '{~Non-controlling}', false),
        ('balance_sheet', 32, 0, 'total', 'Liabilities and Equity', 'Total Liabilities and Equity', NULL,
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
        ('profit_and_loss_by_category', 10, 0, 'computed', NULL, 'Net Operating Income', NULL,
            '{Revenue}', '{COGS,Opex,Staff,~Operating Tax}', true),
        ('profit_and_loss_by_category', 11, 0, 'section', 'Other Income', 'Other Income', 'Other Income', '{Other Income}', '{}', false),
        ('profit_and_loss_by_category', 12, 0, 'total', 'Other Income', 'Total Other Income', NULL, '{Other Income}', '{}', false),
        ('profit_and_loss_by_category', 13, 0, 'section', 'Other Expenses', 'Other Expenses', 'Other Expenses', '{Other Expenses}', '{}', false),
        ('profit_and_loss_by_category', 14, 0, 'total', 'Other Expenses', 'Total Other Expenses', NULL, '{Other Expenses}', '{}', false),
        ('profit_and_loss_by_category', 15, 0, 'section', 'Unmapped Income', 'Unmapped Income', 'Unmapped Income', '{Unmapped Income}', '{}', false),
        ('profit_and_loss_by_category', 16, 0, 'total', 'Unmapped Income', 'Total Unmapped Income', NULL, '{Unmapped Income}', '{}', false),
        ('profit_and_loss_by_category', 17, 0, 'section', 'Unmapped Expenses', 'Unmapped Expenses', 'Unmapped Expenses', '{Unmapped Expenses}', '{}', false),
        ('profit_and_loss_by_category', 18, 0, 'total', 'Unmapped Expenses', 'Total Unmapped Expenses', NULL, '{Unmapped Expenses}', '{}', false),
        ('profit_and_loss_by_category', 20, 0, 'computed', NULL, 'EBITDA', NULL,
            '{Revenue,Other Income,Unmapped Income,~Depreciation,~Interest,~Tax}', '{COGS,Opex,Staff,Tax,Other Expenses,Unmapped Expenses}', true),
        ('profit_and_loss_by_category', 21, 0, 'computed', NULL, 'Depreciation and Amortization', NULL,
            '{~Depreciation}', '{}', false),
        ('profit_and_loss_by_category', 22, 0, 'computed', NULL, 'EBIT', NULL,
            '{Revenue,Other Income,Unmapped Income,~Interest,~Tax}', '{COGS,Opex,Staff,Tax,Other Expenses,Unmapped Expenses}', true),
        ('profit_and_loss_by_category', 23, 1, 'computed', NULL, 'Exchange Losses', NULL,
            '{~Exchange}', '{}', false),
        ('profit_and_loss_by_category', 24, 0, 'computed', NULL, 'Net Interest Expense', NULL,
            '{~Interest}', '{}', false),
        ('profit_and_loss_by_category', 25, 0, 'computed', NULL, 'Profit before Tax', NULL,
            '{Revenue,Other Income,Unmapped Income,~Tax}', '{COGS,Opex,Staff,Tax,Other Expenses,Unmapped Expenses}', true),
        ('profit_and_loss_by_category', 26, 0, 'section', 'Tax', 'Tax', 'Tax', '{Tax}', '{}', false),
        ('profit_and_loss_by_category', 27, 0, 'total', 'Tax', 'Total Tax', NULL, '{Tax}', '{}', false),
        ('profit_and_loss_by_category', 30, 0, 'computed', NULL, 'Net Income', NULL,
            '{Revenue,Other Income,Unmapped Income}', '{COGS,Opex,Staff,Tax,Other Expenses,Unmapped Expenses}', true),
        ('profit_and_loss_by_category', 31, 0, 'computed', NULL, 'Net Income Attributable to Owners', NULL,
            '{Revenue,Other Income,Unmapped Income}', '{COGS,Opex,Staff,Tax,Other Expenses,Unmapped Expenses,~Non-controlling}', false),
        ('profit_and_loss_by_category', 32, 0, 'computed', NULL, 'Net Income Attributable to Non-controlling Interests', NULL,
            '{~Non-controlling}', '{}', false),

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
    WHERE l.statement = $1 OR ($1 = 'profit_and_loss_by_account' AND l.statement = 'profit_and_loss')
    ORDER BY l.place
$$;

COMMENT ON FUNCTION reefqbo._statement_layout(text) IS
'Internal: the fixed lines of a statement, in order: titles, totals and computed lines.
Argument: statement: profit_and_loss, balance_sheet or cash_flow, or by_category of the first two; profit_and_loss_by_account has EBITDA and the like, which QuickBooks does not print. Result: account_type, on a title, the nodes that follow it: accounts of that type, or what is mapped to that variable type, or where cash went;
adds and subtracts, those a line is worked out of, of which those with a tilde are natures (reefqbo._natures); is_always, whether the line comes even when nothing of the kind is shown; is_base, whether it is 100 % of a share, or a part of that. No row for another statement.';

CREATE FUNCTION reefqbo._layout_name(statement text, by_category boolean, is_printed boolean)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT $1 || CASE WHEN $2 AND $1 <> 'cash_flow' THEN '_by_category' WHEN $1 = 'profit_and_loss' AND NOT $3 THEN '_by_account' ELSE '' END
$$;

COMMENT ON FUNCTION reefqbo._layout_name(text, boolean, boolean) IS
'Internal: which layout of reefqbo._statement_layout a statement has; by accounts, that of one company as a whole is the one that QuickBooks prints.';

CREATE FUNCTION reefqbo._statement_tree(model_id bigint, connection_id bigint, statement text, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (account_id text, name text, account_number text, is_computed boolean, account_type text, path bigint[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE ranked AS (
        SELECT a.account_id, a.name, a.account_number, a.is_computed, a.parent_account_id,
               coalesce(l.account_type, CASE
                   WHEN $3 = 'profit_and_loss' THEN
                       CASE reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense'))
                           WHEN 1 THEN 'Other Expense' ELSE 'Other Income' END
                   ELSE
                       CASE WHEN reefqbo._debit_sign(a.account_type, a.classification) = 1 THEN 'Other Asset'
                            WHEN a.classification = 'Liability' THEN 'Long Term Liability' ELSE 'Equity' END
                   END) AS account_type,
               row_number() OVER (ORDER BY a.is_computed, a.account_number COLLATE "C" NULLS LAST,
                                           lower(a.name COLLATE "C"), a.name COLLATE "C",
                                           a.account_id COLLATE "C") AS rank
        FROM reefqbo._accounts_at($1, ARRAY[$2], $4) a
        LEFT JOIN reefqbo._statement_layout($3) l ON l.account_type = a.account_type
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

COMMENT ON FUNCTION reefqbo._statement_tree(bigint, bigint, text, timestamptz) IS
'Internal: the chart of a connection, as it is or was at a moment, as the trees of a statement''s sections.
Arguments: model_id, connection_id, statement, as_of. Result: every account, with the account type whose section it stands in (by its classification where the statement has no section for its own, so that none is lost) and its path: the ranks from its root to itself.
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
               account_number text, adds text[], subtracts text[], add_sections text[], subtract_sections text[])
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
               f.add_nodes AS adds, f.subtract_nodes AS subtracts, f.adds AS add_sections, f.subtracts AS subtract_sections
        FROM fixed f
        WHERE f.is_always
           -- only a group of which others have a part tells the owners' apart
           OR CASE WHEN '~Non-controlling' = ANY (f.adds || f.subtracts) THEN EXISTS (SELECT 1 FROM moved m WHERE m.section = '~Non-controlling')
                   ELSE f.add_nodes <> '{}' OR f.subtract_nodes <> '{}' END
        UNION ALL
        SELECT s.place, s.path, s.depth, CASE s.kind WHEN 'group' THEN 'section' ELSE s.kind END, s.section, s.node,
               s.connection_id, s.account_id, s.account_number, s.label, ARRAY[s.node], '{}', NULL, NULL
        FROM shown s
        UNION ALL
        SELECT s.place, s.path || 9223372036854775807, s.depth, 'total', s.section, s.node,
               s.connection_id, s.account_id, s.account_number, 'Total ' || s.label, s.nodes, '{}', NULL, NULL
        FROM shown s
        WHERE s.nodes <> ARRAY[s.node]
    ), labelled AS (
        SELECT l.*, i.indented, count(*) OVER (PARTITION BY i.indented) > 1 OR l.label ~ E' \\[[0-9]+\\]$' AS is_doubtful
        FROM line l
        CROSS JOIN LATERAL (SELECT repeat('  ', l.depth) || l.label) i (indented)
    )
    SELECT (row_number() OVER (ORDER BY l.place, l.path))::integer, l.depth,
           l.indented || CASE WHEN l.node IS NOT NULL AND bool_or(l.is_doubtful) OVER (PARTITION BY l.node)
                              THEN format(' [%s]', l.node) ELSE '' END,
           l.kind, l.section, l.connection_id, l.account_id, l.account_number, l.adds, l.subtracts, l.add_sections, l.subtract_sections
    FROM labelled l
    ORDER BY l.place, l.path
$$;

COMMENT ON FUNCTION reefqbo._statement_lines(text, reefqbo._statement_node[]) IS
'Internal: the lines of a statement, in order, without figures.
Arguments: layout, as reefqbo._statement_layout has it; nodes. Those with an amount are shown, and those above them.
Result: as reefqbo.profit_and_loss, and the nodes whose amounts each line adds and subtracts; of a fixed line also the sections, which have the same nodes.';

CREATE FUNCTION reefqbo._shown_debit(statement text, label text, kind text, depth integer, connection_id bigint, account_id text)
RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $4 = 0 AND $5 IS NULL AND $6 IS NULL THEN
            CASE $1 WHEN 'profit_and_loss' THEN CASE WHEN $3 = 'computed' AND $2 = 'Net Income' THEN -1 END
                    WHEN 'balance_sheet' THEN CASE WHEN $3 = 'total' THEN
                        CASE $2 WHEN 'Total Assets' THEN 1 WHEN 'Total Liabilities and Equity' THEN -1 END END END END;

COMMENT ON FUNCTION reefqbo._shown_debit(text, text, text, integer, bigint, text) IS
'Internal: how a line of a statement counts in the sum of all that the statement shows, debits positive; NULL for the lines that are in others.';

CREATE FUNCTION reefqbo._check_sum(statement text, shown numeric, summed numeric)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $2 IS DISTINCT FROM $3 THEN
        RAISE EXCEPTION USING ERRCODE = 'RQ007',
            MESSAGE = format('the lines of this %s do not add up to its amounts', replace($1, '_', ' ')),
            DETAIL = format('With debits positive, its lines come to %s and its amounts to %s: the difference is %s.', $2, $3, $2 - $3),
            HINT = 'This is a fault of reefqbo: please report it. The amounts are in reefqbo.actual.';
    END IF;
    RETURN true;
END
$$;

COMMENT ON FUNCTION reefqbo._check_sum(text, numeric, numeric) IS
'Internal: true, if what a statement shows is all that it is made of. Error: RQ007 an amount stands in none of its lines.';
