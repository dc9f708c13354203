-- The columns of a statement of several companies: its periods, and what they are compared with.

CREATE TYPE reefqbo._statement_slot AS (
    period integer,
    variant text,
    accounting_method text,
    months date[],
    before date
);

COMMENT ON TYPE reefqbo._statement_slot IS
'Internal: one column of figures: of a period, in a variant (amount, previous_period, previous_year, other_method, year_to_date, previous_year_to_date, trailing_twelve_months). months: those it covers, by their first days; before: the month before them.';

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
                                       as_of timestamptz, branches bigint[])
RETURNS TABLE (month date, period_end date, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH stay AS MATERIALIZED (
        SELECT y.connection_id, y.since, y.until FROM reefqbo._stays($1, $2, $6, $5) y
    )
    SELECT k.period_start, k.period_end, bool_or(k.is_provisional)
    FROM stay c
    CROSS JOIN unnest($3) s (statement)
    CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, s.statement, $4, $5) k
    WHERE k.period_start BETWEEN c.since AND c.until
    GROUP BY k.period_start, k.period_end
    HAVING count(*) = cardinality($3) * (SELECT count(*) FROM stay y WHERE k.period_start BETWEEN y.since AND y.until)
$$;

COMMENT ON FUNCTION reefqbo._common_months(bigint, bigint[], text[], text, timestamptz, bigint[]) IS
'Internal: the months that were imported for each of these companies and statements, but for those companies that did not belong to the group of these branches then.';

CREATE FUNCTION reefqbo._months_without_opening(model_id bigint, connections bigint[], statement text, accounting_method text,
                                                as_of timestamptz, branches bigint[])
