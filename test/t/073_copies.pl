# A copy of the database is a whole one, however it was made, and worth nothing without the key: a base backup, a
# standby, a logical replica and an upgraded cluster. pg_dump has a test of its own (034), failover too (065).
#
# Each company's grant goes on in one copy only: a refresh token that was used there is of no use elsewhere.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Secrets;
use Reefqbo::Simulator;
use Reefqbo::Worker;

# Up to the month that it is on the simulator's clock, so that a refresh adds none.
my ($FIRST, $LAST) = ('2025-12-01', '2026-11-30');
my %COMPANY = (standby => 'pod-1', backup => 'pod-2', replica => 'pod-3', upgrade => 'pod-4');
my @COMPANIES = sort values %COMPANY;

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);

# ---- what there is ----

sub relations
{
	my ($node, $kinds) = @_;
	return split /\n/, $node->safe_psql('postgres', "SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind IN ($kinds) ORDER BY 1");
}

sub rows_of
{
	my ($node) = @_;
	return { map { $_ => $node->safe_psql('postgres', "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text COLLATE \"C\")) FROM reefqbo.$_ t") } relations($node, q{'r', 'p'}) };
}

sub sequences_of
{
	my ($node) = @_;
	return { map { $_ => $node->safe_psql('postgres', "SELECT last_value, is_called FROM reefqbo.$_") } relations($node, q{'S'}) };
}

# What the ledger said of a company when its figures were read into the database that is copied.
my %ledger;

sub note_ledger
{
	my ($company) = @_;
	return $ledger{$company} = ledger_lines($intuit, $company, $FIRST, $LAST);
}

# The figures of every company, beside the ledger's.
sub truth_holds
{
	my ($node, $name) = @_;
	my $expected = join "\n", map { $ledger{$_} } @COMPANIES;

	die 'the ledgers are empty' unless length $expected > 3000;
	is(join("\n", map { stored_lines($node, $_) } @COMPANIES), $expected, "$name: the figures are those of the ledger");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.connection_status WHERE status = 'connected'}), scalar @COMPANIES,
		"$name: the connections stand");
}

sub change_books
{
	my ($company) = @_;
	my $accounts = $intuit->admin('accounts', { company => $company })->{accounts};
	my ($bank) = grep { $_->{type} eq 'Bank' } @$accounts;
	my ($sales) = grep { $_->{type} eq 'Income' } @$accounts;

	$intuit->admin('post', { company => $company, date => '2026-09-15',
		lines => [ { account => $bank->{id}, amount => '10.00' }, { account => $sales->{id}, amount => '-10.00' } ] });
}

# ---- without the key, and with it ----

sub lacks_key
{
	my ($node, $company, $name, @more) = @_;

	$intuit->admin('log_clear');
	is($node->safe_psql('postgres', q{SELECT status FROM reefqbo.check() WHERE item = 'key ring'}), 'problem', "$name: check says so");
	foreach my $statement (call('realm_id', $company), 'CALL reefqbo.reseal()', @more)
	{
		my $error = $node->sqlstate_of($statement);
		is($error->{sqlstate}, 'RQ010', "$name: $statement says that the key is not there");
	}
	is(scalar @{ $intuit->admin('log')->{log} }, 0, "$name: QuickBooks is asked nothing");
	isnt($node->safe_psql('postgres', "SELECT sum(amount) FROM reefqbo.balance_sheet('$company', '$FIRST', '$LAST') WHERE label = 'Total Assets'"), '',
		"$name: statements can be read");
}

# What leaves a line in the log of imports: not for a replica that still subscribes, where it would be in the way of those
# that are to come.
sub imports_of { return (call('refresh', $_[0]), call('import_accounts', $_[0])) }

