# Nobody can be notified: the queue of NOTIFY is one for all, and any role may fill it, or be in its way. What is
# imported, signed in to or noticed is stored all the same, the call succeeds with a WARNING, and when the queue is
# right again, listeners are told again.
#
# A session that stands still in the middle of its COMMIT, with the lock on the queue, has the same effect on others
# as a full queue, and needs no 8 GB. Where the queue can be made small, it is filled as well.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Listener;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($FIRST, $LAST) = ('2025-10-01', '2026-11-30');
my $WARNING = qr/WARNING:.*nobody could be notified/;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('notify', $intuit, preload => 1, settings => "wal_level = replica\nmax_wal_senders = 2\n");
align_clock($node);

# What psql prints, and what it is told besides.
sub run
{
	my ($query) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $query);

	return { status => $status, out => $out, err => $err };
}

sub succeeds_untold
{
	my ($query, $expected, $name) = @_;
	my $run = run($query);

	is($run->{out}, $expected, "$name: succeeds");
	like($run->{err}, $WARNING, "$name: with a warning");
	unlike($run->{err}, qr/ERROR/, "$name: and no error");
	return;
}

sub import_sql { return "SELECT months FROM reefqbo.import_actuals('$_[0]', '$FIRST', '$LAST')" }

sub is_stored
{
	my ($model, $company, $name) = @_;

	is(stored_lines($node, $model), ledger_lines($intuit, $company, $FIRST, $LAST), "$name: the figures are stored, and are the ledger's");
	is(sql("SELECT status FROM reefqbo.import_log JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' ORDER BY import_id DESC LIMIT 1"), 'succeeded', "$name: and so does the log tell");
	return;
}

# A new figure in the ledger.
sub post
{
	my ($company, $amount) = @_;
	my @accounts = grep { $_->{active} && !defined $_->{parent} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my ($expense) = grep { $_->{type} eq 'Expense' } @accounts;
	my ($bank) = grep { $_->{type} eq 'Bank' } @accounts;

	$intuit->admin('post', { company => $company, date => '2026-11-03', type => 'JournalEntry',
		lines => [ { account => $expense->{id}, amount => $amount }, { account => $bank->{id}, amount => "-$amount" } ] });
	return;
}

# ---- while nobody can be told ----

sub test_untold
{
	my ($how, $model, $company) = @_;

	sql(call('create_model', $model));
	my $address = sql(call('connect', $model, 'sim-production'));
	my $back = $intuit->browse($address, company => $company);
	succeeds_untold('SELECT status FROM reefqbo.complete_connection(' . quote($back) . ')', 'connected', "$how: a sign-in");
	succeeds_untold(import_sql($model), 14, "$how: an import");
	is_stored($model, $company, "$how: an import");
	post($company, '12.34');
	succeeds_untold("SELECT amounts_changed + amounts_inserted > 0 FROM reefqbo.refresh('$model')", 't', "$how: a refresh");
	is_stored($model, $company, "$how: a refresh");
	return;
}

sub test_lost_grant
{
	my ($how, $model, $company) = @_;

	$intuit->admin('revoke_grant', { company => $company });
	sql('UPDATE reefqbo.credential SET access_expires_at = reefqbo._now() FROM reefqbo.connection_status s WHERE s.connection_id = credential.connection_id AND s.model = ' . quote($model));
	my $run = run("\\set VERBOSITY sqlstate\nSELECT FROM reefqbo.refresh('$model')");
	like($run->{err}, qr/RQ001/, "$how: a grant that has ended is what the error says");
	is(sql("SELECT status FROM reefqbo.connection_status WHERE model = '$model'"), 'reconnect_required', "$how: and what is stored");
	return;
}

sub test_worker
{
	my ($how, $model, $company) = @_;
	my $before = length slurp_file($node->logfile);

	$node->set_option('reefqbo.databases', 'postgres');
	post($company, '23.45');
	pass_time($node, '1 day');
	is_stored($model, $company, "$how: a refresh on schedule");
	is(sql("SELECT failures_in_a_row FROM reefqbo.upkeep_status WHERE model = '$model'"), 0, "$how: which has not failed");
	like(substr(slurp_file($node->logfile), $before), $WARNING, "$how: the server's log has a warning");
	$node->set_option('reefqbo.databases', '');
	return;
}

# ---- somebody in the way ----

my $stopped;

# A session that has sent its notifications and does not come to the end of its commit: it waits for a standby, and when
# that is not asked for any more, it does not hear of it.
sub stop_a_commit
{
	$node->set_option('synchronous_standby_names', 'nobody');
	wait_until('commits wait for a standby', sub { return $node->answer('SHOW synchronous_standby_names') eq 'nobody' });
	my $session = begin_sql('BEGIN; CREATE TABLE stuck (); NOTIFY others; COMMIT');
	wait_until('a commit waits', sub { return $stopped = $node->answer(q{SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'}) });
	kill 'STOP', $stopped;
	$node->set_option('synchronous_standby_names', '');
	is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass AND objid = 0 AND granted}), 1, 'a session stands still with the lock on the queue');
	return $session;
}

sub test_lock
{
	my $session = stop_a_commit();

	test_untold('behind a lock', 'Lock', 'pod-1');
	test_worker('behind a lock', 'Lock', 'pod-1');
	test_lost_grant('behind a lock', 'Lock', 'pod-1');
	kill 'CONT', $stopped;
	end_sql($session);
	return;
}

sub test_told_again
{
	$node->connect_company('Told', 'sim-production', 'pod-2');
	my $listener = Reefqbo::Listener->start($node);
	my $run = run(import_sql('Told'));

	unlike($run->{err}, $WARNING, 'when the lock has gone there is no warning');
	is(scalar($listener->events('import_finished')), 1, 'and listeners are told');
	$listener->stop;
	return;
}

# ---- a full queue ----

# Where it can be made small: any role fills it, while somebody who listens does not come to read.
sub test_full
{
	$node->append_conf('postgresql.conf', 'max_notify_queue_pages = 64');
	$node->restart;
	sql('CREATE ROLE filler LOGIN');
	my $reader = begin_sql('LISTEN others; BEGIN; SELECT pg_sleep(600)');
	wait_until('somebody listens and does not read', sub { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()}) });
	my $error;
	for (my $i = 0; $i < 1000 && !$error; $i++)
	{
		$error = $node->sqlstate_of("SET SESSION AUTHORIZATION filler; SELECT pg_notify('others', repeat('x', 7000) || n) FROM generate_series(1, 20) n");
	}
	like($error->{message}, qr/NOTIFY queue/, 'a plain role has filled the queue');
	test_untold('with a full queue', 'Full', 'pod-3');
	test_worker('with a full queue', 'Full', 'pod-3');
	test_lost_grant('with a full queue', 'Full', 'pod-3');
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()});
	end_sql($reader);
	return;
}

test_lock();
test_told_again();
test_full() if sql(q{SELECT count(*) FROM pg_settings WHERE name = 'max_notify_queue_pages'});
$node->stop;

done_testing();
