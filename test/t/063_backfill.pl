# An import of many years comes in chunks, newest first, and says how far it is. Whatever cuts it off, what was read
# stays and is not asked for again: the worker goes on where it was, unless somebody has cancelled it, and then the
# same call does.
#
# Expected chunks are worked out by hand; expected figures are the ledger's. Time is virtual.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;


my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('backfill', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
restart_after_crash = on
END

# ---- asking the server ----

# What is there of a model's unfinished import.
sub progress
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.import_progress WHERE model = " . quote($model));
}

# The imports of ranges there were, a line each.
sub imports
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id)"
		. " WHERE m.name = '$model' AND l.kind = 'actuals' ORDER BY import_id");
}

# ---- time ----

# Hours pass, and what is due then is done.
sub later { return pass_time($node, "$_[0] hours") }

# ---- models ----

my $pods = 0;

# A model on a company of its own, whose chart is read and which no refresh on schedule comes between.
sub model
{
	my ($model) = @_;
	my $company = 'pod-' . ++$pods;

	$node->ensure_model($model, 'sim-production');
	sql("SELECT FROM reefqbo.set_schedule('$model', refresh_every => '28 days', full_every => '366 days')");
	$node->connect_company($model, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_accounts('$model')");
	# its turn of the 28 days may be today
	sql("UPDATE reefqbo.upkeep u SET refresh_due_at = reefqbo._now() + interval '28 days' FROM reefqbo.model m WHERE m.name = '$model' AND u.model_id = m.model_id");
	wait_until_idle($node);
	$intuit->admin('log_clear');
	return $company;
}

sub schedule
{
	my ($model, $change) = @_;

	sql("SELECT FROM reefqbo.set_schedule('$model', $change)");
	wait_until_idle($node);
	return;
}

# The whole of the books, and years before them: 143 months, so eleven chunks of a year and one of eleven months.
my @LONG_RANGE = ('2015-01-01', '2026-11-30');
my @LONG_CHUNKS = ((map { ($_ - 1) . '-12..' . $_ . '-11' } reverse 2016 .. 2026), '2015-01..2015-11');

# Three years, three chunks; and two years.
my @THREE_YEARS = ('2023-12-01', '2026-11-30');
my @THREE_CHUNKS = ('2025-12..2026-11', '2024-12..2025-11', '2023-12..2024-11');
my @TWO_YEARS = ('2024-12-01', '2026-11-30');

sub import_sql
{
	my ($model, $first, $last, $method) = @_;

	return "SELECT months FROM reefqbo.import_actuals('$model', '$first', '$last', '" . ($method // 'Accrual') . "')";
}

sub ties
{
	my ($model, $company, $range, $name) = @_;
	my $expected = ledger_lines($intuit, $company, @$range);

	die "the ledger of $company is empty" unless length $expected > 1000;
	is(stored_lines($node, $model), $expected, "$name: every figure is the ledger's, none twice");
	is(sql("SELECT count(*) FROM reefqbo.restatement JOIN reefqbo.model USING (model_id) WHERE name = '$model'"), 0,
		"$name: and nothing counts as restated");
	return;
}

# ---- asking the simulator ----

# The chunks whose profit and loss was asked for, in order; those that met a misbehaviour are left out.
sub chunks_read
{
	my ($company) = @_;

	return map { join '..', $_->{query} =~ /start_date=(\d{4}-\d\d).*end_date=(\d{4}-\d\d)/ }
	  grep { $_->{endpoint} eq 'ProfitAndLoss' && ($_->{fault} // 'delay') =~ m{\A(?:delay|hold)\z} && $_->{status} == 200 }
	  @{ $intuit->admin('log', { company => $company })->{log} };
}

# The profit and loss of the chunk after so many does not come.
sub hold
{
	my ($company, $answered) = @_;

	$intuit->admin('fault', { kind => 'delay', seconds => 0, company => $company, endpoint => 'ProfitAndLoss', times => $answered })
	  if $answered > 0;
	$intuit->admin('fault', { kind => 'mute', company => $company, endpoint => 'ProfitAndLoss', times => -1 });
	return;
}

sub wait_until_held
{
	my ($company) = @_;

	wait_until("$company is held", sub {
		return grep { ($_->{fault} // '') eq 'mute' } @{ $intuit->admin('log', { company => $company })->{log} };
	});
	return;
}

# ---- sessions beside this one, and what ends them ----

# An import that waits for the chunk after so many, in a process of its own: with a setting of its own it is no request.
sub begin_held_import
{
	my ($model, $company, $answered, @range) = @_;

	hold($company, $answered);
	my $session = begin_sql(q{SET reefqbo.connect_timeout = '10s';} . import_sql($model, @range));
	wait_until_held($company);
	return $session;
}

# The processes that sessions wait for, and the background worker's own.
my $OWN = q{(SELECT pid FROM reefqbo.worker_status() WHERE pid IS NOT NULL)};
my $JOB = qq{backend_type = 'reefqbo worker' AND pid NOT IN $OWN};
my $BACKGROUND = qq{backend_type = 'reefqbo worker' AND pid IN $OWN};

sub terminate
{
	my ($whom) = @_;

	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $whom");
	wait_until('it has gone', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE $whom") == 0 });
	return;
}

# From here on QuickBooks is well again, as it is when an import is terminated or killed.
sub cancel_import
{
	my ($session, $name) = @_;

	$intuit->admin('clear_faults');
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	is(end_sql($session), '57014', "$name: the caller cancels it");
	wait_until('the worker has gone', sub { return sql("SELECT count(*) FROM pg_stat_activity WHERE $JOB") == 0 });
	wait_until_idle($node);
	return;
}

# kill -9 of one process, which takes all of the server with it.
sub crash
{
	my (@sessions) = @_;
	my ($pid) = split /\n/, sql("SELECT pid FROM pg_stat_activity WHERE $JOB");

	$intuit->admin('clear_faults');
	kill 'KILL', $pid;
	wait_until('the server notices', sub { return slurp_file($node->logfile) =~ /\(PID $pid\) was terminated by signal 9/ });
	$node->wait_until_up;
	end_sql($_) foreach @sessions;
	wait_until_idle($node);
	return;
}

# ---- 1. progress ----

sub wait_for_reports
{
	my ($company, $count) = @_;

	wait_until("$count chunks are asked for", sub {
		return $count <= grep { $_->{endpoint} eq 'ProfitAndLoss' } @{ $intuit->admin('log', { company => $company })->{log} };
	});
	return;
}

# Two chunks of twelve are read in the time since the beginning, so that the other ten take five times that.
sub look_at_progress
{
	my ($model, $name) = @_;

	is(progress($model, 'state, kind, accounting_method, start_date, end_date, chunks_done, chunks_total, months_done'),
		'running|actuals|Accrual|2015-01-01|2026-11-30|2|12|24', "$name: another session sees how far it is");
	is(sql(<<"END"), 't|t', "$name: at which rate, and when it is going to end");
SELECT abs(chunks_per_minute * elapsed / 60 - 2) < 0.2, abs(rest - 5 * elapsed) < 0.5
  FROM (SELECT chunks_per_minute, extract(epoch FROM reefqbo._now() - started_at) AS elapsed,
               extract(epoch FROM expected_end - reefqbo._now()) AS rest
          FROM reefqbo.import_progress WHERE model = '$model') p
END
	return;
}

sub test_progress
{
	my ($model, $name) = ('Long', 'an import of twelve years');
	my $company = model($model);

	$intuit->admin('fault', { kind => 'delay', seconds => 0.3, company => $company, endpoint => 'ProfitAndLoss', times => 2 });
	$intuit->admin('fault', { kind => 'hold', company => $company, endpoint => 'ProfitAndLoss' });
	my $session = begin_sql(import_sql($model, @LONG_RANGE));
	wait_for_reports($company, 3);
	look_at_progress($model, $name);
	$intuit->admin('release');
	is(end_sql($session), 143, "$name: all months are read");
	is(progress($model, '*'), '', "$name: when it is over, nothing is left to see");
	is(join(' ', chunks_read($company)), "@LONG_CHUNKS", "$name: in chunks of a year, newest first");
	ties($model, $company, \@LONG_RANGE, $name);
	like((progress_notices($session))[0], qr/, about \d+ seconds left$/, "$name: notices say how long is left");
	is(join("\n", map { s/about \d+ seconds/a while/r } progress_notices($session)),
		join("\n", map { notice('Pod 1 Ltd', $LONG_CHUNKS[ $_ - 1 ], $_, 12) . ($_ < 12 ? ', a while left' : '') } 1 .. 12),
		"$name: and count the chunks");
	return;
}

sub notice
{
	my ($company, $chunk, $done, $total) = @_;

	return "$company: " . ($chunk =~ s/\.\./ to /r) . ", Accrual, stored and tied out ($done of $total)";
}

sub progress_notices
{
	my ($session) = @_;

	return $session->{err} =~ /^NOTICE:  00000: (.* stored and tied out .*)$/mg;
}

# ---- 2. interrupted ----

# Which import of a model did what, and whether each goes on with the one before it.
sub history
{
	my ($model) = @_;

	return imports($model, q{l.status, CASE WHEN l.started_by = 'reefqbo worker' THEN 'by itself' ELSE 'called' END,
		l.chunks_before || '-' || l.chunks_done || '/' || l.chunks_total, l.months,
		coalesce(l.continues = lag(l.import_id) OVER (ORDER BY l.import_id), false)});
}

# Everything is read once, the rest of it by the worker.
sub has_gone_on
{
	my ($model, $company, $name) = @_;

	is(join(' ', chunks_read($company)), "@THREE_CHUNKS", "$name: no chunk is read twice");
	is(history($model), "interrupted|called|0-1/3|12|f\nsucceeded|by itself|1-3/3|36|t", "$name: the log tells of both imports");
	is(imports($model, 'l.finished_at >= l.started_at'), "t\nt", "$name: and when each was over");
	is(progress($model, '*'), '', "$name: nothing is left to read");
	ties($model, $company, \@THREE_YEARS, $name);
	return;
}

sub test_crash
{
	my ($model, $name) = ('Crashed', 'an import whose process is killed');
	my $company = model($model);

	crash(begin_held_import($model, $company, 1, @THREE_YEARS));
	has_gone_on($model, $company, "$name: the worker goes on by itself");
	return;
}

# "At once" is told from the worker's next turn, which is days away.
sub test_terminated
{
	my ($model, $name) = ('Terminated', 'an import whose process is terminated');
	my $company = model($model);
	my $session = begin_held_import($model, $company, 1, @THREE_YEARS);

	$intuit->admin('clear_faults');
	terminate($JOB);
	is(end_sql($session), '57P01', "$name: the caller is told");
	wait_until('the worker has gone on', sub { return history($model) =~ /succeeded/ });
	like(history($model), qr/^succeeded\|by itself/m, "$name: the worker goes on at once");
	later(1);
	has_gone_on($model, $company, $name);
	return;
}

# Whoever goes on with it may be interrupted as well.
sub test_background_terminated
{
	my ($model, $name) = ('Twice', 'an import that is interrupted twice');
	my $company = model($model);
	my $session = begin_held_import($model, $company, 1, @THREE_YEARS);

	$intuit->admin('clear_faults');
	$intuit->admin('log_clear');
	hold($company, 1);
	terminate($JOB);
	end_sql($session);
	# minutes, so that the access token is good still
	set_clock($node, '6 minutes');
	wait_until_held($company);
	is(progress($model, 'state, chunks_done, chunks_total, months_done'), 'running|2|3|24', "$name: the worker has gone on");
	$intuit->admin('clear_faults');
	terminate($BACKGROUND);
	later(1);
	is(history($model), "interrupted|called|0-1/3|12|f\ninterrupted|by itself|1-2/3|24|t\nsucceeded|by itself|2-3/3|36|t",
		"$name: the log tells of all three");
	is(join(' ', chunks_read($company)), join(' ', @THREE_CHUNKS[ 1, 2 ]), "$name: no chunk is read twice");
	ties($model, $company, \@THREE_YEARS, $name);
	return;
}

# ---- 3. cancelled ----

sub stays_stopped
{
	my ($model, $company, $hours, $name) = @_;

	later($hours / 4) foreach 1 .. 4;
	is(progress($model, 'state, chunks_done, chunks_total, months_done, chunks_per_minute, expected_end'), 'stopped|1|3|12||',
		"$name: $hours hours later it has not gone on by itself");
	is(join(' ', chunks_read($company)), $THREE_CHUNKS[0], "$name: nothing else was read");
	return;
}

sub test_cancelled
{
	my ($model, $name) = ('Cancelled', 'an import that is cancelled');
	my $company = model($model);

	cancel_import(begin_held_import($model, $company, 1, @THREE_YEARS), $name);
	stays_stopped($model, $company, 20, $name);
	is(sql(import_sql($model, @THREE_YEARS)), 36, "$name: the same call goes on, and counts the months of both");
	is(join(' ', chunks_read($company)), "@THREE_CHUNKS", "$name: no chunk is read twice");
	like(history($model), qr/^(?:failed|interrupted)\|called\|0-1\/3\|12\|f\nsucceeded\|called\|1-3\/3\|36\|t$/, "$name: the log tells of both imports");
	ties($model, $company, \@THREE_YEARS, $name);
	return;
}

# ---- 4. planned anew ----

sub is_planned_anew
{
	my ($model, $company, $read, $total, $name) = @_;

	is(join(' ', chunks_read($company)), "@$read", "$name: every chunk is read");
	like(history($model), qr/succeeded\|called\|0-$total\/$total\|\d+\|f$/, "$name: it is an import of its own");
	is(progress($model, '*'), '', "$name: what was stopped is forgotten");
	return;
}

sub test_too_old
{
	my ($model, $name) = ('Old', 'a call days after an import was cancelled');
	my $company = model($model);

	cancel_import(begin_held_import($model, $company, 1, @THREE_YEARS), $name);
	stays_stopped($model, $company, 72, $name);
	is(sql(import_sql($model, @THREE_YEARS)), 36, "$name: it succeeds");
	is_planned_anew($model, $company, [ $THREE_CHUNKS[0], @THREE_CHUNKS ], 3, $name);
	ties($model, $company, \@THREE_YEARS, $name);
	return;
}

sub test_other_call
{
	my ($model, $company, $what, @range) = @_;
	my $name = "a call for another $what than that of an import that was cancelled";
	my @chunks = $range[0] eq $THREE_YEARS[0] ? @THREE_CHUNKS : @THREE_CHUNKS[ 0, 1 ];

	$intuit->admin('log_clear');
	cancel_import(begin_held_import($model, $company, 1, @THREE_YEARS), $name);
	is(sql(import_sql($model, @range)), 12 * @chunks, "$name: it succeeds");
	is_planned_anew($model, $company, [ $THREE_CHUNKS[0], @chunks ], scalar @chunks, $name);
	return;
}

# ---- 5. halves ----

# Of two chunks each becomes halves and quarters, newest first, when its turn comes.
sub test_halves
{
	my ($model, $name) = ('Halved', 'chunks that are too much');
	my $company = model($model);
	my @quarters = ('2026-09..2026-11', '2026-06..2026-08', '2026-03..2026-05', '2025-12..2026-02',
		'2025-09..2025-11', '2025-06..2025-08', '2025-03..2025-05', '2024-12..2025-02');
	my @total = (4, 4, 5, 5, 7, 7, 8, 8);

	$intuit->admin('fault', { kind => 'max_months', months => 3, company => $company, times => -1 });
	my $session = begin_sql(import_sql($model, @TWO_YEARS));
	is(end_sql($session), 24, "$name: all months are read");
	$intuit->admin('clear_faults');
	is(join(' ', chunks_read($company)), "@quarters", "$name: in quarters, newest first");
	(my $pod = $company) =~ s/pod-(\d+)/Pod $1 Ltd/;
	is(join("\n", map { s/, about .*//r } progress_notices($session)),
		join("\n", map { notice($pod, $quarters[$_], $_ + 1, $total[$_]) } 0 .. 7), "$name: the total grows with each that is halved");
	is(imports($model, 'l.chunks_done, l.chunks_total'), '8|8', "$name: so does the log's");
	ties($model, $company, \@TWO_YEARS, $name);
	return;
}

sub test_halves_after_crash
{
	my ($model, $name) = ('Halved and crashed', 'an import that is killed when chunks were halved');
	my $company = model($model);

	$intuit->admin('fault', { kind => 'max_months', months => 3, company => $company, times => -1 });
	my $session = begin_held_import($model, $company, 2, @TWO_YEARS);
	is(progress($model, 'chunks_done, chunks_total, months_done'), '2|5|6', "$name: halves count as chunks");
	crash($session);
	is(join(' ', chunks_read($company)), '2026-09..2026-11 2026-06..2026-08 2026-03..2026-05 2025-12..2026-02 2024-12..2025-11',
		"$name: what was halved stays so, and the rest is asked for whole");
	is(history($model), "interrupted|called|0-2/5|6|f\nsucceeded|by itself|2-5/5|24|t", "$name: the log tells of both imports");
	ties($model, $company, \@TWO_YEARS, $name);
	return;
}

# ---- 6. held back ----

sub waits
{
	my ($model, $company, $name) = @_;

	is(join(' ', chunks_read($company)), $THREE_CHUNKS[0], "$name: nothing else is read");
	is(progress($model, 'state, chunks_done, chunks_total, months_done'), 'waiting|1|3|12', "$name: it is seen to wait");
	return;
}

# Two models, one crash: one is paused, the other has quiet hours from an hour ago for three hours.
sub test_held_back
{
	my ($paused, $quiet) = ('Paused', 'Quiet');
	my %company = map { $_ => model($_) } $paused, $quiet;
	my @name = ('an interrupted import of a paused model', 'an interrupted import in quiet hours');
	my @session = map { begin_held_import($_, $company{$_}, 1, @THREE_YEARS) } $paused, $quiet;

	schedule($paused, 'paused => true');
	schedule($quiet, q{time_zone => 'UTC', quiet_from => ((reefqbo._now() - interval '1 hour') AT TIME ZONE 'UTC')::time,
		quiet_until => ((reefqbo._now() + interval '2 hours') AT TIME ZONE 'UTC')::time});
	crash(@session);
	later(1);
	waits($paused, $company{$paused}, $name[0]);
	waits($quiet, $company{$quiet}, $name[1]);
	later(2);
	has_gone_on($quiet, $company{$quiet}, "$name[1]: it goes on when they are over");
	waits($paused, $company{$paused}, "$name[0], hours later");
	schedule($paused, 'paused => false');
	has_gone_on($paused, $company{$paused}, "$name[0]: it goes on as soon as it is not paused any more");
	return;
}

# ---- 7. retention ----

# A superuser's: imports of a model that began so many days ago.
sub old_imports
{
	my ($model, $count, $days) = @_;

	sql(<<"END");
INSERT INTO reefqbo.import_log (model_id, connection_id, kind, status, started_by, started_at, finished_at)
SELECT c.model_id, c.connection_id, 'refresh', 'succeeded', 'test', reefqbo._now() - interval '1 day' * $days, reefqbo._now()
  FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id), generate_series(1, $count) WHERE m.name = '$model'
END
	return;
}

sub count_old { return sql(q{SELECT count(*) FROM reefqbo.import_log WHERE started_by = 'test'}) }

# As if it had begun so many days before.
sub make_older
{
	my ($model, $days) = @_;

	sql("UPDATE reefqbo.import_log SET started_at = started_at - interval '1 day' * $days"
		. " WHERE import_id = (SELECT import_id FROM reefqbo.import_progress WHERE model = '$model')");
	return;
}

sub keep_imports_for
{
	my ($retention) = @_;

	$node->append_conf('postgresql.conf', "reefqbo.log_retention = '$retention'");
	later(1);
	return;
}

sub count_removed
{
	sql(<<'END');
CREATE TABLE removed (transaction xid8, count bigint);
CREATE FUNCTION note_removed() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN INSERT INTO public.removed SELECT pg_current_xact_id(), count(*) FROM gone; RETURN NULL; END$$;
CREATE TRIGGER note_removed AFTER DELETE ON reefqbo.import_log REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION note_removed();
END
	return;
}

sub test_retention
{
	my ($model, $name) = ('Running', 'old imports');
	my $company = model($model);
	my $session = begin_held_import($model, $company, 1, @THREE_YEARS);

	count_removed();
	old_imports('Long', 3500, 91);
	old_imports('Long', 10, 85);
	make_older($model, 91);
	keep_imports_for('0');
	is(count_old(), 3510, "$name: are kept for ever if so desired");
	keep_imports_for('90d');
	is(count_old(), 10, "$name: are removed when they are older than reefqbo.log_retention");
	is(sql('SELECT sum(count), max(count) <= 1000, count(DISTINCT transaction) >= 4 FROM removed'), '3500|t|t', "$name: a bounded number in a transaction");
	is(progress($model, 'state, chunks_done, chunks_total'), 'running|1|3', "$name: but not one that still runs");
	make_older($model, -91);
	cancel_import($session, $name);
	return;
}

# What an import has left to read is in its row, however old that is.
sub test_needed_import_is_kept
{
	my ($model, $name) = ('Needed', 'an old import that is not finished');
	my $company = model($model);

	cancel_import(begin_held_import($model, $company, 1, @THREE_YEARS), $name);
	make_older($model, 91);
	my $rests = eval { later(1); 1 };
	ok($rests, "$name: the worker does not look at it again and again") or diag($@);
	is(progress($model, 'state, chunks_done, chunks_total'), 'stopped|1|3', "$name: its row is kept");
	return;
}

test_progress();
test_crash();
test_terminated();
test_background_terminated();
test_cancelled();
test_too_old();
my $changed = model('Changed');
test_other_call('Changed', $changed, 'range', @TWO_YEARS);
test_other_call('Changed', $changed, 'method', @THREE_YEARS, 'Cash');
test_halves();
test_halves_after_crash();
test_held_back();
test_retention();
test_needed_import_is_kept();

$node->stop;
done_testing();
