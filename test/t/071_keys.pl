# The key can be changed while everything goes on: reefqbo.reseal seals all there is with the newest key of the ring,
# loses no token, whoever refreshes it meanwhile and whenever it is cut off, and says what it could not unseal.
#
# Which key a value is sealed with is read from its head here, as the banner of src/secret/seal.c has it.

use strict;
use warnings;

use File::Temp ();
use IPC::Run ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Secrets;
use Reefqbo::Simulator;
use Reefqbo::Worker;

# More rows than two batches have.
my $COMPANIES = 250;
my $CLIENT_SECRETS = 2;
my $MONTH = q{'2026-09-01', '2026-09-30'};
my @AT_WORK = map { "pod-$_" } 11 .. 14;

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('keys', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
restart_after_crash = on
log_min_messages = debug1
log_statement = none
END
my $ring = $node->basedir . '/reefqbo.key';
my %line = (k1 => slurp_file($ring));

# ---- the ring, and what is sealed with which key ----

sub line_of
{
	my ($id) = @_;

	unless (defined $line{$id})
	{
		open(my $random, '<:raw', '/dev/urandom') or die "could not open /dev/urandom: $!";
		read($random, my $key, 32) == 32 or die 'could not read /dev/urandom';
		$line{$id} = "$id:" . encode_base64($key, '') . "\n";
	}
	return $line{$id};
}

# Whoever reads the ring meanwhile has the old one or the new one.
sub set_ring
{
	my (@ids) = @_;

	unlink "$ring.new";
	append_to_file("$ring.new", join '', map { line_of($_) } @ids);
	chmod 0600, "$ring.new" or die "could not chmod: $!";
	rename "$ring.new", $ring or die "could not rename: $!";
	return;
}

my $VALUES = <<'END';
SELECT 'secret' AS what, client_secret_sealed AS value FROM reefqbo.app
UNION ALL SELECT 'realm id', realm_id_sealed FROM reefqbo.connection
UNION ALL SELECT 'token', refresh_token_sealed FROM reefqbo.credential
UNION ALL SELECT 'token', previous_refresh_token_sealed FROM reefqbo.credential
UNION ALL SELECT 'token', access_token_sealed FROM reefqbo.credential
END

# "k1 12, k2 3"
sub sealed_with
{
	return sql(<<"END");
SELECT string_agg(id || ' ' || count, ', ' ORDER BY id)
  FROM (SELECT convert_from(substr(value, 3, get_byte(value, 1)), 'UTF8') AS id, count(*) FROM ($VALUES) v WHERE value IS NOT NULL GROUP BY 1) k
END
}

sub count_values { return sql("SELECT count(value) FROM ($VALUES) v" . (defined $_[0] ? " WHERE what = '$_[0]'" : '')) }

sub digested_with
{
	return sql(q{SELECT string_agg(DISTINCT convert_from(substr(realm_digest, 1, position(':'::bytea in realm_digest) - 1), 'UTF8'), ' ') FROM reefqbo.connection});
}

# What it says; dies if it fails.
sub reseal
{
	my ($status, undef, $said) = $node->psql('postgres', 'CALL reefqbo.reseal()');

	die "reseal has failed: $said" if $status != 0;
	return $said;
}

sub is_all_sealed_with
{
	my ($id, $name) = @_;

	is(sealed_with(), "$id " . count_values(), "$name: everything is sealed with $id");
	is(digested_with(), $id, "$name: and realm ids are digested with it");
}

# ---- Intuit's side ----

sub refusals
{
	return join ' ', map { "$_->{company} $_->{status}" } grep { $_->{endpoint} eq 'token' && $_->{status} != 200 } @{ $intuit->admin('log')->{log} };
}

# The access token has ended, so that the refresh token is needed, and the app's secret.
sub works
{
	my ($name, @models) = @_;

	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	$intuit->admin('log_clear');
	foreach my $model (@models)
	{
		my $error = $node->sqlstate_of(call('import_accounts', $model));
		is($error && "$error->{sqlstate} $error->{message}", undef, "$name: $model is refreshed and imported");
	}
	is(refusals(), '', "$name: no refresh token was refused");
}

sub start_session
{
	my ($text) = @_;
	my %session = (file => File::Temp->new, err => '');

	print { $session{file} } "SET client_min_messages = warning;\n$text";
	close $session{file};
	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-f', "$session{file}" ], '>', \my $out, '2>', \$session{err});
	return \%session;
}

# ---- a new key ----

sub test_rotation
{
	my $tokens = 2 * ($COMPANIES + 1);
	my $realms = $COMPANIES + 1;

	is(sealed_with(), 'k1 ' . ($CLIENT_SECRETS + $realms + $tokens), 'at first everything is sealed with the only key');
	set_ring('k1', 'k2');
	my $said = reseal();
	like($said, qr/NOTICE:  sealed again with key "k2": $CLIENT_SECRETS client secrets, $realms realm ids, $tokens tokens$/m, 'it says how much was sealed again');
	like($said, qr/NOTICE:  nothing is sealed with key "k1" any more$/m, 'and which key is not needed any more');
	is_all_sealed_with('k2', 'a new key');
	set_ring('k2');
	works('without the old key', 'pod-1', 'pod-2', 'pod-3');
	is(sql(call('realm_id', 'pod-4')), '9341700000000004', 'a realm id can be read');
	is(sql(call('import_actuals', 'pod-5', \$MONTH)) ne '', 1, 'actuals can be imported');
}

sub test_disconnect
{
	is(sql(q{SELECT count(DISTINCT realm_digest) FROM reefqbo.connection JOIN reefqbo.model USING (model_id) WHERE name IN ('pod-6', 'pod-6 too')}),
		1, 'two connections to one company have one digest');
	like(sql(q{SELECT revoked, note FROM reefqbo.disconnect('pod-6 too')}), qr/\Af\|.*another connection is to the same company/,
		'one of them can be disconnected, and leaves the other its grant');
	works('the other', 'pod-6');
	is(sql(q{SELECT revoked FROM reefqbo.disconnect('pod-7')}), 't', 'a connection that is alone on its company is revoked');
}

sub test_background_worker
{
	$intuit->admin('log_clear');
	pass_time($node, '7 hours');
	is(sql(q{SELECT count(*) FROM reefqbo.upkeep_status WHERE status <> 'disconnected' AND (failures_in_a_row > 0 OR last_success IS NULL)}), 0,
		'the background worker has refreshed every living connection');
	is(refusals(), '', 'and no refresh token was refused');
}

sub rows { return sql(join ' UNION ALL ', map { "SELECT '$_', ctid, xmin FROM reefqbo.$_" } qw(app connection credential)) }

sub test_twice
{
	my $before = rows();

	like(reseal(), qr/NOTICE:  everything is sealed with key "k2" already$/m, 'once more: it says that there is nothing to do');
	is(rows(), $before, 'once more: it writes no row');
}

# ---- cut off ----

# The worker comes to a stop in the second batch of tokens, until this session ends.
sub start_halted
{
	my $halt = start_session("SELECT pg_advisory_lock(71);\nSELECT pg_sleep(600);\n");

	wait_until('the lock is held', sub { return sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 71 AND granted}) });
	my $session = start_session('CALL reefqbo.reseal();');
	wait_until('the worker stands still', sub { return sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 71 AND NOT granted}) });
	return ($halt, $session);
}

