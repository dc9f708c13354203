-- What must come after every object: each model for those who have access to it, privileges by level, and nothing for PUBLIC.

-- What was said of privileges becomes a function. A table that stays would be in every publication of the schema, and its rows in
-- the way of those that the script has made on the subscriber.
DO $do$
DECLARE
    listed text := (
        SELECT pg_catalog.string_agg(pg_catalog.format('(%L, %L, %L)', p.level, p.privilege, p.object), E',\n        '
                                     ORDER BY pg_catalog.array_position(ARRAY['reader', 'operator', 'admin'], p.level),
                                              p.object COLLATE "C", p.privilege COLLATE "C")
        FROM reefqbo._privilege p);
BEGIN
    EXECUTE pg_catalog.format($create$
CREATE FUNCTION reefqbo._privileges()
RETURNS TABLE (level text, privilege text, object text)
LANGUAGE sql IMMUTABLE ROWS 90 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT v.level, v.privilege, v.object
    FROM (VALUES
        %s
    ) AS v (level, privilege, object)
$$
$create$, listed);
END
$do$;

DROP TABLE reefqbo._privilege;

COMMENT ON FUNCTION reefqbo._privileges() IS
'Internal: what each level is granted, beyond what the level before it is. What stands nowhere in it is the owner''s and the superusers'' alone.';

SELECT reefqbo._make_policies();

REVOKE ALL ON SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA reefqbo FROM PUBLIC;

-- A policy is a question of whoever meets it. These two answer with the ids of one's own models.
GRANT SELECT ON reefqbo._my_model, reefqbo._my_work TO PUBLIC;

-- The background worker may have found the database without the extension, and would look again after a while: its trigger wakes it.
UPDATE reefqbo.schedule SET is_paused = is_paused WHERE false;
