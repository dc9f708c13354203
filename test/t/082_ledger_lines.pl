# What makes up a figure: the postings are those of the ledger and sum to the figure that was imported, or are refused.
#
# What is expected is the simulator's own list of postings (the admin verb "truth", statement ledger_lines).

use strict;
use warnings;

use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Characters qw(sql);
use Reefqbo::Cluster qw(:DEFAULT !sql);
use Reefqbo::Ledger;
use Reefqbo::Simulator;

# The fiscal year of reef is the calendar's; the range goes over its end.
my ($FIRST, $LAST) = ('2025-10-01', '2026-09-30');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('ledger_lines', $intuit);

sub lines_of
{
	my ($account, $month, %more) = @_;
	my $arguments = join ', ', map { quote($_) } 'Reef', $account, $month;

	return "reefqbo.ledger_lines($arguments" . join('', map { ", $_ => " . (ref $more{$_} ? ${ $more{$_} } : quote($more{$_})) } sort keys %more) . ')';
}

# ---- what the ledger says ----

my %chart = map { $_->{id} => $_ } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

sub is_movement { return $chart{ $_[0] }{type} =~ /\A(?:Income|Other Income|Cost of Goods Sold|Expense|Other Expense)\z/ }

sub ledger_postings
{
	my ($account, $first, $last, $method) = @_;
	return map { join '|', $_->{date}, $_->{type}, $_->{txn}, plain($_->{amount}) }
	  @{ $intuit->truth(company => 'reef', statement => 'ledger_lines', account => $account, start => $first, end => $last, method => $method)->{rows} };
}

