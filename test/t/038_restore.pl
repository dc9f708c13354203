# A restore ends whole or is known not to have: whichever way pg_restore or psql fills the tables, and however slowly,
# nobody writes to them before all has come; then the foreign keys are in force, the sequences stand right, and imports
# go on. What stopped half-way is named by check. What a dump holds is in 034, other copies in 073.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;

my ($FIRST, $LAST) = ('2026-07-01', '2026-11-30');
my $KEYS = q{SELECT conrelid::regclass, conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint
              WHERE contype = 'f' AND connamespace = 'reefqbo'::regnamespace ORDER BY 1, 2};
my $RESTORE_ROWS = q{SELECT subject, status FROM reefqbo.check() WHERE item = 'restore' ORDER BY subject};

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('main', $intuit, preload => 1, settings => <<'END');
reefqbo.databases = 'slow'
max_prepared_transactions = 2
END
my $directory = $node->basedir;

# ---- what there is ----

sub rows_of
{
	my ($database) = @_;
	my @tables = split /\n/, sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'r' ORDER BY 1}, $database);

	return { map { $_ => sql("SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text COLLATE \"C\")) FROM reefqbo.$_ t", $database) } @tables };
}

sub sequences_of
{
	my ($database) = @_;
	my @sequences = split /\n/, sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'S' ORDER BY 1}, $database);

	return { map { $_ => sql("SELECT last_value, is_called FROM reefqbo.$_", $database) } @sequences };
}

# A branch whose parent was made after it, a company with figures, and tables that are empty: of what is not there a
# restore brings nothing, and its sequences all the same.
sub fill
{
	$node->connect_company('Reef', 'sim-production', 'reef');
	sql(call('import_actuals', 'Reef', $FIRST, $LAST));
	sql(call('create_branch', 'Reef', $_)) foreach 'East', 'West';
	sql(q{UPDATE reefqbo.branch SET parent_branch_id = (SELECT branch_id FROM reefqbo.branch WHERE name = 'West') WHERE name = 'East'});
	sql(q{UPDATE reefqbo.branch SET is_enabled = true WHERE name IN ('West', 'Reef')});
	sql('CREATE ROLE sees_reef');
	sql(call('grant_access', 'sees_reef', 'reader', 'Reef'));
	sql('CREATE ROLE has_all');
	sql(call('grant_access', 'has_all', 'admin'));
	return;
}

# ---- dumps ----

my %DUMP = (
	plain => [],
	inserts => ['--inserts'],
	custom => ['--format=custom'],
	directory => ['--format=directory'],
	by_four => [ '--format=directory', '--jobs=4' ]);

sub dump_path { return "$directory/$_[0].dump" }

sub make_dump
{
	my ($database, $name, @options) = @_;
	my ($out, $err);

	IPC::Run::run([ 'pg_dump', @options, '-f', dump_path($name), '-d', $node->connstr($database) ], '<', \undef, '>', \$out, '2>', \$err);
	return $err;
}

# ---- restores ----

sub with_psql
{
	my ($name, @options) = @_;
	return sub { ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @options, '-d', $_[0], '-f', dump_path($name)) };
}

sub with_pg_restore
{
	my ($name, @options) = @_;
	return sub { ('pg_restore', '--exit-on-error', @options, '-d', $_[0], dump_path($name)) };
}

