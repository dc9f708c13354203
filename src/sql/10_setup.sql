-- What is set up once: environments and apps; and what hangs on them: models and branches.

CREATE TABLE reefqbo.environment (
    environment_id bigint GENERATED ALWAYS AS IDENTITY (START WITH 100),
    name text NOT NULL,
    is_sandbox boolean NOT NULL,
    authorize_url text NOT NULL,
    token_url text NOT NULL,
    revoke_url text NOT NULL,
    api_url text NOT NULL,
    is_builtin boolean NOT NULL DEFAULT false,
    PRIMARY KEY (environment_id),
    UNIQUE (name),
    CONSTRAINT environment_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,100}$'),
    CONSTRAINT environment_urls_are_https CHECK (
        authorize_url ~ '^https://[^][:space:][:cntrl:]/?#@\\]+(/[^][:space:][:cntrl:]?#@\\]*)?$'
        AND token_url ~ '^https://[^][:space:][:cntrl:]/?#@\\]+(/[^][:space:][:cntrl:]?#@\\]*)?$'
        AND revoke_url ~ '^https://[^][:space:][:cntrl:]/?#@\\]+(/[^][:space:][:cntrl:]?#@\\]*)?$'
        AND api_url ~ '^https://[^][:space:][:cntrl:]/?#@\\]+(/[^][:space:][:cntrl:]?#@\\]*)?$')
);

COMMENT ON TABLE reefqbo.environment IS
'A set of Intuit endpoints. production and sandbox are built in; only a superuser adds others, with reefqbo.create_environment.';
COMMENT ON COLUMN reefqbo.environment.is_sandbox IS 'whether its companies are test companies, which no production model may link';

INSERT INTO reefqbo.environment OVERRIDING SYSTEM VALUE VALUES
    (1, 'production', false,
     'https://appcenter.intuit.com/connect/oauth2',
     'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
     'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
     'https://quickbooks.api.intuit.com', true),
    (2, 'sandbox', true,
     'https://appcenter.intuit.com/connect/oauth2',
     'https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer',
     'https://developer.api.intuit.com/v2/oauth2/tokens/revoke',
     'https://sandbox-quickbooks.api.intuit.com', true);

CREATE TABLE reefqbo.app (
    environment_id bigint NOT NULL REFERENCES reefqbo.environment,
    client_id text NOT NULL,
    client_secret_sealed bytea NOT NULL,
    redirect_uri text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (environment_id)
);

COMMENT ON TABLE reefqbo.app IS
'The Intuit application used in an environment: its client id, redirect URI and sealed client secret. Set with reefqbo.register_app.';

CREATE TABLE reefqbo.model (
    model_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    purpose text NOT NULL DEFAULT 'production',
    currency text,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id),
    UNIQUE (name),
    CONSTRAINT model_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
    CONSTRAINT model_currency_is_iso CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT model_purpose_is_known CHECK (purpose IN ('production', 'training'))
);

COMMENT ON TABLE reefqbo.model IS
'One financial model of the application. A training model may link sandbox companies, a production model may not.';
COMMENT ON COLUMN reefqbo.model.currency IS 'the currency its companies are consolidated in; NULL: the one they all have';

CREATE TABLE reefqbo.branch (
    model_id bigint NOT NULL REFERENCES reefqbo.model,
    branch_id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    parent_branch_id bigint,
    is_enabled boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, branch_id),
    UNIQUE (model_id, name),
    FOREIGN KEY (model_id, parent_branch_id) REFERENCES reefqbo.branch,
    CONSTRAINT branch_name_is_plain CHECK (name ~ '^[^[:cntrl:]]{1,200}$'),
    CONSTRAINT branch_is_not_its_own_parent CHECK (parent_branch_id <> branch_id)
);

CREATE UNIQUE INDEX branch_one_root ON reefqbo.branch (model_id) WHERE parent_branch_id IS NULL;

