-- Consolidation: which branches and companies a statement covers, and their amounts in one currency.

-- ---- what the user states: currency, rates, eliminations, branches that are left out ----

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
'Rates for consolidation, as the user states them: how many to_currency one from_currency is worth. Write it with INSERT, UPDATE and DELETE, or reefqbo.set_rate. A rate that is missing is an error where it is needed, never 1.';
COMMENT ON COLUMN reefqbo.exchange_rate.month IS 'the first day of the month';
COMMENT ON COLUMN reefqbo.exchange_rate.closing IS 'at the end of the month: translates assets and liabilities';
COMMENT ON COLUMN reefqbo.exchange_rate.average IS 'of the month: translates profit and loss';
COMMENT ON COLUMN reefqbo.exchange_rate.historical IS
'translates equity: that of the month the company came into the group, or of an earlier one, all it had by then (but for the profit of the first month that is known, which goes at its average); that of a later month, what was paid in or out in it (its average, where there is none)';

CREATE TABLE reefqbo.elimination (
    model_id bigint NOT NULL,
    elimination_id bigint GENERATED ALWAYS AS IDENTITY,
    branch_id bigint NOT NULL,
    month date NOT NULL,
    reversed_in date,
    accounting_method text,
    amount numeric NOT NULL,
    debit_type text NOT NULL,
    debit_category text NOT NULL,
    debit_subcategory text,
    credit_type text NOT NULL,
    credit_category text NOT NULL,
    credit_subcategory text,
    memo text,
    stated_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    stated_by name NOT NULL DEFAULT current_user,
    PRIMARY KEY (model_id, elimination_id),
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT elimination_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date
        AND reversed_in = pg_catalog.date_trunc('month', reversed_in::timestamp)::date),
    CONSTRAINT elimination_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash')),
    CONSTRAINT elimination_ends_after_it_begins CHECK (reversed_in > month),
    CONSTRAINT elimination_is_an_amount CHECK (amount > '-Infinity' AND amount < 'Infinity'),
    CONSTRAINT elimination_types_are_known CHECK (
        debit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')
        AND credit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend'))
);

CREATE INDEX elimination_branch ON reefqbo.elimination (model_id, branch_id, month);

COMMENT ON TABLE reefqbo.elimination IS
'What the companies of a group have with each other, as the user states it, to be taken out of the statements of branch_id and those above: entries in the model''s currency, each of one debit and one credit of the same amount, so that nothing goes out of balance. Write it with INSERT, UPDATE and DELETE.
An entry is posted in its month. Balances keep it until reversed_in, the month in which the opposite is posted. Sales of 100 from one company to another: debit Revenue, credit COGS. A claim of 40: debit Liability, credit Asset, reversed_in when it is paid. Tax is tax expense here; tax that is owed is a Liability.';

