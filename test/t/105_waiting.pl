# Calls that wait, where a background worker looks after the database: none has a process of its own, however many
# there are, a sign-in waits for no import, and an import goes on whatever becomes of who waits for it, but for a cancel.
#
# The figures that come are compared with the simulator's ledger.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($FIRST, $LAST) = ('2025-12-01', '2026-11-30');
my @pods = map { "pod-$_" } 1 .. 10;
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('waiting', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
max_worker_processes = 8
max_connections = 150
reefqbo.retry_budget = '1s'
reefqbo.max_concurrent_requests = 2
restart_after_crash = on
END

# ---- asking ----

sub import_of { return 'SELECT * FROM reefqbo.import_actuals(' . join(', ', map { quote($_) } $_[0], $_[1] // $FIRST, $_[2] // $LAST) . ')' }

sub refresh_of { return 'SELECT * FROM reefqbo.refresh(' . quote($_[0]) . ", whole => true)" }

sub of { my ($request, $columns) = @_; return sql("SELECT $columns FROM reefqbo.request WHERE request_id = $request") }

sub newest { return sql('SELECT max(request_id) FROM reefqbo.request') }

sub open_requests { return sql("SELECT count(*) FROM reefqbo.request WHERE state IN ('queued', 'running')") }

sub workers { return sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'") }

sub worker { return sql("SELECT pid FROM reefqbo.worker_status() WHERE database = 'postgres' AND state = 'working'") }

sub callers { return sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'caller'") }

sub end_callers { my ($function) = @_; sql("SELECT $function(pid) FROM pg_stat_activity WHERE application_name = 'caller'"); return }

sub hold { $intuit->admin('fault', { kind => 'hold', company => $_, endpoint => 'ProfitAndLoss', times => -1 }) foreach @_; return }

sub figures_are_right
{
	my ($model, $name, $first) = @_;
	my $expected = ledger_lines($intuit, $model, $first // $FIRST, $LAST);

	die "the ledger of $model is empty" unless length $expected > 1000;
	is(stored_lines($node, $model), $expected, "$name: every figure of $model is the ledger's");
	return;
}

sub row_of_log
{
	my ($model) = @_;

	return sql(<<"END");
SELECT b.name, c.company_name, l.accounts_seen, l.accounts_new, l.accounts_changed, l.months, l.amounts_inserted, l.amounts_changed, l.amounts_unchanged, l.requests
  FROM reefqbo.import_log l JOIN reefqbo.connection c USING (model_id, connection_id) JOIN reefqbo.branch b USING (model_id, branch_id)
  JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' ORDER BY l.import_id DESC LIMIT 1
END
}

# A call that has become a request and is held where it waits for figures.
sub begin_held
{
	my ($model, $before) = @_;
	my $last = newest() || 0;

	$intuit->admin('log_clear');
	hold($model);
	my $session = begin_sql(($before // '') . import_of($model));
	$node->wait_for_fault($model, 'hold');
	cmp_ok(newest(), '>', $last, "the call for $model is a request");
	return ($session, newest());
}

sub succeeds
{
	my ($request, $model, $name) = @_;

	$intuit->admin('clear_faults');
	wait_until("request $request is over", sub { return of($request, 'finished_at IS NOT NULL') eq 't' });
	is(of($request, 'state, sqlstate IS NULL'), 'succeeded|t', "$name: the request goes on");
	figures_are_right($model, $name);
	return;
}

# ---- 1. what is said ----

sub test_one
{
	my $name = 'one call';
	my $session = begin_sql(import_of('reef', '2023-12-01'));
	my $row = end_sql($session);

	is($row =~ s/\|[\d.]+\z//r, row_of_log('reef'), "$name: its row is what the log has");
	like($session->{err}, qr/NOTICE: .*accounts \(\d+ new.*NOTICE: .*stored and tied out \(1 of 3\).*NOTICE: .*\(3 of 3\)/s, "$name: and it says how far it is");
	figures_are_right('reef', $name, '2023-12-01');
	is(of(newest(), 'state, kind, requested_by, model'), 'succeeded|import|' . sql('SELECT session_user') . '|reef', "$name: it was a request");
	like(sql('SET default_transaction_isolation = \'repeatable read\'; ' . refresh_of('reef')), qr/\Areef\|.*\|[\d.]+\z/, "$name: in any isolation level");
	return;
}

# As without a background worker: message, detail and hint.
sub test_failure
{
	my $name = 'a failure';

	$intuit->admin('fault', { kind => 'status', status => 503, company => 'reef', endpoint => 'ProfitAndLoss', times => -1 });
	my ($with, $without) = map { try("$_ " . import_of('reef')) } '', q{SET reefqbo.retry_budget = '1s';};
	$intuit->admin('clear_faults');
	is($with->{sqlstate}, 'RQ011', "$name: is raised");
	s/intuit_tid: [^.]*/intuit_tid/ foreach grep { defined } $with->{detail}, $without->{detail};
	is_deeply([ @{$with}{qw(sqlstate message detail hint context)} ], [ @{$without}{qw(sqlstate message detail hint context)} ], "$name: as in a process of its own");
	is(of(newest(), 'state, sqlstate'), 'failed|RQ011', "$name: who waits is told, and it is not tried again");
	is(sqlstate(import_of('nowhere')), '42704', "$name: of what can be seen before");
	return;
}

# What the worker itself cannot go on without.
sub test_no_key
{
	my $name = 'no key';
	my $key = $node->basedir . '/reefqbo.key';

	wait_until_idle($node);
	rename $key, "$key.away" or die "could not rename $key";
	my ($first, $second) = map { try(refresh_of('reef')) } 1 .. 2;
	rename "$key.away", $key or die "could not rename $key.away";
	is($first->{sqlstate}, $second->{sqlstate}, "$name: is told as in a process of its own");
	like($first->{sqlstate}, qr/\ARQ/, "$name: in our words");
	is($first->{message}, $second->{message}, "$name: and the same");
	is(open_requests(), 0, "$name: nothing is left to be done");
	$node->reload;
	is(sqlstate(refresh_of('reef')), 'none', "$name: with it all is well");
	return;
}

sub test_uncommitted
{
	my $name = 'what is not committed yet';

	is(sqlstate('BEGIN; ' . call('create_model', 'unseen') . '; ' . import_of('unseen')), '42704', "$name: has no connection");
	return;
}

# ---- 2. many ----

sub test_many
{
	my $name = 'a hundred calls';
	my @sessions;

	import_many($node, '2026-11-01', $LAST, @pods);
	wait_until_idle($node);
	hold(@pods);
	foreach my $pod (@pods)
	{
		push @sessions, map { begin_sql($_) } import_of($pod), (refresh_of($pod)) x 4, map { import_of($pod, "2026-0$_-01") } 1 .. 5;
	}
	wait_until('all are requests', sub { return open_requests() == 100 });
	is(callers(), 100, "$name: wait");
	is(workers(), 1, "$name: without a process of their own");

	$node->connect_company('newcomer', 'sim-production', 'pod-13');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'newcomer'}), 'connected', "$name: and a sign-in ends meanwhile");
	is(open_requests(), 100, "$name: while they wait on");

	$intuit->admin('clear_faults');
	my @rows = map { end_sql($_) } @sessions;
	is(scalar(grep { /\|\d+\|[\d.]+\z/ } @rows), 100, "$name: and each has its row") or diag(join "\n", @rows);
	figures_are_right($_, $name) foreach @pods;
	return;
}

# ---- 3. who waits is ended ----

sub test_ended
{
	my ($what, $before, $end, $sqlstate) = @_;
	my $name = $what;
	my ($session, $request) = begin_held('lagoon', $before);

	$end->($session);
	wait_until('the caller has gone', sub { return callers() == 0 });
	is(end_sql($session), $sqlstate, "$name: is told") if defined $sqlstate;
	is(of($request, 'state'), 'running', "$name: the request is under way");
	succeeds($request, 'lagoon', $name);
	return;
}

sub test_ends
{
	test_ended('a terminated session', '', sub { end_callers('pg_terminate_backend') }, '57P01');
	test_ended('a statement that takes too long', q{SET statement_timeout = '3s';}, sub { }, '57014');
	test_ended('a client that is killed', q{SET client_connection_check_interval = '50ms';}, sub { $_[0]{run}->kill_kill(grace => 0) });
	return;
}

sub test_cancel
{
	my $name = 'a cancelled statement';
	my ($session, $request) = begin_held('kelp');

	end_callers('pg_cancel_backend');
	is(end_sql($session), '57014', "$name: is told");
	wait_until("$name: the request has ended", sub { return of($request, 'state') eq 'cancelled' });
	wait_until("$name: and its import", sub { return sql(q{SELECT count(*) FROM reefqbo.import_log WHERE status = 'running'}) == 0 });
	$intuit->admin('clear_faults');
	is(sqlstate(refresh_of('kelp')), 'none', "$name: the company is free");

	$name = 'one of two who wait for the same';
	$intuit->admin('log_clear');
	hold('kelp');
	my $first = begin_sql(import_of('kelp'));
	$node->wait_for_fault('kelp', 'hold');
	my $last = newest();
	my $pid = sql(q{SELECT pid FROM pg_stat_activity WHERE application_name = 'caller'});
	my $second = begin_sql(import_of('kelp'));
	wait_until('the second has asked', sub { return newest() > $last });
	sql("SELECT pg_cancel_backend($pid)");
	is(end_sql($first), '57014', "$name: is cancelled");
	$intuit->admin('clear_faults');
	like(end_sql($second), qr/\|\d+\|[\d.]+\z/, "$name: and the other has the row");

	$name = 'cancel_request';
	($session, $request) = begin_held('kelp');
	is(sql(call('cancel_request', $request)), 't', "$name: takes it back");
	$intuit->admin('clear_faults');
	is(end_sql($session), '57014', "$name: and who waits is told");
	return;
}

# A code can be used once: whoever is ended while it is, finds the connection made.
sub test_sign_in_ended
{
	my ($function, $company, $sqlstate) = @_;
	my $name = "a sign-in, and $function";

	$node->ensure_model($company, 'sim-production');
	my $back = $intuit->browse(sql(call('connect', $company, 'sim-production', undef, 'a session')), company => $company);
	$intuit->admin('gate', { closed => 1 });
	my $session = begin_sql(call('complete_connection', $back, 'a session'));
	wait_until('the code is exchanged', sub { return grep { $_ eq $company } @{ $intuit->admin('gate')->{waiting} } });
	end_callers($function);
	is(end_sql($session), $sqlstate, "$name: the session is told");
	$intuit->admin('gate', { closed => 0 });
	wait_until('the tokens are stored', sub {
		return sql("SELECT count(*) FROM reefqbo.credential JOIN reefqbo.model m USING (model_id) WHERE m.name = '$company' AND refresh_token_sealed IS NOT NULL") == 1;
	});
	wait_until('its work has ended', sub { return sqlstate(call('complete_connection', $back, 'a session')) eq 'none' }) if $function eq 'pg_terminate_backend';
	is(sql("SELECT status FROM reefqbo.connection_status WHERE model = '$company'"), 'connected', "$name: the connection is made");
	return;
}

# ---- 4. the worker and the server are ended ----

sub test_worker_ended
{
	my $name = 'a worker that is terminated';
	my ($session, $request) = begin_held('lagoon');
	my $pid = worker();

	sql("SELECT pg_terminate_backend($pid)");
	wait_until('another one is there', sub { my $now = worker(); return $now ne '' && $now ne $pid });
	$intuit->admin('clear_faults');
	like(end_sql($session), qr/\|\d+\|[\d.]+\z/, "$name: who waits has the row from the next one");
	succeeds($request, 'lagoon', $name);

	$name = 'a cancel while no worker is there';
	($session, $request) = begin_held('lagoon');
	my $launcher = sql('SELECT pid FROM reefqbo.worker_status() WHERE database IS NULL');
	kill 'STOP', $launcher;
	sql('SELECT pg_terminate_backend(' . worker() . ')');
	wait_until('the worker has gone', sub { return workers() == 0 });
	end_callers('pg_cancel_backend');
	is(end_sql($session), '57014', "$name: is told");
	kill 'CONT', $launcher;
	wait_until('the request is cancelled', sub { return of($request, 'state') eq 'cancelled' });
	pass("$name: and heard by the next one");
	$intuit->admin('clear_faults');

	$name = 'a server that crashes';
	($session, $request) = begin_held('lagoon');
	kill 'KILL', worker();
	end_sql($session);
	$node->wait_until_up;
	succeeds($request, 'lagoon', $name);
	return;
}

# ---- 5. answers of many rows ----

# More than the queue to a session takes at once; two sessions ask.
sub test_many_rows
{
	my @accounts = @{ $intuit->admin('accounts', { company => 'kelp' })->{accounts} };
	my ($bank, $income) = map { my $type = $_; (grep { $_->{type} eq $type } @accounts)[0]{id} } 'Bank', 'Income';
	my $query = "SELECT count(*), sum(amount), string_agg(transaction_id, ' ' ORDER BY line) FROM reefqbo.ledger_lines('kelp', '$bank', '2026-09-01') WHERE line > 0";

	$intuit->admin('post', { company => 'kelp', date => '2026-09-20', lines => [
		(map { { account => $bank, amount => $_ % 2 ? '0.02' : '-0.01' } } 1 .. 4000), { account => $income, amount => '-20.00' } ] });
	sql(refresh_of('kelp'));
	my $other = begin_sql($query);
	my @lines = @{ $intuit->truth(company => 'kelp', statement => 'ledger_lines', account => $bank, start => '2026-09-01', end => '2026-09-30')->{rows} };
	my $cents = 0;
	$cents += sprintf '%.0f', 100 * $_->{amount} foreach @lines;
	my $expected = join '|', scalar(@lines), sprintf('%.2f', $cents / 100), join ' ', map { $_->{txn} } @lines;
	cmp_ok(scalar(@lines), '>', 4000, 'there are many postings');
	is(sql($query), $expected, 'all of them are the answer, in their order');
	is(end_sql($other), $expected, 'and another session\'s at the same time');
	return;
}

# ---- 6. locks ----

# What it needs is locked by the very transaction that waits for it.
sub test_own_lock
{
	my $name = 'a lock of its own';
	my $error = try(q{BEGIN; UPDATE reefqbo.upkeep u SET failures = failures FROM reefqbo.model m WHERE m.model_id = u.model_id AND m.name = 'reef'; } . refresh_of('reef'));

	is($error->{sqlstate}, '55P03', "$name: is no deadlock");
	like($error->{hint}, qr/If it is the one that calls, end it first/, "$name: and it is said what to do");
	is(sqlstate(refresh_of('reef')), 'none', "$name: later it can be done");
	return;
}

# ---- 7. without the background worker ----

sub test_without
{
	my $name = 'without the background worker';
	my $last = newest();

	$node->append_conf('postgresql.conf', q{reefqbo.databases = ''});
	$node->reload;
	wait_until('it is not looked after', sub { return sql('SELECT count(*) FROM reefqbo.worker_status() WHERE database IS NOT NULL') == 0 });
	like(sql(refresh_of('reef')), qr/\|\d+\|[\d.]+\z/, "$name: it works in a process of its own");
	is(newest(), $last, "$name: and is no request");
	return;
}

align_clock($node);
connect_many($node, 'sim-production', 'reef', 'lagoon', 'kelp', @pods);
wait_until_idle($node);
test_one();
test_failure();
test_no_key();
test_uncommitted();
test_ends();
test_cancel();
test_sign_in_ended('pg_terminate_backend', 'pod-11', '57P01');
test_sign_in_ended('pg_cancel_backend', 'pod-12', '57014');
test_worker_ended();
test_many_rows();
test_own_lock();
test_many();
test_without();
done_testing();
