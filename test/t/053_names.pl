# Names from QuickBooks, and what Intuit says, can forge no line of a notice, an error or the server's log, command
# no terminal and turn no text around there. Tables have them as QuickBooks has.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $MONTH = q{'2026-09-01', '2026-09-30'};

# ESC and BEL, as in the title of a terminal; a line that looks like the server's; the controls of C1, of direction
# and of lines; DEL. In the middle of words, so that none can be lost at an end.
my $EVIL = "\e]0;owned\a \r\nforged: \x{7F}\x{85}\x{9B}31m \x{200E}\x{200F}\x{202A}\x{202E}\x{2028}\x{2066}\x{2069}\x{61C} end";
my $SHOWN = ' \]0;owned +forged: +31m +end';
my $RAW = qr/[\x00-\x08\x0B-\x1F\x7F]|\xC2[\x80-\x9F]|\xD8\x9C|\xE2\x80[\x8E\x8F\xA8-\xAE]|\xE2\x81[\xA6-\xA9]/;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('names', $intuit, settings => "log_min_messages = notice\nreefqbo.retry_budget = 0\n");

# All that psql says of a statement: notices, and the error if there is one.
sub said
{
	my ($query) = @_;
	my (undef, undef, $stderr) = $node->psql('postgres', "\\set VERBOSITY verbose\n$query", on_error_die => 0);

	return $stderr;
}

# What a statement says has a name in it, once for each of the patterns, and no control.
sub is_tame
{
	my ($name, $query, @patterns) = @_;
	my $said = said($query);

	subtest $name => sub {
		unlike($said, $RAW, 'no control is raw');
		unlike($said, qr/^\s*forged/m, 'no line is forged');
		like($said, $_, 'what it says') foreach @patterns;
	};
	return;
}

sub misbehave
{
	my ($kind, %fault) = @_;
	return $intuit->admin('fault', { company => 'reef', endpoint => 'report', kind => $kind, %fault });
}

# In UTF-8, as bytes in hex.
sub hex_of
{
	my ($text) = @_;

	utf8::encode($text);
	return unpack 'H*', $text;
}

sub hex_in { return sql("SELECT encode(convert_to($_[1], 'UTF8'), 'hex') FROM reefqbo.$_[0]") }

# ---- names ----

sub rename_all
{
	my ($account) = @_;

	$intuit->admin('set_company', { company => 'reef', name => "Reef $EVIL" });
	$intuit->admin('rename', { company => 'reef', account => $account, name => "Account $EVIL" });
	$intuit->admin('rename', { company => 'reef', class => '1', name => "Class $EVIL" });
	return;
}

# An account that has postings in the month, and is on the profit and loss.
sub some_account
{
	my ($row) = grep { $_->{amount} =~ /[1-9]/ } @{
		$intuit->truth(company => 'reef', statement => 'profit_and_loss', method => 'Accrual', start => '2026-09-01',
			end => '2026-09-30')->{rows} };

	return $row->{account_id};
}

my $account = some_account();
$node->connect_company('Reef', 'sim-production', 'reef');
rename_all($account);

# Signing in again reads the company's name anew; then nothing else does.
my $address = sql(call('reconnect', 'Reef'));
is_tame('a sign-in', call('complete_connection', $intuit->browse($address, company => 'reef')), qr/NOTICE:.*"Reef $SHOWN" is connected/);
is_tame('beginning another', call('reconnect', 'Reef'), qr/sign in as an admin of "Reef $SHOWN"/);
is_tame('the chart of accounts', call('import_accounts', 'Reef'), qr/NOTICE:.*Reef $SHOWN: \d+ accounts/);
is_tame('figures', call('import_actuals', 'Reef', \$MONTH), qr/NOTICE:.*Reef $SHOWN: .*stored and tied out/);
is_tame('figures by class', call('import_dimensions', 'Reef', 'class', \$MONTH), qr/NOTICE:.*Reef $SHOWN: .* by class.*stored/);
is_tame('the lines of an account', call('ledger_lines', 'Reef', $account, \q{'2026-08-01', '2026-09-30'}),
	qr/NOTICE:.*Reef $SHOWN: the ledger lines of ".*Account $SHOWN".* held against no figure/);

is(hex_in('connection', 'company_name'), hex_of("Reef $EVIL"), 'the company is called in the table as in QuickBooks');
is(hex_in("account WHERE account_id = '$account'", 'name'), hex_of("Account $EVIL"), 'so is an account');
is(hex_in("dimension_value WHERE dimension = 'class' AND value_id = '1'", 'name'), hex_of("Class $EVIL"), 'and a class');

