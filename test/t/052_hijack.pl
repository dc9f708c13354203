# What others make in a database is never called with our rights or given our secrets: not functions that
# somebody has put into pgcrypto, not what stands first in a search_path, not a session's temporary tables.
# And which file is read, which command is run and where requests go is not a plain role's to decide.
#
# Every function laid as a trap draws a number from a sequence, which no ROLLBACK takes back.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Traps;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
# Values other than the built-in ones, so that losing them shows.
my $node = reefqbo_cluster('hijack', $intuit, settings => <<'END');
reefqbo.connect_timeout = '9s'
reefqbo.request_timeout = '100s'
reefqbo.retry_budget = '1s'
reefqbo.throttle_wait = '50s'
reefqbo.max_response_size = '17MB'
END

# ---- helpers ----

sub as
{
	my ($role, $query, $database) = @_;
	return sql("SET SESSION AUTHORIZATION $role; $query", $database);
}

# Whoever runs the tests owns the cluster; initdb names its superuser after them.
sub superuser { return sql('SELECT pg_catalog.quote_ident(current_user)') }

# ---- what the books say ----

my $MONTH = q{'2026-09-01', '2026-09-30'};

sub ledger
{
	my ($company) = @_;
	my $rows = $intuit->truth(company => $company, statement => 'profit_and_loss', method => 'Accrual', start => '2026-09-01', end => '2026-09-30')->{rows};

	die "the ledger of $company is empty" unless @$rows;
	return join "\n", sort map { "$_->{account_id}|" . plain($_->{amount}) } @$rows;
}

sub sorted { return join "\n", sort split /\n/, $_[0] }

# ---- functions in pgcrypto that are not pgcrypto's ----

# mallory, no superuser, owns pgcrypto, which is a trusted extension, and adds functions of its functions' names
# to it: in schemas made before and after, in its own schema for other arguments, and by other names of types.
my $TRAP = <<'SQL';
CREATE FUNCTION %1$s.%2$s(%3$s) RETURNS bytea LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.nextval('trap.calls');
    IF current_setting('is_superuser') = 'on' THEN
        ALTER ROLE mallory SUPERUSER;
    END IF;
    RETURN crypto.%2$s($1, $2, $3, $4::text);
END
$$;
ALTER EXTENSION pgcrypto ADD FUNCTION %1$s.%2$s(%3$s);
SQL

sub put_traps_into_pgcrypto
{
	sql('CREATE DATABASE hijack');
	sql('CREATE ROLE mallory LOGIN; GRANT CREATE ON DATABASE hijack TO mallory');
	lay_schema($node, 'trap', 'hijack');
	as('mallory', 'CREATE SCHEMA aaa; CREATE SCHEMA crypto; CREATE EXTENSION pgcrypto SCHEMA crypto; CREATE SCHEMA zzz', 'hijack');
	foreach my $function ('encrypt_iv', 'decrypt_iv')
	{
		as('mallory', sprintf($TRAP, $_, $function, 'bytea, bytea, bytea, text'), 'hijack') foreach 'aaa', 'zzz';
		as('mallory', sprintf($TRAP, 'crypto', $function, 'bytea, bytea, bytea, varchar'), 'hijack');
	}
	return;
}

# The traps work, and a superuser who falls into one gives himself away.
sub test_traps_of_pgcrypto
{
	sql(q{BEGIN; SELECT aaa.encrypt_iv('\x00', '\x00112233445566778899aabbccddeeff', '\x00112233445566778899aabbccddeeff', 'aes'); ROLLBACK}, 'hijack');
	is(was_called($node, 'trap', 'hijack'), 't', 'a function that was added to pgcrypto tells when it is called');
	clear_traps($node, 'trap', 'hijack');
	return;
}

sub import_in
{
	my ($database, $model, $company) = @_;

	sql(call('create_model', $model), $database);
	my $address = sql(call('connect', $model, 'sim-production'), $database);
	sql(call('complete_connection', $intuit->browse($address, company => $company)), $database);
	$intuit->admin('expire_access', { company => $company });
	sql("SELECT FROM reefqbo.import_actuals('$model', $MONTH)", $database);
	return sorted(sql("SELECT account_id, trim_scale(amount) FROM reefqbo.actual JOIN reefqbo.model m USING (model_id)"
			. " WHERE m.name = '$model' AND statement = 'profit_and_loss' AND amount <> 0", $database));
}

