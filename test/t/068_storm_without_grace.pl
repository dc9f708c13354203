# Everything at once, for many rounds: sessions import and refresh while the background worker does, tokens come late
# or their requests get lost, others hold locks, and processes and the server are ended in every way. Intuit gives no
# grace: an old token is dead the moment it is replaced. No grant is lost, and no figure is wrong.
#
# One thing no client survives: to be killed outright, or to be cut off, after Intuit has replaced the token and before
# the answer has come. Intuit's rules promise no way back from there. So nobody is killed before what Intuit has
# handed out has been stored or kept: the simulator's gate holds up those who ask for more in the meantime. Ends that
# leave time for an answer (a termination, a fast restart) come at any moment.
#
# STORM_ROUNDS and STORM_SEED: how many rounds, and which. "make storm" runs this alone.

use strict;
use warnings;

use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Storm;
use Reefqbo::Worker;

my $ROUNDS = $ENV{STORM_ROUNDS} || 40;
my $SEED = $ENV{STORM_SEED} || int rand 1_000_000_000;
my ($FIRST, $LAST) = ('2026-06-01', '2026-11-30');
my @QUIET = map { "pod-$_" } 1 .. 4;    # nothing is posted in their books
my @BUSY = map { "pod-$_" } 5 .. 8;
my @ALL = (@QUIET, @BUSY);

srand $SEED;
diag("storm: STORM_ROUNDS=$ROUNDS STORM_SEED=$SEED");

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('storm_without_grace', $intuit, preload => 1, side_by_side => 1, settings => <<'END');
reefqbo.databases = 'postgres'
reefqbo.workers_per_database = 2
restart_after_crash = on
log_statement = none
END
align_clock($node);
my $storm = Reefqbo::Storm->new($node, $intuit, @ALL);

sub one_of { return $_[ rand @_ ] }

# ---- what the sessions do ----

# What is said to a caller whose server is ended, who is ended, who waits too long for a lock, or whose Intuit is out of order (RQ008: the truncated report).
my %MAY_END_WITH = map { $_ => 1 } qw(57P01 57P02 57P03 57014 08006 08001 55P03 53300 53400 RQ006 RQ008 RQ011 55000);

sub statement
{
	my $model = one_of(@ALL);

	return one_of(
		"SELECT FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')",
		"SELECT FROM reefqbo.refresh('$model', whole => true)",
		"SELECT FROM reefqbo.refresh('$model')",
		"SELECT FROM reefqbo.import_accounts('$model')",
		"INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$model') ON CONFLICT DO NOTHING; SELECT FROM reefqbo.refresh('$model')");
}

# ---- what is in their way ----

my @LOCKS = (
	(map { "LOCK TABLE reefqbo.credential IN $_ MODE" } 'EXCLUSIVE', 'SHARE'),
	(map { "LOCK TABLE reefqbo.$_ IN ACCESS EXCLUSIVE MODE" } qw(_actual_year account api_call import_log connection upkeep)),
	(map { "SELECT FROM reefqbo.$_ FOR UPDATE" } qw(credential connection upkeep model)),
	(map { "INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$_') ON CONFLICT DO NOTHING" } @ALL));

sub trouble_of_tokens
{
	my $company = one_of(@ALL);

	return one_of(
		(map { { kind => 'late', company => $company, endpoint => 'token', seconds => rand(2) } } 1 .. 4),
		{ kind => 'reset', company => $company, endpoint => 'token' },
		{ kind => 'delay', company => $company, endpoint => 'token', seconds => rand(1) },
		{ kind => 'status', company => $company, endpoint => 'token', status => 503, headers => { 'Retry-After' => '-1' } },
		{ kind => 'html', company => $company, endpoint => 'token' });
}

sub trouble_of_reports
{
	my $company = one_of(@ALL);

	return one_of(
		{ kind => 'cut_handshake' },
		{ kind => 'fault', company => $company, endpoint => 'report', code => '3200', format => one_of('gateway', 'xml', 'text') },
		{ kind => 'late', company => $company, endpoint => 'report', seconds => rand(1) },
		{ kind => 'reset', company => $company, endpoint => 'report' },
		{ kind => 'truncate', company => $company, endpoint => 'report' },
		{ kind => 'cut', company => $company, endpoint => 'cdc' },
		{ kind => 'stream_timeout', company => $company, endpoint => 'query' });
}

