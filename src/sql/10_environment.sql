-- Environments, the sets of Intuit endpoints, and the app that is used in each.

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
        authorize_url ~ E'^https://[^][:space:][:cntrl:]/?#@\\\\]+(/[^][:space:][:cntrl:]?#@\\\\]*)?$'
        AND token_url ~ E'^https://[^][:space:][:cntrl:]/?#@\\\\]+(/[^][:space:][:cntrl:]?#@\\\\]*)?$'
        AND revoke_url ~ E'^https://[^][:space:][:cntrl:]/?#@\\\\]+(/[^][:space:][:cntrl:]?#@\\\\]*)?$'
        AND api_url ~ E'^https://[^][:space:][:cntrl:]/?#@\\\\]+(/[^][:space:][:cntrl:]?#@\\\\]*)?$')
);

COMMENT ON TABLE reefqbo.environment IS
'A set of Intuit endpoints. production and sandbox are built in; only a superuser adds others, with reefqbo.create_environment.';
COMMENT ON COLUMN reefqbo.environment.environment_id IS 'the environment';
COMMENT ON COLUMN reefqbo.environment.name IS 'its name';
COMMENT ON COLUMN reefqbo.environment.is_sandbox IS 'whether its companies are test companies, which no production model may link';
COMMENT ON COLUMN reefqbo.environment.authorize_url IS 'the sign-in page';
COMMENT ON COLUMN reefqbo.environment.token_url IS 'the token endpoint';
COMMENT ON COLUMN reefqbo.environment.revoke_url IS 'the revoke endpoint';
COMMENT ON COLUMN reefqbo.environment.api_url IS 'the accounting API';
COMMENT ON COLUMN reefqbo.environment.is_builtin IS 'made by the extension';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.environment', 'WHERE NOT is_builtin');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.environment_environment_id_seq', '');
INSERT INTO reefqbo._privilege VALUES ('operator', 'SELECT', 'TABLE reefqbo.environment');

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

-- The extension makes no row of it: that would be in the way of the one that a dump brings. The first register_app does.
CREATE TABLE reefqbo.installation (
    is_this boolean NOT NULL DEFAULT true,
    identity uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    made_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (is_this),
    CONSTRAINT installation_is_one CHECK (is_this)
);

COMMENT ON TABLE reefqbo.installation IS
'The identity of this installation, in one row: a random number that everything sealed is bound to, so that another database does not open it. A dump, a standby and an upgrade carry it along. Made with the first secret that is sealed, and never changed: without it nothing that was sealed opens.';
COMMENT ON COLUMN reefqbo.installation.is_this IS 'true, in the only row there may be';
COMMENT ON COLUMN reefqbo.installation.identity IS 'the identity; not secret';
COMMENT ON COLUMN reefqbo.installation.made_at IS 'when it was made';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.installation', '');

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
COMMENT ON COLUMN reefqbo.app.environment_id IS 'the environment';
COMMENT ON COLUMN reefqbo.app.client_id IS 'the app''s client id';
COMMENT ON COLUMN reefqbo.app.client_secret_sealed IS 'the client secret, sealed';
COMMENT ON COLUMN reefqbo.app.redirect_uri IS 'as registered at Intuit';
COMMENT ON COLUMN reefqbo.app.registered_at IS 'when';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.app', '');
INSERT INTO reefqbo._privilege VALUES ('admin', 'SELECT (environment_id, client_id, redirect_uri, registered_at)', 'TABLE reefqbo.app');

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

CREATE FUNCTION reefqbo.register_app(environment text, client_id text, client_secret text, redirect_uri text)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_register_app';

COMMENT ON FUNCTION reefqbo.register_app(text, text, text, text) IS
E'Registers the Intuit application used in an environment, or replaces it. The client secret is sealed with the newest key of the key ring.
This one call carries the secret: keep it out of the server log and shell history, for example with SET log_statement = ''none'' and \\getenv.
Arguments: environment; client_id and client_secret, from the app''s Keys page at Intuit; redirect_uri, exactly as registered there.
Errors: 42704 no such environment, 22023 a value is not acceptable, RQ010 no key.
See https://developer.intuit.com/app/developer/qbo/docs/get-started/get-client-id-and-client-secret';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.register_app(text, text, text, text)');
