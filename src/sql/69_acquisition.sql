-- Groups: what companies were acquired for, what they had, and what is to be stated of it.

CREATE FUNCTION reefqbo._acquisitions(model text, accounting_method text, held_by text)
RETURNS TABLE (company_name text, branch text, month date, method text, percent numeric, currency text, cost numeric, net_assets numeric,
               owners_share numeric, non_controlling numeric, stated numeric, unexplained numeric, home_currency text, home_goodwill numeric,
               connection_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    scope record;
BEGIN
    PERFORM reefqbo._check_periods('2000-01-01', '2000-01-01', 'month', 'calendar', $2);
    SELECT s.* INTO scope FROM reefqbo._scope(in_model, $3, false, NULL) s;
    RETURN QUERY
    WITH stay AS (
        SELECT y.connection_id, y.since, y.method, h.share, c.company_name, b.name AS branch, c.home_currency,
               reefqbo._month_before(y.since) AS opening, reefqbo._decimals(scope.currency) AS decimals,
               CASE WHEN c.home_currency = scope.currency THEN 1 ELSE o.rate END AS rate
        FROM reefqbo._stays(in_model, scope.connections, scope.branches, NULL) y
        JOIN reefqbo._held(in_model, scope.connections, scope.branches, NULL) h ON h.connection_id = y.connection_id AND h.month = y.since
        JOIN reefqbo.connection c ON c.model_id = in_model AND c.connection_id = y.connection_id
        JOIN reefqbo.branch b ON b.model_id = in_model AND b.branch_id = c.branch_id
        CROSS JOIN LATERAL reefqbo._opening(in_model, y.connection_id, $2, scope.currency, NULL, y.since) o
        WHERE EXISTS (SELECT 1 FROM reefqbo._known_months(in_model, y.connection_id, 'balance_sheet', $2, NULL) k
                      WHERE k.period_start = reefqbo._month_before(y.since))
    ), acquired AS (
        SELECT s.*, i.cost, coalesce(n.both, 0) AS net_assets, round(s.share * coalesce(n.both, 0), s.decimals) AS owners_share,
               coalesce(n.others, 0) AS others, coalesce(n.owners, 0) AS stated
        FROM stay s
        CROSS JOIN LATERAL (
            SELECT sum(p.amount) FILTER (WHERE p.attributed_to = 'both') AS both, sum(p.amount) FILTER (WHERE p.attributed_to = 'owners') AS owners,
                   sum(p.amount) FILTER (WHERE p.attributed_to = 'non-controlling') AS others
            FROM reefqbo._group_parts(in_model, ARRAY[s.connection_id], scope.branches, 'balance_sheet', $2, s.opening, s.opening, scope.currency, NULL) p
            WHERE p.since = s.since AND p.kind = 'position') n
        CROSS JOIN LATERAL (
            SELECT sum(v.amount) AS cost
            FROM reefqbo._investments(in_model, ARRAY[s.connection_id], scope.branches, $2, s.opening, s.opening, scope.currency, NULL) v
            WHERE v.since = s.since) i
    )
    SELECT a.company_name, a.branch, a.since, a.method, trim_scale(a.share * 100), scope.currency::text, reefqbo._in_decimals(a.cost, scope.currency),
           reefqbo._in_decimals(a.net_assets, scope.currency), reefqbo._in_decimals(a.owners_share, scope.currency),
           CASE a.method WHEN 'full' THEN reefqbo._in_decimals(a.net_assets - a.owners_share + a.others, scope.currency) END,
           reefqbo._in_decimals(a.stated, scope.currency), reefqbo._in_decimals(a.cost - a.owners_share - a.stated, scope.currency), a.home_currency,
           reefqbo._in_decimals(round((a.cost - a.owners_share) / a.rate, reefqbo._decimals(a.home_currency)), a.home_currency), a.connection_id
    FROM acquired a
    ORDER BY a.since, a.company_name COLLATE "C", a.connection_id;
END
$$;

COMMENT ON FUNCTION reefqbo._acquisitions(text, text, text) IS 'Internal: what reefqbo.acquisitions does, without asking who calls.';

CREATE FUNCTION reefqbo.acquisitions(model text, accounting_method text DEFAULT 'Accrual', held_by text DEFAULT NULL)
RETURNS TABLE (company_name text, branch text, month date, method text, percent numeric, currency text, cost numeric, net_assets numeric,
               owners_share numeric, non_controlling numeric, stated numeric, unexplained numeric, home_currency text, home_goodwill numeric,
               connection_id bigint)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.acquisitions(text, text, text) IS
'What the companies of a group were acquired for, what they had then, and the goodwill that follows (IFRS 3.32; ASC 805-30-30-1): for each month in which one joined, if the month before was imported.
Arguments: model; accounting_method; held_by, the branch whose group it is, by default the root.
Result: month and percent, as of reefqbo.ownership; cost, what the investment account had at the end of that month, NULL where none is stated; net_assets, of the company at the end of the month before, with adjustments that are of both; owners_share of them; non_controlling, what is others'', NULL but for full consolidation; stated, the net assets by adjustments that are the owners'', such as goodwill; unexplained, what of the cost is neither: 0 when goodwill is stated; all in currency.
home_goodwill: cost less owners_share, in the company''s home_currency, which is the amount to state in reefqbo.adjustment; below 0, a bargain (IFRS 3.34).
Errors: 42704 no such model or branch, or no company; 22023 an unknown method, different currencies and none stated.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.acquisitions(text, text, text)');