sub make_halt
{
	my $row = sql('SELECT connection_id FROM reefqbo.credential ORDER BY model_id, connection_id OFFSET 149 LIMIT 1');

	sql(<<"END_OF_SQL");
CREATE FUNCTION halt() RETURNS trigger LANGUAGE plpgsql AS \$\$
BEGIN
    PERFORM pg_advisory_xact_lock(71);
    RETURN new;
END
\$\$;
CREATE TRIGGER halt BEFORE UPDATE OF previous_refresh_token_sealed ON reefqbo.credential
FOR EACH ROW WHEN (new.connection_id = $row) EXECUTE FUNCTION halt();
END_OF_SQL
}

sub worker_of_session { return sql(q{SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = 71 AND NOT granted}) }

# Exactly what was committed is there: secrets, realm ids, and the first batch of tokens.
sub is_half_done
{
	my ($old, $new, $name) = @_;
	my $done = count_values('secret') + count_values('realm id')
	  + sql('SELECT sum(num_nonnulls(refresh_token_sealed, previous_refresh_token_sealed, access_token_sealed))'
		  . ' FROM (SELECT * FROM reefqbo.credential ORDER BY model_id, connection_id LIMIT 100) c');

	is(sealed_with(), "$old " . (count_values() - $done) . ", $new $done", "$name: what it had committed is there, and the rest as it was");
}

