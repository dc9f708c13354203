-- Mapping: what each account is in the model. It follows the account's id, through renames and moves.

CREATE TABLE reefqbo.variable (
    model_id bigint NOT NULL,
    variable_id bigint GENERATED ALWAYS AS IDENTITY,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
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
COMMENT ON COLUMN reefqbo.variable.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.variable.variable_id IS 'the variable, for good';
COMMENT ON COLUMN reefqbo.variable.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.variable.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.variable.name IS 'at first the account''s number and name; UPDATE it freely, nothing goes by it';
COMMENT ON COLUMN reefqbo.variable.created_at IS 'when it was made';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.variable', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.variable_variable_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.variable');
INSERT INTO reefqbo._privilege VALUES ('operator', 'INSERT (model_id, connection_id, account_id, name)', 'TABLE reefqbo.variable');
INSERT INTO reefqbo._privilege VALUES ('operator', 'UPDATE (name)', 'TABLE reefqbo.variable');

CREATE TABLE reefqbo.account_mapping (
    model_id bigint NOT NULL,
    connection_id bigint NOT NULL,
    account_id text COLLATE "C" NOT NULL,
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
'What each mapped account is in the model, by ids. Read and write reefqbo.mapping instead, which has the names, and take mappings away with reefqbo.unmap_account.';
COMMENT ON COLUMN reefqbo.account_mapping.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.account_mapping.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.account_mapping.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.account_mapping.variable_id IS 'the variable, for good';
COMMENT ON COLUMN reefqbo.account_mapping.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.account_mapping.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.account_mapping.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.account_mapping.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.account_mapping.mapped_at IS 'when it was mapped as it is; what is written here does not count';
COMMENT ON COLUMN reefqbo.account_mapping.mapped_by IS 'by which role; what is written here does not count';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_mapping', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.account_mapping');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model_id, connection_id, account_id, variable_id, variable_type, category, subcategory, branch_id, mapped_at, mapped_by)', 'TABLE reefqbo.account_mapping'),
    ('operator', 'UPDATE (model_id, connection_id, account_id, variable_id, variable_type, category, subcategory, branch_id, mapped_at, mapped_by)', 'TABLE reefqbo.account_mapping');

CREATE TRIGGER sign_mapping BEFORE INSERT OR UPDATE ON reefqbo.account_mapping
FOR EACH ROW EXECUTE FUNCTION reefqbo._sign('mapped');

COMMENT ON TRIGGER sign_mapping ON reefqbo.account_mapping IS 'who has mapped it, and when, is not the writer''s to say';

-- Reading and writing by names, with the rights of whoever does: of a view with its owner's, whoever may change a row can lock those
-- below it, which the background worker needs. INSERT, UPDATE and DELETE come to _map_account.
CREATE VIEW reefqbo.mapping WITH (security_barrier, security_invoker) AS
SELECT c.model,
       c.branch AS company_branch,
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
JOIN reefqbo.connection_status c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
JOIN reefqbo.branch b ON b.model_id = p.model_id AND b.branch_id = p.branch_id
JOIN reefqbo.account a ON a.model_id = p.model_id AND a.connection_id = p.connection_id AND a.account_id = p.account_id;

COMMENT ON VIEW reefqbo.mapping IS
E'What each mapped account is in the model: read it, and write it. It has the columns of reefqbo.propose_mapping, so that a proposal is accepted, all or in part, by one statement, and a CSV file goes out and in by \\copy:
    INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping(''Acme'') WHERE confidence = ''certain''
An account mapped already is mapped anew; reefqbo.unmap_account takes a mapping away, since whoever may DELETE here may lock it against others. model, account_id, variable_type and category are needed; company_branch is the branch of the account''s company, by default the root''s or the model''s only one; branch, by default company_branch. account_number, account_name, confidence and reason are not written.
Errors: 42704 no such model, branch or account; 22023 a type that does not fit the account; 22004 something needed is null; 42501.';
COMMENT ON COLUMN reefqbo.mapping.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.mapping.company_branch IS 'branch of the account''s company';
COMMENT ON COLUMN reefqbo.mapping.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.mapping.account_number IS 'not written';
COMMENT ON COLUMN reefqbo.mapping.account_name IS 'not written';
COMMENT ON COLUMN reefqbo.mapping.variable_type IS 'Revenue, COGS, Opex, Staff, Tax; Asset, Liability, Equity, Dividend';
COMMENT ON COLUMN reefqbo.mapping.category IS 'category in the model';
COMMENT ON COLUMN reefqbo.mapping.subcategory IS 'subcategory in the model, or NULL';
COMMENT ON COLUMN reefqbo.mapping.branch IS 'the branch whose statements its amounts stand in';
COMMENT ON COLUMN reefqbo.mapping.confidence IS 'mapped; not written';
COMMENT ON COLUMN reefqbo.mapping.reason IS 'who mapped it, and when; not written';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.mapping');
INSERT INTO reefqbo._privilege VALUES
    ('operator', 'INSERT (model, company_branch, account_id, account_number, account_name, variable_type, category, subcategory, branch, confidence, reason)', 'TABLE reefqbo.mapping'),
    ('operator', 'UPDATE (model, company_branch, account_id, account_number, account_name, variable_type, category, subcategory, branch, confidence, reason)', 'TABLE reefqbo.mapping');

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
INSERT INTO reefqbo._privilege VALUES ('reader', 'EXECUTE', 'FUNCTION reefqbo._fitting_types(text)');

