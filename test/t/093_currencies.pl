# A company with several currencies: accounts in another currency are revalued without a posting. The proof knows that,
# a refresh reads the running month whatever QuickBooks says of changes, the ledger of such an account shows it as a line
# of its own, and a report in another currency than the company's is no report of it.
#
# Expected figures are the ledger's own sums (the admin verb "truth") and the revaluations made here.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('currencies', $intuit, proof_requests => 1);
my %account = map { $_->{name} => $_->{id} } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} };
my ($EURO) = map { $_->{id} } grep { $_->{currency} eq 'EUR' } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} };
my ($BANK, $EQUIPMENT) = map { my $type = $_; (map { $_->{id} } grep { $_->{type} eq $type && $_->{currency} eq 'USD' && $_->{active} } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} })[0] } 'Bank', 'Expense';

sub revalue { my ($date, $amount) = @_; $intuit->admin('revalue', { company => 'lagoon', account => $EURO, date => $date, amount => $amount }); return }

sub said { my ($sql) = @_; my ($status, $out, $err) = $node->psql('postgres', $sql); return { out => $out, err => $err, status => $status } }

sub checks
{
	return sql(q{SELECT statement, passed, detail FROM reefqbo.tie_out_check WHERE kind = 'trial_balance_statements' AND account_id IS NULL
	               AND import_id = (SELECT max(import_id) FROM reefqbo.tie_out_check) ORDER BY 1});
}

# ---- proof ----

sub test_proof
{
	revalue('2025-12-20', '-2.00');
	revalue('2026-02-10', '-3.00');
	$node->connect_company('Lagoon', 'sim-production', 'lagoon');
	my $import = said(q{SELECT FROM reefqbo.import_actuals('Lagoon', '2025-01-01', '2026-11-30')});
	unlike($import->{err}, qr/WARNING/, 'a company that revalues is imported without a warning');
	my $detail = '1 accounts in another currency \([^)]+\) are revalued by -5\.00, which the trial balance does not know; the profit and loss has it as a line that is in no chart, 3\.00';
	like(checks(), qr/\Abalance_sheet\|t\|$detail\nprofit_and_loss\|t\|$detail\z/, 'the checks have passed, with what the difference is');
	is(sql('SELECT count(*) FROM reefqbo.tie_out_check WHERE passed IS FALSE'), '0', 'nothing has failed');
	is(sql(q{SELECT count(*) FROM reefqbo.tie_out('Lagoon') WHERE NOT passed}), '0', 'tie_out() is content too');

	# from the running fiscal year on, nobody knows what the years before had
	$node->connect_company('Later', 'sim-production', 'lagoon');
	$import = said(q{SELECT FROM reefqbo.import_actuals('Later', '2026-01-01', '2026-11-30')});
	unlike($import->{err}, qr/WARNING/, 'imported from this year on, without a warning');
	like(checks(), qr/\Abalance_sheet\|\|.*revalued by -5\.00/, 'and it is not known whether all of it is revaluation');
	return;
}

# What is no revaluation is a difference.
sub test_difference
{
	$intuit->admin('fault', { kind => 'break_tb', company => 'lagoon', by => '7.50', pair => 1, times => -1 });
	my $import = said(q{SELECT FROM reefqbo.import_actuals('Lagoon', '2026-11-01', '2026-11-30')});
	like($import->{err}, qr/WARNING:  Lagoon Resorts LLC: what was imported does not tie out/, 'an account in the home currency that differs is a failure');
	like(checks(), qr/\|f\|/, 'and fails the check');
	$intuit->admin('clear_faults');
	$intuit->admin('fault', { kind => 'break_tb', company => 'lagoon', by => '7.50', account => $EURO, times => -1 });
	$import = said(q{SELECT FROM reefqbo.import_actuals('Lagoon', '2026-11-01', '2026-11-30')});
	like($import->{err}, qr/WARNING/, 'so is one in another currency, by another amount than the line says');
	$intuit->admin('clear_faults');
	return;
}

# ---- what makes up a figure ----

sub lines_of { return sql("SELECT coalesce(transaction_type, '-'), amount, running FROM reefqbo.ledger_lines('Lagoon', '$EURO', '$_[0]', until => '$_[1]') ORDER BY line DESC LIMIT 1") }

sub figure_of { return sql("SELECT amount FROM reefqbo.actual JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = 'Lagoon' AND account_id = '$EURO' AND statement = 'balance_sheet' AND period_start = '$_[0]'") }