sub post
{
	my ($company) = @_;
	my @accounts = map { $_->{id} } grep { $_->{type} =~ /\A(?:Bank|Expense)\z/ } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my ($one, $other) = shuffle @accounts;
	my $amount = sprintf '%d.%02d', 1 + rand 5000, rand 100;

	return $intuit->admin('post', { company => $company, date => sprintf('2026-%02d-15', 6 + rand 5),
			lines => [ { account => $one, amount => $amount }, { account => $other, amount => "-$amount" } ] });
}

# ---- how they are ended ----

my %END = (
	'nobody is ended' => sub { },
	'workers are terminated' => sub { $storm->signal_sessions('pg_terminate_backend', q{backend_type = 'reefqbo worker'}) },
	'workers are cancelled' => sub { $storm->signal_sessions('pg_cancel_backend', q{backend_type = 'reefqbo worker'}) },
	'callers are terminated' => sub { $storm->signal_sessions('pg_terminate_backend', q{application_name = 'caller'}) },
	'the launcher is terminated' => sub { $storm->signal_sessions('pg_terminate_backend', q{backend_type = 'reefqbo launcher'}) },
	'the server restarts fast' => sub { $node->restart },
	'a worker is killed' => sub { $storm->behind_the_gate(sub { $storm->kill_one(q{backend_type = 'reefqbo worker'}) }) },
	'a caller is killed' => sub { $storm->behind_the_gate(sub { $storm->kill_one(q{application_name = 'caller'}) }) },
	'the server stops at once' => sub { $storm->behind_the_gate(sub { $node->stop('immediate'); $node->start }) },
	'the postmaster is killed' => sub { $storm->behind_the_gate(sub { $storm->kill_postmaster }) });
my @ENDS = sort keys %END;
my (%done, @ends);

# Each once before any comes again.
sub next_end
{
	@ends = shuffle(@ENDS) unless @ends;
	return shift @ends;
}

sub round
{
	my ($end) = next_end();

	if (rand() < 0.3) { set_clock($node, '1 hour') }
	else { $intuit->admin('expire_access', { company => $_ }) foreach (shuffle @ALL)[ 0 .. 2 ] }
	post(one_of(@BUSY));
	$intuit->admin('fault', trouble_of_tokens()) for 1 .. 2;
	$intuit->admin('fault', trouble_of_reports());
	$storm->lock(one_of(@LOCKS)) if rand() < 0.6;
	$storm->keep_sessions(3, \&statement);
	$storm->wait_for_tokens;
	$END{$end}->();
	$node->wait_until_up;
	$storm->unlock;
	return $done{$end}++;
}

# ---- a full disk ----

# What the worker writes beyond the first 64 kB of a file is refused, as by a full disk: the log of transactions takes
# nothing, so that the server goes down while the tokens are in their file. What the worker says of it is not written
# either where the server's own log is longer; the postmaster is not limited. prlimit is a part of util-linux.
sub test_full_disk
{
	my ($company) = @_;
	my $name = 'a disk that fills while tokens are on their way';
	my $before = $intuit->admin('rotations')->{refresh_tokens}{$company};

	sql('SELECT pg_switch_wal(), pg_sleep(0)');
	sql('CREATE TABLE filler AS SELECT repeat(md5(i::text), 30) AS t FROM generate_series(1, 1000) i');
	$intuit->admin('gate', { closed => 1 });
	$intuit->admin('expire_access', { company => $company });
	$storm->keep_sessions(1, sub { "SELECT FROM reefqbo.import_accounts('$company')" });
	wait_until('it asks for tokens', sub { return "@{ $intuit->admin('gate')->{waiting} }" eq $company });
	my $worker = sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	system_or_bail('prlimit', "--pid=$worker", '--fsize=65536');
	$intuit->admin('gate', { closed => 1, company => $company });
	wait_until('the server goes down', sub { return slurp_file($node->logfile) =~ /"reefqbo worker" \(PID $worker\) was terminated by signal 6/ });
	$node->wait_until_up;
	$storm->end_sessions;
	is($intuit->admin('rotations')->{refresh_tokens}{$company}, $before + 1, "$name: Intuit has replaced the token");
	ok($storm->is_stored, "$name: the new ones were in a file, and are there or stored");
	$intuit->admin('gate', { closed => 0 });
	return;
}

# ---- what is left ----

