# A refresh brings what has changed in QuickBooks, and only that, and leaves a restatement of each figure.
#
# The ledger's own sums (the admin verb "truth"), before and after a change, say which figures must have
# been restated.

use strict;
use warnings;

use Encode qw(decode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my @STATEMENTS = ('balance_sheet', 'profit_and_loss');
my @METHODS = ('Accrual', 'Cash');

# The first and the last day of the months around today, by how many months they are away, on the
# database's clock, which is the one that a refresh goes by.
my %MONTH;

sub read_months
{
	my ($node) = @_;

	foreach my $row (rows_of($node, <<'END'))
SELECT n, m::date, (m + interval '1 month')::date - 1
  FROM generate_series(-12, 0) n, LATERAL (SELECT date_trunc('month', current_date) + n * interval '1 month') AS t (m)
END
	{
		$MONTH{ $row->[0] } = { first => $row->[1], last => $row->[2] };
	}
}

sub first_of { return $MONTH{ $_[0] }{first} }
sub last_of { return $MONTH{ $_[0] }{last} }

# The fifteenth of a month, for transactions; of the present month the first, since later may not have come.
sub day_in
{
	my ($month) = @_;

	return $month == 0 ? first_of(0) : first_of($month) =~ s/01\z/15/r;
}

# ---- what the ledger says ----

# By method, statement, month and account, from a month to the present one.
sub ledger_amounts
{
	my ($intuit, $company, $since) = @_;
	my %amounts;

	foreach my $method (@METHODS)
	{
		foreach my $statement (@STATEMENTS)
		{
			my $rows = $intuit->truth(company => $company, statement => $statement, method => $method,
				start => first_of($since), end => last_of(0))->{rows};
			$amounts{"$method $statement $_->{period_start} " . ($_->{account_id} // 'computed:NetIncome')} =
			  plain($_->{amount}) foreach @$rows;
		}
	}
	return \%amounts;
}

sub account_id
{
	my ($intuit, $company, $name) = @_;
	my ($account) = grep { $_->{fully_qualified_name} eq $name } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	return $account->{id} // die "$company has no account $name";
}

# ---- what is stored ----

sub rows_of
{
	my ($node, $sql) = @_;

	return map { [ split /\|/, $_, -1 ] } split /\n/, decode_utf8($node->safe_psql('postgres', $sql));
}

# The rows of a table that belong to a model, which is called like its company.
sub of
{
	my ($company) = @_;

	return "model_id = (SELECT model_id FROM reefqbo.model WHERE name = '$company')";
}

sub stored_amounts
{
	my ($node, $company) = @_;
	my $of_company = of($company);

	return { map { ("$_->[0] $_->[1] $_->[2] $_->[3]" => $_->[4]) } rows_of($node, <<"END") };
SELECT accounting_method, statement, period_start, account_id, trim_scale(amount)
  FROM reefqbo.actual WHERE $of_company AND amount <> 0
END
}

sub account_is
{
	my ($node, $company, $id, $columns, $expected, $name) = @_;
	my $of_company = of($company);

	is($node->safe_psql('postgres', "SELECT $columns FROM reefqbo.account WHERE $of_company AND account_id = '$id'"),
		$expected, $name);
}

# Changes with every row written, even if it is written with what it held.
sub versions_of
{
	my ($node, $table, $company) = @_;
	my $of_company = of($company);

	return $node->safe_psql('postgres', <<"END");
SELECT count(*), md5(string_agg(format('%s %s', ctid, xmin), ',' ORDER BY ctid)) FROM reefqbo.$table WHERE $of_company
END
}

# Rows ever inserted, updated and deleted. A worker's counts are there when it has gone.
sub writes
{
	my ($node) = @_;

	return $node->safe_psql('postgres', <<'END');
SELECT relname, n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables
 WHERE schemaname = 'reefqbo' AND relname IN ('account', '_actual_year', 'restatement', 'imported_month') ORDER BY 1
END
}

# ---- importing ----

sub import_actuals
{
	my ($node, $company, $method, $first, $last) = @_;
	my $arguments = join ', ', map { quote($_) } ($company, $first, $last, $method);

	$node->safe_psql('postgres', "SELECT FROM reefqbo.import_actuals($arguments)");
}

sub refresh
{
	my ($node, $company) = @_;

	return $node->safe_psql('postgres', <<"END");
SELECT accounts_seen, accounts_new, accounts_changed, amounts_inserted, amounts_changed FROM reefqbo.refresh('$company')
END
}

# ---- restatements ----

# What a change of the books must leave: every figure that is not what it was.
sub expected_restatements
{
	my ($before, $after, $closing_date) = @_;
	my %last = map { $_->{first} => $_->{last} } values %MONTH;
	my (%keys, %expected) = (%$before, %$after);

	foreach my $key (keys %keys)
	{
		my ($old, $new) = map { $_->{$key} // 0 } ($before, $after);
		my ($month) = $key =~ / (\d{4}-\d\d-\d\d) /;
		my $closed = defined $closing_date && $last{$month} le $closing_date ? 'closed' : 'open';
		$expected{$key} = "from $old to $new, $closed" if $old ne $new;
	}
	return \%expected;
}

# Those that the newest import left. One of a figure that has two would be told by its key.
sub restatements
{
	my ($node, $company) = @_;
	my $of_company = of($company);
	my %found;

	foreach my $row (rows_of($node, <<"END"))
SELECT accounting_method, statement, period_start, account_id, trim_scale(old_amount), trim_scale(new_amount), in_closed_period
  FROM reefqbo.restatement
 WHERE $of_company AND import_id = (SELECT max(import_id) FROM reefqbo.import_log WHERE $of_company)
END
	{
		my $key = join ' ', @$row[ 0 .. 3 ];
		$key .= ' again' while exists $found{$key};
		$found{$key} = "from $row->[4] to $row->[5], " . ($row->[6] eq 't' ? 'closed' : 'open');
	}
	return \%found;
}

# Change the books, refresh, and compare all that there is to compare. Returns the restatements.
sub change_books
{
	my ($node, $intuit, $what, $closing_date, $change) = @_;
	my $before = ledger_amounts($intuit, 'reef', -6);
	my $total = $node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement');

	$change->();
	refresh($node, 'reef');
	my $after = ledger_amounts($intuit, 'reef', -6);
	my $expected = expected_restatements($before, $after, $closing_date);

	is_same(stored_amounts($node, 'reef'), $after, "$what: the amounts are those of the ledger");
	is_same(restatements($node, 'reef'), $expected, "$what: each of " . keys(%$expected) . ' figures that changed is restated once');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement'), $total + keys %$expected,
		"$what: and no other");
	return $expected;
}

# ---- the tests ----

# The months so far are imported up to the last one; the present one comes with the refresh.
sub test_extension
{
	my ($node, $intuit) = @_;

	import_actuals($node, 'reef', $_, first_of(-6), last_of(-1)) foreach @METHODS;
	refresh($node, 'reef');
	is($node->safe_psql('postgres', 'SELECT count(*), min(period_start), max(period_end) FROM reefqbo.imported_month'),
		'28|' . first_of(-6) . '|' . last_of(0), 'a refresh extends every method and statement to the present month');
	is_same(stored_amounts($node, 'reef'), ledger_amounts($intuit, 'reef', -6), 'its amounts are those of the ledger');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement'), 0,
		'a month that is new is no restatement');
	is($node->safe_psql('postgres', <<'END'), '', 'and months are provisional that are not over where the company is');
SELECT * FROM reefqbo.imported_month
 WHERE is_provisional <> (period_end >= (now() AT TIME ZONE 'America/Los_Angeles')::date)
END
}

sub test_nothing_changed
{
	my ($node) = @_;
	my @tables = ('account', '_actual_year', 'restatement', 'imported_month');
	my ($writes, %versions) = (writes($node), map { $_ => versions_of($node, $_, 'reef') } @tables);

	like(refresh($node, 'reef'), qr/^[1-9]\d*\|0\|0\|0\|0$/, 'a refresh that finds the same says so');
	is(versions_of($node, $_, 'reef'), $versions{$_}, "and writes no row of $_") foreach @tables;
	is(writes($node), $writes, 'nor do the counters of the server know of a write');
}

# Worked out by hand: an expense of 123.45 that is paid from the bank two months ago is one movement, and
# the balances of two accounts (the bank; Net Income, or Retained Earnings in a later year) at three ends.
sub test_post
{
	my ($node, $intuit) = @_;
	my ($bank, $rent) = map { account_id($intuit, 'reef', $_) } ('Main Bank', 'Rent');
	my $bank_key = 'Accrual balance_sheet ' . first_of(-1) . " $bank";
	my $old = stored_amounts($node, 'reef')->{$bank_key};
	my $txn;

	my $expected = change_books($node, $intuit, 'post', undef, sub {
		$txn = $intuit->admin('post', { company => 'reef', date => day_in(-2),
			lines => [ { account => $rent, amount => '123.45' }, { account => $bank, amount => '-123.45' } ] })->{txn};
	});
	is(scalar keys %$expected, 2 * (1 + 2 * 3), 'post: which are seven for each method');
	is(stored_amounts($node, 'reef')->{$bank_key}, plain(sprintf('%.2f', $old - 123.45)),
		'post: 123.45 is missing from the bank a month later');
	return $txn;
}

sub test_edit_and_delete
{
	my ($node, $intuit, $txn) = @_;
	my ($bank, $rent) = map { account_id($intuit, 'reef', $_) } ('Main Bank', 'Rent');

	change_books($node, $intuit, 'edit', undef, sub {
		$intuit->admin('edit', { company => 'reef', txn => $txn,
			lines => [ { account => $rent, amount => '200.05' }, { account => $bank, amount => '-200.05' } ] });
	});
	change_books($node, $intuit, 'delete', undef, sub {
		$intuit->admin('delete', { company => 'reef', txn => $txn });
	});
}

# The closing date is read by the import that finds a restatement, not only when a company is connected.
sub test_closed_period
{
	my ($node, $intuit) = @_;
	my ($bank, $rent) = map { account_id($intuit, 'reef', $_) } ('Main Bank', 'Rent');
	my $txn;

	my $expected = change_books($node, $intuit, 'post into a closed month', last_of(-5), sub {
		$txn = $intuit->admin('post', { company => 'reef', date => day_in(-5),
			lines => [ { account => $rent, amount => '10.00' }, { account => $bank, amount => '-10.00' } ] })->{txn};
	});
	is(scalar(grep { / closed$/ } values %$expected), 2 * 3, 'post into a closed month: three of a method are in it');

	$expected = change_books($node, $intuit, 'move forward, after the closing date has moved', last_of(-3), sub {
		$intuit->admin('set_company', { company => 'reef', book_close_date => last_of(-3) });
		$intuit->admin('edit', { company => 'reef', txn => $txn, date => day_in(-3) });
	});
	is(scalar(grep { / closed$/ } values %$expected), 2 * (2 + 4), 'move forward: two movements and four balances of a method');

	$expected = change_books($node, $intuit, 'back-date, after the books were opened again', undef, sub {
		$intuit->admin('set_company', { company => 'reef', book_close_date => undef });
		$intuit->admin('edit', { company => 'reef', txn => $txn, date => day_in(-6) });
	});
	is(scalar(grep { / open$/ } values %$expected), 2 * (2 + 6), 'back-date: two movements and six balances');
}

sub test_provisional
{
	my ($node, $intuit) = @_;
	my ($bank, $rent) = map { account_id($intuit, 'reef', $_) } ('Main Bank', 'Rent');

	change_books($node, $intuit, 'post into the present month', undef, sub {
		$intuit->admin('post', { company => 'reef', date => day_in(0),
			lines => [ { account => $rent, amount => '7.00' }, { account => $bank, amount => '-7.00' } ] });
	});
	is($node->safe_psql('postgres', <<'END'), '', 'and it is known that the month was not over');
SELECT r.* FROM reefqbo.restatement r JOIN reefqbo.imported_month m
 USING (model_id, connection_id, statement, accounting_method, period_start)
 WHERE r.was_provisional <> m.is_provisional
END
	cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement WHERE was_provisional'), '>', 0,
		'which some restatements were in');
}

# An account without any other posting comes, and its row vanishes from the report again.
sub test_vanished_row
{
	my ($node, $intuit) = @_;
	my ($bank, $jetty) = map { account_id($intuit, 'reef', $_) } ('Main Bank', 'Old Jetty Upkeep');
	my $jetty_rows = "SELECT accounting_method, amount FROM reefqbo.actual WHERE account_id = '$jetty' AND statement = 'profit_and_loss' ORDER BY 1";
	my $txn;

	is($node->safe_psql('postgres', $jetty_rows), '', 'an account that did not move has no amount');
	change_books($node, $intuit, 'first posting of an account', undef, sub {
		$txn = $intuit->admin('post', { company => 'reef', date => day_in(-1),
			lines => [ { account => $jetty, amount => '50.00' }, { account => $bank, amount => '-50.00' } ] })->{txn};
	});
	is($node->safe_psql('postgres', $jetty_rows), "Accrual|50.00\nCash|50.00", 'it has one when it moves');
	change_books($node, $intuit, 'and its end', undef, sub {
		$intuit->admin('delete', { company => 'reef', txn => $txn });
	});
	is($node->safe_psql('postgres', $jetty_rows), "Accrual|0\nCash|0", 'a figure that vanished is 0, and its row stays');
}

sub test_rename
{
	my ($node, $intuit) = @_;
	my $rent = account_id($intuit, 'reef', 'Rent');
	my $expected = change_books($node, $intuit, 'rename', undef, sub {
		$intuit->admin('rename', { company => 'reef', account => $rent, name => 'Hire of Premises' });
	});

	is(scalar keys %$expected, 0, 'rename: it restates nothing');
	account_is($node, 'reef', $rent, 'name, is_active', 'Hire of Premises|t', 'rename: the id keeps its account and history');
}

sub test_merge
{
	my ($node, $intuit) = @_;
	my ($loser, $winner) = map { account_id($intuit, 'reef', $_) } ('Marketing:Print', 'Marketing:Online');
	my $count = "SELECT count(*) FROM reefqbo.actual WHERE account_id = '$loser'";
	my $before = $node->safe_psql('postgres', $count);
	my $sum = "SELECT sum(%s) FROM reefqbo.%s WHERE account_id = '$loser' AND accounting_method = 'Accrual'";
	my $moved = $node->safe_psql('postgres', sprintf($sum, 'amount', 'actual'));

	my $expected = change_books($node, $intuit, 'merge', undef, sub {
		$intuit->admin('merge', { company => 'reef', from => $loser, into => $winner });
	});
	cmp_ok(scalar keys %$expected, '>', 4, 'merge: there was something to move');
	account_is($node, 'reef', $loser, 'name, is_active', 'Print (deleted)|f', 'merge: the loser keeps its row');
	is($node->safe_psql('postgres', $count), $before, 'merge: and its history');
	is($node->safe_psql('postgres', sprintf($sum, 'amount', 'actual')), '0', 'merge: where nothing is left');
	is($node->safe_psql('postgres', sprintf($sum, 'old_amount', 'restatement')), $moved, 'merge: what there was is in the restatements');
}

sub test_deactivate_and_remove
{
	my ($node, $intuit) = @_;
	my ($insurance, $charges) = map { account_id($intuit, 'reef', $_) } ('Insurance', 'Bank Charges');
	my $expected = change_books($node, $intuit, 'deactivate and remove', undef, sub {
		$intuit->admin('deactivate', { company => 'reef', account => $insurance });
		$intuit->admin('remove', { company => 'reef', account => $charges });
	});

	is(scalar keys %$expected, 0, 'deactivate and remove: nothing is restated');
	account_is($node, 'reef', $insurance, 'name, is_active', 'Insurance|f', 'an inactive account is known to be inactive');
	account_is($node, 'reef', $charges, 'name, is_active', 'Bank Charges (deleted)|f', 'and so is a deleted one');
	$intuit->admin('reactivate', { company => 'reef', account => $_ }) foreach $insurance, $charges;
	refresh($node, 'reef');
	account_is($node, 'reef', $insurance, 'name, is_active', 'Insurance|t', 'it becomes active again');
	account_is($node, 'reef', $charges, 'name, is_active', 'Bank Charges|t', 'and the other gets its name back');
}

# The admin interface makes accounts vanish and never brings one back.
sub bring_back
{
	my ($intuit, $company, $id) = @_;
	my $program = 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]);'
	  . 'd.execute("UPDATE account SET vanished = 0 WHERE id = ?", sys.argv[2:]); d.commit()';

	system_or_bail('python3', '-c', $program, $intuit->dir . "/$company.sqlite", $id);
	$intuit->admin('set_company', { company => $company });
}

