-- Consolidation: eliminations, what the companies of a group have with each other.

CREATE FUNCTION reefqbo._account_types_of(variable_type text)
RETURNS text[]
LANGUAGE sql IMMUTABLE
RETURN CASE $1 WHEN 'Revenue' THEN ARRAY['Income', 'Other Income'] WHEN 'COGS' THEN ARRAY['Cost of Goods Sold']
               WHEN 'Opex' THEN ARRAY['Expense', 'Other Expense'] WHEN 'Staff' THEN ARRAY['Expense', 'Other Expense']
               WHEN 'Asset' THEN ARRAY['Bank', 'Accounts Receivable', 'Other Current Asset', 'Fixed Asset', 'Other Asset']
               WHEN 'Liability' THEN ARRAY['Accounts Payable', 'Credit Card', 'Other Current Liability', 'Long Term Liability']
               ELSE ARRAY[]::text[] END;

COMMENT ON FUNCTION reefqbo._account_types_of(text) IS
'Internal: QuickBooks'' account types among which an elimination of a variable type can be shown, where it is said.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._account_types_of(text)');

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
    debit_account_type text,
    credit_account_type text,
    PRIMARY KEY (model_id, elimination_id),
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT elimination_is_of_a_month CHECK (month = pg_catalog.date_trunc('month', month::timestamp)::date
        AND reversed_in = pg_catalog.date_trunc('month', reversed_in::timestamp)::date),
    CONSTRAINT elimination_method_is_known CHECK (accounting_method IN ('Accrual', 'Cash')),
    CONSTRAINT elimination_ends_after_it_begins CHECK (reversed_in > month),
    CONSTRAINT elimination_is_an_amount CHECK (amount > '-Infinity' AND amount < 'Infinity'),
    CONSTRAINT elimination_types_are_known CHECK (
        debit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')
        AND credit_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')),
    CONSTRAINT elimination_account_types_fit CHECK (
        (debit_account_type IS NULL OR debit_account_type = ANY (reefqbo._account_types_of(debit_type)))
        AND (credit_account_type IS NULL OR credit_account_type = ANY (reefqbo._account_types_of(credit_type))))
);

CREATE INDEX elimination_branch ON reefqbo.elimination (model_id, branch_id, month);

COMMENT ON TABLE reefqbo.elimination IS
'What the companies of a group have with each other, as the user states it, to be taken out of the statements of branch_id and those above: entries in the model''s currency, each of one debit and one credit of the same amount, so that nothing goes out of balance. Write it with INSERT and UPDATE, and take entries away with reefqbo.remove_elimination: whoever may DELETE from a table may lock it against others.
An entry is posted in its month. Balances keep it until reversed_in, the month in which the opposite is posted. Sales of 100 from one company to another: debit Revenue, credit COGS. A claim of 40: debit Liability, credit Asset, reversed_in when it is paid. A loan: debit_account_type Long Term Liability, credit_account_type Other Asset. Tax is tax expense here; tax that is owed is a Liability.';
COMMENT ON COLUMN reefqbo.elimination.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.elimination.elimination_id IS 'the entry';
COMMENT ON COLUMN reefqbo.elimination.branch_id IS 'the branch from whose statements, and those above, it is taken out';
COMMENT ON COLUMN reefqbo.elimination.month IS 'first day of the month it is posted in';
COMMENT ON COLUMN reefqbo.elimination.reversed_in IS 'first day of the month the opposite is posted in, or NULL';
COMMENT ON COLUMN reefqbo.elimination.accounting_method IS 'Accrual or Cash; NULL: taken out of statements by either';
COMMENT ON COLUMN reefqbo.elimination.amount IS 'in the model''s currency; debit and credit alike';
COMMENT ON COLUMN reefqbo.elimination.debit_type IS 'variable type that is debited';
COMMENT ON COLUMN reefqbo.elimination.debit_category IS 'its category';
COMMENT ON COLUMN reefqbo.elimination.debit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.elimination.credit_type IS 'variable type that is credited';
COMMENT ON COLUMN reefqbo.elimination.credit_category IS 'its category';
COMMENT ON COLUMN reefqbo.elimination.credit_subcategory IS 'its subcategory, or NULL';
COMMENT ON COLUMN reefqbo.elimination.debit_account_type IS 'QuickBooks'' account type among whose accounts the debit stands, and by which it is in a flow of cash, such as Long Term Liability for a loan; NULL: Income, Cost of Goods Sold, Expense, Other Current Asset, Other Current Liability or Equity';
COMMENT ON COLUMN reefqbo.elimination.credit_account_type IS 'the same of the credit';
COMMENT ON COLUMN reefqbo.elimination.memo IS 'what it is about';
COMMENT ON COLUMN reefqbo.elimination.stated_at IS 'when it was stated as it is; what is written here does not count';
COMMENT ON COLUMN reefqbo.elimination.stated_by IS 'by which role; what is written here does not count';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.elimination', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.elimination_elimination_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.elimination');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, debit_subcategory, credit_type, credit_category, credit_subcategory, debit_account_type, credit_account_type, memo, stated_at, stated_by)', 'TABLE reefqbo.elimination'),
    ('operator', 'UPDATE (model_id, branch_id, month, reversed_in, accounting_method, amount, debit_type, debit_category, debit_subcategory, credit_type, credit_category, credit_subcategory, debit_account_type, credit_account_type, memo, stated_at, stated_by)', 'TABLE reefqbo.elimination');