sub grants_live
{
	my ($when) = @_;
	my $first_of_tokens = $intuit->admin('log')->{log}[-1]{n} // 0;
	my $living = $intuit->admin('rotations')->{grants};

	is_deeply([ grep { $living->{$_} != 1 } @ALL ], [], "$when: every grant lives at Intuit");
	$intuit->admin('expire_access', { company => $_ }) foreach @ALL;
	is_deeply([ grep { sqlstate("SELECT FROM reefqbo.refresh('$_', whole => true)") ne 'none' } @ALL ], [], "$when: every company is refreshed");
	my @tokens = map { $_->{status} } grep { $_->{endpoint} eq 'token' } @{ $intuit->admin('log', { since => $first_of_tokens })->{log} };
	is("@tokens", join(' ', map { 200 } @ALL), "$when: each with the refresh token that is stored, at the first try");
	is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE status <> 'connected'}), 0, "$when: nobody has to sign in");
	is(sql('SELECT count(*) FROM reefqbo.credential WHERE rejected_at IS NOT NULL OR refresh_started_at IS NOT NULL'), 0,
		"$when: no token was rejected, and no answer is missed");
	is_deeply([ $storm->files ], [], "$when: no file of tokens is left");
	return;
}

sub figures_hold
{
	is_deeply([ grep { stored_lines($node, $_) ne ledger_lines($intuit, $_, @{ $storm->range($_) }) } @ALL ], [],
		'every figure of every company is that of its ledger, none twice');
	return;
}

# What was stored of books in which nothing changes was right at all times; and a chain of restatements has no gap.
sub restatements_hold
{
	my $quiet = join ', ', map { quote($_) } @QUIET;

	is(sql("SELECT count(*) FROM reefqbo.restatement JOIN reefqbo.model m USING (model_id) WHERE m.name IN ($quiet)"), 0,
		'nothing is restated where nothing has changed');
	is(sql(<<'END'), 0, 'every restatement goes on from the one before, and the last is what is stored');
WITH chain AS (
    SELECT r.*, lead(old_amount) OVER w AS next_old, row_number() OVER w = count(*) OVER (w RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS is_last
    FROM reefqbo.restatement r
    WINDOW w AS (PARTITION BY model_id, connection_id, account_id, statement, accounting_method, period_start ORDER BY restatement_id))
SELECT count(*) FROM chain c
LEFT JOIN reefqbo.actual a USING (model_id, connection_id, account_id, statement, accounting_method, period_start)
WHERE CASE WHEN is_last THEN COALESCE(a.amount, 0) ELSE next_old END <> new_amount
END
	isnt(sql('SELECT count(*) FROM reefqbo.restatement'), 0, 'there were some');
	return;
}

sub nothing_is_left
{
	is(sql(q{SELECT count(*) FROM reefqbo.import_log WHERE status = 'running'}), 0, 'no import is said to run');
	is(sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'}), 0, 'nobody holds a lock');
	is(sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}), 0, 'no worker is left');
	return;
}

# ---- the run ----

connect_many($node, 'sim-production', @ALL);
import_many($node, $FIRST, $LAST, @ALL);
sql(q{UPDATE reefqbo.schedule SET refresh_every = '1 hour'});
$storm->begin;
$intuit->admin('log_clear');
round() foreach 1 .. $ROUNDS;
note("$_: $done{$_}") foreach sort keys %done;
$storm->end_sessions;
$intuit->admin('clear_faults');
pass_time($node, '2 hours');
is_deeply($storm->unexpected(\%MAY_END_WITH), [], 'nobody was told anything but that he or Intuit was interrupted');
my $asked = grep { $_->{endpoint} eq 'token' && $_->{status} == 200 } @{ $intuit->admin('log')->{log} };
is(scalar(grep { $_->{endpoint} eq 'token' && $_->{status} == 400 } @{ $intuit->admin('log')->{log} }), 0, "of $asked refresh tokens Intuit has refused none");
is_deeply([ grep { /PANIC|XX000|TRAP:|signal 11|signal 6/ } split /\n/, slurp_file($node->logfile) ], [], 'no process has failed by itself');
sql('UPDATE reefqbo.schedule SET is_paused = true');
wait_until_idle($node);
grants_live('after the storm');
figures_hold();
restatements_hold();
nothing_is_left();
test_full_disk('pod-1');
grants_live('after a full disk');
$node->stop;
$intuit->stop;
done_testing();