sub by_hand { return ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', $_[0], '-c', 'CREATE EXTENSION reefqbo CASCADE') }

# Each way, as the commands that are run one after the other.
my @WAYS = (
	[ 'psql', with_psql('plain') ],
	[ 'psql, in one transaction', with_psql('plain', '--single-transaction') ],
	[ 'psql, by INSERT', with_psql('inserts') ],
	[ 'pg_restore', with_pg_restore('custom') ],
	[ 'pg_restore, in one transaction', with_pg_restore('custom', '--single-transaction') ],
	[ 'pg_restore -j of one file', with_pg_restore('custom', '--jobs=4') ],
	[ 'pg_restore -j of a directory', with_pg_restore('directory', '--jobs=4') ],
	[ 'pg_restore -j of what four have dumped', with_pg_restore('by_four', '--jobs=4') ],
	[ 'pg_restore, the schema and then the data', with_pg_restore('custom', '--schema-only'), with_pg_restore('custom', '--data-only') ],
	[ 'pg_restore -j, the schema and then the data', with_pg_restore('custom', '--schema-only'), with_pg_restore('custom', '--data-only', '--jobs=4') ],
	[ 'pg_restore, into an extension made by hand', \&by_hand, with_pg_restore('custom', '--data-only') ],
	[ 'pg_restore -j, into one, with triggers off', \&by_hand, with_pg_restore('custom', '--data-only', '--disable-triggers', '--jobs=4') ]);

my $made = 0;

sub new_database
{
	my $database = 'copy_' . ++$made;

	sql("CREATE DATABASE $database TEMPLATE template0");
	return $database;
}

sub test_way
{
	my ($way, $source) = @_;
	my ($name, @commands) = @$way;
	my $database = new_database();

	command_ok([ $_->($node->connstr($database)) ], "$name: no error") foreach @commands;
	is(sql($RESTORE_ROWS, $database), '|note', "$name: all has come");
	sql(call('finish_restore'), $database);
	is_deeply(rows_of($database), $source->{rows}, "$name: every row is there");
	is_deeply(sequences_of($database), $source->{sequences}, "$name: every sequence stands where it stood");
	is(sql($KEYS, $database), $source->{keys}, "$name: every foreign key is in force");
	is(sql($RESTORE_ROWS, $database), '', "$name: and check says nothing of it");
	is(stored_lines($node, 'Reef', $database), $source->{lines}, "$name: the figures are those of the ledger");
	keeps_tree($database, $name);
	return;
}

sub keeps_tree
{
	my ($database, $name) = @_;

	is(sqlstate(q{INSERT INTO reefqbo.schedule (model_id) VALUES (4711)}, $database), '23503', "$name: no schedule without its model");
	is(sqlstate(q{INSERT INTO reefqbo.branch (model_id, name, parent_branch_id) SELECT model_id, 'x', 4711 FROM reefqbo.model}, $database), '23503',
		"$name: no branch without its parent");
	is(sqlstate(q{DELETE FROM reefqbo.branch WHERE name = 'West'}, $database), '23503', "$name: no parent goes before its branches");
	return;
}

# ---- the first call ends a restore ----

sub test_first_call
{
	my ($name, $call) = @_;
	my $database = new_database();

	command_ok([ with_pg_restore('custom', '--jobs=4')->($node->connstr($database)) ], "$name: restored");
	is(sqlstate($call, $database), 'none', "$name: works at once");
	is(sql('SELECT reefqbo._is_restoring()', $database), 'f', "$name: and has ended the restore");
	is(sql($KEYS, $database), sql($KEYS), "$name: the foreign keys are in force");
	return;
}

# A statement that reads a table cannot put its keys in force.
sub test_call_within
{
	my $database = new_database();

	command_ok([ with_pg_restore('custom')->($node->connstr($database)) ], 'a call within a query: restored');
	my $error = try(q{SELECT reefqbo.create_model('New') FROM reefqbo.schedule}, $database);
	is($error->{sqlstate}, '55006', 'a call within a query of the tables is refused');
	like($error->{hint}, qr/finish_restore/, 'and told what to do');
	is(sqlstate(call('finish_restore') . q{; SELECT reefqbo.create_model('New') FROM reefqbo.schedule}, $database), 'none', 'which helps');
	return;
}

# ---- a slow one, with a worker ----

# What psql is sent at once: up to the end of a COPY, a setval, or a statement of another kind.
sub pieces_of
{
	my ($text) = @_;
	my @pieces = ('');

	foreach my $line (split /^/, $text)
	{
		$pieces[-1] .= $line;
		push @pieces, '' if $line =~ /^\\\.$|setval\(|^CREATE EXTENSION/;
	}
	return @pieces;
}

# A worker begins after this, and ends. It is woken by a new configuration, as it might be by anything; again, since
# one that has failed meanwhile puts the next off.
sub let_worker_try
{
	my $since = sql('SELECT clock_timestamp()');
	my $polls = 0;

	wait_until('the worker has looked', sub {
		$node->reload if $polls++ % 20 == 0;
		return sql("SELECT last_began > '$since' AND last_ended > last_began FROM reefqbo.worker_status() WHERE database = 'slow'") eq 't';
	});
	return;
}

sub send_slowly
{
	my ($text, $between) = @_;
	my ($in, $out, $err, $n) = ('', '', '', 0);
	my $psql = IPC::Run::start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('slow') ], '<', \$in, '>', \$out, '2>', \$err);

	foreach my $piece (pieces_of($text))
	{
		$in .= "$piece\nSELECT 'piece " . ++$n . "';\n";
		$psql->pump until $out =~ /^piece $n$/m || $err ne '';
		last if $err ne '';
		$between->($n);
	}
	$psql->finish;
	return ($n, $err);
}