sub test_ledger_lines
{
	is(lines_of('2026-02-01', '2026-02-28'), 'Revaluation|-3.00|' . figure_of('2026-02-01'), 'the revaluation of a month is a line of its own');
	is(sql("SELECT running FROM reefqbo.ledger_lines('Lagoon', '$EURO', '2026-03-01') WHERE line = 0"), figure_of('2026-02-01'), 'the next month begins with the balance that has it');
	unlike(lines_of('2026-03-01', '2026-03-31'), qr/Revaluation/, 'and has none of its own');
	$intuit->admin('post', { company => 'lagoon', date => '2026-02-11', lines => [ { account => $EURO, amount => '1.50' }, { account => $BANK, amount => '-1.50' } ] });
	is($node->sqlstate_of("SELECT FROM reefqbo.ledger_lines('Lagoon', '$EURO', '2026-02-01')")->{sqlstate}, 'RQ007', 'a posting since is no revaluation');
	sql(q{SELECT FROM reefqbo.refresh('Lagoon')});
	is(lines_of('2026-02-01', '2026-02-28'), 'Revaluation|-3.00|' . figure_of('2026-02-01'), 'when it is read, all is well');
	return;
}

# ---- a rate moves ----

sub test_quiet_refresh
{
	sql(q{SELECT FROM reefqbo.refresh('Lagoon')});
	my $before = figure_of('2026-11-01');
	revalue('2026-11-15', '-20.00');
	$intuit->admin('log_clear');
	sql(q{SELECT FROM reefqbo.refresh('Lagoon')});
	is(sql("SELECT " . figure_of('2026-11-01') . " - ($before)"), '-20.00', 'a refresh has what a rate has moved, though nobody posted');
	my @asked = map { "$_->{endpoint} " . join '..', ($_->{query} // '') =~ /start_date=(\d+-\d+).*end_date=(\d+-\d+)/ } @{ $intuit->admin('log')->{log} };
	is(scalar(grep { /\A(?:ProfitAndLoss|BalanceSheet) 2026-11\.\.2026-11/ } @asked), 2, 'for the two statements of the running month') or diag "@asked";
	is(sql(q{SELECT amount FROM reefqbo.actual JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = 'Lagoon' AND account_id = 'computed:OtherExpenses:1' AND period_start = '2026-11-01'}),
		'20.00', 'and the line of the profit and loss');

	# one of a single currency asks for nothing
	$node->connect_company('Single', 'sim-production', 'pod-1');
	sql(q{SELECT FROM reefqbo.import_actuals('Single', '2026-10-01', '2026-11-30')});
	sql(q{SELECT FROM reefqbo.refresh('Single')});
	$intuit->admin('log_clear');
	like(said(q{SELECT FROM reefqbo.refresh('Single')})->{err}, qr/nothing has changed/, 'with one currency, nothing has changed');
	is(scalar(grep { $_->{endpoint} =~ /Sheet|Profit/ } @{ $intuit->admin('log')->{log} }), 0, 'and nothing is read');
	return;
}

# ---- the currency of a report ----

sub test_currency_of_reports
{
	my $amounts = q{SELECT account_id, period_start, amount FROM reefqbo.actual JOIN reefqbo.connection_status USING (model_id, connection_id) WHERE model = 'Single' ORDER BY 1, 2, statement};
	my $before = sql($amounts);

	$intuit->admin('set_company', { company => 'pod-1', currency => 'GBP' });
	my $error = $node->sqlstate_of(q{SELECT FROM reefqbo.import_actuals('Single', '2026-10-01', '2026-11-30')});
	is($error->{sqlstate}, 'RQ008', 'reports in another currency than the company\'s are refused');
	like($error->{message}, qr/is in GBP, and the company's currency is USD/, 'with both');
	is(sql($amounts), $before, 'and nothing is stored');
	$intuit->admin('set_company', { company => 'pod-1', currency => 'USD' });

	# where Preferences say nothing, reports do
	$node->connect_company('Silent', 'sim-production', 'corail');
	sql(q{UPDATE reefqbo.connection SET home_currency = NULL WHERE company_name ~ '^Corail'});
	sql(q{SELECT FROM reefqbo.import_actuals('Silent', '2026-10-01', '2026-10-31')});
	is(sql(q{SELECT home_currency FROM reefqbo.connection WHERE company_name ~ '^Corail'}), 'EUR', 'a company that did not tell its currency has that of its reports');
	return;
}

test_proof();
test_difference();
test_ledger_lines();
test_quiet_refresh();
test_currency_of_reports();
done_testing();
