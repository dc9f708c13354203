# contrib/api: a schema that API layers can read, whose callers have their own rights and no more.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;

my $SCRIPT = "$Reefqbo::Simulator::HERE/../../../contrib/api/reefqbo_api.sql";

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('api', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\n");

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

sub refused
{
	my ($role, $query) = @_;
	return sqlstate("SET SESSION AUTHORIZATION $role; $query");
}

# What generators and layers stumble over.
sub test_shape
{
	is(sql(q{SELECT proname FROM pg_proc WHERE pronamespace = 'reefqbo_api'::regnamespace GROUP BY proname HAVING count(*) > 1}), '', 'no function has an overload');
	is(sql(q{SELECT attrelid::regclass, attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'reefqbo_api'::regnamespace
		AND atttypid NOT IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype, 'text'::regtype, 'date'::regtype, 'timestamptz'::regtype, 'numeric'::regtype, 'boolean'::regtype)}), '', 'columns are of plain types');
	is(sql(q{SELECT p.proname FROM pg_proc p, unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) t WHERE pronamespace = 'reefqbo_api'::regnamespace
		AND t NOT IN ('bigint'::regtype, 'integer'::regtype, 'text'::regtype, 'date'::regtype, 'numeric'::regtype, 'boolean'::regtype)}), '', 'and so are arguments and results');
	is(sql(q{SELECT relname FROM pg_class WHERE relnamespace = 'reefqbo_api'::regnamespace AND (relkind <> 'v' OR reloptions IS DISTINCT FROM '{security_invoker=true}')}), '', 'views have the rights of whoever reads');
	is(sql(q{SELECT proname FROM pg_proc WHERE pronamespace = 'reefqbo_api'::regnamespace AND (prosecdef OR obj_description(oid, 'pg_proc') IS NULL)}), '', 'functions those of whoever calls, and a comment');
	return;
}

# Of each view: its key is of its columns, and unique; keys that it refers to are keys.
sub test_keys
{
	my %key = map { split /\|/ } split /\n/, sql(q{SELECT relname, substring(obj_description(oid) FROM '@primaryKey ([a-z_,]+)') FROM pg_class WHERE relnamespace = 'reefqbo_api'::regnamespace});

	foreach my $view (sort keys %key)
	{
		my $rows = sql("SELECT count(*) > 0, count(*) = count(DISTINCT ($key{$view})) FROM reefqbo_api.$view");
		is($rows, 't|t', "$view: $key{$view} is a key");
	}
	foreach my $line (split /\n/, sql(q{SELECT relname, m[1], m[2], m[3] FROM pg_class, regexp_matches(obj_description(oid), '@foreignKey \(([^)]*)\) references (\w+) \(([^)]*)\)', 'g') m WHERE relnamespace = 'reefqbo_api'::regnamespace}))
	{
		my ($view, $columns, $of, $referred) = split /\|/, $line;
		(my $key = $referred) =~ s/ //g;
		is($key, $key{$of}, "$view refers to the key of $of");
		my $first = (split /, */, $columns)[-1];
		is(sql("SELECT count(*) FROM reefqbo_api.$view WHERE $first IS NOT NULL AND ($columns) NOT IN (SELECT $referred FROM reefqbo_api.$of)"), '0', "and each $columns is there");
	}
	return;
}

sub test_rights
{
	is(as('a_reader', 'SELECT string_agg(name, $$,$$) FROM reefqbo_api.model'), 'Acme', 'a reader sees his model');
	is(as('a_reader', 'SELECT count(DISTINCT model_id) FROM reefqbo_api.actual'), '1', 'and its figures');
	is(as('a_reader', q{SELECT amount FROM reefqbo_api.profit_and_loss('Acme', '2026-01-01', '2026-01-31') WHERE label = 'Net Income'}),
		sql(q{SELECT amount FROM reefqbo.profit_and_loss('Acme', '2026-01-01', '2026-01-31') WHERE trim(label) = 'Net Income'}), 'and its statements');
	is(refused('a_reader', q{SELECT reefqbo_api.request_refresh('Acme')}), '42501', 'but asks for no import');
	is(refused('a_reader', q{SELECT * FROM reefqbo_api.profit_and_loss('Other', '2026-01-01', '2026-01-31')}), '42704', 'and others are not there for him');
	is(refused('nobody', 'SELECT * FROM reefqbo_api.model'), '42501', 'who has been given nothing sees nothing');
	is(as('tenants', 'SELECT count(*) FROM reefqbo_api.model'), '0', 'a scoped role sees nothing');
	is(as('tenants', q{BEGIN; SELECT set_config('reefqbo.current_model', 'Other', true); SELECT name FROM reefqbo_api.model; COMMIT}), "Other\nOther", 'until its transaction says which');
	return;
}