sub test_slow
{
	my ($source) = @_;
	my @kept;

	sql('CREATE DATABASE slow TEMPLATE template0');
	let_worker_try();
	my $log = -s $node->logfile;
	my $dump = slurp_file(dump_path('plain'));
	my $last = pieces_of($dump) - 1;
	my ($n, $err) = send_slowly($dump, sub { let_worker_try() if $_[0] < $last });
	is($err, '', 'a slow restore meets nothing of the worker');
	cmp_ok($n, '>', 30, 'which has looked after each table and sequence');
	my $text = slurp_file($node->logfile, $log);
	is(scalar(() = $text =~ /reefqbo cannot work in database "slow": this database is being restored/g), 1, 'it says once that it keeps out');
	# by now it is put off for minutes, and nobody says that the last has come
	wait_until('the log says that it works again', sub { slurp_file($node->logfile, $log) =~ /reefqbo works in database "slow" again/ });
	is(sql('SELECT reefqbo._is_restoring()', 'slow'), 'f', 'after the last piece it looks at once, and ends the restore');
	is(sql($KEYS, 'slow'), $source->{keys}, 'and puts the foreign keys in force');
	is(sqlstate(call('import_actuals', 'Reef', $FIRST, $LAST), 'slow'), 'none', 'imports work');
	is(sql(q{SELECT reefqbo.create_model('New') > max(m.model_id) FROM reefqbo.model m}, 'slow'), 't', 'new numbers are new');
	is(sql(q{SELECT count(*) FROM reefqbo.check() WHERE item IN ('sequence', 'restore') AND status <> 'ok'}, 'slow'), 0, 'check finds nothing wrong');
	is(stored_lines($node, 'Reef', 'slow'), $source->{lines}, 'the figures are those of the ledger');
	return;
}

# ---- stopped half-way ----

sub restore_text
{
	my ($name, $text) = @_;
	my $database = new_database();

	append_to_file(dump_path($name), $text);
	$node->psql($database, undef, extra_params => [ '-f', dump_path($name) ], on_error_stop => 0);
	return $database;
}

sub without_data_of
{
	my ($text, $table) = @_;

	$text =~ s/^COPY reefqbo\.$table .*?^\\\.$//ms or die "no rows of $table in the dump";
	return $text;
}

sub refuses
{
	my ($database, $name) = @_;

	foreach my $call (call('create_model', 'New'), call('refresh', 'Reef'), call('reconnect', 'Reef'), call('grant_access', 'sees_reef', 'reader'),
		call('set_schedule', 'Reef'), call('finish_restore'), 'CALL reefqbo.reseal()')
	{
		is(sqlstate($call, $database), '55000', "$name: $call is refused");
	}
	return;
}

