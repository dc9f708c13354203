# Requests: an import that is asked for in the caller's transaction begins at its commit, goes on whatever becomes of
# the caller, the worker and the server, and says how it stands and why it has failed. Nobody needs a process of their
# own for it.
#
# The figures that come are compared with the simulator's ledger.

use strict;
use warnings;

use IPC::Run ();
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($FIRST, $LAST) = ('2023-12-01', '2026-11-30');
my @pods = map { "pod-$_" } 1 .. 10;
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('requests', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
max_worker_processes = 8
reefqbo.retry_budget = '1s'
restart_after_crash = on
END

# ---- asking ----

sub request_import { my ($model, @range) = @_; return call('request_import', $model, @range ? @range : ($FIRST, $LAST)) }

sub of { my ($request, $columns) = @_; return sql("SELECT $columns FROM reefqbo.request WHERE request_id = $request") }

sub wait_for
{
	my ($request, $state) = @_;

	wait_until("request $request is $state", sub { return of($request, 'state') eq $state });
	return;
}

# Two hundred rows or more of three years.
sub figures_are_right
{
	my ($model, $name, $first) = @_;
	my $expected = ledger_lines($intuit, $model, $first // $FIRST, $LAST);

	die "the ledger of $model is empty" unless length $expected > 1000;
	is(stored_lines($node, $model), $expected, "$name: every figure is the ledger's");
	return;
}

sub hold { $intuit->admin('log_clear'); $intuit->admin('fault', { kind => 'hold', company => $_[0], endpoint => 'ProfitAndLoss', times => -1 }); return }

sub wait_until_held { my ($model) = @_; return $node->wait_for_fault($model, 'hold') }

sub worker { return sql("SELECT pid FROM reefqbo.worker_status() WHERE database = 'postgres' AND state = 'working'") }

# ---- listening ----

my $listener = { in => "LISTEN reefqbo;\n", out => '', marks => 0 };

sub told
{
	my $mark = 'mark ' . ++$listener->{marks};

	$listener->{in} .= "SELECT '$mark';\n\\echo $mark is over\n";
	wait_until("the listener says $mark", sub {
		$listener->{run}->pump_nb;
		return $listener->{out} =~ /^$mark is over$/m;
	});
	my @events = map { decode_json($_) } $listener->{out} =~ /^Asynchronous notification "reefqbo" with payload "(.*)" received from/mg;
	$listener->{out} = '';
	return @events;
}

sub about { my ($request, @events) = @_; return grep { ($_->{request_id} // 0) == $request } @events }

# ---- 1. asking ----

sub test_transaction
{
	my $name = 'a request of a transaction';

	is(sql('BEGIN; ' . request_import('reef') . ' IS NOT NULL; ROLLBACK; SELECT count(*) FROM reefqbo.request'), "t\n0", "$name: is gone with a rollback");
	told();
	my $request = sql(request_import('reef'));
	wait_for($request, 'succeeded');
	is(of($request, 'model, branch IS NULL, kind, requested_by, chunks_done, chunks_total, place IS NULL, not_before IS NULL, sqlstate IS NULL, connections'),
		"reef|t|import|" . sql('SELECT session_user') . '|3|3|t|t|t|1', "$name: says what has become of it");
	is(of($request, 'requested_at <= started_at AND started_at < finished_at'), 't', "$name: and when");
	is(sql("SELECT status, kind, start_date, end_date, months, started_by FROM reefqbo.import_log WHERE import_id = (SELECT import_id FROM reefqbo.request WHERE request_id = $request)"),
		"succeeded|actuals|$FIRST|$LAST|36|" . sql('SELECT session_user'), "$name: and which import it was");
	figures_are_right('reef', $name);
	my @events = about($request, told());
	is(join(' ', grep { !/accounts|figures/ } map { $_->{event} } @events), 'import_started import_progress import_finished', "$name: others are told");
	is($events[0]{import_id}, of($request, 'import_id'), "$name: of its import");
	my ($progress) = grep { $_->{event} eq 'import_progress' } @events;
	is("$progress->{done} of $progress->{total}", '1 of 3', "$name: and how far it is");
	return;
}

sub test_refresh
{
	my $name = 'a refresh';
	my $request = sql(call('request_refresh', 'reef', undef, \'true'));

	wait_for($request, 'succeeded');
	is(of($request, 'kind, whole, start_date IS NULL'), 'refresh|t|t', "$name: is done");
	is(sql("SELECT kind, status, months FROM reefqbo.import_log WHERE import_id = (SELECT import_id FROM reefqbo.request WHERE request_id = $request)"),
		'refresh|succeeded|36', "$name: as reefqbo.refresh does it");
	return;
}

# Bad input is refused at once, in the words of the call that waits.
sub test_refused
{
	my $name = 'refused';
	my %refused = (
		call('request_import', 'reef', '2026-01-02', '2026-01-31') => '22023',
		call('request_import', 'reef', '2026-01-01', '2026-01-31', 'Barter') => '22023',
		call('request_import', 'reef', undef, '2026-01-31') => '22004',
		call('request_import', 'nowhere', '2026-01-01', '2026-01-31') => '42704',
		call('request_import', 'reef', '2026-01-01', '2026-01-31', 'Accrual', 'nowhere') => '42704',
		call('request_refresh', 'unconnected') => '42704',
		call('cancel_request', \'0') => '42704',
		call('cancel_request', \'NULL') => '42704');

	sql(call('create_model', 'unconnected'));
	is(sqlstate($_), $refused{$_}, "$name: $_") foreach sort keys %refused;
	return;
}

# ---- 2. many ----

# More requests than there are slots for workers: nobody waits for one.
sub test_many
{
	my $name = 'a hundred requests';
	my $before = sql('SELECT COALESCE(max(request_id), 0) FROM reefqbo.request');

	hold($_) foreach @pods;
	sql(join ';', map { request_import($_, '2025-12-01', $LAST) } @pods);
	sql(join ';', map { my $pod = $_; map { call('request_refresh', $pod) } 1 .. 9 } @pods);
	is(sql("SELECT count(*) FROM reefqbo.request WHERE request_id > $before AND state IN ('queued', 'running')"), 100, "$name: wait");
	is(sql("SELECT count(DISTINCT place) = count(*) AND min(place) >= 1 FROM reefqbo.request WHERE request_id > $before AND state = 'queued'"), 't',
		"$name: each in its place");
	is(sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'"), 1, "$name: without a process of their own");
	$intuit->admin('clear_faults');
	wait_until('all have ended', sub { return sql("SELECT count(*) FROM reefqbo.request WHERE state IN ('queued', 'running')") == 0 });
	is(sql("SELECT state, count(*) FROM reefqbo.request WHERE request_id > $before GROUP BY state"), 'succeeded|100', "$name: and all succeed");
	is(sql(q{SELECT count(*) FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id) WHERE m.name LIKE 'pod-%' AND l.kind = 'refresh' AND started_by <> 'reefqbo worker'}),
		10, "$name: those that want the same of a company are done together");
	figures_are_right($_, $name, '2025-12-01') foreach @pods;
	return;
}

# ---- 3. whatever happens ----

sub test_interrupted
{
	my ($what, $interrupt) = @_;
	my $name = $what;
	my $request;

	hold('lagoon');
	$request = sql(request_import('lagoon'));
	wait_until_held('lagoon');
	is(of($request, 'state'), 'running', "$name: it was running");
	$interrupt->();
	$node->wait_until_up;
	$intuit->admin('clear_faults');
	wait_for($request, 'succeeded');
	is(of($request, 'chunks_done, chunks_total, sqlstate IS NULL'), '3|3|t', "$name: the request goes on");
	figures_are_right('lagoon', $name);
	return;
}

sub test_whatever_happens
{
	my $session;

	test_interrupted('the worker is killed', sub { kill 'KILL', worker() });
	test_interrupted('the worker is terminated', sub { sql('SELECT pg_terminate_backend(' . worker() . ')') });
	test_interrupted('the server restarts', sub { $node->restart });
	test_interrupted('the server crashes', sub { $node->stop('immediate'); $node->start });
	# in psql the request's transaction is over before this
	$session = begin_sql(request_import('lagoon') . '; SELECT pg_sleep(600)');
	wait_until('it has asked', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'") == 1 });
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	end_sql($session);
	my $request = sql('SELECT max(request_id) FROM reefqbo.request');
	wait_for($request, 'succeeded');
	pass('the caller is killed: the request goes on');
	return;
}

# ---- 4. taken back ----

sub test_cancel
{
	my $name = 'taken back';

	hold('kelp');
	my $running = sql(request_import('kelp'));
	wait_until_held('kelp');
	my $waiting = sql(call('request_refresh', 'kelp'));
	is(of($waiting, 'state, place'), 'queued|1', "$name: it waits behind the first");
	is(sql(call('cancel_request', $waiting)), 't', "$name: one that waits");
	is(of($waiting, 'state, started_at IS NULL, finished_at IS NULL'), 'cancelled|t|f', "$name: is never begun");
	is(sql(call('cancel_request', $waiting)), 'f', "$name: it can be done once");
	is(sql('BEGIN; ' . call('cancel_request', $running) . '; ROLLBACK; ' . "SELECT state FROM reefqbo.request WHERE request_id = $running"), "t\nrunning",
		"$name: not if the caller thinks better of it");
	is(sql(call('cancel_request', $running)), 't', "$name: one that runs");
	$intuit->admin('clear_faults');
	wait_until_idle($node);
	is(of($running, 'state'), 'cancelled', "$name: has ended");
	is(sql("SELECT status, sqlstate, chunks_done < 3 FROM reefqbo.import_log WHERE import_id = (SELECT import_id FROM reefqbo.request WHERE request_id = $running)"),
		'failed|57014|t', "$name: and so has its import");
	set_clock($node, '2 minutes');
	wait_until_idle($node);
	is(sql("SELECT count(*) FROM reefqbo.import_log WHERE model_id = (SELECT model_id FROM reefqbo.request WHERE request_id = $running) AND kind = 'actuals'"), 1,
		"$name: which nobody goes on with");
	return;
}

# Somebody has begun to take a request back, and goes for lunch: what it has locked, the worker waits for no second.
sub test_open_transaction
{
	my $name = 'an open transaction';

	hold('reef');
	my $request = sql(call('request_refresh', 'reef', undef, \'true'));
	wait_until_held('reef');
	my $session = begin_sql('BEGIN; ' . call('cancel_request', $request) . '; SELECT pg_sleep(600)');
	wait_until('it has locked the row', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'") == 1 });
	$intuit->admin('clear_faults');
	wait_until('its import has ended', sub { return sql(q{SELECT count(*) FROM reefqbo.import_log WHERE status = 'running'}) == 0 });
	my $other = sql(call('request_refresh', 'lagoon'));
	wait_for($other, 'succeeded');
	is(of($request, 'state'), 'running', "$name: others go on meanwhile");
	is(sql(q{SELECT state FROM reefqbo.worker_status() WHERE database = 'postgres' AND state = 'failing'}), '', "$name: and the worker");
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	end_sql($session);
	set_clock($node, '1 minute');
	wait_for($request, 'succeeded');
	pass("$name: the request comes to its end when that is over");
	return;
}

# Whoever takes a request back ends nobody else's.
sub test_cancel_beside_others
{
	my $name = 'beside others';

	hold('kelp');
	$intuit->admin('fault', { kind => 'hold', company => 'lagoon', endpoint => 'ProfitAndLoss', times => -1 });
	my ($mine, $other) = map { sql(request_import($_, '2024-12-01', $LAST)) } 'kelp', 'lagoon';
	wait_until_held($_) foreach 'kelp', 'lagoon';
	sql(call('cancel_request', $mine));
	$intuit->admin('clear_faults');
	wait_for($other, 'succeeded');
	is(of($other, 'attempts, sqlstate IS NULL'), '1|t', "$name: another company's import goes on");
	wait_until_idle($node);
	is(of($mine, 'state'), 'cancelled', "$name: and mine has ended");
	is(sql(q{SELECT count(*) FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id) WHERE m.name = 'lagoon' AND l.status <> 'succeeded'}), 0,
		"$name: nothing of mine is in another's log");
	return;
}

# Who has locked what an import writes keeps that company waiting, and QuickBooks is asked nothing meanwhile.
sub test_locked_schedule
{
	my $name = 'a locked schedule';
	my $session = begin_sql(q{BEGIN; UPDATE reefqbo.upkeep u SET failures = failures FROM reefqbo.model m WHERE m.model_id = u.model_id AND m.name = 'reef'; SELECT pg_sleep(600)});

	wait_until('it is locked', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'") == 1 });
	$intuit->admin('log_clear');
	my ($request, $other) = map { sql(call('request_refresh', $_, undef, \'true')) } 'reef', 'lagoon';
	wait_for($other, 'succeeded');
	is(of($request, 'state, attempts'), 'queued|0', "$name: it waits");
	is(scalar(grep { ($_->{company} // '') eq 'reef' } @{ $intuit->admin('log')->{log} }), 0, "$name: nothing is asked");
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	end_sql($session);
	wait_for($request, 'succeeded');
	pass("$name: and goes on when that is over");
	return;
}

# ---- 5. failing ----

sub test_failing
{
	my $name = 'what passes';

	$intuit->admin('fault', { kind => 'status', status => 503, company => 'atoll', endpoint => 'ProfitAndLoss', times => -1 });
	my $request = sql(request_import('atoll', '2025-12-01', $LAST));
	wait_until('it has failed once', sub { return of($request, q{state = 'queued' AND sqlstate = 'RQ011'}) eq 't' });
	is(of($request, 'not_before > requested_at, message IS NOT NULL, finished_at IS NULL, attempts'), 't|t|t|1', "$name: is tried again, and said");
	$intuit->admin('clear_faults');
	set_clock($node, '20 minutes');
	wait_for($request, 'succeeded');
	is(of($request, 'attempts, sqlstate IS NULL'), '2|t', "$name: and then succeeds");
	figures_are_right('atoll', $name, '2025-12-01');

	$name = 'what does not';
	$intuit->admin('revoke_grant', { company => 'atoll' });
	told();
	$request = sql(call('request_refresh', 'atoll'));
	wait_for($request, 'failed');
	is(of($request, 'sqlstate, hint IS NOT NULL, place IS NULL'), 'RQ001|t|t', "$name: is told");
	my ($event) = grep { $_->{event} eq 'import_failed' } about($request, told());
	is($event->{sqlstate}, 'RQ001', "$name: and others are notified");
	return;
}

# ---- 6. rights ----

sub test_rights
{
	my $name = 'rights';
	my $request = sql('SELECT max(request_id) FROM reefqbo.request JOIN reefqbo.model USING (model_id) WHERE model.name = ' . quote('reef'));

	sql("CREATE ROLE $_ LOGIN") foreach qw(reader operator stranger);
	sql(call('grant_access', 'reader', 'reader', 'reef'));
	sql(call('grant_access', 'operator', 'operator', 'reef'));
	sql(call('grant_access', 'stranger', 'operator', 'kelp'));
	my %as = map { $_ => "SET ROLE $_; " } qw(reader operator stranger);
	is(sql("$as{reader}SELECT count(*) FROM reefqbo.request WHERE model = 'reef'"), 4, "$name: a reader sees them");
	is(sql("$as{reader}SELECT count(*) FROM reefqbo.request WHERE model <> 'reef'"), 0, "$name: of the reader's models");
	is(sqlstate($as{reader} . call('request_refresh', 'reef')), '42501', "$name: and makes none");
	is(sqlstate($as{stranger} . call('cancel_request', $request)), '42704', "$name: another's request is none");
	is(sqlstate($as{stranger} . call('request_refresh', 'reef')), '42704', "$name: nor is another's model");
	is(sqlstate($as{operator} . 'SELECT * FROM reefqbo._request'), '42501', "$name: nobody reads the table");
	like(sql($as{operator} . call('request_refresh', 'reef')), qr/\A\d+\z/, "$name: an operator makes one");
	return;
}

sub test_forgotten
{
	my $name = 'a company that is forgotten';

	wait_until_idle($node);
	is(sqlstate(call('forget_company', 'kelp')), 'none', "$name: goes");
	is(sql("SELECT count(*) FROM reefqbo.request WHERE model = 'kelp'"), 0, "$name: and its requests go with it");

	my $session = begin_sql('BEGIN; ' . call('request_refresh', 'atoll') . '; SELECT pg_sleep(5); COMMIT');
	wait_until('it is asked for', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller' AND query ~ 'pg_sleep'") == 1 });
	sql(call('forget_company', 'atoll'));
	end_sql($session);
	wait_until('what was asked for meanwhile is gone as well', sub { return sql("SELECT count(*) FROM reefqbo.request WHERE model = 'atoll'") == 0 });
	return;
}

align_clock($node);
connect_many($node, 'sim-production', 'reef', 'lagoon', 'kelp', 'atoll', @pods);
wait_until_idle($node);
$listener->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
	'<', \$listener->{in}, '>', \$listener->{out}, '2>', \$listener->{err});
test_transaction();
test_refresh();
test_refused();
test_cancel();
test_open_transaction();
test_cancel_beside_others();
test_locked_schedule();
test_failing();
test_many();
test_rights();
test_forgotten();
$listener->{in} .= "\\q\n";
$listener->{run}->finish;
test_whatever_happens();
done_testing();
