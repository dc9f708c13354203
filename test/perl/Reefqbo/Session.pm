package Reefqbo::Session;

# Sessions beside the test's own, in TAP tests.
#
#   my $session = begin_sql('BEGIN; LOCK TABLE reefqbo.credential; SELECT pg_sleep(2)');
#   is(end_sql($session), '');

use strict;
use warnings;

use Exporter qw(import);
use IPC::Run ();

use Reefqbo::Cluster;

our @EXPORT = qw(begin_sql end_sql);

# Statements are sent one by one, to the cluster that sql() asks.
sub begin_sql
{
	my ($query, $database) = @_;
	my $session = { out => '', err => '' };
	local $ENV{PGAPPNAME} = 'caller';

	$session->{run} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-v', 'VERBOSITY=verbose', '-d', asked_cluster()->connstr($database // 'postgres'),
			map { ('-c', $_) } split /;\s*/, $query ],
		'<', \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Wait for a session's end. Returns what it has printed, or its error's SQLSTATE.
sub end_sql
{
	my ($session) = @_;

	$session->{run}->finish;
	chomp $session->{out};
	return $1 if $session->{err} =~ /(?:ERROR|FATAL):  (\w{5}):/;
	return $session->{out};
}

1;
