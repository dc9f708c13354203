--
-- The schedule: when turns come, and how it is changed.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';

--
-- Turns come every so often, counted from 1970 and moved by the phase.
--
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '6 hours', 0, '00:00', '00:00', 'UTC') AS "12:00";
SELECT reefqbo._next_turn('2026-11-25 12:00:00Z', '6 hours', 0, '00:00', '00:00', 'UTC') AS "18:00, since 12:00 is now";
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '6 hours', 0.5, '00:00', '00:00', 'UTC') AS "15:00";
SELECT reefqbo._next_turn('2026-11-25 08:59:59Z', '6 hours', 0.5, '00:00', '00:00', 'UTC') AS "09:00";
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '1 day', 0.25, '00:00', '00:00', 'UTC') AS "06:00 the next day";
SELECT reefqbo._next_turn('2026-11-25 10:00:30Z', '1 minute', 0, '00:00', '00:00', 'UTC') AS "10:01";
-- however many were missed, there is one next
SELECT reefqbo._next_turn('2027-03-01 00:00:00Z', '6 hours', 0.5, '00:00', '00:00', 'UTC') AS "03:00";

--
-- Quiet hours, within a day and across midnight, and where the clocks go forward.
--
SELECT reefqbo._after_quiet('2026-11-25 10:00:00Z', '09:00', '17:00', 'UTC') AS "17:00";
SELECT reefqbo._after_quiet('2026-11-25 09:00:00Z', '09:00', '17:00', 'UTC') AS "17:00, its beginning is quiet";
SELECT reefqbo._after_quiet('2026-11-25 17:00:00Z', '09:00', '17:00', 'UTC') AS "17:00, its end is not";
SELECT reefqbo._after_quiet('2026-11-25 23:00:00Z', '22:00', '06:00', 'UTC') AS "06:00 the next day";
SELECT reefqbo._after_quiet('2026-11-25 05:59:00Z', '22:00', '06:00', 'UTC') AS "06:00 the same day";
SELECT reefqbo._after_quiet('2026-11-25 12:00:00Z', '22:00', '06:00', 'UTC') AS "12:00, unchanged";
SELECT reefqbo._after_quiet('2026-11-25 12:00:00Z', '00:00', '00:00', 'UTC') AS "12:00, there are none";
-- 23:00 in New York is 04:00 UTC in winter; 06:00 there is 11:00 UTC
SELECT reefqbo._after_quiet('2026-11-25 04:00:00Z', '22:00', '06:00', 'America/New_York') AS "11:00";
-- the night of 14 March 2027, after which 06:00 in New York is 10:00 UTC
SELECT reefqbo._after_quiet('2027-03-14 04:00:00Z', '22:00', '06:00', 'America/New_York') AS "10:00";
-- a turn in the quiet hours comes after them, within the first hour, by the phase
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '6 hours', 0, '11:00', '13:00', 'UTC') AS "13:00";
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '6 hours', 0.5, '14:00', '16:00', 'UTC') AS "16:30";
SELECT reefqbo._next_turn('2026-11-25 10:00:00Z', '10 minutes', 0.5, '10:00', '11:00', 'UTC') AS "11:05";

--
-- Phases are spread evenly: of ten thousand connections about a thousand fall into each tenth.
--
SELECT min(n) > 850 AND max(n) < 1150 AS evenly, count(*) AS tenths
FROM (SELECT count(*) AS n FROM generate_series(1, 10000) c GROUP BY floor(reefqbo._phase(c) * 10)) t;
SELECT bool_and(reefqbo._phase(c) >= 0 AND reefqbo._phase(c) < 1) AS "from 0 to 1" FROM generate_series(1, 10000) c;

--
-- Every model has a schedule from the beginning.
--
SELECT reefqbo.create_model('Schedule model') > 0 AS made;
SELECT refresh_every, reread_months, full_every, quiet_from, quiet_until, time_zone, is_paused
FROM reefqbo.schedule WHERE model_id = reefqbo._model_id('Schedule model');
-- what is left out stays
SELECT refresh_every, reread_months, full_every, quiet_from, quiet_until, time_zone, is_paused
FROM reefqbo.set_schedule('Schedule model', refresh_every => '1 hour', quiet_from => '22:00', quiet_until => '06:00',
                          time_zone => 'Europe/Berlin');
SELECT refresh_every, reread_months, full_every, quiet_from, quiet_until, time_zone, is_paused
FROM reefqbo.set_schedule('Schedule model', paused => true);
SELECT is_paused FROM reefqbo.set_schedule('Schedule model', paused => false);

--
-- What is refused, and that nothing is changed then.
--
\set SHOW_CONTEXT never
SELECT reefqbo.set_schedule('No such model', paused => true);
\echo :SQLSTATE
SELECT reefqbo.set_schedule(NULL);
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', refresh_every => '1 second');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', refresh_every => '29 days');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', refresh_every => '-1 hour');
\echo :SQLSTATE
-- a year is not everywhere the same
SELECT reefqbo.set_schedule('Schedule model', refresh_every => '-1000 years 360001 days');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', refresh_every => '-4 years 1461 days');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', full_every => '-1000 years 360001 days');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', full_every => '1 minute');
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', reread_months => 0);
\echo :SQLSTATE
SELECT reefqbo.set_schedule('Schedule model', time_zone => 'Atlantis/Reef');
\echo :SQLSTATE
SELECT refresh_every, reread_months, full_every, time_zone, is_paused
FROM reefqbo.schedule WHERE model_id = reefqbo._model_id('Schedule model');