sub test_killed
{
	set_ring('k2', 'k3');
	my ($halt, $session) = start_halted();
	kill 'KILL', worker_of_session();
	$_->{run}->finish foreach $session, $halt;
	$node->wait_until_up;
	is_half_done('k2', 'k3', 'killed');
	like(reseal(), qr/sealed again with key "k3": 0 client secrets, 0 realm ids, [1-9]/, 'killed: the next one does what is left');
	is_all_sealed_with('k3', 'killed');
}

sub test_cancelled
{
	set_ring('k3', 'k4');
	my ($halt, $session) = start_halted();
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'CALL reefqbo.reseal();'});
	$session->{run}->finish;
	like($session->{err}, qr/canceling statement due to user request/, 'cancelled: the caller is told at once');
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'});
	$halt->{run}->finish;
	wait_until('the worker has ended', sub { return sql(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) eq 't' });
	like(sealed_with(), qr/\Ak3 [1-9]\d*, k4 /, 'cancelled: the worker has ended before it was done');
	reseal();
	is_all_sealed_with('k4', 'cancelled, and called again');
	sql('DROP TRIGGER halt ON reefqbo.credential; DROP FUNCTION halt()');
	set_ring('k4');
	works('cut off', 'pod-8', 'pod-150', 'pod-250');
}

# ---- while others are at it ----