# ---- errors ----

misbehave('break_sum', by => '1.00', account => $account);
is_tame('figures that do not tie out', call('import_actuals', 'Reef', \$MONTH), qr/ERROR:  RQ007/,
	qr/DETAIL:.*Account $SHOWN" is /, qr/CONTEXT:.*of "Reef $SHOWN"/);
misbehave('break_total', by => '1.00');
is_tame('a total that is not the sum', call('import_dimensions', 'Reef', 'class', \$MONTH), qr/ERROR:  RQ007/, qr/CONTEXT:.*of "Reef $SHOWN"/);
misbehave('status', status => 404, body => "no $EVIL");
is_tame('what Intuit says', call('import_actuals', 'Reef', \$MONTH), qr/ERROR:  RQ008.* of "Reef $SHOWN"/, qr/Intuit says: no $SHOWN/);
misbehave('fault', code => '5020', message => "Denied $EVIL", detail => "because $EVIL");
is_tame('what a Fault says', call('import_actuals', 'Reef', \$MONTH), qr/ERROR:  RQ005/, qr/Intuit says: Denied $SHOWN: because $SHOWN/);
misbehave('fault', code => '5020', format => 'xml', message => "Denied \x{202E}\x{9B}", detail => "because \x{2028}");
is_tame('what a Fault says in XML', call('import_actuals', 'Reef', \$MONTH), qr/ERROR:  RQ005/, qr/Intuit says: Denied/);

$intuit->admin('clear_faults');
$intuit->admin('fault', { company => 'reef', endpoint => 'token', kind => 'status', status => 400,
	body => '{"error": "invalid_scope", "error_description": "because \\u001b[2J\\r\\nforged: \\u202e end"}' });
$intuit->admin('expire_access', { company => 'reef' });
is_tame('what the token endpoint says', call('import_actuals', 'Reef', \$MONTH), qr/ERROR:  RQ/, qr/because .*forged: .* end/);
$intuit->admin('clear_faults');

# A company by a name like its own is not the company.
$address = sql(call('reconnect', 'Reef'));
is_tame('a sign-in for another company', call('complete_connection', $intuit->browse($address, company => 'pod-1')),
	qr/ERROR:  RQ0\d\d.*"Reef $SHOWN"/);

# ---- rows that are messages ----

my $found = sql(q{SELECT finding FROM reefqbo.check('Reef') WHERE item = 'company'});
unlike($found, $RAW, 'what a check finds: no control is raw');
like($found, qr/^it is "Reef $SHOWN"$/, 'what a check finds: what it says');

# ---- functions in SQL ----

is_tame('a type that an account cannot have',
	"INSERT INTO reefqbo.mapping (model, account_id, variable_type, category) VALUES ('Reef', '$account', 'Asset', 'x')",
	qr/ERROR:  22023: account "Account $SHOWN"/);

sql(call('create_branch', 'Reef', 'Second'));
$node->connect_company('Reef', 'sim-production', 'pod-1', 'Second');
sql(call('import_actuals', 'Reef', \q{'2026-08-01', '2026-09-30'}, 'Accrual', 'Second'));
is_tame('months that one company does not have',
	q{SELECT count(*) FROM reefqbo.statement('Reef', 'profit_and_loss', '2026-08-01', '2026-09-30')},
	qr/NOTICE:.*left out.*DETAIL:  Not imported: Reef $SHOWN: 1 months/s);
is_tame('a trial balance of a month that one company does not have', q{SELECT count(*) FROM reefqbo.trial_balance('Reef', '2026-08-01')},
	qr/ERROR:  42704.*DETAIL:  It is missing for: "Reef $SHOWN"/s);

# ---- the log ----

my $log = slurp_file($node->logfile);
unlike($log, $RAW, 'no control is raw in the log');
unlike($log, qr/^\s*forged/m, 'no line of the log is forged');
like($log, qr/Reef $SHOWN/, 'the names are in it');
is(sql("SELECT count(*) FROM reefqbo.import_log WHERE concat(message, detail, hint) ~ E'[\\\\x01-\\\\x1F\\\\x7F-\\\\x9F\\u202E\\u2028]'"), '0',
	'nor is there a control in the messages that the log of imports keeps');

$node->stop;
done_testing();
