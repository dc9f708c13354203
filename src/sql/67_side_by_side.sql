-- The companies of a consolidated statement side by side, line by line, with the eliminations and the total.

-- What a node of a statement is called whether one company is asked about or several.
CREATE FUNCTION reefqbo._shared_node(spot reefqbo._statement_node)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN ($1).connection_id IS NULL THEN ($1).node
            ELSE concat_ws(':', ($1).connection_id::text, coalesce(($1).account_id, ($1).section)) END;

COMMENT ON FUNCTION reefqbo._shared_node(reefqbo._statement_node) IS
'Internal: a name of a node that a statement of one company and one of several have in common.';

CREATE FUNCTION reefqbo._amounts_of_part(model_id bigint, connection_id bigint, branches bigint[], statement text, by_category boolean,
                                         currency text, slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (slot bigint, node text, section text, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH placed AS MATERIALIZED (
        SELECT p.*
        FROM reefqbo._placed($1, CASE WHEN $2 IS NULL THEN '{}' ELSE ARRAY[$2] END, $3, $4, $5, $6, $7, $8, $2 IS NULL) p
    )
    SELECT a.slot, reefqbo._shared_node(n.spot), (n.spot).section, a.amount
    FROM placed a
    JOIN placed n ON n.slot IS NULL AND n.node = a.node
    WHERE a.slot IS NOT NULL AND a.amount <> 0
$$;

COMMENT ON FUNCTION reefqbo._amounts_of_part(bigint, bigint, bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz) IS
'Internal: what one company, or (NULL) the eliminations alone, have at each node of a statement.';

CREATE FUNCTION reefqbo._side_by_side(model_id bigint, connections bigint[], branches bigint[], statement text, by_category boolean,
                                      currency text, slots reefqbo._statement_slot[], as_of timestamptz)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text, slot bigint, connection_id bigint,
               amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH spot AS MATERIALIZED (
        SELECT p.spot FROM reefqbo._placed($1, $2, $3, $4, $5, $6, $7, $8, true) p WHERE p.slot IS NULL
    ), line AS MATERIALIZED (
        SELECT l.* FROM reefqbo._statement_lines(reefqbo._layout_name($4, $5, false), ARRAY(SELECT s.spot FROM spot s)) l
    ), counted AS MATERIALIZED (
        SELECT l.line, reefqbo._shared_node(s.spot) AS node, u.sign
        FROM line l
        CROSS JOIN LATERAL (SELECT unnest(l.adds), 1 UNION ALL SELECT unnest(l.subtracts), -1) u (node, sign)
        JOIN spot s ON (s.spot).node = u.node
        WHERE l.add_sections IS NULL
    ), part AS MATERIALIZED (
        SELECT c.connection_id, a.slot, a.node, a.section, a.amount
        FROM (SELECT unnest($2) UNION ALL SELECT NULL) c (connection_id)
        CROSS JOIN LATERAL reefqbo._amounts_of_part($1, c.connection_id, $3, $4, $5, $6, $7, $8) a
    ), figure AS (
        SELECT n.line, p.slot, coalesce(p.connection_id, 0) AS connection_id, sum(n.sign * p.amount) AS amount
        FROM counted n
        JOIN part p ON p.node = n.node
        GROUP BY n.line, p.slot, p.connection_id
        UNION ALL
        -- totals have also what companies take from each other, which no line of the whole shows
        SELECT l.line, p.slot, coalesce(p.connection_id, 0), sum(u.sign * p.amount)
        FROM line l
        CROSS JOIN LATERAL (SELECT unnest(l.add_sections), 1 UNION ALL SELECT unnest(l.subtract_sections), -1) u (section, sign)
        JOIN part p ON p.section = u.section
        GROUP BY l.line, p.slot, p.connection_id
    )
    SELECT l.line, l.depth, l.label, l.kind, l.section, l.account_id, s.slot, c.connection_id,
           CASE WHEN l.kind <> 'section' THEN coalesce(f.amount, 0) + 0.00 END
    FROM line l
    CROSS JOIN generate_series(1, cardinality($7)) s (slot)
    CROSS JOIN (SELECT unnest($2) UNION ALL SELECT 0) c (connection_id)
    LEFT JOIN figure f ON f.line = l.line AND f.slot = s.slot AND f.connection_id = c.connection_id
$$;

COMMENT ON FUNCTION reefqbo._side_by_side(bigint, bigint[], bigint[], text, boolean, text, reefqbo._statement_slot[], timestamptz) IS
'Internal: the lines of a statement, and in each column what each company is in them; with the key 0, the eliminations.';

CREATE FUNCTION reefqbo._statement_by_company(model text, statement text, start_date date, end_date date, frequency text, lines text, year text,
                                              accounting_method text, branch text, as_of timestamptz)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text, period text, period_start date,
               period_end date, part text, currency text, amount numeric, connection_id bigint)
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
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $9, false, $10) s;
    first_month := CASE $7 WHEN 'fiscal' THEN reefqbo._fiscal_month(in_model, scope.connections, $10) ELSE 1 END;
    PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read($2), $8, $3, $4, $10, scope.branches);
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $10, scope.branches) s WHERE s.variant = 'amount');
    slots := reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, $10, scope.branches);
    RETURN QUERY
    WITH whole AS MATERIALIZED (
        SELECT f.line, f.slot, f.amount
        FROM reefqbo._figures(in_model, scope.connections, scope.branches, $2, $6 = 'category', scope.currency, slots, $10, true) f
    ), figure AS MATERIALIZED (
        SELECT f.*, format('%s (%s)', c.company_name, b.name) AS part, array_position(scope.connections::bigint[], f.connection_id) AS rank
        FROM reefqbo._side_by_side(in_model, scope.connections, scope.branches, $2, $6 = 'category', scope.currency, slots, $10) f
        LEFT JOIN reefqbo._companies_at(in_model, scope.connections, $10) c ON c.connection_id = f.connection_id
        LEFT JOIN reefqbo._branches_at(in_model, $10) b ON b.branch_id = c.branch_id
    ), summed AS (
        SELECT f.line, f.depth, f.label, f.kind, f.section, f.account_id, f.slot, sum(f.amount) AS amount
        FROM figure f
        GROUP BY f.line, f.depth, f.label, f.kind, f.section, f.account_id, f.slot
    ), shown AS (
        SELECT f.line, f.depth, f.label, f.kind, f.section, f.account_id, f.slot, f.connection_id, f.amount, f.rank,
               CASE f.connection_id WHEN 0 THEN 'Eliminations' ELSE f.part END AS part
        FROM figure f
        UNION ALL
        SELECT s.line, s.depth, s.label, s.kind, s.section, s.account_id, s.slot, NULL, s.amount, 1000000000, 'Total'
        FROM summed s
        JOIN whole w ON w.line = s.line AND w.slot = s.slot
        WHERE reefqbo._check_sum($2, s.amount, w.amount)
    )
    SELECT s.line, s.depth, s.label, s.kind, s.section, s.account_id, p.label, p.period_start, p.period_end, s.part,
           scope.currency::text, reefqbo._in_decimals(s.amount, scope.currency), nullif(s.connection_id, 0)
    FROM shown s
    JOIN reefqbo._periods(in_model, scope.connections, $2, $8, $3, $4, $5, first_month, $10, scope.branches) p ON p.period = (slots[s.slot]).period
    ORDER BY p.period_start, s.line, coalesce(s.rank, 999999999);
