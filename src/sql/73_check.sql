-- The doctor: what is right and what is wrong, and what to do about it.

-- ---- words ----

CREATE FUNCTION reefqbo._subject(model text, branch text)
RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT CASE WHEN $1 = $2 THEN $1 ELSE $1 || ' / ' || $2 END $$;

COMMENT ON FUNCTION reefqbo._subject(text, text) IS 'Internal: how a connection is named: its model, or its model and branch.';

-- ---- the server ----

CREATE FUNCTION reefqbo._library(OUT version text, OUT is_preloaded boolean, OUT ca_file text)
RETURNS record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_library';

COMMENT ON FUNCTION reefqbo._library() IS
'Internal: the version of the library, whether the server loaded it at its start, and the file with the certificate authorities that requests go by (NULL: none that libcurl names).';

CREATE FUNCTION reefqbo._check_library(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'library', 'shared_preload_libraries', CASE WHEN l.is_preloaded THEN 'ok' ELSE 'warning' END,
           CASE WHEN l.is_preloaded THEN 'reefqbo was loaded with the server'
                ELSE 'reefqbo was not loaded with the server: there is no background worker, and nothing is refreshed or kept alive by itself' END,
           CASE WHEN NOT l.is_preloaded
                THEN 'Put shared_preload_libraries = ''reefqbo'' into postgresql.conf (behind a comma if others stand there) and restart the server.' END
    FROM reefqbo._library() l
    UNION ALL
    SELECT 'library', 'version', CASE WHEN l.version = e.extversion THEN 'ok' ELSE 'problem' END,
           format('the extension is %s, the library %s', e.extversion, l.version),
           CASE WHEN l.version <> e.extversion
                THEN 'Call ALTER EXTENSION reefqbo UPDATE. If the library is the older one, install the new one and restart the server.' END
    FROM reefqbo._library() l, pg_extension e WHERE e.extname = 'reefqbo'
    UNION ALL
    SELECT 'standby', NULL, 'note', 'this server is a standby: nothing is asked of QuickBooks here',
           'Nothing needs to be done: after a promotion everything goes on by itself.'
    WHERE pg_is_in_recovery()
$$;

COMMENT ON FUNCTION reefqbo._check_library() IS 'Internal: rows of reefqbo.check about the library and the kind of server.';

CREATE FUNCTION reefqbo._check_worker(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH w AS (SELECT * FROM reefqbo.worker_status())
    SELECT 'worker', 'launcher', CASE WHEN w.pid IS NULL THEN 'problem' ELSE 'ok' END,
           CASE WHEN w.pid IS NULL THEN 'the launcher is not there' ELSE format('the launcher is process %s', w.pid) END,
           CASE WHEN w.pid IS NULL
                THEN 'The server starts it again within seconds. If it is not there then, look into the server''s log, and raise max_worker_processes if they are used up.' END
    FROM w WHERE w.state = 'launcher' AND NOT pg_is_in_recovery()
    UNION ALL
    SELECT 'worker', 'reefqbo.databases', CASE WHEN l.is_listed THEN 'ok' ELSE 'warning' END,
           format(CASE WHEN l.is_listed THEN 'this database, "%s", is one the background worker works in'
                       ELSE 'the background worker does not work in this database, "%s"' END, current_database()),
           CASE WHEN NOT l.is_listed
                THEN format('Add it: ALTER SYSTEM SET reefqbo.databases = %s; SELECT pg_reload_conf();',
                            concat_ws(', ', NULLIF(current_setting('reefqbo.databases'), ''), quote_ident(current_database()))) END
    FROM (SELECT EXISTS (SELECT 1 FROM w WHERE w.database = current_database()) AS is_listed) l
    WHERE EXISTS (SELECT 1 FROM w WHERE w.pid IS NOT NULL)
    UNION ALL
    SELECT 'worker', w.database, CASE WHEN w.problem IS NULL THEN 'ok' ELSE 'problem' END,
           COALESCE(w.problem, format('the worker of this database is %s', w.state)),
           CASE WHEN w.problem IS NOT NULL
                THEN COALESCE(w.hint, 'The server''s log tells more. It is tried again by itself.') END
    FROM w WHERE w.database = current_database()
$$;

COMMENT ON FUNCTION reefqbo._check_worker() IS 'Internal: rows of reefqbo.check about the processes of the background worker; none when the library was not preloaded.';

CREATE FUNCTION reefqbo._check_settings(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ca_file text := (SELECT l.ca_file FROM reefqbo._library() l);
    clock_offset text := current_setting('reefqbo.clock_offset', true);
BEGIN
    item := 'CA file';
    subject := CASE WHEN current_setting('reefqbo.ca_file') = '' THEN 'of the operating system' ELSE 'reefqbo.ca_file' END;
    status := 'problem';
    what_to_do := 'Let reefqbo.ca_file name a file of certificate authorities in PEM form that the server''s own user can read, or leave it empty and install the operating system''s (on Debian, ca-certificates).';
    BEGIN
        IF ca_file IS NULL THEN
            status := 'warning';
            finding := 'there is no file of certificate authorities: libcurl is left to what it was built with';
        ELSIF position('BEGIN CERTIFICATE'::bytea IN pg_read_binary_file(ca_file)) = 0 THEN
            finding := format('"%s" has no certificate in it', ca_file);
        ELSE
            status := 'ok';
            finding := format('"%s" can be read and has certificates in it', ca_file);
            what_to_do := NULL;
        END IF;
    EXCEPTION WHEN OTHERS THEN
        finding := SQLERRM;
    END;
    RETURN NEXT;

    -- only the build that tests are made with can move its clock
    IF clock_offset IS NULL THEN
        RETURN;
    END IF;
    item := 'clock';
    subject := 'reefqbo.clock_offset';
    status := CASE WHEN clock_offset = '0' THEN 'ok' ELSE 'warning' END;
    finding := CASE WHEN clock_offset = '0' THEN 'expiries and schedules go by the server''s clock'
                    ELSE format('expiries and schedules go by a clock that is moved by %s', clock_offset::interval) END;
    what_to_do := CASE WHEN clock_offset <> '0'
                       THEN 'It is for tests only. Take it out of the configuration, or ALTER SYSTEM RESET reefqbo.clock_offset; then SELECT pg_reload_conf();' END;
    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION reefqbo._check_settings() IS 'Internal: rows of reefqbo.check about the certificate authorities and the clock.';

-- ---- keys ----

CREATE FUNCTION reefqbo._check_sealed(ids text[], OUT item text, OUT subject text, OUT status text, OUT finding text,
                                      OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealed (what, purpose, owner, part, generation, value) AS (
        SELECT 'client secrets', 0, a.environment_id, 0::bigint, 0::bigint, a.client_secret_sealed FROM reefqbo.app a
        UNION ALL SELECT 'refresh tokens', 1, t.model_id, t.connection_id, t.generation, t.refresh_token_sealed FROM reefqbo.credential t
        UNION ALL SELECT 'refresh tokens', 1, t.model_id, t.connection_id, t.generation - 1, t.previous_refresh_token_sealed FROM reefqbo.credential t
        UNION ALL SELECT 'access tokens', 2, t.model_id, t.connection_id, t.generation, t.access_token_sealed FROM reefqbo.credential t
        UNION ALL SELECT 'realm ids', 3, c.model_id, c.connection_id, 0::bigint, c.realm_id_sealed FROM reefqbo.connection c
        UNION ALL SELECT 'verifier tokens', 4, w.environment_id, 0::bigint, 0::bigint, w.verifier_sealed FROM reefqbo.webhook w
        UNION ALL SELECT 'verifier tokens', 4, w.environment_id, 0::bigint, 0::bigint, w.previous_sealed FROM reefqbo.webhook w
    ), headed AS (
        -- version, length of the key id, key id; behind it at least IV, one block and MAC
        SELECT s.*, CASE WHEN octet_length(s.value) < 66 OR get_byte(s.value, 0) <> 1 OR octet_length(s.value) < 66 + get_byte(s.value, 1) THEN NULL
                         ELSE encode(substring(s.value FROM 3 FOR get_byte(s.value, 1)), 'escape') END AS key_id
        FROM sealed s WHERE s.value IS NOT NULL
    ), judged AS (
        SELECT h.what, h.key_id, CASE WHEN h.key_id = ANY ($1)
                                       THEN COALESCE(reefqbo._seal_holds(h.purpose, i.identity::text, h.owner, h.part, h.generation, h.value), false) END AS holds
        FROM headed h LEFT JOIN reefqbo.installation i ON true
        UNION ALL
        SELECT 'realm digests', encode(substring(c.realm_digest FROM 1 FOR position(':'::bytea IN c.realm_digest) - 1), 'escape'), NULL
        FROM reefqbo.connection c WHERE position(':'::bytea IN c.realm_digest) > 0
    ), counted AS (
        SELECT j.key_id, j.what, count(*) AS n, count(*) FILTER (WHERE j.holds) AS n_whole, count(*) FILTER (WHERE NOT j.holds) AS n_broken
        FROM judged j GROUP BY j.key_id, j.what
    ), keyed AS (
        SELECT c.key_id, array_position($1, c.key_id) AS place, sum(c.n_whole) AS n_whole, sum(c.n_broken) AS n_broken,
               string_agg(format('%s %s', c.n, c.what), ', ' ORDER BY c.what) AS words
        FROM counted c GROUP BY c.key_id
    )
    SELECT 'sealed values', k.key_id, v.status,
           format(CASE WHEN k.key_id IS NULL THEN '%s are not in the form that this version seals in'
                       WHEN $1 IS NULL THEN '%s were sealed with this key, and there is no key ring to unseal them'
                       WHEN k.place IS NULL THEN '%s were sealed with this key, which the key ring does not have: they are lost without it'
                       WHEN k.n_broken > 0 THEN format('of %%s sealed with this key, %s do not unseal: they were changed or belong elsewhere, or the ring''s key of that name is another one', k.n_broken)
                       ELSE '%s are sealed with this key' END, k.words),
           CASE WHEN v.status = 'note'
                THEN 'CALL reefqbo.reseal(); then the line of this key may go.'
                WHEN k.key_id IS NULL OR k.n_broken > 0 AND k.n_whole > 0
                THEN 'Restore these rows from a backup, or call reefqbo.register_app and reefqbo.reconnect for what they belong to.'
                WHEN v.status = 'problem'
                THEN 'Put this key''s own line back into the key ring, above the newest one; if nobody has it, call reefqbo.register_app for each environment and reefqbo.reconnect for each connection.' END
    FROM keyed k
    CROSS JOIN LATERAL (SELECT CASE WHEN k.place IS NULL OR k.n_broken > 0 THEN 'problem'
                                    WHEN k.place < cardinality($1) THEN 'note' ELSE 'ok' END) v (status)
    ORDER BY k.place DESC NULLS LAST, k.key_id
$$;

COMMENT ON FUNCTION reefqbo._check_sealed(text[]) IS
'Internal: rows of reefqbo.check about what is sealed with which key. Argument: the ids of the key ring, the newest last; NULL when there is no ring.';

CREATE FUNCTION reefqbo._check_keys(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ids text[];
    detail text;
BEGIN
    item := 'key ring';
    BEGIN
        ids := reefqbo._key_ids();
        status := 'ok';
        finding := format('it has %s, and seals with "%s"', CASE cardinality(ids) WHEN 1 THEN 'one key' ELSE cardinality(ids) || ' keys' END,
                          ids[cardinality(ids)]);
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS finding = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, what_to_do = PG_EXCEPTION_HINT;
        status := 'problem';
        finding := concat_ws('. ', finding, NULLIF(detail, ''));
        what_to_do := COALESCE(NULLIF(what_to_do, ''), 'Let reefqbo.key_file name a file, or reefqbo.key_command be a command, that the server''s own user can read the key ring from.');
    END;
    RETURN NEXT;

    RETURN QUERY SELECT s.* FROM reefqbo._check_sealed(ids) s;

    item := 'pgcrypto';
    status := 'ok';
    finding := 'it seals and unseals';
    what_to_do := NULL;
    BEGIN
        PERFORM reefqbo._cipher_works();
    EXCEPTION WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS finding = MESSAGE_TEXT, what_to_do = PG_EXCEPTION_HINT;
        status := 'problem';
        what_to_do := COALESCE(NULLIF(what_to_do, ''), 'Install pgcrypto''s library for this server, and see that OpenSSL lets it use AES.');
    END;
    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION reefqbo._check_keys() IS 'Internal: rows of reefqbo.check about the key ring, what is sealed with it, and pgcrypto.';

-- ---- what reefqbo stands on ----

CREATE FUNCTION reefqbo._foundations(OUT kind text, OUT name text, OUT owner_id oid, OUT is_safe boolean, OUT object_id oid)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE object (classid, objid) AS (
        SELECT 'pg_extension'::regclass::oid, e.oid FROM pg_extension e WHERE e.extname = 'reefqbo'
        UNION
        SELECT d.refclassid, d.refobjid FROM object o
        JOIN pg_depend d ON d.classid = o.classid AND d.objid = o.objid AND d.deptype = 'n'
        WHERE o.classid = 'pg_extension'::regclass
    ), owned AS (
        SELECT 'extension' AS kind, e.extname AS name, e.extowner AS owner_id, o.objid
        FROM object o JOIN pg_extension e ON o.classid = 'pg_extension'::regclass AND e.oid = o.objid
        UNION ALL
        SELECT 'schema', n.nspname, n.nspowner, o.objid
        FROM object o JOIN pg_namespace n ON o.classid = 'pg_namespace'::regclass AND n.oid = o.objid
    )
    SELECT w.kind, w.name::text, w.owner_id,
           r.rolsuper OR w.owner_id IN (b.datdba, 'pg_database_owner'::regrole), w.objid
    FROM owned w
    JOIN pg_roles r ON r.oid = w.owner_id
    CROSS JOIN (SELECT d.datdba FROM pg_database d WHERE d.datname = current_database()) b
$$;

COMMENT ON FUNCTION reefqbo._foundations() IS
'Internal: extensions and schemas that this extension depends on, and with which it would be dropped, itself among them; is_safe: their owner is a superuser, or may drop the database as well.';

CREATE FUNCTION reefqbo._check_foundations(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT 'ownership', format('%s %s', f.kind, f.name), 'warning',
               format('"%s", no superuser, owns the %s "%s" and can drop it with CASCADE: reefqbo would go with it, and with it tokens and figures',
                      pg_get_userbyid(f.owner_id), f.kind, f.name),
               CASE f.kind WHEN 'extension' THEN 'As a superuser: SELECT * FROM reefqbo.take_over_extensions();'
                    ELSE format('As a superuser: ALTER SCHEMA %I OWNER TO %I;', f.name,
                                (SELECT pg_get_userbyid(e.extowner) FROM pg_extension e WHERE e.extname = 'reefqbo')) END
        FROM reefqbo._foundations() f WHERE NOT f.is_safe ORDER BY f.kind, f.name;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'ownership', NULL, 'ok', 'what reefqbo stands on belongs to superusers or to the owner of the database', NULL;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_foundations() IS
'Internal: rows of reefqbo.check about roles that could drop reefqbo with what it depends on. pgcrypto is a trusted extension: whoever may create in a database may have installed it, and owns it then, though not its functions.';

CREATE FUNCTION reefqbo._own_extension(extension oid)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'rqbo_own_extension';

COMMENT ON FUNCTION reefqbo._own_extension(oid) IS
'Internal: makes the superuser who calls the owner of an extension, for which PostgreSQL has no statement. Error: 42501 the caller is none.';

CREATE FUNCTION reefqbo.take_over_extensions()
RETURNS TABLE (extension text, owner_before text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    f record;
BEGIN
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE insufficient_privilege USING
            MESSAGE = 'permission denied to take over extensions',
            HINT = 'Only a superuser may do so.';
    END IF;
    FOR f IN SELECT * FROM reefqbo._foundations() o WHERE o.kind = 'extension' AND NOT o.is_safe ORDER BY o.name LOOP
        PERFORM reefqbo._own_extension(f.object_id);
        extension := f.name;
        owner_before := pg_get_userbyid(f.owner_id);
        PERFORM reefqbo._audit('extension_taken_over', NULL, NULL, format('extension "%s" of "%s"', extension, owner_before));
        RETURN NEXT;
    END LOOP;
END
$$;

COMMENT ON FUNCTION reefqbo.take_over_extensions() IS
'Makes the calling superuser the owner of the extensions that reefqbo needs (pgcrypto) and that belong to a role that is none, so that this role can no longer drop them and reefqbo with them. Superusers only. PostgreSQL has no ALTER EXTENSION OWNER; REASSIGN OWNED would give away everything else of that role too.
Result: the extensions that were taken over, and whose they were; no row if there was nothing to do. Error: 42501 not a superuser.';

-- ---- apps and connections ----

CREATE FUNCTION reefqbo._check_apps(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    (SELECT 'app', e.name, CASE WHEN a.environment_id IS NOT NULL THEN 'ok' WHEN u.n > 0 THEN 'problem' ELSE 'note' END,
            CASE WHEN a.environment_id IS NOT NULL THEN format('an app is registered, and %s connections use it', u.n)
                 WHEN u.n > 0 THEN format('no app is registered, and %s connections need it', u.n)
                 ELSE 'no app is registered, and no connection needs it' END,
            CASE WHEN a.environment_id IS NOT NULL THEN NULL
                 WHEN u.n > 0 THEN format('SELECT reefqbo.register_app(%L, client_id, client_secret, redirect_uri), with the keys of the app at Intuit.', e.name)
                 ELSE 'Nothing needs to be done as long as nobody connects there.' END
     FROM reefqbo.environment e
     LEFT JOIN reefqbo.app a ON a.environment_id = e.environment_id
     CROSS JOIN LATERAL (SELECT count(*) FROM reefqbo.connection c
                         WHERE c.environment_id = e.environment_id AND c.status <> 'disconnected') u (n)
     ORDER BY e.environment_id)
    UNION ALL
    (SELECT 'environment', reefqbo._subject(m.name, b.name), 'problem',
            format('a production model is linked to a company of "%s", a sandbox', e.name),
            format('SELECT reefqbo.disconnect(%L, %L); its company belongs to a training model.', m.name, b.name)
     FROM reefqbo.connection c
     JOIN reefqbo.model m ON m.model_id = c.model_id
     JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
     JOIN reefqbo.environment e ON e.environment_id = c.environment_id
     WHERE m.purpose = 'production' AND e.is_sandbox
     ORDER BY m.name, b.name)
    UNION ALL
    SELECT 'environment', NULL, 'ok', 'no production model is linked to a sandbox company', NULL
    WHERE NOT EXISTS (SELECT 1 FROM reefqbo.connection c
                      JOIN reefqbo.model m ON m.model_id = c.model_id
                      JOIN reefqbo.environment e ON e.environment_id = c.environment_id
                      WHERE m.purpose = 'production' AND e.is_sandbox)
$$;

COMMENT ON FUNCTION reefqbo._check_apps() IS 'Internal: rows of reefqbo.check about the apps of the environments, and whether models and environments suit.';

CREATE FUNCTION reefqbo._kept_connections()
RETURNS bigint[]
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_kept_connections';

COMMENT ON FUNCTION reefqbo._kept_connections() IS 'Internal: the connections whose newest tokens are in a file of the data directory, until the tables can take them.';

CREATE FUNCTION reefqbo._check_access(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'access', r.rolname::text, 'warning',
           format('the role has access by reefqbo.access, and is not in the group that holds the privileges for it: %s',
                  string_agg(g.group_role::text, ', ' ORDER BY g.group_role::text)),
           'Give it again what it has (a dump has the access and not the memberships, which pg_dumpall --roles-only has): SELECT reefqbo.grant_access(r.rolname, a.level, m.name, a.scoped) FROM reefqbo.access a JOIN pg_roles r ON r.oid = a.grantee LEFT JOIN reefqbo.model m USING (model_id);'
    FROM pg_roles r
    CROSS JOIN LATERAL reefqbo._groups_of(r.oid) AS g (group_role)
    WHERE r.oid IN (SELECT a.grantee FROM reefqbo.access a) AND NOT pg_has_role(r.oid, g.group_role, 'USAGE')
    GROUP BY r.rolname
    UNION ALL
    SELECT 'access', r.rolname::text, 'note', 'the role was granted tables or views by hand, and has no access of its own: it sees no row by that',
           'If it should see some, SELECT reefqbo.grant_access(role, level, model);'
    FROM pg_roles r
    WHERE NOT r.rolsuper AND NOT r.rolbypassrls AND r.rolname !~ '^reefqbo_'
      AND NOT EXISTS (SELECT 1 FROM reefqbo.access a WHERE pg_has_role(r.oid, a.grantee, 'USAGE'))
      AND r.oid IN (SELECT x.grantee FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) x
                    WHERE c.relnamespace = 'reefqbo'::regnamespace AND x.grantee <> c.relowner)
$$;

COMMENT ON FUNCTION reefqbo._check_access() IS 'Internal: rows of reefqbo.check about roles that have access without privileges, or privileges without access.';

CREATE FUNCTION reefqbo._check_grants(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'grant', reefqbo._subject(s.model, s.branch), v.status,
           concat_ws(', ', s.status, CASE WHEN s.status = 'connected' THEN s.days_until_grant_ends || ' days are left' END,
                     CASE WHEN s.connection_id = ANY (k.kept) THEN 'the tables could not take its newest tokens, which are in a file' END,
                     s.reason),
           CASE WHEN v.is_kept THEN 'The next call, or the background worker, stores them. Leave the directory reefqbo_tokens of the data directory alone until then.'
                WHEN v.status <> 'ok' THEN upper(left(s.what_to_do, 1)) || substr(s.what_to_do, 2) || '.' END
    FROM reefqbo.connection_status s
    CROSS JOIN (SELECT reefqbo._kept_connections()) k (kept)
    CROSS JOIN LATERAL (SELECT CASE WHEN s.status = 'disconnected' THEN 'note'
                                    WHEN s.status <> 'connected' OR s.days_until_grant_ends < 7 THEN 'problem'
                                    WHEN s.days_until_grant_ends < 30 OR s.connection_id = ANY (k.kept) THEN 'warning'
                                    ELSE 'ok' END,
                               s.status = 'connected' AND s.connection_id = ANY (k.kept)) v (status, is_kept)
    ORDER BY s.model, s.branch
$$;

COMMENT ON FUNCTION reefqbo._check_grants() IS 'Internal: rows of reefqbo.check about the grants, as reefqbo.connection_status has them.';

CREATE FUNCTION reefqbo._check_pauses(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'pause', reefqbo._subject(m.name, b.name), 'warning',
           format('paused until %s by QuickBooks, which throttles: nothing is asked of the company before',
                  to_char(p.paused_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"')),
           format('It goes on by itself. To ask again at once: SELECT reefqbo.lift_pause(%L, %L);', m.name, b.name)
    FROM reefqbo._pause p
    JOIN reefqbo.model m ON m.model_id = p.model_id
    JOIN reefqbo.connection c ON c.model_id = p.model_id AND c.connection_id = p.connection_id
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    ORDER BY m.name, b.name
$$;

COMMENT ON FUNCTION reefqbo._check_pauses() IS 'Internal: rows of reefqbo.check about companies that QuickBooks has asked to leave alone for a while; none for the others.';

CREATE FUNCTION reefqbo._check_imports(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'import', reefqbo._subject(u.model, u.branch), f.status, f.finding, f.what_to_do
    FROM reefqbo.upkeep_status u
    JOIN reefqbo.connection c ON c.model_id = u.model_id AND c.connection_id = u.connection_id
    JOIN reefqbo.schedule s ON s.model_id = u.model_id
    -- in the quiet hours nothing can be newer
    CROSS JOIN LATERAL (SELECT 2 * s.refresh_every + (s.quiet_until - s.quiet_from)
                               + CASE WHEN s.quiet_until < s.quiet_from THEN interval '24 hours' ELSE interval '0' END) l (longest)
    CROSS JOIN LATERAL (
        SELECT COALESCE(u.last_success, c.actuals_as_of) AS as_of, reefqbo._now() - COALESCE(u.last_success, c.actuals_as_of) AS age
    ) g
    CROSS JOIN LATERAL (
        SELECT c.actuals_as_of IS NULL AS is_empty, c.actuals_as_of IS NOT NULL AND NOT u.paused AND g.age > l.longest AS is_old
    ) k
    CROSS JOIN LATERAL (
        SELECT string_agg(w.words, '; ' ORDER BY w.reason) AS words
        FROM reefqbo._unsettled(u.model_id, ARRAY[u.connection_id], NULL, '-infinity', 'infinity') w
    ) n
    CROSS JOIN LATERAL (VALUES
        (1, u.failures_in_a_row > 0, CASE WHEN u.failures_in_a_row > 3 THEN 'problem' ELSE 'warning' END,
         format('the last %s attempts on schedule have failed: %s (%s)', u.failures_in_a_row, u.error, u.sqlstate),
         format('SELECT * FROM reefqbo.check(%L, %L); asks QuickBooks why. It is tried again by itself.', u.model, u.branch)),
        (2, k.is_old, 'warning', format('the figures are %s old, more than twice what the schedule says', date_trunc('second', g.age)),
         format('SELECT * FROM reefqbo.refresh(%L, %L); brings them up to date. If that happens again, look at the rows about the worker.', u.model, u.branch)),
        (3, k.is_empty, 'note', 'no actuals have been imported yet',
         format('SELECT * FROM reefqbo.import_actuals(%L, start_date, end_date, branch => %L); imports a range of months.', u.model, u.branch)),
        (4, u.paused, 'note', 'the schedule is paused: nothing is read by itself',
         format('SELECT reefqbo.set_schedule(%L, paused => false); lets it go on.', u.model)),
        (5, n.words IS NOT NULL, 'warning', n.words,
         format('SELECT * FROM reefqbo.refresh(%L, %L); reads them again. What does not tie out is put right in QuickBooks; reefqbo.unsettled_month has the months.', u.model, u.branch)),
        (6, NOT (u.failures_in_a_row > 0 OR k.is_old OR k.is_empty OR u.paused OR n.words IS NOT NULL), 'ok',
         format('up to date as of %s', to_char(g.as_of AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')), NULL)
    ) f (place, applies, status, finding, what_to_do)
    WHERE u.status <> 'disconnected' AND f.applies
    ORDER BY u.model, u.branch, f.place
$$;

COMMENT ON FUNCTION reefqbo._check_imports() IS 'Internal: rows of reefqbo.check about what was imported and how the schedule fares, as reefqbo.upkeep_status has it.';

CREATE FUNCTION reefqbo._check_mapping(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT 'mapping', reefqbo._subject(m.name, b.name),
           CASE WHEN n.mapped = n.accounts THEN 'ok' WHEN n.mapped + n.misfits = 0 THEN 'note' ELSE 'warning' END,
           CASE WHEN n.mapped = n.accounts THEN format('all %s accounts are mapped', n.accounts)
                ELSE format('%s of %s accounts are mapped', n.mapped, n.accounts)
                     || CASE WHEN n.misfits > 0 THEN format('; the mapping of %s no longer fits the account''s type', n.misfits) ELSE '' END END,
           CASE WHEN n.mapped < n.accounts
                THEN format('SELECT * FROM reefqbo.propose_mapping(%L, %L); proposes the others, and reefqbo.unmapped_account has the amounts at stake.', m.name, b.name) END
    FROM reefqbo.connection c
    JOIN reefqbo.model m ON m.model_id = c.model_id
    JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS accounts,
               count(*) FILTER (WHERE p.variable_type = ANY (reefqbo._fitting_types(a.classification))) AS mapped,
               count(*) FILTER (WHERE p.variable_type <> ALL (reefqbo._fitting_types(a.classification))) AS misfits
        FROM reefqbo.account a
        LEFT JOIN reefqbo.account_mapping p
            ON p.model_id = a.model_id AND p.connection_id = a.connection_id AND p.account_id = a.account_id
        WHERE a.model_id = c.model_id AND a.connection_id = c.connection_id
          AND NOT reefqbo._is_closing_line(a.is_computed, a.classification)
    ) n
    WHERE c.status <> 'disconnected' AND n.accounts > 0
    ORDER BY m.name, b.name
$$;

COMMENT ON FUNCTION reefqbo._check_mapping() IS 'Internal: rows of reefqbo.check about accounts that are not mapped; none for a company whose chart was not imported.';

CREATE FUNCTION reefqbo._check_connections(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH found AS MATERIALIZED (
        SELECT 1 AS part, g.* FROM reefqbo._check_grants() WITH ORDINALITY g (item, subject, status, finding, what_to_do, place)
        UNION ALL
        SELECT 2, p.* FROM reefqbo._check_pauses() WITH ORDINALITY p (item, subject, status, finding, what_to_do, place)
        UNION ALL
        SELECT 3, i.* FROM reefqbo._check_imports() WITH ORDINALITY i (item, subject, status, finding, what_to_do, place)
        UNION ALL
        SELECT 4, m.* FROM reefqbo._check_mapping() WITH ORDINALITY m (item, subject, status, finding, what_to_do, place)
    ), summed AS (
        SELECT f.part, f.item, count(*) AS n FROM found f WHERE f.status = 'ok' GROUP BY f.part, f.item HAVING count(*) > 20
    )
    SELECT r.item, r.subject, r.status, r.finding, r.what_to_do
    FROM (SELECT f.* FROM found f WHERE f.status <> 'ok' OR f.part NOT IN (SELECT s.part FROM summed s)
          UNION ALL
          SELECT s.part, s.item, NULL, 'ok', format('%s companies are in order', s.n), NULL, 0 FROM summed s) r
    ORDER BY r.part, r.place
$$;

COMMENT ON FUNCTION reefqbo._check_connections() IS
'Internal: rows of reefqbo.check about connections: grant, pause, import, mapping. What is in order of more than twenty of them is one row.';

-- ---- copies ----

CREATE FUNCTION reefqbo._check_sequences(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
        SELECT 'sequence', format('%s.%s', l.relation, l.attname), 'problem',
               format('the next value is %s, and %s is used: a new row would fail', l.next_value, l.largest),
               'SELECT reefqbo.repair_sequences(); sets every sequence behind the largest value of its column.'
        FROM reefqbo._lagging_sequences() l;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'sequence', NULL, 'ok', 'every sequence is ahead of its column', NULL;
    END IF;
END
$$;

COMMENT ON FUNCTION reefqbo._check_sequences() IS 'Internal: rows of reefqbo.check about the sequences of identity columns, which a logical replica does not bring along.';

-- ---- for monitors and operators ----

CREATE FUNCTION reefqbo._check(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT r.* FROM reefqbo._check_library() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_worker() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_restore() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_keys() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_foundations() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_settings() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_apps() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_access() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_connections() r;
    RETURN QUERY SELECT r.* FROM reefqbo._check_sequences() r;
END
$$;

COMMENT ON FUNCTION reefqbo._check() IS 'Internal: what reefqbo.check() does, without asking who calls.';

CREATE FUNCTION reefqbo.check(OUT item text, OUT subject text, OUT status text, OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE c STABLE SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_monitor_of_all';

COMMENT ON FUNCTION reefqbo.check() IS
'What is right and what is wrong with this installation, without asking QuickBooks anything. Writes nothing; works on a standby, without the key and without the background worker.
Items, in this order: library, standby, worker, restore, key ring, sealed values, pgcrypto, ownership, CA file, clock, app, environment, access, grant, pause, import, mapping, sequence; each may have several rows. Where more than twenty companies have a grant, imports or a mapping in order, one row says how many.
Result: item; subject, the key, setting, environment, model or branch it is about; status, ''ok'', ''note'', ''warning'' or ''problem''; finding; what_to_do, NULL where it is ok.';
INSERT INTO reefqbo._privilege VALUES ('monitor', 'EXECUTE', 'FUNCTION reefqbo.check()');

CREATE FUNCTION reefqbo._check_companies(model text, branch text, OUT item text, OUT subject text, OUT status text,
                                         OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_check_companies';

COMMENT ON FUNCTION reefqbo._check_companies(text, text) IS
'Internal: the rows of reefqbo.check(model, branch), by a background worker. Errors: 42704 no such model, branch or connection; 22004 no model; 25006 on a standby; 53000 and 08006 no worker.';

CREATE FUNCTION reefqbo._check(model text, branch text, OUT item text, OUT subject text, OUT status text,
                               OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT c.item, c.subject, c.status, c.finding, c.what_to_do
                 FROM reefqbo._check_companies($1, $2) c;
    RETURN QUERY SELECT 'pack', to_char(p.closed_month, 'YYYY-MM'), CASE WHEN p.is_as_shown THEN 'ok' ELSE 'problem' END,
                        CASE WHEN p.is_as_shown THEN 'what was shown when it was closed can be shown again'
                             ELSE format('what was shown when it was closed cannot be shown again: %s', reefqbo._show_line(p.difference)) END,
                        CASE WHEN NOT p.is_as_shown THEN 'The totals that were shown are in reefqbo.closed_figure.' END
                 FROM (SELECT o.month FROM reefqbo.closed_period o
                       WHERE o.model_id = reefqbo._model_id($1) AND $2 IS NULL AND o.reopened_at IS NULL ORDER BY o.month DESC LIMIT 1) l
                 CROSS JOIN LATERAL reefqbo._check_period($1, l.month) p;
EXCEPTION WHEN read_only_sql_transaction OR insufficient_resources OR connection_failure THEN
    GET STACKED DIAGNOSTICS finding = MESSAGE_TEXT, what_to_do = PG_EXCEPTION_HINT;
    item := 'worker';
    subject := $1;
    status := 'problem';
    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION reefqbo._check(text, text) IS 'Internal: what reefqbo.check(model, branch) does, without asking who calls.';

CREATE FUNCTION reefqbo.check(model text, branch text DEFAULT NULL, OUT item text, OUT subject text, OUT status text,
                              OUT finding text, OUT what_to_do text)
RETURNS SETOF record
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_definer_operator';

COMMENT ON FUNCTION reefqbo.check(text, text) IS
'Asks QuickBooks whether an import of a model''s companies would be answered: the same requests, six a company, of which nothing is stored. What they tell of the grant is noted as an import would note it.
Arguments: model; branch, by default every connection of the model. Result: as reefqbo.check(). Items: grant, clock, company, environment, reading (subject: the report or table), currency, closed period (of the books in QuickBooks), pack (the last month closed by reefqbo.close_period; reefqbo.check_period looks at all).
A question that fails is a row and does not stop the others, unless it would meet them all. Errors: 42704 no such model, branch or connection; 22004 no model.';
INSERT INTO reefqbo._privilege VALUES ('operator', 'EXECUTE', 'FUNCTION reefqbo.check(text, text)');
