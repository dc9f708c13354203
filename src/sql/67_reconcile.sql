-- The parts and the whole: how a consolidated statement comes about.

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
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $7, false, NULL) s;
    PERFORM reefqbo._tell_missing_months(in_model, scope.connections, reefqbo._statements_read($2), $6, $3, $4, NULL, scope.branches);
    PERFORM reefqbo._tell_unsettled_months(in_model, scope.connections, $6, $3, $4);
    slots := ARRAY(SELECT s FROM reefqbo._slots(in_model, scope.connections, $2, $6, $3, $4, $5, 1, NULL, scope.branches) s WHERE s.variant = 'amount');
    PERFORM reefqbo._slots_with_rates(in_model, scope.connections, $2, slots, scope.currency, NULL, scope.branches);
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
    ), own AS MATERIALIZED (
        -- each company by itself, once in the model's currency, and where that is another once in its own
        SELECT c.connection_id, v.is_home, f.label, f.slot, f.amount
        FROM company c
        JOIN (VALUES (true), (false)) v (is_home) ON NOT v.is_home OR c.home_currency IS DISTINCT FROM scope.currency
        CROSS JOIN LATERAL reefqbo._parts_of(in_model, c.connection_id, scope.branches, $2,
                                             CASE WHEN NOT v.is_home THEN scope.currency END, slots) f
    ), part AS (
        SELECT w.line, w.slot, format('%s (%s)', c.company_name, c.branch) AS part, c.home_currency,
               coalesce(h.amount, 0) + 0.00 AS home_amount, coalesce(t.amount, 0) + 0.00 AS amount, 1 AS rank
        FROM whole w
        CROSS JOIN company c
        LEFT JOIN own h ON h.connection_id = c.connection_id AND h.is_home = (c.home_currency IS DISTINCT FROM scope.currency) AND h.label = w.label AND h.slot = w.slot
        LEFT JOIN own t ON t.connection_id = c.connection_id AND NOT t.is_home AND t.label = w.label AND t.slot = w.slot
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
    SELECT p.label, s.line, btrim(w.label), s.part, s.home_currency, reefqbo._in_decimals(s.home_amount, s.home_currency),
           scope.currency::text, reefqbo._in_decimals(s.amount, scope.currency)
    FROM shown s
    JOIN whole w ON w.line = s.line AND w.slot = s.slot
    JOIN reefqbo._periods(in_model, scope.connections, $2, $6, $3, $4, $5, 1, NULL, scope.branches) p ON p.period = (slots[s.slot]).period
    ORDER BY p.period_start, s.line, s.rank, s.part COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._reconcile(text, text, date, date, text, text, text) IS 'Internal: what reefqbo.reconcile does, without asking who calls.';

CREATE FUNCTION reefqbo.reconcile(model text, statement text, start_date date, end_date date, frequency text DEFAULT 'month',
                                  accounting_method text DEFAULT 'Accrual', branch text DEFAULT NULL)
RETURNS TABLE (period text, line integer, label text, part text, home_currency text, home_amount numeric, currency text,
               amount numeric)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.reconcile(text, text, date, date, text, text, text) IS
'How a consolidated statement comes about: for each of its totals and computed lines, what each company is in it, in its home currency and in the model''s, the eliminations, the consolidated figure, and the difference between it and the sum of the parts, which is 0.00.
Arguments and errors: as of reefqbo.statement. Result: part, a company with its branch, Eliminations, Consolidated or Difference; home_amount is NULL but for companies.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.reconcile(text, text, date, date, text, text, text)');
