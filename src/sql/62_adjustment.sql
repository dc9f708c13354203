-- Groups: fair-value adjustments, goodwill and the like, as entries in the currency of a company.

CREATE TABLE reefqbo.adjustment (
    model_id bigint NOT NULL,
    adjustment_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
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
    debit_account_type text,
    credit_account_type text,
    attributed_to text NOT NULL DEFAULT 'both',
    memo text,
    stated_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    stated_by name NOT NULL DEFAULT current_user,
    PRIMARY KEY (model_id, adjustment_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT adjustment_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date
        AND reversed_in = pg_catalog.date_trunc('month', reversed_in::timestamp)::date),
    CONSTRAINT adjustment_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash')),
    CONSTRAINT adjustment_ends_after_it_begins CHECK (reversed_in > month),
    CONSTRAINT adjustment_is_an_amount CHECK (amount > '-Infinity' AND amount < 'Infinity'),
    CONSTRAINT adjustment_owners_are_known CHECK (attributed_to IN ('both', 'owners', 'non-controlling')),
    CONSTRAINT adjustment_types_are_known CHECK (
        debit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')
        AND credit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')),
    CONSTRAINT adjustment_account_types_fit CHECK (
        (debit_account_type IS NULL OR debit_account_type = ANY (reefqbo._account_types_of(debit_type)))
        AND (credit_account_type IS NULL OR credit_account_type = ANY (reefqbo._account_types_of(credit_type))))
);

CREATE INDEX adjustment_connection ON reefqbo.adjustment (model_id, connection_id, month);

COMMENT ON TABLE reefqbo.adjustment IS
'What a group adds to the books of one of its companies: fair values and goodwill of its acquisition, what is written off of them, entries of other accounting policies. Entries in the company''s own currency, each of one debit and one credit of the same amount, in the statements of branch_id and those above: assets and liabilities at the closing rate (IAS 21.47; ASC 830-30-45-10 and 45-11), profit at the average rate, equity at the historical one. Write it with INSERT and UPDATE, and take entries away with reefqbo.remove_adjustment.
An entry of the month before the company joins, or of an earlier one, is part of what it brings along. Goodwill of 300: debit Asset, debit_account_type Other Asset, credit Equity, attributed_to owners. A building worth 50 more: debit Asset, Fixed Asset, credit Equity; and each year debit Opex, credit Asset, Fixed Asset.';
COMMENT ON COLUMN reefqbo.adjustment.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.adjustment.adjustment_id IS 'the entry';
COMMENT ON COLUMN reefqbo.adjustment.connection_id IS 'the company, by its connection';
COMMENT ON COLUMN reefqbo.adjustment.branch_id IS 'the branch in whose statements, and those above, it counts';
COMMENT ON COLUMN reefqbo.adjustment.month IS 'first day of the month it is posted in';
COMMENT ON COLUMN reefqbo.adjustment.reversed_in IS 'first day of the month the opposite is posted in, or NULL';
COMMENT ON COLUMN reefqbo.adjustment.accounting_method IS 'Accrual or Cash; NULL: in statements by either';
COMMENT ON COLUMN reefqbo.adjustment.amount IS 'in the company''s home currency; debit and credit alike';
COMMENT ON COLUMN reefqbo.adjustment.debit_type IS 'variable type that is debited';
COMMENT ON COLUMN reefqbo.adjustment.debit_category IS 'its category, which is what its line is called';
COMMENT ON COLUMN reefqbo.adjustment.debit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.adjustment.credit_type IS 'variable type that is credited';
COMMENT ON COLUMN reefqbo.adjustment.credit_category IS 'its category, which is what its line is called';
COMMENT ON COLUMN reefqbo.adjustment.credit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.adjustment.debit_account_type IS 'QuickBooks'' account type among whose accounts the debit stands; NULL: as of reefqbo.elimination';
COMMENT ON COLUMN reefqbo.adjustment.credit_account_type IS 'the same of the credit';
COMMENT ON COLUMN reefqbo.adjustment.attributed_to IS 'whose it is: both, by the percentage of each; owners, such as goodwill that is theirs alone; non-controlling';
COMMENT ON COLUMN reefqbo.adjustment.memo IS 'what it is about';
COMMENT ON COLUMN reefqbo.adjustment.stated_at IS 'when it was stated as it is; what is written here does not count';
COMMENT ON COLUMN reefqbo.adjustment.stated_by IS 'by which role; what is written here does not count';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.adjustment', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.adjustment_adjustment_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.adjustment');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, connection_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, debit_subcategory, credit_type, credit_category, credit_subcategory, debit_account_type, credit_account_type, attributed_to, memo, stated_at, stated_by)', 'TABLE reefqbo.adjustment'),
    ('operator', 'UPDATE (model_id, connection_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, debit_subcategory, credit_type, credit_category, credit_subcategory, debit_account_type, credit_account_type, attributed_to, memo, stated_at, stated_by)', 'TABLE reefqbo.adjustment');

CREATE TRIGGER sign_adjustment BEFORE INSERT OR UPDATE ON reefqbo.adjustment
FOR EACH ROW EXECUTE FUNCTION reefqbo._sign('stated');

