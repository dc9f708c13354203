# What reefqbo stands on: whoever owns pgcrypto, a trusted extension that any role with CREATE on the database may have
# installed, or a schema that is in between, can drop reefqbo with it. That is told, and can be mended. What none of
# them can do is to change pgcrypto's functions, and so to be given keys and tokens; traps beside them are in 052.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;

my $node = plain_cluster('foundations');
my $SUPERUSER = sql('SELECT current_user');
my $FUNCTION = 'crypto.encrypt_iv(bytea, bytea, bytea, text)';

sub as
{
	my ($role, $query) = @_;
	return "SET SESSION AUTHORIZATION $role;\n$query";
}

# The extension, and what was said of it.
sub install
{
	my ($database) = @_;
	my ($status, undef, $said) = $node->psql($database, 'CREATE EXTENSION reefqbo CASCADE');

	is($status, 0, "$database: the extension is made");
	return $said;
}

sub findings { return sql(q{SELECT subject, status, what_to_do FROM reefqbo.check() WHERE item = 'ownership'}, $_[0]) }

my $REGISTER = call('register_app', 'sandbox', 'client', 'my-secret', 'https://app.example/back');

# ---- mallory's pgcrypto ----

sub test_warning
{
	sql('CREATE ROLE mallory; CREATE DATABASE weak; GRANT CREATE ON DATABASE weak TO mallory');
	sql(as('mallory', 'CREATE SCHEMA crypto; CREATE SCHEMA other; CREATE EXTENSION pgcrypto SCHEMA crypto; CREATE TABLE crypto.hers ()'), 'weak');
	my $said = install('weak');
	like($said, qr/WARNING:  "mallory", no superuser, owns the extension "pgcrypto" and can drop it with CASCADE.*\nHINT:  As a superuser: SELECT \* FROM reefqbo\.take_over_extensions\(\);$/m,
		'CREATE EXTENSION warns of the owner of pgcrypto');
	like($said, qr/WARNING:  "mallory", no superuser, owns the schema "crypto".*\nHINT:  As a superuser: ALTER SCHEMA crypto OWNER TO "?\Q$SUPERUSER\E"?;$/m, 'and of that of its schema');
	is(findings('weak'), "extension pgcrypto|warning|As a superuser: SELECT * FROM reefqbo.take_over_extensions();\n"
		  . "schema crypto|warning|As a superuser: ALTER SCHEMA crypto OWNER TO $SUPERUSER;", 'check tells the same');
	return;
}

# It is no idle warning.
sub test_danger
{
	foreach my $drop ('DROP EXTENSION pgcrypto CASCADE', 'DROP SCHEMA crypto CASCADE', 'DROP OWNED BY mallory CASCADE')
	{
		is(sql(as('mallory', "SET client_min_messages = error; BEGIN; $drop; SELECT count(*) FROM pg_extension WHERE extname = 'reefqbo'; ROLLBACK"), 'weak'), 0,
			"$drop takes reefqbo with it");
	}
	return;
}

# Functions of a trusted extension are the bootstrap superuser's.
sub test_functions
{
	is(sql("SELECT DISTINCT rolsuper FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE probin = '\$libdir/pgcrypto'", 'weak'), 't', 'pgcrypto\'s functions are a superuser\'s');
	foreach my $statement ("CREATE OR REPLACE FUNCTION $FUNCTION RETURNS bytea LANGUAGE sql AS 'SELECT \$1'", "ALTER FUNCTION $FUNCTION RENAME TO other",
		"ALTER FUNCTION $FUNCTION OWNER TO mallory", "ALTER FUNCTION $FUNCTION SET search_path = crypto", "ALTER FUNCTION $FUNCTION SET SCHEMA other",
		"DROP FUNCTION $FUNCTION", "ALTER EXTENSION pgcrypto DROP FUNCTION $FUNCTION")
	{
		like(sqlstate(as('mallory', $statement), 'weak'), qr/^(42501|2BP01)$/, "mallory: $statement is refused");
	}
	return;
}

# Where a superuser has given one away, or taken it out of the extension, nothing is handed to it.
sub test_given_away
{
	my %change = (
		'of a plain role' => [ "ALTER FUNCTION $FUNCTION OWNER TO mallory", "ALTER FUNCTION $FUNCTION OWNER TO $SUPERUSER" ],
		'of no extension' => [ "ALTER EXTENSION pgcrypto DROP FUNCTION $FUNCTION", "ALTER EXTENSION pgcrypto ADD FUNCTION $FUNCTION" ]);

	is(sqlstate($REGISTER, 'weak'), 'none', 'its own functions: an app can be registered');
	foreach my $what (sort keys %change)
	{
		sql($change{$what}[0], 'weak');
		my $error = try($REGISTER, 'weak');
		is("$error->{sqlstate} $error->{message}", '42883 could not find function encrypt_iv of extension pgcrypto', "a function $what: is not called");
		like($error->{hint}, qr/must be its own and belong to a superuser/, "a function $what: the hint says why");
		is(sql(q{SELECT status FROM reefqbo.check() WHERE item = 'pgcrypto'}, 'weak'), 'problem', "a function $what: check tells it");
		sql($change{$what}[1], 'weak');
		is(sqlstate($REGISTER, 'weak'), 'none', "a function $what: put right");
	}
	return;
}

