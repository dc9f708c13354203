# Each account of a company is something in the model, by its id: proposed without writing anything, accepted all,
# in part or changed, by a query or a CSV file, by those who may, and kept through whatever happens to the account
# in QuickBooks, which is noticed and told, each thing once.
#
# What is expected comes from the simulator's chart and its ledger's own sums. A group of four companies, in dollars
# and euros.

use strict;
use warnings;

use Encode qw(decode_utf8 encode_utf8);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Characters qw(sql);
use Reefqbo::Cluster qw(:DEFAULT !sql);
use Reefqbo::Ledger;
use Reefqbo::Listener;
use Reefqbo::Simulator;

my ($FIRST, $LAST, $CASH_FIRST) = ('2024-12-01', '2026-11-30', '2025-12-01');
my %COMPANY = (Reef => 'reef', Atoll => 'atoll', Lagoon => 'lagoon', Corail => 'corail');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('mapping', $intuit);
my $listener;

# ---- helpers ----

sub rows { return map { [ split /\|/, $_, -1 ] } split /\n/, sql($_[0]) }

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

# The SQLSTATE of a statement and what it says, or 'none'.
sub error_of
{
	my ($query) = @_;
	my $error = $node->sqlstate_of(encode_utf8($query)) or return 'none';

	return decode_utf8(join ' ', $error->{sqlstate}, map { $_ // '' } @{$error}{qw(message detail)});
}

sub error_as { return error_of("SET SESSION AUTHORIZATION $_[0];\n$_[1]") }

# A branch's chart by account id, as QuickBooks' API tells it: without those that have vanished.
sub chart
{
	my ($branch) = @_;

	return { map { $_->{id} => $_ } grep { !$_->{vanished} } @{ $intuit->admin('accounts', { company => $COMPANY{$branch} })->{accounts} } };
}

sub account_id
{
	my ($branch, $name) = @_;
	my ($account) = grep { $_->{fully_qualified_name} eq $name } values %{ chart($branch) };

	return $account->{id} // die "$branch has no account $name";
}

sub is_result { return $_[0] =~ /\A(?:Income|Other Income|Cost of Goods Sold|Expense|Other Expense)\z/ }

# Everything that mapping is.
sub state_of_mapping
{
	return join "\n", map { sql("SELECT '$_', count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM reefqbo.$_ t") }
	  qw(variable account_mapping mapping_template account account_change branch);
}

# A file, and the account's column of a CSV file is not ours to guess: psql writes and reads it.
sub file { return $node->basedir . "/$_[0].csv" }

sub write_csv
{
	my ($name, @rows) = @_;
	my $header = 'model,company_branch,account_id,account_number,account_name,variable_type,category,subcategory,branch,confidence,reason';

	append_to_file(file($name), encode_utf8(join('', map { "$_\n" } $header, @rows)));
	return file($name);
}

sub copy_in { return "\\copy reefqbo.mapping FROM '$_[0]' CSV HEADER" }

# ---- a group ----

sub make_group
{
	foreach my $branch (sort keys %COMPANY)
	{
		$node->connect_company('Group', 'sim-production', $COMPANY{$branch}, $branch);
		sql("SELECT FROM reefqbo.import_actuals('Group', '$FIRST', '$LAST', 'Accrual', '$branch')");
		sql("SELECT FROM reefqbo.import_actuals('Group', '$CASH_FIRST', '$LAST', 'Cash', '$branch')");
	}
	sql(call('set_currency', 'Group', 'USD'));
	sql(call('create_branch', 'Group', 'Shop', 'Reef'));
	$node->connect_company('Other', 'sim-production', 'pod-1');
	sql("SELECT FROM reefqbo.import_actuals('Other', '2026-10-01', '2026-10-31', 'Cash')");
	foreach my $role ([ 'reader_of_group', 'reader', 'Group' ], [ 'operator_of_group', 'operator', 'Group' ], [ 'operator_of_other', 'operator', 'Other' ],
		[ 'reads_group', 'reader', 'Group' ], [ 'reads_group', 'operator', 'Other' ])
	{
		my ($name, $level, $model) = @$role;
		sql("CREATE ROLE $name LOGIN") unless sql("SELECT 1 FROM pg_roles WHERE rolname = '$name'");
		sql(call('grant_access', $name, $level, $model));
	}
	return;
}

# ---- 1. proposals ----

# By type alone, but for these.
my %SPECIAL = (
	(map { ("Reef $_" => 'Staff') } 'Payroll', 'Payroll:Wages', 'Payroll:Employer Taxes', 'Payroll:Training', 'Payroll:Training:Materials'),
	'Atoll Wages' => 'Staff', 'Lagoon Wages' => 'Staff',
	'Corail Salaires' => 'Staff', "Corail Salaires:Primes d'\x{e9}t\x{e9}" => 'Staff',
	'Reef Dividends' => 'Dividend');

sub expected_type
{
	my ($branch, $account) = @_;
	my $type = $account->{type};

	return $SPECIAL{"$branch $account->{fully_qualified_name}"} // (
		  $type eq 'Cost of Goods Sold' ? 'COGS'
		: $type =~ /Expense/ ? 'Opex'
		: $type =~ /Income/ ? 'Revenue'
		: $type eq 'Equity' ? 'Equity'
		: $type =~ /Payable|Card|Liability/ ? 'Liability' : 'Asset');
}

sub test_proposals
{
	my $before = state_of_mapping();
	my (%expected, %got, %unsure);

	foreach my $branch (sort keys %COMPANY)
	{
		my $chart = chart($branch);
		foreach my $id (keys %$chart)
		{
			my $account = $chart->{$id};
			my $name = $account->{name} . ($account->{deleted} ? ' (deleted)' : '');
			$expected{"$branch $id"} = join '|', $account->{number} // '', $name, expected_type($branch, $account), $branch;
		}
	}
	foreach my $row (rows(q{SELECT company_branch, account_id, account_number, account_name, variable_type, branch_name, confidence, reason, category, model_name FROM reefqbo.propose_mapping('Group')}))
	{
		my ($branch, $id, $number, $name, $type, $to, $confidence, $reason, $category, $model) = @$row;
		my $key = "$branch $id";
		$key .= ' again' while exists $got{$key};
		$got{$key} = join '|', $number, $name, $type, $to;
		$unsure{$key} = join '|', @$row unless $confidence =~ /\A(?:certain|likely|guess)\z/ && $reason ne '' && $category ne '' && $model eq 'Group';
	}
	is_same(\%got, \%expected, 'each account of each company is proposed once, by type, subtype and name, for its company\'s branch');
	is_same(\%unsure, {}, 'with a category, a reason and how sure it is');
	my ($dividends, $rent) = (account_id('Reef', 'Dividends'), account_id('Reef', 'Rent'));
	like(sql("SELECT reason FROM reefqbo.propose_mapping('Group', 'Reef') WHERE account_id = '$dividends'"), qr/PartnerDistributions/, 'the subtype is named where it has decided');
	is(sql("SELECT variable_type, confidence FROM reefqbo.propose_mapping('Group', 'Reef') WHERE account_id = '$rent'"), 'Opex|certain', 'what the type alone says is certain');
	is(sql(q{SELECT string_agg(DISTINCT company_branch, ' ') FROM reefqbo.propose_mapping('Group', 'Corail')}), 'Corail', 'of one company alone, if it is asked for');
	is(state_of_mapping(), $before, 'a proposal writes nothing');
	like(error_of(q{SELECT * FROM reefqbo.propose_mapping('Group', 'Nowhere')}), qr/^42704 .*"Nowhere"/, 'there is no such branch');
	like(error_of(q{SELECT * FROM reefqbo.propose_mapping('Group', NULL, 'Nothing')}), qr/^42704 .*"Nothing"/, 'nor such a template');
	like(error_of(q{SELECT * FROM reefqbo.propose_mapping('Nobody')}), qr/^42704 .*"Nobody"/, 'nor such a model');
	return;
}

# ---- 2. what is at stake ----

# The movements of all months, or the balance at the end of the last, by the ledger.
sub stakes
{
	my ($branch, $method, $first) = @_;
	my (%cents, %expected);
	my $chart = chart($branch);

	foreach my $statement ('profit_and_loss', 'balance_sheet')
	{
		my $rows = $intuit->truth(company => $COMPANY{$branch}, statement => $statement, method => $method, end => $LAST,
			start => $statement eq 'profit_and_loss' ? $first : '2026-11-01')->{rows};
		$cents{ $_->{account_id} } += $_->{amount} =~ s/\.//r foreach grep { defined $_->{account_id} } @$rows;
	}
	foreach my $id (keys %$chart)
	{
		my $statement = is_result($chart->{$id}{type}) ? 'profit_and_loss' : 'balance_sheet';
		$expected{"$branch $id"} = join '|', $statement, $cents{$id} // 0, $method, $first, '2026-11-01', $branch eq 'Corail' ? 'EUR' : 'USD';
	}
	return %expected;
}

sub test_unmapped
{
	my %expected = map { stakes($_, 'Accrual', $FIRST) } keys %COMPANY;
	my %got = map { ("$_->[0] $_->[1]" => join '|', @$_[ 2 .. 7 ]) } rows(<<'END');
SELECT branch, account_id, statement, trim_scale(amount_at_stake * 100), accounting_method, first_month, last_month, currency
  FROM reefqbo.unmapped_account WHERE model = 'Group'
END

	is_same(\%got, \%expected, 'each account that is not mapped is told with what is at stake, by the ledger');
	is(sql(q{SELECT DISTINCT accounting_method FROM reefqbo.unmapped_account WHERE model = 'Other'}), 'Cash', 'by cash, where nothing else was imported');
	return;
}

# ---- 3. accepting ----

sub mapped { return { map { ("$_->[0] $_->[1]" => join '|', @$_[ 2 .. 5 ]) } rows('SELECT company_branch, account_id, variable_type, category, subcategory, branch FROM reefqbo.mapping WHERE model = ' . quote($_[0])) } }

sub test_accepting
{
	my $all = sql(q{SELECT count(*) FROM reefqbo.propose_mapping('Group', 'Atoll')});
	my $revenue = sql(q{SELECT count(*) FROM reefqbo.propose_mapping('Group', 'Atoll') WHERE variable_type = 'Revenue'});
	my %proposed = map { ("$_->[0] $_->[1]" => join '|', @$_[ 2 .. 5 ]) } rows(q{SELECT company_branch, account_id, variable_type, category, subcategory, branch_name FROM reefqbo.propose_mapping('Group')});

	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group', 'Atoll') WHERE variable_type = 'Revenue'});
	is(sql(q{SELECT count(*), count(*) FILTER (WHERE variable_type = 'Revenue') FROM reefqbo.mapping}), "$revenue|$revenue", 'some of a proposal is accepted');
	is(sql(q{SELECT count(*) FROM reefqbo.propose_mapping('Group', 'Atoll')}), $all - $revenue, 'what is mapped is not proposed again');
	is(sql(q{SELECT count(*) FROM reefqbo.unmapped_account WHERE branch = 'Atoll'}), $all - $revenue, 'and is not among the unmapped');

	my $travel = account_id('Atoll', 'Travel');
	sql(qq{INSERT INTO reefqbo.mapping SELECT model_name, company_branch, account_id, account_number, account_name, 'Opex', 'Going places', NULL, 'Shop', confidence, reason
	       FROM reefqbo.propose_mapping('Group', 'Atoll') WHERE account_id = '$travel'});
	is(mapped('Group')->{"Atoll $travel"}, 'Opex|Going places||Shop', 'or other values in its place, another branch too');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group')});
	$proposed{"Atoll $travel"} = 'Opex|Going places||Shop';
	is_same(mapped('Group'), \%proposed, 'or all that is left, by one statement');
	is(sql(q{SELECT count(*) FROM reefqbo.unmapped_account WHERE model = 'Group'}), 0, 'nothing is unmapped then');
	is(sql(q{SELECT count(*) FROM reefqbo.propose_mapping('Group')}), 0, 'and nothing proposed');
	is(sql(q{SELECT count(*) FROM reefqbo.variable v JOIN reefqbo.account_mapping m USING (model_id, variable_id) WHERE (v.connection_id, v.account_id) = (m.connection_id, m.account_id)}),
		scalar keys %proposed, 'each has a variable of its own');
	return;
}

# A query says little: the branch of the company may go without saying.
sub test_defaults
{
	my $id = sql(q{SELECT account_id FROM reefqbo.propose_mapping('Other') WHERE variable_type = 'Opex' ORDER BY account_id LIMIT 1});

	sql("INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Other', '$id', 'Staff', 'People')");
	is_same(mapped('Other'), { "Other $id" => 'Staff|People||Other' }, 'a model\'s only company need not be named, nor the branch');
	sql("UPDATE reefqbo.mapping SET category = 'Crew', subcategory = 'Divers' WHERE model = 'Other'");
	is_same(mapped('Other'), { "Other $id" => 'Staff|Crew|Divers|Other' }, 'an UPDATE maps anew');
	sql("INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Other', '$id', 'Opex', 'People'), ('Other', '$id', 'Tax', 'Levies')");
	is_same(mapped('Other'), { "Other $id" => 'Tax|Levies||Other' }, 'so does an INSERT, of which the last row counts');
	my $variable = sql("SELECT variable_id FROM reefqbo.variable WHERE account_id = '$id' AND model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Other')");
	sql("DELETE FROM reefqbo.mapping WHERE model = 'Other'");
	is_same(mapped('Other'), {}, 'a DELETE takes the mapping away, where it may');
	sql("INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Other', '$id', 'Opex', 'People')");
	is(sql(call('unmap_account', 'Other', $id)), 't', 'and unmap_account does');
	is_same(mapped('Other'), {}, 'it is not mapped');
	is(sql(call('unmap_account', 'Other', $id)), 'f', 'which it was not before either');
	sql("INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Other')");
	is(sql("SELECT variable_id FROM reefqbo.account_mapping JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Other' AND account_id = '$id'"), $variable, 'not the variable, which comes back with the next mapping');
	like(error_of("UPDATE reefqbo.mapping SET account_id = '1' WHERE model = 'Other' AND account_id = '$id'"), qr/^22023 /, 'a mapping is not moved to another account');
	my $some = account_id('Reef', 'Rent');
	like(error_of("INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Group', '$some', 'Opex', 'x')"), qr/^42704 /, 'of several companies one must be named');
	like(error_of(call('unmap_account', 'Group', $some)), qr/^42704 /, 'to take a mapping away, too');
	like(error_of(call('unmap_account', 'Group', undef, 'Reef')), qr/^22004 /, 'and an account');
	return;
}

# ---- 4. CSV files ----

sub test_csv
{
	my $before = mapped('Group');
	my $file = file('out');

	sql("\\copy (SELECT * FROM reefqbo.mapping WHERE company_branch = 'Corail') TO '$file' CSV HEADER");
	my $text = decode_utf8(slurp_file($file));
	like($text, qr/\Amodel,company_branch,account_id,account_number,account_name,variable_type,category,subcategory,branch,confidence,reason\n/, 'a mapping goes out as CSV');
	sql("DELETE FROM reefqbo.mapping WHERE company_branch = 'Corail'");
	is(sql(q{SELECT count(*) FROM reefqbo.mapping WHERE company_branch = 'Corail'}), 0, 'is taken away');
	sql("\\copy reefqbo.mapping FROM '$file' CSV HEADER");
	is_same(mapped('Group'), $before, 'and comes in again as it was');

	my $salaries = account_id('Corail', 'Salaires');
	my $edited = $text =~ s/^(Group,Corail,$salaries,[^\n]*?),Staff,[^,]*,[^,]*,Corail,/$1,Opex,"Frais, ""divers\x{e9}""",,Group,/mr;
	append_to_file(file('edited'), encode_utf8($edited));
	sql(copy_in(file('edited')));
	$before->{"Corail $salaries"} = "Opex|Frais, \"divers\x{e9}\"||Group";
	is_same(mapped('Group'), $before, 'what was edited in it is mapped anew, and nothing else');

	sql("\\copy (SELECT * FROM reefqbo.propose_mapping('Group')) TO '" . file('nothing') . "' CSV HEADER");
	is(() = slurp_file(file('nothing')) =~ /\n/g, 1, 'a proposal of nothing is a header');
	return;
}

# Each hostile row stands last, behind rows that are good.
sub test_hostile_csv
{
	my ($rent, $sales, $bank) = map { account_id('Reef', $_) } 'Rent', 'Sales', 'Main Bank';
	my $before = state_of_mapping();
	my @hostile = (
		[ 'unknown type', "Group,Reef,$rent,,,Opexx,Premises,,Reef,,", qr/^22023 .*Opexx/ ],
		[ 'type in other letters', "Group,Reef,$rent,,,opex,Premises,,Reef,,", qr/^22023 .*opex/ ],
		[ 'a cost as an asset', "Group,Reef,$rent,,,Asset,Premises,,Reef,,", qr/^22023 .*Rent.*Asset/ ],
		[ 'income as equity', "Group,Reef,$sales,,,Equity,Premises,,Reef,,", qr/^22023 .*Sales.*Equity/ ],
		[ 'income as a dividend', "Group,Reef,$sales,,,Dividend,Premises,,Reef,,", qr/^22023 .*Sales.*Dividend/ ],
		[ 'a bank account as revenue', "Group,Reef,$bank,,,Revenue,Premises,,Reef,,", qr/^22023 .*Main Bank.*Revenue/ ],
		[ 'unknown branch', "Group,Reef,$rent,,,Opex,Premises,,Riff,,", qr/^42704 .*Riff/ ],
		[ 'a branch of another model', "Group,Reef,$rent,,,Opex,Premises,,Other,,", qr/^42704 .*Other/ ],
		[ 'unknown company', "Group,Riff,$rent,,,Opex,Premises,,Reef,,", qr/^42704 .*Riff/ ],
		[ 'a branch without a company', "Group,Shop,$rent,,,Opex,Premises,,Reef,,", qr/^42704 .*Shop/ ],
		[ 'unknown model', "Groop,Reef,$rent,,,Opex,Premises,,Reef,,", qr/^42704 .*Groop/ ],
		[ 'unknown account', "Group,Reef,no-such,,,Opex,Premises,,Reef,,", qr/^42704 .*no-such/ ],
		[ 'account in other digits', "Group,Reef,0$rent,,,Opex,Premises,,Reef,,", qr/^42704 .*0$rent/ ],
		[ 'a line that QuickBooks computes', 'Group,Reef,computed:NetIncome,,,Equity,Premises,,Reef,,', qr/^42704 .*computed:NetIncome/ ],
		[ 'an account of another company', "Group,Corail,$rent,,,Opex,Premises,,Corail,,", qr/^42704 .*$rent/ ],
		[ 'an account of another model', "Other,Other,$rent,,,Opex,Premises,,Other,,", qr/^42704 .*$rent/ ],
		[ 'no model', ",Reef,$rent,,,Opex,Premises,,Reef,,", qr/^22004 / ],
		[ 'no account', 'Group,Reef,,,,Opex,Premises,,Reef,,', qr/^22004 / ],
		[ 'no type', "Group,Reef,$rent,,,,Premises,,Reef,,", qr/^22004 / ],
		[ 'no category', "Group,Reef,$rent,,,Opex,,,Reef,,", qr/^22004 / ],
		[ 'an empty category', "Group,Reef,$rent,,,Opex,\"\",,Reef,,", qr/^22023 / ],
		[ 'a category of two lines', "Group,Reef,$rent,,,Opex,\"two\nlines\",,Reef,,", qr/^22023 / ],
		[ 'an endless category', "Group,Reef,$rent,,,Opex," . 'x' x 201 . ',,Reef,,', qr/^22023 / ],
		[ 'an empty subcategory', "Group,Reef,$rent,,,Opex,Premises,\"\",Reef,,", qr/^22023 / ],
		[ 'SQL in the place of words', "Group,Reef,$rent,,,\"Opex'); DROP TABLE reefqbo.actual; --\",Premises,,Reef,,", qr/^22023 .*DROP TABLE/ ],
		[ 'a column too few', "Group,Reef,$rent,,,Opex,Premises,,Reef,", qr/^22P04 / ]);

	ok(!exists chart('Corail')->{$rent}, 'a company has an account that another has not');
	my $n = 0;
	foreach my $case (@hostile)
	{
		my ($what, $row, $expected) = @$case;
		my $file = write_csv('hostile' . ++$n, "Group,Reef,$bank,,,Asset,Changed,,Reef,,", "Group,Reef,$sales,,,Revenue,Changed,,Shop,,", $row);
		like(error_of(copy_in($file)), $expected, "$what: is refused");
		is(state_of_mapping(), $before, "$what: and nothing of the file is written");
	}
	isnt(sql(q{SELECT to_regclass('reefqbo.actual')}), '', 'no table is missing');
	return;
}

# What a spreadsheet takes for a formula goes out as a text, and comes back as what it was. The texts are OWASP's, and what programs
# with other separators make of them.
my %SHEET = (
	q{=cmd|'/c calc'!A1} => q{'=cmd|'/c calc'!A1}, '+1+1' => q{'+1+1}, '-2+3' => q{'-2+3}, '@SUM(1)' => q{'@SUM(1)},
	q{'=1+1} => q{''=1+1}, "'" => "'", "''" => "''", "O'Hara" => "O'Hara", q{'quoted'} => q{'quoted'}, '' => '',
	'a;=1' => q{a;'=1}, 'a,@b' => q{a,'@b}, q{a"=1} => q{a"'=1}, 'a|-1' => q{a|'-1}, q{a;'=1} => q{a;''=1}, ';;=;=' => q{;;'=;'=},
	'a = b - c' => 'a = b - c', 'Rent-a-boat' => 'Rent-a-boat', 'post@reef' => 'post@reef',
	"\x{ff1d}1" => "'\x{ff1d}1", "\x{ff20}x" => "'\x{ff20}x", '==' => q{'==});

sub test_sheet_text
{
	foreach my $text (sort keys %SHEET)
	{
		is(sql('SELECT reefqbo.sheet_text(' . quote($text) . ')'), $SHEET{$text}, encode_utf8("for a spreadsheet: $text"));
		is(sql('SELECT reefqbo._from_sheet(' . quote($SHEET{$text}) . ')'), $text, encode_utf8("and back: $SHEET{$text}"));
	}
	is(sql(q{SELECT encode(convert_to(reefqbo.sheet_text(E'\t=1'), 'UTF8'), 'hex')}), '2709273d31', 'a tab at the beginning begins one, and a cell behind it');
	is(sql(q{SELECT count(*) FROM (SELECT string_agg(c, '') AS t FROM generate_series(1, 20000) n, generate_series(1, 1 + n % 7) i, LATERAL (SELECT substr($$'=;a,"|-@+$$, 1 + abs(hashint4(n * 7 + i)) % 10, 1) AS c) l GROUP BY n) t WHERE reefqbo._from_sheet(reefqbo.sheet_text(t)) <> t OR reefqbo.sheet_text(t) ~ $$(^|[;,|"])[-=+@]$$}),
		0, 'whatever a text is made of, it comes back, and no cell in it begins a formula');
	return;
}

sub test_sheet
{
	my $hostile = q{=cmd|'/c calc'!A1};
	my ($rent, $insurance) = map { account_id('Reef', $_) } 'Rent', 'Insurance';
	my $file = file('sheet');
	my $before = [ split /\|/, sql("SELECT quote_nullable(category), quote_nullable(subcategory) FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$insurance'") ];

	sql('BEGIN; UPDATE reefqbo.account SET name = ' . quote($hostile) . " WHERE account_id = '$rent';"
		  . ' UPDATE reefqbo.mapping SET category = ' . quote($hostile) . ", subcategory = '''-1' WHERE company_branch = 'Reef' AND account_id = '$insurance'; COMMIT");
	my $mapped = sub { return sql(q{SELECT company_branch, account_id, variable_type, category, subcategory, branch FROM reefqbo.mapping WHERE model = 'Group' ORDER BY 1, 2}) };
	my $expected = $mapped->();
	like($expected, qr/^Reef\|$insurance\|Opex\|\Q$hostile\E\|'-1\|Reef$/m, 'a category may be a formula');
	sql("\\copy (SELECT * FROM reefqbo.mapping_sheet) TO '$file' CSV HEADER FORCE QUOTE *");
	my $text = decode_utf8(slurp_file($file));
	like($text, qr/"'\Q$hostile\E"/, 'it goes out as a text');
	unlike($text, qr/(?:^|[,;|"])[-=+@]/m, 'and no cell begins with a formula');
	sql("DELETE FROM reefqbo.mapping WHERE model = 'Group'");
	sql("\\copy (SELECT * FROM reefqbo.proposed_sheet('Group', 'Reef')) TO '" . file('proposed') . "' CSV HEADER FORCE QUOTE *");
	like(decode_utf8(slurp_file(file('proposed'))), qr/^"Group","Reef","$rent",[^\n]*"'\Q$hostile\E"/m, 'so does a proposal');
	sql("\\copy reefqbo.mapping_sheet FROM '$file' CSV HEADER");
	is($mapped->(), $expected, 'what comes back is what it was');
	sql("UPDATE reefqbo.account SET name = 'Rent' WHERE account_id = '$rent'");
	like(error_of("\\copy reefqbo.mapping_sheet FROM '" . write_csv('bad_sheet', "Group,Reef,$rent,,,Asset,Premises,,Reef,,") . "' CSV HEADER"), qr/^22023 .*Rent.*Asset/, 'a wrong line refuses the file');
	like(error_as('reader_of_group', "INSERT INTO reefqbo.mapping_sheet (model, company_branch, account_id, variable_type, category) VALUES ('Group', 'Reef', '$rent', 'Opex', 'x')"), qr/^42501 /, 'a reader does not map by it');
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.mapping_sheet}), scalar(my @lines = split /\n/, $expected), 'but reads it, of the model');
	sql("UPDATE reefqbo.mapping SET category = $_->[0], subcategory = $_->[1] WHERE company_branch = 'Reef' AND account_id = '$insurance'") foreach $before;
	return;
}

# The words themselves are data.
sub test_strange_words
{
	my $rent = account_id('Reef', 'Rent');
	my $strange = q{'; DROP TABLE "x" -- \\ %s $1 {} } . "\x{1f41f}";

	sql("INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category, subcategory) VALUES ('Group', 'Reef', '$rent', 'Opex', " . quote($strange) . ', ' . quote($strange) . ')');
	is(sql("SELECT category, subcategory FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$rent'"), "$strange|$strange", 'a category may have any printable characters');
	sql("UPDATE reefqbo.mapping SET category = 'Premises', subcategory = NULL WHERE company_branch = 'Reef' AND account_id = '$rent'");
	return;
}

# However an account is called, it can be mapped.
sub test_strange_names
{
	my $rent = account_id('Reef', 'Rent');
	my $name = sub { return sql("SELECT reefqbo._variable_name(" . join(', ', @_) . ')') };

	is($name->(q{'6000'}, q{E'Rent\tof\nboats (deleted)'}, q{'7'}), '6000 Rent of boats', 'characters that cannot be seen are spaces');
	is($name->('NULL', q{repeat('x', 300)}, q{'7'}), 'x' x 250, 'a long one is cut');
	is($name->('NULL', q{' '}, q{'7'}), '7', 'without a name it is the id');
	sql("DELETE FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$rent'; DELETE FROM reefqbo.variable WHERE account_id = '$rent'");
	sql("BEGIN; UPDATE reefqbo.account SET name = E'\t' || name WHERE account_id = '$rent'; INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category) VALUES ('Group', 'Reef', '$rent', 'Opex', 'Premises'); UPDATE reefqbo.account SET name = 'Rent' WHERE account_id = '$rent'; COMMIT");
	is(sql("SELECT count(*) FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$rent'"), 1, 'it is mapped');
	return;
}

# A variable is one account's: its amounts are nobody else's as well.
sub test_one_variable
{
	my ($rent, $insurance) = map { account_id('Reef', $_) } 'Rent', 'Insurance';
	my $connection = "connection_id = (SELECT connection_id FROM reefqbo.connection_status WHERE model = 'Group' AND branch = 'Reef')";

	like(error_as('operator_of_group', "UPDATE reefqbo.account_mapping SET variable_id = (SELECT variable_id FROM reefqbo.account_mapping WHERE account_id = '$rent' AND $connection) WHERE account_id = '$insurance' AND $connection"),
		qr/^23505/, 'it cannot be two accounts\', past the view either');
	return;
}

# Two sessions map the same accounts at once.
sub test_at_once
{
	my $text = <<'END';
SELECT count(*) FROM reefqbo.model;
INSERT INTO reefqbo.mapping SELECT m.name, m.name, a.account_id, NULL, NULL, 'Opex', 'Everything' FROM reefqbo.account a JOIN reefqbo.model m USING (model_id)
 WHERE m.name = 'Twice' AND a.classification = 'Expense' ORDER BY a.account_id;
END

	$node->connect_company('Twice', 'sim-production', 'pod-2');
	sql(q{SELECT FROM reefqbo.import_accounts('Twice')});
	my @sessions = map { my ($in, $out, $err) = ("BEGIN;\n$text", '', ''); { run => IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err), in => \$in, err => \$err } } 1 .. 2;
	${ $_->{in} } .= "COMMIT;\n\\q\n" foreach @sessions;
	my @ended = map { $_->{run}->finish ? 'well' : ${ $_->{err} } } @sessions;
	is("@ended", 'well well', 'two sessions map the same accounts at once');
	is(sql(q{SELECT count(*) - count(DISTINCT account_id), count(*) = (SELECT count(*) FROM reefqbo.mapping WHERE model = 'Twice') FROM reefqbo.variable v JOIN reefqbo.model m USING (model_id) WHERE m.name = 'Twice'}),
		'0|t', 'and each has one variable');
	return;
}

# ---- 5. who may ----

sub test_roles
{
	my $rent = account_id('Reef', 'Rent');
	my $insert = "INSERT INTO reefqbo.mapping (model, company_branch, account_id, variable_type, category) VALUES ('Group', 'Reef', '$rent', 'Opex', 'Stolen')";
	my $count = sql(q{SELECT count(*) FROM reefqbo.mapping WHERE model = 'Group'});
	my $before = state_of_mapping();
	my %forbidden = (
		INSERT => $insert,
		UPDATE => q{UPDATE reefqbo.mapping SET category = 'Stolen' WHERE model = 'Group'},
		DELETE => q{DELETE FROM reefqbo.mapping WHERE model = 'Group'},
		'INSERT of a variable' => qq{INSERT INTO reefqbo.variable (model_id, connection_id, account_id, name) SELECT model_id, connection_id, account_id, 'x' FROM reefqbo.account WHERE account_id = '$rent'},
		'INSERT by ids' => q{INSERT INTO reefqbo.account_mapping SELECT * FROM reefqbo.account_mapping LIMIT 1},
		'UPDATE by ids' => q{UPDATE reefqbo.account_mapping SET category = 'Stolen'},
		'DELETE by ids' => q{DELETE FROM reefqbo.account_mapping},
		'renaming a variable' => q{UPDATE reefqbo.variable SET name = 'Stolen'},
		'saving a template' => call('save_mapping_template', 'Group', 'Mine', 'Reef'),
		'taking a mapping away' => call('unmap_account', 'Group', $rent, 'Reef'),
		'forging a change' => q{DELETE FROM reefqbo.account_change},
		'forging a template' => q{UPDATE reefqbo.mapping_template SET category = 'Stolen'});

	foreach my $what (sort keys %forbidden)
	{
		like(error_as('reader_of_group', $forbidden{$what}), qr/^42501 /, "$what: a reader may not");
	}
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.mapping}), $count, 'a reader reads the mapping of the model, and of no other');
	is(as('reader_of_group', q{SELECT count(*) FROM reefqbo.propose_mapping('Group')}), 0, 'and the proposals');

	foreach my $role ('operator_of_other')
	{
		is(as($role, "SELECT string_agg(DISTINCT model, ' ') FROM (SELECT model FROM reefqbo.mapping UNION SELECT model FROM reefqbo.unmapped_account) m"), 'Other', "$role sees its own model's mapping");
		like(error_as($role, $insert), qr/^42704 /, "$role: for it there is no such company");
		is(as($role, "$forbidden{UPDATE} RETURNING 1"), '', "$role: UPDATE finds nothing");
		like(error_as($role, $forbidden{$_}), qr/^42501 /, "$role: $_ is nobody's") foreach 'DELETE', 'DELETE by ids';
		like(error_as($role, $forbidden{'taking a mapping away'}), qr/^42704 /, "$role: there is no such mapping");
		like(error_as($role, q{SELECT * FROM reefqbo.propose_mapping('Group')}), qr/^42704 /, "$role: nothing is proposed");
		like(error_as($role, call('save_mapping_template', 'Group', 'Mine', 'Reef')), qr/^42704 /, "$role: no template is saved");
		is(as($role, "SELECT count(*) FROM reefqbo.$_ t JOIN reefqbo.model m ON m.model_id = t.model_id AND m.name = 'Group'"), 0, "$role sees nothing of $_") foreach qw(variable account_mapping account_change mapping_template);
	}
	# One who reads this model and works on another has the tables' privileges, and the rows are kept from being written.
	like(error_as('reads_group', $insert), qr/^42501 /, 'INSERT: who works on another model may not here');
	like(error_as('reads_group', $forbidden{'taking a mapping away'}), qr/^42501 /, 'nor take away');
	isnt(error_as('reads_group', $forbidden{UPDATE}), 'none', 'UPDATE: nor change');
	is(as('reads_group', 'UPDATE reefqbo.variable v SET name = \'Stolen\' FROM reefqbo.model m WHERE m.model_id = v.model_id AND m.name = \'Group\' RETURNING 1'), '', 'nor rename a variable');
	is(state_of_mapping(), $before, 'nothing was written');

	my $unmap_lagoon = q{SELECT count(*) FROM (SELECT reefqbo.unmap_account(model, account_id, company_branch) AS was_mapped FROM reefqbo.mapping WHERE company_branch = 'Lagoon') u WHERE u.was_mapped};
	is(as('operator_of_group', $unmap_lagoon), scalar(keys %{ chart('Lagoon') }), 'an operator takes mappings away');
	as('operator_of_group', q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group')});
	is(sql(q{SELECT count(*), string_agg(DISTINCT p.mapped_by, ' ') FROM reefqbo.account_mapping p WHERE (p.model_id, p.connection_id) IN (SELECT model_id, connection_id FROM reefqbo.connection_status WHERE branch = 'Lagoon')}),
		scalar(keys %{ chart('Lagoon') }) . '|operator_of_group', 'an operator maps, which is written down');
	my $file = file('operator');
	as('operator_of_group', "\n\\copy (SELECT * FROM reefqbo.mapping WHERE company_branch = 'Lagoon') TO '$file' CSV HEADER\n$unmap_lagoon;\n\\copy reefqbo.mapping FROM '$file' CSV HEADER");
	is(sql(q{SELECT count(*) FROM reefqbo.mapping WHERE company_branch = 'Lagoon'}), scalar(keys %{ chart('Lagoon') }), 'and by a file');
	return;
}

# Who has written is not the writer's to say, but for a superuser's dump that comes back.
sub test_authors
{
	my $rent = account_id('Reef', 'Rent');
	my $of_rent = "account_id = '$rent' AND model_id = (SELECT model_id FROM reefqbo.model WHERE name = 'Group')";
	my $by = sub { return sql("SELECT mapped_by, mapped_at > now() - interval '1 hour' FROM reefqbo.account_mapping WHERE $of_rent") };
	my $stated = sub { return sql(q{SELECT stated_by, stated_at > now() - interval '1 hour' FROM reefqbo.elimination}) };
	my $entry = q{INTO reefqbo.elimination (model_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category, stated_at, stated_by)
		SELECT b.model_id, b.branch_id, '2026-10-01', 1, 'Revenue', p.category, 'Revenue', p.category, '2001-01-01', 'reader_of_group'
		FROM reefqbo.branch b CROSS JOIN LATERAL (SELECT min(m.category) AS category FROM reefqbo.account_mapping m WHERE m.model_id = b.model_id AND m.variable_type = 'Revenue') p
		WHERE b.name = 'Group'};

	sql("CREATE TABLE kept AS SELECT * FROM reefqbo.account_mapping WHERE $of_rent; GRANT SELECT ON kept TO operator_of_group");
	as('operator_of_group', "UPDATE reefqbo.account_mapping SET mapped_by = 'reader_of_group', mapped_at = '2001-01-01' WHERE $of_rent");
	is($by->(), 'operator_of_group|t', 'a mapping: an UPDATE of the table is by who has done it');
	as('operator_of_group', "SELECT reefqbo.unmap_account('Group', '$rent', 'Reef'); INSERT INTO reefqbo.account_mapping (model_id, connection_id, account_id, variable_id, variable_type, category, branch_id, mapped_at, mapped_by) SELECT model_id, connection_id, account_id, variable_id, variable_type, category, branch_id, '2001-01-01', 'reader_of_group' FROM kept");
	is($by->(), 'operator_of_group|t', 'so is an INSERT');
	sql("UPDATE reefqbo.mapping SET category = 'Premises2' WHERE company_branch = 'Reef' AND account_id = '$rent'");
	is($by->(), sql('SELECT current_user') . '|t', 'a superuser\'s too');
	sql("UPDATE reefqbo.mapping SET category = 'Premises' WHERE company_branch = 'Reef' AND account_id = '$rent'");
	sql("BEGIN; UPDATE kept SET mapped_by = 'reader_of_group', mapped_at = '2001-01-01'; DELETE FROM reefqbo.account_mapping WHERE $of_rent; INSERT INTO reefqbo.account_mapping SELECT * FROM kept; COMMIT");
	is($by->(), 'reader_of_group|f', 'but what a superuser brings back is as it was');

	as('operator_of_group', "INSERT $entry");
	is($stated->(), 'operator_of_group|t', 'an elimination: an INSERT is by who has done it');
	as('operator_of_group', q{UPDATE reefqbo.elimination SET amount = 2, stated_by = 'reader_of_group', stated_at = '2001-01-01'});
	is($stated->(), 'operator_of_group|t', 'so is an UPDATE');
	sql(q{UPDATE reefqbo.elimination SET amount = 3});
	is($stated->(), sql('SELECT current_user') . '|t', 'a superuser\'s too');
	sql("DELETE FROM reefqbo.elimination; INSERT $entry");
	is($stated->(), 'reader_of_group|f', 'but what a superuser brings back is as it was');
	sql('DELETE FROM reefqbo.elimination; DROP TABLE kept');
	like(error_as('operator_of_group', "INSERT INTO reefqbo.variable (model_id, connection_id, account_id, name, created_at) SELECT model_id, connection_id, account_id, 'x', '2001-01-01' FROM reefqbo.account LIMIT 1"), qr/^42501 /, 'when a variable was made is not said either');
	return;
}

# ---- 6. templates ----

sub proposed_by_template
{
	my ($role, @arguments) = @_;

	return { map { ($_->[0] => $_) } map { [ split /\|/, $_, -1 ] } split /\n/, decode_utf8(as($role,
		'SELECT account_id, variable_type, category, subcategory, branch_name, confidence, reason FROM reefqbo.propose_mapping(' . join(', ', map { quote($_) } @arguments) . ')')) };
}

sub test_templates
{
	my %reef = (map { ($_ => account_id('Reef', $_)) } 'Rent', 'Insurance', 'Depreciation', 'Guided Night Dives');
	my %atoll = (map { ($_ => account_id('Atoll', $_)) } 'Rent', 'Legal', 'Depreciation', 'Old Rentals', 'Travel:Hotels');
	my $superuser = sql('SELECT current_user');

	like(error_of(call('save_mapping_template', 'Group', undef, 'Reef')), qr/^22023 /, 'a template needs a name');
	like(error_of(call('save_mapping_template', 'Group', 'Dive', 'Shop')), qr/^42704 /, 'and a company');
	like(error_of(call('save_mapping_template', 'Group', 'Dive', 'Riff')), qr/^42704 /, 'that there is');
	sql("UPDATE reefqbo.mapping SET category = 'Premises', subcategory = 'Rented', branch = 'Shop' WHERE company_branch = 'Reef' AND account_id = '$reef{Rent}'");
	sql("UPDATE reefqbo.mapping SET variable_type = 'COGS', category = 'Wear' WHERE company_branch = 'Reef' AND account_id = '$reef{Depreciation}'");
	sql("UPDATE reefqbo.mapping SET category = 'Cover' WHERE company_branch = 'Reef' AND account_id = '$reef{Insurance}'");
	sql("UPDATE reefqbo.mapping SET category = 'Guides', subcategory = NULL WHERE company_branch = 'Reef' AND account_id = '$reef{'Guided Night Dives'}'");
	is(sql(call('save_mapping_template', 'Group', 'Dive', 'Reef')), scalar(keys %{ chart('Reef') }), 'a template holds each account that is mapped');
	is(sql(call('save_mapping_template', 'Group', 'Dive', 'Reef')), scalar(keys %{ chart('Reef') }), 'and replaces one of the same name');
	is(sql(q{SELECT count(*) FROM reefqbo.mapping_template}), scalar(keys %{ chart('Reef') }), 'which is there once');

	# Atoll's accounts have the numbers of Reef's, but for three: Rent, which has the name, Old Rentals and Travel:Hotels.
	$intuit->admin('renumber', { company => 'atoll', account => $_, number => undef }) foreach 'Rent', 'Travel:Hotels';
	sql(q{SELECT FROM reefqbo.refresh('Group', 'Atoll')});
	sql(q{DELETE FROM reefqbo.mapping WHERE company_branch = 'Atoll'});
	my $got = proposed_by_template($superuser, 'Group', 'Atoll', 'Dive');
	is(scalar(keys %$got), scalar(keys %{ chart('Atoll') }), 'of the next company each account is proposed');
	my $of = sub { join '|', @{ $got->{ $atoll{ $_[0] } } }[ 1 .. 5 ] };
	is($of->('Legal'), 'Opex|Cover|Insurance|Atoll|certain', 'by the number: what the template says');
	like($got->{ $atoll{Legal} }[6], qr/Dive.*6400/, 'the reason names the template and the number');
	is($of->('Rent'), 'Opex|Premises|Rented|Shop|certain', 'else by the full name; the branch too, where it was another than the company\'s');
	like($got->{ $atoll{Rent} }[6], qr/Dive.*Rent/, 'the reason names the account');
	is($of->('Depreciation'), 'COGS|Wear|Depreciation|Atoll|certain', 'another type than by default');
	is($of->('Old Rentals'), 'Revenue|Guides||Atoll|likely', 'else as all of the type and subtype were mapped: likely');
	is((split /\|/, $of->('Travel:Hotels'))[0], 'Opex', 'what the template does not know is proposed without it');
	unlike($got->{ $atoll{'Travel:Hotels'} }[6], qr/Dive/, 'and so the reason says');
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group', 'Atoll', 'Dive')});
	is(sql("SELECT category, branch FROM reefqbo.mapping WHERE company_branch = 'Atoll' AND account_id = '$atoll{Rent}'"), 'Premises|Shop', 'and is accepted as any other proposal');

	# Into another model, by those who may read both.
	sql(q{DELETE FROM reefqbo.mapping WHERE model = 'Other'});
	like(error_as('operator_of_other', q{SELECT * FROM reefqbo.propose_mapping('Other', NULL, 'Dive', 'Group')}), qr/^42704 .*Group/, 'a template of a model that one may not see does not exist');
	like(error_as('operator_of_other', q{SELECT * FROM reefqbo.propose_mapping('Other', NULL, 'Dive')}), qr/^42704 .*Dive/, 'nor is it one of the other model');
	my $pods = proposed_by_template('reads_group', 'Other', undef, 'Dive', 'Group');
	is(scalar(keys %$pods), sql(q{SELECT count(*) FROM reefqbo.unmapped_account WHERE model = 'Other'}), 'who may read it has it proposed');
	is(join(' ', sort { $a cmp $b } keys %{ { map { ($_->[4] => 1) } values %$pods } }), 'Other', 'at the branch of the company, since the other model has no such branch');
	return;
}

# ---- 7. what happens to accounts ----

sub connection { return (rows("SELECT model_id, connection_id FROM reefqbo.connection_status WHERE model = 'Group' AND branch = '$_[0]'"))[0] }

sub changes
{
	my ($branch, $after) = @_;
	my ($model_id, $connection_id) = @{ connection($branch) };

	return { map { ("$_->[0] $_->[1]" => "$_->[2] -> $_->[3]") } rows(<<"END") };
SELECT account_id, change, coalesce(old_value, '(null)'), coalesce(new_value, '(null)') FROM reefqbo.account_change
 WHERE model_id = $model_id AND connection_id = $connection_id AND change_id > $after
END
}

sub newest_change { return sql('SELECT coalesce(max(change_id), 0) FROM reefqbo.account_change') }

# Something happens between two imports: just these rows, one notification that counts them; and the next import has
# no more to tell.
sub change_is_noticed
{
	my ($what, $branch, $expected, $import) = @_;
	my $after = newest_change();
	my $mapping = mapped('Group');
	my ($model_id, $connection_id) = @{ connection($branch) };
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	$import //= "SELECT FROM reefqbo.refresh('Group', '$branch')";
	$listener->told;
	sql($import);
	is_same(changes($branch, $after), $expected, "$what: is noticed as what it is");
	is(newest_change() - $after, scalar(keys %$expected), "$what: once");
	my @told = $listener->events('accounts_changed');
	is(scalar(@told), keys %$expected ? 1 : 0, "$what: with one notification");
	if (@told)
	{
		my $import_id = sql("SELECT max(import_id) FROM reefqbo.import_log WHERE model_id = $model_id AND connection_id = $connection_id");
		is_deeply($told[0], { event => 'accounts_changed', model_id => $model_id, connection_id => $connection_id, import_id => $import_id, changes => scalar keys %$expected },
			"$what: which says whose, by which import and how many");
		is(sql("SELECT count(*) FROM reefqbo.account_change WHERE change_id > $after AND import_id = $import_id AND noticed_at <= now()"), scalar(keys %$expected), "$what: when and by which import stands in the row");
	}
	is_same(mapped('Group'), $mapping, "$what: the mapping is as it was");
	my $newest = newest_change();
	sql("SELECT FROM reefqbo.refresh('Group', '$branch', true)");
	is(newest_change(), $newest, "$what: another import has nothing to tell");
	is(scalar($listener->events('accounts_changed')), 0, "$what: and tells nothing");
	return;
}

sub admin { return $intuit->admin(shift, {@_}) }

sub test_changes
{
	my %id = map { ($_ => account_id('Reef', $_)) } 'Rent', 'Insurance', 'Bank Charges', 'Sales:Equipment', 'Sales:Equipment:Fins', 'Marketing:Print', 'Marketing:Online',
	  'Marketing:Other', 'Petty Cash', 'Savings', 'Main Bank', 'Utilities:Water', 'Interest Earned';
	my $change = sub { my ($verb, $name, @more) = @_; admin($verb, company => 'reef', account => $id{$name}, @more) };

	change_is_noticed('nothing', 'Reef', {});

	$change->(rename => 'Rent', name => 'Loyer');
	change_is_noticed('a rename', 'Reef', { "$id{Rent} renamed" => 'Rent -> Loyer' });
	$change->(rename => 'Sales:Equipment', name => 'Gear');
	change_is_noticed('a rename of one with others below it', 'Reef', { "$id{'Sales:Equipment'} renamed" => 'Sales:Equipment -> Sales:Gear' });
	$change->(rename => 'Utilities:Water', name => "L'\x{e9}au; \"%s\"\\ DROP");
	change_is_noticed('a rename to something strange', 'Reef', { "$id{'Utilities:Water'} renamed" => "Utilities:Water -> Utilities:L'\x{e9}au; \"%s\"\\ DROP" });
	$change->(renumber => 'Insurance', number => '6401');
	change_is_noticed('another number', 'Reef', { "$id{Insurance} renumbered" => '6400 -> 6401' });
	$change->(renumber => 'Insurance', number => undef);
	change_is_noticed('no number', 'Reef', { "$id{Insurance} renumbered" => '6401 -> (null)' });
	$change->(reclassify => 'Insurance', type => 'Other Expense', subtype => 'OtherMiscellaneousExpense');
	change_is_noticed('another type', 'Reef', { "$id{Insurance} reclassified" => 'Expense, Insurance -> Other Expense, OtherMiscellaneousExpense' });
	$change->(move => 'Marketing:Print', parent => 'Office');
	change_is_noticed('a move', 'Reef', { "$id{'Marketing:Print'} moved" => 'Marketing:Print -> Office:Print' });
	$change->(move => 'Marketing:Print');
	change_is_noticed('a move to the top', 'Reef', { "$id{'Marketing:Print'} moved" => 'Office:Print -> Print' });
	$change->(deactivate => 'Marketing:Online');
	change_is_noticed('one made inactive', 'Reef', { "$id{'Marketing:Online'} inactivated" => 'active -> inactive' }, q{SELECT FROM reefqbo.import_accounts('Group', 'Reef')});
	$change->(reactivate => 'Marketing:Online');
	change_is_noticed('one made active again', 'Reef', { "$id{'Marketing:Online'} reactivated" => 'inactive -> active' });
	$change->(remove => 'Marketing:Other');
	change_is_noticed('one deleted', 'Reef', { "$id{'Marketing:Other'} deleted" => 'Other -> Other (deleted)' });
	$change->(vanish => 'Petty Cash');
	change_is_noticed('one that is gone', 'Reef', { "$id{'Petty Cash'} gone" => 'Petty Cash -> (null)' });
	my $new = admin('create_account', company => 'reef', name => 'Drones', type => 'Expense', subtype => 'OtherBusinessExpenses', parent => $id{'Rent'})->{account};
	change_is_noticed('a new one', 'Reef', { "$new new" => '(null) -> Loyer:Drones' });
	is(sql("SELECT name, amount_at_stake FROM reefqbo.unmapped_account WHERE model = 'Group' AND account_id = '$new'"), 'Drones|0.00', 'a new one: it is unmapped, with nothing at stake');

	$change->(rename => 'Savings', name => 'Reserve');
	$change->(renumber => 'Savings', number => '1055');
	$change->(move => 'Savings', parent => $id{'Main Bank'});
	$change->(deactivate => 'Interest Earned');
	change_is_noticed('much at once', 'Reef', { "$id{Savings} renamed" => 'Savings -> Main Bank:Reserve', "$id{Savings} moved" => 'Savings -> Main Bank:Reserve', "$id{Savings} renumbered" => '1050 -> 1055',
		"$id{'Interest Earned'} inactivated" => 'active -> inactive' });
	is(sql(qq{SELECT account_name, variable_type FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$id{Savings}'}), 'Reserve|Asset', 'the mapping shows the account by its new name');
	is(as('operator_of_other', 'SELECT count(*) FROM reefqbo.account_change'), 0, 'who has nothing to do with the model sees none of it');
	cmp_ok(as('reader_of_group', 'SELECT count(*) FROM reefqbo.account_change'), '>', 10, 'its readers do');
	return;
}

sub test_new_with_figures
{
	my $new = admin('create_account', company => 'reef', name => 'Compressors', type => 'Expense', subtype => 'EquipmentRental', number => '6950')->{account};

	foreach my $post ([ '2026-03-05', '100.00' ], [ '2026-04-05', '23.45' ])
	{
		admin('post', company => 'reef', date => $post->[0], type => 'JournalEntry', lines => [ { account => $new, amount => $post->[1] }, { account => 'Main Bank', amount => "-$post->[1]" } ]);
	}
	change_is_noticed('a new one with entries', 'Reef', { "$new new" => '(null) -> Compressors' });
	is(sql("SELECT statement, amount_at_stake, first_month FROM reefqbo.unmapped_account WHERE branch = 'Reef' AND account_id = '$new'"), "profit_and_loss|123.45|$FIRST", 'a new one with entries: what is at stake is their sum');
	return $new;
}

# ---- 8. mergers ----

sub test_merges
{
	my ($new) = @_;
	my ($fees, $card, $tax_reserve, $payroll_account) = map { account_id('Reef', $_) } 'Bank Charges', 'Coral Card', 'Main Bank:Tax Reserve', 'Main Bank:Payroll Account';

	sql("UPDATE reefqbo.mapping SET category = 'Fees', subcategory = 'Banks', branch = 'Shop' WHERE company_branch = 'Reef' AND account_id = '$fees'");
	my $loser = sql("SELECT variable_id FROM reefqbo.account_mapping WHERE account_id = '$fees' AND connection_id = " . connection('Reef')->[1]);
	admin('merge', company => 'reef', from => $fees, into => $new);
	change_is_noticed('a merger', 'Reef', { "$fees deleted" => 'Bank Charges -> Bank Charges (deleted)', "$fees merged" => "$fees -> $new" });
	is(sql("SELECT variable_type, category, subcategory, branch_name, confidence FROM reefqbo.propose_mapping('Group', 'Reef') WHERE account_id = '$new'"), 'Opex|Fees|Banks|Shop|certain',
		'a merger: the mapping of the one is offered for the other');
	like(sql("SELECT reason FROM reefqbo.propose_mapping('Group', 'Reef') WHERE account_id = '$new'"), qr/Bank Charges/, 'a merger: and why');
	is(sql("SELECT category FROM reefqbo.mapping WHERE company_branch = 'Reef' AND account_id = '$new'"), '', 'a merger: no more than offered');
	sql("INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Group', 'Reef') WHERE account_id = '$new'");
	is(mapped('Group')->{"Reef $new"}, 'Opex|Fees|Banks|Shop', 'a merger: and accepted as any other proposal');
	is(sql("SELECT variable_id FROM reefqbo.account_mapping WHERE account_id = '$fees' AND connection_id = " . connection('Reef')->[1]), $loser, 'a merger: the one that is no more keeps its variable');

	admin('merge', company => 'reef', from => $tax_reserve, into => $payroll_account);
	change_is_noticed('a merger of banks', 'Reef', { "$tax_reserve deleted" => 'Tax Reserve -> Tax Reserve (deleted)', "$tax_reserve merged" => "$tax_reserve -> $payroll_account" });

	# Its figures are read before the chart is, by imports of their own.
	my ($from, $into) = map { admin('create_account', company => 'reef', name => $_, type => 'Expense', subtype => 'OtherBusinessExpenses')->{account} } 'Ropes', 'Anchors';
	foreach my $post ([ $from, '2026-05-05', '11.11' ], [ $into, '2026-05-05', '22.22' ], [ $from, '2026-06-05', '33.33' ])
	{
		admin('post', company => 'reef', date => $post->[1], type => 'JournalEntry', lines => [ { account => $post->[0], amount => $post->[2] }, { account => 'Main Bank', amount => "-$post->[2]" } ]);
	}
	change_is_noticed('two more', 'Reef', { "$from new" => '(null) -> Ropes', "$into new" => '(null) -> Anchors' });
	admin('merge', company => 'reef', from => $from, into => $into);
	sql("SELECT FROM reefqbo.import_actuals('Group', '$FIRST', '$LAST', 'Accrual', 'Reef')");
	sql("SELECT FROM reefqbo.import_actuals('Group', '$CASH_FIRST', '$LAST', 'Cash', 'Reef')");
	change_is_noticed('a merger whose figures were read before', 'Reef', { "$from deleted" => 'Ropes -> Ropes (deleted)', "$from merged" => "$from -> $into" });

	# What looks like one and is none: it has lost its entries, but no other has them.
	my $lone = admin('create_account', company => 'reef', name => 'Lone', type => 'Expense', subtype => 'OtherBusinessExpenses')->{account};
	my $txn = admin('post', company => 'reef', date => '2026-02-02', type => 'JournalEntry', lines => [ { account => $lone, amount => '7.77' }, { account => 'Main Bank', amount => '-7.77' } ])->{txn};
	change_is_noticed('one more', 'Reef', { "$lone new" => '(null) -> Lone' });
	admin('delete', company => 'reef', txn => $txn);
	admin('deactivate', company => 'reef', account => $lone);
	change_is_noticed('one without entries any more', 'Reef', { "$lone inactivated" => 'active -> inactive' });
	return;
}

# An account that the chart has never named, but a report does: it is known by its first import and has not gone since.
sub test_never_in_chart
{
	my %cost = map { ($_->{account_id} => 1) } @{ $intuit->truth(company => 'islet', statement => 'profit_and_loss', start => '2026-09-01', end => '2026-10-31')->{rows} };
	my ($hidden) = grep { $_->{type} eq 'Expense' && $cost{ $_->{id} } } @{ $intuit->admin('accounts', { company => 'islet' })->{accounts} };

	admin('vanish', company => 'islet', account => $hidden->{id});
	$node->connect_company('Group', 'sim-production', 'islet', 'Islet');
	sql(q{SELECT FROM reefqbo.import_actuals('Group', '2026-09-01', '2026-10-31', 'Accrual', 'Islet')});
	is(sql("SELECT count(*) FROM reefqbo.unmapped_account WHERE branch = 'Islet' AND account_id = '$hidden->{id}' AND amount_at_stake <> 0"), 1, 'an account that only a report names can be mapped');
	change_is_noticed('an account that only a report names', 'Islet', {});
	is(sql("SELECT count(*) FROM reefqbo.account WHERE account_id = '$hidden->{id}' AND gone_since IS NOT NULL AND connection_id = " . connection('Islet')->[1]), 1, 'an account that only a report names: the chart does not name it');
	return;
}

make_group();
$listener = Reefqbo::Listener->start($node);
is(sql('SELECT count(*) FROM reefqbo.account_change'), 0, 'the accounts of the first chart are no news');
test_proposals();
test_unmapped();
test_accepting();
test_defaults();
test_csv();
test_hostile_csv();
test_sheet_text();
test_sheet();
test_strange_words();
test_strange_names();
test_one_variable();
test_at_once();
test_roles();
test_authors();
test_templates();
test_changes();
test_merges(test_new_with_figures());
test_never_in_chart();
$listener->stop;
$node->stop;

done_testing();
