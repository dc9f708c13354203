# Who may do what, for which models, with everything under way that there is outside of a regression test: sign-ins
# and imports by roles of one model, views with leaky functions, cached plans, hundreds of models, hostile sessions,
# and a background worker. What each level is granted on each object is in sql/access.sql.
#
# A model that a role has nothing to do with is, for it, no different from one that does not exist.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Traps;
use Reefqbo::Worker qw(align_clock pass_time wait_until_idle);

my ($FIRST, $LAST) = ('2026-09-01', '2026-09-30');
my $MONTH = "'$FIRST', '$LAST'";

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('access', $intuit);

# ---- helpers ----

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

# The error of a statement as a role, or { sqlstate => 'none' }.
sub error_as
{
	my ($role, $query) = @_;

	return $node->sqlstate_of("SET SESSION AUTHORIZATION $role;\n$query") // { sqlstate => 'none', message => '' };
}

sub sqlstate_as { return error_as(@_)->{sqlstate} }

sub asked { return join ' ', map { $_->{endpoint} } grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} } }

sub signed_in { return quote($intuit->browse($_[0], company => $_[1])) }

sub completing { return "SELECT company FROM reefqbo.complete_connection($_[0])" }

my %model_id;

sub make_model
{
	my ($model, $company) = @_;

	$node->connect_company($model, 'sim-production', $company);
	sql("SELECT FROM reefqbo.import_actuals('$model', $MONTH)");
	$model_id{$model} = sql("SELECT model_id FROM reefqbo.model WHERE name = '$model'");
	return;
}

sub make_role
{
	my ($role, @accesses) = @_;

	sql("CREATE ROLE $role LOGIN");
	sql(call('grant_access', $role, @$_)) foreach @accesses;
	return;
}

# Everything that a level "operator" lets one do with a model.
sub deeds
{
	my ($model) = @_;

	return (create_branch => "SELECT reefqbo.create_branch('$model', 'North')", connect => call('connect', $model, 'sim-production'),
		reconnect => call('reconnect', $model), disconnect => call('disconnect', $model), realm_id => call('realm_id', $model),
		import_accounts => call('import_accounts', $model), import_actuals => call('import_actuals', $model, \$MONTH), refresh => call('refresh', $model),
		set_schedule => "SELECT reefqbo.set_schedule('$model', refresh_every => '3 hours')");
}

# And what only an admin does.
sub admins_deeds
{
	my ($model) = @_;

	return (replace_company => call('replace_company', $model), forget_company => call('forget_company', $model),
		grant_access => "SELECT reefqbo.grant_access(current_user::text, 'admin')", revoke_access => q{SELECT reefqbo.revoke_access('read_one')},
		register_app => call('register_app', 'sim-production', 'prod-client', 'prod-secret', $Reefqbo::Simulator::REDIRECT_URI));
}

my @TABLES = qw(model branch connection credential schedule upkeep account actual imported_month import_log tie_out_check access app audit authorization_request);

sub everything
{
	return join "\n", map { sql("SELECT '$_', count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM reefqbo.$_ t") } @TABLES;
}

# ---- 1. what an operator of one model does ----

sub test_operator_at_work
{
	my $role = 'op_one';

	is(as($role, "SELECT reefqbo.create_branch('One', 'East') > 0"), 't', 'an operator of one model makes a branch in it');
	is(as($role, "SELECT months FROM reefqbo.import_actuals('One', $MONTH, 'Cash')"), 1, 'an operator of one model imports');
	is(as($role, q{SELECT accounts_seen > 0 FROM reefqbo.import_accounts('One')}), 't', 'the chart of accounts');
	is(as($role, q{SELECT company FROM reefqbo.refresh('One')}), 'Pod 1 Ltd', 'and refreshes');
	is(as($role, q{SELECT revoked FROM reefqbo.disconnect('One')}), 't', 'disconnects');
	is(as($role, completing(signed_in(as($role, call('connect', 'One', 'sim-production')), 'pod-1'))), 'Pod 1 Ltd', 'and connects it again');
	is(as($role, completing(signed_in(as($role, call('reconnect', 'One')), 'pod-1'))), 'Pod 1 Ltd', 'and once more');
	is(sqlstate_as($role, completing(signed_in(as($role, call('connect', 'One', 'sim-production', 'East')), 'pod-3'))), 'none', 'and a branch of it');
	is(sql(q{SELECT DISTINCT acting_role FROM reefqbo.audit WHERE model = 'One' AND action IN ('disconnected', 'reconnected', 'connected') AND done_at > (
	    SELECT max(done_at) FROM reefqbo.audit WHERE action = 'access_granted')}), $role, 'as which it is written down');
	return;
}

sub test_cannot
{
	my ($role, $expected, $name, %deed) = @_;
	my $before = everything();

	$intuit->admin('log_clear');
	foreach my $function (sort keys %deed)
	{
		is(sqlstate_as($role, $deed{$function}), $expected, "$name: $function is refused with $expected");
	}
	is(asked(), '', "$name: Intuit is asked nothing");
	is(everything(), $before, "$name: and nothing has changed");
	return;
}

# But for the name they are the same, so that nobody finds out which models there are.
sub test_hidden_is_like_missing
{
	my %hidden = deeds('Two');
	my %missing = deeds('Nonesuch');

	foreach my $function (sort keys %hidden)
	{
		my ($one, $two) = map { words_of(error_as('op_one', $_)) } $hidden{$function}, $missing{$function};
		is($one, $two, "$function of a model of others is told like that of none");
	}
	return;
}

