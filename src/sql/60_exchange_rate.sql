-- Consolidation: exchange rates, as the user states them, and the amounts of a company in another currency.

CREATE TABLE reefqbo.exchange_rate (
    model_id bigint NOT NULL REFERENCES reefqbo.model,
    from_currency text NOT NULL,
    to_currency text NOT NULL,
    month date NOT NULL,
    closing numeric,
    average numeric,
    historical numeric,
    PRIMARY KEY (model_id, from_currency, to_currency, month),
    CONSTRAINT exchange_rate_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date),
    -- 'NaN' is greater than 'Infinity'
    CONSTRAINT exchange_rate_is_positive CHECK (closing > 0 AND average > 0 AND historical > 0
        AND greatest(closing, average, historical) < 'Infinity'),
    CONSTRAINT exchange_rate_currencies CHECK (from_currency ~ '^[A-Z]{3}$' AND to_currency ~ '^[A-Z]{3}$'
                                               AND from_currency <> to_currency)
);

COMMENT ON TABLE reefqbo.exchange_rate IS
'Rates for consolidation, as the user states them: how many to_currency one from_currency is worth. Write it with INSERT and UPDATE, or reefqbo.set_rate, and take rates away with reefqbo.remove_rate: whoever may DELETE from a table may lock it against others. A rate that is missing is an error where it is needed, never 1.';
COMMENT ON COLUMN reefqbo.exchange_rate.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.exchange_rate.from_currency IS 'ISO 4217 code of what is translated';
COMMENT ON COLUMN reefqbo.exchange_rate.to_currency IS 'ISO 4217 code of what it is translated to';
COMMENT ON COLUMN reefqbo.exchange_rate.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.exchange_rate.closing IS 'at the end of the month: translates assets and liabilities';
COMMENT ON COLUMN reefqbo.exchange_rate.average IS 'of the month: translates profit and loss';
COMMENT ON COLUMN reefqbo.exchange_rate.historical IS
'translates equity: that of the month the company came into the group, or of an earlier one, all it had by then (but for the profit of the first month that is known, which goes at its average); that of a later month, what was paid in or out in it (its average, where there is none)';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.exchange_rate', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.exchange_rate');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, from_currency, to_currency, month, closing, average, historical)', 'TABLE reefqbo.exchange_rate'),
    ('operator', 'UPDATE (model_id, from_currency, to_currency, month, closing, average, historical)', 'TABLE reefqbo.exchange_rate');

CREATE FUNCTION reefqbo._into_currency(model_id bigint, to_currency text)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_currency text := coalesce($2, (SELECT m.currency FROM reefqbo.model m WHERE m.model_id = $1));
BEGIN
    IF found_currency IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('model "%s" has no currency', (SELECT coalesce(m.title, m.name) FROM reefqbo.model m WHERE m.model_id = $1)),
            HINT = 'Set it with reefqbo.set_currency, or pass to_currency.';
    END IF;
    RETURN found_currency;
END
$$;

COMMENT ON FUNCTION reefqbo._into_currency(bigint, text) IS
'Internal: the currency that a rate is to: the one that is named, or the model''s. Error: 22023 there is neither.';

