package Reefqbo::Listener;

# A session that listens to reefqbo's notifications, for TAP tests.
#
#   my $listener = Reefqbo::Listener->start($node);
#   $node->safe_psql('postgres', q{SELECT reefqbo.refresh('Acme')});
#   my @events = $listener->events('accounts_changed');    # decoded, those since the last time it was asked
#   $listener->stop;

use strict;
use warnings;

use IPC::Run ();
use JSON::PP ();

use Reefqbo::Cluster;

sub start
{
	my ($class, $node) = @_;
	my $self = bless { in => "LISTEN reefqbo;\n", out => '', err => '', marks => 0 }, $class;

	$self->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err});
	$self->told;
	return $self;
}

# The payloads that have come since the last time.
sub told
{
	my ($self) = @_;
	my $mark = 'mark ' . ++$self->{marks};

	$self->{in} .= "SELECT 'once';\nSELECT '$mark';\n\\echo $mark is over\n";
	wait_until("the listener says $mark", sub {
		$self->{run}->pump_nb;
		return $self->{out} =~ /^$mark is over$/m;
	});
	my @payloads = $self->{out} =~ /^Asynchronous notification "reefqbo" with payload "(.*)" received from/mg;
	$self->{out} = '';
	return @payloads;
}

# Those of one event; what was told of others meanwhile is forgotten.
sub events
{
	my ($self, $event) = @_;

	return grep { $_->{event} eq $event } map { JSON::PP::decode_json($_) } $self->told;
}

sub stop
{
	my ($self) = @_;

	$self->{in} .= "\\q\n";
	$self->{run}->finish;
	return;
}

1;
