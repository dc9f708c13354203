-- What must come after every object: each model for those who have access to it, privileges by level, and nothing for PUBLIC.

REVOKE ALL ON SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA reefqbo FROM PUBLIC;

-- What was said of privileges beside each object. They go to the groups: what the script grants no dump carries, and a role that is given
-- access changes no object. The list itself does not stay: it would be in every publication of the schema, and its rows in the way of
-- those that the script has made on the subscriber.
DO $do$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT p.privilege, p.object, p.level FROM reefqbo._privilege p LOOP
        EXECUTE pg_catalog.format('GRANT %s ON %s TO %I', one.privilege, one.object, 'reefqbo_' || one.level);
    END LOOP;
END
$do$;

DROP TABLE reefqbo._privilege;

SELECT reefqbo._make_policies();

-- A policy is a question of whoever meets it. These answer with what is one's own.
GRANT SELECT ON reefqbo._my_access, reefqbo._my_model, reefqbo._my_watch, reefqbo._my_work TO PUBLIC;
GRANT EXECUTE ON FUNCTION reefqbo._my_roles(), reefqbo._levels_with(text) TO PUBLIC;

-- A warning, not an error: what is at stake is the loss of what is not there yet, and a dump is to be restored all the same.
DO $do$
DECLARE
    found record;
BEGIN
    FOR found IN SELECT * FROM reefqbo._check_foundations() c WHERE c.status <> 'ok' LOOP
        RAISE WARNING USING MESSAGE = found.finding, HINT = found.what_to_do;
    END LOOP;
END
$do$;

-- The background worker may have found the database without the extension, and would look again after a while: its trigger wakes it.
UPDATE reefqbo.schedule SET is_paused = is_paused WHERE false;
