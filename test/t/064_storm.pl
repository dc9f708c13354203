# A thousand companies are refreshed while the workers are killed a hundred times, half of them so that the whole
# server goes down with them: no grant is lost.
#
# Every refresh of a grant replaces the refresh token. As Intuit does, the simulator accepts the one before for a
# day, since an answer that was on its way to a killed process is gone.

use strict;
use warnings;

use List::Util qw(first);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($COMPANIES, $KILLS) = (1000, 100);
my @companies = map { "pod-$_" } 1 .. $COMPANIES;
my $intuit = Reefqbo::Simulator->start;
my $node = reefqbo_cluster('storm', $intuit, preload => 1, side_by_side => 1, settings => <<'END');
reefqbo.databases = 'postgres'
reefqbo.workers_per_database = 2
restart_after_crash = on
log_statement = none
END

sub worker
{
	my $pid = $node->answer(q{SELECT pid FROM reefqbo.worker_status() WHERE state = 'working' ORDER BY random() LIMIT 1});

	return $pid =~ /^\d+$/ ? $pid : undef;
}

# When most of them are done, another hour passes; and a worker that was ended is not waited for.
sub make_work
{
	set_clock($node, '1 hour') if $node->answer('SELECT count(*) < 200 FROM reefqbo._due WHERE due_at <= reefqbo._now()') eq 't';
	$node->answer(q{UPDATE reefqbo.schedule SET is_paused = false WHERE model_id = 1});
}

# A worker is killed at some moment of its work. Returns whether there was one.
sub kill_a_worker
{
	my ($signal) = @_;
	my $pid = first { defined } map { worker() } 1 .. 20;

	return 0 unless defined $pid;
	sleep rand 0.3;
	return kill $signal, $pid;
}

sub kill_many
{
	my ($killed, $round) = (0, 0);

	while ($killed < $KILLS && $round++ < 4 * $KILLS)
	{
		make_work();
		$killed += kill_a_worker($killed % 2 ? 'KILL' : 'TERM');
		$node->wait_until_up;
	}
	is($killed, $KILLS, "workers were killed $KILLS times at work");
}

srand 20261125;
$intuit->admin('config', { grace => 86400 });
connect_many($node, 'sim-production', @companies);
sql(q{UPDATE reefqbo.schedule SET refresh_every = '1 hour'});
$intuit->admin('log_clear');
kill_many();

my @refused = grep { $_->{endpoint} eq 'token' && $_->{status} == 400 } @{ $intuit->admin('log')->{log} };
is(scalar @refused, 0, 'Intuit has not refused a refresh token');
is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE status = 'connected'}), $COMPANIES, 'every connection stands');

# An access token lives for an hour: every company needs its refresh token now.
my $since = set_clock($node, '2 hours');
wait_for_worker($node, $since);
pass_time($node, '1 hour');
# a worker that meets another at a company comes back to it after some seconds
my $refreshed = qq{SELECT count(*) FROM reefqbo.upkeep_status WHERE status = 'connected' AND failures_in_a_row = 0 AND last_success >= to_timestamp($since)};
wait_until('every company is refreshed', sub { return sql($refreshed) == $COMPANIES });
is(sql($refreshed), $COMPANIES, 'and afterwards every one is refreshed, with the token that is stored');
my @dead = grep { $intuit->admin('tokens', { company => $_ })->{counts}{grants} != 1 } @companies;
is(scalar @dead, 0, 'every grant lives at Intuit');
is(sql('SELECT count(*) FROM reefqbo.credential WHERE rejected_at IS NOT NULL OR refresh_started_at IS NOT NULL'), 0, 'none has been rejected, and no answer is still missed');
done_testing();