sub test_vanished_account
{
	my ($node, $intuit) = @_;
	my $power = account_id($intuit, 'reef', 'Utilities:Power');
	my $expected = change_books($node, $intuit, 'vanish', undef, sub {
		$intuit->admin('vanish', { company => 'reef', account => $power });
	});

	is(scalar keys %$expected, 0, 'vanish: nothing is restated');
	account_is($node, 'reef', $power, 'name, gone_since > now() - interval $$1 minute$$', 'Power|t',
		'vanish: it is known since when the account is gone');
	my $version = versions_of($node, 'account', 'reef');
	refresh($node, 'reef');
	is(versions_of($node, 'account', 'reef'), $version, 'vanish: which the next refresh leaves as it is');
	bring_back($intuit, 'reef', $power);
	refresh($node, 'reef');
	account_is($node, 'reef', $power, 'name, gone_since IS NULL', 'Power|f', 'vanish: a return that QuickBooks does not tell as a change is not noticed');
	$node->safe_psql('postgres', q{SELECT FROM reefqbo.refresh('reef', whole => true)});
	account_is($node, 'reef', $power, 'name, gone_since IS NULL', 'Power|t', 'vanish: an account that returns is not gone');
	is_same(stored_amounts($node, 'reef'), ledger_amounts($intuit, 'reef', -6), 'vanish: and has all of its history');
}