CREATE TRIGGER sign_elimination BEFORE INSERT OR UPDATE ON reefqbo.elimination
FOR EACH ROW EXECUTE FUNCTION reefqbo._sign('stated');

COMMENT ON TRIGGER sign_elimination ON reefqbo.elimination IS 'who has stated it, and when, is not the writer''s to say';

-- What is restored, and what the owner writes, is taken as it comes: mapping may have changed since.
CREATE FUNCTION reefqbo._check_elimination()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unknown record;
    its_currency text;
BEGIN
    IF reefqbo._may_write_history(TG_RELID) THEN
        RETURN NEW;
    END IF;
    SELECT coalesce(m.currency, (SELECT min(c.home_currency) FROM reefqbo.connection c WHERE c.model_id = NEW.model_id)) INTO its_currency
    FROM reefqbo.model m WHERE m.model_id = NEW.model_id;
    IF its_currency IS NOT NULL AND NEW.amount <> round(NEW.amount, reefqbo._decimals(its_currency)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('%s is not an amount in %s', NEW.amount, its_currency),
            DETAIL = format('The currency has %s decimals.', reefqbo._decimals(its_currency));
    END IF;
    SELECT s.variable_type, s.category, string_agg(DISTINCT quote_literal(p.category), ', ') AS known INTO unknown
    FROM (VALUES (NEW.debit_type, NEW.debit_category), (NEW.credit_type, NEW.credit_category)) s (variable_type, category)
    JOIN reefqbo.account_mapping p ON p.model_id = NEW.model_id AND p.variable_type = s.variable_type
    GROUP BY s.variable_type, s.category
    HAVING bool_and(p.category <> s.category)
    LIMIT 1;
    IF FOUND THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('no account of type "%s" is mapped to category "%s"', unknown.variable_type, unknown.category),
            HINT = format('Those there are: %s.', reefqbo._show_line(unknown.known));
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION reefqbo._check_elimination() IS
'Internal: trigger function: 22023 for an amount that the currency has not, and for a category that no account is mapped to, where accounts are mapped to its type.';

CREATE TRIGGER check_elimination BEFORE INSERT OR UPDATE ON reefqbo.elimination
FOR EACH ROW EXECUTE FUNCTION reefqbo._check_elimination();

COMMENT ON TRIGGER check_elimination ON reefqbo.elimination IS 'amounts are those of the currency, and categories those there are';

CREATE FUNCTION reefqbo._remove_elimination(model text, elimination_id bigint)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which elimination is to be removed?';
    END IF;
    DELETE FROM reefqbo.elimination e WHERE e.model_id = reefqbo._model_id($1) AND e.elimination_id = $2;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._remove_elimination(text, bigint) IS 'Internal: what reefqbo.remove_elimination does, without asking who calls.';

CREATE FUNCTION reefqbo.remove_elimination(model text, elimination_id bigint)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.remove_elimination(text, bigint) IS
'Takes an entry of reefqbo.elimination away.
Arguments: model; elimination_id. Result: whether there was one. Errors: 42704 no such model; 22004 no elimination_id.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.remove_elimination(text, bigint)');

CREATE FUNCTION reefqbo._elimination_postings(model_id bigint, branches bigint[], accounting_method text, as_of timestamptz)
RETURNS TABLE (elimination_id bigint, variable_type text, account_type text, category text, subcategory text, month date, amount numeric,
               is_result boolean)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e.elimination_id, s.variable_type, s.account_type, s.category, s.subcategory, w.month, s.sign * w.sign * e.amount,
           s.variable_type IN ('Revenue', 'COGS', 'Opex', 'Staff', 'Tax')
    FROM reefqbo._eliminations_at($1, $2, $4) e
    CROSS JOIN LATERAL (VALUES (e.debit_type, e.debit_account_type, e.debit_category, e.debit_subcategory, 1),
                               (e.credit_type, e.credit_account_type, e.credit_category, e.credit_subcategory, -1))
        s (variable_type, account_type, category, subcategory, sign)
    CROSS JOIN LATERAL (VALUES (e.month, 1), (e.reversed_in, -1)) w (month, sign)
    WHERE coalesce(e.accounting_method = $3, true) AND w.month IS NOT NULL
$$;

COMMENT ON FUNCTION reefqbo._elimination_postings(bigint, bigint[], text, timestamptz) IS
'Internal: both sides of each entry of reefqbo.elimination in its month, and the opposite in the month it is reversed in, debits positive.';

CREATE FUNCTION reefqbo._eliminated(model_id bigint, branches bigint[], statement text, accounting_method text, months date[],
                                    as_of timestamptz)
RETURNS TABLE (variable_type text, account_type text, category text, subcategory text, period_start date, amount numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH posting AS (
        SELECT p.* FROM reefqbo._elimination_postings($1, $2, $4, $6) p
    )
    SELECT p.variable_type, p.account_type, p.category, p.subcategory, p.month, sum(p.amount)
    FROM posting p
    WHERE $3 = 'profit_and_loss' AND p.is_result AND p.month = ANY ($5)
    GROUP BY p.variable_type, p.account_type, p.category, p.subcategory, p.month
    UNION ALL
    SELECT CASE WHEN p.is_result THEN 'Equity' ELSE p.variable_type END,
           CASE WHEN p.is_result THEN NULL ELSE p.account_type END,
           CASE WHEN p.is_result THEN 'Eliminated Profit' ELSE p.category END,
           CASE WHEN p.is_result THEN NULL ELSE p.subcategory END, m.month, sum(p.amount)
    FROM unnest($5) m (month)
    JOIN posting p ON p.month <= m.month
    WHERE $3 = 'balance_sheet'
    GROUP BY 1, 2, 3, 4, 5
    HAVING sum(p.amount) <> 0
$$;

COMMENT ON FUNCTION reefqbo._eliminated(bigint, bigint[], text, text, date[], timestamptz) IS
'Internal: what eliminations add to a statement, debits positive: to the profit and loss what was posted in each month, to the balance sheet what was posted until its end; what they change of profits is in equity.';

CREATE FUNCTION reefqbo._elimination_section(variable_type text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE $1 WHEN 'Revenue' THEN 'Income' WHEN 'COGS' THEN 'Cost of Goods Sold' WHEN 'Opex' THEN 'Expense'
                   WHEN 'Staff' THEN 'Expense' WHEN 'Tax' THEN 'Other Expense' WHEN 'Asset' THEN 'Other Current Asset'
                   WHEN 'Liability' THEN 'Other Current Liability' ELSE 'Equity' END
$$;

COMMENT ON FUNCTION reefqbo._elimination_section(text) IS
'Internal: the account type among whose accounts eliminations of a variable type are shown.';