# Whoever may create objects in a schema of the path of the one who installs it: in public of a database that was made
# before version 15, or in a schema named like the superuser.
sub test_planted
{
	sql('CREATE DATABASE planted');
	lay_schema($node, 'postgres', 'planted');
	sql('CREATE SEQUENCE public.calls; GRANT ALL ON public.calls TO PUBLIC', 'planted');
	lay_near_traps($node, $_, 'planted') foreach 'postgres', 'public';
	is(sql(q{SELECT date '2026-01-01' - 1.5}, 'planted'), '2026-01-01', 'an operator that was planted is met by a superuser');
	clear_traps($node, $_, 'planted') foreach 'postgres', 'public';
	$node->install_reefqbo('planted');
	is(sql(<<'END', 'planted'), '', 'nothing of the extension depends on what stands in a schema of the path');
SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, 0)
  FROM pg_depend d
 WHERE (d.refclassid = 'pg_operator'::regclass
        AND d.refobjid IN (SELECT oid FROM pg_operator WHERE oprnamespace IN ('public'::regnamespace, 'postgres'::regnamespace))
    OR d.refclassid = 'pg_proc'::regclass
        AND d.refobjid IN (SELECT oid FROM pg_proc WHERE pronamespace IN ('public'::regnamespace, 'postgres'::regnamespace)))
   AND d.classid <> 'pg_operator'::regclass
END
	sql(call('create_model', 'Pod'), 'planted');
	sql(call('complete_connection', $intuit->browse(sql(call('connect', 'Pod', 'sim-production'), 'planted'), company => 'pod-4')), 'planted');
	sql("SELECT FROM reefqbo.import_actuals('Pod', $MONTH)", 'planted');
	sql(q{SELECT FROM reefqbo.statement('Pod', 'profit_and_loss', '2026-01-01', '2026-12-31', 'quarter')}, 'planted');
	sql('SELECT FROM reefqbo.check(); SELECT FROM reefqbo.upkeep_status; SELECT FROM reefqbo.connection_status', 'planted');
	is(was_called($node, $_, 'planted'), 'f', "nor does it call what stands in schema $_") foreach 'postgres', 'public';
	return;
}

sub test_pgcrypto
{
	put_traps_into_pgcrypto();
	test_traps_of_pgcrypto();
	$node->install_reefqbo('hijack');
	is(was_called($node, 'trap', 'hijack'), 'f', 'functions added to pgcrypto: register_app does not call them');
	is(import_in('hijack', 'Pod', 'pod-1'), ledger('pod-1'), 'functions added to pgcrypto: connect, a refresh of tokens and an import work');
	is(was_called($node, 'trap', 'hijack'), 'f', 'and do not call them');
	is(sql(q{SELECT reefqbo.realm_id('Pod') ~ '^\d+$'}, 'hijack'), 't', 'nor does realm_id');
	as('mallory', 'ALTER EXTENSION pgcrypto DROP FUNCTION crypto.encrypt_iv(bytea, bytea, bytea, varchar)', 'hijack');
	sql(q{SELECT FROM reefqbo.disconnect('Pod')}, 'hijack');
	is(was_called($node, 'trap', 'hijack'), 'f', 'nor does disconnect');
	is(sql(q{SELECT rolsuper FROM pg_roles WHERE rolname = 'mallory'}), 'f', 'nobody has become a superuser by it');
	return;
}

# Where the extension's own functions are gone, there is an error and nothing else is taken.
sub test_pgcrypto_renamed
{
	sql('ALTER FUNCTION crypto.encrypt_iv(bytea, bytea, bytea, text) RENAME TO gone', 'hijack');
	is(sqlstate(call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI), 'hijack'),
		'42883', "without pgcrypto's own function there is an error");
	is(was_called($node, 'trap', 'hijack'), 'f', 'and no other is called instead');
	sql('ALTER FUNCTION crypto.gone(bytea, bytea, bytea, text) RENAME TO encrypt_iv', 'hijack');
	return;
}

# ---- what a session may bring along ----

# The traps work: an ordinary statement of such a session falls into them.
sub test_traps
{
	my @fallen = map { "SELECT $_" } q{'a'::text = 'b'::text}, 'now()', q{format('%s'::text, 'x'::text)}, 'count(*)';

	foreach my $query (@fallen)
	{
		sql(hostile('evil') . $query);
		is(was_called($node, 'evil'), 't', "in a hostile session, $query is somebody else's");
		clear_traps($node, 'evil');
	}
	return;
}

my $REPORT = slurp_file("test/fixtures/reports/pl_month.json");

# What the functions return to a session, as somebody, after something.
sub cells
{
	my ($role, $before) = @_;

	return as($role, "${before}SELECT c FROM reefqbo.report_cells(" . quote($REPORT) . ') c');
}

