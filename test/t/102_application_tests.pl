# The simulator as a tool for applications' tests: installed, told of companies by a file, and the steps of the workflow
# in docs/testing.md, one after the other. What reefqbo_test.seed stores is what an import of the same books stores.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Find qw(find);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $CHECKOUT = abs_path("$Reefqbo::Simulator::HERE/../../..");
my $COMPANIES = "$CHECKOUT/simulator/example_companies.json";
my %EXAMPLE = (acme => 0, boulangerie => 1);

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', companies => $COMPANIES, no_throttle => undef);
my $node = reefqbo_cluster('application', $intuit);
sql(slurp_file("$CHECKOUT/simulator/reefqbo_test.sql"));

# ---- figures without a sign-in ----

sub seed
{
	my ($model, $company, $start, $end) = @_;
	return "SELECT reefqbo_test.seed('$model', pg_read_file('$COMPANIES')::jsonb -> $EXAMPLE{$company}, '$start', '$end')";
}

# What a statement says of a model, but for which model it is.
sub shown
{
	my ($call) = @_;
	return sql("SELECT to_jsonb(x) - 'connection_id' FROM $call x ORDER BY line, to_jsonb(x) ->> 'period_start'");
}

sub test_seed
{
	my ($company, $start, $end, $month) = @_;

	$node->connect_company("$company real", 'sim-production', $company);
	sql(call('import_actuals', "$company real", $start, $end));
	sql(seed("$company seeded", $company, $start, $end));
	foreach my $call ("profit_and_loss('%s', '$start', '$end')", "balance_sheet('%s', '$start', '$end')",
		"profit_and_loss('%s', '$start', '$end', 'year')", "trial_balance('%s', '$month')",
		"statement('%s', 'cash_flow', '$start', '$end')")
	{
		my ($real, $seeded) = map { shown('reefqbo.' . sprintf $call, "$company $_") } 'real', 'seeded';
		is($seeded, $real, "$company: $call is the same of seeded figures");
		cmp_ok(length $real, '>', 100, 'and there is something in it') unless $call =~ /cash_flow/;
	}
	return;
}

sub test_seeded_connection
{
	is(sql("SELECT status, company FROM reefqbo.connection_status WHERE model = 'acme seeded'"), 'connected|Acme Bakery Ltd', 'a seeded company looks connected');
	is(sql("SELECT is_paused FROM reefqbo.schedule JOIN reefqbo.model USING (model_id) WHERE name = 'acme seeded'"), 't', 'and is never due');
	is(sql("SELECT amount FROM reefqbo.profit_and_loss('acme seeded', '2026-01-01', '2026-01-31') WHERE trim(label) = 'Net Income'"), '1650.50', '2400.50 less 750');
	is(sql("SELECT amount FROM reefqbo.balance_sheet('acme seeded', '2026-01-01', '2026-01-31') WHERE trim(label) = 'Retained Earnings'"), '900.00', 'the year before is in retained earnings');
	sql(seed('acme seeded', 'acme', '2026-01-01', '2026-01-31'));
	is(sql("SELECT count(DISTINCT period_start) FROM reefqbo.imported_month JOIN reefqbo.model USING (model_id) WHERE name = 'acme seeded'"), '1', 'seeding again replaces');
	sql("SELECT reefqbo.create_model('Training', 'training')");
	sql(seed('Training', 'boulangerie', '2026-01-01', '2026-03-31'));
	is(sql("SELECT currency, amount FROM reefqbo.profit_and_loss('Training', '2026-01-01', '2026-01-31') WHERE trim(label) = 'Net Income'"), 'EUR|320.00', 'a training model may be seeded too');
	return;
}

sub test_refusals
{
	my $wrong = sub { sqlstate("SELECT reefqbo_test.seed('Wrong', '$_[0]', '2026-01-01', '2026-01-31')") };

	is(sqlstate(seed('acme real', 'acme', '2026-01-01', '2026-01-31')), '55000', 'a real connection is not touched');
	is(sqlstate(seed('Wrong', 'acme', '2026-01-02', '2026-01-31')), '22023', 'whole months');
	is($wrong->('{"key": "x", "accounts": [{"name": "A", "type": "Bankk"}]}'), '22023', 'an unknown type');
	is($wrong->('{"key": "x", "accounts": [{"name": "A", "type": "Bank"}], "postings": [{"date": "2026-01-01", "lines": [{"account": "B", "amount": "1"}]}]}'), '22023', 'an unknown account');
	is($wrong->('{"key": "x", "accounts": [{"name": "A", "type": "Bank"}], "postings": [{"date": "2026-01-01", "lines": [{"account": "A", "amount": "1"}]}]}'), '22023', 'a posting that does not sum to zero');
	is(sql("SELECT count(*) FROM reefqbo.model WHERE name = 'Wrong'"), '0', 'and nothing is left of them');
	return;
}

# ---- the workflow ----

# [ name, what is run ] of each step of the manual's workflow.
sub workflow_steps
{
	my ($yaml) = slurp_file("$CHECKOUT/docs/testing.md") =~ /```yaml\n(.*?)```/s or die 'no workflow';
	my @steps;

	foreach my $step (split /\n      - /, $yaml)
	{
		my ($name, $run) = $step =~ /\Aname: ([^\n]+)\n        run: \|\n(.*)\z/s or next;
		$run =~ s/^ {10}//mg;
		push @steps, [ $name, $run ];
	}
	return @steps;
}

# As GitHub runs it: each step in a shell of its own that ends with the first error; what goes to GITHUB_ENV is there
# from the next on. Steps that need root are those before, which "make test" has done in its way.
sub test_workflow
{
	my $home = PostgreSQL::Test::Utils::tempdir();
	my @steps = workflow_steps();
	my %of = map { $_->[0] => 1 } @steps;

	local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGUSER => 'postgres', HOME => $home,
		GITHUB_ENV => "$home/env", PREFIX => "$home/local", PATH => "$home/local/bin:$ENV{PATH}", REEFQBO => $CHECKOUT);
	ok($of{$_}, "the workflow has a step: $_") foreach 'Install the simulator', 'Start the simulator', 'Make the database', 'Run the tests';
	append_to_file("$home/env", '');
	foreach my $step (grep { $_->[1] !~ /sudo/ } @steps)
	{
		foreach my $line (split /\n/, slurp_file("$home/env"))
		{
			my ($name, $value) = split /=/, $line, 2;
			$ENV{$name} = $value;
		}
		my ($out, $err) = run_command([ 'bash', '-e', '-o', 'pipefail', '-c', "cd '$home' && { $step->[1]\n} 2>&1; echo it-ended-well" ]);
		like($out, qr/it-ended-well\z/, "step: $step->[0]") or diag("$out\n$err");
	}
	is(sql_in('app_test', "SELECT company FROM reefqbo.connection_status WHERE model = 'Acme'"), 'Acme Bakery Ltd', 'the tests of the workflow have connected a company');
	return $home;
}

sub test_uninstall
{
	my ($home) = @_;
	my @left;

	system_or_bail('make', '-s', '-C', $CHECKOUT, 'uninstall-simulator', "PREFIX=$home/local");
	find(sub { push @left, $File::Find::name if -f }, "$home/local");
	is_deeply(\@left, [], 'uninstall-simulator takes away what install-simulator has brought');
	return;
}

test_seed('acme', '2025-11-01', '2026-03-31', '2026-02-01');
test_seed('boulangerie', '2026-01-01', '2026-04-30', '2026-01-01');
test_seeded_connection();
test_refusals();
test_uninstall(test_workflow());
$node->stop;

done_testing();
