# What happens below HTTP: a handshake that is cut, a proxy that says no, a name server that does not answer,
# and variables of the server's environment that libcurl would heed.

use strict;
use warnings;

use IO::Socket::INET ();
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $keylog = PostgreSQL::Test::Utils::tempdir() . '/keylog';
my $node;

{
	# The server's alone: Python's TLS heeds the first as well.
	local @ENV{qw(SSLKEYLOGFILE NO_PROXY no_proxy)} = ($keylog, '*', '*');
	$node = plain_cluster('wire', intuit => $intuit);
}
$node->install_reefqbo('postgres');

sub asked { return join ' ', map { $_->{endpoint} } grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} } }

# A sign-in whose address is at hand, and nothing in the log of requests.
sub signed_in
{
	my ($model, $company) = @_;

	$node->ensure_model($model, 'sim-production');
	my $back = $intuit->browse(sql(call('connect', $model, 'sim-production')), company => $company);
	$intuit->admin('log_clear');
	return call('complete_connection', $back);
}

# ---- a request that never left ----

sub test_cut_handshake
{
	my $name = 'a handshake that is cut';
	my $completing = signed_in('Cut', 'pod-1');

	$intuit->admin('fault', { kind => 'cut_handshake' });
	is(sql("SELECT status FROM ($completing) s (c), LATERAL (SELECT (c).status) t"), 'connected', "$name: the code never left, and is sent again");
	is(asked(), 'token companyinfo preferences', "$name: once, as far as Intuit is concerned");
	return;
}

sub stays_cut
{
	my ($name, $completing, $begin) = @_;
	my $error = $node->sqlstate_of("SET reefqbo.retry_budget = '1500ms'; $completing");

	is($error->{sqlstate}, 'RQ011', "$name: RQ011");
	like($error->{message}, qr/could not get tokens from Intuit: QuickBooks could not be reached/, "$name: the message says so");
	like($error->{hint}, qr/Nothing of this sign-in was kept, and its state is used up: begin again with reefqbo\.$begin,/, "$name: the hint says what to do");
	is(asked(), '', "$name: Intuit was asked nothing");
	is($node->sqlstate_of($completing)->{message}, 'the state of this sign-in has been used already', "$name: and that is so");
	return;
}

sub test_cut_handshakes
{
	my $name = 'handshakes that are cut for ever';
	my $completing = signed_in('Cut for ever', 'pod-2');

	$intuit->admin('fault', { kind => 'cut_handshake', times => -1 });
	stays_cut($name, $completing, 'connect');
	$intuit->admin('clear_faults');
	$node->connect_company('Cut for ever', 'sim-production', 'pod-2');
	is(sql(q{SELECT status FROM reefqbo.connection_status WHERE model = 'Cut for ever'}), 'connected', "$name: a sign-in that is begun again works");

	$completing = call('complete_connection', $intuit->browse(sql(call('reconnect', 'Cut for ever')), company => 'pod-2'));
	$intuit->admin('log_clear');
	$intuit->admin('fault', { kind => 'cut_handshake', times => -1 });
	stays_cut("$name, in a reconnect", $completing, 'reconnect');
	my $error = $node->sqlstate_of(q{SET reefqbo.retry_budget = 0; } . call('import_accounts', 'Cut for ever'));
	is($error->{sqlstate}, 'RQ011', "$name: an import fails");
	like($error->{hint}, qr/^Try again later; nothing was changed\./, "$name: and can just be tried again");
	$intuit->admin('clear_faults');
	is($node->sqlstate_of(call('import_accounts', 'Cut for ever')), undef, "$name: when it is over, it works");
	return;
}

# The grant is stored before the company is read, which then fails.
sub test_company_unread
{
	my $name = 'a company that cannot be read after the sign-in';
	my $completing = signed_in('Unread', 'pod-3');

	$intuit->admin('fault', { kind => 'status', status => 503, endpoint => 'companyinfo', company => 'pod-3', times => -1 });
	my $error = $node->sqlstate_of("SET reefqbo.retry_budget = 0; $completing");
	is($error->{sqlstate}, 'RQ011', "$name: RQ011");
	like($error->{hint}, qr/connection is stored .* the next import reads what is missing/, "$name: the hint says that it is connected");
	$intuit->admin('clear_faults');
	is($node->sqlstate_of(call('import_accounts', 'Unread')), undef, "$name: an import works");
	is(sql(q{SELECT company FROM reefqbo.connection_status WHERE model = 'Unread'}), 'Pod 3 Ltd', "$name: and has read it");
	return;
}

# ---- a proxy ----

# A proxy that answers every CONNECT with this, and writes down what it was asked.
sub start_proxy
{
	my ($answer) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Proto => 'tcp', Listen => 50) or die "could not listen: $!";
	my $proxy = { port => $listener->sockport, log => PostgreSQL::Test::Utils::tempdir() . '/proxy' };

	append_to_file($proxy->{log}, '');
	$proxy->{pid} = fork() // die "could not fork: $!";
	return $proxy if $proxy->{pid};
	while (my $guest = $listener->accept)
	{
		my $asked = '';
		sysread($guest, $asked, 65536, length $asked) or last until $asked =~ /\r\n\r\n/;
		append_to_file($proxy->{log}, "$1\n") if $asked =~ /\A(\S+ \S+)/;
		syswrite $guest, $answer;
		close $guest;
	}
	POSIX::_exit(0);
}

