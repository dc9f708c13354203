-- Consolidation: which branches and companies a statement covers, in which currency, and the amounts that belong to branches.

CREATE FUNCTION reefqbo._branches_below(model_id bigint, branch_id bigint, as_of timestamptz)
RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE branch AS MATERIALIZED (
        SELECT b.branch_id, b.parent_branch_id FROM reefqbo._branches_at($1, $3) b WHERE b.is_enabled
    ), below AS (
        SELECT $2 AS branch_id
        UNION ALL
        SELECT b.branch_id
        FROM below u
        JOIN branch b ON b.parent_branch_id = u.branch_id
    )
    SELECT array_agg(u.branch_id) FROM below u
$$;

COMMENT ON FUNCTION reefqbo._branches_below(bigint, bigint, timestamptz) IS
'Internal: a branch and all below it but those that are disabled, and what is below them.';

CREATE FUNCTION reefqbo._mapped_to(model_id bigint, branches bigint[], as_of timestamptz)
RETURNS TABLE (connection_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.connection_id FROM reefqbo.account_mapping p WHERE $3 IS NULL AND p.model_id = $1 AND p.branch_id = ANY ($2)
    UNION
    SELECT p.connection_id FROM reefqbo.account_mapping_history p
    WHERE p.model_id = $1 AND p.branch_id = ANY ($2) AND p.valid_from <= $3 AND p.valid_until > $3
    UNION
    SELECT d.connection_id FROM reefqbo._dimension_mappings_at($1, NULL, $3) d WHERE d.branch_id = ANY ($2)
$$;

COMMENT ON FUNCTION reefqbo._mapped_to(bigint, bigint[], timestamptz) IS
'Internal: the connections of which an account, class or department is mapped to one of these branches, or was at a moment.';

CREATE FUNCTION reefqbo._companies_of(model_id bigint, branches bigint[], as_of timestamptz)
RETURNS bigint[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(array_agg(c.connection_id ORDER BY b.parent_branch_id NULLS FIRST, b.name COLLATE "C"), '{}')
    FROM reefqbo._companies_at($1, NULL, $3) c
    JOIN reefqbo._branches_at($1, $3) b ON b.branch_id = c.branch_id
    WHERE c.branch_id = ANY ($2)
       OR c.connection_id IN (SELECT m.connection_id FROM reefqbo._mapped_to($1, $2, $3) m)
$$;

COMMENT ON FUNCTION reefqbo._companies_of(bigint, bigint[], timestamptz) IS
'Internal: the connections that have anything in one of these branches: their own, that of an account, or that of a class or department.';

CREATE FUNCTION reefqbo._check_companies(model_id bigint, connections bigint[], as_of timestamptz)
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
            DETAIL = format('These are: %s.', reefqbo._show_line(told)),
            HINT = 'Disable its branch with reefqbo.set_branch, or remove it with reefqbo.forget_company.';
    END IF;
    SELECT count(DISTINCT coalesce(c.fiscal_year_start_month, 1)),
           string_agg(format('%s in %s', c.company_name,
                             to_char(make_date(2000, coalesce(c.fiscal_year_start_month, 1), 1), 'FMMonth')),
                      ', ' ORDER BY c.company_name COLLATE "C")
    INTO years, told
    FROM reefqbo._companies_at($1, $2, $3) c;
    IF years > 1 THEN
        RAISE NOTICE USING
            MESSAGE = 'the companies have different fiscal years; they are aligned by calendar month',
            DETAIL = format('Their fiscal years begin: %s.', reefqbo._show_line(told));
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_companies(bigint, bigint[], timestamptz) IS
'Internal: whether these may be consolidated. Error: RQ003 a sandbox company in a production model. A notice says where fiscal years differ.';

CREATE FUNCTION reefqbo._currency_of(model_id bigint, connections bigint[], as_of timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    stated text := reefqbo._model_currency_at($1, $3);
    currencies text[] := ARRAY(SELECT DISTINCT c.home_currency FROM reefqbo._companies_at($1, $2, $3) c
                               WHERE c.home_currency IS NOT NULL
                               ORDER BY c.home_currency);
    unknown text;
BEGIN
    IF stated IS NOT NULL OR cardinality($2) > 1 THEN
        SELECT string_agg(quote_ident(c.company_name), ', ' ORDER BY c.company_name COLLATE "C") INTO unknown
        FROM reefqbo._companies_at($1, $2, $3) c
        WHERE c.home_currency IS NULL
          AND EXISTS (SELECT 1 FROM reefqbo.imported_month i WHERE i.model_id = $1 AND i.connection_id = c.connection_id);
    END IF;
    IF unknown IS NOT NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('a company whose currency is not known cannot be consolidated: %s', reefqbo._show_line(unknown)),
            DETAIL = format('QuickBooks has not told the home currency of: %s.', reefqbo._show_line(unknown)),
            HINT = 'reefqbo.reconnect reads it again. Or leave its branch out with reefqbo.set_branch, or ask for its own statement with company => true.';
    ELSIF stated IS NULL AND cardinality(currencies) > 1 THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the companies have different currencies: %s', reefqbo._show_line(array_to_string(currencies, ', '))),
            HINT = 'Choose one to consolidate in with reefqbo.set_currency, and state rates with reefqbo.set_rate.';
    END IF;
    RETURN coalesce(stated, currencies[1]);
END
$$;

COMMENT ON FUNCTION reefqbo._currency_of(bigint, bigint[], timestamptz) IS
'Internal: the currency to consolidate these in: the model''s, else the one they all have. Error: 22023 they have different ones, or it is not known which.';

CREATE FUNCTION reefqbo._scope(model_id bigint, branch text, company boolean, as_of timestamptz, OUT connections bigint[],
                               OUT branches bigint[], OUT currency text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $3 THEN
        connections := ARRAY[reefqbo._statement_connection($1, $2)];
        currency := reefqbo._home_currency_at($1, connections[1], $4);
        RETURN;
    END IF;
    branches := reefqbo._branches_below($1, reefqbo._branch_id_at($1, $2, $4), $4);
    connections := reefqbo._companies_of($1, branches, $4);
    IF connections = '{}' AND EXISTS (SELECT 1 FROM reefqbo._eliminations_at($1, branches, $4) e) THEN
        -- of entries alone, in the months of the companies they are about
        connections := reefqbo._companies_of($1, reefqbo._branches_below($1, reefqbo._branch_id($1, NULL), $4), $4);
    END IF;
    IF connections = '{}' THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN $2 IS NULL AND $4 IS NULL THEN 'the model has no connection in a branch that is enabled'
                           WHEN $2 IS NULL THEN 'the model had no connection in a branch that was enabled'
                           WHEN $4 IS NULL THEN format('neither branch "%s" nor any below it has a company', $2)
                           ELSE format('neither branch "%s" nor any below it had a company', $2) END,
            HINT = 'reefqbo.connect links a branch to a QuickBooks company; the view reefqbo.connection_status lists the connections.';
    END IF;
    PERFORM reefqbo._check_companies($1, connections, $4);
    currency := reefqbo._currency_of($1, connections, $4);
END
$$;

COMMENT ON FUNCTION reefqbo._scope(bigint, text, boolean, timestamptz) IS
'Internal: what a statement covers, or covered at a moment: a branch with all below it, by default the root; or the company of a branch as a whole, in its home currency, with branches NULL.
Errors: 42704 no such branch or no company; 22023 companies of different currencies; RQ003 a sandbox company in a production model.';

-- ---- amounts of branches ----

CREATE FUNCTION reefqbo._tagged_amounts(model_id bigint, connection_id bigint, accounting_method text, first_month date,
                                        last_month date, currency text, as_of timestamptz)
RETURNS TABLE (account_id text, period_start date, branch_id bigint, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT d.account_id, d.period_start, p.branch_id, sum(d.amount),
           sum(CASE WHEN c.home_currency = $6 OR $6 IS NULL THEN d.amount ELSE round(d.amount * r.average, reefqbo._decimals($6)) END)
    FROM reefqbo._companies_at($1, ARRAY[$2], $7) c
    JOIN reefqbo._dimension_mappings_at($1, ARRAY[$2], $7) p ON p.connection_id = c.connection_id
    JOIN reefqbo._parts_at($1, $2, $3, $4, $5, $7) d ON d.dimension = p.dimension AND d.value_id = p.value_id
    LEFT JOIN reefqbo._rates_of($1, $2, $6, $7) r ON r.month = d.period_start
    GROUP BY d.account_id, d.period_start, p.branch_id
$$;

COMMENT ON FUNCTION reefqbo._tagged_amounts(bigint, bigint, text, date, date, text, timestamptz) IS
'Internal: what of a company''s profit and loss goes to branches by its class or department.';

CREATE FUNCTION reefqbo._branch_amounts(model_id bigint, connections bigint[], branches bigint[], statement text,
                                        accounting_method text, first_month date, last_month date, currency text,
                                        as_of timestamptz, since date)
RETURNS TABLE (connection_id bigint, account_id text, period_start date, home numeric, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH whole AS (
        SELECT u.connection_id, t.account_id, t.period_start, t.home, t.amount, coalesce(p.branch_id, c.branch_id) AS branch_id
        FROM unnest($2) u (connection_id)
        JOIN reefqbo._companies_at($1, $2, $9) c ON c.connection_id = u.connection_id
        CROSS JOIN LATERAL reefqbo._translated($1, u.connection_id, $4, $5, $6, $7, $8, $9, $10) t
        LEFT JOIN reefqbo._mappings_at($1, $2, $9) p ON p.connection_id = u.connection_id AND p.account_id = t.account_id
    ), tagged AS MATERIALIZED (
        SELECT u.connection_id, d.*
        FROM unnest($2) u (connection_id)
        CROSS JOIN LATERAL reefqbo._tagged_amounts($1, u.connection_id, $5, $6, $7, $8, $9) d
        WHERE $4 = 'profit_and_loss' AND $3 IS NOT NULL
    ), part AS (
        SELECT w.* FROM whole w
        UNION ALL
        SELECT t.connection_id, t.account_id, t.period_start, t.home, t.amount, t.branch_id FROM tagged t
        UNION ALL
        -- taken out of the branch of its account
        SELECT t.connection_id, t.account_id, t.period_start, -t.home, -t.amount, coalesce(p.branch_id, c.branch_id)
        FROM tagged t
        JOIN reefqbo._companies_at($1, $2, $9) c ON c.connection_id = t.connection_id
        LEFT JOIN reefqbo._mappings_at($1, $2, $9) p ON p.connection_id = t.connection_id AND p.account_id = t.account_id
    )
    SELECT p.connection_id, p.account_id, p.period_start, sum(p.home), sum(p.amount)
    FROM part p
    WHERE $3 IS NULL OR p.branch_id = ANY ($3)
    GROUP BY p.connection_id, p.account_id, p.period_start
    UNION ALL
    -- what the company has in branches that are not asked for, by what it is: as equity, credits positive
    SELECT p.connection_id, 'computed:OtherBranches', p.period_start, -sum(s.sign * p.home), -sum(s.sign * p.amount)
    FROM part p
    LEFT JOIN reefqbo._accounts_at($1, $2, $9) a ON a.connection_id = p.connection_id AND a.account_id = p.account_id
    CROSS JOIN LATERAL (SELECT reefqbo._debit_sign(a.account_type, a.classification) AS sign) s
    WHERE $4 = 'balance_sheet' AND $3 IS NOT NULL AND p.branch_id <> ALL ($3)
    GROUP BY p.connection_id, p.period_start
$$;

COMMENT ON FUNCTION reefqbo._branch_amounts(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz, date) IS
'Internal: the amounts that belong to branches (NULL: to the companies as a whole), in the home currency and in another. An account''s amount belongs to the branch it is mapped to, else to its company''s; what a mapped class or department has of it, to that one''s. So each amount is in one branch only. Of a balance sheet, what the companies have in other branches is a line of its own, computed:OtherBranches. since: as reefqbo._opening.';