sub test_refreshes
{
	my @ids = ('k4', 'k5', 'k6', 'k7', 'k8');
	my @sessions;

	$intuit->admin('log_clear');
	foreach my $model (@AT_WORK)
	{
		my $refresh = "UPDATE reefqbo.credential c SET access_expires_at = now() FROM reefqbo.model m WHERE m.model_id = c.model_id AND m.name = '$model';\n"
		  . "SELECT FROM reefqbo.import_accounts('$model');\n";
		push @sessions, start_session($refresh x 40);
	}
	foreach my $at (1 .. $#ids)
	{
		set_ring(@ids[ 0 .. $at ]);
		reseal();
	}
	my $still = grep { $_->{run}->pumpable } @sessions;
	cmp_ok($still, '>', 0, 'tokens are refreshed all the while');
	$_->{run}->finish foreach @sessions;
	is(join('', map { $_->{err} } @sessions), '', 'tokens refreshed meanwhile: no import has failed');
	is(refusals(), '', 'tokens refreshed meanwhile: no refresh token was refused');
	is_all_sealed_with('k8', 'tokens refreshed meanwhile');
	set_ring('k8');
	works('tokens refreshed meanwhile', @AT_WORK);
}

# A refresh that was begun with the ring of before ends after all else was sealed.
sub test_refresh_under_way
{
	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	$intuit->admin('fault', { kind => 'hold', company => 'pod-15', endpoint => 'token' });
	my $session = start_session(q{SELECT FROM reefqbo.import_accounts('pod-15');});
	wait_until('the refresh has begun', sub { return sql(q{SELECT count(*) FROM reefqbo.credential WHERE refresh_started_at IS NOT NULL}) });
	set_ring('k8', 'k9');
	reseal();
	$intuit->admin('release');
	$session->{run}->finish;
	is($session->{err}, '', 'a refresh under way ends well');
	is_all_sealed_with('k9', 'a refresh under way');
	set_ring('k9');
	works('a refresh under way', 'pod-15');
}

# A worker meets values sealed with a key that its ring did not have when it began.
sub test_worker_under_way
{
	$intuit->admin('expire_access', { company => 'pod-16' });
	$intuit->admin('fault', { kind => 'hold', company => 'pod-16', endpoint => 'query' });
	sql(q{UPDATE reefqbo.credential SET access_expires_at = now() + interval '1 hour'});
	$intuit->admin('log_clear');
	my $session = start_session(q{SELECT FROM reefqbo.import_accounts('pod-16');});
	$node->wait_for_fault('pod-16', 'hold');
	set_ring('k9', 'k10');
	reseal();
	set_ring('k10');
	$intuit->admin('release');
	$session->{run}->finish;
	is($session->{err}, '', 'a worker that had read the ring of before reads it again');
	is_all_sealed_with('k10', 'a worker under way');
}

# ---- keys that are not there ----

sub test_lacking_key
{
	set_ring('k10', 'k11');
	works('a key to be lost', 'pod-17');
	my $lost = count_values() - 2;
	is(sealed_with(), "k10 $lost, k11 2", 'one company has new tokens');

	set_ring('k11', 'k12');
	my $error = $node->sqlstate_of('CALL reefqbo.reseal()');
	is($error->{sqlstate}, 'RQ010', 'a ring that lacks a key: it says so');
	is($error->{message}, "could not unseal $lost values", 'and how many values that is about');
	like($error->{detail}, qr/\A$lost sealed with key "k10", which the key ring does not have: app of environment "sim-production", app of environment "sim-sandbox", branch "pod-\d+" of model "pod-\d+", .* and \d+ more\.\z/,
		'and which key that is');
	like($error->{hint}, qr/Put the line of the key back.*register_app.*reconnect/, 'and what to do');
	is(sealed_with(), "k10 $lost, k12 2", 'all else is done');

	set_ring('k10', 'k11', 'k12');
	like(reseal(), qr/nothing is sealed with keys "k10", "k11" any more/, 'with the line put back it is done');
	is_all_sealed_with('k12', 'the line put back');
}

sub test_changed_value
{
	my $row = q{connection_id = (SELECT connection_id FROM reefqbo.connection_status WHERE model = 'pod-18')};

	sql("UPDATE reefqbo.credential SET access_token_sealed = set_byte(access_token_sealed, 60, get_byte(access_token_sealed, 60) # 1) WHERE $row");
	my $changed = sql("SELECT access_token_sealed FROM reefqbo.credential WHERE $row");
	set_ring('k12', 'k13');
	my $error = $node->sqlstate_of('CALL reefqbo.reseal()');
	is("$error->{sqlstate} $error->{message}", 'RQ010 could not unseal 1 value', 'a value that was changed is refused');
	like($error->{detail}, qr/\A1 changed after sealing, or sealed with another key .*: branch "pod-18" of model "pod-18"\.\z/, 'and named');
	is(sql("SELECT access_token_sealed FROM reefqbo.credential WHERE $row"), $changed, 'and left as it is');
	is(sealed_with(), 'k12 1, k13 ' . (count_values() - 1), 'all else is done');
	works('a changed access token', 'pod-18');
}

# What needs no key goes on without it.
sub test_lost_key
{
	set_ring('k14');
	my $error = $node->sqlstate_of(call('import_accounts', 'pod-19'));
	is($error->{sqlstate}, 'RQ010', 'a key that is lost: nothing can be read from QuickBooks');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'pod-19'}), 'connected', 'the status can be looked at, and is as it was');
	is(sql(q{SELECT count(*) FROM reefqbo.upkeep_status WHERE model = 'pod-19'}), 1, 'so can the schedule');
	like(sql(q{SELECT revoked, note FROM reefqbo.disconnect('pod-19')}), qr/\Af\|.*could not be unsealed/, 'and the connection be ended');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'pod-19'}), 'disconnected', 'it is ended');
	set_ring('k13', 'k14');
	reseal();
	is_all_sealed_with('k14', 'the lost key found again');
}

sub test_log
{
	my $search = make_search(secrets_of($intuit, [ values %line ], 'pod-1', 'pod-6', 'pod-15'));

	is($search->(slurp_file($node->logfile)), '', 'no secret is in the log');
}

connect_many($node, 'sim-production', map { "pod-$_" } 1 .. $COMPANIES);
$node->connect_company('pod-6 too', 'sim-production', 'pod-6');
test_rotation();
test_disconnect();
test_background_worker();
test_twice();
make_halt();
test_killed();
test_cancelled();
test_refreshes();
test_refresh_under_way();
test_worker_under_way();
test_lacking_key();
test_changed_value();
test_lost_key();
test_log();
$node->stop;
$intuit->stop;

done_testing();
