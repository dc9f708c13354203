-- Models, and the tree of branches inside each.

CREATE TABLE reefqbo.model (
    model_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    title text,
    purpose text NOT NULL DEFAULT 'production',
    currency text,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id),
    UNIQUE (name),
    CONSTRAINT model_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
    CONSTRAINT model_title_is_plain CHECK (title ~ '^[^[:cntrl:]]{1,200}$'),
    CONSTRAINT model_currency_is_iso CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT model_purpose_is_known CHECK (purpose IN ('production', 'training'))
);

COMMENT ON TABLE reefqbo.model IS
'One financial model of the application. A training model may link sandbox companies, a production model may not.';
COMMENT ON COLUMN reefqbo.model.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.model.name IS 'unique; may be a key of the application, if the title is what people are to read';
COMMENT ON COLUMN reefqbo.model.title IS 'what messages call it, and connection_status.title; NULL: its name';
COMMENT ON COLUMN reefqbo.model.purpose IS 'production or training';
COMMENT ON COLUMN reefqbo.model.currency IS 'the currency its companies are consolidated in; NULL: the one they all have';
COMMENT ON COLUMN reefqbo.model.created_at IS 'when it was made';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.model', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.model_model_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.model');

CREATE TABLE reefqbo.branch (
    model_id bigint NOT NULL REFERENCES reefqbo.model,
    branch_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    parent_branch_id bigint,
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, branch_id),
    UNIQUE (model_id, name),
    CONSTRAINT branch_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
    CONSTRAINT branch_is_not_its_own_parent CHECK (parent_branch_id <> branch_id)
);

CREATE UNIQUE INDEX branch_one_root ON reefqbo.branch (model_id) WHERE parent_branch_id IS NULL;

COMMENT ON TABLE reefqbo.branch IS
'The tree of entities, divisions, stores or projects inside a model. Each model has one root, made with it and named like it.';
COMMENT ON COLUMN reefqbo.branch.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.branch.branch_id IS 'the branch';
COMMENT ON COLUMN reefqbo.branch.name IS 'its name';
COMMENT ON COLUMN reefqbo.branch.parent_branch_id IS 'the branch above; NULL for the root';
COMMENT ON COLUMN reefqbo.branch.is_enabled IS 'false: it and all below it are left out of the statements of those above';
COMMENT ON COLUMN reefqbo.branch.created_at IS 'when it was made';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.branch', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.branch_branch_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.branch');

CREATE FUNCTION reefqbo._branch_parent()
RETURNS trigger
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_branch_parent';

COMMENT ON FUNCTION reefqbo._branch_parent() IS
'Internal: trigger function: the parent of a branch is one of the same model, and stays while others are below it. A foreign key of the table to itself would do the same, and have every pg_dump warn of it. Error: 23503.';

-- only when what it looks at has changed, and after all rows of the statement
CREATE TRIGGER branch_parent AFTER INSERT OR DELETE OR UPDATE OF model_id, branch_id, parent_branch_id ON reefqbo.branch
    FOR EACH ROW EXECUTE FUNCTION reefqbo._branch_parent();

CREATE FUNCTION reefqbo._model_id(model text)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT m.model_id INTO found_id FROM reefqbo.model m WHERE m.name = $1;
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('model "%s" does not exist', $1),
            HINT = 'reefqbo.create_model makes one; the table reefqbo.model lists them.';
    END IF;
    RETURN found_id;
END
$$;

COMMENT ON FUNCTION reefqbo._model_id(text) IS 'Internal: the id of a model by its name. Error: 42704 there is none.';

CREATE FUNCTION reefqbo._branch_id(model_id bigint, branch text)
RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_id bigint;
BEGIN
    IF $2 IS NULL THEN
        SELECT b.branch_id INTO found_id FROM reefqbo.branch b
        WHERE b.model_id = $1 AND b.parent_branch_id IS NULL;
    ELSE
        SELECT b.branch_id INTO found_id FROM reefqbo.branch b WHERE b.model_id = $1 AND b.name = $2;
    END IF;
    IF NOT FOUND THEN
        RAISE undefined_object USING
            MESSAGE = format('branch "%s" does not exist in this model', $2),
            HINT = 'reefqbo.create_branch makes one; the table reefqbo.branch lists them.';
    END IF;
    RETURN found_id;
END
$$;

COMMENT ON FUNCTION reefqbo._branch_id(bigint, text) IS
'Internal: the id of a model''s branch by its name, or of its root for NULL. Error: 42704 there is none.';