RETURNS date[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(
        SELECT y.since
        FROM reefqbo._stays($1, $2, $6, $5) y
        WHERE $3 = 'cash_flow' AND isfinite(y.since)
          AND NOT EXISTS (SELECT 1 FROM reefqbo._known_months($1, y.connection_id, 'balance_sheet', $4, $5) k
                          WHERE k.period_start = reefqbo._month_before(y.since)))
$$;

COMMENT ON FUNCTION reefqbo._months_without_opening(bigint, bigint[], text, text, timestamptz, bigint[]) IS
'Internal: the months in which a company joined of which it is not known what it brought along: of a flow of cash they cannot be told.';

CREATE FUNCTION reefqbo._tell_missing_months(model_id bigint, connections bigint[], statements text[], accounting_method text,
                                             start_date date, end_date date, as_of timestamptz, branches bigint[])
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    WITH known AS (
        SELECT c.connection_id, k.period_start
        FROM reefqbo._stays($1, $2, $8, $7) c
        CROSS JOIN unnest($3) s (statement)
        CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, s.statement, $4, $7) k
        WHERE k.period_start >= $5 AND k.period_end <= $6 AND k.period_start BETWEEN c.since AND c.until
        GROUP BY c.connection_id, k.period_start
        HAVING count(*) = cardinality($3)
    ), missing AS (
        SELECT c.connection_id, m.period_start
        FROM reefqbo._stays($1, $2, $8, $7) c
        JOIN (SELECT DISTINCT k.period_start FROM known k) m ON m.period_start BETWEEN c.since AND c.until
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
            DETAIL = format('Not imported: %s.', reefqbo._show_line(told)),
            HINT = 'Import them with reefqbo.import_actuals.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._tell_missing_months(bigint, bigint[], text[], text, date, date, timestamptz, bigint[]) IS
'Internal: a notice of the months that some of these companies have and others do not, though they belonged to the group of these branches then.';

CREATE FUNCTION reefqbo._tell_untagged_months(model_id bigint, connections bigint[], accounting_method text, start_date date,
                                              end_date date, as_of timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
BEGIN
    WITH company AS (
        SELECT DISTINCT c.connection_id, c.company_name, p.dimension
        FROM reefqbo.connection c
        JOIN reefqbo._dimension_mappings_at($1, $2, $6) p ON p.connection_id = c.connection_id
        WHERE c.model_id = $1 AND c.connection_id = ANY ($2)
    ), missing AS (
        SELECT format('%s by %s: %s months, %s to %s', c.company_name, c.dimension, count(*),
                      to_char(min(k.period_start), 'YYYY-MM'), to_char(max(k.period_start), 'YYYY-MM')) AS words
        FROM company c
        CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, 'profit_and_loss', $3, $6) k
        WHERE k.period_start >= $4 AND k.period_end <= $5
          AND NOT EXISTS (SELECT 1 FROM reefqbo.dimension_month d WHERE d.model_id = $1 AND d.connection_id = c.connection_id
                          AND d.dimension = c.dimension AND d.accounting_method = $3 AND d.period_start = k.period_start)
        GROUP BY c.connection_id, c.company_name, c.dimension
    )
    SELECT string_agg(m.words, '; ' ORDER BY m.words COLLATE "C") INTO told FROM missing m WHERE $6 IS NULL;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'months that were not imported by class or department stand in their company''s own branch as a whole',
            DETAIL = format('Not imported: %s.', reefqbo._show_line(told)),
            HINT = 'Import them with reefqbo.import_dimensions.';
    END IF;
    SELECT string_agg(DISTINCT format('%s by %s, %s', c.company_name, d.dimension, to_char(d.period_start, 'YYYY-MM')), '; ') INTO told
    FROM reefqbo.dimension_difference d
    JOIN reefqbo.connection c ON c.model_id = d.model_id AND c.connection_id = d.connection_id
    JOIN reefqbo._dimension_mappings_at($1, $2, $6) p ON p.connection_id = d.connection_id AND p.dimension = d.dimension
    WHERE $6 IS NULL AND d.model_id = $1 AND d.connection_id = ANY ($2) AND d.accounting_method = $3 AND d.period_start BETWEEN $4 AND $5;
    IF told IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'months were restated since they were imported by class or department; what has changed stands in their company''s own branch',
            DETAIL = format('These are: %s.', reefqbo._show_line(told)),
            HINT = 'Import them again with reefqbo.import_dimensions.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._tell_untagged_months(bigint, bigint[], text, date, date, timestamptz) IS
'Internal: notices of the months that are not split among branches, or not as they are now, of companies whose classes or departments are mapped to branches.';

CREATE FUNCTION reefqbo._periods(model_id bigint, connections bigint[], statement text, accounting_method text,
                                 start_date date, end_date date, frequency text, first_month integer, as_of timestamptz,
                                 branches bigint[])
RETURNS TABLE (period integer, label text, period_start date, period_end date, is_provisional boolean, months date[])
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH known AS MATERIALIZED (
        SELECT m.*, reefqbo._period_of(m.month, $7, $8) AS starts
        FROM reefqbo._common_months($1, $2, reefqbo._statements_read($3), $4, $9, $10) m
    ), part AS (
        SELECT k.starts, min(k.month) AS first, max(k.period_end) AS last, bool_or(k.is_provisional) AS is_provisional,
               array_agg(k.month ORDER BY k.month) AS months
        FROM known k
        WHERE k.month >= $5 AND k.period_end <= $6
        GROUP BY k.starts
        HAVING count(*) = reefqbo._months_between(greatest(k.starts, $5),
            least((k.starts + interval '1 month' * reefqbo._period_months($7))::date - 1, $6))
    ), untold AS MATERIALIZED (
        SELECT reefqbo._months_without_opening($1, $2, $3, $4, $9, $10) AS months
    )
    SELECT (row_number() OVER (ORDER BY p.starts))::integer,
           reefqbo._period_label(p.starts, $7, $8)
           || CASE WHEN cardinality(p.months) < reefqbo._period_months($7) THEN ' (part)' ELSE '' END, p.first, p.last,
           p.is_provisional, p.months
    FROM part p
    CROSS JOIN untold u
    -- a flow of cash is told by the balances at both its ends
    WHERE $3 <> 'cash_flow' OR (p.first - interval '1 month')::date IN (SELECT k.month FROM known k) AND NOT p.months && u.months
    ORDER BY p.starts
$$;

COMMENT ON FUNCTION reefqbo._periods(bigint, bigint[], text, text, date, date, text, integer, timestamptz, bigint[]) IS
'Internal: the periods of a statement: those parts of each month, quarter, half-year or year inside start_date to end_date of which every month was imported for every company that belonged to the group then.';

-- From the beginning of the year, or of the twelve months, until the end of a period.
CREATE FUNCTION reefqbo._months_to_date(last_month date, first_month integer)
RETURNS TABLE (variant text, months date[])
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.variant, ARRAY(SELECT g::date FROM generate_series(v.first, v.last, interval '1 month') g ORDER BY g)
    FROM (SELECT reefqbo._period_of($1, 'year', $2)::timestamp AS begins, $1::timestamp AS month) y
    CROSS JOIN LATERAL (VALUES ('year_to_date', y.begins, y.month),
                               ('previous_year_to_date', y.begins - interval '12 months', y.month - interval '12 months'),
                               ('trailing_twelve_months', y.month - interval '11 months', y.month)) v (variant, first, last)
$$;

COMMENT ON FUNCTION reefqbo._months_to_date(date, integer) IS
'Internal: the months of the year to date, of the like part of the year before, and of the last twelve months, at the end of a month. first_month: that of the year, 1 to 12.';

CREATE FUNCTION reefqbo._slots(model_id bigint, connections bigint[], statement text, accounting_method text,
                               start_date date, end_date date, frequency text, first_month integer, as_of timestamptz,
                               branches bigint[], to_date boolean DEFAULT false)
RETURNS SETOF reefqbo._statement_slot
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH method AS (
        SELECT $4 AS name, true AS is_asked
        UNION ALL
        SELECT CASE $4 WHEN 'Cash' THEN 'Accrual' ELSE 'Cash' END, false
    ), untold AS MATERIALIZED (
        SELECT d.name AS method, reefqbo._months_without_opening($1, $2, $3, d.name, $9, $10) AS months FROM method d
    ), known AS MATERIALIZED (
        SELECT d.name AS method, array_agg(m.month) AS months
        FROM method d
        CROSS JOIN LATERAL reefqbo._common_months($1, $2, reefqbo._statements_read($3), d.name, $9, $10) m
        GROUP BY d.name
    ), period AS MATERIALIZED (
        SELECT p.period, p.months FROM reefqbo._periods($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) p
    ), wanted AS (
        SELECT p.period, v.variant, d.name AS method,
               ARRAY(SELECT (m.month - v.back)::date FROM unnest(p.months) m (month) ORDER BY m.month) AS months
        FROM period p
        CROSS JOIN (VALUES ('amount', interval '0', true),
                           ('previous_period', interval '1 month' * reefqbo._period_months($7), true),
                           ('previous_year', interval '12 months', true),
                           ('other_method', interval '0', false)) v (variant, back, is_asked)
        JOIN method d ON d.is_asked = v.is_asked
        UNION ALL
        SELECT p.period, t.variant, $4, t.months
        FROM period p
        CROSS JOIN LATERAL reefqbo._months_to_date(p.months[cardinality(p.months)], $8) t
        -- a balance is that of its day
        WHERE $11 AND $3 IN ('profit_and_loss', 'cash_flow')
    )
    SELECT w.period, w.variant, w.method, w.months, b.before
    FROM wanted w
    JOIN known k ON k.method = w.method
    JOIN untold u ON u.method = w.method
    CROSS JOIN LATERAL (SELECT (w.months[1] - interval '1 month')::date AS before) b
    WHERE w.months <@ k.months AND ($3 <> 'cash_flow' OR b.before = ANY (k.months) AND NOT w.months && u.months)
$$;

COMMENT ON FUNCTION reefqbo._slots(bigint, bigint[], text, text, date, date, text, integer, timestamptz, bigint[], boolean) IS
'Internal: the columns of figures of a statement: each period, and the like months before it, a year before it, and by the other accounting method, where all of them were imported. to_date: also those until its end (reefqbo._months_to_date).';

-- Looked for once and for all columns: which rates companies lack is a short list, mostly an empty one.
CREATE FUNCTION reefqbo._lacking_rates(model_id bigint, connections bigint[], slots reefqbo._statement_slot[], currency text,
                                       as_of timestamptz)
RETURNS TABLE (connection_id bigint, accounting_method text, kind text, month date, is_known boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency, m.accounting_method
        FROM reefqbo._companies_at($1, $2, $5) c
        CROSS JOIN (SELECT DISTINCT s.accounting_method FROM unnest($3) s) m
        WHERE c.home_currency <> $4
    ), month AS (
        SELECT c.connection_id, c.accounting_method, k.period_start AS month, true AS is_known
        FROM company c
        CROSS JOIN LATERAL reefqbo._known_months($1, c.connection_id, 'profit_and_loss', c.accounting_method, $5) k
        UNION ALL
        SELECT c.connection_id, c.accounting_method, m.month, false
        FROM company c
        JOIN (SELECT DISTINCT s.accounting_method, u.month FROM unnest($3) s CROSS JOIN LATERAL unnest(s.months || s.before) u (month)) m
            ON m.accounting_method = c.accounting_method
    )
    SELECT m.connection_id, m.accounting_method, k.kind, m.month, bool_or(m.is_known)
    FROM month m
    JOIN company c ON c.connection_id = m.connection_id AND c.accounting_method = m.accounting_method
    LEFT JOIN reefqbo._rates_at($1, NULL, $4, $5) r ON r.from_currency = c.home_currency AND r.month = m.month
    JOIN (VALUES ('closing'), ('average')) k (kind) ON CASE k.kind WHEN 'closing' THEN r.closing ELSE r.average END IS NULL
    GROUP BY m.connection_id, m.accounting_method, k.kind, m.month
$$;

COMMENT ON FUNCTION reefqbo._lacking_rates(bigint, bigint[], reefqbo._statement_slot[], text, timestamptz) IS
'Internal: the closing and average rates that companies in other currencies do not have, of the months of columns, and of those whose profit and loss is imported (is_known).';

CREATE FUNCTION reefqbo._missing_rates(model_id bigint, connections bigint[], statement text, slots reefqbo._statement_slot[],
                                       currency text, as_of timestamptz, branches bigint[])
RETURNS TABLE (slot bigint, missing text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH slot AS MATERIALIZED (
        SELECT s.ordinality AS slot, s.accounting_method, s.months, s.months[cardinality(s.months)] AS last,
               CASE $3 WHEN 'cash_flow' THEN s.before ELSE s.months[cardinality(s.months)] END AS first
        FROM unnest($4) WITH ORDINALITY s
    ), lacking AS MATERIALIZED (
        SELECT l.* FROM reefqbo._lacking_rates($1, $2, $4, $5, $6) l
    ), company AS MATERIALIZED (
        SELECT c.connection_id, c.home_currency, coalesce(c.fiscal_year_start_month, 1)::integer AS first_month, m.accounting_method,
               y.since, y.until, o.month AS opening,
               CASE WHEN o.month IS NULL OR o.month > greatest(m.first, reefqbo._month_before(y.since)) THEN
                   (SELECT min(k.period_start) FROM reefqbo._known_months($1, c.connection_id, 'balance_sheet', m.accounting_method, $6) k
                    WHERE k.period_start >= reefqbo._month_before(y.since)) END AS known_first
        FROM reefqbo._stays($1, $2, $7, $6) y
        JOIN reefqbo._companies_at($1, $2, $6) c ON c.connection_id = y.connection_id AND c.home_currency <> $5
        CROSS JOIN (SELECT s.accounting_method, min(s.first) AS first FROM slot s GROUP BY s.accounting_method) m
        LEFT JOIN LATERAL reefqbo._opening($1, c.connection_id, m.accounting_method, $5, $6, y.since) o ON $3 <> 'profit_and_loss'
    ), needed AS (
        -- of the balances
        SELECT s.slot, l.connection_id, 'balance_sheet' AS statement, l.kind, l.month
        FROM slot s
        JOIN lacking l ON l.accounting_method = s.accounting_method AND l.kind = 'closing'
        JOIN company c ON c.connection_id = l.connection_id AND c.accounting_method = l.accounting_method
                      AND c.since <= s.last AND c.until >= s.first
                      AND l.month IN (greatest(s.first, reefqbo._month_before(c.since)), least(s.last, c.until))
        WHERE $3 <> 'profit_and_loss'
        UNION ALL
        -- of equity, which is carried forward
        SELECT s.slot, l.connection_id, 'balance_sheet', l.kind, l.month
        FROM slot s
        JOIN lacking l ON l.accounting_method = s.accounting_method AND l.kind = 'average' AND l.is_known
        JOIN company c ON c.connection_id = l.connection_id AND c.accounting_method = l.accounting_method
        WHERE $3 <> 'profit_and_loss' AND c.until >= s.first AND l.month BETWEEN greatest(c.opening, c.since) AND least(s.last, c.until)
        UNION ALL
        -- and of the month that all it has is told of first
        SELECT s.slot, c.connection_id, 'balance_sheet', 'historical', c.known_first
        FROM slot s
        JOIN company c ON c.accounting_method = s.accounting_method
        WHERE $3 <> 'profit_and_loss' AND c.known_first IS NOT NULL AND c.since <= s.last AND c.until >= s.first
          AND (c.opening IS NULL OR c.opening > greatest(s.first, reefqbo._month_before(c.since)))
        UNION ALL
        -- of movements: of a trial balance, those of the fiscal year so far
        SELECT s.slot, l.connection_id, 'profit_and_loss', l.kind, l.month
        FROM slot s
        JOIN lacking l ON l.accounting_method = s.accounting_method AND l.kind = 'average'
        JOIN company c ON c.connection_id = l.connection_id AND c.accounting_method = l.accounting_method
        WHERE l.month BETWEEN c.since AND c.until AND
              CASE $3 WHEN 'trial_balance' THEN l.is_known AND l.month BETWEEN reefqbo._period_of(s.last, 'year', c.first_month) AND s.last
                      WHEN 'balance_sheet' THEN false ELSE l.month = ANY (s.months) END
        UNION ALL
        -- of the gain of a disposal, the balances before it
        SELECT s.slot, l.connection_id, 'profit_and_loss', l.kind, l.month
        FROM slot s
        JOIN lacking l ON l.accounting_method = s.accounting_method
        JOIN company c ON c.connection_id = l.connection_id AND c.accounting_method = l.accounting_method
        WHERE $3 <> 'balance_sheet' AND (c.until + interval '1 month')::date = ANY (s.months)
          AND CASE l.kind WHEN 'closing' THEN l.month = c.until ELSE l.month BETWEEN greatest(c.opening, c.since) AND c.until END
    ), told AS (
        SELECT DISTINCT ON (n.slot, n.connection_id, n.statement) n.slot, n.connection_id, n.kind, n.month
        FROM needed n
        ORDER BY n.slot, n.connection_id, n.statement, n.kind DESC, n.month
    )
    SELECT t.slot, min(format('there is no %s rate from %s to %s for %s', t.kind, c.home_currency, $5, to_char(t.month, 'YYYY-MM')))
    FROM told t
    JOIN reefqbo._companies_at($1, $2, $6) c ON c.connection_id = t.connection_id
    GROUP BY t.slot
$$;

COMMENT ON FUNCTION reefqbo._missing_rates(bigint, bigint[], text, reefqbo._statement_slot[], text, timestamptz, bigint[]) IS
'Internal: the columns of a statement that cannot be shown for want of a rate, and one that is missing, in words.';

CREATE FUNCTION reefqbo._slots_with_rates(model_id bigint, connections bigint[], statement text, slots reefqbo._statement_slot[],
                                          currency text, as_of timestamptz, branches bigint[])
RETURNS reefqbo._statement_slot[]
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unusable bigint[];
    told text;
BEGIN
    PERFORM 1 FROM reefqbo._companies_at($1, $2, $6) c WHERE c.home_currency <> $5 LIMIT 1;
    IF NOT FOUND THEN
        RETURN $4;
    END IF;
    SELECT array_agg(m.slot), (array_agg(m.missing ORDER BY m.slot) FILTER (WHERE ($4)[m.slot].variant = 'amount'))[1] INTO unusable, told
    FROM reefqbo._missing_rates($1, $2, $3, $4, $5, $6, $7) m;
    IF told IS NOT NULL THEN
        RAISE undefined_object USING
            MESSAGE = reefqbo._show_line(told),
            HINT = 'State it with reefqbo.set_rate, or ask for other months.';
    END IF;
    RETURN ARRAY(SELECT ROW(s.period, s.variant, s.accounting_method, s.months, s.before)::reefqbo._statement_slot
                 FROM unnest($4) WITH ORDINALITY s
                 WHERE s.ordinality <> ALL (coalesce(unusable, '{}'))
                 ORDER BY s.ordinality);
END
$$;

COMMENT ON FUNCTION reefqbo._slots_with_rates(bigint, bigint[], text, reefqbo._statement_slot[], text, timestamptz, bigint[]) IS
'Internal: those columns for which there are rates. Error: 42704 one is missing for a column that was asked for.';

-- A month is the one before another, and the year before a third: it is worked out once.
CREATE FUNCTION reefqbo._distinct_slots(slots reefqbo._statement_slot[])
RETURNS reefqbo._statement_slot[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT ROW(min(s.period), NULL, s.accounting_method, s.months, s.before)::reefqbo._statement_slot
                 FROM unnest($1) s
                 GROUP BY s.accounting_method, s.months, s.before
                 ORDER BY s.accounting_method, s.months)
$$;

COMMENT ON FUNCTION reefqbo._distinct_slots(reefqbo._statement_slot[]) IS
'Internal: the columns of figures that differ, whatever they are shown as.';

CREATE FUNCTION reefqbo._slots_shown(slots reefqbo._statement_slot[], columns reefqbo._statement_slot[])
RETURNS TABLE (period integer, variant text, slot bigint)
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.period, s.variant, d.ordinality
    FROM unnest($1) s
    JOIN unnest($2) WITH ORDINALITY d ON d.accounting_method = s.accounting_method AND d.months = s.months
$$;

COMMENT ON FUNCTION reefqbo._slots_shown(reefqbo._statement_slot[], reefqbo._statement_slot[]) IS
'Internal: of which period, and as what, each column of reefqbo._distinct_slots (the second argument) is shown.';
