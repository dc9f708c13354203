# A thousand requests and those who wait for some of them, by way of pgbouncer in transaction mode, while clients, the
# background worker and the server are ended at random: nothing is lost, and every figure is the ledger's.
#
# SEED=... does the same again as far as processes' turns allow.

use strict;
use warnings;

use IPC::Run ();
use List::Util qw(shuffle);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($FIRST, $LAST) = ('2026-10-01', '2026-11-30');
my $REQUESTS = 1000;
my $ROUNDS = 15;
my @pods = map { "pod-$_" } 1 .. 10;
my $seed = $ENV{SEED} // int rand 1_000_000;
my $bouncer;

srand $seed;
note "SEED=$seed";
my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('storm', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
max_worker_processes = 8
max_connections = 60
restart_after_crash = on
END

# ---- pgbouncer ----

# Debian's, which not every machine has; the calls go to the server itself without it.
sub start_bouncer
{
	my ($program) = grep { -x } '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer';
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	my $port = PostgreSQL::Test::Cluster::get_free_port();

	return unless $program;
	append_to_file("$directory/users", '"' . sql('SELECT session_user') . qq{" ""\n});
	append_to_file("$directory/ini", <<"END");
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
listen_port = $port
listen_addr =
unix_socket_dir = $directory
auth_type = trust
auth_file = $directory/users
pool_mode = transaction
default_pool_size = 20
max_client_conn = 500
query_wait_timeout = 0
server_login_retry = 0.1
logfile = $directory/log
pidfile = $directory/pid
END
	system_or_bail($program, '-q', '-d', "$directory/ini");
	wait_until('pgbouncer is there', sub { return -s "$directory/pid" && -S "$directory/.s.PGSQL.$port" });
	chomp(my $pid = slurp_file("$directory/pid"));
	return { pid => $pid, connstr => "host=$directory port=$port dbname=postgres" };
}

sub connstr { return $bouncer ? $bouncer->{connstr} : $node->connstr('postgres') }

# Nobody waits for these to succeed: whoever is ended is.
sub begin_client
{
	my ($query) = @_;
	my $client = { out => '', err => '' };
	local $ENV{PGAPPNAME} = 'client';

	$client->{run} = IPC::Run::start([ 'psql', '-XAtq', '-d', connstr(), '-c', $query ], '<', \undef, '>', \$client->{out}, '2>', \$client->{err});
	return $client;
}

END
{
	kill 'TERM', $bouncer->{pid} if $bouncer;
}

# ---- what is asked ----

sub refresh_of { return 'SELECT count(*) FROM reefqbo.refresh(' . quote($_[0]) . ')' }

sub any { return $_[ rand @_ ] }

# In transactions of their own; what is not committed was not asked. A session that is cut off has asked for less.
sub ask_once
{
	my ($count) = @_;
	my $script = join '', map { my $pod = any(@pods); (any(0, 1) ? call('request_import', $pod, $FIRST, $LAST) : call('request_refresh', $pod)) . ";\n" } 1 .. $count;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'psql', '-XAtq', '-d', connstr() ], '<', \$script, '>', \$out, '2>', \$err);
	return grep { /\A\d+\z/ } split /\n/, $out;
}

sub ask
{
	my ($count) = @_;
	my @asked;

	wait_until("$count requests are made", sub { push @asked, ask_once($count - @asked); return @asked == $count });
	return @asked;
}

sub open_requests { return $node->answer(q{SELECT count(*) FROM reefqbo.request WHERE state IN ('queued', 'running')}) }

# ---- what is ended ----

sub worker { return $node->answer(q{SELECT pid FROM reefqbo.worker_status() WHERE database = 'postgres' AND state = 'working'}) }

my %ends = (
	client => sub { my $client = any(@_); $client->{run}->kill_kill(grace => 0) },
	session => sub { $node->answer(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'client' ORDER BY random() LIMIT 1}) },
	worker => sub { my $pid = worker(); $node->answer("SELECT pg_terminate_backend($pid)") if $pid },
	crash => sub { my $pid = worker(); kill 'KILL', $pid if $pid },
	server => sub { $node->stop('immediate'); $node->start });

align_clock($node);
connect_many($node, 'sim-production', @pods);
import_many($node, $FIRST, $LAST, @pods);
wait_until_idle($node);
$bouncer = start_bouncer();
note $bouncer ? 'by way of pgbouncer' : 'without pgbouncer';

# ---- first in peace ----

is(scalar(() = ask(10)), 10, 'requests are made by way of pgbouncer in transaction mode');
my @waiting = map { begin_client(refresh_of($_)) } @pods;
$_->{run}->finish foreach @waiting;
is(join(' ', map { $_->{out} =~ s/\n//r } @waiting), join(' ', (1) x @pods), 'and calls that wait have their rows') or diag(map { $_->{err} } @waiting);
wait_until('what was asked is done', sub { return open_requests() eq '0' });

# ---- and then ----

my @asked;
my @ends = map { (shuffle(sort keys %ends)) } 1 .. $ROUNDS / keys %ends;
foreach my $round (1 .. $ROUNDS)
{
	push @asked, ask(int $REQUESTS / $ROUNDS + 1);
	my @clients = map { begin_client(refresh_of($_)) } map { any(@pods) } 1 .. 8;
	my $what = $ends[ $round - 1 ];

	# all is under way when it is ended, or some of it, or little
	select undef, undef, undef, rand 0.5;
	note "round $round: $what";
	$ends{$what}->(@clients);
	$node->wait_until_up;
	$_->{run}->kill_kill(grace => 0) foreach @clients;
}
cmp_ok(scalar @asked, '>=', $REQUESTS, 'a thousand requests were made');
is(sql('SELECT count(*) FROM reefqbo.request WHERE request_id IN (' . join(', ', @asked) . ')'), scalar @asked, 'none is lost');
for (1 .. 20)
{
	last if open_requests() eq '0';
	set_clock($node, '10 minutes');
	eval { wait_until_idle($node) };
}
is(sql(q{SELECT state, count(*) FROM reefqbo.request GROUP BY state ORDER BY state}) =~ s/\A(?:cancelled\|\d+\n)?succeeded\|\d+\z//r, '', 'all are done')
  or diag(sql(q{SELECT state, sqlstate, message, attempts, count(*) FROM reefqbo.request GROUP BY 1, 2, 3, 4}));
foreach my $pod (@pods)
{
	is(stored_lines($node, $pod), ledger_lines($intuit, $pod, $FIRST, $LAST), "every figure of $pod is the ledger's");
}
is(sql(q{SELECT count(*) FROM reefqbo.restatement}), 0, 'and nothing was stored twice, as if it had changed');
is(sql(q{SELECT count(*) FROM reefqbo.connection_status WHERE status <> 'connected'}), 0, 'no grant is lost');
done_testing();