CREATE FUNCTION reefqbo._set_currency(model text, currency text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE reefqbo.model m SET currency = $2 WHERE m.model_id = reefqbo._model_id($1);
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('"%s" is not a currency', $2),
            HINT = 'Pass an ISO 4217 code such as ''USD'', or NULL for the currency that all companies of the model have.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_currency(text, text) IS 'Internal: what reefqbo.set_currency does, without asking who calls.';

CREATE FUNCTION reefqbo.set_currency(model text, currency text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_operator';

COMMENT ON FUNCTION reefqbo.set_currency(text, text) IS
'Sets the currency that a model''s companies are consolidated in. Needed only where they have different ones.
Arguments: model; currency, an ISO 4217 code, or NULL. Errors: 42704 no such model, 22023 not a code.';

CREATE FUNCTION reefqbo._set_branch(model text, branch text, is_enabled boolean)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_branch bigint := reefqbo._branch_id(in_model, $2);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a branch and whether it is enabled are needed';
    END IF;
    UPDATE reefqbo.branch b SET is_enabled = $3 WHERE b.model_id = in_model AND b.branch_id = of_branch;
END
$$;

COMMENT ON FUNCTION reefqbo._set_branch(text, text, boolean) IS 'Internal: what reefqbo.set_branch does, without asking who calls.';

CREATE FUNCTION reefqbo.set_branch(model text, branch text, is_enabled boolean)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_operator';

COMMENT ON FUNCTION reefqbo.set_branch(text, text, boolean) IS
'Enables or disables a branch. A disabled one is left out of the statements of those above it, with all below it; it is imported all the same.
Arguments: model; branch; is_enabled. Errors: 42704 no such model or branch, 22004 no branch.';

CREATE FUNCTION reefqbo._set_rate(model text, from_currency text, month date, closing numeric, average numeric,
                                  historical numeric, to_currency text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    into_currency text := coalesce($7, (SELECT m.currency FROM reefqbo.model m WHERE m.model_id = in_model));
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a rate needs a currency and a month';
    ELSIF into_currency IS NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('model "%s" has no currency', $1),
            HINT = 'Set it with reefqbo.set_currency, or pass to_currency.';
    END IF;
    INSERT INTO reefqbo.exchange_rate AS r (model_id, from_currency, to_currency, month, closing, average, historical)
    VALUES (in_model, $2, into_currency, date_trunc('month', $3::timestamp), $4, $5, $6)
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
AS 'MODULE_PATHNAME', 'rqbo_gate_operator';

COMMENT ON FUNCTION reefqbo.set_rate(text, text, date, numeric, numeric, numeric, text) IS
'States rates of a currency for a month, in reefqbo.exchange_rate. Those left out stay as they are.
Arguments: model; from_currency; month, any day of it; closing, average and historical: how many to_currency one from_currency is worth; to_currency, by default the model''s (reefqbo.set_currency).
Errors: 42704 no such model; 22023 not a rate, or the model has no currency; 22004 no currency or month.';

-- ---- which companies ----

CREATE FUNCTION reefqbo._branches_below(model_id bigint, branch_id bigint)
RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE below AS (
        SELECT $2 AS branch_id
        UNION ALL
        SELECT b.branch_id
        FROM below u
        JOIN reefqbo.branch b ON b.model_id = $1 AND b.parent_branch_id = u.branch_id AND b.is_enabled
    )
    SELECT array_agg(u.branch_id) FROM below u
$$;

COMMENT ON FUNCTION reefqbo._branches_below(bigint, bigint) IS
'Internal: a branch and all below it but those that are disabled, and what is below them.';

CREATE FUNCTION reefqbo._companies_of(model_id bigint, branches bigint[])
RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(c.connection_id ORDER BY b.parent_branch_id NULLS FIRST, b.name COLLATE "C"), '{}')
    FROM reefqbo.connection c
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    WHERE c.model_id = $1
      AND (c.branch_id = ANY ($2)
           OR EXISTS (SELECT FROM reefqbo.account_mapping p WHERE p.model_id = c.model_id
                      AND p.connection_id = c.connection_id AND p.branch_id = ANY ($2))
           OR EXISTS (SELECT FROM reefqbo.dimension_mapping d WHERE d.model_id = c.model_id
                      AND d.connection_id = c.connection_id AND d.branch_id = ANY ($2)))
$$;

COMMENT ON FUNCTION reefqbo._companies_of(bigint, bigint[]) IS
'Internal: the connections that have anything in one of these branches: their own, that of an account, or that of a class or department.';

CREATE FUNCTION reefqbo._check_companies(model_id bigint, connections bigint[])
RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    told text;
    years integer;
BEGIN
    SELECT string_agg(quote_ident(c.company_name), ', ' ORDER BY c.company_name COLLATE "C") INTO told
    FROM reefqbo.connection c
    JOIN reefqbo.model m ON m.model_id = c.model_id AND m.purpose = 'production'
    JOIN reefqbo.environment e ON e.environment_id = c.environment_id AND e.is_sandbox
    WHERE c.model_id = $1 AND c.connection_id = ANY ($2);
    IF told IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'RQ003',
            MESSAGE = 'a sandbox company cannot be consolidated in a production model',
            DETAIL = format('These are: %s.', told),
            HINT = 'Disable its branch with reefqbo.set_branch, or remove it with reefqbo.forget_company.';
    END IF;
    SELECT count(DISTINCT coalesce(c.fiscal_year_start_month, 1)),
           string_agg(format('%s in %s', c.company_name,
                             to_char(make_date(2000, coalesce(c.fiscal_year_start_month, 1), 1), 'FMMonth')),
                      ', ' ORDER BY c.company_name COLLATE "C")
    INTO years, told
    FROM reefqbo.connection c
    WHERE c.model_id = $1 AND c.connection_id = ANY ($2);
    IF years > 1 THEN
        RAISE NOTICE USING
            MESSAGE = 'the companies have different fiscal years; they are aligned by calendar month',
            DETAIL = format('Their fiscal years begin: %s.', told);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_companies(bigint, bigint[]) IS
'Internal: whether these may be consolidated. Error: RQ003 a sandbox company in a production model. A notice says where fiscal years differ.';

CREATE FUNCTION reefqbo._currency_of(model_id bigint, connections bigint[])
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stated text := (SELECT m.currency FROM reefqbo.model m WHERE m.model_id = $1);
    currencies text[] := ARRAY(SELECT DISTINCT c.home_currency FROM reefqbo.connection c
                               WHERE c.model_id = $1 AND c.connection_id = ANY ($2) AND c.home_currency IS NOT NULL
                               ORDER BY c.home_currency);
    unknown text;
BEGIN
    IF stated IS NOT NULL OR cardinality($2) > 1 THEN
        SELECT string_agg(quote_ident(c.company_name), ', ' ORDER BY c.company_name COLLATE "C") INTO unknown
        FROM reefqbo.connection c
        WHERE c.model_id = $1 AND c.connection_id = ANY ($2) AND c.home_currency IS NULL
          AND EXISTS (SELECT FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = c.connection_id);
    END IF;
    IF unknown IS NOT NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('a company whose currency is not known cannot be consolidated: %s', unknown),
            DETAIL = format('QuickBooks has not told the home currency of: %s.', unknown),
            HINT = 'reefqbo.reconnect reads it again. Or leave its branch out with reefqbo.set_branch, or ask for its own statement with company => true.';
    ELSIF stated IS NULL AND cardinality(currencies) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the companies have different currencies: %s', array_to_string(currencies, ', ')),
            HINT = 'Choose one to consolidate in with reefqbo.set_currency, and state rates with reefqbo.set_rate.';
    END IF;
    RETURN coalesce(stated, currencies[1]);
END
$$;

COMMENT ON FUNCTION reefqbo._currency_of(bigint, bigint[]) IS
'Internal: the currency to consolidate these in: the model''s, else the one they all have. Error: 22023 they have different ones, or it is not known which.';

-- ---- amounts of one company ----

CREATE FUNCTION reefqbo._amounts_as_of(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                       first_month date, last_month date, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, period_end date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.account_id, i.period_start, i.period_end, coalesce(r.old_amount, a.amount)
    FROM reefqbo.imported_month i
    JOIN reefqbo.actual a
        ON a.model_id = i.model_id AND a.connection_id = i.connection_id AND a.statement = i.statement
       AND a.accounting_method = i.accounting_method AND a.period_start = i.period_start
    LEFT JOIN LATERAL (
        -- what it was before the first change that was not known then
        SELECT x.old_amount
        FROM reefqbo.restatement x
        WHERE x.model_id = a.model_id AND x.connection_id = a.connection_id AND x.statement = a.statement
          AND x.accounting_method = a.accounting_method AND x.period_start = a.period_start
          AND x.account_id = a.account_id AND x.restated_at > $7
        ORDER BY x.restated_at, x.restatement_id
        LIMIT 1
    ) r ON true
    WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4
      AND i.period_start BETWEEN $5 AND $6 AND i.known_since <= $7
$$;

COMMENT ON FUNCTION reefqbo._amounts_as_of(bigint, bigint, text, text, date, date, timestamptz) IS
'Internal: the amounts of a company as they were known at a moment.';

CREATE FUNCTION reefqbo._company_amounts(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                         first_month date, last_month date, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.account_id, a.period_start, a.amount
    FROM reefqbo.actual a
    WHERE $7 IS NULL AND a.model_id = $1 AND a.connection_id = $2 AND a.statement = $3 AND a.accounting_method = $4
      AND a.period_start BETWEEN $5 AND $6 AND a.amount <> 0
    UNION ALL
    -- an account of the other side since then was printed with the other sign
    SELECT x.account_id, x.period_start, x.amount * coalesce(t.sign, 1)
    FROM reefqbo._amounts_as_of($1, $2, $3, $4, $5, $6, $7) x
    LEFT JOIN (
        SELECT DISTINCT ON (h.account_id) h.account_id,
               reefqbo._debit_sign(split_part(h.old_value, ', ', 1), NULL) * reefqbo._debit_sign(a.account_type, a.classification) AS sign
        FROM reefqbo.account_change h
        JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = h.account_id
        WHERE h.model_id = $1 AND h.connection_id = $2 AND h.change = 'reclassified' AND h.old_value <> '' AND h.noticed_at > $7
        ORDER BY h.account_id, h.change_id
    ) t ON t.account_id = x.account_id
    WHERE $7 IS NOT NULL AND x.amount <> 0
$$;

COMMENT ON FUNCTION reefqbo._company_amounts(bigint, bigint, text, text, date, date, timestamptz) IS
'Internal: the amounts of a company in its home currency, with the sign QuickBooks prints (for what the account is today): those of today, or as they were known at a moment.';

CREATE FUNCTION reefqbo._known_months(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                      as_of timestamptz)
RETURNS TABLE (period_start date, period_end date, is_provisional boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT i.period_start, i.period_end, i.is_provisional
    FROM reefqbo.imported_month i
    WHERE i.model_id = $1 AND i.connection_id = $2 AND i.statement = $3 AND i.accounting_method = $4
      AND ($5 IS NULL OR i.known_since <= $5)
$$;

COMMENT ON FUNCTION reefqbo._known_months(bigint, bigint, text, text, timestamptz) IS
'Internal: the months of a company that are imported, or were at a moment.';

-- ---- in another currency ----

CREATE FUNCTION reefqbo._opening(model_id bigint, connection_id bigint, accounting_method text, currency text,
                                 as_of timestamptz, OUT month date, OUT rate numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH first AS (
        SELECT min(k.period_start) AS month FROM reefqbo._known_months($1, $2, 'balance_sheet', $3, $5) k
    ), stated AS (
        SELECT r.month, r.historical
        FROM reefqbo.exchange_rate r
        JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2 AND c.home_currency = r.from_currency
        WHERE r.model_id = $1 AND r.to_currency = $4 AND r.historical IS NOT NULL
    )
    SELECT greatest(s.month, f.month), s.historical
    FROM stated s CROSS JOIN first f
    WHERE f.month IS NOT NULL
    -- the last one until the first month that is known, else the first one after it
    ORDER BY s.month > f.month, abs(s.month - f.month)
    LIMIT 1
$$;

COMMENT ON FUNCTION reefqbo._opening(bigint, bigint, text, text, timestamptz) IS
'Internal: the month with which a company''s equity begins in another currency, and the historical rate of all it has by its end.';

CREATE FUNCTION reefqbo._missing_rate(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                      months date[], currency text, as_of timestamptz)
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH company AS (
        SELECT c.home_currency, o.month AS opening,
               (SELECT min(k.period_start) FROM reefqbo._known_months($1, $2, 'balance_sheet', $4, $7) k) AS first
        FROM reefqbo.connection c
        LEFT JOIN LATERAL reefqbo._opening($1, $2, $4, $6, $7) o ON $3 = 'balance_sheet'
        WHERE c.model_id = $1 AND c.connection_id = $2
    ), needed AS (
        SELECT m.month, CASE $3 WHEN 'balance_sheet' THEN 'closing' ELSE 'average' END AS kind
        FROM unnest($5) m (month)
        UNION
        SELECT k.period_start, 'average'
        FROM company c CROSS JOIN LATERAL reefqbo._known_months($1, $2, 'profit_and_loss', $4, $7) k
        WHERE $3 = 'balance_sheet' AND k.period_start BETWEEN c.opening AND (SELECT max(m.month) FROM unnest($5) m (month))
        UNION
        -- of the month that all it has is told of first
        SELECT c.first, 'historical'
        FROM company c
        WHERE $3 = 'balance_sheet' AND (c.opening IS NULL OR c.opening > ANY ($5))
    )
    SELECT format('there is no %s rate from %s to %s for %s', n.kind, c.home_currency, $6, to_char(n.month, 'YYYY-MM'))
    FROM needed n
    CROSS JOIN company c
    LEFT JOIN reefqbo.exchange_rate r
        ON r.model_id = $1 AND r.from_currency = c.home_currency AND r.to_currency = $6 AND r.month = n.month
    WHERE c.home_currency <> $6
      AND CASE n.kind WHEN 'closing' THEN r.closing WHEN 'average' THEN r.average END IS NULL
    ORDER BY n.kind DESC, n.month
    LIMIT 1
$$;

COMMENT ON FUNCTION reefqbo._missing_rate(bigint, bigint, text, text, date[], text, timestamptz) IS
'Internal: a rate without which months of a company cannot be shown in a currency, in words; NULL if there is none.';

CREATE FUNCTION reefqbo._translated_result(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                           last_month date, currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.account_id, a.period_start, a.amount, round(a.amount * r.average, 2)
    FROM reefqbo.connection c
    CROSS JOIN LATERAL reefqbo._company_amounts($1, $2, 'profit_and_loss', $3, $4, $5, $7) a
    LEFT JOIN reefqbo.exchange_rate r
        ON r.model_id = $1 AND r.from_currency = c.home_currency AND r.to_currency = $6 AND r.month = a.period_start
    WHERE c.model_id = $1 AND c.connection_id = $2
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
    JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = t.account_id
    CROSS JOIN LATERAL (SELECT reefqbo._debit_sign(a.account_type, coalesce(a.classification, 'Expense')) AS sign) s
    GROUP BY t.period_start
$$;

COMMENT ON FUNCTION reefqbo._net_income(bigint, bigint, text, date, date, text, timestamptz) IS
'Internal: the net income of each month of a company, in its home currency and in another.';

-- Equity is carried forward from the opening month on, month by month: what a month has earned at its average rate,
-- what was paid in or out at its historical rate, or for want of one its average. When a fiscal year is closed, its
-- profit goes to retained earnings as it was translated.
CREATE FUNCTION reefqbo._translated_equity(model_id bigint, connection_id bigint, accounting_method text, last_month date,
                                           currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH opening AS MATERIALIZED (
        SELECT o.month, o.rate FROM reefqbo._opening($1, $2, $3, $5, $6) o
    ), month AS MATERIALIZED (
        SELECT k.period_start, reefqbo._period_of(k.period_start, 'year', coalesce(c.fiscal_year_start_month, 1)) AS year,
               k.period_start = o.month AS is_opening,
               CASE WHEN k.period_start = o.month THEN o.rate ELSE coalesce(r.historical, r.average) END AS rate
        FROM opening o
        CROSS JOIN LATERAL reefqbo._known_months($1, $2, 'balance_sheet', $3, $6) k
        JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = $2
        LEFT JOIN reefqbo.exchange_rate r
            ON r.model_id = $1 AND r.from_currency = c.home_currency AND r.to_currency = $5 AND r.month = k.period_start
        WHERE k.period_start BETWEEN o.month AND $4
    ), equity AS MATERIALIZED (
        SELECT a.account_id,
               CASE WHEN a.account_id = 'computed:NetIncome' THEN 'income'
                    WHEN a.account_id = min(a.account_id) FILTER (WHERE a.account_subtype = 'RetainedEarnings') OVER () THEN 'retained'
                    ELSE 'other' END AS role
        FROM reefqbo.account a
        WHERE a.model_id = $1 AND a.connection_id = $2 AND (a.classification = 'Equity' OR a.is_computed)
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
               + round((b.home - CASE WHEN b.year = b.year_before THEN b.home_before ELSE 0 END - coalesce(n.home, 0)) * b.rate, 2) AS step
        FROM balance b
        LEFT JOIN reefqbo._net_income($1, $2, $3, (SELECT o.month FROM opening o), $4, $5, $6) n ON n.period_start = b.period_start
        WHERE b.role = 'income'
    ), income_to_date AS (
        SELECT i.*, sum(i.step) OVER (PARTITION BY i.year ORDER BY i.period_start) AS amount FROM income i
    ), closed AS (
        SELECT i.period_start, i.home_before AS home,
               lag(i.amount) OVER (ORDER BY i.period_start) AS amount, i.year <> i.year_before AS is_closing
        FROM income_to_date i
    ), carried AS (
        SELECT b.account_id, b.period_start, b.home,
               sum(round((b.change - coalesce(c.home, 0)) * b.rate, 2) + coalesce(c.amount, 0))
               OVER (PARTITION BY b.account_id ORDER BY b.period_start) AS amount
        FROM balance b
        LEFT JOIN closed c ON b.role = 'retained' AND c.period_start = b.period_start AND c.is_closing
        WHERE b.role <> 'income'
    )
    SELECT i.account_id, i.period_start, i.home, i.amount FROM income_to_date i
    UNION ALL
    SELECT c.account_id, c.period_start, c.home, c.amount FROM carried c
$$;

COMMENT ON FUNCTION reefqbo._translated_equity(bigint, bigint, text, date, text, timestamptz) IS
'Internal: the equity of a company in another currency, month by month from its opening, Net Income included.';

CREATE FUNCTION reefqbo._translated_position(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                             last_month date, currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH position AS MATERIALIZED (
        SELECT b.account_id, b.period_start, b.amount AS home, round(b.amount * r.closing, 2) AS amount,
               reefqbo._debit_sign(a.account_type, a.classification) AS sign
        FROM reefqbo.connection c
        CROSS JOIN LATERAL reefqbo._company_amounts($1, $2, 'balance_sheet', $3, $4, $5, $7) b
        JOIN reefqbo.account a ON a.model_id = $1 AND a.connection_id = $2 AND a.account_id = b.account_id
        LEFT JOIN reefqbo.exchange_rate r
            ON r.model_id = $1 AND r.from_currency = c.home_currency AND r.to_currency = $6 AND r.month = b.period_start
        WHERE c.model_id = $1 AND c.connection_id = $2
          AND NOT (coalesce(a.classification = 'Equity', false) OR a.is_computed)
        UNION ALL
        SELECT e.account_id, e.period_start, e.home, e.amount, -1
        FROM reefqbo._translated_equity($1, $2, $3, $5, $6, $7) e
        WHERE e.period_start >= $4 AND (e.home <> 0 OR e.amount <> 0)
    )
    SELECT p.account_id, p.period_start, p.home, p.amount FROM position p
    UNION ALL
    SELECT 'computed:Translation', p.period_start, 0, sum(p.sign * p.amount)
    FROM position p
    GROUP BY p.period_start
    HAVING sum(p.sign * p.amount) <> 0
$$;

COMMENT ON FUNCTION reefqbo._translated_position(bigint, bigint, text, date, date, text, timestamptz) IS
'Internal: the balance sheet of a company in another currency: assets and liabilities at the closing rate, equity as it was carried forward, and the difference as computed:Translation, so that it balances.';

CREATE FUNCTION reefqbo._translated(model_id bigint, connection_id bigint, statement text, accounting_method text,
                                    first_month date, last_month date, currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, home numeric, amount numeric)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (SELECT c.home_currency = $7 FROM reefqbo.connection c WHERE c.model_id = $1 AND c.connection_id = $2) IS NOT FALSE THEN
        RETURN QUERY SELECT a.account_id, a.period_start, a.amount, a.amount
                     FROM reefqbo._company_amounts($1, $2, $3, $4, $5, $6, $8) a;
    ELSIF $3 = 'profit_and_loss' THEN
        RETURN QUERY SELECT * FROM reefqbo._translated_result($1, $2, $4, $5, $6, $7, $8);
    ELSE
        RETURN QUERY SELECT * FROM reefqbo._translated_position($1, $2, $4, $5, $6, $7, $8);
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._translated(bigint, bigint, text, text, date, date, text, timestamptz) IS
'Internal: the amounts of a company''s statement in its home currency and in another, NULL for its own.';

-- ---- amounts of branches ----

CREATE FUNCTION reefqbo._tagged_amounts(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                        last_month date, currency text)
RETURNS TABLE (account_id text, period_start date, branch_id bigint, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.account_id, d.period_start, p.branch_id, sum(d.amount),
           sum(CASE WHEN c.home_currency = $6 OR $6 IS NULL THEN d.amount ELSE round(d.amount * r.average, 2) END)
    FROM reefqbo.connection c
    JOIN reefqbo.dimension_mapping p ON p.model_id = c.model_id AND p.connection_id = c.connection_id
    JOIN reefqbo.dimension_actual d
        ON d.model_id = p.model_id AND d.connection_id = p.connection_id AND d.dimension = p.dimension
       AND d.accounting_method = $3 AND d.value_id = p.value_id AND d.period_start BETWEEN $4 AND $5
    LEFT JOIN reefqbo.exchange_rate r
        ON r.model_id = $1 AND r.from_currency = c.home_currency AND r.to_currency = $6 AND r.month = d.period_start
    WHERE c.model_id = $1 AND c.connection_id = $2
    GROUP BY d.account_id, d.period_start, p.branch_id
$$;

COMMENT ON FUNCTION reefqbo._tagged_amounts(bigint, bigint, text, date, date, text) IS
'Internal: what of a company''s profit and loss goes to branches by its class or department.';

CREATE FUNCTION reefqbo._branch_amounts(model_id bigint, connections bigint[], branches bigint[], statement text,
                                        accounting_method text, first_month date, last_month date, currency text,
                                        as_of timestamptz)
RETURNS TABLE (connection_id bigint, account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH whole AS (
        SELECT u.connection_id, t.account_id, t.period_start, t.home, t.amount, coalesce(p.branch_id, c.branch_id) AS branch_id
        FROM unnest($2) u (connection_id)
        JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = u.connection_id
        CROSS JOIN LATERAL reefqbo._translated($1, u.connection_id, $4, $5, $6, $7, $8, $9) t
        LEFT JOIN reefqbo.account_mapping p
            ON p.model_id = $1 AND p.connection_id = u.connection_id AND p.account_id = t.account_id
    ), tagged AS MATERIALIZED (
        SELECT u.connection_id, d.*
        FROM unnest($2) u (connection_id)
        CROSS JOIN LATERAL reefqbo._tagged_amounts($1, u.connection_id, $5, $6, $7, $8) d
        WHERE $4 = 'profit_and_loss' AND $3 IS NOT NULL
    ), part AS (
        SELECT w.* FROM whole w
        UNION ALL
        SELECT t.connection_id, t.account_id, t.period_start, t.home, t.amount, t.branch_id FROM tagged t
        UNION ALL
        -- taken out of the branch of its account
        SELECT t.connection_id, t.account_id, t.period_start, -t.home, -t.amount, coalesce(p.branch_id, c.branch_id)
        FROM tagged t
        JOIN reefqbo.connection c ON c.model_id = $1 AND c.connection_id = t.connection_id
        LEFT JOIN reefqbo.account_mapping p
            ON p.model_id = $1 AND p.connection_id = t.connection_id AND p.account_id = t.account_id
    )
    SELECT p.connection_id, p.account_id, p.period_start, sum(p.home), sum(p.amount)
    FROM part p
    WHERE $3 IS NULL OR p.branch_id = ANY ($3)
    GROUP BY p.connection_id, p.account_id, p.period_start
$$;

COMMENT ON FUNCTION reefqbo._branch_amounts(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz) IS
'Internal: the amounts that belong to branches (NULL: to the companies as a whole), in the home currency and in another. An account''s amount belongs to the branch it is mapped to, else to its company''s; what a mapped class or department has of it, to that one''s. So each amount is in one branch only.';

CREATE FUNCTION reefqbo._eliminated(model_id bigint, branches bigint[], statement text, accounting_method text, months date[])
RETURNS TABLE (variable_type text, category text, subcategory text, period_start date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH posting AS (
        SELECT s.variable_type, s.category, s.subcategory, w.month, s.sign * w.sign * e.amount AS amount,
               s.variable_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Tax') AS is_result
        FROM reefqbo.elimination e
        CROSS JOIN LATERAL (VALUES (e.debit_type, e.debit_category, e.debit_subcategory, 1),
                                   (e.credit_type, e.credit_category, e.credit_subcategory, -1))
            s (variable_type, category, subcategory, sign)
        CROSS JOIN LATERAL (VALUES (e.month, 1), (e.reversed_in, -1)) w (month, sign)
        WHERE e.model_id = $1 AND e.branch_id = ANY ($2) AND coalesce(e.accounting_method = $4, true) AND w.month IS NOT NULL
    )
    SELECT p.variable_type, p.category, p.subcategory, p.month, sum(p.amount)
    FROM posting p
    WHERE $3 = 'profit_and_loss' AND p.is_result AND p.month = ANY ($5)
    GROUP BY p.variable_type, p.category, p.subcategory, p.month
    UNION ALL
    SELECT CASE WHEN p.is_result THEN 'Equity' ELSE p.variable_type END,
           CASE WHEN p.is_result THEN 'Eliminated Profit' ELSE p.category END,
           CASE WHEN p.is_result THEN NULL ELSE p.subcategory END, m.month, sum(p.amount)
    FROM unnest($5) m (month)
    JOIN posting p ON p.month <= m.month
    WHERE $3 = 'balance_sheet'
    GROUP BY 1, 2, 3, 4
    HAVING sum(p.amount) <> 0
$$;

COMMENT ON FUNCTION reefqbo._eliminated(bigint, bigint[], text, text, date[]) IS
'Internal: what eliminations add to a statement, debits positive: to the profit and loss what was posted in each month, to the balance sheet what was posted until its end; what they change of profits is in equity.';