END
$$;

COMMENT ON FUNCTION reefqbo._statement_by_company(text, text, date, date, text, text, text, text, text, timestamptz) IS
'Internal: what reefqbo.statement_by_company does, without asking who calls.';

CREATE FUNCTION reefqbo.statement_by_company(model text, statement text, start_date date, end_date date, frequency text DEFAULT 'month',
                                             lines text DEFAULT 'category', year text DEFAULT 'calendar',
                                             accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL,
                                             as_of timestamptz DEFAULT NULL)
RETURNS TABLE (line integer, depth integer, label text, kind text, section text, account_id text, period text, period_start date,
               period_end date, part text, currency text, amount numeric, connection_id bigint)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.statement_by_company(text, text, date, date, text, text, text, text, text, timestamptz) IS
E'A consolidated statement with its companies side by side: for each line what each company is in it, the eliminations, and the total, which is the figure of reefqbo.statement. psql''s \\crosstabview makes a table of it:
    SELECT label, part, amount FROM reefqbo.statement_by_company(''Acme'', ''cash_flow'', ''2026-09-01'', ''2026-09-30'')
Arguments: as of reefqbo.statement; lines, by default ''category'', whose lines companies have in common.
Result: a row for each period, line and part, ordered by them: part, a company with its branch, Eliminations or Total; amount, in the statement''s currency; connection_id, that of a company.
Errors: as of reefqbo.statement; RQ007 the parts do not add up to the total, which is a fault of reefqbo.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.statement_by_company(text, text, date, date, text, text, text, text, text, timestamptz)');
