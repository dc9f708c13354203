-- Each model for those who have access to it; nothing for PUBLIC; and what pg_dump carries: the rows of every table, but not those the script itself makes.

SELECT reefqbo._make_policies();

REVOKE ALL ON SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA reefqbo FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA reefqbo FROM PUBLIC;

-- A policy is a question of whoever meets it. These two answer with the ids of one's own models.
GRANT SELECT ON reefqbo._my_model, reefqbo._my_work TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('reefqbo.environment', 'WHERE NOT is_builtin');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.environment_environment_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.app', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.model', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.model_model_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.branch', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.branch_branch_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.access', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.protection', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.audit', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.audit_audit_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.connection', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.connection_connection_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.credential', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.authorization_request', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.schedule', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.upkeep', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.import_log', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.import_log_import_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.tie_out_check', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.tie_out_check_check_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.account', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.imported_month', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.actual', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.restatement', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.restatement_restatement_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_value', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_month', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_actual', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.dimension_mapping', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.ledger_line', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.api_call', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.api_call_call_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.variable', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.variable_variable_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_mapping', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_change', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.account_change_change_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.mapping_template', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.exchange_rate', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.elimination', '');
SELECT pg_catalog.pg_extension_config_dump('reefqbo.elimination_elimination_id_seq', '');
