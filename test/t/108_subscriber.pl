# A managed server, where no extension in C can be installed: it has the figures by logical replication from a small
# server of one's own, and nothing that is sealed, by contrib/subscriber and the steps of docs/managed.md.

use strict;
use warnings;

use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $CONTRIB = dirname(__FILE__) . '/../../contrib/subscriber';
my ($FIRST, $LAST) = ('2026-01-01', '2026-11-30');
my $AMOUNTS = q{SELECT string_agg(concat_ws('|', statement, period_start, account_id, trim_scale(amount)), E'\n') FROM reefqbo.actual WHERE amount <> 0};

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('publisher', $intuit, settings => "wal_level = 'logical'\nmax_wal_senders = 10\nmax_replication_slots = 10");
my $managed = PostgreSQL::Test::Cluster->new('managed');

$managed->init;
$managed->start;

sub on_managed { return $managed->safe_psql('app', $_[0]) }

sub amounts { return join "\n", sort split /\n/, on_managed($AMOUNTS) }

# A subscription is asked until when it has come: a change is there when what was written after it is.
sub catch_up { return $node->wait_for_catchup("reefqbo") }

sub test_first
{
	$node->connect_company('Reef', 'sim-production', 'reef');
	sql(qq{SELECT FROM reefqbo.import_actuals('Reef', '$FIRST', '$LAST')});
	sql("CREATE ROLE replicator LOGIN REPLICATION");
	command_ok([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-v', 'ON_ERROR_STOP=1', '-f', "$CONTRIB/publisher.sql" ], 'the publication is made');
	# whoever owns a database of a managed server is no superuser there
	$managed->safe_psql('postgres', 'CREATE ROLE customer LOGIN');
	$managed->safe_psql('postgres', 'CREATE DATABASE app OWNER customer');
	command_ok([ 'psql', '-XAtq', '-d', $managed->connstr('app'), '-U', 'customer', '-f', "$CONTRIB/subscriber.sql" ], 'and the tables, by no superuser');
	sql('GRANT USAGE ON SCHEMA reefqbo TO replicator');
	sql("GRANT SELECT ON $_ TO replicator") foreach split /\n/, sql(q{SELECT format('reefqbo.%I', tablename) FROM pg_publication_tables WHERE pubname = 'reefqbo_figures'});
	sql('ALTER ROLE replicator BYPASSRLS');
	on_managed('CREATE SUBSCRIPTION reefqbo CONNECTION ' . quote($node->connstr('postgres') . ' user=replicator') . ' PUBLICATION reefqbo_figures');
	$managed->wait_for_subscription_sync($node, 'reefqbo', 'app');
	is(amounts(), ledger_lines($intuit, 'reef', $FIRST, $LAST), 'every amount of the ledger is there');
	is(on_managed(q{SELECT company_name || '|' || home_currency || '|' || status FROM reefqbo.connection}), 'Reef Trading Ltd|USD|connected', 'and the company');
	is(on_managed('SELECT count(*) FROM reefqbo.account'), sql('SELECT count(*) FROM reefqbo.account'), 'and its chart');
	is(on_managed(q{SELECT bool_and(period_end = (period_start + interval '1 month')::date - 1) FROM reefqbo.actual}), 't', 'months end where they end');
	return;
}

sub test_changes
{
	my ($expense) = grep { $_->{type} eq 'Expense' && $_->{active} } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };
	my ($bank) = grep { $_->{type} eq 'Bank' && $_->{active} } @{ $intuit->admin('accounts', { company => 'reef' })->{accounts} };

	$intuit->admin('post', { company => 'reef', date => '2026-08-15', type => 'JournalEntry', lines => [ { account => $expense->{id}, amount => '12.34' }, { account => $bank->{id}, amount => '-12.34' } ] });
	sql(q{SELECT FROM reefqbo.refresh('Reef', whole => true)});
	catch_up();
	is(amounts(), ledger_lines($intuit, 'reef', $FIRST, $LAST), 'a change in QuickBooks arrives');
	is(on_managed(q{SELECT count(*) > 0 FROM reefqbo.restatement WHERE account_id = } . quote($expense->{id})), 't', 'with what was restated');
	sql(q{SELECT FROM reefqbo.disconnect('Reef')});
	catch_up();
	is(on_managed('SELECT status FROM reefqbo.connection'), 'disconnected', 'and that a company was disconnected');
	sql(q{SELECT FROM reefqbo.forget_company('Reef')});
	catch_up();
	is(on_managed('SELECT (SELECT count(*) FROM reefqbo._actual_year) + (SELECT count(*) FROM reefqbo.account)'), 0, 'a company that is forgotten is forgotten there');
	return;
}

# By the catalog of the publication, not by what is in the tables now.
sub test_nothing_sealed
{
	is(sql(q{SELECT count(*) FROM pg_publication_tables, unnest(attnames) a (name) WHERE pubname = 'reefqbo_figures' AND name ~ 'sealed|digest|token|secret|throttle'}), 0, 'no sealed column is published');
	is(sql(q{SELECT count(*) FROM pg_publication_tables t, unnest(t.attnames) a (name) JOIN pg_attribute b ON b.attname = a.name WHERE t.pubname = 'reefqbo_figures' AND b.attrelid = format('%I.%I', t.schemaname, t.tablename)::regclass AND b.atttypid = 'bytea'::regtype}), 0, 'and none of bytes');
	is($managed->safe_psql('app', q{SELECT string_agg(extname, ' ') FROM pg_extension}), 'plpgsql', 'the managed server has no extension');
	return;
}

test_first();
test_nothing_sealed();
test_changes();
$managed->stop;
$node->stop;

done_testing();