COMMENT ON TABLE reefqbo.branch IS
'The tree of entities, divisions, stores or projects inside a model. Each model has one root, made with it and named like it.';
COMMENT ON COLUMN reefqbo.branch.is_enabled IS 'false: it and all below it are left out of the statements of those above';

CREATE FUNCTION reefqbo.create_environment(name text, is_sandbox boolean, authorize_url text, token_url text,
                                           revoke_url text, api_url text)
RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    new_id bigint;
BEGIN
    -- Hosts decide where tokens go: only a superuser chooses them, whatever was granted on this function.
    IF NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = current_user) THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'permission denied to create an environment',
            HINT = 'Only a superuser may add an environment, since it decides which hosts receive tokens.';
    END IF;
    IF num_nulls($1, $2, $3, $4, $5, $6) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'an environment needs all six of its arguments';
    END IF;
    INSERT INTO reefqbo.environment (name, is_sandbox, authorize_url, token_url, revoke_url, api_url)
    VALUES ($1, $2, rtrim($3, '/'), rtrim($4, '/'), rtrim($5, '/'), rtrim($6, '/'))
    RETURNING environment_id INTO new_id;
    PERFORM reefqbo._audit('environment_created', NULL, NULL, format('environment "%s", accounting API at %s', $1, $6));
    RETURN new_id;
EXCEPTION
    WHEN unique_violation THEN
        RAISE duplicate_object USING
            MESSAGE = format('environment "%s" already exists', $1);
    WHEN check_violation THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('could not create environment "%s"', $1),
            DETAIL = 'A name is 1 to 100 printable characters; an address begins with https:// and has no user, query, fragment or white space.',
            HINT = 'Pass the four addresses of Intuit''s discovery document, for example https://quickbooks.api.intuit.com as api_url.';
END
$$;

COMMENT ON FUNCTION reefqbo.create_environment(text, boolean, text, text, text, text) IS
'Adds a set of Intuit endpoints beside the built-in production and sandbox. Superusers only.
Arguments: name; is_sandbox, whether its companies are test companies; the https addresses of authorize page, token, revoke and accounting API.
Result: its environment_id. Errors: 42501 not a superuser, 42710 the name exists, 22023 a name or address is not acceptable, 22004 an argument is null.
See https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/openid-connect#discovery-document';

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
AS 'MODULE_PATHNAME', 'rqbo_gate_operator_of_all';

COMMENT ON FUNCTION reefqbo.create_model(text, text) IS
'Makes a model, its root branch, which has the model''s name, and its schedule.
Arguments: name, unique; purpose, ''production'' or ''training'' (a training model may link sandbox companies, a production model may not).
Result: its model_id. Errors: 42710 the name exists, 22023 the name or purpose is not acceptable, 22004 an argument is null.';

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
AS 'MODULE_PATHNAME', 'rqbo_gate_operator';

COMMENT ON FUNCTION reefqbo.create_branch(text, text, text) IS
'Adds a branch (entity, division, store or project) to the tree of a model.
Arguments: model; branch, unique within the model; parent, the branch it hangs under, by default the root.
Result: its branch_id. Errors: 42704 no such model or parent, 42710 the name exists, 22023 the name is not acceptable, 22004 no name.';

CREATE FUNCTION reefqbo.register_app(environment text, client_id text, client_secret text, redirect_uri text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_register_app';

COMMENT ON FUNCTION reefqbo.register_app(text, text, text, text) IS
'Registers the Intuit application used in an environment, or replaces it. The client secret is sealed with the newest key of the key ring.
This one call carries the secret: keep it out of the server log and shell history, for example with SET log_statement = ''none'' and \getenv.
Arguments: environment; client_id and client_secret, from the app''s Keys page at Intuit; redirect_uri, exactly as registered there.
Errors: 42704 no such environment, 22023 a value is not acceptable, RQ010 no key.
See https://developer.intuit.com/app/developer/qbo/docs/get-started/get-client-id-and-client-secret';
