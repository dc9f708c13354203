# One slow, dead or throttled company delays no other, models take turns, and what a company is asked stays within
# its budget however many models link it.

use strict;
use warnings;

use List::Util qw(max);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $intuit = Reefqbo::Simulator->start;
my $node = reefqbo_cluster('isolation', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'postgres'
reefqbo.max_concurrent_requests = 4
reefqbo.request_timeout = '60s'
reefqbo.retry_budget = '0'
END
my @dead = map { "pod-$_" } 1 .. 10;
my @alive = map { "pod-$_" } 11 .. 40;

sub list_of { return join ', ', map { quote($_) } @_ }

sub count_status
{
	my ($condition, @models) = @_;

	return sql("SELECT count(*) FROM reefqbo.upkeep_status WHERE $condition AND model IN (" . list_of(@models) . ')');
}

# Wait for something other than the end of the worker.
sub wait_for
{
	my ($what, $query) = @_;

	ok($node->poll_query_until('postgres', $query), $what);
}

# Twice as many companies keep silent as there are places for requests.
sub test_dead_companies
{
	$intuit->admin('fault', { kind => 'mute', company => $_, endpoint => 'any', times => -1 }) foreach @dead;
	set_clock($node, '6 hours');
	wait_for('all companies that answer are refreshed while others keep the worker waiting',
		'SELECT count(*) = 30 FROM reefqbo.upkeep_status WHERE last_success > reefqbo._now() - interval $$1 hour$$');
	is(count_status('failures_in_a_row > 0', @dead), 0, 'of those, none has been given up yet');
	is(sql(q{SELECT state FROM reefqbo.worker_status() WHERE database = 'postgres'}), 'working', 'and the worker still waits for them');
	cmp_ok($intuit->admin('stats')->{in_flight}, '<=', 16, 'for no more than three more requests than count for each that does');
	is(sql(q{SELECT xact_start IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'}), 't', 'with no transaction open');
	return;
}

# The dead ones time out, and are failing from then on: the next time they come last.
sub test_failing_come_last
{
	$node->append_conf('postgresql.conf', q{reefqbo.request_timeout = '100ms'});
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	set_clock($node, '2 hours');
	wait_for('companies that keep silent are given up', "SELECT count(*) = 10 FROM reefqbo.upkeep_status WHERE failures_in_a_row > 0 AND sqlstate = 'RQ011'");
	wait_until_idle($node);
	$node->append_conf('postgresql.conf', q{reefqbo.request_timeout = '60s'});
	$intuit->admin('log_clear');
	set_clock($node, '12 hours');
	wait_for('and do not hold up the others', 'SELECT count(*) = 30 FROM reefqbo.upkeep_status WHERE last_success > reefqbo._now() - interval $$1 hour$$');
	my %is_dead = map { $_ => 1 } @dead;
	my @order = map { $is_dead{ $_->{company} } ? 'dead' : 'alive' } accounting_requests($node);
	is(join(' ', @order[ 0 .. 29 ]), join(' ', ('alive') x 30), 'they are asked after all others');
	cmp_ok(scalar(grep { $_ eq 'dead' } @order), '<=', 4, 'and only as many at once as may be waited for');
	$intuit->admin('clear_faults');
	sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	pass_time($node, '12 hours');
	is(count_status('failures_in_a_row = 0', @dead), 10, 'until they answer again');
	return;
}

sub test_throttled_company
{
	$intuit->admin('fault', { kind => 'fault', code => '3001', company => 'pod-11', endpoint => 'cdc', times => -1, headers => { 'Retry-After' => '3600' } });
	pass_time($node, '6 hours');
	is(count_status('failures_in_a_row > 0', @alive), 1, 'a company that is throttled delays nobody but itself');
	is(count_status(q{sqlstate = 'RQ006' AND next_due >= last_success + interval '1 hour'}, 'pod-11'), 1, 'and is asked again when it said');
	$intuit->admin('clear_faults');
	pass_time($node, '6 hours');
	return;
}

# A model of many branches and models of one: nobody waits for the end of the many.
sub test_fairness
{
	my @stores = map { "pod-$_" } 101 .. 130;
	my $consents = $intuit->admin('consent', { companies => \@stores })->{consents};

	sql(q{SELECT FROM reefqbo.create_model('Chain')});
	foreach my $consent (@$consents)
	{
		my $branch = quote($consent->{company});
		sql(<<"END");
SELECT FROM reefqbo.create_branch('Chain', $branch);
SELECT substring(reefqbo.connect('Chain', 'sim-production', $branch) FROM 'state=([0-9a-f]+)') AS state \\gset
SELECT FROM reefqbo.complete_connection(:'state', '$consent->{code}', '$consent->{realm}');
END
	}
	sql(q{UPDATE reefqbo.schedule SET is_paused = true WHERE model_id <> reefqbo._model_id('Chain')});
	pass_time($node, '12 hours');
	sql(q{UPDATE reefqbo.schedule SET is_paused = false WHERE model_id IN (SELECT reefqbo._model_id('pod-' || n) FROM generate_series(31, 35) n)});
	wait_until_idle($node);
	$intuit->admin('log_clear');
	pass_time($node, '6 hours');
	my @order = map { $_->{company} } accounting_requests($node);
	my %place = map { $order[$_] => $_ } reverse 0 .. $#order;
	is(scalar(keys %place), 35, 'all are refreshed');
	cmp_ok(max(map { $place{"pod-$_"} } 31 .. 35), '<', 15, 'five models of one company are served among the first, though one of thirty is waiting as well');
	return;
}

# Three models on one company, imported by three sessions at once.
sub test_one_budget
{
	my @models = map { "Share $_" } 1 .. 3;

	foreach my $model (@models)
	{
		my ($consent) = @{ $intuit->admin('consent', { companies => ['kelp'] })->{consents} };
		sql(<<"END");
SELECT FROM reefqbo.create_model('$model');
SELECT substring(reefqbo.connect('$model', 'sim-production') FROM 'state=([0-9a-f]+)') AS state \\gset
SELECT FROM reefqbo.complete_connection(:'state', '$consent->{code}', '$consent->{realm}');
END
	}
	$intuit->admin('log_clear');
	import_many($node, '2024-01-01', '2026-10-31', @models);
	my @asked = accounting_requests($node, 0, 'kelp');
	is(scalar(@asked), 24, 'three imports of one company make eight requests each');
	is(scalar(grep { $_->{status} != 200 } @asked), 0, 'none of which is one too many in a second');
	is($intuit->admin('stats')->{max_in_flight_by_company}{kelp}, 1, 'and never two at once');
	return;
}

# A full disk: no attempt can be noted, so none is made, however often it is tried.
sub test_nothing_can_be_noted
{
	sql(<<'END_OF_BLOCK');
CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full USING MESSAGE = 'no room for Pod 1 Ltd'; END $$;
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON reefqbo.upkeep FOR EACH ROW EXECUTE FUNCTION public.refuse();
END_OF_BLOCK
	$intuit->admin('log_clear');
	set_clock($node, '6 hours');
	wait_for('a worker that can record nothing says so', q{SELECT problem = 'no attempt could be noted' FROM reefqbo.worker_status() WHERE database = 'postgres'});
	$node->reload;
	wait_for('also when it has tried again', q{SELECT state = 'failing' FROM reefqbo.worker_status() WHERE database = 'postgres'});
	is(scalar(accounting_requests($node)), 0, 'and asks QuickBooks nothing');
	like(slurp_file($node->logfile), qr/no attempt could be noted\n.*DETAIL:  no room for Pod 1 Ltd/, 'the log alone is told of which company that was');
	is(scalar(() = slurp_file($node->logfile) =~ /WARNING:  reefqbo cannot work in database "postgres": no attempt could be noted/g), 1, 'which the log has once');
	sql('DROP TRIGGER refuse ON reefqbo.upkeep; DROP FUNCTION public.refuse()');
	pass_time($node, '1 hour');
	is(count_status(q{last_success > reefqbo._now() - interval '2 hours'}, @dead, @alive), 40, 'until it can: then all is made up for');
	return;
}

# Somebody who works on one model and leaves a transaction open: whatever it has locked, its own model waits, and nobody else.
sub test_open_transaction
{
	my ($name, $role, $statement) = @_;
	my ($held, $under_way, @others) = map { "pod-$_" } 11 .. 15;
	my $before = sql('SELECT reefqbo._now()');
	my $fresh = "last_success > '$before'";
	my $log_start = -s $node->logfile;
	my $open = $node->background_psql('postgres', extra_params => $role ? [ '-U', $role ] : []);

	$open->query_safe("BEGIN; $statement;");
	$intuit->admin('fault', { kind => 'hold', company => $under_way, endpoint => 'any' });
	set_clock($node, '7 hours');
	$node->wait_for_fault($under_way, 'hold');
	wait_for("$name: other companies are refreshed", "SELECT count(*) = 3 FROM reefqbo.upkeep_status WHERE $fresh AND model IN (" . list_of(@others) . ')');
	$intuit->admin('release');
	wait_for("$name: so is the one whose import was under way", "SELECT $fresh FROM reefqbo.upkeep_status WHERE model = '$under_way'");
	wait_for("$name: the worker comes to its end all the same", q{SELECT state = 'idle' FROM reefqbo.worker_status() WHERE database = 'postgres'});
	is(count_status($fresh, $held), 0, "$name: the model that is locked waits");
	is(count_status('failures_in_a_row > 0', $held, $under_way, @others), 0, "$name: nothing has failed");
	unlike(slurp_file($node->logfile, $log_start), qr/cannot work in database/, "$name: nor the worker");
	$open->query_safe('COMMIT;');
	$open->quit;
	wait_for("$name: when it has ended, that model is refreshed, too", "SELECT $fresh FROM reefqbo.upkeep_status WHERE model = '$held'");
	return;
}

sub test_open_transactions
{
	sql('CREATE ROLE clerk LOGIN; ' . call('grant_access', 'clerk', 'operator', 'pod-11'));
	test_open_transaction('a schedule that was set', 'clerk', "SELECT FROM reefqbo.set_schedule('pod-11', reread_months => 4)");
	test_open_transaction('the connection itself', undef, q{SELECT FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id) WHERE m.name = 'pod-11' FOR UPDATE});
	return;
}

connect_many($node, 'sim-production', @dead, @alive);
pass_time($node, '7 hours');
$intuit->admin('log_clear');
test_open_transactions();
test_dead_companies();
test_failing_come_last();
test_nothing_can_be_noted();
test_throttled_company();
test_fairness();
test_one_budget();
done_testing();