# Its access token has ended: the refresh token and the app's secret are needed, which the key opens.
sub goes_on_with_key
{
	my ($node, $ring, $company, $name) = @_;

	$node->set_option('reefqbo.key_file', $ring);
	$node->safe_psql('postgres', 'UPDATE reefqbo.credential SET access_expires_at = reefqbo._now()');
	change_books($company);
	$intuit->admin('log_clear');
	my $error = $node->sqlstate_of(call('refresh', $company));
	is($error && "$error->{sqlstate} $error->{message}", undef, "$name: with the key the company is refreshed");
	is(join(' ', map { $_->{status} } grep { $_->{endpoint} eq 'token' } @{ $intuit->admin('log')->{log} }), '200', "$name: and so is its grant");
	is(stored_lines($node, $company), ledger_lines($intuit, $company, $FIRST, $LAST), "$name: the figures are those of the ledger again");
	$error = $node->sqlstate_of("SELECT reefqbo.create_model('Made in the copy'); " . call('connect', 'Made in the copy', 'sim-production'));
	is($error && "$error->{sqlstate} $error->{message}", undef, "$name: new models can be made");
	$node->connect_company('Made in the copy', 'sim-production', 'pod-9');
	is($node->sqlstate_of(call('import_accounts', 'Made in the copy')), undef, "$name: and companies connected");
}

# ---- physical copies ----

sub copy_of
{
	my ($node, $name, %options) = @_;
	my $copy = bless PostgreSQL::Test::Cluster->new($name), 'Reefqbo::Cluster';

	$node->backup($name);
	$copy->init_from_backup($node, $name, %options);
	$copy->{intuit} = $intuit;
	$copy->set_option('reefqbo.key_file', $copy->basedir . '/no.key');
	$copy->start;
	return $copy;
}

sub test_backup
{
	my ($node, $ring) = @_;
	my $copy = copy_of($node, 'restored');

	is_deeply(rows_of($copy), rows_of($node), 'a base backup restored: every row is there');
	truth_holds($copy, 'a base backup restored');
	lacks_key($copy, $COMPANY{backup}, 'a base backup restored', imports_of($COMPANY{backup}));
	goes_on_with_key($copy, $ring, $COMPANY{backup}, 'a base backup restored');
	return $copy;
}

sub test_standby
{
	my ($node, $ring) = @_;
	my $standby = copy_of($node, 'standby', has_streaming => 1);

	$node->wait_for_catchup($standby);
	truth_holds($standby, 'a standby');
	is($standby->sqlstate_of($_)->{sqlstate}, '25006', "a standby: $_ is refused") foreach call('refresh', $COMPANY{standby}), 'CALL reefqbo.reseal()';
	$standby->promote;
	lacks_key($standby, $COMPANY{standby}, 'a standby promoted', imports_of($COMPANY{standby}));
	goes_on_with_key($standby, $ring, $COMPANY{standby}, 'a standby promoted');
	return $standby;
}

# ---- a logical replica ----

sub make_replica
{
	my ($node) = @_;
	my $replica = plain_cluster('replica', settings => "reefqbo.ca_file = '" . $intuit->ca_file . "'");
	my $publisher = $node->connstr('postgres');

	$replica->{intuit} = $intuit;
	$replica->set_option('reefqbo.clock_offset', "$node->{clock_offset}s");
	$replica->set_option('reefqbo.key_file', $replica->basedir . '/no.key');
	$node->safe_psql('postgres', 'CREATE PUBLICATION reefqbo FOR TABLES IN SCHEMA reefqbo');
	# The rows that the extension makes come along with the others.
	$replica->safe_psql('postgres', 'CREATE EXTENSION reefqbo CASCADE; DELETE FROM reefqbo.environment');
	$replica->safe_psql('postgres', "CREATE SUBSCRIPTION reefqbo CONNECTION " . quote($publisher) . ' PUBLICATION reefqbo');
	$replica->wait_for_subscription_sync($node, 'reefqbo');
	return $replica;
}

