--
-- What can be shown of secrets without a network: how an app's keys are taken and sealed, and key rings that are none.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS reefqbo CASCADE;
RESET client_min_messages;
\set SHOW_CONTEXT never
LOAD 'reefqbo';
SET reefqbo.key_file = '';
SET reefqbo.key_command = '';
SELECT reefqbo.create_environment('Secrets fake', false, 'https://fake.example/oauth2', 'https://fake.example/token',
                                  'https://fake.example/revoke', 'https://fake.example') > 0 AS made;
SELECT reefqbo.create_environment('Secrets sandbox', true, 'https://fake.example/oauth2', 'https://fake.example/token',
                                  'https://fake.example/revoke', 'https://fake.example') > 0 AS made;

--
-- No key, no secret.
--
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SET reefqbo.key_file = '/nonexistent/reefqbo.key';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SET reefqbo.key_file = '/';
\set VERBOSITY sqlstate
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\set VERBOSITY default
SET reefqbo.key_file = '';
-- a ring without a key, and lines that are none
SET reefqbo.key_command = 'echo "# k1:no"';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SET reefqbo.key_command = 'echo; echo k1 a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SET reefqbo.key_command = 'echo k1:a2V5a2V5';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
\set VERBOSITY terse
SET reefqbo.key_command = 'for i in 1 2; do echo k1:a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=; done';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\set VERBOSITY default
SET reefqbo.key_command = 'exit 7';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SELECT count(*) FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name LIKE 'Secrets %';

--
-- Arguments that are not acceptable. A secret is never repeated.
--
SET reefqbo.key_command = 'echo k1:a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=';
SELECT reefqbo.register_app('Secrets none', 'client', 'my-secret', 'https://app.example/back');
\echo :SQLSTATE
SELECT reefqbo.register_app('Secrets fake', 'client', 'my secret', 'https://app.example/back');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT reefqbo.register_app('Secrets fake', 'client', '', 'https://app.example/back');
SELECT reefqbo.register_app('Secrets fake', 'client', E'my-secret\n', 'https://app.example/back');
SELECT reefqbo.register_app('Secrets fake', 'client', repeat('s', 1024), 'https://app.example/back');
SELECT reefqbo.register_app('Secrets fake', '', 'my-secret', 'https://app.example/back');
SELECT reefqbo.register_app('Secrets fake', E'client\r\nHost: b', 'my-secret', 'https://app.example/back');
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', '');
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'http://app.example/back');
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'http://localhost.example/back');
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back#x');
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'javascript:alert(1)');
SELECT reefqbo.register_app('Secrets fake', 'client', NULL, 'https://app.example/back');
SELECT reefqbo.register_app(NULL, 'client', 'my-secret', 'https://app.example/back');
\set VERBOSITY default
SELECT count(*) FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name LIKE 'Secrets %';

--
-- Sealed: version 1, the key's id, and nothing of the secret; another value each time.
--
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'http://localhost:8000/back');
SELECT substr(client_secret_sealed, 1, 4) AS head, length(client_secret_sealed) AS bytes,
       position('my-secret'::bytea IN client_secret_sealed) AS in_clear, client_id, redirect_uri
FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name = 'Secrets fake';
SELECT client_secret_sealed AS first FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name = 'Secrets fake' \gset
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
SELECT client_secret_sealed <> :'first' AS differs
FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name = 'Secrets fake';
-- the last key of the ring seals
SET reefqbo.key_command = 'echo k1:a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U=; echo new.key:bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmU=';
SELECT reefqbo.register_app('Secrets fake', 'client', 'my-secret', 'https://app.example/back');
SELECT substr(client_secret_sealed, 1, 9) = '\x0107'::bytea || 'new.key' AS by_the_last
FROM reefqbo.app JOIN reefqbo.environment e USING (environment_id) WHERE e.name = 'Secrets fake';

--
-- The settings decide which file is read, which command runs and where requests go: they are the superuser's.
--
CREATE ROLE regress_reefqbo_secrets;
SET ROLE regress_reefqbo_secrets;
\set VERBOSITY terse
SET reefqbo.key_file = '/tmp/x';
SET reefqbo.key_command = 'true';
SET reefqbo.ca_file = '/tmp/x';
SET reefqbo.proxy = 'http://localhost';
\set VERBOSITY sqlstate
SHOW reefqbo.key_file;
SHOW reefqbo.key_command;
SHOW reefqbo.proxy;
\set VERBOSITY default
RESET ROLE;
DROP ROLE regress_reefqbo_secrets;

--
-- A sign-in begins without the network: an address that carries a state of 256 bits, of which the table has the SHA-256.
--
SELECT reefqbo.create_model('Secrets model') > 0 AS made;
SELECT reefqbo.connect('Secrets model', 'Secrets fake') AS address \gset
SELECT regexp_replace(:'address', 'state=[0-9a-f]{64}$', 'state=...') AS address;
SELECT count(*) FROM reefqbo.authorization_request
WHERE state_digest = sha256(substring(:'address' FROM 'state=(.*)')::bytea);
SELECT reefqbo.connect('Secrets model', 'Secrets sandbox');
\echo :SQLSTATE

--
-- Addresses that Intuit never sent.
--
SELECT reefqbo.complete_connection(:'address');
\echo :SQLSTATE
SELECT reefqbo.complete_connection('https://app.example/back?state=%zz&code=c&realmId=1');
\echo :SQLSTATE
\set VERBOSITY terse
SELECT reefqbo.complete_connection('');
SELECT reefqbo.complete_connection('https://app.example/back?code=c&realmId=1');
SELECT reefqbo.complete_connection('https://app.example/back?state=s%00&code=c&realmId=1');
SELECT reefqbo.complete_connection('https://app.example/back?state=s&code=a+b&realmId=1');
SELECT reefqbo.complete_connection('s', E'c\nd', '1');
SELECT reefqbo.complete_connection('s', 'c', '');
\set VERBOSITY default

--
-- Clean up.
--
DELETE FROM reefqbo.authorization_request WHERE model_id = reefqbo._model_id('Secrets model');
DELETE FROM reefqbo.branch WHERE model_id = reefqbo._model_id('Secrets model');
DELETE FROM reefqbo.model WHERE name = 'Secrets model';
DELETE FROM reefqbo.app WHERE environment_id IN (SELECT environment_id FROM reefqbo.environment WHERE name LIKE 'Secrets %');
DELETE FROM reefqbo.environment WHERE name LIKE 'Secrets %';
RESET reefqbo.key_command;
RESET reefqbo.key_file;
