# What is left in memory. A session that has sealed or opened something keeps no key of it, however it ended; and a
# worker, once it has refreshed a grant, has the keys in one place, the ring it may need again, and nothing of what it
# sent to get the new tokens.
#
# Left out is what cannot be otherwise: the client secret in the statement that registers it, the realm id in the answer
# to whoever asked for it, the access token that a worker goes on with, and what OpenSSL copied of Intuit's answer
# (SECURITY.md names them).

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Memory;
use Reefqbo::Session;
use Reefqbo::Simulator;

my $closed = memory_is_closed(getppid());
plan(skip_all => $closed) if $closed;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('memory', $intuit);
my ($key_text) = slurp_file($node->basedir . '/reefqbo.key') =~ /^k1:(\S+)/;
my $KEY = decode_base64($key_text);

# The derived keys are those that the banner of src/secret/seal.c tells of.
my %KEYS = (
	'the ring\'s text' => $key_text,
	'the cipher\'s key' => hmac_sha256('reefqbo cipher', $KEY),
	'the key of authentication' => hmac_sha256('reefqbo authentication', $KEY),
	'the key of digests' => hmac_sha256('reefqbo realm digest', $KEY));

sub list { my ($found) = @_; return join ', ', map { "$_ $found->{$_}" } sort keys %$found }

# ---- sessions ----

my $REGISTER = call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI);

sub session_keeps_nothing
{
	my ($name, $query) = @_;
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query_safe('SELECT pg_backend_pid()');

	chomp $pid;
	$session->query("$query;");
	$session->{stderr} = '';
	$session->query_safe(q{SELECT 'a word to be found ' || 1});
	is(list(found_in_memory($pid, { word => q{'a word to be found '} })) =~ s/\d+//r, 'word ', "$name: the search finds a word");
	is(list(found_in_memory($pid, { key => $KEY, %KEYS })), '', "$name: no key is left");
	$session->quit;
	return;
}

sub test_sessions
{
	session_keeps_nothing('register_app', $REGISTER);
	session_keeps_nothing('register_app, rolled back', "BEGIN; $REGISTER; ROLLBACK");
	session_keeps_nothing('realm_id', call('realm_id', 'Pod'));
	session_keeps_nothing('realm_id, many times', call('realm_id', 'Pod') . ' FROM generate_series(1, 200)');
	session_keeps_nothing('check', 'SELECT count(*) FROM reefqbo.check()');
	session_keeps_nothing('a prepared statement', 'PREPARE p AS ' . call('realm_id', 'Pod') . '; EXECUTE p; EXECUTE p');
	sql('UPDATE reefqbo.connection SET realm_id_sealed = set_byte(realm_id_sealed, 40, get_byte(realm_id_sealed, 40) # 1)');
	session_keeps_nothing('a realm id that does not open', call('realm_id', 'Pod'));
	sql('UPDATE reefqbo.connection SET realm_id_sealed = set_byte(realm_id_sealed, 40, get_byte(realm_id_sealed, 40) # 1)');
	session_keeps_nothing('an app that cannot be stored', "ALTER TABLE reefqbo.app ADD CONSTRAINT none CHECK (client_id <> 'refused'); "
		  . call('register_app', 'sim-production', 'refused', 'other-secret', $Reefqbo::Simulator::REDIRECT_URI));
	sql('ALTER TABLE reefqbo.app DROP CONSTRAINT none');
	return;
}

# ---- workers ----

sub random_part { return $_[0] =~ s/\ART1-\d+-H0-\d{10}//r }

sub test_worker
{
	my $sent = random_part($intuit->admin('tokens', { company => 'pod-1' })->{refresh_tokens}[-1]);

	$intuit->admin('log_clear');
	$intuit->admin('expire_access', { company => 'pod-1' });
	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	$intuit->admin('fault', { kind => 'delay', company => 'pod-1', endpoint => 'query', seconds => 20 });
	my $session = begin_sql(call('import_accounts', 'Pod'));
	$node->wait_for_fault('pod-1', 'delay');
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	is(sql('SELECT generation FROM reefqbo.credential'), 2, 'a worker has refreshed the grant, and waits for what it asked with it');
	my $found = found_in_memory($pid, {
		key => $KEY, %KEYS, 'the refresh token it sent' => $sent, 'the client secret' => 'prod-secret',
		'the header with it' => encode_base64('prod-client:prod-secret', '') });
	is(list($found), 'key 1', 'it has the key once, in the ring, and nothing of what it sent');
	sql("SELECT pg_terminate_backend($pid)");
	end_sql($session);
	return;
}

$node->connect_company('Pod', 'sim-production', 'pod-1');
test_sessions();
test_worker();
$node->stop;
$intuit->stop;

done_testing();