# Accounts that the chart did not name before the first import, but the reports do: one of each statement,
# and parents with postings of their own.
sub test_unknown_accounts
{
	my ($node, $intuit) = @_;
	my %type = ('Savings' => 'Bank|Asset', 'Software' => 'Expense|Expense', 'Services' => 'Income|Revenue',
		'Travel' => 'Expense|Expense');
	my %id = map { $_ => account_id($intuit, 'atoll', $_) } keys %type;

	$node->connect_company('atoll', 'sim-production', 'atoll');
	$intuit->admin('vanish', { company => 'atoll', account => $_ }) foreach values %id;
	import_actuals($node, 'atoll', $_, first_of(-11), last_of(0)) foreach @METHODS;
	is_same(stored_amounts($node, 'atoll'), ledger_amounts($intuit, 'atoll', -11), 'accounts that only reports know: their amounts are stored');
	account_is($node, 'atoll', $id{$_}, 'name, account_type, classification', "$_|$type{$_}", "$_: it has a row, by its place in the report")
	  foreach sort keys %type;
	check_net_income($node, $intuit);
	refresh($node, 'atoll');
	my $version = versions_of($node, 'account', 'atoll');
	refresh($node, 'atoll');
	is(versions_of($node, 'account', 'atoll'), $version, 'a refresh leaves their rows alone');
}