# Every kind of change, in every table that is written to in the course of it.
sub test_changes_arrive
{
	my ($node, $replica) = @_;
	my $company = $COMPANY{upgrade};

	change_books($company);
	$node->safe_psql('postgres', call('refresh', $company));
	note_ledger($company);
	$node->connect_company('Short', 'sim-sandbox', 'sandy');
	$node->safe_psql('postgres', call('import_actuals', 'Short', $FIRST, $LAST));
	$node->safe_psql('postgres', call('disconnect', 'Short'));
	$node->safe_psql('postgres', q{SELECT reefqbo.create_environment('another', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example')});
	$node->safe_psql('postgres', q{UPDATE reefqbo.environment SET api_url = 'https://b.example' WHERE name = 'another'});
	$node->safe_psql('postgres', q{SELECT reefqbo.set_schedule('Short', refresh_every => '1 day')});
	$node->safe_psql('postgres', 'CALL reefqbo.reseal()');
	$node->wait_for_catchup('reefqbo');
	is_deeply(rows_of($replica), rows_of($node), 'a logical replica: what is inserted, updated and deleted arrives');
	truth_holds($replica, 'a logical replica');
	cmp_ok($replica->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.restatement'), '>', 0, 'a logical replica: restatements among it');
}

# Numbers that the table has already would be given out again.
sub test_sequences
{
	my ($node, $replica) = @_;
	my $error = $replica->sqlstate_of(q{SELECT reefqbo.create_model('Too early')});
	my $expected = $node->safe_psql('postgres', <<'END');
SELECT * FROM (
    SELECT 'api_call', 'call_id', max(call_id) FROM reefqbo.api_call
    UNION ALL SELECT 'audit', 'audit_id', max(audit_id) FROM reefqbo.audit
    UNION ALL SELECT 'branch', 'branch_id', max(branch_id) FROM reefqbo.branch
    UNION ALL SELECT 'connection', 'connection_id', max(connection_id) FROM reefqbo.connection
    UNION ALL SELECT 'environment', 'environment_id', max(environment_id) FROM reefqbo.environment
    UNION ALL SELECT 'import_log', 'import_id', max(import_id) FROM reefqbo.import_log
    UNION ALL SELECT 'model', 'model_id', max(model_id) FROM reefqbo.model
    UNION ALL SELECT 'restatement', 'restatement_id', max(restatement_id) FROM reefqbo.restatement
    UNION ALL SELECT '_proof', 'proof_id', max(proof_id) FROM reefqbo._proof) s ORDER BY 1
END

	ok(defined $error, 'a logical replica: before its sequences are set, no model can be made');
	is($replica->safe_psql('postgres', q{SELECT table_name, column_name, "is" FROM reefqbo.repair_sequences() ORDER BY 1}), $expected,
		'repair_sequences sets each to the highest number of its table');
	is($replica->safe_psql('postgres', 'SELECT * FROM reefqbo.repair_sequences()'), '', 'once more: there is nothing to set');
	is($node->safe_psql('postgres', 'SELECT * FROM reefqbo.repair_sequences()'), '', 'nor is there where nothing lags behind');
}

# Of what the script itself makes, numbers below the first one are taken: a fresh sequence is not moved back to them.
sub test_fresh_sequences
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'CREATE DATABASE fresh');
	$node->safe_psql('fresh', 'CREATE EXTENSION reefqbo CASCADE');
	is($node->safe_psql('fresh', 'SELECT * FROM reefqbo.repair_sequences()'), '', 'in a fresh database there is nothing to set');
	is($node->safe_psql('fresh', q{SELECT reefqbo.create_environment('x', true, 'https://a.example', 'https://a.example', 'https://a.example', 'https://a.example')}),
		100, 'and numbers begin where they would');
}

sub test_replica
{
	my ($node, $ring) = @_;
	my $replica = make_replica($node);

	is_deeply(rows_of($replica), rows_of($node), 'a logical replica: every row is there');
	truth_holds($replica, 'a logical replica');
	lacks_key($replica, $COMPANY{replica}, 'a logical replica');
	test_changes_arrive($node, $replica);
	lacks_key($replica, $COMPANY{replica}, 'a logical replica, later');
	$replica->safe_psql('postgres', 'DROP SUBSCRIPTION reefqbo');
	$node->safe_psql('postgres', 'DROP PUBLICATION reefqbo');
	test_sequences($node, $replica);
	lacks_key($replica, $COMPANY{replica}, 'a logical replica, promoted', imports_of($COMPANY{replica}));
	goes_on_with_key($replica, $ring, $COMPANY{replica}, 'a logical replica, promoted');
	test_fresh_sequences($replica);
	return $replica;
}

# ---- pg_upgrade ----

sub run_pg_upgrade
{
	my ($old, $new) = @_;
	my ($bin) = run_command([ 'pg_config', '--bindir' ]);

	# It leaves its logs, and the dumps it makes, where they are looked for below.
	chdir $new->basedir or die "could not chdir: $!";
	command_ok([ 'pg_upgrade', '--no-sync', '--retain', '--old-datadir' => $old->data_dir, '--new-datadir' => $new->data_dir,
			'--old-bindir' => $bin, '--new-bindir' => $bin, '--socketdir' => $new->host, '--old-port' => $old->port, '--new-port' => $new->port ],
		'pg_upgrade takes the cluster over');
}

sub members_of
{
	my ($node) = @_;
	return $node->safe_psql('postgres', <<'END');
SELECT pg_describe_object(classid, objid, 0) FROM pg_depend
 WHERE refclassid = 'pg_extension'::regclass AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'reefqbo') ORDER BY 1
END
}

sub test_upgrade
{
	my ($node, $ring) = @_;
	my $new = bless PostgreSQL::Test::Cluster->new('upgraded'), 'Reefqbo::Cluster';
	my ($rows, $sequences, $members) = (rows_of($node), sequences_of($node), members_of($node));

	$new->{intuit} = $intuit;
	$new->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
	$new->set_option('reefqbo.clock_offset', "$node->{clock_offset}s");
	$new->set_option('reefqbo.key_file', $new->basedir . '/no.key');
	$new->set_option('reefqbo.ca_file', $intuit->ca_file);
	$node->stop;
	run_pg_upgrade($node, $new);
	$new->start;
	is_deeply(rows_of($new), $rows, 'an upgraded cluster: every row is there');
	is_deeply(sequences_of($new), $sequences, 'an upgraded cluster: and every sequence stands where it stood');
	is(members_of($new), $members, 'an upgraded cluster: what belonged to the extension does');
	truth_holds($new, 'an upgraded cluster');
	lacks_key($new, $COMPANY{upgrade}, 'an upgraded cluster', imports_of($COMPANY{upgrade}));
	goes_on_with_key($new, $ring, $COMPANY{upgrade}, 'an upgraded cluster');
	return $new;
}

# ---- no secret ----

sub test_no_secret
{
	my ($ring, @nodes) = @_;
	my $search = make_search(secrets_of($intuit, [ slurp_file($ring) ], @COMPANIES, 'pod-9'));
	my $name = 'no secret is in';

	like($search->($intuit->admin('tokens', { company => 'pod-9' })->{refresh_tokens}[-1]), qr/a token of pod-9/, 'the search finds a token');
	foreach my $node (@nodes)
	{
		my ($dump) = $node->{_pid} ? run_command([ 'pg_dumpall', '-d', $node->connstr('postgres') ]) : ('');
		cmp_ok(length $dump, '>', 50_000, 'a dump of ' . $node->name) if $node->{_pid};
		is($search->($dump), '', "$name a dump of " . $node->name) if $node->{_pid};
		$node->stop;
		is(search_files($search, $node->data_dir), '', "$name the files of " . $node->name . ', its log of writes included');
	}
}

my $node = reefqbo_cluster('main', $intuit, settings => <<'END');
wal_level = logical
max_wal_senders = 10
hot_standby = on
END
my $ring = $node->basedir . '/reefqbo.key';

align_clock($node);
foreach my $company (@COMPANIES)
{
	$node->connect_company($company, 'sim-production', $company);
	$node->safe_psql('postgres', call('import_actuals', $company, $FIRST, $LAST));
	note_ledger($company);
}
my @copies = (test_backup($node, $ring), test_standby($node, $ring), test_replica($node, $ring));
push @copies, test_upgrade($node, $ring);
test_no_secret($ring, $node, @copies);
$intuit->stop;

done_testing();
