-- Proposals of how to map what is not mapped yet, and the templates they go by.

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
COMMENT ON COLUMN reefqbo.mapping_template.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.mapping_template.template IS 'name of the template';
COMMENT ON COLUMN reefqbo.mapping_template.position IS 'order in the template';
COMMENT ON COLUMN reefqbo.mapping_template.account_number IS 'the account''s number, if the company uses numbers';
COMMENT ON COLUMN reefqbo.mapping_template.fully_qualified_name IS 'what the account is recognised by, if not by number';
COMMENT ON COLUMN reefqbo.mapping_template.account_type IS 'QuickBooks'' account type, such as Expense';
COMMENT ON COLUMN reefqbo.mapping_template.account_subtype IS 'QuickBooks'' detail type, such as OfficeExpenses';
COMMENT ON COLUMN reefqbo.mapping_template.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.mapping_template.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.mapping_template.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.mapping_template.branch IS 'the branch''s name where an account was mapped to another than its company''s; NULL: the company''s own';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.mapping_template', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.mapping_template');

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
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.save_mapping_template(text, text, text) IS
'Saves how a company''s accounts are mapped, for the next company of a group: reefqbo.propose_mapping(model, branch, template) proposes it. A template of the same name is replaced.
Arguments: model; template, its name; branch of the company, by default the root''s or the model''s only one. Result: how many accounts it holds.
Errors: 42704 no such model or branch, no connection, nothing is mapped; 22023 no name.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.save_mapping_template(text, text, text)');

-- ---- proposals ----

CREATE FUNCTION reefqbo._spelled_out(subtype text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(regexp_replace($1, '([a-z])([A-Z])', E'\\1 \\2', 'g'), '_', ' ')
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
               $1 ~* E'\\m(payroll|salar(y|ies)|wages?|staff|bonus(es)?|pensions?|superannuation|salaires?|l(ö|oe)hne)\\M' AS staff_name,
               $1 ~* E'\\m(income|corporation|corporate) tax(es)?\\M|\\mimp(ô|o)ts? sur les (b(é|e)n(é|e)fices|soci(é|e)t(é|e)s)\\M' AS tax_name,
               $1 ~* E'\\m(dividend|distribution)(s|en)?\\M|\\mdividendes?\\M' AS dividend_name
    ), chosen AS (
        -- what QuickBooks has above its gross profit stays there
        SELECT CASE WHEN $2 = 'Cost of Goods Sold' THEN 'COGS'
                    WHEN g.is_cost AND (g.tax_subtype OR g.tax_name) THEN 'Tax'
                    WHEN g.is_cost AND (g.staff_subtype OR g.staff_name) THEN 'Staff'
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
    of_model bigint;
    of_branch bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._branch_id(in_model, $2) END;
BEGIN
    SELECT m.model_id INTO of_model FROM reefqbo.model m
    WHERE m.name = coalesce($4, $1) AND (m.model_id = in_model OR reefqbo._may_read(reefqbo._caller(), m.model_id));
    IF NOT FOUND THEN
        -- one that is there, but not for the caller, is told on the same line: it is shown to whoever asks
        RAISE undefined_object USING
            MESSAGE = format('model "%s" does not exist', $4),
            HINT = 'reefqbo.create_model makes one; the table reefqbo.model lists them.';
    END IF;
    IF $3 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reefqbo.mapping_template t WHERE t.model_id = of_model AND t.template = $3) THEN
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
    WHERE c.model_id = in_model AND (of_branch IS NULL OR c.branch_id = of_branch) AND NOT reefqbo._is_closing_line(a.is_computed, a.classification)
      AND coalesce(g.variable_type, t.variable_type, d.variable_type) IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM reefqbo.account_mapping p WHERE p.model_id = a.model_id
                      AND p.connection_id = a.connection_id AND p.account_id = a.account_id
                      AND p.variable_type = ANY (reefqbo._fitting_types(a.classification)))
    ORDER BY cb.name COLLATE "C", a.account_type, a.fully_qualified_name COLLATE "C", a.account_id COLLATE "C";
END
$$;

COMMENT ON FUNCTION reefqbo._propose_mapping(text, text, text, text) IS 'Internal: what reefqbo.propose_mapping does, without asking who calls.';

CREATE FUNCTION reefqbo.propose_mapping(model text, branch text DEFAULT NULL, template text DEFAULT NULL,
                                        template_model text DEFAULT NULL)
RETURNS TABLE (model_name text, company_branch text, account_id text, account_number text, account_name text,
               variable_type text, category text, subcategory text, branch_name text, confidence text, reason text)
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_reader';

COMMENT ON FUNCTION reefqbo.propose_mapping(text, text, text, text) IS
'A mapping for each account that has none yet, or one that no longer fits its type, with the reason and how sure it is. Writes nothing. To accept it, all or some, or other values in its place:
    INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping(''Acme'') WHERE confidence <> ''guess''
Arguments: model; branch, whose company''s accounts, by default those of all companies; template, one saved with reefqbo.save_mapping_template, of template_model, by default the same model.
Result: the columns of reefqbo.mapping. An account that another was merged into is offered the other''s mapping; else the template decides, by account number, full name, or type and subtype; else AccountType, AccountSubType and name. The branch is the company''s.
confidence: certain, likely (the name has decided, or a subtype that can mean more than one thing) or guess (no account type is known). Errors: 42704 no such model, branch or template.';
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo.propose_mapping(text, text, text, text)');