# Net income of twelve months is income less costs; the statement sums it by what it takes an account for.
sub check_net_income
{
	my ($node, $intuit) = @_;
	my $accounts = $intuit->admin('accounts', { company => 'atoll' })->{accounts};
	my %is_income = map { $_->{id} => 1 } grep { $_->{type} =~ /Income/ } @$accounts;
	my $rows = $intuit->truth(company => 'atoll', statement => 'profit_and_loss', start => first_of(-11), end => last_of(0))->{rows};
	my $cents = 0;

	$cents += ($is_income{ $_->{account_id} } ? 1 : -1) * int($_->{amount} =~ s/\.//r) foreach @$rows;
	is($node->safe_psql('postgres', sprintf(<<'END', first_of(-11), last_of(0))), sprintf('%.2f', $cents / 100), 'and the statement counts them on the right side');
SELECT sum(amount) FROM reefqbo.profit_and_loss('atoll', '%s', '%s') WHERE label = 'Net Income'
END
}

# ---- pages of the chart ----

sub import_accounts
{
	my ($node, $company) = @_;

	return $node->sqlstate_of("SELECT FROM reefqbo.import_accounts('$company')");
}

# The ids of the accounts that are there, and of those in the chart that can be asked for.
sub chart_is_right
{
	my ($node, $intuit, $company, $name) = @_;
	my $of_company = of($company);
	my %stored = map { @$_ } rows_of($node, "SELECT account_id, gone_since IS NULL FROM reefqbo.account WHERE $of_company AND NOT is_computed");
	my %chart = map { $_->{id} => $_->{vanished} ? 'f' : 't' } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	is_same(\%stored, \%chart, $name);
}

sub pages_asked_for
{
	my ($intuit, $company) = @_;
	my $log = $intuit->admin('log', { company => $company, clear => 1 })->{log};

	return scalar grep { $_->{endpoint} eq 'query' && $_->{query} =~ /startposition/i } @$log;
}

sub test_pages
{
	my ($node, $intuit) = @_;

	$node->connect_company('atlas', 'sim-production', 'atlas');
	$intuit->admin('log_clear');
	is(import_accounts($node, 'atlas'), undef, 'a chart of 1,500 accounts is read');
	chart_is_right($node, $intuit, 'atlas', 'every account of it has come');
	is(pages_asked_for($intuit, 'atlas'), 2, 'in two pages');
}

# While pages are read, an account of the first page vanishes, or a new one is put before it.
sub test_shifted_pages
{
	my ($node, $intuit) = @_;

	$intuit->admin('fault', { kind => 'page_shift', company => 'atlas', mode => 'drop' });
	is(import_accounts($node, 'atlas'), undef, 'an account goes between two pages: it is noticed');
	chart_is_right($node, $intuit, 'atlas', 'none that lives was missed, and the one that went is gone');

	$intuit->admin('fault', { kind => 'page_shift', company => 'atlas', mode => 'insert' });
	is(import_accounts($node, 'atlas'), undef, 'an account comes between two pages: none is read twice');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.account WHERE gone_since IS NOT NULL AND ' . of('atlas')),
		1, 'and none is taken for gone');
	is(import_accounts($node, 'atlas'), undef, 'the next import is not disturbed');
	chart_is_right($node, $intuit, 'atlas', 'and has the new account as well');
}

