# Several background workers share the work of one database: each company is read by one of them and once, whatever
# ends a worker meanwhile. And one that finds nothing, though something is due, is not started again and again.
#
# The simulator holds requests back, so that both workers are seen at work; its log says who was asked how often.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my @companies = map { "pod-$_" } 1 .. 14;
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('several', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
reefqbo.workers_per_database = 2
reefqbo.max_concurrent_requests = 3
log_min_messages = debug1
restart_after_crash = on
END

sub workers { return split /\n/, sql(q{SELECT pid FROM reefqbo.worker_status() WHERE state = 'working' ORDER BY 1}) }

sub held { return grep { ($_->{fault} // '') eq 'hold' } @{ $intuit->admin('log')->{log} } }

# Six hours pass while QuickBooks keeps whoever asks for changes waiting: both workers come.
sub wait_for_both
{
	my ($name) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('fault', { kind => 'hold', endpoint => 'cdc', times => -1 });
	set_clock($node, '6 hours');
	wait_until('both workers wait for answers', sub { return workers() == 2 && held() >= 6 });
	is(scalar(workers()), 2, "$name: there are two workers");
	return;
}

sub wait_for_rest
{
	$intuit->admin('clear_faults');
	wait_until('nothing is due any more', sub {
		return sql('SELECT count(*) FROM reefqbo._due WHERE due_at <= reefqbo._now()') == 0 && workers() == 0;
	});
	return;
}

# By the simulator's log, how often each company was asked for changes.
sub times_asked
{
	my %times;

	$times{ $_->{company} }++ foreach grep { $_->{endpoint} eq 'cdc' } @{ $intuit->admin('log')->{log} };
	return \%times;
}

sub test_shared
{
	my $name = 'shared work';

	wait_for_both($name);
	my %of = map { $_->{company} => 1 } held();
	cmp_ok(scalar(keys %of), '>=', 6, "$name: of different companies");
	wait_for_rest();
	my $times = times_asked();
	is(join(' ', map { $_ . ' ' . ($times->{$_} // 0) } @companies), join(' ', map { "$_ 1" } @companies), "$name: each company is asked once");
	is(sql("SELECT count(*) FROM reefqbo.upkeep WHERE failures > 0 OR attempted_at IS NULL"), 0, "$name: and none has failed");
	is(sql(q{SELECT count(*) FROM reefqbo.worker_status() WHERE database = 'postgres'}), 1, "$name: who helps is shown while it does");
	return;
}

# One of them is ended; the other goes on, and what was under way is done later.
sub test_ended
{
	my ($signal) = @_;
	my $name = "one worker is ended by $signal";

	wait_for_both($name);
	my ($first) = workers();
	kill $signal, $first;
	wait_until('it has gone', sub { return $node->answer("SELECT count(*) FROM pg_stat_activity WHERE pid = $first") eq '0' });
	$intuit->admin('clear_faults');
	$node->wait_until_up;
	foreach (1 .. 3) { set_clock($node, '2 minutes'); wait_for_rest() }
	is(sql("SELECT count(*) FROM reefqbo.upkeep WHERE succeeded_at < reefqbo._now() - interval '1 hour'"), 0, "$name: every company is refreshed");
	is(sql("SELECT count(*) FROM reefqbo.credential WHERE rejected_at IS NOT NULL"), 0, "$name: and no grant is lost");
	return;
}

# A database is copied, which nobody may be connected to.
sub test_vacated
{
	my $name = 'a copy of the database';

	wait_for_both($name);
	is($node->sqlstate_of('CREATE DATABASE copy TEMPLATE postgres', dbname => 'template1'), undef, "$name: both workers make way");
	wait_for_rest();
	return;
}

# How often a worker was started from the moment that the log had so many bytes until it says that one has found nothing.
sub starts_until_told
{
	my ($from) = @_;
	my ($text) = substr(slurp_file($node->logfile), $from) =~ /\A(.*?)WARNING:.*something is due there that its worker does not find/s or return;

	return scalar(() = $text =~ /DEBUG:  registering background worker "reefqbo worker for database/g);
}

# The clock of the tables is behind the one that the launcher goes by.
sub test_finds_nothing
{
	my $name = 'a worker that finds nothing';

	wait_for_rest();
	sql(q{CREATE OR REPLACE FUNCTION reefqbo._now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
	    AS $$ SELECT statement_timestamp() - interval '1000 days' $$});
	my $before = -s $node->logfile;
	set_clock($node, '6 hours');
	wait_until('it is told', sub { return defined starts_until_told($before) });
	# it is told when that happens for the second time, and both workers may have come each time
	cmp_ok(starts_until_told($before), '<=', 4, "$name: is not started again at once");
	like(sql(q{SELECT state, problem FROM reefqbo.worker_status() WHERE database = 'postgres'}), qr/\Afailing\|something is due/, "$name: is shown");
	sql(q{CREATE OR REPLACE FUNCTION reefqbo._now() RETURNS timestamptz LANGUAGE c STABLE PARALLEL SAFE
	    AS '$libdir/reefqbo', 'rqbo_now_sql'});
	$node->reload;
	wait_until('it works again', sub { return slurp_file($node->logfile) =~ /reefqbo works in database "postgres" again/ });
	wait_for_rest();
	is(sql("SELECT count(*) FROM reefqbo.upkeep WHERE succeeded_at < reefqbo._now() - interval '1 hour'"), 0, "$name: works again when the clocks agree");
	return;
}

align_clock($node);
connect_many($node, 'sim-production', @companies);
import_many($node, '2026-11-01', '2026-11-30', @companies);
wait_until_idle($node);
test_shared();
test_ended('TERM');
test_ended('KILL');
test_finds_nothing();
test_vacated();
done_testing();