CREATE FUNCTION reefqbo._variable_name(account_number text, name text, account_id text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    -- whatever QuickBooks lets an account be called
    SELECT coalesce(nullif(btrim(left(regexp_replace(
        concat_ws(' ', $1, regexp_replace($2, E'\\s*\\(deleted\\)$', '', 'i')), '[[:cntrl:]]+', ' ', 'g'), 250)), ''), $3)
$$;

COMMENT ON FUNCTION reefqbo._variable_name(text, text, text) IS 'Internal: what a variable is called at first: its account''s number and name.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._variable_name(text, text, text)');

CREATE FUNCTION reefqbo._mapped_company(model text, at_branch text, OUT company_branch text, OUT model_id bigint, OUT connection_id bigint)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT s.branch, s.model_id, s.connection_id INTO company_branch, model_id, connection_id
    FROM reefqbo.connection_status s
    JOIN reefqbo.branch b ON b.model_id = s.model_id AND b.name = s.branch
    WHERE s.model = $1 AND s.branch = coalesce($2, s.branch)
      AND ($2 IS NOT NULL OR b.parent_branch_id IS NULL
           OR (SELECT count(*) FROM reefqbo.connection_status o WHERE o.model = $1) = 1);
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no company at branch "%s" of model "%s"', coalesce($2, '(the root)'), $1),
            HINT = 'company_branch names the branch that the account''s company is connected to; reefqbo.connection_status lists them.';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._mapped_company(text, text) IS
'Internal: the company whose account is meant: the one at a branch, by default the root''s or the model''s only one. Error: 42704 there is none.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo._mapped_company(text, text)');

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
    company := reefqbo._mapped_company(given.model, given.company_branch);
    SELECT a.* INTO account FROM reefqbo.account a
    WHERE a.model_id = company.model_id AND a.connection_id = company.connection_id AND a.account_id = given.account_id;
    IF NOT FOUND OR reefqbo._is_closing_line(account.is_computed, account.classification) THEN
        RAISE undefined_object USING
            MESSAGE = format('there is no account "%s" to map at branch "%s" of model "%s"', given.account_id, company.company_branch, given.model),
            HINT = 'account_id is QuickBooks'' own id, as in reefqbo.account. Net Income inside equity is not mapped.';
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
            MESSAGE = format('account "%s" (%s) cannot be of type "%s"', reefqbo._show_line(account.fully_qualified_name), given.account_id, given.variable_type),
            DETAIL = format('It is of account type %s.', reefqbo._show_line(account.account_type)),
            HINT = format('Choose one of %s.', array_to_string(reefqbo._fitting_types(account.classification), ', '));
    END IF;
    SELECT b.branch_id INTO to_branch FROM reefqbo.branch b
    WHERE b.model_id = company.model_id AND b.name = coalesce(given.branch, company.company_branch);
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

CREATE FUNCTION reefqbo._unmap_account(model text, account_id text, company_branch text)
RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'which account is not to be mapped any more?';
    END IF;
    DELETE FROM reefqbo.account_mapping p
    USING reefqbo._mapped_company($1, $3) c
    WHERE p.model_id = c.model_id AND p.connection_id = c.connection_id AND p.account_id = $2;
    RETURN FOUND;
END
$$;

COMMENT ON FUNCTION reefqbo._unmap_account(text, text, text) IS 'Internal: what reefqbo.unmap_account does, without asking who calls.';

CREATE FUNCTION reefqbo.unmap_account(model text, account_id text, company_branch text DEFAULT NULL)
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.unmap_account(text, text, text) IS
E'Takes the mapping of an account away. Its variable stays, and is its own again with the next mapping. For several at once:
    SELECT reefqbo.unmap_account(model, account_id, company_branch) FROM reefqbo.mapping WHERE model = ''Acme''
Arguments: model; account_id; company_branch, the branch of the account''s company, by default the root''s or the model''s only one. Result: whether it was mapped.
Errors: 42704 no such model or company; 22004 no account.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.unmap_account(text, text, text)');

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
       CASE WHEN v.accounting_method IS NOT NULL THEN k.statement END AS statement,
       CASE WHEN v.accounting_method IS NOT NULL
            THEN (SELECT COALESCE(pg_catalog.sum(x.amount), 0)
                  FROM reefqbo._amount x
                  WHERE x.model_id = a.model_id AND x.connection_id = a.connection_id AND x.statement = k.statement
                    AND x.accounting_method = v.accounting_method AND x.account_id = a.account_id
                    AND (k.statement = 'profit_and_loss' OR x.period_start = v.last_month)) + 0.00 END AS amount_at_stake,
       v.accounting_method,
       v.first_month,
       v.last_month,
       c.home_currency AS currency,
       a.first_seen_at AS since,
       a.model_id,
       a.connection_id,
       CASE WHEN p.account_id IS NULL THEN 'not mapped'
            ELSE pg_catalog.format('mapped to %s, which does not fit the account type %s', p.variable_type, a.account_type) END AS reason
