# What happens below HTTP: a request that never left is not one that was lost.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('wire', $intuit);

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub call { return Reefqbo::Cluster::call(@_) }

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

# ---- the run ----

test_cut_handshake();
test_cut_handshakes();
test_company_unread();

$node->stop;
done_testing();
