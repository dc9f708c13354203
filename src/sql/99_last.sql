-- What must come after every object: each model for those who have access to it, and nothing for PUBLIC.

SELECT reefqbo._make_policies();

REVOKE ALL ON SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA reefqbo FROM PUBLIC;

-- A policy is a question of whoever meets it. These two answer with the ids of one's own models.
GRANT SELECT ON reefqbo._my_model, reefqbo._my_work TO PUBLIC;