# As PostgREST calls it: SET ROLE, the claims of the token, the hook, the request.
sub test_postgrest
{
	sql(q{SELECT reefqbo.grant_access('web_user', 'operator', scoped => true)});
	my $as = sub { my ($claims, $query) = @_; (split /\n/, sql("BEGIN; SET LOCAL ROLE web_user; SELECT set_config('request.jwt.claims', '$claims', true); SELECT web.of_this_user(); $query; COMMIT"))[-1] };

	is($as->('{"model": "Other"}', q{SELECT string_agg(company, ',') FROM reefqbo_api.connection}), 'Pod 2 Ltd', 'the claim names the model');
	is($as->('{}', q{SELECT count(*) FROM reefqbo_api.connection}), '0', 'without it there is none');
	is(sqlstate(q{SELECT web.request_refresh('nobody')}), 'PT404', 'a status by SQLSTATE');
	return;
}

# As an API's client would.
sub test_operator
{
	my $address = as('an_operator', q{SELECT reefqbo_api.connect('Late', 'sim-production', 'a-word')});
	my $back = $intuit->browse($address, company => 'pod-3');

	is(refused('an_operator', "SELECT reefqbo_api.complete_connection('$back', 'another')"), 'RQ009', 'a sign-in is bound to its session');
	is(as('an_operator', "SELECT company, status FROM reefqbo_api.complete_connection('$back', 'a-word')"), 'Pod 3 Ltd|connected', 'and ends in it');
	my $id = as('an_operator', q{SELECT reefqbo_api.request_import('Late', '2026-01-01', '2026-03-31')});
	wait_until('the import is done', sub { sql("SELECT state FROM reefqbo_api.request WHERE request_id = $id") eq 'succeeded' });
	is(as('an_operator', "SELECT reefqbo_api.cancel_request($id)"), 'f', 'it has ended');
	like(as('an_operator', q{SELECT reefqbo_api.reconnect('Late', 'a-word')}), qr/^https:/, 'reconnect');
	is(as('an_operator', q{SELECT company, revoked FROM reefqbo_api.disconnect('Late')}), 'Pod 3 Ltd|t', 'disconnect');
	return;
}

sql(slurp_file($SCRIPT));
sql('CREATE ROLE web_anon; CREATE ROLE web_user');
sql($_) foreach slurp_file("$Reefqbo::Simulator::HERE/../../../docs/api.md") =~ /```sql\n(.*?)```/sg;
$node->connect_company('Acme', 'sim-production', 'pod-1');
$node->connect_company('Other', 'sim-production', 'pod-2');
sql(call('import_actuals', $_, '2026-01-01', '2026-03-31')) foreach 'Acme', 'Other';
sql(q{SELECT reefqbo.create_branch('Acme', 'Shop')});
my ($asset, $income) = map { my $type = $_; (grep { $_->{type} eq $type } @{ $intuit->admin('accounts', { company => 'pod-1' })->{accounts} })[0]{id} } 'Bank', 'Income';
$intuit->admin('post', { company => 'pod-1', date => '2026-02-02', lines => [ { account => $asset, amount => '10.00' }, { account => $income, amount => '-10.00' } ] });
sql(q{SELECT reefqbo.refresh('Acme', whole => true)});
sql(q{SELECT reefqbo.request_refresh('Acme')});
sql("CREATE ROLE $_ LOGIN") foreach 'a_reader', 'an_operator', 'tenants', 'nobody';
sql(call('grant_access', 'a_reader', 'reader', 'Acme'));
sql(call('grant_access', 'an_operator', 'operator'));
sql(q{SELECT reefqbo.grant_access('tenants', 'reader', scoped => true)});
sql(call('create_model', 'Late'));
test_shape();
test_keys();
test_rights();
test_postgrest();
test_operator();
$node->stop;

done_testing();