# ---- mended ----

sub test_mended
{
	is(sqlstate(as('mallory', 'SELECT reefqbo.take_over_extensions()'), 'weak'), '42501', 'mallory cannot take over anything');
	sql('GRANT USAGE ON SCHEMA reefqbo TO mallory; GRANT EXECUTE ON FUNCTION reefqbo.take_over_extensions(), reefqbo._own_extension(oid) TO mallory', 'weak');
	is(sqlstate(as('mallory', 'SELECT reefqbo.take_over_extensions()'), 'weak'), '42501', 'whatever she is granted');
	is(sqlstate(as('mallory', q{SELECT reefqbo._own_extension((SELECT oid FROM pg_extension WHERE extname = 'reefqbo'))}), 'weak'), '42501', 'of reefqbo neither');
	is(sql('SELECT * FROM reefqbo.take_over_extensions()', 'weak'), 'pgcrypto|mallory', 'a superuser takes pgcrypto over');
	is(sql('SELECT * FROM reefqbo.take_over_extensions()', 'weak'), '', 'once');
	is(sql(q{SELECT detail FROM reefqbo.audit WHERE action = 'extension_taken_over'}, 'weak'), 'extension "pgcrypto" of "mallory"', 'it is written down');
	like(findings('weak'), qr/\Aschema crypto\|warning\|[^\n]*\z/, 'the schema is left');
	sql((findings('weak') =~ /As a superuser: (.*)/)[0], 'weak');
	is(findings('weak'), '|ok|', 'what check says mends that too');

	is(sqlstate(as('mallory', "$_ CASCADE"), 'weak'), '42501', "$_ is refused") foreach 'DROP EXTENSION pgcrypto', 'DROP SCHEMA crypto';
	is(sql("SET client_min_messages = error; BEGIN; DROP OWNED BY mallory CASCADE; SELECT count(*) FROM pg_extension WHERE extname IN ('reefqbo', 'pgcrypto'); ROLLBACK", 'weak'), 2,
		'DROP OWNED takes neither');
	is(sql(q{SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'hers'}, 'weak'), 'mallory', 'all else of hers is hers');
	is(sqlstate($REGISTER, 'weak'), 'none', 'and everything works');
	return;
}

# Another superuser than the first: dependencies are what they would be had it made the extension.
sub test_other_superuser
{
	sql('CREATE ROLE boss SUPERUSER; CREATE DATABASE second; GRANT CREATE ON DATABASE second TO mallory');
	sql(as('mallory', 'CREATE SCHEMA crypto; CREATE EXTENSION pgcrypto SCHEMA crypto'), 'second');
	install('second');
	is(sql(as('boss', 'SELECT * FROM reefqbo.take_over_extensions()'), 'second'), 'pgcrypto|mallory', 'another superuser takes pgcrypto over');
	is(sql(q{SELECT pg_get_userbyid(extowner) FROM pg_extension WHERE extname = 'pgcrypto'}, 'second'), 'boss', 'whose it is then');
	is(sqlstate('DROP ROLE boss'), '2BP01', 'and who cannot be dropped without it');
	return;
}

# ---- others ----

# Who owns the database can drop it whole.
sub test_owner_of_database
{
	sql('CREATE ROLE landlord; CREATE DATABASE house OWNER landlord');
	sql(as('landlord', 'CREATE SCHEMA crypto; CREATE EXTENSION pgcrypto SCHEMA crypto'), 'house');
	unlike(install('house'), qr/WARNING/, 'the owner of the database is no danger that was not there');
	is(findings('house'), '|ok|', 'nor by check');
	return;
}

# The schema that CREATE EXTENSION found first, though nothing of reefqbo is in it.
sub test_nominal_schema
{
	sql('CREATE DATABASE nominal; GRANT CREATE ON DATABASE nominal TO mallory');
	sql('CREATE EXTENSION pgcrypto', 'nominal');
	sql(as('mallory', "CREATE SCHEMA \"$SUPERUSER\""), 'nominal');
	like(install('nominal'), qr/WARNING:  "mallory", no superuser, owns the schema "\Q$SUPERUSER\E"/, 'a schema named like the superuser');
	is(sql(as('mallory', "SET client_min_messages = error; BEGIN; DROP SCHEMA \"$SUPERUSER\" CASCADE; SELECT count(*) FROM pg_extension WHERE extname = 'reefqbo'; ROLLBACK"), 'nominal'), 0,
		'with which reefqbo would go');
	return;
}

test_warning();
test_danger();
test_functions();
test_given_away();
test_mended();
test_other_superuser();
test_owner_of_database();
test_nominal_schema();
$node->stop;

done_testing();
