-- Who may do what, for which models; giving access and taking it away.

CREATE TABLE reefqbo.access (
    model_id bigint NOT NULL,
    grantee name NOT NULL,
    level text NOT NULL,
    granted_by name NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (model_id, grantee),
    CONSTRAINT access_level_is_known CHECK (level IN ('reader', 'operator', 'admin')),
    CONSTRAINT access_of_an_admin_is_to_all CHECK (level <> 'admin' OR model_id = 0)
);

COMMENT ON TABLE reefqbo.access IS
'Which role has which level for which model. Changed with reefqbo.grant_access and reefqbo.revoke_access, which also keep the privileges on tables and functions in step.';
COMMENT ON COLUMN reefqbo.access.model_id IS 'the model; 0 for all models, those to come included';
COMMENT ON COLUMN reefqbo.access.grantee IS 'the role, by name, so that a dump can be restored where the role is missing';
COMMENT ON COLUMN reefqbo.access.level IS 'reader: data; operator: also connect, reconnect, import; admin: also apps, environments, keys and access';
COMMENT ON COLUMN reefqbo.access.granted_by IS 'who gave it';
COMMENT ON COLUMN reefqbo.access.granted_at IS 'when';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.access', '');
INSERT INTO reefqbo._privilege VALUES ('admin', 'SELECT', 'TABLE reefqbo.access');

CREATE TABLE reefqbo.protection (
    since timestamptz NOT NULL DEFAULT reefqbo._now(),
    PRIMARY KEY (since)
);

COMMENT ON TABLE reefqbo.protection IS
'One row since the first reefqbo.grant_access: from then on a role sees the models it has access to. As long as it is empty, whoever was granted privileges by hand sees all. A dump carries it, as it carries reefqbo.access; policies it does not, so that they are made with the tables.';
COMMENT ON COLUMN reefqbo.protection.since IS 'when access was given for the first time';

SELECT pg_catalog.pg_extension_config_dump('reefqbo.protection', '');

CREATE FUNCTION reefqbo._level_of(role oid, model_id bigint)
RETURNS integer
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN NOT EXISTS (SELECT FROM reefqbo.protection) THEN 3
                ELSE COALESCE(max(array_position(ARRAY['reader', 'operator', 'admin'], a.level)), 0) END
    FROM reefqbo.access a
    JOIN pg_roles r ON r.rolname = a.grantee
    WHERE a.model_id IN (0, $2) AND pg_has_role($1, r.oid, 'USAGE')
$$;

COMMENT ON FUNCTION reefqbo._level_of(oid, bigint) IS
'Internal: what a role may for a model, or for all of them (0), by itself or by a role it is a member of. Result: 0 nothing, 1 reader, 2 operator, 3 admin, or that nobody was given access yet.';

CREATE FUNCTION reefqbo._may_read(role name, model_id bigint)
RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.rolsuper OR r.rolbypassrls OR pg_has_role(r.oid, c.relowner, 'USAGE')
           OR reefqbo._level_of(r.oid, $2) > 0
    FROM pg_class c
    JOIN pg_roles r ON r.rolname = $1
    WHERE c.oid = 'reefqbo.model'::regclass
$$;

COMMENT ON FUNCTION reefqbo._may_read(name, bigint) IS
'Internal: whether a role may see a model beside the one that a definer function has checked.';

CREATE FUNCTION reefqbo._caller()
RETURNS name
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_caller';

COMMENT ON FUNCTION reefqbo._caller() IS
'Internal: the role that has called a function which runs with other rights than its own.';

-- Row-level security does not concern everybody. Who is concerned sees the models that a row of access names.
-- It calls no function of ours: a view runs the functions in it with the rights of whoever reads it. And it reads no catalog: who
-- locks a view locks all that stands below it, and nobody could log in.
CREATE VIEW reefqbo._my_model WITH (security_barrier) AS
SELECT m.model_id
FROM reefqbo.model m
WHERE NOT pg_catalog.row_security_active('reefqbo.model'::regclass)
   OR NOT EXISTS (SELECT FROM reefqbo.protection)
   OR EXISTS (
        SELECT FROM reefqbo.access a
        WHERE a.model_id IN (0, m.model_id)
          AND pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(a.grantee)), 'USAGE'));

COMMENT ON VIEW reefqbo._my_model IS
'Internal: the models that whoever asks may see. Row-level security and the views go by it.';

CREATE VIEW reefqbo._my_work WITH (security_barrier) AS
SELECT m.model_id
FROM reefqbo.model m
WHERE NOT pg_catalog.row_security_active('reefqbo.model'::regclass)
   OR NOT EXISTS (SELECT FROM reefqbo.protection)
   OR EXISTS (
        SELECT FROM reefqbo.access a
        WHERE a.model_id IN (0, m.model_id) AND a.level <> 'reader'
          AND pg_catalog.pg_has_role(pg_catalog.to_regrole(pg_catalog.quote_ident(a.grantee)), 'USAGE'));

COMMENT ON VIEW reefqbo._my_work IS
'Internal: the models that whoever asks may work on, as an operator or admin. Row-level security goes by it where a table is written to by its users.';