sub stop_proxy
{
	my ($proxy) = @_;

	kill 'KILL', $proxy->{pid};
	waitpid $proxy->{pid}, 0;
	return;
}

sub asked_of { return split /\n/, slurp_file($_[0]{log}) }

# What a proxy says in its own name counts for nothing: not its clock, its pauses, its ids.
my $REFUSAL = join "\r\n", 'HTTP/1.1 403 Forbidden', 'Retry-After: 3000', 'intuit_tid: 1-proxy', 'Content-Length: 0', '', '';

sub test_refusing_proxy
{
	my $name = 'a proxy that refuses CONNECT';
	my $completing = signed_in('Proxy', 'pod-4');
	my $proxy = start_proxy($REFUSAL);
	my $through = "SET reefqbo.proxy = 'http://127.0.0.1:$proxy->{port}'; SET reefqbo.retry_budget = '1500ms'; ";

	stays_cut($name, $through . $completing, 'connect');
	is(join(' ', asked_of($proxy)), join(' ', ('CONNECT localhost:' . $intuit->port) x 2),
		"$name: it was asked twice, whatever no_proxy says, and for the host alone");
	my $error = $node->sqlstate_of($through . call('import_accounts', 'Cut'));
	is($error->{sqlstate}, 'RQ011', "$name: an import fails");
	unlike("$error->{detail}", qr/1-proxy/, "$name: its headers are not Intuit's");
	stop_proxy($proxy);
	is($node->sqlstate_of(call('import_accounts', 'Cut')), undef, "$name: without it an import works");
	return;
}

# ---- the environment ----

sub test_keylog
{
	is(-e $keylog ? 'written' : 'not there', 'not there', 'SSLKEYLOGFILE: no session key was written down');
	return;
}

# ---- a name server that does not answer ----

# A getaddrinfo that is asked for a host named mute, says so, and then waits until it is let go.
my $RESOLVER = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int			(*next) (const char *, const char *, const struct addrinfo *, struct addrinfo **) = dlsym(RTLD_NEXT, "getaddrinfo");

	if (node == NULL || strcmp(node, "mute.example") != 0)
		return next(node, service, hints, result);
	close(open(getenv("MUTE_IS_ASKED"), O_CREAT | O_WRONLY, 0600));
	while (access(getenv("MUTE_LETS_GO"), F_OK) != 0)
		usleep(10000);
	return EAI_AGAIN;
}
C

my ($ASKED, $LETS_GO) = map { PostgreSQL::Test::Utils::tempdir() . "/$_" } qw(asked lets_go);

# The server, restarted with that in front of the C library's own.
sub deafen
{
	my $directory = PostgreSQL::Test::Utils::tempdir();

	append_to_file("$directory/mute.c", $RESOLVER);
	system_or_bail('cc', '-shared', '-fPIC', '-o', "$directory/mute.so", "$directory/mute.c", '-ldl');
	$node->stop;
	local @ENV{qw(LD_PRELOAD MUTE_IS_ASKED MUTE_LETS_GO)} = ("$directory/mute.so", $ASKED, $LETS_GO);
	$node->start;
	return;
}

sub workers { return sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}) }

# A worker whose caller has gone goes too, though the name server has it wait: if it did not, this would wait in vain.
sub test_mute_name_server
{
	my ($name, $err) = ('a name server that does not answer', '');

	deafen();
	sql(q{UPDATE reefqbo.environment SET api_url = 'https://mute.example/production' WHERE name = 'sim-production'});
	my $caller = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SET reefqbo.connect_timeout = 600000; ' . call('import_accounts', 'Cut') ],
		'<', \undef, '>', \my $out, '2>', \$err);
	wait_until('it is asked', sub { return -e $ASKED });
	is(workers(), 1, "$name: a worker waits for it");
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ 'import_accounts' AND pid <> pg_backend_pid()});
	$caller->finish;
	like($err, qr/canceling statement due to user request/, "$name: the caller can cancel");
	wait_until('the worker has gone', sub { return workers() eq '0' });
	pass("$name: and the worker ends, while it still does not answer");

	# the same for a connection whose time is up: others must not wait for it
	unlink $ASKED;
	my $error = $node->sqlstate_of(q{SET reefqbo.connect_timeout = '300ms'; SET reefqbo.retry_budget = 0; } . call('import_accounts', 'Cut'));
	is($error->{sqlstate}, 'RQ011', "$name: an import fails when its time is up");
	ok(-e $ASKED && !-e $LETS_GO, "$name: and it still does not answer");
	append_to_file($LETS_GO, '');
	sql('UPDATE reefqbo.environment SET api_url = ' . quote($intuit->api_url('production')) . q{ WHERE name = 'sim-production'});
	is($node->sqlstate_of(call('import_accounts', 'Cut')), undef, "$name: an import of what can be resolved works");
	return;
}

# ---- the run ----

test_cut_handshake();
test_cut_handshakes();
test_company_unread();
test_refusing_proxy();
test_keylog();
test_mute_name_server();

$node->stop;
done_testing();
