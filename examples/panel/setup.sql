-- What the panel needs in the database, once. As a superuser, beside the extension:
--
--     psql app -f setup.sql
--
-- Two roles: the pages' own, and the one of the address that Intuit sends webhooks to, which anybody may send to.
-- Give them passwords, or let pg_hba.conf say how they come in.

CREATE ROLE panel LOGIN;
CREATE ROLE panel_webhook LOGIN;
SELECT reefqbo.grant_access('panel', 'operator');
SELECT reefqbo.grant_access('panel_webhook', 'webhook');

-- Browsers' sessions, as connect-pg-simple keeps them.
CREATE SCHEMA panel AUTHORIZATION panel;
CREATE TABLE panel.session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp(6) NOT NULL);
CREATE INDEX session_expire ON panel.session (expire);
ALTER TABLE panel.session OWNER TO panel;