sub words_of
{
	my ($error) = @_;

	return join("\n", map { $_ // '' } @{$error}{qw(sqlstate message detail hint context location)}) =~ s/"(?:Two|Nonesuch)"/"it"/gr;
}

# What arguments of these names must be for a function to get as far as to the model.
my %ARGUMENT = (environment => 'sim-production', frequency => 'month', statement => 'profit_and_loss', dimension => 'class', start_date => $FIRST,
	end_date => $LAST, month => $FIRST, from_currency => 'EUR', currency => 'USD');
my %ARGUMENT_OF_TYPE = (text => 'x', date => $FIRST, boolean => 'true', integer => '1', numeric => '1', bigint => '1', interval => '1 day',
	'timestamp with time zone' => '2026-11-20');

# Every public function with an argument that is a model: [ function, argument, a call with %s for the model's name ].
sub functions_of_models
{
	my @functions = split /\n/, sql(<<'END');
SELECT p.oid, p.proname, coalesce(array_to_string(p.proargnames[1:p.pronargs], ','), ''), p.pronargs - p.pronargdefaults,
       (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n) FROM unnest(p.proargtypes) WITH ORDINALITY u (t, n))
  FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace AND p.prokind = 'f' AND p.proname !~ '^_' AND p.proargnames && '{model,template_model}'
   AND 'model' = ANY (p.proargnames[1:p.pronargs]) ORDER BY 2, 1
END
	my @calls;

	foreach my $function (@functions)
	{
		my ($oid, $name, $names, $needed, $types) = split /\|/, $function;
		my @names = split /,/, $names;
		my @types = split /,/, $types;
		foreach my $which (grep { /model/ } @names)
		{
			my @arguments = map {
				$names[$_] eq $which ? "$names[$_] => '%s'"
				  : $names[$_] eq 'model' ? "model => 'One'"
				  : $_ < $needed ? "$names[$_] => " . quote($ARGUMENT{ $names[$_] } // $ARGUMENT_OF_TYPE{ $types[$_] }) . "::$types[$_]" : ()
			} 0 .. $#names;
			push @calls, [ $oid, "$name($which)", "SELECT FROM reefqbo.$name(" . join(', ', @arguments) . ')' ];
		}
	}
	return @calls;
}

# The same of everything that takes a model, whatever is added: SQLSTATE, words, context and the line that raised it.
sub test_every_function
{
	my @calls = functions_of_models();

	cmp_ok(scalar @calls, '>', 25, 'there are functions that take a model');
	foreach my $role ('op_one', 'nobody_with_grants')
	{
		foreach my $call (@calls)
		{
			my ($oid, $name, $query) = @$call;
			next if sql("SELECT has_function_privilege('$role', $oid, 'EXECUTE')") ne 't';
			my ($hidden, $missing) = map { error_as($role, sprintf $query, $_) } 'Two', 'Nonesuch';
			is(words_of($hidden), words_of($missing), "$role, $name: a model of others is told like that of none");
			is($hidden->{sqlstate}, $name =~ /^(?:grant_access|revoke_access|forget_company|replace_company|delete_model|rename_model)/ ? $missing->{sqlstate} : '42704', "$role, $name: it does not exist");
		}
	}
	return;
}

# How often it is looked up what a role may, in a call that is refused.
sub questions_of
{
	my ($role, $query) = @_;

	return sql("SET track_functions = 'all'; SET SESSION AUTHORIZATION $role; BEGIN;"
		  . " DO \$\$ BEGIN PERFORM $query; EXCEPTION WHEN undefined_object THEN NULL; END \$\$;"
		  . " SELECT sum(calls) FROM pg_stat_xact_user_functions WHERE funcname = '_has_level'; COMMIT");
}

# The time it takes tells neither: the same is asked of both.
sub test_same_work
{
	foreach my $call (q{reefqbo.set_currency('%s', NULL)}, q{reefqbo.realm_id('%s')}, q{reefqbo.connect('%s', 'sim-production')})
	{
		my ($hidden, $missing) = map { questions_of('op_one', sprintf $call, $_) } 'Two', 'Nonesuch';
		is($missing, $hidden, "$call: as much is asked of a model that is not there as of one of others");
		cmp_ok($missing, '>', 0, "$call: something is");
	}
	return;
}

# Two models on one company: ending the one must not end the other's grant, nor tell of it.
sub test_disconnect_tells_no_others
{
	my @neighbours = map { "Neighbour $_" } 1 .. 3;
	my %note;

	$node->connect_company($_, 'sim-production', 'pod-9') foreach @neighbours;
	make_role('op_neighbour', [ 'operator', $neighbours[0] ]);
	make_role('op_third', [ 'operator', $neighbours[2] ]);
	make_role('op_everywhere', ['operator']);
	$intuit->admin('log_clear');
	is($note{shared} = as('op_neighbour', "SELECT revoked, note FROM reefqbo.disconnect('$neighbours[0]')"), 'f|tokens wiped; Intuit was not asked to revoke the grant',
		'an operator of one model on a shared company is not told of the other');
	is(asked(), '', 'whose grant is not revoked');
	is(sql("SELECT detail FROM reefqbo.audit WHERE action = 'disconnected' AND model = '$neighbours[0]'"),
		'tokens wiped; not revoked at Intuit, since another connection is to the same company', 'an admin finds the reason');
	like(as('op_everywhere', "SELECT note FROM reefqbo.disconnect('$neighbours[1]')"), qr/another connection is to the same company/,
		'who may see all models is told');
	is(as('op_third', "SELECT revoked FROM reefqbo.disconnect('$neighbours[2]')"), 't', 'and the last one is revoked');
	return;
}

# Without the key nobody is asked either, and that is told in the same words.
sub test_disconnect_without_key
{
	my $key = $node->basedir . '/reefqbo.key';

	make_model('Keyless', 'pod-10');
	make_role('op_keyless', [ 'operator', 'Keyless' ]);
	rename $key, "$key.away" or die $!;
	foreach my $function ('import_accounts', 'realm_id', 'refresh')
	{
		my $error = error_as('op_keyless', call($function, 'Keyless'));
		is("$error->{sqlstate} $error->{message}", 'RQ010 could not open reefqbo.key_file: No such file or directory', "$function without the key: the role is told that it is missing");
		unlike(join("\n", map { $_ // '' } values %$error), qr/\Q$key\E|\Q@{[ $node->basedir ]}\E/, "$function without the key: and not where");
	}
	is(as('op_keyless', q{SELECT count(*) FROM reefqbo.import_log l WHERE l::text ~ 'reefqbo\.key$|/reefqbo\.key'}), 0, 'nor does the log of imports tell');
	cmp_ok(scalar(() = slurp_file($node->logfile) =~ /reefqbo\.key_file is "\Q$key\E"/g), '>=', 3, 'the log of the server does, each time');
	is(as('op_keyless', q{SELECT revoked, note FROM reefqbo.disconnect('Keyless')}), 'f|tokens wiped; Intuit was not asked to revoke the grant',
		'disconnect without the key is told like one of a shared company');
	rename "$key.away", $key or die $!;
	return;
}

# A proxy's name is not told, whatever is wrong with it.
sub test_proxy_is_not_told
{
	make_model('Proxied', 'pod-11');
	make_role('op_proxied', [ 'operator', 'Proxied' ]);
	foreach my $proxy ('http://127.0.0.1:1', 'http://proxy.invalid:3128', 'nonsense://proxy.invalid', 'http://user:hidden@127.0.0.1:1')
	{
		my $error = $node->sqlstate_of("SET reefqbo.proxy = '$proxy'; SET reefqbo.retry_budget = 0; SET SESSION AUTHORIZATION op_proxied;\n" . call('import_accounts', 'Proxied'));
		is($error->{sqlstate}, 'RQ011', "$proxy: RQ011");
		like($error->{detail}, qr/by way of reefqbo\.proxy/, "$proxy: the role is told that the proxy is in it");
		unlike(join("\n", map { $_ // '' } values %$error), qr/127\.0\.0\.1|invalid:|proxy\.invalid|3128|hidden/, "$proxy: and not which it is");
	}
	is(sql(q{SELECT count(*) FROM reefqbo.import_log l WHERE l::text ~ '127\.0\.0\.1|proxy\.invalid|hidden'}), 0, 'nor does the log of imports tell');
	my $log = slurp_file($node->logfile);
	like($log, qr/could not reach Intuit through reefqbo\.proxy: .*proxy\.invalid/, 'the log of the server does');
	unlike($log, qr/reach Intuit .*hidden/, 'but no password');
	return;
}

# ---- 2. a sign-in that was begun for another model ----

sub test_foreign_state
{
	my $back = signed_in(sql(call('reconnect', 'Two')), 'pod-2');
	my ($query) = $back =~ /\?(.*)'/;
	my %field = map { split /=/, $_, 2 } split /&/, $query;
	my $unknown = $back =~ s/state=[^&']*/'state=' . '0' x 64/er;
	my $before = everything();

	foreach my $role ('op_one', 'op_one_read_two')
	{
		$intuit->admin('log_clear');
		my ($foreign, $none) = map { error_as($role, completing($_)) } $back, $unknown;
		is($foreign->{sqlstate}, 'RQ009', "$role ends a sign-in of another model: RQ009");
		is_deeply([ @{$foreign}{qw(message detail hint)} ], [ @{$none}{qw(message detail hint)} ], "$role: it is told like an unknown one");
		is(error_as($role, "SELECT reefqbo.complete_connection('$field{state}', '$field{code}', '$field{realmId}')")->{message}, $none->{message}, "$role: in parts as well");
		is(asked(), '', "$role: the code is not sent");
		is(everything(), $before, "$role: nothing has changed");
	}
	is(as('op_two', completing($back)), 'Pod 2 Ltd', 'who may can still end it');
	my ($used, $none) = map { error_as('op_one', completing($_)) } $back, $unknown;
	is($used->{message}, $none->{message}, 'one that was used is told to others like an unknown one, too');
	return;
}

# ---- 3. functions of an application ----

sub test_application
{
	sql('CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; GRANT CREATE ON SCHEMA app TO op_one');
	as('op_one', q{CREATE FUNCTION app.import(model text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT min(company) FROM reefqbo.import_accounts($1) $$});
	as('op_one', q{CREATE FUNCTION app.invoker(model text) RETURNS text LANGUAGE sql AS $$ SELECT min(company) FROM reefqbo.import_accounts($1) $$});
	as('op_one', q{CREATE FUNCTION app.models() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT string_agg(name, ' ') FROM reefqbo.model $$});
	as('op_one', q{CREATE FUNCTION app.end_sign_in(address text) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT company FROM reefqbo.complete_connection($1) $$});
	foreach my $role ('nobody', 'read_one', 'op_two', sql('SELECT quote_ident(current_user)'))
	{
		is(as($role, q{SELECT app.import('One')}), 'Pod 1 Ltd', "$role imports by a function that lends its owner's rights");
		is(sqlstate_as($role, q{SELECT app.import('Two')}), '42704', "$role has no more by it than the owner");
		is(as($role, 'SELECT app.models()'), 'One', "$role sees by it what its owner sees");
	}
	is(sqlstate_as('nobody', q{SELECT app.invoker('One')}), '42501', 'a function that lends nothing lends nothing');
	is(sqlstate_as('op_two', q{SELECT app.invoker('One')}), '42704', 'nor to an operator of another model');
	is(as('op_two', q{SELECT app.invoker('Two')}), 'Pod 2 Ltd', 'who may by himself does');
	my $back = signed_in(sql(call('reconnect', 'Two')), 'pod-2');
	is(sqlstate_as('op_two', "SELECT app.end_sign_in($back)"), 'RQ009', 'a sign-in of a model that the owner has not cannot be ended by it');
	my $own = signed_in(sql(call('reconnect', 'One')), 'pod-1');
	is(as('nobody', "SELECT app.end_sign_in($own)"), 'Pod 1 Ltd', 'one of a model that it has can');
	is(sql(q{SELECT session_role, acting_role FROM reefqbo.audit WHERE action = 'reconnected' AND model = 'One' ORDER BY audit_id DESC LIMIT 1}), 'nobody|op_one',
		'and both roles are written down');
	return;
}

# ---- 4. leaky functions ----

sub relations_of
{
	my ($role) = @_;

	return split /\n/, sql(<<"END");
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'model_id'
 WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND has_table_privilege('$role', c.oid, 'SELECT') ORDER BY 1
END
}

sub make_leak
{
	sql(q{CREATE FUNCTION public.leak(id bigint, what text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw % %', id, what; RETURN true; END $$});
	sql(q{CREATE FUNCTION public.leak_op(bigint, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'saw % %', $1, $2; RETURN true; END $$;
	      CREATE OPERATOR public.<<< (LEFTARG = bigint, RIGHTARG = text, FUNCTION = public.leak_op)});
	return;
}

# The ids of models that a leaky condition is shown.
sub seen_by_leak
{
	my ($role, $relation, $condition) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', "SET SESSION AUTHORIZATION $role; SELECT FROM reefqbo.$relation t WHERE $condition");
	my %seen = map { $_ => 1 } $stderr =~ /saw (\d+)/g;

	die $stderr if $status != 0;
	return join ' ', sort keys %seen;
}

sub test_leaks
{
	my ($role, $model) = @_;
	my @relations = relations_of($role);
	my ($own, $other) = ($model_id{$model}, $model_id{ $model eq 'One' ? 'Two' : 'One' });

	cmp_ok(scalar(@relations), '>=', 9, "$role: there are relations to look into");
	foreach my $relation (@relations)
	{
		my $rows = sql("SELECT count(*) FROM reefqbo.$relation WHERE model_id = $other");
		my $visible = as($role, "SELECT count(*) FROM reefqbo.$relation WHERE model_id = $own") > 0 ? $own : '';
		is(seen_by_leak($role, $relation, 'public.leak(t.model_id, t::text)'), $visible, "$role, $relation ($rows rows of others): a leaky function sees no others");
		is(seen_by_leak($role, $relation, 't.model_id OPERATOR(public.<<<) t::text'), $visible, "$role, $relation: nor does a leaky operator");
		is(sqlstate_as($role, "SELECT FROM reefqbo.$relation t WHERE 1 / (t.model_id - $other) < 2"), 'none', "$role, $relation: nor an error of division");
	}
	sql('ANALYZE reefqbo._actual_year; ANALYZE reefqbo.model');
	cmp_ok(sql(q{SELECT count(*) FROM pg_stats WHERE schemaname = 'reefqbo' AND tablename IN ('_actual_year', 'model')}), '>', 0, 'there are statistics of what is in the tables');
	is(as($role, q{SELECT count(*) FROM pg_stats WHERE schemaname = 'reefqbo'}), 0, "$role: statistics do not show it either");
	return;
}

# ---- 5. row_security = off ----

sub test_row_security_off
{
	my ($role, $model) = @_;

	foreach my $relation (relations_of($role))
	{
		my $error = error_as($role, "SET row_security = off; SELECT FROM reefqbo.$relation");
		next if is_table_with_error($relation, $error, $role);
		my $ids = as($role, "SET row_security = off; SELECT DISTINCT model_id FROM reefqbo.$relation");
		like($ids, qr/^(?:$model_id{$model})?$/, "$role, $relation with row_security = off: no more rows");
	}
	my $error = error_as($role, "SET row_security = off; SELECT reefqbo.profit_and_loss('Two', $MONTH)");
	is($error->{sqlstate}, '42704', "$role with row_security = off: functions are no wider either");
	return;
}

sub is_table_with_error
{
	my ($relation, $error, $role) = @_;

	return 0 if $error->{sqlstate} eq 'none';
	is($error->{sqlstate}, '42501', "$role, $relation with row_security = off: an error");
	return 1;
}

# ---- 6. cached plans ----

# The same statement of one session, executed by each role in turn, often enough for a plan to be kept.
sub in_turn
{
	my ($prepare, $execute, @roles) = @_;
	my $out = sql(join ";\n", $prepare, map { my $role = $_; ("SET ROLE $role", ("SELECT 'as $role', ($execute)") x 2) } (@roles) x 4);
	my %seen;

	$seen{ (split /\|/)[0] =~ s/as //r }{ (split /\|/, $_, 2)[1] // '' } = 1 foreach split /\n/, $out;
	return { map { $_ => join ' and ', sort keys %{ $seen{$_} } } keys %seen };
}

sub test_cached_plans
{
	my @roles = ('read_one', 'op_two', 'read_all', 'op_one_read_two', 'nobody_with_grants');
	my %expected = (read_one => $model_id{One}, op_two => $model_id{Two}, op_one_read_two => "$model_id{One} $model_id{Two}", nobody_with_grants => '',
		read_all => sql(q{SELECT string_agg(DISTINCT model_id::text, ' ') FROM reefqbo.actual}));

	foreach my $relation ('actual', 'account', 'connection_status', 'upkeep_status')
	{
		foreach my $mode ('auto', 'force_generic_plan', 'force_custom_plan')
		{
			my $query = "SELECT string_agg(DISTINCT model_id::text, ' ') FROM reefqbo.$relation";
			my $function = "CREATE FUNCTION pg_temp.ids() RETURNS text LANGUAGE plpgsql AS \$\$ DECLARE ids text; BEGIN $query INTO ids; RETURN ids; END \$\$;"
			  . q{ SELECT format('GRANT USAGE ON SCHEMA %I TO PUBLIC', nspname) FROM pg_namespace WHERE oid = pg_my_temp_schema() \gexec} . "\n";
			is_deeply(in_turn("SET plan_cache_mode = $mode; $function SELECT 1 WHERE false", 'SELECT pg_temp.ids()', @roles), \%expected,
				"$relation, $mode: a function of PL/pgSQL shows each role its own rows");
			my $out = sql(join ";\n", "SET plan_cache_mode = $mode", "PREPARE q AS SELECT current_user, string_agg(DISTINCT model_id::text, ' ') FROM reefqbo.$relation",
				map { ("SET ROLE $_", ('EXECUTE q') x 2) } (@roles) x 4);
			my %seen = map { $_ => 1 } split /\n/, $out;
			is(join("\n", sort keys %seen), join("\n", sort map { "$_|$expected{$_}" } @roles), "$relation, $mode: so does a prepared statement");
		}
	}
	return;
}

# A definer function remembers whom it has checked, and lets nobody else in for that.
sub test_cached_calls
{
	my $call = 'PREPARE q AS SELECT count(*) > 0 FROM reefqbo.profit_and_loss(' . "'One', $MONTH)";
	my $function = q{CREATE FUNCTION public.add(model text, branch text) RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE id bigint; BEGIN id := reefqbo.create_branch(model, branch); RETURN id > 0; END $$};

	is(error_after("BEGIN; $call; SET ROLE read_one; EXECUTE q; SET ROLE op_two; EXECUTE q"), '42704', 'a prepared call of a function does not let the next role in');
	is(error_after("BEGIN; $call; SET ROLE read_one; EXECUTE q; SET ROLE nobody_with_grants; EXECUTE q"), '42704', 'nor one that was granted by hand');
	sql($function);
	is(error_after(q{BEGIN; SET ROLE op_one; SELECT public.add('One', 'a'), public.add('One', 'b'); SET ROLE op_two; SELECT public.add('One', 'c')}), '42704',
		'nor does an expression that PL/pgSQL keeps');
	is(error_after(q{BEGIN; SET ROLE op_one; SELECT public.add(m, 'x') FROM (VALUES ('One'), ('Two')) AS v (m)}), '42704', 'nor one row the next');
	is(error_after(q{BEGIN; SET ROLE op_one; SELECT public.add('One', 'd'); RESET ROLE; SELECT reefqbo.revoke_access('op_one'); SET ROLE op_one; SELECT public.add('One', 'e')}) =~ /^42/ ? 'refused' : 'let in',
		'refused', 'and who has lost access in the meantime has lost it');
	return;
}

sub error_after
{
	my ($script) = @_;
	my $error = $node->sqlstate_of($script);

	return $error ? $error->{sqlstate} : 'none';
}

# ---- 7. many models ----

my $MANY = 300;

sub make_many_models
{
	sql(<<"END");
WITH m AS (INSERT INTO reefqbo.model (name) SELECT 'Many ' || i FROM generate_series(1, $MANY) i RETURNING model_id, name),
b AS (INSERT INTO reefqbo.branch (model_id, name) SELECT model_id, name FROM m RETURNING model_id, branch_id),
s AS (INSERT INTO reefqbo.schedule (model_id) SELECT model_id FROM m)
INSERT INTO reefqbo.connection (model_id, branch_id, environment_id, status, realm_id_sealed, realm_digest, company_name)
SELECT model_id, branch_id, 1, 'disconnected', '\\x00', '\\x00', 'Many' FROM b;
INSERT INTO reefqbo.account (model_id, connection_id, account_id, name, fully_qualified_name)
SELECT model_id, connection_id, a, 'A' || a, 'A' || a FROM reefqbo.connection, generate_series(1, 10) a WHERE company_name = 'Many';
INSERT INTO reefqbo._actual_year (model_id, connection_id, account_id, statement, accounting_method, year, amounts, import_id)
SELECT c.model_id, connection_id, account_id, 'profit_and_loss', 'Accrual', year, array_fill(1::numeric, ARRAY[12]), 1
  FROM reefqbo.connection c JOIN reefqbo.account USING (model_id, connection_id), generate_series(2024, 2025) year
 WHERE company_name = 'Many';
ANALYZE;
END
	return;
}

sub plan_of
{
	my ($role, $query) = @_;

	return as($role, "EXPLAIN (COSTS OFF) $query");
}

sub test_plans
{
	my $own = sql('SELECT quote_ident(current_user)');
	my $sum = 'SELECT sum(amount) FROM reefqbo.actual';

	make_many_models();
	cmp_ok(sql('SELECT count(*) FROM reefqbo.actual'), '>', 70000, 'many models: there are rows to read');
	foreach my $query ($sum, "$sum WHERE period_start = '2025-03-01'", 'SELECT count(*) FROM reefqbo.account')
	{
		my $plan = plan_of('read_one', $query);
		like($plan, qr/Index (?:Only )?Scan[^\n]* on (?:_actual_year|account|\w+_pkey).*Index Cond:[^\n]*model_id = ANY/s, "many models: a role of one model reads by an index: $query");
		unlike($plan, qr/Seq Scan on (?:_actual_year|account)\b/, "many models: and no table from end to end: $query");
		unlike(as('read_one', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query"), qr/ on model m\w* \(actual rows=[1-9]/,
			"many models: nor goes through the models of others: $query");
		my ($scan) = plan_of($own, $query) =~ /^\s*->\s+(\w[^\n]*) on (?:_actual_year y|account)$/m;
		like(plan_of('read_all', $query), qr/^\s*->\s+\Q$scan\E on (?:_actual_year y|account)$/m, "many models: a role of all models reads as the owner does: $query");
		my $ran = as('read_all', "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query");
		like($ran, qr/ on model m\w* \(never executed\)/, "many models: and no list of the models is made: $query");
		unlike($ran, qr/ on model m\w* \(actual/, "many models: none at all: $query");
	}
	is(as('read_one', 'SELECT DISTINCT model_id FROM reefqbo.actual'), $model_id{One}, 'many models: and sees its own');
	is(as('read_all', 'SELECT count(DISTINCT model_id) FROM reefqbo.actual'), $MANY + 2, 'many models: or all');
	return;
}

# ---- 8. hostile sessions ----

# Who may write to all data there is, and may read or work on a model here, writes to no table that its level does not:
# rows of ours are done with the owner's rights.
sub test_writers_of_all_data
{
	my @tables = split /\n/, sql(q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'r' ORDER BY 1});
	my %written = map { $_ => 1 } split /\n/, sql(q{SELECT oid::regclass FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace AND relkind = 'r'
		AND (has_any_column_privilege('reefqbo_operator', oid, 'INSERT, UPDATE') OR has_table_privilege('reefqbo_operator', oid, 'DELETE'))});

	sql('CREATE ROLE writer LOGIN; GRANT pg_write_all_data, pg_read_all_data TO writer');
	foreach my $level ('reader', 'operator')
	{
		sql(call('grant_access', 'writer', $level, 'One'));
		foreach my $table (grep { $level eq 'reader' || !$written{$_} } @tables)
		{
			is(sqlstate_as('writer', "INSERT INTO $table DEFAULT VALUES"), '42501', "$table: a $level who may write to all data inserts nothing");
			is(as('writer', "WITH gone AS (DELETE FROM $table RETURNING 1) SELECT count(*) FROM gone"), 0, "$table: and removes nothing");
		}
	}
	is(as('writer', q{WITH changed AS (UPDATE reefqbo.environment SET token_url = 'https://evil.example/' RETURNING 1) SELECT count(*) FROM changed}), 0,
		'nor turns tokens elsewhere');
	sql(call('revoke_access', 'writer') . '; REVOKE pg_write_all_data, pg_read_all_data FROM writer; DROP ROLE writer');
	return;
}

sub test_hostile_sessions
{
	my $hostile = hostile('evil');
	my $figures = "SELECT account_id, kind, amount FROM reefqbo.profit_and_loss('Two', $MONTH)";
	my $clean = as('op_two', $figures);

	lay_traps($node, 'evil');
	sql($hostile . q{SELECT 'a'::text = 'b'::text});
	is(was_called($node, 'evil'), 't', 'a hostile session falls into its own traps');
	clear_traps($node, 'evil');
	is(as('op_two', $hostile . $figures), $clean, 'hostile: profit_and_loss is what it is to anybody');
	is(as('op_two', "${hostile}SELECT reefqbo.balance_sheet('Two', $MONTH)"), as('op_two', "SELECT reefqbo.balance_sheet('Two', $MONTH)"), 'hostile: and balance_sheet');
	like(as('op_two', "${hostile}SELECT reefqbo.create_branch('Two', 'West')"), qr/^\d+$/, 'hostile: create_branch makes one');
	is(sql(q{SELECT count(*) FROM reefqbo.branch WHERE name = 'West'}), 1, 'hostile: in the table it belongs into');
	like(as('op_two', "${hostile}SELECT reefqbo.set_schedule('Two', refresh_every => '4 hours', time_zone => 'Europe/Berlin')"), qr/04:00:00.*Europe\/Berlin/, 'hostile: set_schedule sets');
	is(sqlstate_as('op_two', "${hostile}SELECT reefqbo.create_branch('One', 'West')"), '42704', 'hostile: a model of others stays one');
	is(as('op_two', "${hostile}SELECT model_id FROM reefqbo.model"), $model_id{Two}, 'hostile: tables show what they show');
	is(as('op_two', "${hostile}SELECT model FROM reefqbo.connection_status"), 'Two', 'hostile: and views');
	is(as('op_two', "${hostile}SELECT revoked FROM reefqbo.disconnect('Two')"), 't', 'hostile: disconnect ends a connection');
	is(as('op_two', $hostile . completing(signed_in(as('op_two', $hostile . call('connect', 'Two', 'sim-production')), 'pod-2'))), 'Pod 2 Ltd', 'hostile: and connect begins one');
	is(as('the_admin', "${hostile}SELECT reefqbo.grant_access('nobody', 'reader', 'Two')"), '', 'hostile: grant_access grants');
	is(sql(q{SELECT level, granted_by FROM reefqbo.access WHERE grantee = 'nobody'::regrole}), 'reader|the_admin', 'hostile: what was asked for, by who it was');
	is(as('nobody', 'SELECT name FROM reefqbo.model'), 'Two', 'hostile: the role sees it');
	is(as('the_admin', "${hostile}SELECT reefqbo.revoke_access('nobody')"), '', 'hostile: revoke_access takes it away');
	is(sqlstate_as('nobody', 'SELECT name FROM reefqbo.model'), '42501', 'hostile: all of it');
	like(as('the_admin', "${hostile}SELECT reefqbo.create_model('Hostile')"), qr/^\d+$/, 'hostile: create_model makes one');
	is(sqlstate_as('op_two', "${hostile}SELECT reefqbo.grant_access('op_two', 'admin')"), '42501', 'hostile: nobody becomes an admin by it');
	like(as('the_admin', $hostile . call('replace_company', 'Two')), qr/^https:/, 'hostile: replace_company begins');
	like(as('the_admin', "${hostile}SELECT amounts > 0 FROM reefqbo.forget_company('Two')"), qr/^t$/, 'hostile: forget_company removes');
	is(was_called($node, 'evil'), 'f', 'hostile: nothing of anybody else was called in all of this');
	return;
}

# Names are names, whatever is in them. From PostgreSQL 19 on the server allows no line's end in one.
sub test_odd_role_names
{
	my @names = ('Mixed Case', 'semi;colon', 'quo"te', "apo'strophe", 'per%I cent', 'reader TO PUBLIC', "tab\tstop");

	push @names, "new\nline" if sql('SHOW server_version_num') < 190000;
	foreach my $role (@names)
	{
		my $quoted = sql('SELECT quote_ident(' . quote($role) . ')');
		sql("CREATE ROLE $quoted LOGIN");
		sql(call('grant_access', $role, 'operator', 'One'));
		is(as($quoted, 'SELECT name FROM reefqbo.model'), 'One', "role $quoted: has what it was given");
		is(sql('SELECT rolname FROM reefqbo.access a JOIN pg_roles r ON r.oid = a.grantee WHERE rolname = ' . quote($role)), $role, "role $quoted: under its name");
		sql(call('grant_access', $role, 'reader'));
		sql(call('revoke_access', $role));
		is(sqlstate_as($quoted, 'SELECT name FROM reefqbo.model'), '42501', "role $quoted: and nothing when that is taken away");
		sql("DROP ROLE $quoted");
	}
	is(sql(q{SELECT count(*) FROM pg_class c, aclexplode(c.relacl) x WHERE c.relnamespace = 'reefqbo'::regnamespace AND x.grantee = 0 AND c.relname NOT IN ('_my_access', '_my_model', '_my_watch', '_my_work')}), 0,
		'PUBLIC has nothing but what policies ask');
	return;
}

# ---- 9. giving access while others work ----

# Rows are written, and no table is changed: who reads is not waited for, and nobody waits behind who gives.
sub test_giving_waits_for_nobody
{
	my $reader = $node->background_psql('postgres', on_error_die => 1);

	sql('CREATE ROLE late_reader LOGIN; CREATE ROLE late_all LOGIN');
	$reader->query_safe('BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; '
		. join('; ', map { "SELECT count(*) FROM reefqbo.$_" } @TABLES, qw(api_call connection_status mapping elimination exchange_rate)));
	is(sqlstate_with_timeout(call('grant_access', 'late_reader', 'reader', 'One')), 'none', 'access to a model is given while somebody has read every table');
	is(sqlstate_with_timeout(call('grant_access', 'late_all', 'operator')), 'none', 'and to all models');
	is(sqlstate_with_timeout(call('revoke_access', 'late_all')), 'none', 'and taken away');
	is(as('late_reader', 'SELECT name FROM reefqbo.model'), 'One', 'it is there at once');
	$reader->query_safe('COMMIT');

	my $giver = $node->background_psql('postgres', on_error_die => 1);
	$giver->query_safe('BEGIN; ' . call('grant_access', 'late_all', 'operator') . '; ' . call('revoke_access', 'late_reader'));
	is(sql(q{SELECT count(DISTINCT mode) FROM pg_locks WHERE mode IN ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock')
	    AND relation IN (SELECT oid FROM pg_class WHERE relnamespace = 'reefqbo'::regnamespace)}), 0, 'who gives access has no lock on a table that keeps others out');
	is(sqlstate_with_timeout(q{SET SESSION AUTHORIZATION op_one; SELECT reefqbo.create_branch('One', 'Meanwhile')}), 'none', 'others go on while it is given');
	$giver->query_safe('ROLLBACK');
	is(as('late_reader', 'SELECT name FROM reefqbo.model'), 'One', 'and what was rolled back has not happened');
	$_->quit foreach $reader, $giver;
	return;
}

sub sqlstate_with_timeout
{
	my ($query) = @_;

	return error_after("SET lock_timeout = '10s'; $query");
}

# ---- 10. another database, a copy without rows, a role with another name ----

sub test_other_database
{
	$node->safe_psql('postgres', 'CREATE DATABASE elsewhere');
	my $there = sub { return $node->safe_psql('elsewhere', $_[0]) };

	$there->(q{SET client_min_messages = warning; CREATE EXTENSION reefqbo CASCADE; SELECT reefqbo.create_model('One')});
	sql('CREATE ROLE in_both LOGIN; CREATE ROLE only_here LOGIN');
	sql(call('grant_access', @$_)) foreach [ 'in_both', 'operator' ], [ 'only_here', 'admin' ];
	$there->(call('grant_access', 'in_both', 'reader'));
	foreach my $role (qw(only_here op_one read_all))
	{
		is($there->("SET SESSION AUTHORIZATION $role; SELECT (SELECT count(*) FROM reefqbo.model) + (SELECT count(*) FROM reefqbo.connection_status)"), 0, "$role has nothing in another database");
	}
	is($there->('SET SESSION AUTHORIZATION only_here; SELECT (SELECT count(*) FROM reefqbo.access) + (SELECT count(*) FROM reefqbo.audit) + (SELECT count(*) FROM reefqbo.environment)
	    + (SELECT count(environment_id) FROM reefqbo.app)'), 0, 'nor is an admin one there');
	like(($node->psql('elsewhere', q{SET SESSION AUTHORIZATION only_here; SELECT reefqbo.grant_access('only_here', 'admin')}))[2], qr/permission denied/, 'or can become one');
	is($there->(q{SET SESSION AUTHORIZATION in_both; SELECT name FROM reefqbo.model}), 'One', 'who has access in both has it there');
	sql(call('revoke_access', 'in_both'));
	is($there->(q{SET SESSION AUTHORIZATION in_both; SELECT name FROM reefqbo.model}), 'One', 'and keeps it when it is taken away here');
	is(as('in_both', 'SELECT count(*) FROM reefqbo.model'), 0, 'where it has none any more');
	$node->safe_psql('postgres', 'DROP DATABASE elsewhere');
	return;
}

# The privileges are in what CREATE EXTENSION makes, the rows are not: nobody sees anything until the rows are there.
sub test_schema_only_copy
{
	sql('CREATE DATABASE copy');
	my $dump = $node->basedir . '/schema.sql';
	command_ok([ 'pg_dump', '--schema-only', '-f', $dump, $node->connstr('postgres') ], 'a dump of the schema alone');
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'is restored');
	# its rows might still come
	$node->safe_psql('copy', call('finish_restore', \'true'));
	$node->safe_psql('copy', q{SELECT reefqbo.create_model('Copied')});
	foreach my $role (qw(read_one op_one read_all the_admin nobody_with_grants))
	{
		is($node->safe_psql('copy', "SET SESSION AUTHORIZATION $role; SELECT count(*) FROM reefqbo.model"), 0, "$role sees nothing in it");
	}
	is($node->safe_psql('copy', q{SELECT status FROM reefqbo.check() WHERE item = 'access' AND subject = 'nobody_with_grants'}), 'note', 'and check() says who was granted something by hand');
	is($node->safe_psql('copy', call('grant_access', 'read_one', 'reader', 'Copied') . '; SET SESSION AUTHORIZATION read_one; SELECT name FROM reefqbo.model'), "\nCopied", 'until it is given access there');
	sql('DROP DATABASE copy');
	return;
}

# A dump has roles by name, and those that are gone not at all: their number could be somebody's where it is restored.
sub test_roles_in_a_dump
{
	sql('CREATE ROLE gone LOGIN; CREATE ROLE renamed LOGIN');
	sql(call('grant_access', $_, 'reader', 'One')) foreach qw(gone renamed);
	sql('ALTER ROLE renamed RENAME TO named_anew; DROP ROLE gone');
	sql('CREATE DATABASE copy');
	my $dump = $node->basedir . '/data.sql';
	command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump');
	is(scalar(grep { /\treader\t/ && !/^\d+\t[a-z]/ } split /\n/, slurp_file($dump)), 0, 'it has no role by number');
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('copy') ], 'is restored');
	is($node->safe_psql('copy', 'SET SESSION AUTHORIZATION named_anew; SELECT name FROM reefqbo.model'), 'One', 'with the access of a role that was renamed');
	is($node->safe_psql('copy', 'SELECT count(*) FROM reefqbo.access WHERE grantee::text ~ \'^\d+$\''), 0, 'and none of roles that are gone');
	sql('REVOKE reefqbo_reader FROM named_anew');
	is($node->safe_psql('copy', q{SELECT status FROM reefqbo.check() WHERE item = 'access' AND subject = 'named_anew'}), 'warning', 'check() tells of one that is not in its group');
	$node->safe_psql('copy', q{SELECT reefqbo.grant_access(r.rolname, a.level, m.name, a.scoped) FROM reefqbo.access a JOIN pg_roles r ON r.oid = a.grantee LEFT JOIN reefqbo.model m USING (model_id)});
	is($node->safe_psql('copy', q{SELECT count(*) FROM reefqbo.check() WHERE item = 'access' AND status = 'warning'}), 0, 'and what it advises mends it');
	sql('DROP DATABASE copy');
	return;
}

# ---- 11. the worker ----

sub test_worker
{
	my $there = reefqbo_cluster('worker', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\n");

	align_clock($there);
	$there->connect_company('One', 'sim-production', 'pod-11');
	$there->safe_psql('postgres', 'CREATE ROLE op_one LOGIN; CREATE ROLE read_all LOGIN;' . join ';', call('grant_access', 'op_one', 'operator', 'One'), call('grant_access', 'read_all', 'reader'));
	$there->safe_psql('postgres', q{SET SESSION AUTHORIZATION op_one; SELECT FROM reefqbo.import_actuals('One', '2026-10-01', '2026-11-30')});
	wait_until_idle($there);
	is(stored_lines($there, 'One'), ledger_lines($intuit, 'pod-11', '2026-10-01', '2026-11-30'), 'with row-level security in force an import of a job has every figure');
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => 'pod-11' })->{accounts} };
	$intuit->admin('post', { company => 'pod-11', date => '2026-11-03',
		lines => [ { account => $id{Expense}, amount => '31.41' }, { account => $id{Bank}, amount => '-31.41' } ] });
	isnt(stored_lines($there, 'One'), ledger_lines($intuit, 'pod-11', '2026-10-01', '2026-11-30'), 'the books have changed');
	pass_time($there, '7 hours');
	is(stored_lines($there, 'One'), ledger_lines($intuit, 'pod-11', '2026-10-01', '2026-11-30'), 'and so has one of the worker');
	is($there->safe_psql('postgres', q{SET SESSION AUTHORIZATION op_one; SELECT started_by FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1}), 'reefqbo worker', 'by itself');
	$there->stop;
	return;
}

# ---- the run ----

make_model('One', 'pod-1');
make_model('Two', 'pod-2');
make_role('op_one', [ 'operator', 'One' ]);
make_role('op_two', [ 'operator', 'Two' ]);
make_role('op_one_read_two', [ 'operator', 'One' ], [ 'reader', 'Two' ]);
make_role('read_one', [ 'reader', 'One' ]);
make_role('read_all', ['reader']);
make_role('the_admin', ['admin']);
make_role('nobody');
make_role('nobody_with_grants');
sql('GRANT USAGE ON SCHEMA reefqbo TO nobody_with_grants; GRANT SELECT ON ALL TABLES IN SCHEMA reefqbo TO nobody_with_grants;'
	. ' GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA reefqbo TO nobody_with_grants');

test_operator_at_work();
test_cannot('op_one', '42704', 'an operator of another model', deeds('Two'));
test_cannot('op_one_read_two', '42501', 'an operator of another model who reads this one', deeds('Two'));
test_cannot('op_one', '42501', 'an operator at what is an admin\'s', admins_deeds('One'), create_model => q{SELECT reefqbo.create_model('Mine')});
test_cannot('read_one', '42501', 'a reader', deeds('One'), admins_deeds('One'), create_model => q{SELECT reefqbo.create_model('Mine')},
	complete_connection => q{SELECT reefqbo.complete_connection('https://app.example.com/?state=a&code=b&realmId=1')});
test_cannot('nobody', '42501', 'a role without access', deeds('One'), admins_deeds('One'));
test_cannot('nobody_with_grants', '42704', 'a role that was granted everything by hand, and no access', deeds('One'));
test_hidden_is_like_missing();
test_every_function();
test_same_work();
test_foreign_state();
test_application();
make_leak();
test_leaks('read_one', 'One');
test_leaks('op_two', 'Two');
test_row_security_off('read_one', 'One');
test_row_security_off('op_one', 'One');
test_cached_plans();
test_cached_calls();
test_odd_role_names();
test_plans();
test_writers_of_all_data();
test_hostile_sessions();
test_giving_waits_for_nobody();
test_other_database();
test_schema_only_copy();
test_roles_in_a_dump();
# these make models of their own
test_disconnect_tells_no_others();
test_disconnect_without_key();
test_proxy_is_not_told();
$node->stop;
test_worker();

done_testing();
