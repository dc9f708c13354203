# QuickBooks speaks UTF-8, and a database or a client that does not is no reason to refuse a company: what can
# be held is held right, what cannot becomes a question mark, and no figure depends on it.
#
# Names and figures are compared with the simulator's books.

use strict;
use warnings;
use utf8;

use Encode qw(encode);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('encoding', $intuit);

my $FRENCH = 'Corail des Îles Éparses';
my $JAPANESE = '珊瑚礁ダイビング';

# Database and encoding. The client always speaks what the database does, so that bytes come as they are.
my %ENCODING = (latin => 'LATIN1', bytes => 'SQL_ASCII');

# ---- helpers ----

# A text as a database must have it.
sub held
{
	my ($database, $text) = @_;
	my $encoding = $ENCODING{$database};

	return encode('UTF-8', $text) if !defined $encoding;
	return encode('iso-8859-1', $text) if $encoding eq 'LATIN1' && $text !~ /[^\x00-\xff]/;
	return $text =~ s/[^\x00-\x7f]/?/gr;
}

# Its bytes, whatever the client's encoding.
sub bytes
{
	my ($database, $column) = @_;
	return "encode(convert_to($column, '" . ($ENCODING{$database} // 'UTF8') . "'), 'hex')";
}

sub held_hex { return unpack 'H*', held(@_) }

sub make_database
{
	my ($database) = @_;
	my $encoding = $ENCODING{$database} // 'UTF8';

	sql("CREATE DATABASE $database ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$node->install_reefqbo($database);
	return;
}

# Sign in to a company for a model; the bytes of the company's name in the answer.
sub sign_in
{
	my ($database, $model, $company) = @_;
	my $address = sql_in($database, call('connect', $model, 'sim-production'));

	return sql_in($database, 'SELECT ' . bytes($database, 'company') . ' FROM reefqbo.complete_connection('
		. quote($intuit->browse($address, company => $company)) . ')');
}

sub rename_company
{
	my ($company, $name) = @_;

	$intuit->admin('set_company', { company => $company, name => $name });
	return;
}

# ---- what the books say ----

my ($FIRST, $LAST) = ('2026-07-01', '2026-09-30');

sub figures_are_right
{
	my ($database, $company, $name) = @_;
	my @expected;

	foreach my $statement ('balance_sheet', 'profit_and_loss')
	{
		my $rows = $intuit->truth(company => $company, statement => $statement, method => 'Accrual', start => $FIRST, end => $LAST)->{rows};
		push @expected, map { join '|', $statement, $_->{period_start}, $_->{account_id} // 'computed:NetIncome', plain($_->{amount}) } @$rows;
	}
	# a refresh goes on to the present month
	my $stored = sql_in($database, "SELECT statement, period_start, account_id, trim_scale(amount) FROM reefqbo.actual WHERE amount <> 0 AND period_end <= '$LAST'");

	cmp_ok(scalar(@expected), '>', 10, "$name: there are figures");
	is(join("\n", sort split /\n/, $stored), join("\n", sort @expected), "$name: they are those of the ledger");
	return;
}

# An account's own name as QuickBooks gives it; its full name is in the books as it is given.
sub shown
{
	my ($account) = @_;

	return $account->{name} . ($account->{deleted} ? ' (deleted)' : '');
}

# Every name of the chart, which is in the books as characters.
sub names_are_right
{
	my ($database, $company, $name) = @_;
	my %book = map { $_->{id} => $_ } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	my $expected = join "\n", map { join '|', $_, held_hex($database, shown($book{$_})), held_hex($database, $book{$_}{fully_qualified_name}) } sort keys %book;

	cmp_ok(scalar(grep { $_->{name} =~ /[^\x00-\x7f]/ } values %book), '>', 5, "$name: there are accents");
	is(sql_in($database, 'SELECT account_id, ' . bytes($database, 'name') . ', ' . bytes($database, 'fully_qualified_name')
			. ' FROM reefqbo.account WHERE NOT is_computed ORDER BY account_id COLLATE "C"'),
		$expected, "$name: every account has its name");
	return;
}

# ---- databases that are not UTF-8 ----

sub test_french_company
{
	my ($database) = @_;
	my $name = "$ENCODING{$database}, a French company";

	make_database($database);
	sql_in($database, q{SELECT reefqbo.create_model('Corail')});
	is(sign_in($database, 'Corail', 'corail'), held_hex($database, $FRENCH), "$name: it can be connected, and its name is told");
	is(sql_in($database, 'SELECT ' . bytes($database, 'company') . ' FROM reefqbo.connection_status'), held_hex($database, $FRENCH), "$name: and stored");
	is(sql_in($database, "SELECT months FROM reefqbo.import_actuals('Corail', '$FIRST', '$LAST')"), 3, "$name: it can be imported");
	names_are_right($database, 'corail', $name);
	figures_are_right($database, 'corail', $name);
	return;
}

# The label of every account that moved, from the books.
sub test_statement
{
	my ($database) = @_;
	my %name = map { $_->{id} => shown($_) } @{ $intuit->admin('accounts', { company => 'corail' })->{accounts} };
	my $rows = $intuit->truth(company => 'corail', statement => 'profit_and_loss', method => 'Accrual', start => '2026-09-01', end => '2026-09-30')->{rows};
	my @expected = map { join '|', $_->{account_id}, held_hex($database, $name{ $_->{account_id} }), plain($_->{amount}) } @$rows;

	is(join("\n", sort split /\n/, sql_in($database, 'SELECT account_id, ' . bytes($database, 'ltrim(label)') . q{, trim_scale(amount)
	      FROM reefqbo.profit_and_loss('Corail', '2026-09-01', '2026-09-30') WHERE kind = 'account' AND amount <> 0})),
		join("\n", sort @expected), "$ENCODING{$database}: a statement has the names and the figures");
	return;
}

# Names that the database cannot hold.
sub test_japanese_names
{
	my ($database) = @_;
	my $name = "$ENCODING{$database}, a Japanese company";
	my $account = (grep { $_->{name} eq 'Intérêts reçus' } @{ $intuit->admin('accounts', { company => 'corail' })->{accounts} })[0];

	rename_company('corail', $JAPANESE);
	$intuit->admin('rename', { company => 'corail', account => $account->{id}, name => $JAPANESE });
	sql_in($database, q{SELECT reefqbo.create_model('Sango')});
	is(sign_in($database, 'Sango', 'corail'), unpack('H*', '?' x length $JAPANESE), "$name: it can be connected, its name in question marks");
	is(sign_in($database, 'Corail', 'corail'), unpack('H*', '?' x length $JAPANESE), "$name: so can one that had another name");
	is(sql_in($database, q{SELECT accounts_changed FROM reefqbo.refresh('Corail')}), 1, "$name: a refresh notices an account that was renamed");
	names_are_right($database, 'corail', $name);
	figures_are_right($database, 'corail', $name);
	is(sql_in($database, q{SELECT accounts_changed, amounts_changed FROM reefqbo.refresh('Corail')}), '0|0', "$name: and the next one notices nothing");
	$intuit->admin('rename', { company => 'corail', account => $account->{id}, name => $account->{name} });
	rename_company('corail', $FRENCH);
	return;
}

# What Intuit says in an error may be in any language, too.
sub test_foreign_words
{
	my ($database) = @_;

	$intuit->admin('fault', { kind => 'fault', company => 'corail', endpoint => 'query', status => 403, code => 5020, detail => "Société $JAPANESE" });
	my $error = $node->sqlstate_of(q{SELECT FROM reefqbo.import_accounts('Corail')}, dbname => $database);
	is($error->{sqlstate}, 'RQ005', "$ENCODING{$database}: a fault in another language is the error it is");
	like($error->{detail}, qr/Soci\?+t\?+ \?+/, "$ENCODING{$database}: and tells what can be told");
	is(sql_in($database, q{SELECT sqlstate FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1}), 'RQ005', "$ENCODING{$database}: so does the log of imports");
	return;
}

# A recorded report, passed in the way the database has it.
sub test_report
{
	my ($database) = @_;
	my $json = slurp_file("test/fixtures/reports/pl_french.json");
	my $encoding = $ENCODING{$database};
	my @name = map { encode('UTF-8', $_) } 'Visites guidées à vélo', 'Électricité';

	die 'the report has other accounts' if grep { index($json, $_) < 0 } @name;
	my $literal = "convert_from('\\x" . unpack('H*', $json) . "', 'UTF8')";
	$literal = quote($json) if $encoding eq 'SQL_ASCII';
	my $rows = sql_in($database, "SELECT DISTINCT " . bytes($database, 'account_name') . " FROM reefqbo.report_cells($literal) WHERE kind = 'account'");
	foreach my $name ('Visites guidées à vélo', 'Électricité')
	{
		like($rows, qr/^@{[ held_hex($database, $name) ]}$/m, "$encoding: report_cells has an account with accents");
	}
	return;
}

# ESC, a control of C1 in Latin-1, and U+202E in UTF-8: a space is what is a control in the database's encoding, and
# letters stay.
my %SHOWN = (latin => [ '611b859b62c5e9' => '6120202062c5e9' ], bytes => [ '611be280ae62c3a9' => '61202062c3a9' ]);

sub test_shown
{
	my ($database) = @_;
	my ($text, $shown) = @{ $SHOWN{$database} };
	my $encoding = quote($ENCODING{$database});

	is(sql_in($database, "SELECT encode(convert_to(reefqbo._show_line(convert_from('\\x$text', $encoding)), $encoding), 'hex')"), $shown,
		"$ENCODING{$database}: a text is shown without its controls");
	return;
}

# ---- a client that is not UTF-8 ----

# The setting of a database reaches its workers as well.
sub test_client_encoding
{
	my ($client) = @_;
	my $name = 'a client encoding of LATIN1 by ALTER DATABASE, ' . (defined $client ? "the caller's is $client" : 'and the caller has that');
	local $ENV{PGCLIENTENCODING} = $client;
	delete $ENV{PGCLIENTENCODING} unless defined $client;

	foreach my $query ("SELECT months FROM reefqbo.import_actuals('Reef', '$FIRST', '$LAST')", q{SELECT months FROM reefqbo.refresh('Reef')},
		q{SELECT reefqbo.reconnect('Reef')}, q{SELECT reefqbo.replace_company('Reef')})
	{
		my $error = $node->sqlstate_of($query, dbname => 'western');
		is($error ? "$error->{sqlstate} $error->{message}" : 'none', 'none', "$name: what is said of a Japanese company is in no way of $query");
	}
	$intuit->admin('fault', { kind => 'break_sum', company => 'pod-1', endpoint => 'ProfitAndLoss', by => '1.00', times => -1 });
	my $error = $node->sqlstate_of("SELECT months FROM reefqbo.import_actuals('Reef', '$FIRST', '$FIRST'::date + 30)", dbname => 'western');
	is($error->{sqlstate}, 'RQ007', "$name: an error stays what it is");
	like($error->{context}, qr/report, .* of "/, "$name: with its context");
	$intuit->admin('clear_faults');
	is(sql_in('western', 'SELECT ' . bytes('western', 'company_name') . ' FROM reefqbo.connection'), held_hex('western', $JAPANESE), "$name: its name is whole");
	figures_are_right('western', 'pod-1', $name);
	return;
}

sub make_western
{
	rename_company('pod-1', $JAPANESE);
	make_database('western');
	sql_in('western', q{SELECT reefqbo.create_model('Reef')});
	sql(q{ALTER DATABASE western SET client_encoding = 'LATIN1'});
	my $address = sql_in('western', call('connect', 'Reef', 'sim-production'));
	is(sql_in('western', 'SELECT status FROM reefqbo.complete_connection(' . quote($intuit->browse($address, company => 'pod-1')) . ')'),
		'connected', 'a client encoding of LATIN1 by ALTER DATABASE: a Japanese company can be connected');
	return;
}

# ---- the run ----

rename_company('corail', $FRENCH);
foreach my $database (sort keys %ENCODING)
{
	test_french_company($database);
	test_statement($database);
	test_japanese_names($database);
	test_foreign_words($database);
	test_report($database);
	test_shown($database);
}
make_western();
test_client_encoding('UTF8');
test_client_encoding(undef);
is(scalar(() = slurp_file($node->logfile) =~ /was terminated by signal/g), 0, 'no process has crashed');

$node->stop;
done_testing();
