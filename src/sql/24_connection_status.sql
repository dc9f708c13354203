-- How each connection stands, for a DBA, for a program and for the user of an application.

CREATE VIEW reefqbo.connection_status WITH (security_barrier) AS
SELECT m.name AS model,
       b.name AS branch,
       c.company_name AS company,
       e.name AS environment,
       CASE WHEN c.status = 'connected' AND g.ends_at <= k.now THEN 'reconnect_required'
            ELSE c.status END AS status,
       c.status_since AS since,
       CASE WHEN c.status = 'connected' AND g.ends_at <= k.now THEN 'the grant has ended'
            ELSE c.status_reason END AS reason,
       CASE WHEN c.status = 'reconnect_required' OR g.ends_at <= k.now
                THEN pg_catalog.format('SELECT reefqbo.reconnect(%L, %L); then open the address and sign in as an admin of the company',
                                       m.name, b.name)
            WHEN c.status = 'suspended'
                THEN 'renew the company''s QuickBooks subscription; the next import notices it by itself'
            WHEN c.status = 'disconnected'
                THEN pg_catalog.format('nothing, or SELECT reefqbo.connect(%L, %L, %L) to link it again', m.name, e.name, b.name)
            WHEN g.ends_at < k.now + interval '30 days'
                THEN pg_catalog.format('SELECT reefqbo.reconnect(%L, %L) before the grant ends', m.name, b.name)
            WHEN n.reclassified > 0
                THEN pg_catalog.format('SELECT * FROM reefqbo.refresh(%L, %L); since %s months have accounts that were reclassified after they were read', m.name, b.name, n.reclassified)
            WHEN n.untied > 0
                THEN pg_catalog.format('in QuickBooks, put right what does not tie out in %s; a refresh tries it again', n.untied_months)
            WHEN c.actuals_as_of IS NULL
                THEN 'nothing is wrong; import with reefqbo.import_accounts and reefqbo.import_actuals'
            ELSE 'nothing'
       END AS what_to_do,
       CASE WHEN c.status IN ('connected', 'suspended')
            THEN GREATEST(0, pg_catalog.floor(pg_catalog.extract('epoch', g.ends_at - k.now) / 86400)::integer)
       END AS days_until_grant_ends,
       c.actuals_as_of AS data_as_of,
       c.model_id,
       c.connection_id,
       n.reclassified + n.untied AS unsettled_months,
       COALESCE(m.title, m.name) AS title,
       z.sqlstate,
       y.reason_code,
       CASE y.reason_code
            WHEN 'revoked' THEN 'This app was disconnected in QuickBooks.'
            WHEN 'grant_ended' THEN 'The permission to read QuickBooks has ended.'
            WHEN 'refused' THEN 'QuickBooks does not let this app read the company any more.'
            WHEN 'wrong_keys' THEN 'This app is not set up for the company.'
            WHEN 'subscription_lapsed' THEN 'The company''s QuickBooks subscription is not active.'
            WHEN 'disconnected' THEN 'The company was disconnected here.'
            WHEN 'permission_denied' THEN 'The QuickBooks user who connected may not read the company''s reports.'
            WHEN 'throttled' THEN 'QuickBooks is busy. The figures will be brought up to date a little later.'
            WHEN 'unavailable' THEN 'QuickBooks cannot be reached. The figures will be brought up to date later.'
            WHEN 'does_not_tie_out' THEN 'Some months do not add up in QuickBooks.'
            WHEN 'failed' THEN 'The figures could not be brought up to date.'
       END AS user_message,
       CASE WHEN y.reason_code IN ('revoked', 'grant_ended', 'refused', 'disconnected') THEN 'Connect again.'
            WHEN y.reason_code IN ('wrong_keys', 'failed') THEN 'Tell the support of this app.'
            WHEN y.reason_code = 'subscription_lapsed' THEN 'Renew the subscription in QuickBooks.'
            WHEN y.reason_code = 'permission_denied' THEN 'Connect again as an admin of the company.'
            WHEN y.reason_code = 'does_not_tie_out' THEN 'Look at these months'' reports in QuickBooks.'
       END AS user_action