# The movement over the months, or the balance at their end, by the ledger's statements.
sub ledger_figure
{
	my ($account, $first, $last, $method) = @_;
	my $statement = is_movement($account) ? 'profit_and_loss' : 'balance_sheet';
	my $rows = $intuit->truth(company => 'reef', statement => $statement, start => $first, end => $last, method => $method)->{rows};
	my $cents = 0;

	foreach my $row (grep { ($_->{account_id} // '') eq $account } @$rows)
	{
		next if $statement eq 'balance_sheet' && $row->{period_end} ne $last;
		$cents += sprintf '%.0f', 100 * $row->{amount};
	}
	return plain(sprintf '%.2f', $cents / 100);
}

# ---- what is read ----

sub check_lines
{
	my ($account, $month, $until, $method, $name) = @_;
	my $rows = lines_of($account, $month, until => $until, accounting_method => $method);
	my @got = split /\n/, sql("SELECT line, transaction_date, transaction_type, transaction_id, trim_scale(amount), account_id, running FROM $rows");
	my @expected = ledger_postings($account, $month, $until, $method);
	my @lines = map { [ split /\|/ ] } @got;
	my @openings = grep { $_->[0] == 0 } @lines;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is(scalar(@openings), is_movement($account) ? 0 : 1, "$name, $method: a beginning balance is for accounts that have balances");
	is(join("\n", map { join '|', @{$_}[ 1 .. 4 ] } grep { $_->[0] > 0 } @lines), join("\n", @expected),
		"$name, $method: the " . @expected . ' postings of the ledger, in its order, and those only');
	is(plain(@lines ? $lines[-1][6] : '0.00'), ledger_figure($account, $month, $until, $method), 'and the last sum is the figure');
	return scalar(@expected);
}

# The accounts that are worth a look.
sub find_account
{
	my ($condition) = @_;
	my $id = sql("SELECT a.account_id FROM reefqbo.account a JOIN reefqbo.actual v USING (model_id, connection_id, account_id)"
		  . " WHERE v.period_start = '2026-05-01' AND v.accounting_method = 'Accrual' AND v.amount <> 0 AND $condition ORDER BY length(a.account_id), 1 LIMIT 1");
	ok($id ne '', "there is an account: $condition");
	return $id;
}

my $has_children = 'EXISTS (SELECT FROM reefqbo.account c WHERE c.parent_account_id = a.account_id AND c.connection_id = a.connection_id)';

sub test_figures
{
	my %account = (
		'an income account' => find_account("a.account_type = 'Income' AND NOT $has_children"),
		'an expense account' => find_account("a.account_type = 'Expense' AND NOT $has_children"),
		'a parent with postings of its own' => find_account("v.statement = 'profit_and_loss' AND $has_children"),
		'an account below another' => find_account("v.statement = 'profit_and_loss' AND a.parent_account_id IS NOT NULL"),
		'the bank' => find_account("a.account_type = 'Bank'"),
		'receivables' => find_account("a.account_type = 'Accounts Receivable'"),
		'payables' => find_account("a.account_type = 'Accounts Payable'"),
		'equity' => find_account("a.account_type = 'Equity' AND NOT a.is_computed AND a.account_subtype <> 'RetainedEarnings'"));
	my $postings = 0;

	foreach my $name (sort keys %account)
	{
		$postings += check_lines($account{$name}, '2026-05-01', '2026-05-31', $_, $name) foreach qw(Accrual Cash);
		check_lines($account{$name}, '2025-11-01', '2026-03-31', 'Accrual', "$name, over the end of a year");
	}
	cmp_ok($postings, '>', 20, 'there was something to read');
	is(sql('SELECT count(*) FROM reefqbo.ledger_line'), 0, 'and nothing of it is stored');
	is(sql("SELECT DISTINCT kind, status FROM reefqbo.import_log WHERE kind NOT IN ('actuals', 'accounts')"), 'ledger_lines|succeeded', 'but a line in the log');
	return;
}

# An account is named by id, number or name; a month by any of its days.
sub test_names
{
	my ($id, $number, $name) = split /\|/, sql(q{SELECT account_id, account_number, fully_qualified_name FROM reefqbo.account
	  WHERE account_type = 'Bank' AND account_number IS NOT NULL AND is_active ORDER BY 1 LIMIT 1});
	my $rows = sql('SELECT * FROM ' . lines_of($id, '2026-05-01'));

	cmp_ok(length($rows), '>', 100, 'there are lines');
	is(sql('SELECT * FROM ' . lines_of($_, '2026-05-17')), $rows, "the same by \"$_\"") foreach $number, $name;
	is(try('SELECT * FROM ' . lines_of('no such account', '2026-05-01'))->{sqlstate}, '42704', 'there must be one');
	is(try('SELECT * FROM ' . lines_of('computed:NetIncome', '2026-05-01'))->{sqlstate}, '42704', 'that has postings');
	is(try('SELECT * FROM ' . lines_of($id, '2026-05-01', until => '2026-04-30'))->{sqlstate}, '22023', 'a range goes forward');
	is(try('SELECT * FROM ' . lines_of($id, '2026-05-01', accounting_method => 'Magic'))->{sqlstate}, '22023', 'there are two methods');
	is(try('SELECT * FROM ' . lines_of($id, undef))->{sqlstate}, '22004', 'a month is needed');
	sql("UPDATE reefqbo.account SET account_number = 'twice' WHERE account_id IN ('$id', (SELECT max(account_id) FROM reefqbo.account WHERE account_id <> '$id' AND NOT is_computed))");
	my $error = try('SELECT * FROM ' . lines_of('twice', '2026-05-01'));
	is($error->{sqlstate}, '22023', 'a number that two accounts have is refused');
	like($error->{hint}, qr/\b\Q$id\E\b/, 'with their ids');
	sql(call('import_accounts', 'Reef'));
	return;
}

sub test_shapes
{
	my $bank = find_account("a.account_type = 'Bank'");
	my $below = sql(q{SELECT a.account_id FROM reefqbo.account a JOIN reefqbo.account p ON p.account_id = a.parent_account_id AND p.connection_id = a.connection_id
	  JOIN reefqbo.actual v ON v.account_id = a.account_id AND v.connection_id = a.connection_id AND v.period_start = '2026-05-01' AND v.accounting_method = 'Accrual' AND v.amount <> 0
	  WHERE NOT EXISTS (SELECT FROM reefqbo.actual o WHERE o.account_id = p.account_id AND o.connection_id = a.connection_id
	    AND o.accounting_method = 'Accrual' AND o.period_start BETWEEN '2025-10-01' AND '2026-05-01' AND o.amount <> 0)
	  ORDER BY 1 LIMIT 1});

	isnt($below, '', 'there is an account below one without postings');

	foreach my $switches ({ gl_form => 'old' }, { zero_style => 'dot' }, { zero_style => 'empty' }, { shuffle => JSON::PP::true() }, { locale => 'fr' })
	{
		my ($switch) = %$switches;
		$intuit->admin('config', { company => 'reef', %$switches });
		check_lines($bank, '2026-05-01', '2026-05-31', 'Accrual', "$switch, the bank");
		check_lines($below, '2026-05-01', '2026-05-31', 'Accrual', "$switch, an account below one without postings");
		$intuit->admin('config', { company => 'reef', gl_form => 'new', zero_style => 'mixed', shuffle => JSON::PP::false(), locale => 'en' });
	}
	return;
}

# What is too much at once is asked for in halves; a month that is cut is refused.
sub test_too_much
{
	my $bank = find_account("a.account_type = 'Bank'");

	$intuit->admin('fault', { company => 'reef', endpoint => 'GeneralLedger', kind => 'cut_report', times => 2 });
	check_lines($bank, '2026-01-01', '2026-06-30', 'Accrual', 'cut twice');
	$intuit->admin('clear_faults');
	$intuit->admin('fault', { company => 'reef', endpoint => 'GeneralLedger', kind => 'max_months', months => 2, times => -1 });
	check_lines($bank, '2026-01-01', '2026-06-30', 'Accrual', 'two months at most');
	$intuit->admin('clear_faults');
	$intuit->admin('fault', { company => 'reef', endpoint => 'GeneralLedger', kind => 'cut_report', times => -1 });
	my $error = try('SELECT * FROM ' . lines_of($bank, '2026-05-01', keep => \'true'));
	$intuit->admin('clear_faults');
	is($error->{sqlstate}, 'RQ008', 'a month that is cut is refused');
	like($error->{hint}, qr/\S/, 'with a hint');
	is(sql('SELECT count(*) FROM reefqbo.ledger_line'), 0, 'and nothing is stored');
	return;
}

sub test_refusals
{
	my $bank = find_account("a.account_type = 'Bank'");

	foreach my $case (
		[ 'RQ007', 'an amount that is not that of the ledger', kind => 'break_sum', by => '1.00' ],
		[ 'RQ008', 'other dates', kind => 'wrong_dates' ],
		[ 'RQ008', 'the other method', kind => 'wrong_basis' ],
		[ 'RQ008', 'a zero character', kind => 'nul' ],
		[ 'RQ008', 'what is not UTF-8', kind => 'bad_utf8' ],
		[ 'RQ008', 'too deep a tree', kind => 'deep', depth => 5000 ],
		[ 'RQ008', 'half an answer', kind => 'truncate', fraction => '0.5' ],
		[ 'RQ008', 'a fault with status 200', kind => 'fault_200', code => '6000' ])
	{
		my ($sqlstate, $name, %fault) = @$case;
		$intuit->admin('fault', { company => 'reef', endpoint => 'GeneralLedger', times => -1, %fault });
		my $error = try('SET reefqbo.retry_budget = 0; SELECT * FROM ' . lines_of($bank, '2026-05-01', keep => \'true'));
		$intuit->admin('clear_faults');
		is($error->{sqlstate}, $sqlstate, "refused: $name") or diag($error->{message} . "\n" . ($error->{detail} // ''));
		is(sql('SELECT count(*) FROM reefqbo.ledger_line'), 0, 'and nothing is stored');
	}
	return;
}

sub kept_lines
{
	my ($account) = @_;
	return sql("SELECT period_start, line, transaction_date, transaction_id, trim_scale(amount) FROM reefqbo.ledger_line WHERE account_id = '$account' ORDER BY 1, 2");
}

# What is expected of the table, by the ledger.
sub expected_lines
{
	my ($account, $first, $last) = @_;
	my (%line, @rows);

	foreach my $posting (ledger_postings($account, $first, $last, 'Accrual'))
	{
		my ($date, undef, $txn, $amount) = split /\|/, $posting;
		my $month = substr($date, 0, 7) . '-01';
		push @rows, join '|', $month, ++$line{$month}, $date, $txn, $amount;
	}
	return join "\n", @rows;
}

sub test_keeping
{
	my $income = find_account("a.account_type = 'Income' AND NOT $has_children");
	my $bank = find_account("a.account_type = 'Bank'");

	sql('SELECT * FROM ' . lines_of($_, '2026-04-01', until => '2026-06-30', keep => \'true')) foreach $income, $bank;
	is(kept_lines($_), expected_lines($_, '2026-04-01', '2026-06-30'), 'what was to be kept is kept, as the ledger has it') foreach $income, $bank;
	my $old = sql("SELECT sum(amount) FROM reefqbo.ledger_line WHERE account_id = '$income' AND period_start = '2026-05-01'");
	$intuit->admin('post', { company => 'reef', date => '2026-05-12', lines => [
		{ account => $bank, amount => '50.10' }, { account => $income, amount => '-50.10' } ] });

	my $error = try('SELECT * FROM ' . lines_of($income, '2026-05-01', keep => \'true'));
	is($error->{sqlstate}, 'RQ007', 'after a posting the figure is old, and the lines are refused');
	like($error->{detail}, qr/The movement is -?[\d.]+ by the general ledger, and -?[\d.]+ as it was imported/, 'with both figures');
	like($error->{hint}, qr/reefqbo\.refresh/, 'and a hint');
	is(sql("SELECT sum(amount) FROM reefqbo.ledger_line WHERE account_id = '$income' AND period_start = '2026-05-01'"), $old, 'what was kept stays');
	$error = try('SELECT * FROM ' . lines_of($bank, '2026-06-01'));
	like($error->{detail}, qr/\AThe beginning balance is /, 'a balance is held against the one before, too');
	sql(call('refresh', 'Reef'));
	sql('SELECT * FROM ' . lines_of($income, '2026-05-01', keep => \'true'));
	is(kept_lines($income), expected_lines($income, '2026-04-01', '2026-06-30'), 'after a refresh they take the place of that month\'s, and of no other');
	return;
}

# More lines than are stored by one statement, and than there is memory for.
sub test_many
{
	my $income = find_account("a.account_type = 'Income' AND NOT $has_children");
	my $bank = find_account("a.account_type = 'Bank'");
	my $seen = -s $node->logfile;

	$node->append_conf('postgresql.conf', "work_mem = '64kB'\nlog_temp_files = 0");
	$node->reload;
	$intuit->admin('post', { company => 'reef', date => '2026-05-20', lines => [
		(map { { account => $bank, amount => $_ % 2 ? '0.02' : '-0.01' } } 1 .. 2500), { account => $income, amount => '-12.50' } ] });
	sql(call('refresh', 'Reef'));
	cmp_ok(check_lines($bank, '2026-04-01', '2026-06-30', 'Accrual', 'very many'), '>', 2500, 'as many as that');
	like(slurp_file($node->logfile, $seen), qr/ reefqbo worker .* temporary file: /, 'which the worker has not all kept in memory');
	sql('SELECT * FROM ' . lines_of($bank, '2026-04-01', until => '2026-06-30', keep => \'true'));
	is(kept_lines($bank), expected_lines($bank, '2026-04-01', '2026-06-30'), 'and all are kept');
	return;
}

# A month that was not imported is read all the same, and said to be unproved.
sub test_no_figure
{
	my $bank = find_account("a.account_type = 'Bank'");
	my ($status, $out, $err) = $node->psql('postgres', 'SELECT * FROM ' . lines_of($bank, '2025-03-01'));

	is($status, 0, 'a month that was not imported is read');
	like($err, qr/NOTICE: .* are held against no figure/, 'with a notice');
	is(scalar(() = $out =~ /^(?!0\|)\d+\|/mg), scalar(ledger_postings($bank, '2025-03-01', '2025-03-31', 'Accrual')), 'and all its postings');
	my $retained = sql(q{SELECT account_id FROM reefqbo.account WHERE account_subtype = 'RetainedEarnings'});
	is(try('SELECT * FROM ' . lines_of($retained, '2025-12-01', until => '2026-02-28'))->{sqlstate}, 'none', 'retained earnings are read over the end of a year');
	return;
}

# After a merge, the postings are the survivor's; a name changes nothing.
sub test_merged
{
	my @pair = split /\n/, sql(<<"END");
SELECT a.account_id FROM reefqbo.account a WHERE a.account_type = 'Expense' AND a.is_active AND a.parent_account_id IS NULL AND NOT $has_children
 AND EXISTS (SELECT FROM reefqbo.actual v WHERE v.account_id = a.account_id AND v.connection_id = a.connection_id AND v.period_start = '2026-05-01' AND v.amount <> 0) ORDER BY 1 LIMIT 2
END
	is(scalar(@pair), 2, 'there are two accounts to merge');
	$intuit->admin('rename', { company => 'reef', account => $pair[1], name => 'Something new' });
	$intuit->admin('merge', { company => 'reef', from => $pair[0], into => $pair[1] });
	sql(call('refresh', 'Reef', undef, \'true'));
	check_lines($pair[1], '2026-05-01', '2026-05-31', 'Accrual', 'renamed and merged into');
	is(sql('SELECT count(*) FROM ' . lines_of($pair[0], '2026-05-01')), 0, 'the other one has no postings left');
	return;
}

# An account in euros of a company whose books are in dollars: its lines are in dollars, as the statements are.
sub test_other_currency
{
	my ($euros) = grep { $_->{currency} eq 'EUR' } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} };

	$node->connect_company('Lagoon', 'sim-production', 'lagoon');
	$intuit->admin('post', { company => 'lagoon', date => '2026-05-07', type => 'JournalEntry', lines => [ { account => $euros->{id}, amount => '100.00' },
				{ account => (grep { $_->{type} eq 'Equity' } @{ $intuit->admin('accounts', { company => 'lagoon' })->{accounts} })[0]{id}, amount => '-100.00' } ] });
	sql(call('import_actuals', 'Lagoon', '2026-04-01', '2026-05-31'));
	my @lines = map { [ split /\|/ ] } split /\n/, sql("SELECT amount, running FROM reefqbo.ledger_lines('Lagoon', '$euros->{id}', '2026-05-01') WHERE line > 0");
	my $wanted = $intuit->truth(company => 'lagoon', statement => 'ledger_lines', account => $euros->{id}, start => '2026-05-01', end => '2026-05-31')->{rows};
	is(join(' ', map { plain($_->[0]) } @lines), join(' ', map { plain($_->{amount}) } @$wanted), 'an account in euros: its postings in dollars');
	is($lines[-1][1], sql("SELECT amount FROM reefqbo.actual JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Lagoon' AND account_id = '$euros->{id}' AND period_start = '2026-05-01'"),
		'which lead to the figure');
	return;
}

sub test_access
{
	my $bank = find_account("a.account_type = 'Bank'");

	sql('CREATE ROLE reading LOGIN; CREATE ROLE stranger LOGIN;');
	sql(call('grant_access', 'reading', 'reader', 'Reef'));
	sql(call('create_model', 'Other'));
	sql(call('grant_access', 'stranger', 'operator', 'Other'));
	is(try('SET ROLE reading; SELECT * FROM ' . lines_of($bank, '2026-05-01'))->{sqlstate}, '42501', 'a reader may not ask');
	cmp_ok(sql('SET ROLE reading; SELECT count(*) FROM reefqbo.ledger_line'), '>', 0, 'but see what was kept');
	is(try('SET ROLE stranger; SELECT * FROM ' . lines_of($bank, '2026-05-01'))->{sqlstate}, '42704', 'an operator of another model learns of no such model');
	is(sql('SET ROLE stranger; SELECT count(*) FROM reefqbo.ledger_line'), 0, 'and sees none');
	sql(call('forget_company', 'Reef'));
	is(sql('SELECT count(*) FROM reefqbo.ledger_line'), 0, 'a company that is forgotten leaves none');
	return;
}

$node->connect_company('Reef', 'sim-production', 'reef');
sql(call('import_actuals', 'Reef', $FIRST, $LAST, $_)) foreach qw(Accrual Cash);
test_figures();
test_names();
test_shapes();
test_too_much();
test_refusals();
test_keeping();
test_many();
test_no_figure();
test_merged();
test_other_currency();
test_access();
$node->stop;

done_testing();
