# Board packs: a month is closed, and then everything changes in QuickBooks and here. What was shown is shown again; what has changed is
# told, with the import that has seen it; nobody who was under way comes in behind a closing, and a clock that is set back does not
# either; and a dump carries all of it.
#
# What was shown is put aside while it is shown, before anything changes; amounts that change are those of the ledger's changes made here.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('packs', $intuit);

# All that statements say of September.
sub shown
{
	my ($as_of, $database) = @_;

	return sql(<<"END", $database);
SELECT s.statement, l.lines, t.*
  FROM unnest('{profit_and_loss,balance_sheet,cash_flow}'::text[]) s (statement), unnest('{account,category}'::text[]) l (lines),
       LATERAL reefqbo.statement('Board', s.statement, '2026-09-01', '2026-09-30', lines => l.lines, as_of => $as_of) t ORDER BY 1, 2, 3
END
}

sub closed_at { return q{(SELECT max(closed_at) FROM reefqbo.closed_period)} }

sub account_of
{
	my ($type) = @_;
	my %has = map { $_ => 1 } split /\n/, sql(q{SELECT account_id FROM reefqbo.actual WHERE period_start = '2026-09-01' AND amount <> 0});

	return (map { $_->{id} } grep { $_->{type} eq $type && $_->{active} && !$_->{parent} && $has{ $_->{id} } } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} })[0];
}

# A session that goes on until it is ended: it has said $word when it has done what it was told.
sub session
{
	my ($sql, $word) = @_;
	my %session = (in => "$sql\n\\echo $word\n", out => '', err => '');

	$session{run} = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres') ], '<', \$session{in}, '>', \$session{out}, '2>', \$session{err});
	$session{said} = sub { $session{run}->pump_nb; return $session{out} =~ /$_[0]/ };
	$session{tells} = sub { $session{in} .= "$_[0]\n"; $session{run}->pump_nb };
	return \%session;
}

sub is_waiting { return sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}) eq '1' }

sub kinds { return join ' ', map { s/\|/ /r } split /\n/, sql(q{SELECT DISTINCT kind FROM reefqbo.period_change('Board', '2026-09-01') ORDER BY 1}) }

# ---- a month is closed, and an import changes it ----

sub test_import
{
	$node->connect_company('Board', 'sim-production', 'reef');
	sql(q{SELECT FROM reefqbo.import_actuals('Board', '2026-01-01', '2026-10-31')});
	sql(q{INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('Board')});
	my $pack = shown('NULL');
	sql(q{SELECT reefqbo.close_period('Board', '2026-09-30', 'board pack of September')});
	is(shown(closed_at()), $pack, 'what is shown of a month is what was shown when it was closed');
	is(sql(q{SELECT count(*) FROM reefqbo.period_change('Board')}), 0, 'nothing has changed since');

	my ($cost, $asset) = (account_of('Expense'), account_of('Other Current Asset'));
	my $before = sql("SELECT amount FROM reefqbo.actual WHERE account_id = '$cost' AND statement = 'profit_and_loss' AND accounting_method = 'Accrual' AND period_start = '2026-09-01'");
	my ($name) = map { $_->{fully_qualified_name} } grep { $_->{id} eq $cost } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	$intuit->admin('post', { company => 'reef', date => '2026-09-15', type => 'JournalEntry', lines => [ { account => $name, amount => '125.50' }, { account => 'Main Bank', amount => '-125.50' } ] });
	$intuit->admin('rename', { company => 'reef', account => $cost, name => 'Renamed since' });
	$intuit->admin('reclassify', { company => 'reef', account => $asset, type => 'Other Current Liability', subtype => 'OtherCurrentLiabilities' });
	sql(q{SELECT FROM reefqbo.refresh('Board')});
	isnt(shown('NULL'), $pack, 'after a refresh something else is shown');
	is(shown(closed_at()), $pack, 'and as of the closing what was shown then, under the names and types of then');
	is(sql("SELECT old_value::numeric, new_value::numeric - old_value::numeric, import_id = (SELECT max(import_id) FROM reefqbo.import_log), why ~ 'refresh' FROM reefqbo.period_change('Board', '2026-09-01') WHERE kind = 'restatement' AND account_id = '$cost' AND subject ~ 'Accrual'"),
		"$before|125.50|t|t", 'the amount is told, and which import has seen it');
	is(sql("SELECT new_value ~ 'Renamed since', import_id IS NOT NULL, changed_by IS NOT NULL FROM reefqbo.period_change('Board', '2026-09-01') WHERE kind = 'account' AND account_id = '$cost'"),
		't|t|t', 'the new name is told');
	is(sql("SELECT old_value ~ 'Other Current Asset', new_value ~ 'Other Current Liability' FROM reefqbo.period_change('Board', '2026-09-01') WHERE kind = 'account' AND account_id = '$asset'"), 't|t', 'and the new type');
	is(sql(q{SELECT is_as_shown, difference FROM reefqbo.check_period('Board')}), 't|', 'the digest says so too');
	is(kinds(), 'account restatement', 'a month that was read again is settled, and nothing else is told');
	return;
}

# ---- who is under way ----