# A chart that never stands still cannot be read; then what there was stays.
sub test_restless_pages
{
	my ($node, $intuit) = @_;
	my $version = versions_of($node, 'account', 'atlas');

	$intuit->admin('fault', { kind => 'page_shift', company => 'atlas', mode => 'drop', times => -1 });
	my $error = import_accounts($node, 'atlas');
	$intuit->admin('clear_faults');
	is($error->{sqlstate}, 'RQ008', 'accounts go between any two pages: the import says that it could not read the chart');
	like($error->{hint}, qr/Nothing was changed/, 'and that nothing was changed');
	is(versions_of($node, 'account', 'atlas'), $version, 'which is so');
	is(import_accounts($node, 'atlas'), undef, 'when they have settled it can');
	chart_is_right($node, $intuit, 'atlas', 'and all is right');
}

# A page may hold fewer rows than were asked for and still not be the last one.
sub test_short_pages
{
	my ($node, $intuit) = @_;

	$intuit->admin('log_clear');
	$intuit->admin('fault', { kind => 'short_page', company => 'reef', rows => 20, times => -1 });
	is(import_accounts($node, 'reef'), undef, 'pages that are shorter than asked for: the chart is read');
	$intuit->admin('clear_faults');
	cmp_ok(pages_asked_for($intuit, 'reef'), '>=', 4, 'in more pages');
	chart_is_right($node, $intuit, 'reef', 'and is whole');
}

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('refresh', $intuit);
read_months($node);
$intuit->admin('set_company', { company => 'reef', book_close_date => last_of(-5) });
$node->connect_company('reef', 'sim-production', 'reef');

test_extension($node, $intuit);
test_nothing_changed($node);
test_closed_period($node, $intuit);
my $txn = test_post($node, $intuit);
test_edit_and_delete($node, $intuit, $txn);
test_provisional($node, $intuit);
test_vanished_row($node, $intuit);
test_rename($node, $intuit);
test_merge($node, $intuit);
test_deactivate_and_remove($node, $intuit);
test_vanished_account($node, $intuit);
test_nothing_changed($node);
test_unknown_accounts($node, $intuit);
test_pages($node, $intuit);
test_shifted_pages($node, $intuit);
test_restless_pages($node, $intuit);
test_short_pages($node, $intuit);

$node->stop;
done_testing();
