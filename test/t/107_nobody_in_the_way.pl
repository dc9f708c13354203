# What sessions wait for is done by one background worker, and nobody is in the way of others: not by the number of
# one's sessions or companies, by companies that do not answer, by what one has locked, or by a slow key command.
#
# Where others go on is tested by their coming to an end while what they might wait for is held.

use strict;
use warnings;

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
done_testing();