CREATE FUNCTION reefqbo._set_rate(model text, from_currency text, month date, closing numeric, average numeric,
                                  historical numeric, to_currency text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a rate needs a currency and a month';
    END IF;
    INSERT INTO reefqbo.exchange_rate AS r (model_id, from_currency, to_currency, month, closing, average, historical)
    VALUES (in_model, $2, reefqbo._into_currency(in_model, $7), date_trunc('month', $3::timestamp), $4, $5, $6)
    ON CONFLICT ON CONSTRAINT exchange_rate_pkey DO UPDATE
    SET closing = coalesce(EXCLUDED.closing, r.closing), average = coalesce(EXCLUDED.average, r.average),
        historical = coalesce(EXCLUDED.historical, r.historical);
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'this is not a rate',
            DETAIL = 'A rate is greater than 0, and turns one currency into another, each of them an ISO 4217 code.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_rate(text, text, date, numeric, numeric, numeric, text) IS 'Internal: what reefqbo.set_rate does, without asking who calls.';

CREATE FUNCTION reefqbo.set_rate(model text, from_currency text, month date, closing numeric DEFAULT NULL,
                                 average numeric DEFAULT NULL, historical numeric DEFAULT NULL, to_currency text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_rate(text, text, date, numeric, numeric, numeric, text) IS
'States rates of a currency for a month, in reefqbo.exchange_rate. Those left out stay as they are.
Arguments: model; from_currency; month, any day of it; closing, average and historical: how many to_currency one from_currency is worth; to_currency, by default the model''s (reefqbo.set_currency).
Errors: 42704 no such model; 22023 not a rate, or the model has no currency; 22004 no currency or month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_rate(text, text, date, numeric, numeric, numeric, text)');

CREATE FUNCTION reefqbo._remove_rate(model text, from_currency text, month date, to_currency text)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a rate needs a currency and a month';
    END IF;
    DELETE FROM reefqbo.exchange_rate r
    WHERE r.model_id = in_model AND r.from_currency = $2 AND r.to_currency = reefqbo._into_currency(in_model, $4)
      AND r.month = date_trunc('month', $3::timestamp);
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_rate(text, text, date, text) IS 'Internal: what reefqbo.remove_rate does, without asking who calls.';

CREATE FUNCTION reefqbo.remove_rate(model text, from_currency text, month date, to_currency text DEFAULT NULL)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.remove_rate(text, text, date, text) IS
'Takes the rates of a currency for a month away, all of them. One alone goes by an UPDATE of reefqbo.exchange_rate that makes it NULL.
Arguments: model; from_currency; month, any day of it; to_currency, by default the model''s (reefqbo.set_currency). Result: whether there were any.
Errors: 42704 no such model; 22023 the model has no currency; 22004 no currency or month.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.remove_rate(text, text, date, text)');

-- ---- in another currency ----

CREATE FUNCTION reefqbo._opening(model_id bigint, connection_id bigint, accounting_method text, currency text,
                                 as_of timestamptz, since date, OUT month date, OUT rate numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH first AS (
        SELECT min(k.period_start) AS month, greatest(min(k.period_start), $6) AS told
        FROM reefqbo._known_months($1, $2, 'balance_sheet', $3, $5) k
        WHERE k.period_start >= reefqbo._month_before($6)
    ), stated AS (
        SELECT r.month, r.rate, 1 AS rank
        FROM reefqbo._historical_rates_at($1, ARRAY[$2], $4, $5) r
        UNION ALL
        -- that of the day on which it came into the group
        SELECT r.month, r.closing, 2
        FROM first f
        CROSS JOIN reefqbo._rates_of($1, $2, $4, $5) r
        WHERE r.closing IS NOT NULL AND r.month = reefqbo._month_before($6) AND f.month <= $6
        UNION ALL
        SELECT r.month, r.historical, 3
        FROM reefqbo._rates_of($1, $2, $4, $5) r
        WHERE r.historical IS NOT NULL
    )
    SELECT CASE WHEN s.month > f.told THEN s.month ELSE f.month END, s.rate
    FROM stated s CROSS JOIN first f
    WHERE f.month IS NOT NULL
    -- the company's own before others; the last one until the first month that is known, else the first one after it
    ORDER BY s.month > f.told, s.rank, abs(s.month - f.told)
    LIMIT 1
$$;

COMMENT ON FUNCTION reefqbo._opening(bigint, bigint, text, text, timestamptz, date) IS
'Internal: the month with which a company''s equity begins in another currency, and the historical rate of all it has by its end. since: the month in which it came into the group, whose opening are the balances of the month before (IAS 21.40, IFRS 3.18).';

CREATE FUNCTION reefqbo._translated_result(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                           last_month date, currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.account_id, a.period_start, a.amount, round(a.amount * r.average, reefqbo._decimals($6))
    FROM reefqbo._company_amounts($1, $2, 'profit_and_loss', $3, $4, $5, $7) a
    LEFT JOIN reefqbo._rates_of($1, $2, $6, $7) r ON r.month = a.period_start
$$;

COMMENT ON FUNCTION reefqbo._translated_result(bigint, bigint, text, date, date, text, timestamptz) IS
'Internal: the profit and loss of a company in another currency: each amount at the average rate of its month, in cents.';

CREATE FUNCTION reefqbo._net_income(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                    last_month date, currency text, as_of timestamptz)
RETURNS TABLE (period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT t.period_start, sum(-s.sign * t.home), sum(-s.sign * t.amount)
    FROM reefqbo._translated_result($1, $2, $3, $4, $5, $6, $7) t
    JOIN reefqbo._accounts_at($1, ARRAY[$2], $7) a ON a.account_id = t.account_id
    CROSS JOIN LATERAL (SELECT reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense')) AS sign) s
    GROUP BY t.period_start
$$;

COMMENT ON FUNCTION reefqbo._net_income(bigint, bigint, text, date, date, text, timestamptz) IS
'Internal: the net income of each month of a company, in its home currency and in another.';

-- Equity is carried forward from the opening month on, month by month: what a month has earned at its average rate,
-- what was paid in or out at its historical rate, or for want of one its average. When a fiscal year is closed, its
-- profit goes to retained earnings as it was translated.
CREATE FUNCTION reefqbo._translated_equity(model_id bigint, connection_id bigint, accounting_method text, last_month date,
                                           currency text, as_of timestamptz, since date)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH opening AS MATERIALIZED (
        SELECT o.month, o.rate FROM reefqbo._opening($1, $2, $3, $5, $6, $7) o
    ), month AS MATERIALIZED (
        SELECT k.period_start, reefqbo._period_of(k.period_start, 'year', coalesce(c.fiscal_year_start_month, 1)) AS year,
               k.period_start = o.month AS is_opening,
               CASE WHEN k.period_start = o.month THEN o.rate ELSE coalesce(h.rate, r.historical, r.average) END AS rate
        FROM opening o
        CROSS JOIN LATERAL reefqbo._known_months($1, $2, 'balance_sheet', $3, $6) k
        CROSS JOIN reefqbo._companies_at($1, ARRAY[$2], $6) c
        LEFT JOIN reefqbo._rates_of($1, $2, $5, $6) r ON r.month = k.period_start
        LEFT JOIN reefqbo._historical_rates_at($1, ARRAY[$2], $5, $6) h ON h.month = k.period_start
        WHERE k.period_start BETWEEN o.month AND $4
    ), equity AS MATERIALIZED (
        SELECT a.account_id,
               CASE WHEN a.account_id = 'computed:NetIncome' THEN 'income'
                    WHEN a.account_subtype = 'RetainedEarnings' THEN 'retained'
                    ELSE 'other' END AS role
        FROM reefqbo._accounts_at($1, ARRAY[$2], $6) a
        WHERE a.classification = 'Equity' OR reefqbo._is_closing_line(a.is_computed, a.classification)
    ), balance AS (
        SELECT e.account_id, e.role, m.period_start, m.year, m.rate, coalesce(b.amount, 0) AS home,
               coalesce(b.amount, 0)
               - coalesce(lag(coalesce(b.amount, 0)) OVER (PARTITION BY e.account_id ORDER BY m.period_start), 0) AS change,
               lag(m.year) OVER (PARTITION BY e.account_id ORDER BY m.period_start) AS year_before,
               lag(coalesce(b.amount, 0)) OVER (PARTITION BY e.account_id ORDER BY m.period_start) AS home_before
        FROM equity e
        CROSS JOIN month m
        LEFT JOIN reefqbo._company_amounts($1, $2, 'balance_sheet', $3, '-infinity', $4, $6) b
            ON b.account_id = e.account_id AND b.period_start = m.period_start
    ), income AS (
        -- of the year so far, of which this month's share is known account by account
        SELECT b.account_id, b.period_start, b.year, b.year_before, b.home, b.home_before,
               coalesce(n.amount, 0)
               + round((b.home - CASE WHEN b.year = b.year_before THEN b.home_before ELSE 0 END - coalesce(n.home, 0)) * b.rate, reefqbo._decimals($5)) AS step
        FROM balance b
        LEFT JOIN reefqbo._net_income($1, $2, $3, (SELECT greatest(o.month, $7) FROM opening o), $4, $5, $6) n ON n.period_start = b.period_start
        WHERE b.role = 'income'
    ), income_to_date AS (
        SELECT i.*, sum(i.step) OVER (PARTITION BY i.year ORDER BY i.period_start) AS amount FROM income i
    ), closed AS (
        SELECT i.period_start, i.home_before AS home,
               lag(i.amount) OVER (ORDER BY i.period_start) AS amount, i.year <> i.year_before AS is_closing
        FROM income_to_date i
    ), receiver AS (
        -- of several accounts of that kind, a year's profit goes to the one that has changed by it when years ended
        SELECT b.account_id
        FROM closed c
        JOIN balance b ON b.role = 'retained' AND b.period_start = c.period_start
        WHERE c.is_closing
        GROUP BY b.account_id
        ORDER BY sum(abs(b.change - c.home)), length(b.account_id), b.account_id COLLATE "C"
        LIMIT 1
    ), carried AS (
        SELECT b.account_id, b.period_start, b.home,
               sum(round((b.change - coalesce(c.home, 0)) * b.rate, reefqbo._decimals($5)) + coalesce(c.amount, 0))
               OVER (PARTITION BY b.account_id ORDER BY b.period_start) AS amount
        FROM balance b
        LEFT JOIN receiver r ON r.account_id = b.account_id
        LEFT JOIN closed c ON r.account_id IS NOT NULL AND c.period_start = b.period_start AND c.is_closing
        WHERE b.role <> 'income'
    )
    SELECT i.account_id, i.period_start, i.home, i.amount FROM income_to_date i
    UNION ALL
    SELECT c.account_id, c.period_start, c.home, c.amount FROM carried c
$$;

COMMENT ON FUNCTION reefqbo._translated_equity(bigint, bigint, text, date, text, timestamptz, date) IS
'Internal: the equity of a company in another currency, month by month from its opening, Net Income included. since: as reefqbo._opening.';

CREATE FUNCTION reefqbo._translated_position(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                             last_month date, currency text, as_of timestamptz, since date)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH position AS MATERIALIZED (
        SELECT b.account_id, b.period_start, b.amount AS home, round(b.amount * r.closing, reefqbo._decimals($6)) AS amount,
               reefqbo._debit_sign(a.account_type, a.classification) AS sign
        FROM reefqbo._company_amounts($1, $2, 'balance_sheet', $3, $4, $5, $7) b
        JOIN reefqbo._accounts_at($1, ARRAY[$2], $7) a ON a.account_id = b.account_id
        LEFT JOIN reefqbo._rates_of($1, $2, $6, $7) r ON r.month = b.period_start
        WHERE NOT (coalesce(a.classification = 'Equity', false) OR reefqbo._is_closing_line(a.is_computed, a.classification))
        UNION ALL
        SELECT e.account_id, e.period_start, e.home, e.amount, -1
        FROM reefqbo._translated_equity($1, $2, $3, $5, $6, $7, $8) e
        WHERE e.period_start >= $4 AND (e.home <> 0 OR e.amount <> 0)
    )
    SELECT p.account_id, p.period_start, p.home, p.amount FROM position p
    UNION ALL
    -- net assets at the closing rate, less equity as it was carried forward; what is out of balance at home is none of it
    SELECT t.account_id, t.period_start, 0, t.amount
    FROM (SELECT 'computed:Translation' AS account_id, p.period_start,
                 sum(p.sign * p.amount) - round(sum(p.sign * p.home) * r.closing, reefqbo._decimals($6)) AS amount
          FROM position p
          LEFT JOIN reefqbo._rates_of($1, $2, $6, $7) r ON r.month = p.period_start
          GROUP BY p.period_start, r.closing) t
    WHERE t.amount <> 0
$$;

COMMENT ON FUNCTION reefqbo._translated_position(bigint, bigint, text, date, date, text, timestamptz, date) IS
'Internal: the balance sheet of a company in another currency: assets and liabilities at the closing rate, equity as it was carried forward, and the difference as computed:Translation, so that it balances where the company''s own does.';

CREATE FUNCTION reefqbo._translated(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                    first_month date, last_month date, currency text, as_of timestamptz, since date)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (reefqbo._home_currency_at($1, $2, $8) = $7) IS NOT FALSE THEN
        RETURN QUERY SELECT a.account_id, a.period_start, a.amount, a.amount
                     FROM reefqbo._company_amounts($1, $2, $3, $4, $5, $6, $8) a;
    ELSIF $3 = 'profit_and_loss' THEN
        RETURN QUERY SELECT * FROM reefqbo._translated_result($1, $2, $4, $5, $6, $7, $8);
    ELSE
        RETURN QUERY SELECT * FROM reefqbo._translated_position($1, $2, $4, $5, $6, $7, $8, $9);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._translated(bigint, bigint, text, text, date, date, text, timestamptz, date) IS
'Internal: the amounts of a company''s statement in its home currency and in another, NULL for its own.';
