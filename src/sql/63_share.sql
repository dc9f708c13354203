-- Groups: what of its companies a group has: all of it with others' share, a part, or what the net assets have changed by.

CREATE FUNCTION reefqbo._group_parts(model_id bigint, connections bigint[], branches bigint[], statement text, accounting_method text,
                                     first_month date, last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, method text, share numeric, account_id text, period_start date, kind text,
               attributed_to text, sign integer, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH stay AS MATERIALIZED (
        SELECT y.connection_id, y.since, y.method,
               greatest($6, CASE $4 WHEN 'balance_sheet' THEN reefqbo._month_before(y.since) ELSE y.since END) AS first, least($7, y.until) AS last
        FROM reefqbo._stays($1, $2, $3, $9) y
    ), held AS MATERIALIZED (
        SELECT h.* FROM reefqbo._held($1, $2, $3, $9) h
    ), part AS (
        SELECT s.connection_id, s.since, s.method, b.account_id, b.period_start,
               CASE WHEN $4 = 'profit_and_loss' THEN 'result' WHEN b.account_id = 'computed:Translation' THEN 'translation'
                    WHEN a.account_id IS NULL OR coalesce(a.classification = 'Equity', false) OR reefqbo._is_closing_line(a.is_computed, a.classification)
                    THEN 'equity' ELSE 'position' END AS kind,
               'both' AS attributed_to, g.sign, g.sign * b.home AS home, g.sign * b.amount AS amount
        FROM stay s
        CROSS JOIN LATERAL reefqbo._branch_amounts($1, ARRAY[s.connection_id], $3, $4, $5, s.first, s.last, $8, $9, s.since) b
        LEFT JOIN reefqbo._accounts_at($1, $2, $9) a ON a.connection_id = s.connection_id AND a.account_id = b.account_id
        CROSS JOIN LATERAL (
            SELECT reefqbo._debit_sign(a.account_type, coalesce(a.classification, CASE $4 WHEN 'profit_and_loss' THEN 'Expense' END)) AS sign) g
        WHERE s.first <= s.last
        UNION ALL
        -- of no account: a balance has credits as positive
        SELECT j.connection_id, j.since, s.method, j.account_id, j.period_start, j.kind, j.attributed_to, g.sign, j.home, j.amount
        FROM (SELECT array_agg(DISTINCT e.connection_id) AS connections FROM reefqbo._adjustments_at($1, $2, $9) e
              HAVING count(*) > 0) e
        CROSS JOIN LATERAL reefqbo._adjusted($1, e.connections, $3, $4, $5, $6, $7, $8, $9) j
        JOIN stay s ON s.connection_id = j.connection_id AND s.since = j.since
        CROSS JOIN LATERAL (SELECT CASE $4 WHEN 'profit_and_loss' THEN 1 ELSE -1 END AS sign) g
    )
    SELECT p.connection_id, p.since, p.method, coalesce(h.share, 1), p.account_id, p.period_start, p.kind, p.attributed_to, p.sign, p.home, p.amount
    FROM part p
    LEFT JOIN held h ON h.connection_id = p.connection_id AND greatest(p.period_start, p.since) BETWEEN h.month AND h.until
$$;

COMMENT ON FUNCTION reefqbo._group_parts(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz) IS
'Internal: the amounts of companies while they belong to the group, and of a balance sheet those of the month before, with adjustments, debits positive; share: of the owners in that month; sign: what to print an amount with.';

CREATE FUNCTION reefqbo._share_of(attributed_to text, share numeric)
RETURNS numeric
LANGUAGE sql IMMUTABLE
RETURN CASE $1 WHEN 'both' THEN $2 WHEN 'owners' THEN 1 ELSE 0 END;

COMMENT ON FUNCTION reefqbo._share_of(text, numeric) IS 'Internal: what of an amount is the owners''.';

-- IAS 28.10: cost, and since then the share of profits, less what was paid out, and of other changes. What a share changed by before it grew
-- was of the smaller share.
CREATE FUNCTION reefqbo._associates(model_id bigint, connections bigint[], branches bigint[], accounting_method text, first_month date,
                                    last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, period_start date, home numeric, amount numeric, profit_home numeric, profit numeric,
               translation numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH stay AS MATERIALIZED (
        SELECT y.connection_id, y.since, y.until, k.month AS base, coalesce(c.fiscal_year_start_month, 1)::integer AS fiscal,
               reefqbo._decimals(c.home_currency) AS home_decimals, reefqbo._decimals(coalesce($7, c.home_currency)) AS decimals
        FROM reefqbo._stays($1, $2, $3, $8) y
        JOIN reefqbo._companies_at($1, $2, $8) c ON c.connection_id = y.connection_id
        CROSS JOIN LATERAL (
            SELECT min(k.period_start) AS month
            FROM reefqbo._known_months($1, y.connection_id, 'balance_sheet', $4, $8) k
            WHERE k.period_start >= reefqbo._month_before(y.since)) k
        WHERE y.method = 'equity' AND y.since <= $6
    ), position AS MATERIALIZED (
        SELECT s.connection_id, s.since, p.period_start, p.kind, p.attributed_to, -sum(p.home) AS home, -sum(p.amount) AS amount
        FROM stay s
        CROSS JOIN LATERAL reefqbo._group_parts($1, ARRAY[s.connection_id], $3, 'balance_sheet', $4, s.base, $6, $7, $8) p
        WHERE p.since = s.since AND p.kind IN ('equity', 'translation')
        GROUP BY s.connection_id, s.since, p.period_start, p.kind, p.attributed_to
    ), result AS MATERIALIZED (
        SELECT s.connection_id, s.since, p.period_start, p.attributed_to, p.share, -sum(p.home) AS home, -sum(p.amount) AS amount
        FROM stay s
        CROSS JOIN LATERAL reefqbo._group_parts($1, ARRAY[s.connection_id], $3, 'profit_and_loss', $4, greatest(s.since, s.base), $6, $7, $8) p
        WHERE p.since = s.since
        GROUP BY s.connection_id, s.since, p.period_start, p.attributed_to, p.share
    ), month AS MATERIALIZED (
        SELECT s.*, m.month::date AS month, coalesce(h.share, 0) AS share
        FROM stay s
        CROSS JOIN LATERAL generate_series(s.base::timestamp, least($6, s.until)::timestamp, interval '1 month') m (month)
        LEFT JOIN reefqbo._held($1, $2, $3, $8) h ON h.connection_id = s.connection_id AND greatest(m.month::date, s.since) BETWEEN h.month AND h.until
    ), balance AS (
        SELECT m.connection_id, m.since, m.month, m.base, v.kind, v.attributed_to, reefqbo._share_of(v.attributed_to, m.share) AS share,
               coalesce(p.home, 0) AS home, coalesce(p.amount, 0) AS amount
        FROM month m
        CROSS JOIN (VALUES ('equity', 'both'), ('equity', 'owners'), ('translation', 'both'), ('translation', 'owners')) v (kind, attributed_to)
        LEFT JOIN position p ON p.connection_id = m.connection_id AND p.since = m.since AND p.period_start = m.month AND p.kind = v.kind
                            AND p.attributed_to = v.attributed_to
    ), moved AS (
        -- of the month that is known first, where it is not the one before, only what it has earned is known to be of the group's time
        SELECT b.connection_id, b.since, b.month, b.kind, b.share,
               CASE WHEN b.month > b.base THEN b.home - lag(b.home) OVER w WHEN b.base >= b.since THEN coalesce(r.home, 0) ELSE 0 END AS home,
               CASE WHEN b.month > b.base THEN b.amount - lag(b.amount) OVER w
                    WHEN b.base >= b.since THEN CASE b.kind WHEN 'equity' THEN coalesce(r.amount, 0) ELSE b.amount END ELSE 0 END AS amount
        FROM balance b
        LEFT JOIN result r ON b.kind = 'equity' AND r.connection_id = b.connection_id AND r.since = b.since AND r.period_start = b.month
                          AND r.attributed_to = b.attributed_to
        WINDOW w AS (PARTITION BY b.connection_id, b.since, b.kind, b.attributed_to ORDER BY b.month)
    ), summed AS (
        SELECT m.connection_id, m.since, m.month,
               sum(sum(m.share * m.home) FILTER (WHERE m.kind = 'equity')) OVER w AS home,
               sum(sum(m.share * m.amount) FILTER (WHERE m.kind = 'equity')) OVER w AS amount,
               sum(sum(m.share * m.amount) FILTER (WHERE m.kind = 'translation')) OVER w AS translation
        FROM moved m
        GROUP BY m.connection_id, m.since, m.month
        WINDOW w AS (PARTITION BY m.connection_id, m.since ORDER BY m.month)
    ), earned AS (
        SELECT m.connection_id, m.since, m.month, sum(round(r.home, m.home_decimals)) AS home, sum(round(r.amount, m.decimals)) AS amount
        FROM month m
        JOIN (SELECT x.connection_id, x.since, x.period_start, sum(reefqbo._share_of(x.attributed_to, x.share) * x.home) AS home,
                     sum(reefqbo._share_of(x.attributed_to, x.share) * x.amount) AS amount
              FROM result x
              GROUP BY x.connection_id, x.since, x.period_start) r
            ON r.connection_id = m.connection_id AND r.since = m.since
           AND r.period_start BETWEEN reefqbo._period_of(m.month, 'year', m.fiscal) AND m.month
        GROUP BY m.connection_id, m.since, m.month
    )
    SELECT s.connection_id, s.since, s.month, round(s.home, m.home_decimals), round(s.amount, m.decimals), coalesce(e.home, 0), coalesce(e.amount, 0),
           round(s.translation, m.decimals)
    FROM summed s
    JOIN month m ON m.connection_id = s.connection_id AND m.since = s.since AND m.month = s.month
    LEFT JOIN earned e ON e.connection_id = s.connection_id AND e.since = s.since AND e.month = s.month
    WHERE s.month >= $5
$$;

COMMENT ON FUNCTION reefqbo._associates(bigint, bigint[], bigint[], text, date, date, text, timestamptz) IS
'Internal: what the group''s share of companies by the equity method has changed by since they came into it: of equity, of which the profit of the fiscal year so far, and of translation.';

-- What the holder has paid for a company is not the group's to have. What it paid when the company joined is what that was acquired for.
CREATE FUNCTION reefqbo._investments(model_id bigint, connections bigint[], branches bigint[], accounting_method text, first_month date,
                                     last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, month date, investment_connection_id bigint, investment_account_id text, home numeric,
               amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH held AS MATERIALIZED (
        SELECT y.connection_id, y.since, h.investment_connection_id, h.investment_account_id, o.home_currency = c.home_currency AS is_alike,
               greatest($5, h.month) AS first, least(greatest($6, y.since), h.until) AS last
        FROM reefqbo._stays($1, $2, $3, $8) y
        JOIN reefqbo._held($1, $2, $3, $8) h ON h.connection_id = y.connection_id AND h.month BETWEEN y.since AND y.until
        JOIN reefqbo._companies_at($1, $2, $8) c ON c.connection_id = y.connection_id
        JOIN reefqbo._companies_at($1, NULL, $8) o ON o.connection_id = h.investment_connection_id
        WHERE $7 IS NOT NULL OR o.home_currency = c.home_currency
    )
    SELECT h.connection_id, h.since, m.month, h.investment_connection_id, h.investment_account_id,
           CASE WHEN h.is_alike THEN g.sign * b.home END, g.sign * b.amount
    FROM held h
    CROSS JOIN LATERAL reefqbo._branch_amounts($1, ARRAY[h.investment_connection_id], $3, 'balance_sheet', $4, h.first, h.last, $7, $8, '-infinity') b
    JOIN LATERAL reefqbo._accounts_at($1, ARRAY[h.investment_connection_id], $8) a ON a.account_id = h.investment_account_id
    CROSS JOIN LATERAL (SELECT reefqbo._debit_sign(a.account_type, a.classification) AS sign) g
    CROSS JOIN LATERAL (SELECT b.period_start UNION ALL SELECT reefqbo._month_before(h.since) WHERE b.period_start = h.since) m (month)
    WHERE h.first <= h.last AND b.account_id = h.investment_account_id AND m.month BETWEEN $5 AND $6
$$;

COMMENT ON FUNCTION reefqbo._investments(bigint, bigint[], bigint[], text, date, date, text, timestamptz) IS
'Internal: what the holders have in the accounts of their investments in companies of the group, debits positive; with the balances that a company brought along, what they had at the end of the month in which it joined.';

-- IFRS 10.25 and B98, IAS 21.48: a gain is what was paid beyond the net assets that were the owners'; the holder's books have it beyond what
-- the investment cost. Between them is what the group has shown of the company''s profits before, and what rates had done.
CREATE FUNCTION reefqbo._disposals(model_id bigint, connections bigint[], branches bigint[], accounting_method text, first_month date,
                                   last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, month date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH disposal AS MATERIALIZED (
        SELECT y.connection_id, y.since, y.until, y.method, (y.until + interval '1 month')::date AS month,
               reefqbo._decimals(coalesce($7, c.home_currency)) AS decimals
        FROM reefqbo._stays($1, $2, $3, $8) y
        JOIN reefqbo._companies_at($1, $2, $8) c ON c.connection_id = y.connection_id
        WHERE isfinite(y.until) AND (y.until + interval '1 month')::date BETWEEN $5 AND $6
    ), sold AS (
        SELECT d.connection_id, d.since, d.month,
               -- what rates have done is a gain, or a loss, only now
               coalesce((SELECT round(sum(reefqbo._share_of(p.attributed_to, p.share) * p.amount), d.decimals)
                         FROM reefqbo._group_parts($1, ARRAY[d.connection_id], $3, 'balance_sheet', $4, d.until, d.until, $7, $8) p
                         WHERE p.since = d.since AND p.kind IN ('position', 'translation')), 0)
               - coalesce((SELECT sum(i.amount) FROM reefqbo._investments($1, ARRAY[d.connection_id], $3, $4, d.until, d.until, $7, $8) i
                           WHERE i.since = d.since), 0) AS amount
        FROM disposal d
        JOIN reefqbo._held($1, $2, $3, $8) h ON h.connection_id = d.connection_id AND d.until BETWEEN h.month AND h.until
        WHERE d.method IN ('full', 'proportional') AND h.investment_account_id IS NOT NULL
          AND EXISTS (SELECT 1 FROM reefqbo._known_months($1, d.connection_id, 'balance_sheet', $4, $8) k WHERE k.period_start = d.until)
        UNION ALL
        SELECT d.connection_id, d.since, d.month, e.amount
        FROM disposal d
        CROSS JOIN LATERAL reefqbo._associates($1, ARRAY[d.connection_id], $3, $4, d.until, d.until, $7, $8) e
        WHERE d.method = 'equity' AND e.since = d.since
    )
    SELECT s.connection_id, s.since, s.month, s.amount FROM sold s WHERE s.amount <> 0
$$;

COMMENT ON FUNCTION reefqbo._disposals(bigint, bigint[], bigint[], text, date, date, text, timestamptz) IS
'Internal: by how much the gain of a disposal, in the month after the company has left, is less than in the holder''s books: what the owners had of its net assets beyond the investment, but for translation.';

CREATE FUNCTION reefqbo._consolidated(model_id bigint, connections bigint[], branches bigint[], statement text, accounting_method text,
                                      first_month date, last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, period_start date, home numeric, amount numeric, since date)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency, reefqbo._decimals(c.home_currency) AS home_decimals,
               reefqbo._decimals(coalesce($8, c.home_currency)) AS decimals
        FROM reefqbo._companies_at($1, $2, $9) c
    ), part AS MATERIALIZED (
        SELECT p.*, reefqbo._share_of(p.attributed_to, p.share) AS weight, c.home_decimals, c.decimals
        FROM reefqbo._group_parts($1, $2, $3, $4, $5, $6, $7, $8, $9) p
        JOIN company c ON c.connection_id = p.connection_id
    ), shared AS MATERIALIZED (
        SELECT p.connection_id, p.account_id, p.period_start, p.since, p.sign, p.home_decimals, p.decimals, sum(p.weight * p.home) AS home,
               sum(p.weight * p.amount) AS amount
        FROM part p
        WHERE p.method = 'proportional'
        GROUP BY p.connection_id, p.account_id, p.period_start, p.since, p.sign, p.home_decimals, p.decimals
    ), others AS (
        -- IFRS 10.B94, IAS 21.41: others have their share of net assets and of profit, also of what rates have done to them
        SELECT p.connection_id, p.since, p.period_start,
               round(coalesce(sum((1 - p.share) * p.home) FILTER (WHERE p.attributed_to = 'both'), 0), p.home_decimals)
               + coalesce(sum(p.home) FILTER (WHERE p.attributed_to = 'non-controlling'), 0) AS home,
               round(coalesce(sum((1 - p.share) * p.amount) FILTER (WHERE p.attributed_to = 'both'), 0), p.decimals)
               + coalesce(sum(p.amount) FILTER (WHERE p.attributed_to = 'non-controlling'), 0) AS amount
        FROM part p
        WHERE p.method = 'full' AND p.kind IN ('position', 'result')
        GROUP BY p.connection_id, p.since, p.period_start, p.home_decimals, p.decimals
    ), investment AS (
        SELECT i.*
        FROM (SELECT array_agg(DISTINCT h.connection_id) AS connections FROM reefqbo._held($1, $2, $3, $9) h
              WHERE $4 = 'balance_sheet' AND h.investment_account_id IS NOT NULL HAVING count(*) > 0) h
        CROSS JOIN LATERAL reefqbo._investments($1, h.connections, $3, $5, $6, $7, $8, $9) i
    ), associate AS (
        SELECT e.*
        FROM (SELECT array_agg(DISTINCT y.connection_id) AS connections FROM reefqbo._stays($1, $2, $3, $9) y
              WHERE $4 = 'balance_sheet' AND y.method = 'equity' HAVING count(*) > 0) y
        CROSS JOIN LATERAL reefqbo._associates($1, y.connections, $3, $5, $6, $7, $8, $9) e
    )
    SELECT p.connection_id, p.account_id, p.period_start, p.sign * p.home, p.sign * p.amount, p.since
    FROM part p
    WHERE p.method = 'full'
    UNION ALL
    SELECT s.connection_id, s.account_id, s.period_start, s.sign * round(s.home, s.home_decimals), s.sign * round(s.amount, s.decimals), s.since
    FROM shared s
    UNION ALL
    -- what rounding each share has taken or added
    SELECT s.connection_id, 'computed:Rounding', s.period_start, sum(round(s.home, s.home_decimals) - s.home),
           sum(round(s.amount, s.decimals) - s.amount), s.since
    FROM shared s
    WHERE $4 = 'balance_sheet'
    GROUP BY s.connection_id, s.period_start, s.since
    UNION ALL
    SELECT o.connection_id, v.account_id, o.period_start, v.sign * o.home, v.sign * o.amount, o.since
    FROM others o
    JOIN (VALUES ('balance_sheet', 'computed:NonControlling', 1), ('balance_sheet', 'computed:NonControllingShare', -1),
                 ('profit_and_loss', 'computed:NonControllingProfit', -1), ('profit_and_loss', 'computed:OwnersProfit', 1))
        v (statement, account_id, sign) ON v.statement = $4
    WHERE o.home <> 0 OR o.amount <> 0
    UNION ALL
    SELECT i.connection_id, v.account_id, i.month, v.sign * i.home, v.sign * i.amount, i.since
    FROM investment i
    CROSS JOIN LATERAL (VALUES (format('computed:Eliminated:%s:%s', i.investment_connection_id, i.investment_account_id), 1),
                               ('computed:Investment', -1)) v (account_id, sign)
    UNION ALL
    SELECT p.connection_id, 'computed:ShareOfProfit', p.period_start, round(sum(p.weight * p.home), p.home_decimals),
           round(sum(p.weight * p.amount), p.decimals), p.since
    FROM part p
    WHERE p.method = 'equity' AND p.kind = 'result'
    GROUP BY p.connection_id, p.period_start, p.since, p.home_decimals, p.decimals
    UNION ALL
    SELECT d.connection_id, 'computed:Disposal', d.month, NULL, d.amount, d.since
    FROM (SELECT array_agg(DISTINCT y.connection_id) AS connections FROM reefqbo._stays($1, $2, $3, $9) y
          WHERE $4 = 'profit_and_loss' AND isfinite(y.until) HAVING count(*) > 0) y
    CROSS JOIN LATERAL reefqbo._disposals($1, y.connections, $3, $5, $6, $7, $8, $9) d
    UNION ALL
    SELECT a.connection_id, v.account_id, a.period_start, v.home, v.amount, a.since
    FROM associate a
    CROSS JOIN LATERAL (VALUES ('computed:Associate', -a.home, -a.amount), ('computed:AssociateEquity', a.home - a.profit_home, a.amount - a.profit),
                               ('computed:NetIncome', a.profit_home, a.profit), ('computed:AssociateTranslation', 0, -a.translation),
                               ('computed:Translation', 0, a.translation)) v (account_id, home, amount)
$$;

COMMENT ON FUNCTION reefqbo._consolidated(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz) IS
'Internal: reefqbo._group_amounts of a group of which something is stated.';

CREATE FUNCTION reefqbo._group_amounts(model_id bigint, connections bigint[], branches bigint[], statement text, accounting_method text,
                                       first_month date, last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, period_start date, home numeric, amount numeric, since date)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM reefqbo._ownership_at($1, $2, $9) o WHERE o.branch_id = ANY ($3))
       OR EXISTS (SELECT 1 FROM reefqbo._adjustments_at($1, $2, $9) e WHERE e.branch_id = ANY ($3)) THEN
        RETURN QUERY SELECT c.* FROM reefqbo._consolidated($1, $2, $3, $4, $5, $6, $7, $8, $9) c;
    ELSE
        RETURN QUERY SELECT b.*, '-infinity'::date FROM reefqbo._branch_amounts($1, $2, $3, $4, $5, $6, $7, $8, $9, '-infinity') b;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._group_amounts(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz) IS
'Internal: what a group has of its companies in the branches that it is asked about: reefqbo._branch_amounts, while they belong to it (since that month), with the share of others, by the method that is stated; of a balance sheet also the balances of the month before they joined. Lines that a statement itself computes are debits positive in the profit and loss, and credits in the balance sheet.';

CREATE FUNCTION reefqbo._group_natures(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, nature text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.connection_id, n.account_id, n.nature FROM reefqbo._natures($1, $2, $3) n
    UNION ALL
    SELECT DISTINCT p.connection_id, p.line, p.nature
    FROM reefqbo._adjustment_postings($1, $2, ARRAY(SELECT b.branch_id FROM reefqbo._branches_at($1, $3) b), NULL, $3) p
    WHERE p.nature IS NOT NULL
    UNION ALL
    -- others' share of a profit, and of net assets
    SELECT u.connection_id, v.account_id, '~Non-controlling'
    FROM unnest($2) u (connection_id)
    CROSS JOIN (VALUES ('computed:NonControllingProfit'), ('computed:NonControlling')) v (account_id)
$$;

COMMENT ON FUNCTION reefqbo._group_natures(bigint, bigint[], timestamptz) IS
'Internal: reefqbo._natures, with lines that are in no chart: adjustments, and what is others'' than the owners of the group.';

-- Of each column, which months of a company are in it: of a flow of cash both ends of the time it belonged to the group.
CREATE FUNCTION reefqbo._slot_ends(model_id bigint, connections bigint[], branches bigint[], statement text, slots reefqbo._statement_slot[],
                                   as_of timestamptz)
RETURNS TABLE (slot bigint, accounting_method text, connection_id bigint, since date, month date, is_before boolean, is_outside boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH slot AS (
        SELECT s.ordinality AS slot, s.accounting_method, s.months, s.before, s.months[cardinality(s.months)] AS last
        FROM unnest($5) WITH ORDINALITY s
    )
    SELECT s.slot, s.accounting_method, y.connection_id, y.since, m.month, m.is_before, m.is_outside
    FROM reefqbo._stays($1, $2, $3, $6) y
    CROSS JOIN slot s
    CROSS JOIN LATERAL (
        SELECT x.month, false AS is_before, false AS is_outside
        FROM unnest(CASE $4 WHEN 'profit_and_loss' THEN s.months ELSE ARRAY[s.last] END) x (month)
        -- what its disposal has brought is of the month after
        WHERE $4 <> 'cash_flow' AND x.month BETWEEN y.since AND CASE $4 WHEN 'profit_and_loss' THEN (y.until + interval '1 month')::date ELSE y.until END
        UNION ALL
        SELECT e.month, e.is_before, e.is_outside
        FROM (VALUES (greatest(s.before, reefqbo._month_before(y.since)), true, y.since > s.before),
                     (least(s.last, y.until), false, y.until < s.last)) e (month, is_before, is_outside)
        WHERE $4 = 'cash_flow' AND y.since <= s.last AND y.until >= s.before) m
$$;

COMMENT ON FUNCTION reefqbo._slot_ends(bigint, bigint[], bigint[], text, reefqbo._statement_slot[], timestamptz) IS
'Internal: the months of each company whose amounts are in a column: of the profit and loss all in which it belonged to the group, of a balance sheet the last one; of a cash_flow the balances before (is_before) and after, where is_outside those with which it has joined, or left.';
