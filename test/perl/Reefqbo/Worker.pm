package Reefqbo::Worker;

# The background worker in TAP tests: time passes, and all that is due is done.
#
#   connect_many($node, 'sim-production', 'pod-1', 'pod-2');    # a model each, called like its company
#   pass_time($node, '6 hours');                                # on both clocks, and until the worker is idle
#
# Time is virtual (reefqbo.clock_offset and the simulator's clock), so that a
# test waits for the work and for nothing else.

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use File::Temp ();
use IPC::Run ();
use Time::HiRes qw(time);

use Reefqbo::Cluster;

# Each company is asked only so many times a second: several are imported at once.
my $SESSIONS = 4;

our @EXPORT = qw(align_clock set_clock skew_clock virtual_time wait_for_worker wait_until_idle pass_time
  connect_many import_many asked accounting_requests);

my %SECONDS = (second => 1, minute => 60, hour => 3600, day => 86400);

# How long to wait for a worker at most.
my $PATIENCE = 120;

# "1.5 hours" in seconds.
sub seconds_in
{
	my ($span) = @_;
	my ($count, $unit) = $span =~ /\A(-?[\d.]+) (second|minute|hour|day)s?\z/ or croak "not a span of time: $span";

	return $count * $SECONDS{$unit};
}

# The server's clock shows what the simulator's does.
sub align_clock
{
	my ($node) = @_;

	return _set_offset($node, int($node->intuit->admin('clock')->{epoch} - time));
}

# Both clocks move on. Returns the moment they come to, for wait_for_worker.
sub set_clock
{
	my ($node, $span) = @_;
	my $seconds = seconds_in($span);

	$node->intuit->admin('clock', { advance_seconds => $seconds });
	return _set_offset($node, ($node->{clock_offset} // 0) + $seconds);
}

# Only the server's clock is set wrong, by a span that may be negative, from the simulator's time.
sub skew_clock
{
	my ($node, $span) = @_;

	align_clock($node);
	return $span ? _set_offset($node, $node->{clock_offset} + seconds_in($span)) : undef;
}

sub _set_offset
{
	my ($node, $seconds) = @_;

	$node->{clock_offset} = int $seconds;
	my $moment = virtual_time($node);
	$node->append_conf('postgresql.conf', "reefqbo.clock_offset = '$node->{clock_offset}s'");
	$node->reload;
	return $moment;
}

# What time it is on the clock that the extension goes by.
sub virtual_time { return time + ($_[0]{clock_offset} // 0) }

# Until a worker that has begun at a moment of that clock, or has noticed that it has come, has done all that is
# due. A new configuration starts one in any case.
sub wait_for_worker
{
	my ($node, $since) = @_;

	$node->safe_psql('postgres', <<"END_OF_BLOCK");
DO \$\$
BEGIN
    FOR i IN 1 .. $PATIENCE * 50 LOOP
        IF EXISTS (SELECT FROM reefqbo.worker_status()
                   WHERE database = current_database() AND state = 'idle'
                   AND GREATEST(last_began, last_ended) >= to_timestamp($since))
           AND NOT EXISTS (SELECT FROM reefqbo.worker_status() WHERE database = current_database() AND state = 'working') THEN
            RETURN;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RAISE 'the worker does not come to rest: %', (SELECT string_agg(s::text, ' ') FROM reefqbo.worker_status() s);
END
\$\$
END_OF_BLOCK
	return;
}

# Until what was made due just now is done.
sub wait_until_idle { return wait_for_worker($_[0], 0) }

# Time passes, and what is due then is done.
sub pass_time
{
	my ($node, $span) = @_;

	return wait_for_worker($node, set_clock($node, $span));
}

# Run statements, each text of one or more in a session of its own, several at a time.
sub run_in_sessions
{
	my ($node, @texts) = @_;
	my @psql = ('psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'));
	my ($n, @scripts, @sessions) = (0);

	push @{ $scripts[ $n++ % $SESSIONS ] }, $_ foreach @texts;
	foreach my $script (@scripts)
	{
		my $file = File::Temp->new;
		print $file @$script;
		close $file;
		push @sessions, { file => $file, errors => '' };
		$sessions[-1]{run} = IPC::Run::start([ @psql, '-f', "$file" ], '>', \my $out, '2>', \$sessions[-1]{errors});
	}
	foreach my $session (@sessions)
	{
		$session->{run}->finish or croak "a session has failed: $session->{errors}";
	}
}

# A model for each company, called like it and linked to it.
sub connect_many
{
	my ($node, $environment, @companies) = @_;
	my $consents = $node->intuit->admin('consent', { companies => \@companies })->{consents};
	my @sql;

	foreach my $consent (@$consents)
	{
		my ($model, $code, $realm) = map { quote($_) } @{$consent}{qw(company code realm)};
		my $there = quote($environment);
		push @sql, <<"END";
SELECT FROM reefqbo.create_model($model);
SELECT substring(reefqbo.connect($model, $there) FROM 'state=([0-9a-f]+)') AS state \\gset
SELECT FROM reefqbo.complete_connection(:'state', $code, $realm);
END
	}
	run_in_sessions($node, @sql);
}

# Import a range of months of each of these models.
sub import_many
{
	my ($node, $first, $last, @models) = @_;

	run_in_sessions($node, map { 'SELECT FROM reefqbo.import_actuals(' . join(', ', map { quote($_) } $_, $first, $last) . ");\n" } @models);
}

# The accounting API's requests since an entry of the simulator's log, as it has them.
sub accounting_requests
{
	my ($node, $since, $company) = @_;
	my $log = $node->intuit->admin('log', { since => $since // 0, defined $company ? (company => $company) : () })->{log};

	return grep { $_->{endpoint} !~ /^(?:authorize|token|revoke)$/ } @$log;
}

# The same as one text: "cdc ProfitAndLoss BalanceSheet".
sub asked
{
	return join ' ', map { $_->{endpoint} } accounting_requests(@_);
}

1;
