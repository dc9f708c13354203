package Reefqbo::Storm;

# Sessions, foreign locks and ends of processes without number, in TAP tests; and what Intuit has handed out beside what is stored.
#
#   my $storm = Reefqbo::Storm->new($node, $intuit, @companies);   # each bound to a model of its name
#   $storm->begin;                                                 # once they are connected
#   $storm->keep_sessions(3, sub { 'SELECT …' });
#   $storm->behind_the_gate(sub { … });                            # while no new token is on its way

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use Reefqbo::Cluster;

# How many statements a session sends before it ends.
my $STATEMENTS = 4;

sub new
{
	my ($class, $node, $intuit, @companies) = @_;

	return bless { node => $node, intuit => $intuit, companies => \@companies, sessions => [], states => {} }, $class;
}

# The simulator does not work for those who have gone: their request has not arrived.
sub begin
{
	my ($self) = @_;

	$self->{intuit}->admin('config', { grace => 0, hears_end => 1 });
	$self->{model} = { map { split /\|/ } split /\n/, sql('SELECT name, model_id FROM reefqbo.model') };
	return;
}

# The months that are stored of a model.
sub range
{
	my ($self, $model) = @_;

	return [ split /\|/, sql("SELECT min(i.period_start), max(a.period_end) FROM reefqbo.imported_month i JOIN reefqbo.actual a USING (model_id) WHERE model_id = $self->{model}{$model}") ];
}

# ---- sessions ----

sub _start
{
	my ($self, $input, @arguments) = @_;
	my $session = { in => $input, out => '', err => '' };
	local $ENV{PGAPPNAME} = 'caller';

	$session->{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $self->{node}->connstr('postgres'), @arguments ],
		'<', defined $input ? \$session->{in} : \undef, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

sub _finish
{
	my ($self, $session) = @_;

	eval { $session->{run}->finish };
	$self->{states}{$1} //= $session->{err} while $session->{err} =~ /(?:ERROR|FATAL|PANIC):  (\w{5}):/g;
	return;
}

# So many at least; each sends statements of its own.
sub keep_sessions
{
	my ($self, $count, $statement) = @_;
	my @running;

	foreach my $session (@{ $self->{sessions} })
	{
		eval { $session->{run}->pump_nb };
		if ($session->{run}->pumpable) { push @running, $session }
		else { $self->_finish($session) }
	}
	push @running, $self->_start(undef, map { ('-c', $statement->()) } 1 .. $STATEMENTS) while @running < $count;
	$self->{sessions} = \@running;
	return;
}

sub end_sessions
{
	my ($self) = @_;

	$self->unlock;
	$self->_finish($_) foreach splice @{ $self->{sessions} };
	return;
}

# SQLSTATEs that sessions have met and should not have, with what was said.
sub unexpected
{
	my ($self, $expected) = @_;

	return [ map { "$_: $self->{states}{$_}" } grep { !$expected->{$_} } sort keys %{ $self->{states} } ];
}

# ---- locks of others ----

# One at a time, in a transaction that stays open until unlock.
sub lock
{
	my ($self, $statement) = @_;

	$self->{lock} = $self->_start("SET client_min_messages = error;\nBEGIN;\n$statement;\n");
	eval { $self->{lock}{run}->pump_nb };
	return;
}

sub unlock
{
	my ($self) = @_;
	my $lock = delete $self->{lock} or return;

	eval { $lock->{in} .= "COMMIT;\n"; $lock->{run}->finish };
	return;
}

# ---- tokens ----

sub _handed_out
{
	my ($self) = @_;

	return $self->{intuit}->admin('rotations')->{refresh_tokens};
}

# Until some have been replaced since it was asked last. If everybody waits for a lock, that never comes.
sub wait_for_tokens
{
	my ($self) = @_;
	my ($begin, $sum) = (time, 0);

	do
	{
		$sum = 0;
		$sum += $_ foreach values %{ $self->_handed_out };
		sleep 0.05;
	} until $sum > ($self->{seen} // 0) || time > $begin + 2;
	$self->{seen} = $sum;
	sleep rand 0.3;
	return;
}

sub files
{
	my ($self) = @_;
	my $directory = $self->{node}->data_dir . '/reefqbo_tokens';

	return -d $directory ? map { "$directory/$_" } grep { !/\A\./ } slurp_dir($directory) : ();
}

# Those with tokens in them, rather than a reserved place.
sub kept
{
	my ($self) = @_;

	return grep { (eval { substr slurp_file($_), 0, 4 } // '') =~ /[^\0]/ } $self->files;
}

# All that Intuit has handed out is in the tables, or in a file.
sub is_stored
{
	my ($self) = @_;
	my $handed = $self->_handed_out;
	my %stored = map { split /\|/ } split /\n/, $self->{node}->answer('SELECT model_id, generation FROM reefqbo.credential');
	my %kept = map { m{/\d+\.(\d+)\.\d+\z} ? ($1 => 1) : () } $self->kept;

	return !grep {
		my $model = $self->{model}{$_};
		my $missing = $handed->{$_} - ($stored{$model} // 0);
		$missing > 1 || ($missing == 1 && !$kept{$model});
	} @{ $self->{companies} };
}

# Do something while all that Intuit has handed out is stored, or kept, and nothing new is.
sub behind_the_gate
{
	my ($self, $end) = @_;
	my $intuit = $self->{intuit};

	$intuit->admin('gate', { closed => 1 });
	wait_until('no answer is under way', sub { return $intuit->admin('gate')->{under_way} == 0 });
	wait_until('what was handed out is stored', sub { return $self->is_stored });
	$end->();
	$self->{node}->wait_until_up;
	$intuit->admin('gate', { closed => 0 });
	return;
}

# ---- ends ----

sub signal_sessions
{
	my ($self, $function, $whose) = @_;

	return $self->{node}->answer("SELECT count($function(pid)) FROM pg_stat_activity WHERE $whose");
}

# Any one of them, if there is one: the server goes down with it, and comes back.
sub kill_one
{
	my ($self, $whose) = @_;
	my $pid = $self->{node}->answer("SELECT pid FROM pg_stat_activity WHERE $whose ORDER BY random() LIMIT 1");

	return unless $pid =~ /\A\d+\z/ && kill 'KILL', $pid;
	wait_until('the server notices', sub { return slurp_file($self->{node}->logfile) =~ /\(PID $pid\) was terminated by signal 9/ });
	return;
}

sub _children
{
	my ($parent) = @_;

	return grep { (eval { slurp_file("/proc/$_/stat") } // '') =~ /\) [^ZX] $parent / } map { m{(\d+)} } glob '/proc/[0-9]*';
}

# Its children notice by themselves, and hold its memory until then.
sub kill_postmaster
{
	my ($self) = @_;
	my @children = _children($self->{node}{_pid});

	$self->{node}->kill9;
	wait_until('its children have gone', sub { return !grep { kill 0, $_ } @children });
	$self->{node}->start;
	return;
}

1;
