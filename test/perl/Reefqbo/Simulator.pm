package Reefqbo::Simulator;

# The simulated QuickBooks of simulator/, for TAP tests.
#
#   my $intuit = Reefqbo::Simulator->start;
#   $intuit->admin('some-verb', { company => 'reef', ... });
#   my $address = $intuit->browse($authorize_url, company => 'reef');
#   $intuit->stop;                       # or at the end of the test
#
# Only core Perl is used; HTTPS is spoken by admin_pipe.py, which is started
# once and kept.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use IPC::Open2 qw(open2);
use JSON::PP ();
use POSIX qw(WNOHANG);
use Time::HiRes qw(sleep time);

our $HERE   = dirname(abs_path(__FILE__));
our $SIMULATOR = abs_path("$HERE/../../../simulator");

# What the simulator's two apps are registered with.
our $REDIRECT_URI = 'https://app.example.com/quickbooks/callback';
our %APP = (
	sandbox    => { id => 'dev-client',  secret => 'dev-secret' },
	production => { id => 'prod-client', secret => 'prod-secret' });

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my @running;

# Start a server.  Options are passed on: (some_option => 'x') becomes
# "--some-option x", and an undefined value a switch without one.  The server
# also ends when this process does, however that happens: it watches its
# standard input.
sub start
{
	my ($class, %options) = @_;
	my $self = bless {
		dir => File::Temp->newdir('intuit_XXXX', TMPDIR => 1),
		owner => $$,
		options => \%options,
	}, $class;

	push @running, $self;
	$self->_launch;
	return $self;
}

sub _launch
{
	my ($self) = @_;
	my @command =
	  ('python3', "$SIMULATOR/server.py", '--dir', "$self->{dir}", '--until-stdin-closes');

	foreach my $option (sort keys %{ $self->{options} })
	{
		(my $switch = "--$option") =~ tr/_/-/;
		push @command, $switch, grep { defined } $self->{options}{$option};
	}
	pipe(my $stdin, $self->{lifeline}) or croak "could not make a pipe: $!";
	$self->{pid} = $self->_spawn($stdin, \my $out, @command);

	my $line = _read_line($out, 60);
	croak "the simulator did not start:\n" . $self->log unless defined $line;
	@{$self}{qw(port url ca_file)} = @{ $json->decode($line) }{qw(port url ca_file)};
	close $out;
}

# Run a command with its output on a pipe for us and its errors in the log.
sub _spawn
{
	my ($self, $stdin, $out, @command) = @_;
	pipe(my $reader, my $writer) or croak "could not make a pipe: $!";
	my $pid = fork() // croak "could not fork: $!";

	if ($pid == 0)
	{
		open(STDIN,  '<&', $stdin)                   or POSIX::_exit(127);
		open(STDOUT, '>&', $writer)                  or POSIX::_exit(127);
		open(STDERR, '>>', $self->{dir} . '/stderr') or POSIX::_exit(127);
		$ENV{PYTHONDONTWRITEBYTECODE} = 1;
		exec { $command[0] } @command or POSIX::_exit(127);
	}
	close $writer;
	$$out = $reader;
	return $pid;
}

# A line from a handle, or undef at its end or when the time is up.
sub _read_line
{
	my ($handle, $seconds) = @_;
	my ($deadline, $line) = (time() + $seconds, '');

	while ((my $left = $deadline - time()) > 0)
	{
		vec(my $ready = '', fileno($handle), 1) = 1;
		next unless select($ready, undef, undef, $left) > 0;
		sysread($handle, $line, 65536, length $line) or return;
		return $line if $line =~ /\n\z/;
	}
	return;
}

sub port    { return $_[0]{port} }
sub url     { return $_[0]{url} }
sub ca_file { return $_[0]{ca_file} }
sub dir     { return "$_[0]{dir}" }

# The addresses that an environment of reefqbo is made of.
sub authorize_url { return "$_[0]{url}/connect/oauth2" }
sub token_url     { return "$_[0]{url}/oauth2/v1/tokens/bearer" }
sub revoke_url    { return "$_[0]{url}/v2/oauth2/tokens/revoke" }
sub api_url       { my ($self, $kind) = @_; return "$self->{url}/$kind" }

# Ask the simulator's admin interface.  Returns the answer's body, decoded;
# dies if it was refused.
sub admin
{
	my ($self, $verb, $args) = @_;
	my $answer = $self->_ask({ verb => $verb, args => $args // {} });

	croak "admin $verb failed: $answer->{error}" if defined $answer->{error};
	croak "admin $verb was refused ($answer->{status}): " . $json->encode($answer->{body})
	  if $answer->{status} >= 300;
	return $answer->{body};
}

sub _ask
{
	my ($self, $request) = @_;

	$self->_open_pipe unless $self->{pipe_pid};
	{
		local $SIG{PIPE} = 'IGNORE';
		syswrite $self->{pipe_in}, $json->encode($request) . "\n";
	}
	my $line = _read_line($self->{pipe_out}, 120);
	croak 'the admin helper has ended' unless defined $line;
	return $json->decode($line);
}

sub _open_pipe
{
	my ($self) = @_;
	local $ENV{PYTHONDONTWRITEBYTECODE} = 1;

	$self->{pipe_pid} = open2($self->{pipe_out}, $self->{pipe_in},
		'python3', "$HERE/admin_pipe.py", '--url', $self->url, '--ca', $self->ca_file);
}

# What the right figures are, by the simulator's own books.
sub truth
{
	my ($self, %args) = @_;
	return $self->admin('truth', \%args);
}

# Open an authorization address as a user would, who chooses a company (or
# says no), and return the address that the browser is sent back to.
sub browse
{
	my ($self, $address, %choice) = @_;
	my @command = ('python3', "$SIMULATOR/browser.py", '--ca', $self->ca_file);

	croak 'browse needs a company, even to say no to' unless defined $choice{company};
	push @command, '--company', $choice{company};
	push @command, '--deny' if $choice{deny};
	open(my $nothing, '<', '/dev/null') or croak "could not open /dev/null: $!";
	my $pid = $self->_spawn($nothing, \my $out, @command, $address);
	my $answer = do { local $/; <$out> };
	waitpid $pid, 0;
	croak "the browser failed:\n" . $self->log if $? != 0;
	chomp $answer;
	return $answer;
}

# What the simulator's programs have said on standard error.
sub log
{
	my ($self) = @_;
	open(my $file, '<', "$self->{dir}/stderr") or return '';
	local $/;
	return scalar(<$file>) // '';
}

sub stop
{
	my ($self) = @_;

	close $self->{pipe_in} if $self->{pipe_in};
	_end($_) foreach grep { defined } delete @{$self}{qw(pipe_pid pid)};
	delete @{$self}{qw(pipe_in pipe_out lifeline)};
	@running = grep { $_ != $self } @running;
}

sub _end
{
	my ($pid) = @_;

	kill 'TERM', $pid;
	for (1 .. 100)
	{
		return if waitpid($pid, WNOHANG) != 0;
		sleep 0.05;
	}
	kill 'KILL', $pid;
	waitpid $pid, 0;
}

# waitpid would otherwise put its own status in the place of the test's.  A
# child that a test has forked leaves its parent's simulators alone.
END
{
	my $status = $?;
	$_->stop foreach grep { $_->{owner} == $$ } my @left = @running;
	$? = $status;
}

1;