sub test_waiting
{
	my $cost = account_of('Expense');
	sql(q{SELECT reefqbo.reopen_period('Board', '2026-09-01')});
	my $writer = session("BEGIN; UPDATE reefqbo.account_mapping SET category = 'Before' WHERE account_id = '$cost';", 'changed');
	wait_until('somebody has changed a mapping, and not ended', sub { $writer->{said}('changed') });
	my $closer = session(q{SELECT reefqbo.close_period('Board', '2026-09-30');}, 'closed');
	wait_until('the closing waits for who has changed something', sub { $closer->{run}->pump_nb; is_waiting() });
	ok(!$closer->{said}('closed'), 'a closing waits for a transaction that has changed something');
	$writer->{tells}('COMMIT; \q');
	$writer->{run}->finish;
	wait_until('the month is closed', sub { $closer->{said}('closed') });
	$closer->{tells}('\q');
	$closer->{run}->finish;
	is(shown(closed_at()), shown('NULL'), 'and has it');
	is(sql(q{SELECT count(*) FROM reefqbo.period_change('Board')}), 0, 'it is no change');

	sql(q{SELECT reefqbo.reopen_period('Board', '2026-09-01')});
	$closer = session(q{BEGIN; SELECT reefqbo.close_period('Board', '2026-09-30');}, 'closed');
	wait_until('the month is closed, in a transaction that has not ended', sub { $closer->{said}('closed') });
	my $closing = shown('NULL');
	$writer = session(q{UPDATE reefqbo.account_mapping SET category = 'Behind' WHERE category = 'Before';}, 'changed');
	wait_until('who changes something waits for the closing', sub { $writer->{run}->pump_nb; is_waiting() });
	$closer->{tells}('COMMIT; \q');
	$closer->{run}->finish;
	wait_until('it is changed', sub { $writer->{said}('changed') });
	$writer->{tells}('\q');
	$writer->{run}->finish;
	is(shown(closed_at()), $closing, 'who comes behind a closing has changed nothing of it');
	is(kinds(), 'mapping', 'and is told');

	# what is rolled back in part holds from when it was done again
	$writer = session(q{BEGIN; SAVEPOINT s; UPDATE reefqbo.account_mapping SET category = 'Not'; ROLLBACK TO s;}, 'undone');
	wait_until('somebody has changed a mapping, and thought better of it', sub { $writer->{said}('undone') });
	sql(q{SELECT reefqbo.reopen_period('Board', '2026-09-01'); SELECT reefqbo.close_period('Board', '2026-09-30')});
	$closing = shown('NULL');
	$writer->{tells}(q{UPDATE reefqbo.account_mapping SET category = 'Later' WHERE category = 'Behind'; COMMIT; \q});
	$writer->{run}->finish;
	is(shown(closed_at()), $closing, 'what a transaction does after a closing is not of before it, whenever it began');
	return;
}

# ---- clocks ----

sub test_clock
{
	$node->set_option('reefqbo.clock_offset', '-3600s');
	wait_until('the clock is an hour behind', sub { sql(q{SELECT reefqbo._now() < now() - interval '59 minutes'}) eq 't' });
	my $pack = shown(closed_at());
	sql(q{UPDATE reefqbo.account_mapping SET category = 'By another clock' WHERE category = 'Later'});
	is(shown(closed_at()), $pack, 'a clock that is set back brings nothing in behind a closing');
	is(sql(q{SELECT count(*) FROM reefqbo.period_change('Board') WHERE new_value ~ 'By another clock' AND changed_at > closed_at}) > 0 ? 'told' : 'not told', 'told', 'and it is told');
	is(sql(q{SELECT count(*) FROM reefqbo.account_mapping_history a JOIN reefqbo.account_mapping_history b USING (model_id, connection_id, account_id)
	          WHERE a.valid_from < b.valid_from AND a.valid_until > b.valid_from}), 0, 'no two versions of a row hold at one moment');
	sql(q{SELECT reefqbo.reopen_period('Board', '2026-09-01'); SELECT reefqbo.close_period('Board', '2026-09-30')});
	is(shown(closed_at()), shown('NULL'), 'a month can be closed by such a clock, with all that is there');
	$node->set_option('reefqbo.clock_offset', '0s');
	return;
}

# ---- dumps ----

sub histories { return sql(q{SELECT string_agg(h::text, E'\n' ORDER BY h::text) FROM (SELECT x::text FROM reefqbo.account_history x UNION ALL SELECT x::text FROM reefqbo.account_mapping_history x
	UNION ALL SELECT x::text FROM reefqbo.company_history x UNION ALL SELECT x::text FROM reefqbo.branch_history x UNION ALL SELECT x::text FROM reefqbo.model_history x) h}, $_[0]) }

sub test_dump
{
	my $file = PostgreSQL::Test::Utils::tempdir() . '/packs.sql';

	run_command([ 'pg_dump', '-f', $file, '-d', $node->connstr('postgres') ]);
	sql('CREATE DATABASE again');
	run_command([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-d', $node->connstr('again') ]);
	sql('SELECT reefqbo.finish_restore()', 'again');
	is(histories('again'), histories(), 'a dump carries the histories, and its restore makes none');
	is(shown(closed_at(), 'again'), shown(closed_at()), 'what was shown can be shown where it is restored');
	is(sql(q{SELECT bool_and(is_as_shown), count(*) FROM reefqbo.check_period('Board')}, 'again'), sql(q{SELECT true, count(*) FROM reefqbo.closed_period}), 'and every closing is proved there');
	return;
}

# ---- a company that is forgotten ----

sub test_forgotten
{
	sql(q{SELECT FROM reefqbo.forget_company('Board')});
	is(sql(q{SELECT count(*) FROM reefqbo.account_history}), 0, 'the history of a company that is forgotten goes with it');
	is(sql(q{SELECT DISTINCT is_as_shown, difference IS NOT NULL FROM reefqbo.check_period('Board')}), 'f|t', 'its packs cannot be shown any more, which is told');
	return;
}

test_import();
test_waiting();
test_clock();
test_dump();
test_forgotten();

done_testing();
