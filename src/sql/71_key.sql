-- Keys: the ring, what is sealed with it, and sealing everything again.

CREATE FUNCTION reefqbo._key_ids()
RETURNS text[]
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_key_ids';

COMMENT ON FUNCTION reefqbo._key_ids() IS 'Internal: the ids of the keys of the key ring, the newest last. Error: RQ010 there is no ring to be had.';

CREATE FUNCTION reefqbo._seal_holds(purpose integer, installation text, owner bigint, part bigint, generation bigint, sealed bytea)
RETURNS boolean
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'rqbo_seal_holds';

COMMENT ON FUNCTION reefqbo._seal_holds(integer, text, bigint, bigint, bigint, bytea) IS
'Internal: whether a sealed value is authentic by its key of the ring and belongs to its row, to this installation and to its generation of tokens. Opens nothing. Error: RQ010 no ring.';

CREATE FUNCTION reefqbo._cipher_works()
RETURNS boolean
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_cipher_works';

COMMENT ON FUNCTION reefqbo._cipher_works() IS 'Internal: whether pgcrypto seals and unseals a word with a key of the moment. Errors: 42883 pgcrypto is not there, and what pgcrypto raises.';

CREATE PROCEDURE reefqbo.reseal()
LANGUAGE c SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'rqbo_reseal';

COMMENT ON PROCEDURE reefqbo.reseal() IS
'Seals everything again with the newest key of the key ring, its last line: client secrets, realm ids and tokens. For use after a line was added, and before an older one is removed.
It works in short transactions of its own while everything else goes on; cut off, it is simply called again. What is sealed with the newest key already is left alone.
At the end a NOTICE says how much was sealed again, and which keys of the ring nothing is sealed with any more.
Errors: RQ010 no key, or some values could not be unsealed (all others were sealed again; the detail says which, and with which key); 55P03 others hold locks for too long.';
INSERT INTO reefqbo._privilege VALUES ('admin', 'EXECUTE', 'PROCEDURE reefqbo.reseal()');