--
-- What is due: the columns of views that monitoring reads, and nothing without a connection.
--
SELECT * FROM reefqbo.upkeep_status WHERE model = 'Schedule model';
SELECT * FROM reefqbo.import_progress WHERE model = 'Schedule model';
SELECT count(*) FROM reefqbo._due WHERE model_id = reefqbo._model_id('Schedule model');
-- no worker looks after this database
SELECT count(*) FROM reefqbo.worker_status() WHERE database = current_database();

--
-- The order in which connections are served, on made-up rows: models take turns, and the model that was served
-- longest ago comes first; a connection that is held is not due.
--
BEGIN;
SELECT reefqbo.create_model('Schedule large') AS large \gset
SELECT reefqbo.create_model('Schedule small') AS small \gset
SELECT reefqbo.create_branch('Schedule large', 'Store ' || n) > 0 FROM generate_series(1, 3) n;
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest)
SELECT b.model_id, b.branch_id, 1, 'connected', '\x00', sha256(b.name::bytea)
FROM reefqbo.branch b WHERE b.model_id IN (:large, :small) ORDER BY b.branch_id;
INSERT INTO reefqbo.credential (model_id, connection_id, refresh_token_sealed, refresh_expires_at, access_expires_at, keep_alive_at)
SELECT c.model_id, c.connection_id, '\x00', now() + interval '100 days', now(), now() + interval '7 days'
FROM reefqbo.connection c WHERE c.model_id IN (:large, :small);
INSERT INTO reefqbo.upkeep (model_id, connection_id, refresh_due_at, attempted_at)
SELECT c.model_id, c.connection_id, now() - interval '1 minute',
       now() - interval '1 hour' - interval '1 second' * row_number() OVER (ORDER BY c.connection_id)
FROM reefqbo.connection c WHERE c.model_id = :large;
SELECT m.name, b.name AS branch, d.due_at <= reefqbo._now() AS is_due
FROM reefqbo._due d
JOIN reefqbo.connection c USING (model_id, connection_id)
JOIN reefqbo.branch b ON b.model_id = c.model_id AND b.branch_id = c.branch_id
JOIN reefqbo.model m ON m.model_id = d.model_id
WHERE d.model_id IN (:large, :small) ORDER BY 1, 2;
UPDATE reefqbo.upkeep SET not_before = now() + interval '1 hour'
WHERE connection_id = (SELECT max(connection_id) FROM reefqbo.connection WHERE model_id = :large);
SELECT count(*) FILTER (WHERE due_at <= reefqbo._now()) AS due, count(*) FILTER (WHERE due_at > reefqbo._now()) AS held
FROM reefqbo._due WHERE model_id = :large;
-- a clock that was set back: times that lie ahead count as come
UPDATE reefqbo.upkeep SET attempted_at = now() + interval '1 year', refresh_due_at = now() + interval '1 year',
    not_before = now() + interval '1 year' WHERE model_id = :large;
SELECT count(*) FROM reefqbo._due WHERE model_id = :large AND due_at <= reefqbo._now();
UPDATE reefqbo.upkeep SET attempted_at = now() - interval '1 hour', refresh_due_at = now() - interval '1 hour',
    not_before = NULL WHERE model_id = :large;
-- paused: only the grant is left
SELECT is_paused FROM reefqbo.set_schedule('Schedule large', paused => true);
SELECT DISTINCT refresh_due_at IS NULL AS nothing_read, due_at = grant_due_at AS grant_kept
FROM reefqbo._due WHERE model_id = :large;
SELECT is_paused FROM reefqbo.set_schedule('Schedule large', paused => false);
-- quiet: overdue, and held until they are over
SELECT quiet_from < quiet_until AS set FROM reefqbo.set_schedule('Schedule large', time_zone => 'UTC',
    quiet_from => CASE WHEN now()::time < '12:00' THEN time '00:00:01' ELSE time '11:00' END,
    quiet_until => CASE WHEN now()::time < '12:00' THEN time '13:00' ELSE time '23:59:59' END);
SELECT count(*) FILTER (WHERE due_at <= reefqbo._now()) AS due, count(*) AS all FROM reefqbo._due WHERE model_id = :large;
-- a rejected grant and a disconnected company are nobody's turn
UPDATE reefqbo.credential SET rejected_at = now() WHERE model_id = :small;
UPDATE reefqbo.connection SET status = 'disconnected' WHERE model_id = :large;
SELECT count(*) FROM reefqbo._due WHERE model_id IN (:large, :small);
ROLLBACK;

--
-- Whoever may read the views of a model needs no other right; and nobody has one who was not given it.
--
CREATE ROLE schedule_reader;
GRANT USAGE ON SCHEMA reefqbo TO schedule_reader;
GRANT SELECT ON reefqbo.upkeep_status, reefqbo.import_progress, reefqbo.connection_status TO schedule_reader;
INSERT INTO reefqbo.access (model_id, grantee, level, granted_by)
VALUES (reefqbo._model_id('Schedule model'), 'schedule_reader', 'reader', current_user);
SET ROLE schedule_reader;
SELECT count(*) FROM reefqbo.upkeep_status WHERE model = 'Schedule model';
SELECT count(*) FROM reefqbo.import_progress WHERE model = 'Schedule model';
SELECT count(*) FROM reefqbo.connection_status WHERE model = 'Schedule model';
SELECT reefqbo.set_schedule('Schedule model', paused => true);
SELECT * FROM reefqbo.worker_status();
SELECT * FROM reefqbo.schedule;
SELECT * FROM reefqbo.upkeep;
SELECT * FROM reefqbo._due;
RESET ROLE;
DELETE FROM reefqbo.access WHERE grantee = 'schedule_reader'::regrole;
DROP OWNED BY schedule_reader;
DROP ROLE schedule_reader;

DELETE FROM reefqbo.branch WHERE model_id = reefqbo._model_id('Schedule model');
DELETE FROM reefqbo.model WHERE name = 'Schedule model';