CREATE FUNCTION reefqbo._create_model(name text, purpose text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_id bigint;
BEGIN
    IF num_nulls($1, $2) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a model needs a name and a purpose';
    END IF;
    INSERT INTO reefqbo.model (name, purpose) VALUES ($1, $2) RETURNING model_id INTO new_id;
    INSERT INTO reefqbo.branch (model_id, name) VALUES (new_id, $1);
    INSERT INTO reefqbo.schedule (model_id) VALUES (new_id);
    RETURN new_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE duplicate_object USING MESSAGE = format('model "%s" already exists', $1);
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not create model "%s"', $1),
            DETAIL = 'A name is 1 to 200 printable characters and the purpose is "production" or "training".';
END
$$;

COMMENT ON FUNCTION reefqbo._create_model(text, text) IS 'Internal: what reefqbo.create_model does, without asking who calls.';

CREATE FUNCTION reefqbo.create_model(name text, purpose text DEFAULT 'production')
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator_of_all';

COMMENT ON FUNCTION reefqbo.create_model(text, text) IS
'Makes a model, its root branch, which has the model''s name, and its schedule.
Arguments: name, unique; purpose, ''production'' or ''training'' (a training model may link sandbox companies, a production model may not).
Result: its model_id. Errors: 42710 the name exists, 22023 the name or purpose is not acceptable, 22004 an argument is null.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.create_model(text, text)');

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
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_currency(text, text) IS
'Sets the currency that a model''s companies are consolidated in. Needed only where they have different ones.
Arguments: model; currency, an ISO 4217 code, or NULL. Errors: 42704 no such model, 22023 not a code.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_currency(text, text)');

CREATE FUNCTION reefqbo._create_branch(model text, branch text, parent text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    new_id bigint;
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a branch needs a name';
    END IF;
    INSERT INTO reefqbo.branch (model_id, name, parent_branch_id)
    VALUES (in_model, $2, reefqbo._branch_id(in_model, $3))
    RETURNING branch_id INTO new_id;
    RETURN new_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE duplicate_object USING
            MESSAGE = format('branch "%s" already exists in model "%s"', $2, $1),
            HINT = 'The root branch is made with its model and has the model''s name.';
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not create branch "%s"', $2),
            DETAIL = 'A name is 1 to 200 printable characters.';
END
$$;

COMMENT ON FUNCTION reefqbo._create_branch(text, text, text) IS 'Internal: what reefqbo.create_branch does, without asking who calls.';

CREATE FUNCTION reefqbo.create_branch(model text, branch text, parent text DEFAULT NULL)
RETURNS bigint
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.create_branch(text, text, text) IS
'Adds a branch (entity, division, store or project) to the tree of a model.
Arguments: model; branch, unique within the model; parent, the branch it hangs under, by default the root.
Result: its branch_id. Errors: 42704 no such model or parent, 42710 the name exists, 22023 the name is not acceptable, 22004 no name.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.create_branch(text, text, text)');

CREATE FUNCTION reefqbo._is_below(model_id bigint, branch_id bigint, above_id bigint)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE above AS (
        SELECT b.branch_id, b.parent_branch_id FROM reefqbo.branch b WHERE b.model_id = $1 AND b.branch_id = $2
        UNION
        SELECT b.branch_id, b.parent_branch_id
        FROM above a JOIN reefqbo.branch b ON b.model_id = $1 AND b.branch_id = a.parent_branch_id
    )
    SELECT EXISTS (SELECT 1 FROM above a WHERE a.branch_id = $3)
$$;

COMMENT ON FUNCTION reefqbo._is_below(bigint, bigint, bigint) IS
'Internal: whether a branch is another, or below it.';

CREATE FUNCTION reefqbo._set_branch(model text, branch text, is_enabled boolean, parent text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    of_branch bigint := reefqbo._branch_id(in_model, $2);
    new_parent bigint := CASE WHEN $4 IS NOT NULL THEN reefqbo._branch_id(in_model, $4) END;
BEGIN
    IF $2 IS NULL OR num_nonnulls($3, $4) = 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a branch, and whether it is enabled or what it is to hang under, are needed';
    END IF;
    -- two moves at once could make a circle: the second waits for the first, and sees it
    PERFORM 1 FROM reefqbo.branch b WHERE b.model_id = in_model AND b.parent_branch_id IS NULL FOR NO KEY UPDATE;
    IF new_parent IS NOT NULL AND (of_branch = reefqbo._branch_id(in_model, NULL) OR reefqbo._is_below(in_model, new_parent, of_branch)) THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('branch "%s" cannot hang under "%s"', $2, $4),
            DETAIL = CASE WHEN of_branch = reefqbo._branch_id(in_model, NULL) THEN 'It is the root, which everything hangs under.'
                          ELSE 'That is the branch itself, or one below it.' END;
    END IF;
    UPDATE reefqbo.branch b
    SET is_enabled = coalesce($3, b.is_enabled), parent_branch_id = coalesce(new_parent, b.parent_branch_id)
    WHERE b.model_id = in_model AND b.branch_id = of_branch;
END
$$;

COMMENT ON FUNCTION reefqbo._set_branch(text, text, boolean, text) IS 'Internal: what reefqbo.set_branch does, without asking who calls.';

CREATE FUNCTION reefqbo.set_branch(model text, branch text, is_enabled boolean DEFAULT NULL, parent text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_branch(text, text, boolean, text) IS
'Enables or disables a branch, or moves it with all below it. What is left out or NULL stays as it is. A disabled one is left out of the statements of those above it, with all below it; it is imported all the same.
Arguments: model; branch; is_enabled; parent, the branch it is to hang under. Its company and figures move along: statements of those above are by today''s tree.
Errors: 42704 no such model, branch or parent; 22023 the root, or a parent that is the branch itself or below it; 22004 no branch, or nothing to set.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_branch(text, text, boolean, text)');

-- ---- names ----

CREATE FUNCTION reefqbo._set_title(model text, title text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE reefqbo.model m SET title = $2 WHERE m.model_id = reefqbo._model_id($1);
EXCEPTION
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('the title of model "%s" is not acceptable', $1),
            DETAIL = 'A title is 1 to 200 printable characters.';
END
$$;

COMMENT ON FUNCTION reefqbo._set_title(text, text) IS 'Internal: what reefqbo.set_title does, without asking who calls.';

CREATE FUNCTION reefqbo.set_title(model text, title text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.set_title(text, text) IS
'Says what messages call a model, so that its name can be a key of the application. Functions are called with the name all the same.
Arguments: model; title, 1 to 200 printable characters, or NULL for its name. Errors: 42704 no such model, 22023 the title is not acceptable.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.set_title(text, text)');

CREATE FUNCTION reefqbo._rename_branch(model text, branch text, new_name text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
BEGIN
    IF num_nulls($2, $3) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a branch and its new name are needed';
    END IF;
    UPDATE reefqbo.branch b SET name = $3 WHERE b.model_id = in_model AND b.branch_id = reefqbo._branch_id(in_model, $2);
    PERFORM reefqbo._audit('branch_renamed', in_model, $1, format('branch "%s" is now "%s"', $2, $3));
EXCEPTION
    WHEN unique_violation THEN
        RAISE duplicate_object USING MESSAGE = format('branch "%s" already exists in model "%s"', $3, $1);
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not rename branch "%s"', $2),
            DETAIL = 'A name is 1 to 200 printable characters.';
END
$$;

COMMENT ON FUNCTION reefqbo._rename_branch(text, text, text) IS 'Internal: what reefqbo.rename_branch does, without asking who calls.';

CREATE FUNCTION reefqbo.rename_branch(model text, branch text, new_name text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.rename_branch(text, text, text) IS
'Gives a branch another name. Its branch_id, its company and all figures stay as they are.
Arguments: model; branch; new_name, unique within the model. Errors: 42704 no such model or branch, 42710 the name exists, 22023 the name is not acceptable, 22004 an argument is null.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.rename_branch(text, text, text)');

CREATE FUNCTION reefqbo._rename_model(model text, new_name text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := reefqbo._model_id($1);
    violated text;
BEGIN
    IF $2 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'a model needs a name';
    END IF;
    UPDATE reefqbo.model m SET name = $2 WHERE m.model_id = in_model;
    -- the root has the model's name, unless somebody gave it another
    UPDATE reefqbo.branch b SET name = $2 WHERE b.model_id = in_model AND b.parent_branch_id IS NULL AND b.name = $1;
    PERFORM reefqbo._audit('model_renamed', in_model, $1, format('is now "%s"', $2));
EXCEPTION
    WHEN unique_violation THEN
        GET STACKED DIAGNOSTICS violated = TABLE_NAME;
        RAISE duplicate_object USING
            MESSAGE = CASE violated WHEN 'branch' THEN format('branch "%s" already exists in model "%s"', $2, $1)
                                    ELSE format('model "%s" already exists', $2) END,
            HINT = CASE violated WHEN 'branch' THEN 'The root branch has the model''s name: rename it, or the other, first, with reefqbo.rename_branch.'
                                ELSE 'The table reefqbo.model lists them.' END;
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not rename model "%s"', $1),
            DETAIL = 'A name is 1 to 200 printable characters.';
END
$$;

COMMENT ON FUNCTION reefqbo._rename_model(text, text) IS 'Internal: what reefqbo.rename_model does, without asking who calls.';

CREATE FUNCTION reefqbo.rename_model(model text, new_name text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator_of_all';

COMMENT ON FUNCTION reefqbo.rename_model(text, text) IS
'Gives a model another name, and its root branch if that has the model''s. Its model_id, its companies, figures and who has access to it stay as they are. A scoped role names the model by its new name from then on.
It takes an operator of all models, as reefqbo.create_model does: names are unique among all.
Arguments: model; new_name. Errors: 42704 no such model, 42710 the name exists, 22023 the name is not acceptable, 22004 an argument is null.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.rename_model(text, text)');