COMMENT ON TRIGGER sign_adjustment ON reefqbo.adjustment IS 'who has stated it, and when, is not the writer''s to say';

-- What is restored, and what the owner writes, is taken as it comes.
CREATE FUNCTION reefqbo._check_adjustment()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    its_currency text;
BEGIN
    IF reefqbo._may_write_history(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT c.home_currency INTO its_currency FROM reefqbo.connection c
    WHERE c.model_id = NEW.model_id AND c.connection_id = NEW.connection_id;
    IF its_currency IS NOT NULL AND NEW.amount <> round(NEW.amount, reefqbo._decimals(its_currency)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('%s is not an amount in %s', NEW.amount, its_currency),
            DETAIL = format('The currency has %s decimals.', reefqbo._decimals(its_currency)),
            HINT = 'An adjustment is in the home currency of its company.';
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION reefqbo._check_adjustment() IS 'Internal: trigger function: 22023 for an amount that the company''s currency has not.';

CREATE TRIGGER check_adjustment BEFORE INSERT OR UPDATE ON reefqbo.adjustment
FOR EACH ROW EXECUTE FUNCTION reefqbo._check_adjustment();

COMMENT ON TRIGGER check_adjustment ON reefqbo.adjustment IS 'amounts are those of the company''s currency';

CREATE FUNCTION reefqbo._remove_adjustment(model text, adjustment_id bigint)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which adjustment is to be removed?';
    END IF;
    DELETE FROM reefqbo.adjustment e WHERE e.model_id = reefqbo._model_id($1) AND e.adjustment_id = $2;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_adjustment(text, bigint) IS 'Internal: what reefqbo.remove_adjustment does, without asking who calls.';

CREATE FUNCTION reefqbo.remove_adjustment(model text, adjustment_id bigint)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.remove_adjustment(text, bigint) IS
'Takes an entry of reefqbo.adjustment away.
Arguments: model; adjustment_id. Result: whether there was one. Errors: 42704 no such model; 22004 no adjustment_id.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.remove_adjustment(text, bigint)');

-- ---- what entries come to ----

CREATE FUNCTION reefqbo._adjustment_nature(variable_type text, other_account_type text)
RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN $1 = 'Tax' THEN '~Tax' WHEN $1 IN ('COGS', 'Opex', 'Staff') AND $2 IN ('Fixed Asset', 'Other Asset') THEN '~Depreciation' END;

COMMENT ON FUNCTION reefqbo._adjustment_nature(text, text) IS
'Internal: what EBITDA, EBIT and profit before tax tell apart of adjustments: tax, and costs whose other side is a fixed or an other asset, which are depreciation and amortization.';

CREATE FUNCTION reefqbo._adjustment_postings(model_id bigint, connections bigint[], branches bigint[], accounting_method text,
                                             as_of timestamptz)
RETURNS TABLE (connection_id bigint, line text, nature text, is_position boolean, is_result boolean, attributed_to text, month date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH side AS (
        -- entries of one kind have one line: that of the first of them
        SELECT e.*, s.variable_type, s.sign, s.nature,
               'computed:Adjusted:' || min(e.adjustment_id * 2 + s.place)
                   OVER (PARTITION BY e.connection_id, s.variable_type, s.account_type, s.category, s.subcategory, s.nature) AS line
        FROM reefqbo._adjustments_at($1, $2, $5) e
        CROSS JOIN LATERAL (
            VALUES (e.debit_type, e.debit_account_type, e.debit_category, e.debit_subcategory, 1, 0, reefqbo._adjustment_nature(e.debit_type, e.credit_account_type)),
                   (e.credit_type, e.credit_account_type, e.credit_category, e.credit_subcategory, -1, 1, reefqbo._adjustment_nature(e.credit_type, e.debit_account_type)))
            s (variable_type, account_type, category, subcategory, sign, place, nature)
    )
    SELECT s.connection_id, s.line, s.nature, s.variable_type IN ('Asset', 'Liability'), s.variable_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Tax'),
           s.attributed_to, w.month, s.sign * w.sign * s.amount
    FROM side s
    CROSS JOIN LATERAL (VALUES (s.month, 1), (s.reversed_in, -1)) w (month, sign)
    WHERE s.branch_id = ANY ($3) AND coalesce(s.accounting_method = $4, true) AND w.month IS NOT NULL
$$;

COMMENT ON FUNCTION reefqbo._adjustment_postings(bigint, bigint[], bigint[], text, timestamptz) IS
'Internal: both sides of each entry of reefqbo.adjustment in its month, and the opposite in the month it is reversed in, debits positive, in the company''s currency. line: the account_id that its kind has in statements; nature: as of reefqbo._natures.';

CREATE FUNCTION reefqbo._adjusted(model_id bigint, connections bigint[], branches bigint[], statement text, accounting_method text,
                                  first_month date, last_month date, currency text, as_of timestamptz)
RETURNS TABLE (connection_id bigint, since date, account_id text, period_start date, kind text, attributed_to text, home numeric,
               amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH line AS MATERIALIZED (
        SELECT p.* FROM reefqbo._adjustment_postings($1, $2, $3, $5, $9) p
    ), stay AS MATERIALIZED (
        SELECT y.connection_id, y.since, y.until, c.home_currency, coalesce(c.fiscal_year_start_month, 1)::integer AS fiscal,
               coalesce(c.home_currency <> $8, false) AS is_foreign, o.month AS opening, o.rate AS opening_rate,
               (SELECT min(k.period_start) FROM reefqbo._known_months($1, y.connection_id, 'profit_and_loss', $5, $9) k) AS known_first,
               reefqbo._decimals(coalesce($8, c.home_currency)) AS decimals
        FROM reefqbo._stays($1, $2, $3, $9) y
        JOIN reefqbo._companies_at($1, $2, $9) c ON c.connection_id = y.connection_id
        LEFT JOIN LATERAL reefqbo._opening($1, y.connection_id, $5, $8, $9, y.since) o ON c.home_currency <> $8
        WHERE y.connection_id IN (SELECT l.connection_id FROM line l)
    ), placed AS (
        -- what is stated before a company joins is part of what it brings along
        SELECT s.*, CASE WHEN l.is_result AND l.month < s.since THEN 'computed:AdjustedProfit' ELSE l.line END AS line, l.is_position,
               l.is_result AND l.month >= s.since AS is_result, l.attributed_to,
               greatest(l.month, reefqbo._month_before(s.since)) AS month, l.amount
        FROM stay s
        JOIN line l ON l.connection_id = s.connection_id AND l.month <= s.until
    ), posting AS MATERIALIZED (
        SELECT p.*, CASE WHEN NOT p.is_foreign THEN 1
                         WHEN p.month < p.opening OR p.month = p.opening AND NOT p.is_result THEN p.opening_rate
                         WHEN p.is_result THEN r.average
                         ELSE coalesce(h.rate, r.historical, r.average) END AS rate
        FROM placed p
        LEFT JOIN reefqbo._rates_at($1, NULL, $8, $9) r ON r.from_currency = p.home_currency AND r.month = p.month
        LEFT JOIN reefqbo._historical_rates_at($1, $2, $8, $9) h ON h.connection_id = p.connection_id AND h.month = p.month
    ), month AS (
        SELECT s.connection_id, s.since, m.month::date AS month, reefqbo._period_of(m.month::date, 'year', s.fiscal) AS year,
               CASE WHEN s.is_foreign THEN r.closing ELSE 1 END AS rate
        FROM stay s
        CROSS JOIN LATERAL generate_series(greatest($6, reefqbo._month_before(s.since))::timestamp, least($7, s.until)::timestamp, interval '1 month') m (month)
        LEFT JOIN reefqbo._rates_at($1, NULL, $8, $9) r ON r.from_currency = s.home_currency AND r.month = m.month::date
        WHERE $4 = 'balance_sheet'
    ), balance AS MATERIALIZED (
        SELECT p.connection_id, p.since, a.account_id, m.month, p.is_position, p.attributed_to, sum(p.amount) AS home,
               CASE WHEN p.is_position THEN round(sum(p.amount) * m.rate, p.decimals) ELSE sum(round(p.amount * p.rate, p.decimals)) END AS amount
        FROM month m
        JOIN posting p ON p.connection_id = m.connection_id AND p.since = m.since AND p.month <= m.month
        CROSS JOIN LATERAL (
            SELECT CASE WHEN NOT p.is_result THEN p.line WHEN p.month >= m.year THEN 'computed:NetIncome' ELSE 'computed:AdjustedProfit' END
                   AS account_id) a
        GROUP BY p.connection_id, p.since, a.account_id, m.month, m.rate, p.is_position, p.attributed_to, p.decimals
    )
    SELECT b.connection_id, b.since, b.account_id, b.month, CASE WHEN b.is_position THEN 'position' ELSE 'equity' END, b.attributed_to,
           b.home, b.amount
    FROM balance b
    UNION ALL
    SELECT b.connection_id, b.since, 'computed:Translation', b.month, 'translation', b.attributed_to, 0, -sum(b.amount)
    FROM balance b
    GROUP BY b.connection_id, b.since, b.month, b.attributed_to
    HAVING sum(b.amount) <> 0
    UNION ALL
    SELECT p.connection_id, p.since, p.line, p.month, 'result', p.attributed_to, sum(p.amount), sum(round(p.amount * p.rate, p.decimals))
    FROM posting p
    -- as of the company itself, of months that are known
    WHERE $4 = 'profit_and_loss' AND p.is_result AND p.month BETWEEN greatest($6, p.known_first) AND $7
    GROUP BY p.connection_id, p.since, p.line, p.month, p.attributed_to
$$;

COMMENT ON FUNCTION reefqbo._adjusted(bigint, bigint[], bigint[], text, text, date, date, text, timestamptz) IS
'Internal: what adjustments come to in each month, debits positive, in the home currency and in another: of a balance sheet assets and liabilities at the closing rate, equity as it was posted, and the difference as computed:Translation.';