FROM reefqbo.account a
JOIN reefqbo.connection c ON c.model_id = a.model_id AND c.connection_id = a.connection_id
JOIN reefqbo.model m ON m.model_id = a.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
-- once for each company, and the amounts only for whoever asks for them
CROSS JOIN LATERAL (
    SELECT pg_catalog.max(s.accounting_method) FILTER (WHERE s.statement = 'profit_and_loss') AS movements_method,
           pg_catalog.max(s.first_month) FILTER (WHERE s.statement = 'profit_and_loss') AS movements_first,
           pg_catalog.max(s.last_month) FILTER (WHERE s.statement = 'profit_and_loss') AS movements_last,
           pg_catalog.max(s.accounting_method) FILTER (WHERE s.statement = 'balance_sheet') AS balances_method,
           pg_catalog.max(s.first_month) FILTER (WHERE s.statement = 'balance_sheet') AS balances_first,
           pg_catalog.max(s.last_month) FILTER (WHERE s.statement = 'balance_sheet') AS balances_last
    FROM (SELECT DISTINCT ON (i.statement) i.statement, i.accounting_method, pg_catalog.min(i.period_start) AS first_month,
                 pg_catalog.max(i.period_start) AS last_month
          FROM reefqbo.imported_month i
          WHERE i.model_id = c.model_id AND i.connection_id = c.connection_id
          GROUP BY i.statement, i.accounting_method
          ORDER BY i.statement, i.accounting_method) s
) h
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.classification IN ('Revenue', 'Expense') THEN 'profit_and_loss' ELSE 'balance_sheet' END AS statement
) k
CROSS JOIN LATERAL (
    SELECT CASE k.statement WHEN 'profit_and_loss' THEN h.movements_method ELSE h.balances_method END AS accounting_method,
           CASE k.statement WHEN 'profit_and_loss' THEN h.movements_first ELSE h.balances_first END AS first_month,
           CASE k.statement WHEN 'profit_and_loss' THEN h.movements_last ELSE h.balances_last END AS last_month
) v
LEFT JOIN reefqbo.account_mapping p
    ON p.model_id = a.model_id AND p.connection_id = a.connection_id AND p.account_id = a.account_id
WHERE NOT reefqbo._is_closing_line(a.is_computed, a.classification)
  AND (p.account_id IS NULL OR p.variable_type <> ALL (reefqbo._fitting_types(a.classification)))
  AND a.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.unmapped_account IS
'The accounts that are not mapped, or whose mapping no longer fits their type, and what is at stake. reefqbo.propose_mapping proposes how to map them; until then their amounts stand in the statements all the same, under Unmapped where those go by category.
amount_at_stake: of the statement that the account stands in, by accrual where that was imported: the movements of all imported months, first_month to last_month, or the balance at the end of the last. NULL where nothing was imported.';
COMMENT ON COLUMN reefqbo.unmapped_account.reason IS 'not mapped, or why the mapping does not fit: a reclassified account may have gone to the other statement';
COMMENT ON COLUMN reefqbo.unmapped_account.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.unmapped_account.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.unmapped_account.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.unmapped_account.account_id IS 'QuickBooks'' own id of the account; computed lines have ids that begin with "computed:"';
COMMENT ON COLUMN reefqbo.unmapped_account.account_number IS 'the account''s number, if the company uses numbers';
COMMENT ON COLUMN reefqbo.unmapped_account.name IS 'its name';
COMMENT ON COLUMN reefqbo.unmapped_account.fully_qualified_name IS 'the names from the top down, joined by colons';
COMMENT ON COLUMN reefqbo.unmapped_account.account_type IS 'QuickBooks'' account type, such as Expense';
COMMENT ON COLUMN reefqbo.unmapped_account.account_subtype IS 'QuickBooks'' detail type, such as OfficeExpenses';
COMMENT ON COLUMN reefqbo.unmapped_account.is_active IS 'false: made inactive in QuickBooks';
COMMENT ON COLUMN reefqbo.unmapped_account.statement IS 'the statement it stands in, NULL if nothing was imported';
COMMENT ON COLUMN reefqbo.unmapped_account.amount_at_stake IS 'in the home currency, with the sign QuickBooks prints';
COMMENT ON COLUMN reefqbo.unmapped_account.accounting_method IS 'Accrual or Cash';
COMMENT ON COLUMN reefqbo.unmapped_account.first_month IS 'first month of the amount';
COMMENT ON COLUMN reefqbo.unmapped_account.last_month IS 'last month of the amount';
COMMENT ON COLUMN reefqbo.unmapped_account.currency IS 'the company''s home currency';
COMMENT ON COLUMN reefqbo.unmapped_account.since IS 'when an import first met it';
COMMENT ON COLUMN reefqbo.unmapped_account.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.unmapped_account.connection_id IS 'the connection: one QuickBooks company in one branch';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.unmapped_account');