FROM reefqbo.connection c
JOIN reefqbo.model m ON m.model_id = c.model_id
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.environment e ON e.environment_id = c.environment_id
CROSS JOIN LATERAL (
    -- reefqbo._now(), in words that whoever may read this view may use
    SELECT pg_catalog.statement_timestamp()
           + COALESCE(pg_catalog.current_setting('reefqbo.clock_offset', true), '0')::interval AS now
) k
LEFT JOIN LATERAL (
    SELECT LEAST(t.refresh_expires_at, t.hard_expires_at) AS ends_at, t.rejected_at IS NOT NULL AS was_rejected
    FROM reefqbo.credential t
    WHERE t.model_id = c.model_id AND t.connection_id = c.connection_id
) g ON true
CROSS JOIN LATERAL (
    SELECT pg_catalog.count(DISTINCT u.period_start) FILTER (WHERE u.reason = 'reclassified') AS reclassified,
           pg_catalog.count(DISTINCT u.period_start) FILTER (WHERE u.reason <> 'reclassified') AS untied,
           pg_catalog.string_agg(DISTINCT pg_catalog.to_char(u.period_start, 'YYYY-MM'), ', ')
               FILTER (WHERE u.reason <> 'reclassified') AS untied_months
    FROM reefqbo.unsettled_month u
    WHERE u.model_id = c.model_id AND u.connection_id = c.connection_id
) n
LEFT JOIN reefqbo.upkeep u ON u.model_id = c.model_id AND u.connection_id = c.connection_id AND u.failures > 0
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.status = 'connected' AND g.ends_at <= k.now THEN 'RQ001'
                WHEN c.status = 'connected' THEN COALESCE(u.sqlstate, CASE WHEN n.untied > 0 THEN 'RQ007' END)
                WHEN c.status <> 'disconnected' THEN c.status_sqlstate END AS sqlstate
) z
CROSS JOIN LATERAL (
    SELECT CASE WHEN c.status = 'disconnected' THEN 'disconnected'
                WHEN z.sqlstate = 'RQ001' AND g.ends_at <= k.now THEN 'grant_ended'
                WHEN z.sqlstate = 'RQ001' AND g.was_rejected THEN 'revoked'
                WHEN z.sqlstate = 'RQ001' THEN 'refused'
                WHEN z.sqlstate = 'RQ003' THEN 'wrong_keys'
                WHEN z.sqlstate = 'RQ004' THEN 'subscription_lapsed'
                WHEN z.sqlstate = 'RQ005' THEN 'permission_denied'
                WHEN z.sqlstate = 'RQ006' THEN 'throttled'
                WHEN z.sqlstate = 'RQ007' THEN 'does_not_tie_out'
                WHEN z.sqlstate = 'RQ011' THEN 'unavailable'
                WHEN z.sqlstate IS NOT NULL THEN 'failed' END AS reason_code
) y
-- whoever has all models is spared the list of them
WHERE (SELECT EXISTS (SELECT 1 FROM reefqbo._my_access a WHERE a.model_id = 0 AND NOT a.scoped AND a.level = ANY (reefqbo._levels_with('reader'))))
   OR c.model_id IN (SELECT v.model_id FROM reefqbo._my_model v);

COMMENT ON VIEW reefqbo.connection_status IS
'How each connection stands. Never calls Intuit. status: connected, reconnect_required, suspended (the company''s subscription has lapsed) or disconnected.
days_until_grant_ends counts to the earlier of the rolling end of the refresh token and the hard end of the grant; data_as_of is the end of the last complete import of actuals.';
COMMENT ON COLUMN reefqbo.connection_status.model IS 'name of the model';
COMMENT ON COLUMN reefqbo.connection_status.branch IS 'name of the branch';
COMMENT ON COLUMN reefqbo.connection_status.company IS 'the company''s name, as QuickBooks has it';
COMMENT ON COLUMN reefqbo.connection_status.environment IS 'the set of endpoints';
COMMENT ON COLUMN reefqbo.connection_status.status IS 'connected, reconnect_required, suspended or disconnected';
COMMENT ON COLUMN reefqbo.connection_status.since IS 'since when';
COMMENT ON COLUMN reefqbo.connection_status.reason IS 'why it is not connected';
COMMENT ON COLUMN reefqbo.connection_status.what_to_do IS 'the statement to run, or what else';
COMMENT ON COLUMN reefqbo.connection_status.days_until_grant_ends IS 'whole days';
COMMENT ON COLUMN reefqbo.connection_status.data_as_of IS 'when the tables were last known to hold what QuickBooks holds';
COMMENT ON COLUMN reefqbo.connection_status.model_id IS 'the model';
COMMENT ON COLUMN reefqbo.connection_status.connection_id IS 'the connection: one QuickBooks company in one branch';
COMMENT ON COLUMN reefqbo.connection_status.title IS 'what messages call the model: its title, or its name';
COMMENT ON COLUMN reefqbo.connection_status.sqlstate IS 'what is wrong, as the SQLSTATE that an import would raise or that the last attempt on schedule has raised; NULL if nothing is, or if it was disconnected here';
COMMENT ON COLUMN reefqbo.connection_status.reason_code IS 'the same for programs: revoked, grant_ended, refused, wrong_keys, subscription_lapsed, disconnected, permission_denied, throttled, unavailable, does_not_tie_out or failed';
COMMENT ON COLUMN reefqbo.connection_status.user_message IS 'the same for the user of an application';
COMMENT ON COLUMN reefqbo.connection_status.user_action IS 'what that user can do about it; NULL for nothing';
COMMENT ON COLUMN reefqbo.connection_status.unsettled_months IS 'how many months must be read again: reefqbo.unsettled_month has which, and why';

INSERT INTO reefqbo._privilege VALUES ('reader', 'SELECT', 'TABLE reefqbo.connection_status');
