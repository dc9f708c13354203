# Nobody who works on one model can stop the others: no lock that is stronger than reading takes, on no table of ours,
# on no view of them, and on no catalog below it. Privileges see to it; where the library is loaded it also refuses what
# was granted by hand.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;

# Not preloaded: a session has the library only once it has called a function of ours.
my $node = reefqbo_cluster('locks');

my @LEVELS = qw(reader monitor operator admin);
my @MODES = ('ROW SHARE', 'ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE');
my @STRONG = @MODES[ 2 .. $#MODES ];

# What operators write to without a function, whose own rows they may lock as well.
my %WRITTEN = map { ("reefqbo.$_" => 1) } qw(account_mapping adjustment elimination exchange_rate historical_rate ownership variable);

sub as { return "SET SESSION AUTHORIZATION $_[0]; $_[1]" }

sub locked { return sqlstate(as($_[0], "BEGIN; LOCK TABLE $_[1] IN $_[2] MODE; ROLLBACK")) }

sub relations { return split /\n/, sql(q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY relname}) }

# ---- by privileges alone ----

# What each mode of a lock on each relation comes to, tried in one session: its SQLSTATE, but for those refused.
sub taken_by
{
	my ($role, @relations) = @_;
	my @tries = map { my $relation = $_; map { [ $relation, $_ ] } @MODES } @relations;
	my (undef, $states, $errors) = $node->psql('postgres',
		as($role, "\n" . join '', map { "BEGIN; LOCK TABLE $_->[0] IN $_->[1] MODE;\n\\echo $_->[0] $_->[1] :SQLSTATE\nROLLBACK;\n" } @tries), on_error_stop => 0);
	my @states = split /\n/, $states;

	is(scalar @states, scalar @tries, "$role: every lock is tried");
	unlike($errors, qr/against others/, "$role: it is PostgreSQL that refuses");
	return [ grep { !/ 42501$/ } @states ];
}

sub test_no_lock
{
	my @relations = relations();

	cmp_ok(scalar @relations, '>', 40, 'there are tables and views');
	is_deeply(taken_by("a_$_", @relations), [], "a role with level $_ for one model may not lock anything against others") foreach @LEVELS;
	is(locked('a_reader', 'reefqbo.mapping', 'ACCESS SHARE'), 'none', 'but to read, as a SELECT does');
	return;
}

# What a lock is taken by, on the whole of a relation.
sub test_no_privilege
{
	is(sql(<<'END'), '', 'no role but the owner has a privilege that takes a strong lock');
SELECT c.relname, x.grantee::regrole, x.privilege_type FROM pg_class c, aclexplode(c.relacl) x
 WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND x.grantee <> c.relowner
   AND x.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'MAINTAIN')
END
	is(sql(<<'END'), 'account_key|reefqbo_all_operators branch_key|reefqbo_all_operators model_key|reefqbo_all_operators', 'what a foreign key can refer to, which locks it, are keys that nobody needs at work, and for operators of all models');
SELECT string_agg(c.relname || '|' || x.grantee::regrole, ' ' ORDER BY c.relname) FROM pg_class c, aclexplode(c.relacl) x
 WHERE c.relnamespace = 'reefqbo'::regnamespace AND x.grantee <> c.relowner AND x.privilege_type = 'REFERENCES'
END
	return;
}

# A view's rows are those of the tables below it, which other work needs: of a connection, say.
sub test_no_row_locks
{
	my @lockable = grep { sqlstate(as('a_operator', "SELECT FROM $_ LIMIT 0 FOR UPDATE")) ne '42501' } relations();

	is_deeply(\@lockable, [ sort keys %WRITTEN ], 'rows are locked where they are written, and below no view');
	return;
}

sub test_views_of_others
{
	sql(as('a_operator', 'CREATE VIEW mine.over AS SELECT * FROM reefqbo.mapping; CREATE VIEW mine.twice AS SELECT 1 AS one WHERE EXISTS (SELECT FROM mine.over)'));
	is_deeply([ map { locked('a_operator', "mine.$_", 'ACCESS EXCLUSIVE') } qw(over twice) ], [ '42501', '42501' ], 'nor by a view of its own');
	sql(as('a_operator', 'CREATE TABLE mine.own (n integer); CREATE VIEW mine.other AS SELECT n FROM mine.own'));
	is_deeply([ map { locked('a_operator', "mine.$_", 'ACCESS EXCLUSIVE') } qw(own other) ], [ 'none', 'none' ], 'what is its own it may lock');
	return;
}

# As far as PostgreSQL itself would go, for whoever may.
sub test_catalogs
{
	my $superuser = $node->background_psql('postgres');

	$superuser->query_safe('BEGIN; LOCK TABLE reefqbo.mapping, reefqbo.connection_status, reefqbo.series_value IN ACCESS EXCLUSIVE MODE;');
	is(sql(q{SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.mode = 'AccessExclusiveLock' AND c.relnamespace = 'pg_catalog'::regnamespace}),
		0, 'no catalog stands below a view, that logging in would need');
	$superuser->query_safe('ROLLBACK;');
	$superuser->quit;
	return;
}

# ---- and what was granted by hand, where the library is loaded ----

sub test_granted_by_hand
{
	sql('GRANT UPDATE, DELETE ON reefqbo.elimination, reefqbo.mapping, reefqbo.connection_status TO a_operator');
	is(locked('a_operator', 'reefqbo.elimination', 'ACCESS EXCLUSIVE'), 'none', 'by a privilege that was granted by hand a table can be locked');
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'reefqbo'");
	$node->restart;
	foreach my $relation (map { "reefqbo.$_" } qw(elimination mapping connection_status))
	{
		is_deeply([ map { locked('a_operator', $relation, $_) } @STRONG ], [ ('42501') x @STRONG ], "$relation: where the library is preloaded it cannot");
	}
	like(try(as('a_operator', 'LOCK TABLE reefqbo.elimination'))->{message}, qr/^permission denied to lock "elimination" against others/, 'and it is said why');
	is(locked('a_operator', 'reefqbo.elimination', 'ROW EXCLUSIVE'), 'none', 'but as writing does');
	is_deeply([ map { locked('a_operator', "mine.$_", 'ACCESS EXCLUSIVE') } qw(over twice) ], [ '42501', '42501' ], 'nor by a view of its own');
	is_deeply([ map { locked('a_operator', "mine.$_", 'ACCESS EXCLUSIVE') } qw(own other) ], [ 'none', 'none' ], 'what is its own it may lock');
	sql('REVOKE UPDATE, DELETE ON reefqbo.elimination, reefqbo.mapping, reefqbo.connection_status FROM a_operator');
	return;
}

sql(call('create_model', 'Clerk model'));
sql("CREATE ROLE a_$_ LOGIN") foreach @LEVELS;
sql(call('grant_access', "a_$_", $_, $_ eq 'admin' ? () : 'Clerk model')) foreach @LEVELS;
sql('CREATE SCHEMA mine AUTHORIZATION a_operator');
test_no_lock();
test_no_privilege();
test_no_row_locks();
test_views_of_others();
test_catalogs();
test_granted_by_hand();
$node->stop;

done_testing();
