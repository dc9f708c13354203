# What was reported once can be reported again: every change of a month that had been imported is a restatement, one
# inside the closed books is told at once, and the figures of any moment can be had as they were known then.
#
# After each change of the books the ledger's own sums are put aside, with the moment; in the end each of those
# moments is asked for.

use strict;
use warnings;

use Encode qw(decode_utf8 encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Characters qw(sql);
use Reefqbo::Cluster qw(:DEFAULT !sql);
use Reefqbo::Ledger;
use Reefqbo::Listener;
use Reefqbo::Simulator;

my @STATEMENTS = ('balance_sheet', 'profit_and_loss');
my $LAST = '2026-11-30';

# What has been imported so far, by method: the first month.
my %FIRST;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('history', $intuit);
my $listener;

# ---- helpers ----

sub rows { return map { [ split /\|/, $_, -1 ] } split /\n/, sql($_[0]) }

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

sub error_of
{
	my ($query) = @_;
	my $error = $node->sqlstate_of(encode_utf8($query)) or return 'none';

	return join ' ', $error->{sqlstate}, map { $_ // '' } @{$error}{qw(message detail)};
}

sub account_id
{
	my ($name) = @_;
	my ($account) = grep { $_->{fully_qualified_name} eq $name } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	return $account->{id} // die "there is no account $name";
}

sub admin { my ($verb, %what) = @_; return $intuit->admin($verb, { company => 'reef', %what }) }

sub post
{
	my ($date, $account, $amount, $against) = @_;

	return admin('post', date => $date, type => 'JournalEntry',
		lines => [ { account => $account, amount => $amount }, { account => $against // 'Main Bank', amount => $amount =~ /^-/ ? substr($amount, 1) : "-$amount" } ])->{txn};
}

sub refresh
{
	my ($status, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT FROM reefqbo.refresh('Group', 'Reef', true)");

	die $stderr unless $status == 0;
	return decode_utf8($stderr);
}

# ---- moments ----

# By method, statement, month and account.
sub ledger
{
	my %amounts;

	foreach my $method (sort keys %FIRST)
	{
		foreach my $statement (@STATEMENTS)
		{
			my $rows = $intuit->truth(company => 'reef', statement => $statement, method => $method, start => $FIRST{$method}, end => $LAST)->{rows};
			$amounts{"$method $statement $_->{period_start} " . ($_->{account_id} // 'computed:NetIncome')} = plain($_->{amount}) foreach @$rows;
		}
	}
	return \%amounts;
}

# What the months made, in cents: income less costs, as the accounts are now.
sub net_income
{
	my ($ledger) = @_;
	my %sign = map { ($_->{id} => $_->{type} =~ /Income/ ? 1 : -1) } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	my %made;

	foreach my $key (grep { / profit_and_loss / } keys %$ledger)
	{
		my ($method, undef, $month, $account) = split / /, $key;
		$made{"$method $month"} += $sign{$account} * sprintf('%.0f', $ledger->{$key} * 100);
	}
	return \%made;
}

my @moments;

# What is known now, and when now is.
sub remember
{
	my ($what) = @_;

	push @moments, { what => $what, at => sql('SELECT clock_timestamp()'), ledger => ledger() };
	$moments[-1]{net_income} = net_income($moments[-1]{ledger});
	return $moments[-1];
}

sub known
{
	my ($moment, $branch) = @_;
	my $arguments = "'Group', $moment" . (defined $branch ? ", '$branch'" : '');

	return { map { ("$_->[0] $_->[1] $_->[2] $_->[3]" => $_->[4]) } rows(<<"END") };
SELECT a.accounting_method, a.statement, a.period_start, a.account_id, trim_scale(a.amount)
  FROM reefqbo.actuals_as_of($arguments) a JOIN reefqbo.connection_status s USING (model_id, connection_id) WHERE s.branch = 'Reef' AND a.amount <> 0
END
}

# ---- restatements ----

sub expected_restatements
{
	my ($before, $after, $closing_date) = @_;
	my %keys = (%$before, %$after);
	my %expected;

	foreach my $key (keys %keys)
	{
		my ($old, $new) = map { $_->{$key} // 0 } ($before, $after);
		next if $old eq $new;
		my ($month) = $key =~ / (\d{4}-\d\d)-01 /;
		my $is_closed = defined $closing_date && is_closed($month, $closing_date);
		$expected{$key} = join '|', $old, $new, $is_closed ? 'closed' : 'open', $month eq '2026-11' ? 'provisional' : 'over';
	}
	return \%expected;
}

# Whether a month has ended by a day, whatever its last day is: the day after that is in a later one.
sub is_closed
{
	my ($month, $day) = @_;
	my ($y, $m, $d) = split /-/, $day;
	my @days = (31, $y % 4 == 0 ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31);

	return $month lt "$y-$m" || ($month eq "$y-$m" && $d == $days[ $m - 1 ]);
}

sub restatements
{
	my %got;

	foreach my $row (rows(<<'END'))
SELECT accounting_method, statement, period_start, account_id, trim_scale(old_amount), trim_scale(new_amount),
       CASE WHEN in_closed_period THEN 'closed' ELSE 'open' END, CASE WHEN was_provisional THEN 'provisional' ELSE 'over' END
  FROM reefqbo.restatement WHERE import_id = (SELECT max(import_id) FROM reefqbo.import_log)
END
	{
		my $key = join ' ', @$row[ 0 .. 3 ];
		$key .= ' again' while exists $got{$key};
		$got{$key} = join '|', @$row[ 4 .. 7 ];
	}
	return \%got;
}

# The books change, a refresh sees it, and there is what there must be: the restatements, a warning and a notification
# if closed months are among them, and another moment to remember. Returns how many figures were closed.
sub change_books
{
	my ($what, $closing_date, $change) = @_;
	my $before = $moments[-1]{ledger};
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$change->();
	$listener->told;
	my $said = refresh();
	my $moment = remember($what);
	my $expected = expected_restatements($before, $moment->{ledger}, $closing_date);
	my $closed = grep { /\|closed\|/ } values %$expected;
	is_same(restatements(), $expected, "$what: each figure that has changed is a restatement, and no other");

	my @told = $listener->events('closed_period_changed');
	my @all_warnings = $said =~ /^(?:psql:\S+: )?WARNING:  (.*)$/mg;
	my @warnings = grep { /^01000: / } @all_warnings;
	is(join("\n", grep { !/^01000: / } @all_warnings), '', "$what: books that are in order raise no doubt");
	is(scalar(@warnings), $closed > 0 ? 1 : 0, "$what: a warning if closed months have changed, and only then") or diag($said);
	is(scalar(@told), $closed > 0 ? 1 : 0, "$what: and a notification");
	if ($closed > 0)
	{
		like($warnings[0], qr/^01000: .*"Reef Trading Ltd".*"Reef".*"Group".*\b$closed figures/, "$what: the warning says of whom, and how many figures");
		my ($model_id, $connection_id, $import_id) = split /\|/, sql(q{SELECT model_id, connection_id, import_id FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1});
		is_deeply($told[0], { event => 'closed_period_changed', model_id => $model_id, connection_id => $connection_id, import_id => $import_id, figures => $closed },
			"$what: and so does the notification");
	}
	is_same(known('clock_timestamp()'), $moment->{ledger}, "$what: what is known now is what the ledger says");
	return $closed;
}

# ---- the story ----

sub begin
{
	$node->connect_company('Group', 'sim-production', 'reef', 'Reef');
	$node->connect_company('Group', 'sim-production', 'lagoon', 'Lagoon');
	sql("CREATE ROLE $_ LOGIN") foreach 'reader_of_group', 'reader_of_other';
	sql(call('create_model', 'Other'));
	sql(call('grant_access', 'reader_of_group', 'reader', 'Group'));
	sql(call('grant_access', 'reader_of_other', 'reader', 'Other'));
	push @moments, { what => 'before anything', at => sql('SELECT clock_timestamp()'), ledger => {} };
	import_actuals('Accrual', '2024-12-01');
	sql(q{SELECT FROM reefqbo.import_actuals('Group', '2026-08-01', '2026-10-31', 'Accrual', 'Lagoon')});
	remember('the first import');
	return;
}

sub import_actuals
{
	my ($method, $first, $last) = @_;

	sql("SELECT FROM reefqbo.import_actuals('Group', '$first', '" . ($last // $LAST) . "', '$method', 'Reef')");
	$FIRST{$method} = $first unless defined $FIRST{$method} && $FIRST{$method} lt $first;
	return;
}

my %id;

sub change_one_cell_again_and_again
{
	my $txn;

	change_books('nothing', undef, sub { });
	change_books('an entry', undef, sub { $txn = post('2026-08-15', $id{Rent}, '12.34') });
	change_books('the same entry, with another amount', undef, sub { admin('edit', txn => $txn, lines => [ { account => $id{Rent}, amount => '99.99' }, { account => $id{'Main Bank'}, amount => '-99.99' } ]) });
	change_books('the same entry, in another month', undef, sub { admin('edit', txn => $txn, date => '2025-03-31') });
	change_books('the same entry, back again', undef, sub { admin('edit', txn => $txn, date => '2026-08-01') });
	change_books('no such entry any more', undef, sub { admin('delete', txn => $txn) });
	change_books('an entry in the month that is not over', undef, sub { post('2026-11-02', $id{Rent}, '0.01') });
	return;
}

# An account that had nothing, then something, then nothing, then something again.
sub appear_and_vanish
{
	my ($account, $txn);

	change_books('an account from nothing', undef, sub {
		$account = admin('create_account', name => 'Appearing', type => 'Expense', subtype => 'OtherBusinessExpenses')->{account};
		$txn = post('2026-05-05', $account, '500.00');
	});
	is(sql("SELECT count(*) FROM reefqbo.restatement WHERE account_id = '$account' AND old_amount = 0 AND new_amount = 500"), 1, 'an account from nothing: a change from 0');
	change_books('a row that vanishes', undef, sub { admin('delete', txn => $txn) });
	is(sql("SELECT count(*) FROM reefqbo.restatement WHERE account_id = '$account' AND old_amount = 500 AND new_amount = 0"), 1, 'a row that vanishes: a change to 0');
	change_books('and comes back', undef, sub { post('2026-05-06', $account, '-3.21') });
	return;
}

# Months that become known later are unknown before.
sub know_more
{
	import_actuals('Cash', '2025-12-01');
	remember('twelve months by cash');
	change_books('an entry after that', undef, sub { post('2026-01-10', $id{Office}, '44.44') });
	import_actuals('Accrual', '2024-10-01', '2024-11-30');
	remember('two earlier months');
	change_books('an entry in those', undef, sub { post('2024-10-31', $id{Office}, '1.11') });
	return;
}

sub closed_books
{
	my $close = sub { admin('set_company', book_close_date => $_[0]) };

	cmp_ok(change_books('a back-dated entry', '2026-06-30', sub { $close->('2026-06-30'); post('2026-05-15', $id{Office}, '77.00') }), '>', 2, 'some of its figures are of closed months');
	cmp_ok(change_books('an entry in the last closed month', '2026-06-30', sub { post('2026-06-30', $id{Office}, '78.00') }), '>', 0, 'which is closed too');
	is(change_books('an entry in the first open month', '2026-06-30', sub { post('2026-07-01', $id{Office}, '79.00') }), 0, 'the next is not');
	is(change_books('an entry in a month that is closed by half', '2026-06-15', sub { $close->('2026-06-15'); post('2026-06-10', $id{Office}, '80.00') }), 0, 'a month is closed when all of it is');
	cmp_ok(change_books('an entry while the books are closed further', '2026-07-31', sub { $close->('2026-07-31'); post('2026-07-15', $id{Office}, '81.00') }), '>', 0, 'the closing date is the one of now');
	is(change_books('an entry while the books are opened', undef, sub { $close->(undef); post('2026-05-15', $id{Office}, '82.00') }), 0, 'books without a closing date are open');
	is(change_books('nothing, with the books closed', '2026-10-31', sub { $close->('2026-10-31') }), 0, 'closing the books restates nothing');
	return;
}

sub change_accounts
{
	change_books('a rename', '2026-10-31', sub { admin('rename', account => $id{Rent}, name => 'Loyer') });
	change_books('another side', '2026-10-31', sub { admin('reclassify', account => $id{Freight}, type => 'Other Income', subtype => 'OtherMiscellaneousIncome') });
	change_books('a bank that is a debt', '2026-10-31', sub { admin('reclassify', account => $id{Savings}, type => 'Long Term Liability', subtype => 'OtherLongTermLiabilities') });
	change_books('a cost that is an asset', '2026-10-31', sub { admin('reclassify', account => $id{Wages}, type => 'Other Current Asset', subtype => 'PrepaidExpenses') });
	change_books('a merger', '2026-10-31', sub { admin('merge', from => $id{Insurance}, into => $id{Rent}) });
	return;
}

# ---- the past ----

sub test_past
{
	foreach my $moment (@moments)
	{
		is_same(known(quote($moment->{at})), $moment->{ledger}, "as of $moment->{what}");
	}
	is(sql(q{SELECT count(*) FROM reefqbo.actuals_as_of('Group', '-infinity')}), 0, 'nothing is known from the beginning');
	is_same(known(q{'infinity'}), $moments[-1]{ledger}, 'what will be known is what is known');
	is(sql(q{SELECT count(*) FROM (TABLE reefqbo.actual EXCEPT ALL SELECT a.*, x.import_id FROM reefqbo.actuals_as_of('Group', now()) a JOIN reefqbo.actual x
	         USING (model_id, connection_id, account_id, statement, accounting_method, period_start, period_end, amount)) d}), 0, 'as of now: the table itself, in its own columns');
	return;
}

# A change is known from the moment it was seen, to the microsecond.
sub test_moment
{
	my ($at, $method, $statement, $month, $account, $old, $new) = @{ (rows(<<'END'))[0] };
SELECT r.restated_at, r.accounting_method, r.statement, r.period_start, r.account_id, trim_scale(r.old_amount), trim_scale(r.new_amount)
  FROM reefqbo.restatement r WHERE r.old_amount <> 0 AND r.new_amount <> 0 ORDER BY r.restatement_id LIMIT 1
END
	my $key = "$method $statement $month $account";

	is(known("'$at'")->{$key}, $new, 'from the moment a change was seen the new figure is known');
	is(known("timestamptz '$at' - interval '1 microsecond'")->{$key}, $old, 'and just before it the old one');
	my $since = sql(q{SELECT max(known_since) FROM reefqbo.imported_month WHERE accounting_method = 'Cash' AND statement = 'profit_and_loss'});
	my $by_cash = sub { scalar grep { /^Cash profit/ } keys %{ known($_[0]) } };
	cmp_ok($by_cash->("'$since'"), '>', 0, 'a month is known from the moment it was fetched first');
	is($by_cash->("timestamptz '$since' - interval '1 microsecond'"), 0, 'and not before');
	return;
}

# Accounts' own amounts of a statement, by month.
sub stated
{
	my ($statement, $method, $at) = @_;

	return { map { ("$method $statement $_->[0] $_->[1]" => $_->[2]) } rows(<<"END") };
SELECT period_start, account_id, trim_scale(amount)
  FROM reefqbo.statement('Group', '$statement', '2024-01-01', '2026-12-31', 'month', accounting_method => '$method', branch => 'Reef', company => true, as_of => $at)
 WHERE kind = 'account' AND amount <> 0
END
}

sub test_statements
{
	foreach my $moment (@moments)
	{
		foreach my $case ([ 'profit_and_loss', 'Accrual' ], [ 'balance_sheet', 'Accrual' ], [ 'profit_and_loss', 'Cash' ])
		{
			my $start = join ' ', reverse @$case;
			my %expected = map { ($_ => $moment->{ledger}{$_}) } grep { /^$start .* (?!computed)\S+$/ } keys %{ $moment->{ledger} };
			is_same(stated(@$case, quote($moment->{at})), \%expected, "as of $moment->{what}: a statement ($start) says what was known");
		}
	}
	return;
}

# Whatever an account is today, what it made then was made.
sub test_net_income
{
	my @telling = ('before anything', 'the first import', 'an entry', 'twelve months by cash', 'nothing, with the books closed', 'another side', 'a bank that is a debt', 'a cost that is an asset', 'a merger');

	foreach my $moment (map { my $what = $_; grep { $_->{what} eq $what } @moments } @telling)
	{
		foreach my $lines ('account', 'category')
		{
			my %got = map { ("Accrual $_->[0]" => $_->[1]) } rows(<<"END");
SELECT period_start, trim_scale(amount * 100)
  FROM reefqbo.statement('Group', 'profit_and_loss', '2024-01-01', '2026-12-31', 'month', '$lines', branch => 'Reef', company => true, as_of => '$moment->{at}')
 WHERE kind = 'computed' AND trim(label) = 'Net Income'
END
			my %expected = map { /^Accrual/ ? ($_ => $moment->{net_income}{$_}) : () } keys %{ $moment->{net_income} };
			is_same(\%got, \%expected, "as of $moment->{what}: the net income ($lines) is that of then");
		}
		my @unbalanced = rows(<<"END");
SELECT period_start, sum(amount) FILTER (WHERE trim(label) ~* '^total assets\$'), sum(amount) FILTER (WHERE trim(label) ~* '^total liabilities and equity\$')
  FROM reefqbo.statement('Group', 'balance_sheet', '2024-01-01', '2026-12-31', 'month', branch => 'Reef', company => true, as_of => '$moment->{at}')
 GROUP BY 1 HAVING sum(amount) FILTER (WHERE trim(label) ~* '^total assets\$') IS DISTINCT FROM sum(amount) FILTER (WHERE trim(label) ~* '^total liabilities and equity\$')
END
		is(join(', ', map { "@$_" } @unbalanced), '', "as of $moment->{what}: the balance sheet balances");
	}
	return;
}

# Without accounts that have changed sides since: debits and credits of a month, against the ledger of then.
sub test_trial_balance
{
	my $moment = (grep { $_->{what} eq 'an entry' } @moments)[0];
	my %expected = map { (substr($_, length 'Accrual balance_sheet 2026-08-01 ') => $moment->{ledger}{$_}) } grep { /^Accrual balance_sheet 2026-08-01 (?!computed)/ } keys %{ $moment->{ledger} };
	my %sign = map { ($_->{id} => $_->{type} =~ /Payable|Card|Liability|Equity/ ? -1 : 1) } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	my %got = map { ($_->[0] => plain($sign{ $_->[0] } < 0 ? ($_->[1] =~ /^-/ ? substr($_->[1], 1) : "-$_->[1]") : $_->[1])) } grep { exists $expected{ $_->[0] } } rows(<<"END");
SELECT account_id, coalesce(debit, -credit) FROM reefqbo.trial_balance('Group', '2026-08-31', branch => 'Reef', company => true, as_of => '$moment->{at}') WHERE account_id IS NOT NULL
END

	is_same(\%got, \%expected, 'a trial balance says what was known');
	like(error_of("SELECT * FROM reefqbo.trial_balance('Group', '2026-08-31', branch => 'Reef', company => true, as_of => '$moments[0]{at}')"), qr/^42704 /, 'of a month that was not known there is none');
	is(sql("SELECT count(*) FROM reefqbo.statement('Group', 'profit_and_loss', '2024-01-01', '2026-12-31', branch => 'Reef', company => true, as_of => '$moments[0]{at}')"), 0, 'nor a statement');
	return;
}

sub test_arguments
{
	like(error_of(q{SELECT * FROM reefqbo.actuals_as_of('Nobody', now())}), qr/^42704 .*Nobody/, 'no such model');
	like(error_of(q{SELECT * FROM reefqbo.actuals_as_of('Group', now(), 'Riff')}), qr/^42704 .*Riff/, 'no such branch');
	like(error_of(q{SELECT * FROM reefqbo.actuals_as_of('Group', NULL)}), qr/^22004 /, 'no moment');
	my $of = sub { sql("SELECT count(*), count(DISTINCT connection_id) FROM reefqbo.actuals_as_of('Group', now()$_[0])") };
	my ($all, $companies) = split /\|/, $of->('');
	my ($reef, $one) = split /\|/, $of->(q{, 'Reef'});
	my ($lagoon) = split /\|/, $of->(q{, 'Lagoon'});
	is("$companies $one", '2 1', 'of all companies, or of one branch\'s');
	is($reef + $lagoon, $all, 'which make all');
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.actuals_as_of('Group', now())}), $all, 'a reader may ask');
	like(error_of(q{SET SESSION AUTHORIZATION reader_of_other; SELECT * FROM reefqbo.actuals_as_of('Group', now())}), qr/^42704 .*Group/, 'for a reader of another model there is nothing');
	is(as('reader_of_other', 'SELECT count(*) FROM reefqbo.restatement'), 0, 'nor a restatement');
	return;
}

begin();
$listener = Reefqbo::Listener->start($node);
%id = map { ($_ =~ s/.*://r => account_id($_)) } 'Rent', 'Office', 'Insurance', 'Main Bank', 'Cost of Goods Sold:Freight', 'Savings', 'Payroll:Wages';
change_one_cell_again_and_again();
appear_and_vanish();
know_more();
closed_books();
test_statements();
test_trial_balance();
change_accounts();
test_past();
test_net_income();
test_moment();
test_arguments();
$listener->stop;
$node->stop;

done_testing();