sub test_half_restored
{
	my $dump = slurp_file(dump_path('plain'));
	my $database = restore_text('no_accounts', without_data_of($dump, 'account'));

	is(sql($RESTORE_ROWS, $database), 'reefqbo.account|problem', 'half restored: check names the table');
	refuses($database, 'half restored');
	is(sqlstate(call('finish_restore', \'true'), $database), '23503', 'half restored: rows without their parents are not taken over');

	# a dump of it knows that something is missing, too
	is(make_dump($database, 'of_half', '--format=custom'), '', 'half restored: it can be dumped');
	my $second = new_database();
	command_ok([ with_pg_restore('of_half')->($node->connstr($second)) ], 'half restored: and that dump restored');
	is(sql($RESTORE_ROWS, $second), 'reefqbo.account|problem', 'half restored: which check does not take for a whole one');

	$database = restore_text('no_calls', without_data_of($dump, 'api_call') =~ s/^.*setval\('reefqbo\.(?:branch_branch_id_seq|restatement_restatement_id_seq)'.*$//mgr);
	is(sql($RESTORE_ROWS, $database), "reefqbo.api_call|problem\nreefqbo.branch_branch_id_seq|problem\nreefqbo.restatement_restatement_id_seq|problem",
		'half restored: a table that nothing refers to, and sequences');
	is(sqlstate(call('finish_restore', \'true'), $database), 'none', 'half restored: it is taken over as it is');
	is(sql($KEYS, $database), sql($KEYS), 'half restored: with its foreign keys');
	is(sql($RESTORE_ROWS, $database), '', 'half restored: and that is the end of it');
	like(sql(q{SELECT detail FROM reefqbo.audit WHERE action = 'restore_finished'}, $database), qr/reefqbo\.api_call: it has 0 rows/, 'half restored: which is written down');
	is(sqlstate(call('create_branch', 'Reef', 'North'), $database), 'none', 'half restored: sequences are behind what there is');

	$database = restore_text('extension_only', $dump =~ s/^COPY reefqbo\..*//msr);
	refuses($database, 'nothing but the extension has come');
	is(sql($RESTORE_ROWS, $database) =~ s/\n.*//sr, 'reefqbo._proof_proof_id_seq|problem', 'nothing but the extension has come: check says so');
	return;
}

# ---- no restore ----

sub test_fresh
{
	my $database = new_database();

	sql('CREATE EXTENSION reefqbo CASCADE', $database);
	is(sql($RESTORE_ROWS, $database), '', 'fresh: nothing is said of a restore');
	is(sql($KEYS, $database), sql($KEYS), 'fresh: the foreign keys are in force');
	is(sql(call('create_model', 'First'), $database), 1, 'fresh: it is ready at once, and its first number is 1');

	# of a database in which nothing was done yet
	my $empty = new_database();
	my $copy = new_database();
	sql('CREATE EXTENSION reefqbo CASCADE', $empty);
	is(make_dump($empty, 'empty', '--format=custom'), '', 'empty: it is dumped');
	command_ok([ with_pg_restore('empty', '--jobs=4')->($node->connstr($copy)) ], 'empty: and restored');
	is(sql(call('create_model', 'First'), $copy), 1, 'empty: it is ready at once');
	return;
}

# ---- the tree of branches, which a trigger keeps ----

# What a session has begun waits for hold_up's end.
sub hold_up { return sql(q{BEGIN; SELECT pg_advisory_xact_lock(4711); PREPARE TRANSACTION 'hold up'}) }
sub let_go { return sql(q{COMMIT PREPARED 'hold up'}) }

sub begin_and_hold
{
	my $session = begin_sql(@_);

	wait_until('the other session waits', sub { sql(q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted}) eq '1' });
	return $session;
}

# Who removes a branch sees those below it that were committed after its snapshot.
sub test_removing
{
	my ($level) = @_;
	my $branch = "Of $level";

	sql(call('create_branch', 'Reef', $branch));
	hold_up();
	my $remover = begin_and_hold(
		"BEGIN ISOLATION LEVEL $level; SELECT FROM reefqbo.branch LIMIT 1; SELECT pg_advisory_xact_lock(4711); DELETE FROM reefqbo.branch WHERE name = '$branch'; COMMIT");
	sql(call('create_branch', 'Reef', "Below $branch", $branch));
	let_go();
	is(end_sql($remover), '23503', "$level: a branch below that was committed meanwhile keeps its parent");
	return;
}

# Who makes a branch waits for who is removing its parent.
sub test_making
{
	sql(call('create_branch', 'Reef', 'Going'));
	hold_up();
	my $remover = begin_and_hold(q{BEGIN; DELETE FROM reefqbo.branch WHERE name = 'Going'; SELECT pg_advisory_xact_lock(4711); COMMIT});
	my $maker = begin_sql(call('create_branch', 'Reef', 'Below', 'Going'));
	wait_until('the maker waits', sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%create_branch%' AND pid <> pg_backend_pid()}) eq '1' });
	let_go();
	end_sql($remover);
	is(end_sql($maker), '23503', 'no branch is made below one that is being removed');
	is(sql(q{DELETE FROM reefqbo.branch WHERE name LIKE '%Of %' RETURNING 1}) =~ tr/1//, 6, 'parents go with those below them');
	return;
}

fill();
my %source = (rows => rows_of('postgres'), sequences => sequences_of('postgres'), keys => sql($KEYS), lines => ledger_lines($intuit, 'reef', $FIRST, $LAST));
is(make_dump('postgres', $_, @{ $DUMP{$_} }), '', "$_: pg_dump has nothing to say") foreach sort keys %DUMP;
is(stored_lines($node, 'Reef'), $source{lines}, 'the figures are those of the ledger');
test_way($_, \%source) foreach @WAYS;
test_first_call('a model', call('create_model', 'New'));
test_first_call('a model of another role', 'SET ROLE has_all; ' . call('create_model', 'New'));
test_first_call('the end by another role', 'SET ROLE has_all; ' . call('finish_restore'));
test_first_call('an import', call('import_actuals', 'Reef', $FIRST, $LAST));
test_first_call('a sign-in', call('reconnect', 'Reef'));
test_call_within();
test_half_restored();
test_fresh();
test_slow(\%source);
test_removing($_) foreach 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE';
test_making();
$node->stop;

done_testing();
