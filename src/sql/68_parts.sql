-- What a cell of a statement is made of: companies, accounts, months, rates and entries. Each step sums to the one above.

-- The nodes that the amounts of a profit and loss or a balance sheet stand at, and what a debit counts there.
CREATE FUNCTION reefqbo._nodes_of_accounts(model_id bigint, connections bigint[], statement text, by_category boolean,
                                           accounts reefqbo._statement_node[], as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, node text, sign integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.connection_id, n.account_id, (n.node).node, reefqbo._debit_sign((n.node).section, NULL)
    FROM reefqbo._account_nodes($1, $2, $3, $6) n
    WHERE NOT $4 AND n.account_id IS NOT NULL
    UNION ALL
    SELECT u.connection_id, u.account_id, reefqbo._category_node(g.section, g.category, g.subcategory), reefqbo._category_sign(g.section, $3)
    FROM unnest($5) u
    CROSS JOIN LATERAL reefqbo._category_of($1, $3, u.connection_id, u.account_id, $6) g
    WHERE $4 AND u.account_id NOT IN ('computed:NonControllingProfit', 'computed:OwnersProfit')
    UNION ALL
    SELECT n.connection_id, n.account_id, n.nature, 1
    FROM reefqbo._group_natures($1, $2, $6) n
    WHERE n.connection_id <> 0
$$;

COMMENT ON FUNCTION reefqbo._nodes_of_accounts(bigint, bigint[], text, boolean, reefqbo._statement_node[], timestamptz) IS
'Internal: where the amounts of accounts stand in a statement, and whether it shows debits or credits as positive there. accounts: those to look for by category, of which only connection_id and account_id count.';

CREATE FUNCTION reefqbo._nodes_of_eliminations(statement text, by_category boolean, variable_type text, category text, subcategory text,
                                               account_type text)
RETURNS TABLE (node text, sign integer)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'elimination:' || coalesce($6, $3), reefqbo._debit_sign(coalesce($6, reefqbo._elimination_section($3)), NULL) WHERE NOT $2
    UNION ALL
    SELECT reefqbo._category_node(s.section, $4, coalesce($5, CASE WHEN $4 <> 'Eliminated Profit' THEN 'Eliminations' END)),
           reefqbo._category_sign(s.section, $1)
    FROM (SELECT CASE WHEN $1 = 'profit_and_loss' AND $6 IS NOT NULL THEN reefqbo._result_section($3, $6) ELSE $3 END AS section) s
    WHERE $2
    UNION ALL
    SELECT '~Tax', 1 WHERE $1 = 'profit_and_loss' AND $3 = 'Tax'
$$;

COMMENT ON FUNCTION reefqbo._nodes_of_eliminations(text, boolean, text, text, text, text) IS
'Internal: where what was eliminated stands in a statement, and whether it shows debits or credits as positive there.';

CREATE FUNCTION reefqbo._posted_eliminations(model_id bigint, branches bigint[], statement text, accounting_method text, months date[],
                                             as_of timestamptz)
RETURNS TABLE (elimination_id bigint, variable_type text, account_type text, category text, subcategory text, month date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.elimination_id, p.variable_type, p.account_type, p.category, p.subcategory, p.month, p.amount
    FROM reefqbo._elimination_postings($1, $2, $4, $6) p
    WHERE $3 = 'profit_and_loss' AND p.is_result AND p.month = ANY ($5)
    UNION ALL
    SELECT p.elimination_id, CASE WHEN p.is_result THEN 'Equity' ELSE p.variable_type END,
           CASE WHEN p.is_result THEN NULL ELSE p.account_type END,
           CASE WHEN p.is_result THEN 'Eliminated Profit' ELSE p.category END, CASE WHEN p.is_result THEN NULL ELSE p.subcategory END,
           p.month, p.amount
    FROM reefqbo._elimination_postings($1, $2, $4, $6) p
    WHERE $3 = 'balance_sheet' AND p.month <= $5[cardinality($5)]
$$;

COMMENT ON FUNCTION reefqbo._posted_eliminations(bigint, bigint[], text, text, date[], timestamptz) IS
'Internal: reefqbo._eliminated, entry by entry.';

-- The one line that is called so, and its nodes.
CREATE FUNCTION reefqbo._line_nodes(label text, layout text, spots reefqbo._statement_node[])
RETURNS TABLE (node text, sign integer)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found bigint;
BEGIN
    SELECT count(*) INTO found
    FROM reefqbo._statement_lines($2, $3) l
    WHERE l.kind <> 'section' AND btrim(l.label) = btrim($1);
    IF found = 0 THEN
        RAISE undefined_object USING
            MESSAGE = format('the statement has no line "%s"', reefqbo._show_line($1)),
            HINT = 'Pass label as reefqbo.statement shows it for the same dates.';
    END IF;
    RETURN QUERY
    SELECT u.node, u.sign
    FROM reefqbo._statement_lines($2, $3) l
    CROSS JOIN LATERAL (SELECT unnest(l.adds), 1 UNION ALL SELECT unnest(l.subtracts), -1) u (node, sign)
    -- of several, the one that is indented as it is said
    WHERE l.kind <> 'section' AND CASE WHEN found = 1 THEN btrim(l.label) = btrim($1) ELSE l.label = $1 END;
END
$$;

COMMENT ON FUNCTION reefqbo._line_nodes(text, text, reefqbo._statement_node[]) IS
'Internal: the nodes that a line of a statement adds (1) and subtracts (-1). Error: 42704 there is no such line.';

CREATE FUNCTION reefqbo._statement_parts(model text, statement text, label text, start_date date, end_date date, lines text,
                                         accounting_method text, branch text, company boolean, as_of timestamptz)
RETURNS TABLE (company_name text, account_id text, account_name text, month date, home_currency text, home_amount numeric, rate numeric,
               elimination_id bigint, memo text, currency text, amount numeric, connection_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    by_category boolean := $6 = 'category';
    scope record;
    slots reefqbo._statement_slot[];
    months date[];
BEGIN
    PERFORM reefqbo._check_statement($2, $6);
    IF $2 = 'cash_flow' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'a cash flow is worked out of the profit and loss and the balance sheet',
            HINT = 'Ask for the parts of their lines.';
    END IF;
    PERFORM reefqbo._check_periods($4, $5, 'month', 'calendar', $7);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $8, $9, $10) s;
    months := ARRAY(SELECT m.month FROM reefqbo._common_months(in_model, scope.connections, reefqbo._statements_read($2), $7, $10, scope.branches) m
                    WHERE m.month >= $4 AND m.period_end <= $5 ORDER BY m.month);
    IF months = '{}' OR cardinality(months) <> reefqbo._months_between($4, $5) THEN
        RAISE undefined_object USING
            MESSAGE = 'not every month between these dates was imported for every company',
            HINT = 'Pass the dates of one period that reefqbo.statement shows.';
    END IF;
    slots := ARRAY[ROW(1, 'amount', $7, months, NULL)::reefqbo._statement_slot];
    slots := reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, $10, scope.branches);
    IF $2 = 'balance_sheet' THEN
        months := months[cardinality(months):];
    END IF;
    RETURN QUERY
    WITH counted AS MATERIALIZED (
        SELECT n.node, n.sign
        FROM reefqbo._line_nodes($3, reefqbo._layout_name($2, by_category, scope.branches IS NULL), ARRAY(
            SELECT p.spot
            FROM reefqbo._placed(in_model, scope.connections, scope.branches, $2, by_category, scope.currency, slots, $10, true) p
            WHERE p.slot IS NULL)) n
    ), own AS MATERIALIZED (
        SELECT x.connection_id, x.account_id, x.period_start, x.home * s.sign AS home, x.amount * s.sign AS debit
        FROM reefqbo._group_amounts(in_model, scope.connections, scope.branches, $2, $7, months[1], months[cardinality(months)],
                                    scope.currency, $10) x
        LEFT JOIN reefqbo._accounts_at(in_model, scope.connections, $10) a ON a.connection_id = x.connection_id AND a.account_id = x.account_id
        CROSS JOIN LATERAL (SELECT reefqbo._debit_sign(a.account_type, coalesce(a.classification,
                                   CASE $2 WHEN 'profit_and_loss' THEN 'Expense' END)) AS sign) s
        -- not what a company brought along
        WHERE x.period_start >= x.since
    ), spot AS MATERIALIZED (
        SELECT n.*
        FROM reefqbo._nodes_of_accounts(in_model, scope.connections, $2, by_category, ARRAY(
            SELECT ROW(NULL, NULL, NULL, NULL, NULL, o.connection_id, o.account_id, NULL, NULL)::reefqbo._statement_node
            FROM (SELECT DISTINCT u.connection_id, u.account_id FROM own u) o), $10) n
    ), part AS (
        SELECT o.connection_id, o.account_id, o.period_start, sum(c.sign * n.sign * o.home) AS home, sum(c.sign * n.sign * o.debit) AS amount,
               NULL::bigint AS elimination_id
        FROM own o
        JOIN spot n ON n.connection_id = o.connection_id AND n.account_id = o.account_id
        JOIN counted c ON c.node = n.node
        GROUP BY o.connection_id, o.account_id, o.period_start
        UNION ALL
        SELECT NULL, NULL, e.month, NULL, sum(c.sign * n.sign * e.amount), e.elimination_id
        FROM reefqbo._posted_eliminations(in_model, scope.branches, $2, $7, months, $10) e
        CROSS JOIN LATERAL reefqbo._nodes_of_eliminations($2, by_category, e.variable_type, e.category, e.subcategory, e.account_type) n
        JOIN counted c ON c.node = n.node
        GROUP BY e.month, e.elimination_id
    )
    SELECT c.company_name, p.account_id, coalesce(a.name, reefqbo._words_of_line(in_model, p.account_id, $10)),
           p.period_start, c.home_currency, reefqbo._in_decimals(p.home, c.home_currency),
           -- equity is carried forward, at many rates
           CASE WHEN c.home_currency = scope.currency THEN 1 WHEN $2 = 'profit_and_loss' THEN r.average
                WHEN a.classification <> 'Equity' THEN r.closing END,
           p.elimination_id, e.memo, scope.currency::text, reefqbo._in_decimals(p.amount + 0.00, scope.currency), p.connection_id
    FROM part p
    LEFT JOIN reefqbo._companies_at(in_model, scope.connections, $10) c ON c.connection_id = p.connection_id
    LEFT JOIN reefqbo._accounts_at(in_model, scope.connections, $10) a ON a.connection_id = p.connection_id AND a.account_id = p.account_id
    LEFT JOIN reefqbo._eliminations_at(in_model, scope.branches, $10) e ON e.elimination_id = p.elimination_id
    LEFT JOIN reefqbo._rates_at(in_model, NULL, scope.currency, $10) r ON r.from_currency = c.home_currency AND r.month = p.period_start
    WHERE p.amount <> 0 OR p.home <> 0
    ORDER BY array_position(scope.connections::bigint[], p.connection_id) NULLS LAST, a.account_number COLLATE "C" NULLS LAST, 3, 2, 4, 8;
END
$$;

COMMENT ON FUNCTION reefqbo._statement_parts(text, text, text, date, date, text, text, text, boolean, timestamptz) IS
'Internal: what reefqbo.statement_parts does, without asking who calls.';

CREATE FUNCTION reefqbo.statement_parts(model text, statement text, label text, start_date date, end_date date, lines text DEFAULT 'account',
                                        accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL, company boolean DEFAULT false,
                                        as_of timestamptz DEFAULT NULL)
RETURNS TABLE (company_name text, account_id text, account_name text, month date, home_currency text, home_amount numeric, rate numeric,
               elimination_id bigint, memo text, currency text, amount numeric, connection_id bigint)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.statement_parts(text, text, text, date, date, text, text, text, boolean, timestamptz) IS
'What a cell of a profit and loss or a balance sheet is made of: the amounts of each company, account and month, and the entries of reefqbo.elimination. They sum to the cell.
Arguments: model; statement, ''profit_and_loss'' or ''balance_sheet''; label of the line, as reefqbo.statement shows it (its indentation may be left out, unless two lines differ by it alone); start_date and end_date, period_start and period_end of the cell; the others as of reefqbo.statement.
Result: a row for each account and month, and for each entry and the month it is posted in, ordered by company. home_amount: in the company''s currency; rate: what it was translated with (1: nothing was translated; NULL for equity, which is carried forward, and for computed lines); amount: in the statement''s currency, as it counts in the line, so that costs are negative in Net Income.
reefqbo.ledger_lines has the postings of an account in a month.
Errors: as of reefqbo.statement; 22023 a cash flow, which is worked out of the two others; 42704 no such line, or a month that was not imported.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.statement_parts(text, text, text, date, date, text, text, text, boolean, timestamptz)');