sub statement
{
	my ($role, $before, $model) = @_;
	my $rows = as($role, "${before}SELECT account_id, kind, amount FROM reefqbo.profit_and_loss('$model', $MONTH)");

	return sorted(join "\n", map { my ($id, $kind, $amount) = split /\|/; $kind eq 'account' && plain($amount || 0) ne '0' ? "$id|" . plain($amount) : () }
		  split /\n/, $rows);
}

sub test_hostile_session
{
	my ($role, $company, $where, $before) = @_;
	my ($model, $name) = ("$role, $where", "$role, $where");
	my $clean = cells($role, '');

	sql(call('create_model', $model));
	my $address = as($role, $before . call('connect', $model, 'sim-production'));
	like($address, qr/\A\Q@{[ $intuit->authorize_url ]}\E\?/, "$name: connect returns Intuit's address");
	my $back = quote($intuit->browse($address, company => $company));
	like(as($role, "${before}SELECT company, status FROM reefqbo.complete_connection($back)"), qr/\APod \d+ Ltd\|connected\z/, "$name: complete_connection connects");
	my $accounts = grep { !$_->{vanished} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	is(as($role, "${before}SELECT accounts_seen FROM reefqbo.import_accounts('$model')"), $accounts, "$name: import_accounts reads every account");
	is(as($role, "${before}SELECT months FROM reefqbo.import_actuals('$model', $MONTH)"), 1, "$name: import_actuals imports");
	is(statement($role, $before, $model), ledger($company), "$name: profit_and_loss has the figures of the ledger");
	is(cells($role, $before), $clean, "$name: report_cells returns what it returns to anybody");
	is(was_called($node, 'evil'), 'f', "$name: nothing of anybody else's was called");
	clear_traps($node, 'evil');
	return;
}

# The worker has no caller's settings, but it has those of the database.
sub test_hostile_database
{
	sql('ALTER DATABASE postgres SET search_path = evil, pg_catalog');
	test_hostile_session(superuser(), 'pod-5', 'a search_path by ALTER DATABASE', '');
	sql('ALTER DATABASE postgres RESET search_path');
	return;
}

sub make_clerk
{
	sql('CREATE ROLE clerk LOGIN; GRANT USAGE ON SCHEMA reefqbo TO clerk;'
		. ' GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA reefqbo TO clerk; GRANT TEMPORARY ON DATABASE postgres TO clerk;'
		. q{ INSERT INTO reefqbo.access (model_id, grantee, level, granted_by) VALUES (0, 'clerk', 'admin', current_user)});
	return;
}

# ---- settings ----

# All there are; those whose text nobody but a superuser may read.
sub settings { return split /\n/, sql(q{LOAD 'reefqbo'; SELECT name FROM pg_settings WHERE name LIKE 'reefqbo.%' ORDER BY name}) }

my @HIDDEN = map { "reefqbo.$_" } qw(key_file key_command proxy);

# What a session that is not the superuser's works with.
sub make_spy
{
	sql(q{CREATE FUNCTION public.spy(name text) RETURNS text LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS $$ SELECT 'it is ' || current_setting(name) $$});
	return;
}

# The other value must be one that the setting could have.
sub other_value { return $_[0] =~ /file|command|proxy|databases/ ? '/nowhere' : '12345' }

# Run as a plain role; the value that a setting has once the library is there.
sub value_after
{
	my ($before, $setting) = @_;
	my (undef, $out, $err) = $node->psql('postgres', "$before\nSELECT count(*) FROM reefqbo.report_cells('');\nSELECT public.spy('$setting');",
		extra_params => [ '-U', 'clerk' ], on_error_stop => 0);

	return $1 if ($out // '') =~ /^it is (.*)$/m;
	return "none: $err";
}

# Why a plain role may not set it: it is a superuser's, or nobody's but the configuration file's.
sub refusal_of
{
	my ($setting) = @_;
	my %refusal = (superuser => '42501', sighup => '55P02');
	my $context = sql("LOAD 'reefqbo'; SELECT context FROM pg_settings WHERE name = '$setting'");

	return $refusal{$context} // die "$setting has context $context";
}

sub test_setting
{
	my ($setting) = @_;
	my $right = sql("LOAD 'reefqbo'; SHOW $setting");
	my $other = other_value($setting);

	isnt($right, $other, "$setting: there is another value");
	is(value_after('', $setting), $right, "$setting: a plain role has the server's");
	is(value_after("SET $setting = '$other';", $setting), $right, "$setting: and after SET, before the library is loaded");
	is(value_after("SELECT set_config('$setting', '$other', false);", $setting), $right, "$setting: and after set_config");
	{
		local $ENV{PGOPTIONS} = "-c $setting=$other";
		isnt(value_after('', $setting), $other, "$setting: an option of the connection does not set it");
	}
	my $loaded = $node->sqlstate_of("LOAD 'reefqbo'; SET SESSION AUTHORIZATION clerk; SET $setting = '$other'");
	is($loaded->{sqlstate}, refusal_of($setting), "$setting: once it is loaded, SET is refused");
	is(sqlstate("LOAD 'reefqbo'; SET SESSION AUTHORIZATION clerk; ALTER ROLE clerk SET $setting = '$other'"), refusal_of($setting), "$setting: so is ALTER ROLE");
	as('clerk', "ALTER ROLE clerk SET $setting = '$other'") if sqlstate("SET SESSION AUTHORIZATION clerk; ALTER ROLE clerk SET $setting = '$other'") eq 'none';
	is(value_after('', $setting), $right, "$setting: an ALTER ROLE before it was loaded has no effect");
	return;
}

# An option that is refused when the library is loaded has put the server's own value out of its place by
# then, and the built-in one takes that: no file of certificates, no proxy. The worker must not work with that.
sub test_option_of_connection
{
	my ($model, $name) = ('clerk, temporary tables and a search_path', 'an option of the connection');
	my $import = "SELECT FROM reefqbo.import_accounts('$model')";
	local $ENV{PGUSER} = 'clerk';

	foreach my $setting ('reefqbo.ca_file', 'reefqbo.key_file')
	{
		local $ENV{PGOPTIONS} = "-c $setting=/nowhere";
		is(sqlstate($import), 'none', "$name for $setting: an import has the server's");
	}
	set_proxy('http://127.0.0.1:1');
	is(sqlstate($import), 'RQ011', 'a proxy that is not there: an import fails');
	{
		local $ENV{PGOPTIONS} = '-c reefqbo.proxy=/nowhere';
		is(sqlstate($import), 'RQ011', "$name for reefqbo.proxy: an import does not get around it");
	}
	set_proxy('');
	return;
}

sub set_proxy
{
	my ($proxy) = @_;
	local $ENV{PGUSER};
	delete $ENV{PGUSER};

	$node->append_conf('postgresql.conf', "reefqbo.proxy = '$proxy'");
	$node->reload;
	$node->poll_query_until('postgres', "SELECT current_setting('reefqbo.proxy', true) = '$proxy'") or die 'the proxy is not set';
	return;
}

sub test_hidden_setting
{
	my ($setting, $when, $before) = @_;

	is(sqlstate("${before}SET SESSION AUTHORIZATION clerk; SHOW $setting"), '42501', "$setting, $when: SHOW is refused to a plain role");
	is(sqlstate("${before}SET SESSION AUTHORIZATION clerk; SELECT current_setting('$setting')"), '42501', "$setting, $when: and current_setting");
	is(sql("${before}SET SESSION AUTHORIZATION clerk; SELECT coalesce(max(setting), '') FROM pg_settings WHERE name = '$setting'"), '', "$setting, $when: and pg_settings has nothing");
	return;
}

sub test_settings
{
	# which of the models that it has a role looks at, and why it changes something, is its own to say, and gives it none
	my @settings = grep { !/^reefqbo\.(?:current_model|reason)\z/ } settings();

	make_spy();
	cmp_ok(scalar(@settings), '>=', 9, 'there are settings');
	test_setting($_) foreach @settings;
	test_option_of_connection();
	test_hidden_setting($_, 'library loaded by the session', q{LOAD 'reefqbo'; }) foreach @HIDDEN;
	$node->append_conf('postgresql.conf', q{shared_preload_libraries = 'reefqbo'});
	$node->restart;
	test_hidden_setting($_, 'library loaded by the server', '') foreach @HIDDEN;
	is(sqlstate("SET SESSION AUTHORIZATION clerk; ALTER ROLE clerk SET $_ = '" . other_value($_) . "'"), refusal_of($_), "$_, library loaded by the server: ALTER ROLE is refused")
	  foreach @settings;
	return;
}

# ---- the run ----

test_planted();
test_pgcrypto();
test_pgcrypto_renamed();

make_clerk();
lay_traps($node, 'evil');
test_traps();
my $hostile = hostile('evil');
test_hostile_session(superuser(), 'pod-2', 'temporary tables and a search_path', $hostile);
test_hostile_session('clerk', 'pod-3', 'temporary tables and a search_path', $hostile);
test_hostile_database();
test_settings();

$node->stop;
done_testing();
