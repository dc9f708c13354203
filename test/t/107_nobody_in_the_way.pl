# What sessions wait for is done by one background worker, and nobody is in the way of others: not by the number of
# one's sessions or companies, by companies that do not answer, by what one has locked, or by a slow key command.
#
# Where others go on is tested by their coming to an end while what they might wait for is held.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my @pods = map { "pod-$_" } 1 .. 12;
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('in_the_way', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
max_worker_processes = 8
max_connections = 150
reefqbo.retry_budget = '1s'
reefqbo.max_concurrent_requests = 2
END

# ---- asking ----

sub accounts_of { return 'SELECT * FROM reefqbo.import_accounts(' . quote($_[0]) . ')' }

sub import_of { return 'SELECT * FROM reefqbo.import_actuals(' . quote($_[0]) . q{, '2026-01-01', '2026-10-31')} }

sub callers { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND wait_event = 'Extension'") }

sub ends_in_time { my ($query, $name) = @_; return is(sqlstate("SET statement_timeout = '60s'; $query"), 'none', $name) }

# Of these companies, or of all but the others, whoever asks waits.
sub hold
{
	my ($endpoint, @companies) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('fault', { kind => 'hold', company => $_, endpoint => $endpoint, times => -1 }) foreach @companies;
	return;
}

sub held { return scalar grep { ($_->{fault} // '') eq 'hold' } @{ $intuit->admin('log')->{log} } }

sub let_go
{
	my @sessions = @_;

	$intuit->admin('clear_faults');
	return map { end_sql($_) } @sessions;
}

# Queued work, a call that is no import, and a sign-in.
sub others_go_on
{
	my ($name, $newcomer) = @_;

	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('lagoon') . ')', "$name: a refresh of another company ends meanwhile");
	ends_in_time(accounts_of('kelp'), "$name: and so does what is no import");
	$node->connect_company($newcomer, 'sim-production', $newcomer);
	is(sql("SELECT status FROM reefqbo.connection_status WHERE model = '$newcomer'"), 'connected', "$name: and a sign-in");
	return;
}

# ---- 1. many ----

# They wait for a lock, and take the place of nobody who could go on.
sub test_many_sessions
{
	my $name = 'many sessions that wait for one company';

	hold('ProfitAndLoss', 'reef');
	my @sessions = begin_sql(import_of('reef'));
	$node->wait_for_fault('reef', 'hold');
	push @sessions, map { begin_sql(accounts_of('reef')) } 1 .. 20;
	wait_until('all wait', sub { return callers() == 21 });
	others_go_on($name, 'pod-13');
	is(callers(), 21, "$name: while they wait on");
	is(scalar(grep { /\|\d+\|[\d.]+\z/ } let_go(@sessions)), 21, "$name: and each has its row");
	return;
}

# More companies than there are places, of which none answers, and others behind them.
sub test_many_companies
{
	my $name = 'many companies of one call';

	hold('query', @pods);
	my $session = begin_sql(accounts_of('reef group'));
	wait_until('the first are asked', sub { return held() >= 2 });
	others_go_on($name, 'pod-14');
	is(callers(), 1, "$name: while it waits on");
	my ($rows) = let_go($session);
	is(scalar(split /\n/, $rows), 12, "$name: and has all its rows");
	return;
}

# A check is answered however many others are under way, but does not ask all of its companies at once.
sub test_check
{
	my $name = 'a check of many companies';

	hold('companyinfo', @pods);
	my $session = begin_sql('SELECT item, subject FROM reefqbo.check(' . quote('reef group') . ')');
	wait_until('some are asked', sub { return held() >= 3 });
	others_go_on($name, 'pod-15');
	cmp_ok(held(), '<=', 8, "$name: asks some at a time");
	is(sqlstate('SELECT * FROM reefqbo.check(' . quote('lagoon') . ')'), 'none', "$name: others are checked meanwhile");
	my ($rows) = let_go($session);
	is(scalar(grep { /\Agrant\|/ } split /\n/, $rows), 12, "$name: and it comes to its end");
	return;
}

# ---- 2. a slow key command ----

# It is run by the one process that all wait for, so it is not run for each of them.
sub test_key_command
{
	my $name = 'a key command';
	my ($key, $runs) = ($node->basedir . '/reefqbo.key', $node->basedir . '/runs');

	wait_until_idle($node);
	append_to_file($runs, '');
	$node->append_conf('postgresql.conf', "reefqbo.key_command = 'echo run >> $runs; sleep 0.2; cat $key'");
	$node->reload;
	wait_until_idle($node);
	hold('any', 'reef');
	my @sessions = begin_sql(accounts_of('reef'));
	$node->wait_for_fault('reef', 'hold');
	my $before = () = slurp_file($runs) =~ /run/g;
	ends_in_time(accounts_of('kelp'), "$name: a call ends") foreach 1 .. 5;
	my $after = () = slurp_file($runs) =~ /run/g;
	cmp_ok($after - $before, '<', 5, "$name: is not run for each call");
	let_go(@sessions);
	$node->append_conf('postgresql.conf', q{reefqbo.key_command = ''});
	$node->reload;
	return;
}

# ---- 3. what is locked ----

# Whoever has begun to take a request back has locked it. A cancel waits for that to end, and nobody for the cancel.
sub test_locked_cancel
{
	my $name = 'a cancelled call whose request is locked';

	hold('ProfitAndLoss', 'reef');
	my $waiting = begin_sql(import_of('reef'));
	$node->wait_for_fault('reef', 'hold');
	my $request = sql('SELECT max(request_id) FROM reefqbo.request');
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'caller'});
	my $locking = begin_sql('BEGIN; ' . call('cancel_request', \$request) . '; SELECT pg_sleep(600)');
	wait_until('it is locked', sub { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'}) == 1 });
	sql("SELECT pg_cancel_backend($pid)");
	is(end_sql($waiting), '57014', "$name: is told");
	others_go_on($name, 'pod-16');
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	end_sql($locking);
	wait_until('the request is cancelled', sub { return sql("SELECT state FROM reefqbo.request WHERE request_id = $request") eq 'cancelled' });
	pass("$name: and ends when it can");
	let_go();
	return;
}

sub begin_lock
{
	my ($model) = @_;
	my $session = begin_sql('BEGIN; SELECT FROM reefqbo.set_schedule(' . quote($model) . q{, refresh_every => '5 hours'); SELECT pg_sleep(600)});

	wait_until('it is locked', sub { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'}) == 1 });
	return $session;
}

sub end_lock
{
	my ($session) = @_;

	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'});
	end_sql($session);
	return;
}

# Others go on while one waits for a lock, however long that is held, and one that has an end is no failure.
sub test_locks
{
	my $name = 'a call whose company is locked';
	my $lock = begin_lock('reef');
	my @sessions = map { begin_sql(accounts_of('reef')) } 1 .. 10;

	wait_until('all wait', sub { return callers() == 10 });
	others_go_on($name, 'pod-17');
	is(callers(), 10, "$name: while it waits on");
	is(sqlstate('SELECT * FROM reefqbo.check(' . quote('reef') . ')'), 'none', "$name: it can be checked");
	end_lock($lock);
	is(scalar(grep { /\|\d+\|[\d.]+\z/ } map { end_sql($_) } @sessions), 10, "$name: and is made when the lock has gone");

	$name = 'an import whose company is locked at its end';
	hold('query', 'reef');
	my $session = begin_sql(accounts_of('reef'));
	$node->wait_for_fault('reef', 'hold');
	$lock = begin_lock('reef');
	$intuit->admin('clear_faults');
	others_go_on($name, 'pod-18');
	is(sql(q{SELECT status FROM reefqbo.import_log JOIN reefqbo.model m USING (model_id) WHERE m.name = 'reef' ORDER BY import_id DESC LIMIT 1}), 'running', "$name: waits");
	end_lock($lock);
	like(end_sql($session), qr/\|\d+\|[\d.]+\z/, "$name: and ends well");

	$name = 'a sign-in whose company is locked at its end';
	my $back = $intuit->browse(sql(call('reconnect', 'reef')), company => 'reef');
	$lock = begin_lock('reef');
	$intuit->admin('log_clear');
	$session = begin_sql(call('complete_connection', $back));
	wait_until('all is read', sub { return grep { $_->{endpoint} eq 'preferences' && ($_->{company} // '') eq 'reef' } @{ $intuit->admin('log')->{log} } });
	ends_in_time(accounts_of('kelp'), "$name: others go on");
	sleep 2;
	end_lock($lock);
	like(end_sql($session), qr/connected/, "$name: ends well");

	$name = 'a lock of its own';
	my $error = try(q{BEGIN; SELECT FROM reefqbo.set_schedule('reef', refresh_every => '4 hours'); } . accounts_of('reef'));
	is($error->{sqlstate}, '55P03', "$name: is no deadlock");
	like($error->{hint}, qr/If it is the one that calls, end it first/, "$name: and it is said what to do");
	return;
}

# The queue is looked at for everybody, so that nobody fills it.
sub test_full_queue
{
	my $name = 'a queue that is full';

	sql(<<'END');
INSERT INTO reefqbo._request (model_id, request_id, connection_id, kind, is_whole, requested_by, not_before)
SELECT c.model_id, nextval('reefqbo._request_id_seq'), c.connection_id, 'refresh', false, 'somebody', 'infinity'
  FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id), generate_series(1, 10000) WHERE m.name = 'reef'
END
	is(sqlstate(call('request_refresh', 'reef')), '54000', "$name: takes no more of its model");
	is(sqlstate(import_of('reef')), '54000', "$name: of whoever waits either");
	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('lagoon') . ')', "$name: but of others");
	sql(q{UPDATE reefqbo._request SET finished_at = now(), outcome = 'cancelled' WHERE not_before = 'infinity'});
	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('reef') . ')', "$name: and again when there is room");
	return;
}

# ---- 4. a worker that has been at it for long ----

# It leaves what is due to the next one, which comes, however many others call meanwhile.
sub test_long_run
{
	my $name = 'calls without end';

	wait_until_idle($node);
	$node->set_option('reefqbo.longest_run', '2s');
	my @sessions = map { begin_loop('kelp') } 1 .. 6;
	wait_until('they call', sub { return callers() >= 3 });
	sleep 4;
	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('lagoon') . ')', "$name: what is due goes on");
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	end_sql($_) foreach @sessions;
	return;
}

sub begin_loop
{
	my ($model) = @_;
	my $session = { out => '', err => '' };
	local $ENV{PGAPPNAME} = 'caller';

	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'DO $$ BEGIN LOOP PERFORM 1 FROM reefqbo.import_accounts(' . quote($model) . '); END LOOP; END $$' ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Nor has it to wait for a session that is stopped and reads nothing of much that it is sent.
sub test_unread
{
	my $name = 'a session that does not read';
	my ($bank, $other) = split /\n/, sql(q{SELECT account_id FROM reefqbo.account JOIN reefqbo.model m USING (model_id) WHERE m.name = 'reef' AND account_type = 'Bank' AND is_active ORDER BY account_id LIMIT 2});

	# more than the queue to a session holds, in a month that is not imported
	$intuit->admin('post', { company => 'reef', date => '2025-11-15', memo => 'a long story ' x 40,
		lines => [ map { ({ account => $bank, amount => '1.00' }, { account => $other, amount => '-1.00' }) } 1 .. 300 ] });
	$node->set_option('reefqbo.longest_run', '30min');
	wait_until_idle($node);
	hold('GeneralLedger', 'reef');
	my $session = begin_sql('SELECT * FROM reefqbo.ledger_lines(' . join(', ', map { quote($_) } 'reef', $bank, '2025-11-01') . ')');
	$node->wait_for_fault('reef', 'hold');
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'caller'});
	kill 'STOP', $pid;
	$intuit->admin('clear_faults');
	wait_until('it is answered', sub { return sql(q{SELECT status FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1}) ne 'running' });
	is(sql(q{SELECT status FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1}), 'succeeded', "$name: it is answered");
	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('lagoon') . ')', "$name: others go on");
	$node->set_option('reefqbo.longest_run', '1s');
	sleep 2;
	ends_in_time('SELECT * FROM reefqbo.refresh(' . quote('lagoon') . ')', "$name: also when the worker is to end");
	kill 'CONT', $pid;
	is(end_sql($session), '08006', "$name: and is told that it has missed it");
	return;
}

align_clock($node);
connect_many($node, 'sim-production', 'reef', 'lagoon', 'kelp');
sql(call('create_model', 'reef group'));
$node->connect_company('reef group', 'sim-production', $_, $_) foreach @pods;
import_many($node, '2026-11-01', '2026-11-30', 'lagoon');
wait_until_idle($node);
test_many_sessions();
test_many_companies();
test_check();
test_key_command();
test_locked_cancel();
test_locks();
test_full_queue();
test_long_run();
test_unread();
done_testing();
