# Nobody who works on one model can stop the others: no lock that is stronger than writing takes, on no table of ours,
# on no view of them, and on no catalog below it.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('locks', $intuit, preload => 1);

my @STRONG = ('SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE', 'EXCLUSIVE', 'ACCESS EXCLUSIVE');

sub as { return "SET SESSION AUTHORIZATION $_[0]; $_[1]" }

sub locked { return sqlstate(as($_[0], "BEGIN; LOCK TABLE $_[1] IN $_[2] MODE; ROLLBACK")) }

# What an operator may read, or write to.
sub relations_of_operator
{
	return split /\n/, sql(<<'END');
SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'v')
   AND has_any_column_privilege('clerk', c.oid, 'SELECT, INSERT, UPDATE') ORDER BY 1
END
}

sub test_strong_locks
{
	my @relations = relations_of_operator();

	cmp_ok(scalar @relations, '>', 20, 'an operator has access to tables and views');
	foreach my $relation (@relations)
	{
		is_deeply([ map { locked('clerk', $relation, $_) } @STRONG ], [ ('42501') x @STRONG ], "$relation: an operator of one model may not lock it against others");
	}
	is(locked('clerk', 'reefqbo.elimination', 'ROW EXCLUSIVE'), 'none', 'but as writing does');
	return;
}

sub test_views_of_others
{
	sql(as('clerk', 'CREATE VIEW mine.over AS SELECT * FROM reefqbo.mapping; CREATE VIEW mine.twice AS SELECT 1 AS one WHERE EXISTS (SELECT FROM mine.over)'));
	is(locked('clerk', $_, 'ACCESS EXCLUSIVE'), '42501', "nor by a view of its own: $_") foreach 'mine.over', 'mine.twice';
	sql(as('clerk', 'CREATE TABLE mine.own (n integer); CREATE VIEW mine.other AS SELECT n FROM mine.own'));
	is(locked('clerk', $_, 'ACCESS EXCLUSIVE'), 'none', "what is its own it may lock: $_") foreach 'mine.own', 'mine.other';
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

sql(call('create_model', 'Clerk model'));
sql('CREATE ROLE clerk LOGIN; CREATE SCHEMA mine AUTHORIZATION clerk');
sql(call('grant_access', 'clerk', 'operator', 'Clerk model'));
test_strong_locks();
test_views_of_others();
test_catalogs();
$node->stop;
$intuit->stop;

done_testing();