-- ---- row-level security ----

CREATE FUNCTION reefqbo._protected_tables()
RETURNS SETOF regclass
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid::regclass
    FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id' AND NOT a.attisdropped
    WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p')
    ORDER BY c.relname
$$;

COMMENT ON FUNCTION reefqbo._protected_tables() IS 'Internal: every table with a model_id.';

CREATE FUNCTION reefqbo._make_policies()
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN SELECT * FROM reefqbo._protected_tables() LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', relation);
        EXECUTE format('CREATE POLICY own_models ON %s USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_model v)))', relation);
        -- what operators write to without a function, readers of the same model do not
        EXECUTE format('CREATE POLICY work_inserts ON %s AS RESTRICTIVE FOR INSERT WITH CHECK (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
        EXECUTE format('CREATE POLICY work_updates ON %s AS RESTRICTIVE FOR UPDATE USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
        EXECUTE format('CREATE POLICY work_deletes ON %s AS RESTRICTIVE FOR DELETE USING (model_id = ANY (ARRAY(SELECT v.model_id FROM reefqbo._my_work v)))', relation);
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._make_policies() IS
'Internal: puts row-level security in force on every table with a model_id, once, when they are made: pg_dump does not carry the policies of an extension''s tables.
own_models goes by reefqbo._my_model, which is asked once a query. What is written besides takes an operator of the model (reefqbo._my_work).';

CREATE FUNCTION reefqbo._spare_roles_with_all_models()
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    to_all text := (SELECT string_agg(quote_ident(a.grantee), ', ' ORDER BY a.grantee)
                    FROM reefqbo.access a JOIN pg_roles r ON r.rolname = a.grantee WHERE a.model_id = 0);
    known text := (SELECT string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname)
                   FROM pg_policy p JOIN pg_roles r ON r.oid = ANY (p.polroles)
                   WHERE p.polrelid = 'reefqbo.model'::regclass AND p.polname = 'all_models');
    relation regclass;
BEGIN
    IF to_all IS NOT DISTINCT FROM known THEN
        RETURN;
    END IF;
    FOR relation IN SELECT * FROM reefqbo._protected_tables() LOOP
        IF known IS NOT NULL THEN
            EXECUTE format('DROP POLICY all_models ON %s', relation);
        END IF;
        IF to_all IS NOT NULL THEN
            EXECUTE format('CREATE POLICY all_models ON %s TO %s USING (true)', relation, to_all);
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._spare_roles_with_all_models() IS
'Internal: keeps the policy all_models in step with reefqbo.access. It spares roles with all models the question which they have, and gives them nothing that own_models would not: a restored database is without it until access is given or taken away the next time.';

-- ---- giving and taking away ----

CREATE FUNCTION reefqbo._grant_level(grantee name)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ranks CONSTANT text[] := ARRAY['reader', 'operator', 'admin'];
    rank integer := (SELECT COALESCE(max(array_position(ranks, a.level)), 0) FROM reefqbo.access a WHERE a.grantee = $1);
    one record;
BEGIN
    FOR one IN SELECT p.privilege, p.object, array_position(ranks, p.level) <= rank AS is_given
               FROM reefqbo._privileges() p
    LOOP
        EXECUTE format(CASE WHEN one.is_given THEN 'GRANT %s ON %s TO %I' ELSE 'REVOKE %s ON %s FROM %I' END,
                       one.privilege, one.object, $1);
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo._grant_level(name) IS
'Internal: gives a role the privileges of the highest level it has for any model, and takes away those above it.';

CREATE FUNCTION reefqbo._left_without()
RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(DISTINCT quote_ident(r.rolname), ', ' ORDER BY quote_ident(r.rolname))
    FROM pg_class c
    CROSS JOIN LATERAL aclexplode(c.relacl) x
    JOIN pg_roles r ON r.oid = x.grantee
    WHERE c.relnamespace = 'reefqbo'::regnamespace AND x.grantee <> c.relowner AND NOT r.rolsuper AND NOT r.rolbypassrls
      AND NOT EXISTS (SELECT FROM reefqbo.access a WHERE a.grantee = r.rolname)
$$;

COMMENT ON FUNCTION reefqbo._left_without() IS
'Internal: the roles that were granted a table or view by hand and have no row in reefqbo.access, so that row-level security shows them nothing. NULL if there are none.';

CREATE FUNCTION reefqbo._grant_access(role text, level text, model text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := CASE WHEN $3 IS NULL THEN 0 ELSE reefqbo._model_id($3) END;
    is_first boolean := NOT EXISTS (SELECT FROM reefqbo.protection);
    left_without text;
BEGIN
    IF num_nulls($1, $2) > 0 THEN
        RAISE null_value_not_allowed USING MESSAGE = 'access needs a role and a level';
    ELSIF $2 NOT IN ('reader', 'operator', 'admin') THEN
        RAISE invalid_parameter_value USING
            MESSAGE = format('level "%s" is not known', $2),
            HINT = 'It is ''reader'' (data), ''operator'' (also connect, reconnect, import) or ''admin'' (also apps, environments, keys and access).';
    ELSIF $2 = 'admin' AND $3 IS NOT NULL THEN
        RAISE invalid_parameter_value USING
            MESSAGE = 'an admin is one for all models',
            DETAIL = 'Apps, environments, keys and access belong to no model.',
            HINT = 'Leave the model out, or give the level ''operator'' for it.';
    ELSIF to_regrole(quote_ident($1)) IS NULL THEN
        RAISE undefined_object USING
            MESSAGE = format('role "%s" does not exist', $1),
            HINT = 'Make it with CREATE ROLE. Nothing of reefqbo is granted to PUBLIC.';
    END IF;
    -- rows that a role of this name has left behind, which was dropped since, are not this one's
    DELETE FROM reefqbo.access a
    WHERE a.grantee = $1
      AND NOT EXISTS (SELECT FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) x
                      WHERE n.nspname = 'reefqbo' AND x.grantee = to_regrole(quote_ident($1)) AND x.privilege_type = 'USAGE');
    INSERT INTO reefqbo.access AS a (model_id, grantee, level, granted_by) VALUES (in_model, $1, $2, reefqbo._caller())
    ON CONFLICT (model_id, grantee) DO UPDATE
    SET level = EXCLUDED.level, granted_by = EXCLUDED.granted_by, granted_at = EXCLUDED.granted_at;
    IF is_first THEN
        INSERT INTO reefqbo.protection DEFAULT VALUES;
    END IF;
    PERFORM reefqbo._spare_roles_with_all_models();
    PERFORM reefqbo._grant_level($1);
    PERFORM reefqbo._audit('access_granted', in_model, $3, format('%s to %s', $2, quote_ident($1)));
    left_without := reefqbo._left_without();
    IF is_first AND left_without IS NOT NULL THEN
        RAISE WARNING USING
            MESSAGE = 'from now on roles see the models they were given access to, and some that were granted privileges by hand see none',
            DETAIL = format('They are: %s.', left_without),
            HINT = 'Give them access with reefqbo.grant_access(role, level).';
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._grant_access(text, text, text) IS 'Internal: what reefqbo.grant_access does, without asking who calls.';

CREATE FUNCTION reefqbo.grant_access(role text, level text, model text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_admin';

COMMENT ON FUNCTION reefqbo.grant_access(text, text, text) IS
'Gives a role access to one model, or to all of them, those to come included. Members of the role have it too. A role may have several models, each with a level of its own; a level given again replaces the one before.
From the first call on, row-level security is in force: a role sees the rows of its models only, whatever was granted to it by hand.
Arguments: role; level, ''reader'' (tables, views and statements), ''operator'' (also connect, reconnect, disconnect, import, schedule) or ''admin'' (also apps, replacing and forgetting companies, keys, access; for all models only); model, by default all.
Superusers only add environments and choose files, commands and hosts. An admin can make admins: it is a trusted role.
Errors: 42704 no such role or model, 22023 unknown level, or an admin for one model, 22004 no role or level, 42501 the caller is no admin.
See https://www.postgresql.org/docs/current/ddl-rowsecurity.html';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.grant_access(text, text, text)');

CREATE FUNCTION reefqbo._revoke_access(role text, model text)
RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_model bigint := CASE WHEN $2 IS NOT NULL THEN reefqbo._model_id($2) END;
    removed bigint;
BEGIN
    IF $1 IS NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = 'whose access is to be taken away?';
    END IF;
    DELETE FROM reefqbo.access a WHERE a.grantee = $1 AND (in_model IS NULL OR a.model_id = in_model);
    GET DIAGNOSTICS removed = ROW_COUNT;
    IF removed = 0 THEN
        RAISE undefined_object USING
            MESSAGE = CASE WHEN in_model IS NULL THEN format('role "%s" has no access', $1)
                           ELSE format('role "%s" has no access to model "%s" by itself', $1, $2) END,
            HINT = CASE WHEN EXISTS (SELECT FROM reefqbo.access a WHERE a.grantee = $1 AND a.model_id = 0)
                        THEN 'It has access to all models, which can be taken away as a whole only.'
                        ELSE 'The table reefqbo.access lists who has which.' END;
    END IF;
    IF to_regrole(quote_ident($1)) IS NOT NULL THEN
        PERFORM reefqbo._grant_level($1);
    END IF;
    PERFORM reefqbo._spare_roles_with_all_models();
    PERFORM reefqbo._audit('access_revoked', in_model, $2, format('from %s', quote_ident($1)));
END
$$;

COMMENT ON FUNCTION reefqbo._revoke_access(text, text) IS 'Internal: what reefqbo.revoke_access does, without asking who calls.';

CREATE FUNCTION reefqbo.revoke_access(role text, model text DEFAULT NULL)
RETURNS void
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_admin';

COMMENT ON FUNCTION reefqbo.revoke_access(text, text) IS
'Takes away what reefqbo.grant_access gave: to one model, or all of it. The role keeps the privileges of the highest level it still has.
Arguments: role; model, by default every one. Errors: 42704 no such model, or the role has no such access; 22004 no role; 42501 the caller is no admin.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'FUNCTION reefqbo.revoke_access(text, text)');
