-- Mapping: what each account is in the model. It follows the account's id, through renames and moves.

CREATE TABLE reefqbo.variable (
    model_id bigint NOT NULL,
    variable_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, variable_id),
    UNIQUE (model_id, connection_id, account_id),
    UNIQUE (model_id, variable_id, connection_id, account_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT variable_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,250}$')
);

COMMENT ON TABLE reefqbo.variable IS
'One variable of the model for each account that was ever mapped: made with the first mapping of the account, never twice, and never removed, so that what refers to variable_id keeps holding.';
COMMENT ON COLUMN reefqbo.variable.name IS 'at first the account''s number and name; UPDATE it freely, nothing goes by it';

CREATE TABLE reefqbo.account_mapping (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    variable_id bigint NOT NULL,
    variable_type text NOT NULL,
    category text NOT NULL,
    subcategory text,
    branch_id bigint NOT NULL,
    mapped_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    mapped_by name NOT NULL DEFAULT current_user,
    PRIMARY KEY (model_id, connection_id, account_id),
    UNIQUE (model_id, variable_id),
    FOREIGN KEY (model_id, connection_id) REFERENCES reefqbo.connection,
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    FOREIGN KEY (model_id, variable_id, connection_id, account_id)
        REFERENCES reefqbo.variable (model_id, variable_id, connection_id, account_id),
    FOREIGN KEY (model_id, branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT account_mapping_type_is_known CHECK (variable_type IN (
        'Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend')),
    CONSTRAINT account_mapping_words_are_plain CHECK (
        category ~ '^[^[:cntrl:]]{1,200}$' AND subcategory ~ '^[^[:cntrl:]]{1,200}$')
);

COMMENT ON TABLE reefqbo.account_mapping IS
'What each mapped account is in the model, by ids. Read and write reefqbo.mapping instead, which has the names.';

CREATE TABLE reefqbo.account_change (
    model_id bigint NOT NULL,
    change_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text NOT NULL,
    change text NOT NULL,
    old_value text,
    new_value text,
    noticed_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    import_id bigint NOT NULL,
    PRIMARY KEY (model_id, change_id),
    FOREIGN KEY (model_id, connection_id, account_id) REFERENCES reefqbo.account,
    CONSTRAINT account_change_is_known CHECK (change IN ('new', 'renamed', 'renumbered', 'reclassified', 'moved',
        'inactivated', 'reactivated', 'deleted', 'gone', 'returned', 'merged'))
);

CREATE INDEX account_change_account ON reefqbo.account_change (model_id, connection_id, account_id, change_id);

COMMENT ON TABLE reefqbo.account_change IS
'What has happened to accounts since the chart was first read, as imports noticed it: old, new, when. The accounts of the first chart are no news.';
COMMENT ON COLUMN reefqbo.account_change.change IS
'new; renamed and moved (old and new full name); renumbered (account number); reclassified (type and subtype); inactivated and reactivated; deleted (inactive, with QuickBooks'' suffix to its name); gone and returned (no longer, again named in the chart); merged (new_value is the id of the account that has its figures now)';

-- Reading and writing by names. INSERT, UPDATE and DELETE come to _map_account, with the rights of whoever writes.
CREATE VIEW reefqbo.mapping WITH (security_barrier) AS
SELECT m.name AS model,
       cb.name AS company_branch,
       p.account_id,
       a.account_number,
       a.name AS account_name,
       p.variable_type,
       p.category,
       p.subcategory,
       b.name AS branch,
       'mapped'::text AS confidence,
       pg_catalog.format('by %s, %s', p.mapped_by, pg_catalog.to_char(p.mapped_at, 'YYYY-MM-DD')) AS reason
FROM reefqbo.account_mapping p
JOIN reefqbo.model m ON m.model_id = p.model_id
JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
JOIN reefqbo.branch cb ON cb.model_id = c.model_id AND cb.branch_id = c.branch_id
JOIN reefqbo.branch b ON b.model_id = p.model_id AND b.branch_id = p.branch_id
JOIN reefqbo.account a ON a.model_id = p.model_id AND a.connection_id = p.connection_id AND a.account_id = p.account_id
WHERE p.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.mapping IS
'What each mapped account is in the model: read it, and write it. It has the columns of reefqbo.propose_mapping, so that a proposal is accepted, all or in part, by one statement, and a CSV file goes out and in by \copy:
    INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping(''Acme'') WHERE confidence = ''certain''
An account mapped already is mapped anew. model, account_id, variable_type and category are needed; company_branch is the branch of the account''s company, by default the root''s or the model''s only one; branch, by default company_branch. account_number, account_name, confidence and reason are not written.
Errors: 42704 no such model, branch or account; 22023 a type that does not fit the account; 22004 something needed is null; 42501.';

CREATE FUNCTION reefqbo._fitting_types(classification text)
RETURNS text[]
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $1 IN ('Revenue', 'Expense') THEN ARRAY['Revenue', 'COGS', 'Opex', 'Staff', 'Tax']
                WHEN $1 IN ('Asset', 'Liability', 'Equity') THEN ARRAY['Asset', 'Liability', 'Equity', 'Tax', 'Dividend']
                ELSE ARRAY['Revenue', 'COGS', 'Opex', 'Staff', 'Asset', 'Liability', 'Equity', 'Tax', 'Dividend'] END
$$;

COMMENT ON FUNCTION reefqbo._fitting_types(text) IS
'Internal: the variable types that an account of a classification can have: those of the statement its amounts stand in. Of no classification: all.';

CREATE FUNCTION reefqbo._variable_name(account_number text, name text, account_id text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- whatever QuickBooks lets an account be called
    SELECT coalesce(nullif(btrim(left(regexp_replace(
        concat_ws(' ', $1, regexp_replace($2, '\s*\(deleted\)$', '', 'i')), '[[:cntrl:]]+', ' ', 'g'), 250)), ''), $3)
$$;

COMMENT ON FUNCTION reefqbo._variable_name(text, text, text) IS 'Internal: what a variable is called at first: its account''s number and name.';

CREATE FUNCTION reefqbo._map_account()
RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given record := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    company record;
    account record;
    to_branch bigint;
    variable bigint;
BEGIN
    IF num_nulls(given.model, given.account_id, given.variable_type, given.category) > 0 THEN
        RAISE null_value_not_allowed USING
            MESSAGE = 'a mapping needs model, account_id, variable_type and category';
    END IF;
    SELECT s.model_id, s.connection_id, s.branch INTO company
    FROM reefqbo.connection_status s
    JOIN reefqbo.branch b ON b.model_id = s.model_id AND b.name = s.branch
    WHERE s.model = given.model AND s.branch = coalesce(given.company_branch, s.branch)
      AND (given.company_branch IS NOT NULL OR b.parent_branch_id IS NULL
           OR (SELECT count(*) FROM reefqbo.connection_status o WHERE o.model = given.model) = 1);
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no company at branch "%s" of model "%s"', coalesce(given.company_branch, '(the root)'), given.model),
            HINT = 'company_branch names the branch that the account''s company is connected to; reefqbo.connection_status lists them.';
    END IF;
    SELECT a.* INTO account FROM reefqbo.account a
    WHERE a.model_id = company.model_id AND a.connection_id = company.connection_id AND a.account_id = given.account_id;
    IF NOT FOUND OR account.is_computed THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no account "%s" to map at branch "%s" of model "%s"', given.account_id, company.branch, given.model),
            HINT = 'account_id is QuickBooks'' own id, as in reefqbo.account. Lines that QuickBooks computes are not mapped.';
    END IF;
    IF TG_OP = 'DELETE' THEN
        DELETE FROM reefqbo.account_mapping p
        WHERE p.model_id = company.model_id AND p.connection_id = company.connection_id AND p.account_id = given.account_id;
        -- who may not take it away, or comes too late, is not told that it was
        RETURN CASE WHEN FOUND THEN OLD END;
    ELSIF TG_OP = 'UPDATE' AND (OLD.model, OLD.company_branch, OLD.account_id)
                               IS DISTINCT FROM (NEW.model, NEW.company_branch, NEW.account_id) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'a mapping cannot be moved to another account',
            HINT = 'INSERT one for the other account.';
    ELSIF given.variable_type <> ALL (reefqbo._fitting_types(NULL)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('variable type "%s" is not known', given.variable_type),
            HINT = format('It is one of %s.', array_to_string(reefqbo._fitting_types(NULL), ', '));
    ELSIF given.variable_type <> ALL (reefqbo._fitting_types(account.classification)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('account "%s" (%s) cannot be of type "%s"', account.fully_qualified_name, given.account_id, given.variable_type),
            DETAIL = format('It is of account type %s.', account.account_type),
            HINT = format('Choose one of %s.', array_to_string(reefqbo._fitting_types(account.classification), ', '));
    END IF;
    SELECT b.branch_id INTO to_branch FROM reefqbo.branch b
    WHERE b.model_id = company.model_id AND b.name = coalesce(given.branch, company.branch);
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('branch "%s" does not exist in model "%s"', given.branch, given.model),
            HINT = 'reefqbo.create_branch makes one; the table reefqbo.branch lists them.';
    END IF;
    INSERT INTO reefqbo.variable (model_id, connection_id, account_id, name)
    VALUES (company.model_id, company.connection_id, given.account_id,
            reefqbo._variable_name(account.account_number, account.name, given.account_id))
    ON CONFLICT (model_id, connection_id, account_id) DO NOTHING;
    SELECT v.variable_id INTO variable FROM reefqbo.variable v
    WHERE v.model_id = company.model_id AND v.connection_id = company.connection_id AND v.account_id = given.account_id;
    INSERT INTO reefqbo.account_mapping AS p (model_id, connection_id, account_id, variable_id, variable_type, category,
                                              subcategory, branch_id)
    VALUES (company.model_id, company.connection_id, given.account_id, variable, given.variable_type, given.category,
            given.subcategory, to_branch)
    ON CONFLICT (model_id, connection_id, account_id) DO UPDATE
    SET variable_type = EXCLUDED.variable_type, category = EXCLUDED.category, subcategory = EXCLUDED.subcategory,
        branch_id = EXCLUDED.branch_id, mapped_at = EXCLUDED.mapped_at, mapped_by = EXCLUDED.mapped_by
    WHERE (p.variable_type, p.category, p.subcategory, p.branch_id)
          IS DISTINCT FROM (EXCLUDED.variable_type, EXCLUDED.category, EXCLUDED.subcategory, EXCLUDED.branch_id);
    RETURN NEW;
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not map account "%s"', NEW.account_id),
            DETAIL = 'category and subcategory are 1 to 200 printable characters.';
END
$$;

COMMENT ON FUNCTION reefqbo._map_account() IS 'Internal: what writing to reefqbo.mapping does, row by row.';

CREATE TRIGGER map_account INSTEAD OF INSERT OR UPDATE OR DELETE ON reefqbo.mapping
FOR EACH ROW EXECUTE FUNCTION reefqbo._map_account();

COMMENT ON TRIGGER map_account ON reefqbo.mapping IS 'writes to reefqbo.variable and reefqbo.account_mapping';

-- ---- templates ----

CREATE TABLE reefqbo.mapping_template (
    model_id bigint NOT NULL REFERENCES reefqbo.model,
    template text NOT NULL,
    position integer NOT NULL,
    account_number text,
    fully_qualified_name text NOT NULL,
    account_type text,
    account_subtype text,
    variable_type text NOT NULL,
    category text NOT NULL,
    subcategory text,
    branch text,
    PRIMARY KEY (model_id, template, position),
    CONSTRAINT mapping_template_name_is_plain CHECK (template ~ '^[^[:cntrl:]]{1,200}$')
);

COMMENT ON TABLE reefqbo.mapping_template IS
'Mappings saved with reefqbo.save_mapping_template, to be proposed for the next company with reefqbo.propose_mapping. Without ids: another company''s accounts have others.';
COMMENT ON COLUMN reefqbo.mapping_template.branch IS 'the branch''s name where an account was mapped to another than its company''s; NULL: the company''s own';

CREATE FUNCTION reefqbo._save_mapping_template(model text, template text, branch text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_connection bigint := reefqbo._statement_connection(in_model, $3);
    saved bigint;
BEGIN
    IF $2 IS NULL OR $2 !~ '^[^[:cntrl:]]{1,200}$' THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'a template needs a name',
            DETAIL = 'A name is 1 to 200 printable characters.';
    END IF;
    DELETE FROM reefqbo.mapping_template t WHERE t.model_id = in_model AND t.template = $2;
    INSERT INTO reefqbo.mapping_template (model_id, template, position, account_number, fully_qualified_name, account_type,
                                          account_subtype, variable_type, category, subcategory, branch)
    SELECT in_model, $2, row_number() OVER (ORDER BY a.account_type, a.fully_qualified_name COLLATE "C", a.account_id COLLATE "C"),
           a.account_number, a.fully_qualified_name, a.account_type, a.account_subtype, p.variable_type, p.category,
           p.subcategory, CASE WHEN p.branch_id <> c.branch_id THEN b.name END
    FROM reefqbo.account_mapping p
    JOIN reefqbo.account a ON a.model_id = p.model_id AND a.connection_id = p.connection_id AND a.account_id = p.account_id
    JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
    JOIN reefqbo.branch b ON b.model_id = p.model_id AND b.branch_id = p.branch_id
    WHERE p.model_id = in_model AND p.connection_id = of_connection;
    GET DIAGNOSTICS saved = ROW_COUNT;
    IF saved = 0 THEN
        RAISE undefined_object USING
            MESSAGE = 'the company has no mapping to save',
            HINT = 'INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping(model) makes one.';
    END IF;
    RETURN saved;
END
$$;

COMMENT ON FUNCTION reefqbo._save_mapping_template(text, text, text) IS 'Internal: what reefqbo.save_mapping_template does, without asking who calls.';

CREATE FUNCTION reefqbo.save_mapping_template(model text, template text, branch text DEFAULT NULL)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_operator';

COMMENT ON FUNCTION reefqbo.save_mapping_template(text, text, text) IS
'Saves how a company''s accounts are mapped, for the next company of a group: reefqbo.propose_mapping(model, branch, template) proposes it. A template of the same name is replaced.
Arguments: model; template, its name; branch of the company, by default the root''s or the model''s only one. Result: how many accounts it holds.
Errors: 42704 no such model or branch, no connection, nothing is mapped; 22023 no name.';

-- ---- proposals ----

CREATE FUNCTION reefqbo._spelled_out(subtype text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(regexp_replace($1, '([a-z])([A-Z])', '\1 \2', 'g'), '_', ' ')
$$;

COMMENT ON FUNCTION reefqbo._spelled_out(text) IS 'Internal: OfficeExpenses as Office Expenses.';

CREATE FUNCTION reefqbo._default_mapping(name text, account_type text, account_subtype text, classification text)
RETURNS TABLE (variable_type text, category text, subcategory text, confidence text, reason text)
LANGUAGE sql IMMUTABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    WITH given AS (
        SELECT $4 IN ('Revenue', 'Expense') AS is_result,
               $2 IN ('Cost of Goods Sold', 'Expense', 'Other Expense') OR ($2 IS NULL AND $4 = 'Expense') AS is_cost,
               $2 = 'Equity' AS is_equity,
               $3 IN ('PayrollExpenses', 'CostOfLabor', 'CostOfLaborCos', 'StaffCosts', 'ManagementCompensation') AS staff_subtype,
               $3 IN ('IncomeTaxExpense', 'IncomeTaxOtherExpense', 'DeferredTaxExpense', 'MatCredit') AS tax_subtype,
               $3 IN ('DividendDisbursed', 'PartnerDistributions') AS dividend_subtype,
               $1 ~* '\m(payroll|salar(y|ies)|wages?|staff|bonus(es)?|pensions?|superannuation|salaires?|l(ö|oe)hne)\M' AS staff_name,
               $1 ~* '\m(income|corporation|corporate) tax(es)?\M|\mimp(ô|o)ts? sur les (b(é|e)n(é|e)fices|soci(é|e)t(é|e)s)\M' AS tax_name,
               $1 ~* '\m(dividend|distribution)(s|en)?\M|\mdividendes?\M' AS dividend_name
    ), chosen AS (
        SELECT CASE WHEN g.is_cost AND (g.tax_subtype OR g.tax_name) THEN 'Tax'
                    WHEN g.is_cost AND (g.staff_subtype OR g.staff_name) THEN 'Staff'
                    WHEN $2 = 'Cost of Goods Sold' THEN 'COGS'
                    WHEN g.is_cost THEN 'Opex'
                    WHEN $2 IN ('Income', 'Other Income') OR ($2 IS NULL AND $4 = 'Revenue') THEN 'Revenue'
                    WHEN g.is_equity AND (g.dividend_subtype OR g.dividend_name) THEN 'Dividend'
                    WHEN $4 IN ('Asset', 'Liability', 'Equity') THEN $4
                    WHEN $4 = 'Revenue' THEN 'Revenue'
                    WHEN $4 = 'Expense' THEN 'Opex' END AS variable_type, g.*
        FROM given g
    )
    SELECT c.variable_type,
           CASE c.variable_type WHEN 'Staff' THEN 'Staff' WHEN 'Tax' THEN 'Tax' WHEN 'Dividend' THEN 'Dividends'
                ELSE coalesce(CASE $2 WHEN 'Expense' THEN 'Expenses' WHEN 'Other Expense' THEN 'Other Expenses'
                                      WHEN 'Bank' THEN 'Bank Accounts' WHEN 'Credit Card' THEN 'Credit Cards'
                                      WHEN 'Fixed Asset' THEN 'Fixed Assets' WHEN 'Other Asset' THEN 'Other Assets'
                                      WHEN 'Other Current Asset' THEN 'Other Current Assets'
                                      WHEN 'Other Current Liability' THEN 'Other Current Liabilities'
                                      WHEN 'Long Term Liability' THEN 'Long-Term Liabilities' ELSE $2 END, $4) END,
           nullif(reefqbo._spelled_out($3), ''),
           CASE WHEN $2 IS NULL OR c.variable_type IS NULL THEN 'guess'
                WHEN c.variable_type IN ('Staff', 'Tax', 'Dividend')
                     AND NOT (c.staff_subtype OR c.tax_subtype OR c.dividend_subtype) THEN 'likely'
                WHEN $3 IN ('TaxesPaid', 'PersonalExpense', 'GlobalTaxExpense') THEN 'likely'
                ELSE 'certain' END,
           CASE WHEN $2 IS NULL THEN format('no account type is known, only the classification %s', $4)
                WHEN c.variable_type IN ('Staff', 'Tax', 'Dividend') AND (c.staff_subtype OR c.tax_subtype OR c.dividend_subtype)
                    THEN format('account subtype %s', $3)
                WHEN c.variable_type IN ('Staff', 'Tax', 'Dividend') THEN format('account type %s, and its name', $2)
                WHEN $3 IN ('TaxesPaid', 'PersonalExpense', 'GlobalTaxExpense')
                    THEN format('account type %s; subtype %s may mean another', $2, $3)
                ELSE format('account type %s', $2) END
    FROM chosen c
    WHERE c.variable_type IS NOT NULL
$$;

COMMENT ON FUNCTION reefqbo._default_mapping(text, text, text, text) IS
'Internal: what an account is most likely to be in a model, by its name, type, subtype and classification. No row for one that takes no postings.
See https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/account';

CREATE FUNCTION reefqbo._template_mapping(model_id bigint, template text, account_number text, fully_qualified_name text,
                                          account_type text, account_subtype text)
RETURNS TABLE (variable_type text, category text, subcategory text, branch text, confidence text, reason text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    WITH found AS (
        SELECT t.variable_type, t.category, t.subcategory, t.branch, 1 AS rank, 'certain' AS confidence,
               format('template "%s": account number %s', $2, t.account_number) AS reason, t.position
        FROM reefqbo.mapping_template t
        WHERE t.model_id = $1 AND t.template = $2 AND t.account_number = $3 AND t.account_type = $5
        UNION ALL
        SELECT t.variable_type, t.category, t.subcategory, t.branch, 2, 'certain',
               format('template "%s": account "%s"', $2, t.fully_qualified_name), t.position
        FROM reefqbo.mapping_template t
        WHERE t.model_id = $1 AND t.template = $2 AND lower(t.fully_qualified_name) = lower($4) AND t.account_type = $5
        UNION ALL
        -- what all of its accounts of that type and subtype are mapped to
        SELECT min(t.variable_type), min(t.category), min(t.subcategory), min(t.branch), 3, 'likely',
               format('template "%s": its %s accounts of subtype %s', $2, $5, $6), min(t.position)
        FROM reefqbo.mapping_template t
        WHERE t.model_id = $1 AND t.template = $2 AND t.account_type = $5 AND t.account_subtype = $6
        HAVING count(DISTINCT (t.variable_type, t.category, t.subcategory, t.branch)) = 1
    )
    SELECT f.variable_type, f.category, f.subcategory, f.branch, f.confidence, f.reason
    FROM found f
    ORDER BY f.rank, f.position
    LIMIT 1
$$;

COMMENT ON FUNCTION reefqbo._template_mapping(bigint, text, text, text, text, text) IS
'Internal: what a template says of an account of another company: by number, else by full name, both only of the same account type; else what it says of all accounts of that type and subtype.';

CREATE FUNCTION reefqbo._merged_mapping(model_id bigint, connection_id bigint, account_id text)
RETURNS TABLE (variable_type text, category text, subcategory text, branch_id bigint, reason text)
LANGUAGE sql STABLE ROWS 1 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.variable_type, p.category, p.subcategory, p.branch_id,
           format('account "%s" was merged into it', a.name)
    FROM reefqbo.account_change h
    JOIN reefqbo.account_mapping p
        ON p.model_id = h.model_id AND p.connection_id = h.connection_id AND p.account_id = h.account_id
    JOIN reefqbo.account a ON a.model_id = h.model_id AND a.connection_id = h.connection_id AND a.account_id = h.account_id
    WHERE h.model_id = $1 AND h.connection_id = $2 AND h.change = 'merged' AND h.new_value = $3
    ORDER BY h.change_id DESC
    LIMIT 1
$$;

COMMENT ON FUNCTION reefqbo._merged_mapping(bigint, bigint, text) IS
'Internal: the mapping of an account that was merged into this one.';

CREATE FUNCTION reefqbo._propose_mapping(model text, branch text, template text, template_model text)
RETURNS TABLE (model_name text, company_branch text, account_id text, account_number text, account_name text,
               variable_type text, category text, subcategory text, branch_name text, confidence text, reason text)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_model bigint := CASE WHEN $4 IS NULL THEN in_model ELSE reefqbo._model_id($4) END;
    of_branch bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._branch_id(in_model, $2) END;
BEGIN
    IF of_model <> in_model AND NOT reefqbo._may_read(reefqbo._caller(), of_model) THEN
        -- in the very words of _model_id: not to be told from one that is not there
        RAISE undefined_object USING
            MESSAGE = format('model "%s" does not exist', $4),
            HINT = 'reefqbo.create_model makes one; the table reefqbo.model lists them.';
    END IF;
    IF $3 IS NOT NULL AND NOT EXISTS (SELECT FROM reefqbo.mapping_template t WHERE t.model_id = of_model AND t.template = $3) THEN
        RAISE undefined_object USING
            MESSAGE = format('model "%s" has no mapping template "%s"', coalesce($4, $1), $3),
            HINT = 'reefqbo.save_mapping_template makes one; the table reefqbo.mapping_template lists them.';
    END IF;
    RETURN QUERY
    SELECT $1, cb.name, a.account_id, a.account_number, a.name,
           coalesce(g.variable_type, t.variable_type, d.variable_type),
           coalesce(g.category, t.category, d.category),
           CASE WHEN g.variable_type IS NOT NULL THEN g.subcategory WHEN t.variable_type IS NOT NULL THEN t.subcategory
                ELSE d.subcategory END,
           coalesce(b.name, cb.name),
           CASE WHEN g.variable_type IS NOT NULL THEN 'certain' ELSE coalesce(t.confidence, d.confidence) END,
           coalesce(g.reason, t.reason, d.reason)
    FROM reefqbo.connection c
    JOIN reefqbo.branch cb ON cb.model_id = c.model_id AND cb.branch_id = c.branch_id
    JOIN reefqbo.account a ON a.model_id = c.model_id AND a.connection_id = c.connection_id
    LEFT JOIN LATERAL reefqbo._merged_mapping(a.model_id, a.connection_id, a.account_id) g
        ON g.variable_type = ANY (reefqbo._fitting_types(a.classification))
    LEFT JOIN LATERAL reefqbo._template_mapping(of_model, $3, a.account_number, a.fully_qualified_name, a.account_type,
                                                a.account_subtype) t
        ON t.variable_type = ANY (reefqbo._fitting_types(a.classification))
    LEFT JOIN LATERAL reefqbo._default_mapping(a.name, a.account_type, a.account_subtype, a.classification) d ON true
    LEFT JOIN reefqbo.branch b
        ON b.model_id = c.model_id AND (b.branch_id = g.branch_id OR (g.branch_id IS NULL AND b.name = t.branch))
    WHERE c.model_id = in_model AND (of_branch IS NULL OR c.branch_id = of_branch) AND NOT a.is_computed
      AND coalesce(g.variable_type, t.variable_type, d.variable_type) IS NOT NULL
      AND NOT EXISTS (SELECT FROM reefqbo.account_mapping p WHERE p.model_id = a.model_id
                      AND p.connection_id = a.connection_id AND p.account_id = a.account_id)
    ORDER BY cb.name COLLATE "C", a.account_type, a.fully_qualified_name COLLATE "C", a.account_id COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._propose_mapping(text, text, text, text) IS 'Internal: what reefqbo.propose_mapping does, without asking who calls.';

CREATE FUNCTION reefqbo.propose_mapping(model text, branch text DEFAULT NULL, template text DEFAULT NULL,
                                        template_model text DEFAULT NULL)
RETURNS TABLE (model_name text, company_branch text, account_id text, account_number text, account_name text,
               variable_type text, category text, subcategory text, branch_name text, confidence text, reason text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_gate_reader';

COMMENT ON FUNCTION reefqbo.propose_mapping(text, text, text, text) IS
'A mapping for each account that has none yet, with the reason and how sure it is. Writes nothing. To accept it, all or some, or other values in its place:
    INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping(''Acme'') WHERE confidence <> ''guess''
Arguments: model; branch, whose company''s accounts, by default those of all companies; template, one saved with reefqbo.save_mapping_template, of template_model, by default the same model.
Result: the columns of reefqbo.mapping. An account that another was merged into is offered the other''s mapping; else the template decides, by account number, full name, or type and subtype; else AccountType, AccountSubType and name. The branch is the company''s.
confidence: certain, likely (the name has decided, or a subtype that can mean more than one thing) or guess (no account type is known). Errors: 42704 no such model, branch or template.';

-- ---- what is not mapped ----

CREATE VIEW reefqbo.unmapped_account WITH (security_barrier) AS
SELECT m.name AS model,
       b.name AS branch,
       c.company_name AS company,
       a.account_id,
       a.account_number,
       a.name,
       a.fully_qualified_name,
       a.account_type,
       a.account_subtype,
       a.is_active,
       v.statement,
       v.amount AS amount_at_stake,
       v.accounting_method,
       v.first_month,
       v.last_month,
       c.home_currency AS currency,
       a.first_seen_at AS since,
       a.model_id,
       a.connection_id
FROM reefqbo.account a
JOIN reefqbo.connection c ON c.model_id = a.model_id AND c.connection_id = a.connection_id
JOIN reefqbo.model m ON m.model_id = a.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
LEFT JOIN LATERAL (
    SELECT s.statement,
           s.accounting_method,
           CASE s.statement WHEN 'profit_and_loss' THEN COALESCE(pg_catalog.sum(x.amount), 0)
                ELSE COALESCE(pg_catalog.sum(x.amount) FILTER (WHERE x.period_start = s.last_month), 0) END + 0.00 AS amount,
           s.first_month,
           s.last_month
    FROM (SELECT i.statement, i.accounting_method, pg_catalog.min(i.period_start) AS first_month,
                 pg_catalog.max(i.period_start) AS last_month
          FROM reefqbo.imported_month i
          WHERE i.model_id = a.model_id AND i.connection_id = a.connection_id
            AND i.statement = CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END
          GROUP BY i.statement, i.accounting_method
          ORDER BY i.accounting_method
          LIMIT 1) s
    LEFT JOIN reefqbo.actual x
        ON x.model_id = a.model_id AND x.connection_id = a.connection_id AND x.statement = s.statement
       AND x.accounting_method = s.accounting_method AND x.account_id = a.account_id
       AND x.period_start BETWEEN s.first_month AND s.last_month
    GROUP BY s.statement, s.accounting_method, s.first_month, s.last_month
) v ON true
WHERE NOT a.is_computed
  AND NOT EXISTS (SELECT FROM reefqbo.account_mapping p WHERE p.model_id = a.model_id
                  AND p.connection_id = a.connection_id AND p.account_id = a.account_id)
  AND a.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.unmapped_account IS
'The accounts that are not mapped, and what is at stake. reefqbo.propose_mapping proposes how to map them; until then their amounts stand in the statements all the same, under Unmapped where those go by category.
amount_at_stake: of the statement that the account stands in, by accrual where that was imported: the movements of all imported months, first_month to last_month, or the balance at the end of the last. NULL where nothing was imported.';
