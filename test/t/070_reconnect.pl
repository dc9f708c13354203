# What a DBA does with connections once there are figures behind them: renews a grant, puts another company in the
# place of one, ends a connection, removes a company, starts over with a new key. What was imported stays unless
# it was to go; a grant that works is not given up for one that might not; and all of it is written down.
#
# What was asked, and which tokens live, is the simulator's to say. It gives no grace: a token that was replaced
# is dead, so that a token lost is a grant lost.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Session;
use Reefqbo::Simulator;
use Reefqbo::Worker qw(align_clock wait_until_idle);

my ($FIRST, $LAST) = ('2026-08-01', '2026-09-30');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('dba', $intuit, settings => <<'END');
reefqbo.retry_budget = 0
reefqbo.request_timeout = '3s'
restart_after_crash = on
END
my $KEY_FILE = $node->basedir . '/reefqbo.key';

# ---- asking the server ----

# What psql tells beside the result.
sub told
{
	my ($query) = @_;
	my ($status, undef, $stderr) = $node->psql('postgres', $query);

	die "$query: $stderr" if $status != 0;
	return $stderr;
}

# What is stored of a model's one connection.
sub of
{
	my ($model, $columns) = @_;

	return sql("SELECT $columns FROM reefqbo.connection c JOIN reefqbo.model m USING (model_id)"
		. ' LEFT JOIN reefqbo.credential t USING (model_id, connection_id) WHERE m.name = ' . quote($model));
}

sub connection_id { return of($_[0], 'c.connection_id') }

# ---- what is stored ----

my @IMPORTED = qw(account actual imported_month restatement import_log);
my @STORED = (@IMPORTED, qw(connection credential schedule upkeep branch model));

sub number { return sql("SELECT count(*) FROM reefqbo.$_[0]") }

# All of the tables, or only the rows of a condition, by their digests.
sub snapshot
{
	my ($condition, @tables) = @_;

	return join "\n", map { "$_ " . sql("SELECT count(*), md5(coalesce(string_agg(t::text, ';' ORDER BY t::text), '')) FROM reefqbo.$_ t WHERE $condition") }
	  @tables;
}

sub everything { return snapshot('true', @STORED) }

# What was imported of a model's company, and its schedule.
sub imported
{
	my ($model) = @_;
	my $condition = 'connection_id = ' . (connection_id($model) || 0);

	return snapshot($condition, @IMPORTED) . "\n" . snapshot('model_id = (SELECT model_id FROM reefqbo.model WHERE name = ' . quote($model) . ')', 'schedule');
}

# Every table that has rows of connections, but the evidence, which outlives them.
sub tables_of_connections
{
	return split /\n/, sql(<<'END');
SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'connection_id'
 WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('audit', 'api_call') ORDER BY 1
END
}

sub rows_of
{
	my ($id) = @_;

	return join ' ', grep { number("$_ WHERE connection_id = $id") > 0 } tables_of_connections();
}

# ---- asking the simulator ----

sub requests
{
	my ($company) = @_;

	return grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log', { defined $company ? (company => $company) : () })->{log} };
}

sub asked { return join ' ', map { $_->{endpoint} } requests(@_) }

sub statuses
{
	my ($company, $endpoint) = @_;

	return join ' ', map { $_->{status} } grep { $_->{endpoint} eq $endpoint } requests($company);
}

sub living { return scalar @{ $intuit->admin('tokens', { company => $_[0] })->{living_refresh} } }

sub misbehave
{
	my ($company, $endpoint, $kind, %fault) = @_;

	$intuit->admin('fault', { kind => $kind, defined $company ? (company => $company) : (), endpoint => $endpoint, %fault });
	return;
}

sub name_of
{
	my ($company) = @_;

	return $company =~ s/\Apod-(\d+)\z/Pod $1 Ltd/r;
}

# ---- steps ----

my $pods = 0;
my @companies;

sub new_company
{
	push @companies, 'pod-' . ++$pods;
	return $companies[-1];
}

sub import_range { return call('import_actuals', $_[0], $FIRST, $LAST) }

# A correction in a month that was imported.
sub restate
{
	my ($model, $company) = @_;
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	$intuit->admin('post', { company => $company, date => '2026-08-15',
		lines => [ { account => $id{Expense}, amount => '123.45' }, { account => $id{Bank}, amount => '-123.45' } ] });
	sql(import_range($model));
	return;
}

# A model on a company of its own, with figures, a restatement and a schedule like no other.
sub company_with_figures
{
	my ($model, $environment) = @_;
	my $company = new_company();

	$node->connect_company($model, $environment // 'sim-production', $company);
	sql(import_range($model));
	restate($model, $company);
	sql("SELECT FROM reefqbo.set_schedule('$model', refresh_every => '5 hours', reread_months => 7)");
	return $company;
}

sub signed_in
{
	my ($address, $company, %choice) = @_;

	return quote($intuit->browse($address, company => $company, %choice));
}

sub reconnecting { return call('reconnect', @_) }

sub replacing { return call('replace_company', @_) }

# A sign-in whose first half is a query: the address that the browser comes back to.
sub back_of
{
	my ($query, $company, %choice) = @_;

	return signed_in(sql($query), $company, %choice);
}

sub completing { return "SELECT company FROM reefqbo.complete_connection($_[0])" }

sub state_of
{
	my ($address) = @_;

	return ($address =~ /[?&]state=([0-9a-f]+)/)[0];
}

sub consent { return $intuit->admin('consent', { companies => [ $_[0] ] })->{consents}[0] }

sub refused
{
	my ($query, $expected, $message, $hint, $name) = @_;
	my $error = $node->sqlstate_of($query) // { sqlstate => 'none', message => '', hint => '' };

	is($error->{sqlstate}, $expected, "$name: $expected");
	like($error->{message}, $message, "$name: the message says what was wrong");
	like($error->{hint} // '', $hint, "$name: the hint says what to do next");
	return $error;
}

# What is stored works as it is, and its refresh token at the first try.
sub grant_works
{
	my ($model, $company, $name) = @_;

	$intuit->admin('clear_faults');
	is(sqlstate(call('import_accounts', $model)), 'none', "$name: an import works");
	$intuit->admin('expire_access', { company => $company });
	$intuit->admin('log_clear');
	is(sqlstate(call('import_accounts', $model)), 'none', "$name: and one an hour later");
	is(statuses($company, 'token'), '200', "$name: with the refresh token that is stored, at the first try");
	return;
}

sub has_figures_of
{
	my ($model, $company, $name) = @_;
	my $expected = ledger_lines($intuit, $company, $FIRST, $LAST);

	die "the ledger of $company is empty" unless length $expected > 300;
	is(stored_lines($node, $model), $expected, "$name: every figure is the ledger's");
	return;
}

# ---- 1. beginning a sign-in when everything else is broken ----

sub test_begins_whatever_is_broken
{
	my ($model, $company) = ('Broken', company_with_figures('Broken'));
	my $name = 'a reconnect while QuickBooks is mute and the key file is gone';
	my $before = everything();

	misbehave($company, 'any', 'mute', times => -1);
	rename $KEY_FILE, "$KEY_FILE.away" or die "could not rename $KEY_FILE: $!";
	$intuit->admin('log_clear');
	my @address = map { sql($_) } reconnecting($model), call('connect', $model, 'sim-production'), replacing($model);
	is(scalar(grep { /^\Q@{[ $intuit->authorize_url ]}\E\?/ } @address), 3, "$name: reconnect, connect and replace_company return an address");
	is(asked(), '', "$name: Intuit is asked nothing");
	is(everything(), $before, "$name: nothing has changed");

	my $back = signed_in($address[0], $company);
	$intuit->admin('log_clear');
	refused(completing($back), 'RQ010', qr/key/, qr/./, "$name: the second half needs the key");
	is(asked(), '', "$name: and does not send the code without it");
	rename "$KEY_FILE.away", $KEY_FILE or die "could not rename $KEY_FILE.away: $!";
	$intuit->admin('clear_faults');
	is(sql(completing($back)), name_of($company), "$name: with the key the same address can be passed on again");
	grant_works($model, $company, $name);
	return;
}

# ---- 2. the same company, and another ----

sub test_same_company
{
	my ($model, $company) = ('Same', company_with_figures('Same'));

	cmp_ok(number('restatement WHERE connection_id = ' . connection_id($model)), '>', 0, 'there is a restatement to lose');
	foreach my $begin (reconnecting($model), call('connect', $model, 'sim-production'))
	{
		my ($name) = $begin =~ /reefqbo\.(\w+)/;
		my ($id, $kept, $generation) = (connection_id($model), imported($model), of($model, 't.generation'));
		my $back = back_of($begin, $company);
		$intuit->admin('log_clear');
		is(sql("SELECT connection_id, company, status FROM reefqbo.complete_connection($back)"), "$id|" . name_of($company) . '|connected',
			"$name with the same company keeps the connection_id");
		is(imported($model), $kept, "$name with the same company: accounts, actuals, months, restatements, log of imports and schedule are as they were");
		is(of($model, 't.generation'), $generation + 1, "$name with the same company: the grant is new");
		is(asked(), 'token companyinfo preferences', "$name with the same company: the company is read before it is believed");
		grant_works($model, $company, "$name with the same company");
	}
	return;
}

sub test_other_company
{
	my ($model, $company, $other) = ('Other', company_with_figures('Other'), new_company());

	foreach my $begin (reconnecting($model), call('connect', $model, 'sim-production'))
	{
		my ($name) = $begin =~ /reefqbo\.(\w+)/;
		my ($back, $before) = (back_of($begin, $other), everything());
		my $error = refused(completing($back), 'RQ002', qr/"\Q@{[ name_of($other) ]}\E", another company than "\Q@{[ name_of($company) ]}\E"/,
			qr/reefqbo\.reconnect and choose "\Q@{[ name_of($company) ]}\E".*reefqbo\.replace_company/s, "$name with another company");
		like($error->{detail}, qr/The grant for "\Q@{[ name_of($other) ]}\E" was not kept/, "$name with another company: the detail says that its grant was not kept");
		is(everything(), $before, "$name with another company: no row of any table has changed");
		is(sqlstate(completing($back)), 'RQ009', "$name with another company: the address is used up");
		grant_works($model, $company, "$name with another company");
	}
	return;
}

# One that does not tell its name is another one all the same.
sub test_other_company_without_name
{
	my ($model, $company, $other) = ('Nameless', company_with_figures('Nameless'), new_company());
	my %fault = ('500' => [ 'status', status => 500, body => 'oops' ], 'a web page' => [ 'html', status => 200 ], 'silence' => ['mute'],
		'a fault 3100' => [ 'fault', code => 3100, status => 403 ]);

	foreach my $what (sort keys %fault)
	{
		my $name = "another company that answers with $what";
		my ($back, $before) = (back_of(reconnecting($model), $other), everything());
		misbehave($other, 'companyinfo', @{ $fault{$what} });
		my $error = refused(completing($back), 'RQ002', qr/another company than "\Q@{[ name_of($company) ]}\E"/, qr/reefqbo\.reconnect/, $name);
		like($error->{detail}, qr/Its name could not be read/, "$name: the detail says why it has no name");
		is(everything(), $before, "$name: nothing has changed");
		$intuit->admin('clear_faults');
	}
	grant_works($model, $company, 'another company without a name');
	return;
}

# ---- 3. a code that is another company's ----

# The realm id is the right one, and the grant is not for it.
sub begin_forgery
{
	my ($model, $other) = @_;
	my $state = state_of(sql(reconnecting($model)));

	return "SELECT FROM reefqbo.complete_connection('$state', '@{[ consent($other)->{code} ]}', '@{[ sql(call('realm_id', $model)) ]}')";
}

sub test_foreign_code
{
	my ($model, $company, $other) = ('Foreign', company_with_figures('Foreign'), new_company());
	my $name = 'the right realm id with a code of another company';
	my ($forged, $before) = (begin_forgery($model, $other), everything());

	refused($forged, 'RQ003', qr/do not belong together/, qr/./, $name);
	is(everything(), $before, "$name: nothing has changed");
	grant_works($model, $company, $name);

	$name = "$name, when the old grant is dead";
	end_grant($model, $company);
	my ($id, $kept) = (connection_id($model), imported($model));
	is(sqlstate(begin_forgery($model, $other)), 'RQ003', "$name: RQ003");
	is(of($model, 'c.status, c.company_name, c.connection_id'), 'reconnect_required|' . name_of($company) . "|$id", "$name: a reconnect is required, still");
	is(imported($model), $kept, "$name: what was imported is there");
	is(sqlstate(call('import_accounts', $model)) =~ /^RQ00[13]$/ ? 'refused' : 'read', 'refused', "$name: nothing is read with it");
	is(sql(completing(back_of(reconnecting($model), $company))), name_of($company), "$name: the right sign-in can follow");
	is(connection_id($model), $id, "$name: and finds the connection");
	grant_works($model, $company, $name);
	return;
}

# What cannot be read just now has not shown whose the grant is.
sub test_foreign_code_in_outage
{
	my ($model, $company, $other) = ('Foreign, outage', company_with_figures('Foreign, outage'), new_company());
	my $name = 'the right realm id with a code of another company, while QuickBooks answers with 500';
	my $forged = begin_forgery($model, $other);

	misbehave($company, 'companyinfo', 'status', status => 500, body => 'oops');
	is(sqlstate($forged), 'RQ011', "$name: RQ011");
	grant_works($model, $company, "$name: the old grant");
	return;
}

# Revoked inside QuickBooks, and found out about.
sub end_grant
{
	my ($model, $company) = @_;

	$intuit->admin('revoke_grant', { company => $company });
	sql('UPDATE reefqbo.credential SET access_expires_at = now() WHERE connection_id = ' . connection_id($model));
	is(sqlstate(call('import_accounts', $model)), 'RQ001', 'a grant that was revoked');
	return;
}

# ---- 4. a company that cannot be read just now ----

# Where QuickBooks has taken the grant for the company, it is kept; where nothing has shown whose it is, the one of before is.
my @UNREADABLE = (
	[ 'suspended', 'RQ004', 'suspended', [ 'fault', code => 6190, status => 403 ] ],
	[ 'throttled', 'RQ006', 'connected', [ 'fault', code => 3001, headers => { 'Retry-After' => '1' } ] ],
	[ 'broken', 'RQ011', 'connected', [ 'status', status => 500, body => 'oops' ] ],
	[ 'mute', 'RQ011', 'connected', ['mute'] ],
	[ 'forbidden', 'RQ005', 'connected', [ 'fault', code => 5020, status => 403 ] ],
	[ 'answered with a web page', 'RQ008', 'connected', [ 'html', status => 200 ] ],
	[ 'without a name', 'RQ008', 'connected', [ 'status', status => 200, body => '{"CompanyInfo":{}}' ] ],
	[ 'silent about its preferences', 'RQ011', 'connected', ['mute'], 'preferences' ]);

sub test_unreadable
{
	my ($model, $company) = ('Unreadable', company_with_figures('Unreadable'));
	my $id = connection_id($model);

	foreach my $case (@UNREADABLE)
	{
		my ($what, $expected, $status, $fault, $endpoint) = @$case;
		my $is_proved = $expected =~ /^RQ00[45]$/ || defined $endpoint;
		my $name = "a reconnect while the company is $what";
		my ($kept, $generation) = (imported($model), of($model, 't.generation'));
		my $back = back_of(reconnecting($model), $company);
		misbehave($company, $endpoint // 'companyinfo', @$fault);
		is(sqlstate(completing($back)), $expected, "$name: $expected");
		is(of($model, 'c.connection_id, c.company_name, t.generation'), "$id|" . name_of($company) . '|' . ($generation + ($is_proved ? 1 : 0)),
			$is_proved ? "$name: the new grant is kept" : "$name: the grant of before is kept");
		is(sql("SELECT status FROM reefqbo.connection_status WHERE model = '$model'"), $status, "$name: the view says $status");
		is(imported($model), $kept, "$name: what was imported is there");
		is(last_audit($model), ($is_proved ? 'reconnected' : 'sign_in_failed') . "|$expected", "$name: the failure is written down");
		sleep 1.1 if $what eq 'throttled';
		grant_works($model, $company, $name);
		is(of($model, 'c.status, c.status_reason'), 'connected|', "$name: and the connection is connected again");
	}
	return;
}

sub last_audit
{
	my ($model) = @_;

	return sql("SELECT action, left(detail, 5) FROM reefqbo.audit WHERE model = '$model' ORDER BY audit_id DESC LIMIT 1");
}

# ---- 5. a worker that is killed meanwhile ----

sub test_killed
{
	my ($model, $company) = ('Killed', company_with_figures('Killed'));
	my $name = 'a worker killed between the exchange of the code and the answer of the company';
	my ($id, $kept, $generation) = (connection_id($model), imported($model), of($model, 't.generation'));
	my $back = back_of(reconnecting($model), $company);

	misbehave($company, 'companyinfo', 'mute');
	$intuit->admin('log_clear');
	my $session = begin_sql(completing($back));
	$node->wait_for_fault($company, 'mute');
	is(statuses($company, 'token'), '200', "$name: the code was exchanged");
	kill 'KILL', sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'reefqbo worker'});
	end_sql($session);
	$node->wait_until_up;
	is(of($model, 'c.status, c.connection_id, t.generation'), "connected|$id|$generation", "$name: the old grant is what is stored");
	is(imported($model), $kept, "$name: what was imported is there");
	is(sqlstate(completing($back)), 'RQ009', "$name: the code that was sent is not sent again");
	grant_works($model, $company, $name);
	is(sql(completing(back_of(reconnecting($model), $company))), name_of($company), "$name: and a new sign-in works");
	return;
}

# ---- 6. replacing a company ----

# What is to be removed, by the tables.
sub holdings
{
	my ($model) = @_;
	my $of = 'WHERE connection_id = ' . connection_id($model);

	return { accounts => number("account $of"), amounts => number("actual $of"), restatements => number("restatement $of"),
		months => sql("SELECT count(DISTINCT period_start) FROM reefqbo.imported_month $of") };
}

sub test_replace_notice
{
	my ($model, $company) = @_;
	my $have = holdings($model);
	my $notice = told(replacing($model));

	is($have->{months}, 2, 'replace_company: there are two months to lose');
	like($notice, qr/will remove "\Q@{[ name_of($company) ]}\E" from branch "$model" of model "$model"/, 'replace_company tells what goes');
	like($notice, qr/\b$have->{accounts} accounts, $have->{amounts} amounts of $have->{months} months \(2026-08 to 2026-09\) and $have->{restatements} restatements\b/,
		'replace_company tells how much');
	like($notice, qr/HINT:.*complete_connection/, 'replace_company tells what to do next');
	return;
}

# Nothing changes but by a sign-in that ends well.
sub test_replace_not_done
{
	my ($model, $company, $other) = @_;
	my ($before, $living) = (everything(), living($company));
	my %end = ('a user who says no' => [ { deny => 1 }, undef, 'RQ009' ],
		'a new company that answers with 500' => [ {}, [ 'status', status => 500, body => 'oops' ], 'RQ011' ],
		'a new company that is suspended' => [ {}, [ 'fault', code => 6190, status => 403 ], 'RQ004' ],
		'a new company that is mute' => [ {}, ['mute'], 'RQ011' ]);

	foreach my $what (sort keys %end)
	{
		my ($choice, $fault, $expected) = @{ $end{$what} };
		my $back = back_of(replacing($model), $other, %$choice);
		is(everything(), $before, "replace_company, $what: begun, nothing has changed");
		misbehave($other, 'companyinfo', @$fault) if $fault;
		is(sqlstate(completing($back)), $expected, "replace_company, $what: $expected");
		is(everything(), $before, "replace_company, $what: nothing has changed");
		is(living($company), $living, "replace_company, $what: the old grant lives");
		$intuit->admin('clear_faults');
	}
	sql(replacing($model));
	is(everything(), $before, 'replace_company, never opened: nothing has changed');
	grant_works($model, $company, 'replace_company, not done');
	return;
}

sub test_replace_by_same
{
	my ($model, $company) = @_;
	my ($id, $kept) = (connection_id($model), imported($model));
	$kept = imported($model);

	is(sql(completing(back_of(replacing($model), $company))), name_of($company), 'replace_company with the same company is a reconnect');
	is(connection_id($model), $id, 'and keeps the connection');
	is(imported($model), $kept, 'and all that was imported');
	is(last_audit($model), 'reconnected|', 'and is written down as one');
	return;
}

sub test_replace_done
{
	my ($model, $company, $other) = @_;
	my $old = connection_id($model);
	my $schedule = sql("SELECT s FROM reefqbo.schedule s JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model'");
	my $others = snapshot("connection_id <> $old", tables_of_connections());
	my $living = living($company);
	my $back = back_of(replacing($model), $other);

	$intuit->admin('log_clear');
	is(sql("SELECT company, status, connection_id <> $old FROM reefqbo.complete_connection($back)"), name_of($other) . '|connected|t',
		'replaced: the new company has a connection_id of its own');
	is(rows_of($old), '', 'replaced: no table has a row of the old company');
	is(snapshot('connection_id NOT IN (' . connection_id($model) . ", $old)", tables_of_connections()), $others, 'replaced: other connections are as they were');
	is(sql("SELECT s FROM reefqbo.schedule s JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model'"), $schedule, 'replaced: the schedule is as it was');
	is(asked($company), '', 'replaced: the old company is asked nothing, and its grant is not revoked');
	is(living($company), $living, 'replaced: it lives on at Intuit');
	is(last_audit($model), 'replaced|in th', 'replaced: it is written down');
	sql(import_range($model));
	has_figures_of($model, $other, 'replaced');
	grant_works($model, $other, 'replaced');
	return;
}

sub test_replace
{
	my ($model, $company, $other) = ('Replace', company_with_figures('Replace'), new_company());

	test_replace_notice($model, $company);
	test_replace_not_done($model, $company, $other);
	test_replace_by_same($model, $company);
	test_replace_done($model, $company, $other);
	refused(replacing('Replace', 'No such branch'), '42704', qr/does not exist/, qr/./, 'replace_company of no branch');
	$node->ensure_model('Nothing', 'sim-production');
	refused(replacing('Nothing'), '42704', qr/no connection|no company/, qr/reefqbo\.connect/, 'replace_company of nothing');
	refused(replacing($model, undef, 'sim-sandbox'), 'RQ003', qr/production model cannot link/, qr/./, 'replace_company by a sandbox company in a production model');
	return;
}

# What is done is written down, even if something fails after it.
sub test_replace_fails_after
{
	my ($model, $company, $other) = ('After', company_with_figures('After'), new_company());
	my $old = connection_id($model);
	my $back = back_of(replacing($model), $other);

	misbehave($other, 'preferences', 'status', status => 500, body => 'oops');
	is(sqlstate(completing($back)), 'RQ011', 'a company that is replaced, and whose preferences cannot be read: RQ011');
	is(rows_of($old), '', 'a company that is replaced, and whose preferences cannot be read: the old one has gone');
	is(of($model, 'c.company_name'), name_of($other), 'a company that is replaced, and whose preferences cannot be read: the new one is there');
	is(sql("SELECT count(*) FROM reefqbo.audit WHERE model = '$model' AND action = 'replaced'"), 1,
		'a company that is replaced, and whose preferences cannot be read: that it was replaced is written down');
	grant_works($model, $other, 'a company that is replaced, and whose preferences cannot be read');
	return;
}

# An import into the company that goes comes to its end first.
sub test_waits_for_import
{
	my ($what, $begin_of, $deed_of) = @_;
	my ($model, $company, $other) = ("Busy, $what", company_with_figures("Busy, $what"), new_company());
	my $old = connection_id($model);
	my $deed = $deed_of->($model, $begin_of->($model, $other));

	misbehave($company, 'ProfitAndLoss', 'delay', seconds => 1.2);
	$intuit->admin('log_clear');
	my $import = begin_sql("SELECT months FROM reefqbo.import_actuals('$model', '$FIRST', '$LAST')");
	$node->wait_for_fault($company, 'delay');
	my $session = begin_sql($deed);
	is(end_sql($import), 2, "$what while an import runs: the import comes to its end");
	unlike(end_sql($session), qr/^\w{5}$/, "$what while an import runs: so does it, afterwards");
	is(rows_of($old), '', "$what while an import runs: nothing of the old company is left behind");
	my @order = map { $_->{endpoint} } requests();
	my ($report) = grep { $order[$_] eq 'BalanceSheet' } 0 .. $#order;
	my ($next) = grep { $order[$_] =~ /^(?:token|revoke)$/ } 0 .. $#order;
	cmp_ok($report // 999, '<', $next // -1, "$what while an import runs: it has waited");
	return;
}

sub test_replace_environment
{
	my $model = 'Trainee';
	my $company = new_company();

	$node->connect_company($model, 'sim-sandbox', 'sandy');
	sql(import_range($model));
	my $old = connection_id($model);
	is(sqlstate(call('connect', $model, 'sim-production')), 'RQ002', 'connect to another environment is refused');
	is(sql(completing(back_of(replacing($model, undef, 'sim-production'), $company))), name_of($company), 'replace_company goes from sandbox to production');
	is(sql("SELECT environment, status FROM reefqbo.connection_status WHERE model = '$model'"), 'sim-production|connected', 'the view has the new environment');
	is(rows_of($old), '', 'and nothing is left of the sandbox company');
	sql(import_range($model));
	has_figures_of($model, $company, 'from sandbox to production');
	return;
}

# ---- 7. ending a connection ----

sub audited
{
	my ($model) = @_;

	return sql("SELECT action, detail FROM reefqbo.audit WHERE model = '$model' AND action IN ('disconnected', 'forgotten', 'revoke_asked') ORDER BY audit_id");
}

sub test_disconnect
{
	my ($model, $company) = ('End', company_with_figures('End'));
	my $kept = imported($model);

	is(living($company), 1, 'before a disconnect the grant lives');
	is(sql("SELECT revoked FROM reefqbo.disconnect('$model')"), 't', 'disconnect: Intuit has revoked the grant');
	is(living($company), 0, 'disconnect: by its own books as well');
	is(imported($model), $kept, 'disconnect: what was imported stays');
	is(number('credential WHERE connection_id = ' . connection_id($model)), 0, 'disconnect: the tokens are wiped');
	is(audited($model), "disconnected|\nrevoke_asked|tokens wiped; Intuit has revoked the grant", 'disconnect: both are written down');
	return;
}

sub test_revoke_fails
{
	my ($what, $note, $break, $mend) = @_;
	my $model = "Revoke, $what";
	my $company = new_company();

	$node->connect_company($model, 'sim-production', $company);
	$break->($company);
	my $row = sql("SELECT revoked, note FROM reefqbo.disconnect('$model')");
	$mend->();
	like($row, qr/^f\|tokens wiped; .*$note/, "a revoke that ends with $what: the note says so");
	is(of($model, 'c.status, t.generation'), 'disconnected|', "a revoke that ends with $what: the connection is ended, without tokens");
	like(audited($model), qr/^disconnected\|\nrevoke_asked\|tokens wiped; .*$note/, "a revoke that ends with $what: is written down");
	return;
}

sub test_revokes_fail
{
	my $clear = sub { $intuit->admin('clear_faults') };
	my $status = sub {
		my ($status, $body) = @_;
		return sub { misbehave(undef, 'revoke', 'status', status => $status, body => $body) };
	};
	my $nobody = sub { sql(q{UPDATE reefqbo.environment SET revoke_url = 'https://127.0.0.1:1/revoke' WHERE name = 'sim-production'}) };
	my $somebody = sub { sql('UPDATE reefqbo.environment SET revoke_url = ' . quote($intuit->revoke_url) . q{ WHERE name = 'sim-production'}) };

	test_revoke_fails('400', 'revoked already', $status->(400, '{"error":"invalid_request"}'), $clear);
	test_revoke_fails('500', 'did not confirm.*500', $status->(500, 'oops'), $clear);
	test_revoke_fails('silence', 'did not confirm', sub { misbehave(undef, 'revoke', 'mute') }, $clear);
	test_revoke_fails('nobody there', 'did not confirm', $nobody, $somebody);
	return;
}

# Intuit ends all grants of an app for a company with one, or may.
sub test_shared
{
	my ($one, $two, $company) = ('Shared one', 'Shared two', new_company());

	$node->connect_company($_, 'sim-production', $company) foreach $one, $two;
	$intuit->admin('log_clear');
	like(sql("SELECT revoked, note FROM reefqbo.disconnect('$one')"), qr/^f\|.*not revoked.*another connection is to the same company/,
		'disconnect of one of two models on a company: the note says that the other keeps it from being revoked');
	is(asked(), '', 'disconnect of one of two models on a company: Intuit is asked nothing');
	like(audited($one), qr/^disconnected\|.*another connection is to the same company$/, 'disconnect of one of two models on a company: that is written down');
	grant_works($two, $company, 'disconnect of one of two models on a company: the other');
	is(sql("SELECT revoked FROM reefqbo.disconnect('$two')"), 't', 'disconnect of the last of them revokes');

	$node->connect_company($_, 'sim-production', $company) foreach $one, $two;
	$intuit->admin('log_clear');
	like(sql("SELECT revoked, note FROM reefqbo.forget_company('$one')"), qr/^f\|.*another connection is to the same company/,
		'forget_company of one of two models on a company does not revoke either');
	is(asked(), '', 'forget_company of one of two models on a company: Intuit is asked nothing');
	grant_works($two, $company, 'forget_company of one of two models on a company: the other');
	return;
}

sub with_other_key
{
	my ($deed) = @_;
	my $ring = slurp_file($KEY_FILE);

	new_key();
	my $row = $deed->();
	unlink $KEY_FILE;
	append_to_file($KEY_FILE, $ring);
	chmod 0600, $KEY_FILE or die "could not chmod $KEY_FILE: $!";
	return $row;
}

# The same id, another key: as it is when the file was lost and made anew.
sub new_key
{
	unlink $KEY_FILE;
	$node->make_key_file($KEY_FILE);
	return;
}

sub test_ends_without_key
{
	foreach my $function ('disconnect', 'forget_company')
	{
		my $model = "No key, $function";
		my $company = new_company();
		$node->connect_company($model, 'sim-production', $company);
		$intuit->admin('log_clear');
		my $row = with_other_key(sub { return sql("SELECT revoked, note FROM reefqbo.$function('$model')") });
		like($row, qr/^f\|tokens wiped; not revoked at Intuit/, "$function without the key: the note says what was not done");
		is(asked(), '', "$function without the key: Intuit cannot be asked");
		is(number("credential t JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model'"), 0, "$function without the key: the tokens are wiped");
		like(audited($model), qr/^(?:disconnected|forgotten)\|tokens wiped; not revoked/, "$function without the key: is written down");
	}
	return;
}

# ---- 8. removing a company ----

# A row in each of the tables that only some have: mapping, parts, postings.
sub use_everything
{
	my ($model, $company) = @_;
	my $month = quote($FIRST);
	my ($account) = map { $_->{id} } grep { $_->{type} eq 'Bank' } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	sql("INSERT INTO reefqbo.mapping SELECT * FROM reefqbo.propose_mapping('$model')");
	$intuit->admin('rename', { company => $company, account => $account, name => 'Renamed' });
	sql("SELECT FROM reefqbo.import_accounts('$model')");
	sql("SELECT FROM reefqbo.import_dimensions('$model', 'class', $month, (date $month + interval '1 month')::date - 1)");
	sql("SELECT reefqbo.map_dimension('$model', 'class', 'unspecified', '$model')");
	sql("SELECT count(*) FROM reefqbo.ledger_lines('$model', '$account', $month, keep => true)");
	sql("SELECT reefqbo.set_ownership('$model', '$model', $month, 80), reefqbo.set_historical_rate('$model', '$model', $month, 1.1, 'CHF')");
	sql("INSERT INTO reefqbo.adjustment (model_id, connection_id, branch_id, month, amount, debit_type, debit_category, credit_type, credit_category)"
		. " SELECT model_id, connection_id, branch_id, '2026-09-01', 1, 'Asset', 'Goodwill', 'Equity', 'Acquired' FROM reefqbo.connection WHERE connection_id = " . connection_id($model));
	sql(call('request_refresh', $model));
	# as after a clock that was ahead for a moment
	sql("INSERT INTO reefqbo.withdrawn_month (model_id, connection_id, statement, accounting_method, period_start, period_end, known_since, import_id)"
		. " SELECT model_id, connection_id, 'profit_and_loss', 'Accrual', '2031-01-01', '2031-01-31', now(), 1 FROM reefqbo.connection WHERE connection_id = " . connection_id($model));
	sql("INSERT INTO reefqbo.unsettled_month (model_id, connection_id, accounting_method, period_start, reason, period_end, import_id)"
		. " SELECT model_id, connection_id, 'Accrual', '2026-09-01', 'reclassified', '2026-09-30', 1 FROM reefqbo.connection WHERE connection_id = " . connection_id($model));
	sql('INSERT INTO reefqbo.webhook_event (model_id, connection_id, events) SELECT model_id, connection_id, 1 FROM reefqbo.connection WHERE connection_id = ' . connection_id($model));
	return;
}

sub test_forget
{
	my ($model, $company) = ('Forget', company_with_figures('Forget'));
	use_everything($model, $company);
	my ($id, $have) = (connection_id($model), holdings($model));
	my $others = snapshot("connection_id <> $id", tables_of_connections());
	my $calls = number("api_call WHERE connection_id = $id");

	is(rows_of($id), join(' ', tables_of_connections()), 'forget_company: every table has rows of the company before');
	is(sql("SELECT company, revoked, accounts, amounts, months, restatements FROM reefqbo.forget_company('$model')"),
		join('|', name_of($company), 't', @{$have}{qw(accounts amounts months restatements)}), 'forget_company counts what it has removed');
	is(rows_of($id), '', 'forget_company: no table has a row of it');
	is(snapshot("connection_id <> $id", tables_of_connections()), $others, 'forget_company: others are as they were');
	cmp_ok(number("api_call WHERE connection_id = $id"), '>', $calls, 'forget_company: the evidence of requests stays, and has the last one');
	is(living($company), 0, 'forget_company: the grant is revoked');
	is(audited($model), "forgotten|\nrevoke_asked|tokens wiped; Intuit has revoked the grant", 'forget_company: it is written down');
	refused("SELECT reefqbo.forget_company('$model')", '42704', qr/no connection/, qr/reefqbo\.connect/, 'forget_company again');
	refused("SELECT reefqbo.forget_company('$model', 'No such branch')", '42704', qr/does not exist/, qr/./, 'forget_company of no branch');
	refused(q{SELECT reefqbo.forget_company('No such model')}, '42704', qr/does not exist/, qr/./, 'forget_company of no model');

	my $other = new_company();
	$node->connect_company($model, 'sim-production', $other);
	sql(import_range($model));
	has_figures_of($model, $other, 'forget_company: the branch can be connected again, to any company');
	return;
}

# ---- 9. a lost key ----

sub test_lost_key
{
	my ($model, $company, $other) = ('Lost', company_with_figures('Lost'), new_company());
	my ($id, $realm) = (connection_id($model), sql(call('realm_id', $model)));

	new_key();
	is(sqlstate(call('import_accounts', $model)), 'RQ010', 'a lost key: an import says so');
	foreach my $environment (sort keys %Reefqbo::Cluster::ENVIRONMENT)
	{
		my $app = $Reefqbo::Simulator::APP{ $Reefqbo::Cluster::ENVIRONMENT{$environment} };
		sql(call('register_app', $environment, $app->{id}, $app->{secret}, $Reefqbo::Simulator::REDIRECT_URI));
	}
	my $kept = imported($model);
	my ($back, $before) = (back_of(reconnecting($model), $other), everything());
	my $error = refused(completing($back), 'RQ002', qr/"\Q@{[ name_of($other) ]}\E".*"\Q@{[ name_of($company) ]}\E"/, qr/reefqbo\.reconnect/,
		'a lost key, and a company of another name');
	is(everything(), $before, 'a lost key, and a company of another name: nothing has changed');

	is(sql(completing(back_of(reconnecting($model), $company))), name_of($company), 'a lost key: the company is recognised by its name');
	is(connection_id($model), $id, 'a lost key: it keeps the connection');
	is(imported($model), $kept, 'a lost key: and all that was imported');
	is(sql("SELECT action, detail ~ 'recognised by its name' FROM reefqbo.audit WHERE model = '$model' ORDER BY audit_id DESC LIMIT 1"), 'reconnected|t',
		'a lost key: that is written down');
	is(sql(call('realm_id', $model)), $realm, 'a lost key: the realm id can be read again');
	grant_works($model, $company, 'a lost key');
	return;
}

# ---- 10. what psql is told ----

sub test_notices
{
	my ($model, $company) = ('Notices', new_company());
	my $next = qr/HINT:.*complete_connection.*\\prompt/;

	$node->ensure_model($model, 'sim-production');
	like(told(call('connect', $model, 'sim-production')), qr/NOTICE:  open the address within ten minutes, .*branch "$model" of model "$model".*$next/s,
		'connect tells what to do with the address');
	like(told(completing(back_of(call('connect', $model, 'sim-production'), $company))),
		qr/NOTICE:  "\Q@{[ name_of($company) ]}\E" is connected to branch "$model"\nHINT:.*reefqbo\.import_actuals\('$model'/, 'complete_connection tells to import');
	like(told(reconnecting($model)), qr/NOTICE:  open the address .* as an admin of "\Q@{[ name_of($company) ]}\E".*DETAIL: .*stay.*$next/s,
		'reconnect tells which company to choose, what stays and what next');
	sql(import_range($model));
	like(told(completing(back_of(reconnecting($model), $company))), qr/NOTICE:  .* is connected .* again; nothing else is needed/,
		'complete_connection of a reconnect tells that nothing else is needed');
	end_grant($model, $company);
	like(told(completing(back_of(reconnecting($model), $company))), qr/an import that had failed is tried again\nHINT:.*reefqbo\.refresh\('$model'\)/,
		'and that what had failed is tried again');
	return;
}

# ---- 11. what is written down ----

# One story by two roles, from beginning to end.
sub test_audit
{
	my ($model, $company, $other) = ("It's a story", new_company(), new_company());
	my $begin = sql('SELECT coalesce(max(audit_id), 0) FROM reefqbo.audit');
	my ($first, $second) = map { name_of($_) } $company, $other;
	my $own = sql('SELECT current_user');
	my $as = sub { return sql("SET ROLE dba; $_[0]") };
	my $sign_in = sub { return 'SET ROLE dba; ' . completing(back_of("SET ROLE dba; $_[0]", @_[ 1 .. $#_ ])) };

	sql(q{CREATE ROLE dba; SELECT reefqbo.grant_access('dba', 'admin')});
	$as->(call('create_model', $model));
	sql($sign_in->(call('connect', $model, 'sim-production'), $company));
	sql(completing(back_of(reconnecting($model), $company)));
	is(sqlstate($sign_in->(reconnecting($model), $other)), 'RQ002', 'the story: a wrong company');
	is(sqlstate($sign_in->(reconnecting($model), $company, deny => 1)), 'RQ009', 'the story: a user who says no');
	sql($sign_in->(replacing($model), $other));
	$as->("SELECT FROM reefqbo.set_schedule(@{[ quote($model) ]}, refresh_every => '2 hours')");
	$as->(call('disconnect', $model));
	sql($sign_in->(call('connect', $model, 'sim-production'), $other));
	$as->(call('forget_company', $model));
	sql(q{SELECT reefqbo.revoke_access('dba')});

	my ($dba, $we) = map { "|t|$_|$model|$model" } 'dba', $own;
	is(sql(<<"END"), join("\n",
SELECT action, session_role = '$own', acting_role, model, branch, company, coalesce(left(detail, 24), '')
  FROM reefqbo.audit WHERE audit_id > $begin ORDER BY audit_id
END
		"access_granted|t|$own||||admin to dba", "connect_begun$dba||", "connected$dba|$first|",
		"reconnect_begun$we|$first|", "reconnected$we|$first|",
		"reconnect_begun$dba|$first|", "sign_in_failed$dba|$first|" . substr('RQ002: the sign-in was for', 0, 24),
		"reconnect_begun$dba|$first|", "sign_in_failed$dba|$first|" . substr('RQ009: the user did not allow', 0, 24),
		"replace_begun$dba|$first|", "replaced$dba|$second|" . substr(qq(in the place of "$first"), 0, 24),
		"schedule_changed|t|dba|$model|||" . substr('{"model_id":' . model_id($model) . ',"refresh_every"', 0, 24),
		"disconnected$dba|$second|", "revoke_asked$dba|$second|tokens wiped; Intuit has",
		"reconnect_begun$dba|$second|", "reconnected$dba|$second|",
		"forgotten$dba|$second|", "revoke_asked$dba|$second|tokens wiped; Intuit has", "access_revoked|t|$own||||from dba"),
		'the story is written down, deed by deed, with who it was and in whose name');
	return;
}

sub model_id { return sql('SELECT model_id FROM reefqbo.model WHERE name = ' . quote($_[0])) }

# Tokens, codes, realm ids and states, of every company there was.
sub test_no_secret
{
	my ($name) = @_;
	my $text = sql('SELECT a FROM reefqbo.audit a') . sql('SELECT c FROM reefqbo.api_call c');
	my @secrets = ('prod-secret', 'dev-secret');

	foreach my $company (@companies, 'sandy')
	{
		my $tokens = $intuit->admin('tokens', { company => $company });
		push @secrets, map { @{ $tokens->{$_} } } qw(codes access_tokens refresh_tokens);
		push @secrets, map { substr $_, -40 } @{ $tokens->{access_tokens} };
		push @secrets, map { $_->{realm} } grep { $_->{key} eq $company } @{ $intuit->admin('companies')->{companies} };
	}
	push @secrets, grep { defined } map { state_of("?$_->{query}") } @{ $intuit->admin('log')->{log} };
	cmp_ok(scalar(@secrets), '>', 200, "$name: there are secrets to look for");
	cmp_ok(length $text, '>', 20000, "$name: and text to look in");
	is(scalar(grep { index($text, $_) >= 0 } @secrets), 0, "$name: none is in reefqbo.audit or reefqbo.api_call");
	return;
}

# ---- 12. what had failed goes on by itself ----

sub failed_imports
{
	my ($there, $model) = @_;

	return $there->safe_psql('postgres', "SELECT count(*) FROM reefqbo.import_log l JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' AND l.status = 'failed'");
}

# Amounts of a range and method, as the ledger's helper has them.
sub lines_of
{
	my ($there, $model, $method) = @_;

	return join "\n", sort split /\n/, $there->safe_psql('postgres', <<"END");
SELECT statement, period_start, account_id, trim_scale(amount) FROM reefqbo.actual JOIN reefqbo.model m USING (model_id)
 WHERE m.name = '$model' AND accounting_method = '$method' AND amount <> 0
END
}

sub ledger_of
{
	my ($company, $method, @ranges) = @_;
	my @lines;

	foreach my $statement ('balance_sheet', 'profit_and_loss')
	{
		foreach my $range (@ranges)
		{
			my $rows = $intuit->truth(company => $company, statement => $statement, method => $method, start => $range->[0], end => $range->[1])->{rows};
			push @lines, map { join '|', $statement, $_->{period_start}, $_->{account_id} // 'computed:NetIncome', plain($_->{amount}) } @$rows;
		}
	}
	die "the ledger of $company is empty" unless @lines > 20;
	return join "\n", sort @lines;
}

sub reconnect_there
{
	my ($there, $model, $company) = @_;
	my $back = signed_in($there->safe_psql('postgres', reconnecting($model)), $company);

	$there->safe_psql('postgres', completing($back));
	return;
}

sub revoke_there
{
	my ($there, $company) = @_;

	$intuit->admin('revoke_grant', { company => $company });
	$there->safe_psql('postgres', 'UPDATE reefqbo.credential SET access_expires_at = reefqbo._now()');
	return;
}

sub test_imports_go_on
{
	my ($there) = @_;
	my ($model, $company) = ('Go on', new_company());
	my $name = 'imports that had failed since the grant was revoked';
	my @accrual = (\q{'2026-01-01', '2026-06-30', 'Accrual'});
	my @cash = (\q{'2026-07-01', '2026-09-30', 'Cash'});

	$there->connect_company($model, 'sim-production', $company);
	wait_until_idle($there);
	revoke_there($there, $company);
	is($there->sqlstate_of(call('import_actuals', $model, @$_))->{sqlstate}, 'RQ001', "$name: RQ001") foreach \@accrual, \@cash;
	is(lines_of($there, $model, $_), '', "$name: there is nothing by $_") foreach 'Accrual', 'Cash';
	reconnect_there($there, $model, $company);
	wait_until('both ranges are imported', sub {
		wait_until_idle($there);
		return $there->safe_psql('postgres', <<"END") eq '6|3';
SELECT count(DISTINCT period_start) FILTER (WHERE accounting_method = 'Accrual' AND period_start < '2026-07-01'),
       count(DISTINCT period_start) FILTER (WHERE accounting_method = 'Cash' AND period_start BETWEEN '2026-07-01' AND '2026-09-30')
  FROM reefqbo.imported_month JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model'
END
	});
	is(restrict(lines_of($there, $model, 'Accrual'), '2026-01-01', '2026-06-30'), ledger_of($company, 'Accrual', [ '2026-01-01', '2026-06-30' ]),
		"$name: after a reconnect, with nobody calling, the first range is the ledger's");
	is(restrict(lines_of($there, $model, 'Cash'), '2026-07-01', '2026-09-30'), ledger_of($company, 'Cash', [ '2026-07-01', '2026-09-30' ]),
		"$name: and so is the second, by the other method");
	return;
}

# A refresh may have extended what was asked for.
sub restrict
{
	my ($lines, $first, $last) = @_;

	return join "\n", grep { my $day = (split /\|/)[1]; $day ge $first && $day le $last } split /\n/, $lines;
}

sub test_refresh_goes_on
{
	my ($there) = @_;
	my ($model, $company) = ('Refresh', new_company());
	my $name = 'a refresh that had failed since the grant was revoked';

	$there->connect_company($model, 'sim-production', $company);
	$there->safe_psql('postgres', "SELECT FROM reefqbo.import_actuals('$model', '2026-10-01', '2026-11-30')");
	wait_until_idle($there);
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };
	$intuit->admin('post', { company => $company, date => '2026-11-02',
		lines => [ { account => $id{Expense}, amount => '77.01' }, { account => $id{Bank}, amount => '-77.01' } ] });
	revoke_there($there, $company);
	is($there->sqlstate_of("SELECT reefqbo.refresh('$model')")->{sqlstate}, 'RQ001', "$name: RQ001");
	my $expected = ledger_lines($intuit, $company, '2026-10-01', '2026-11-30');
	isnt(stored_lines($there, $model), $expected, "$name: what is stored is old");
	reconnect_there($there, $model, $company);
	wait_until('the refresh has run', sub {
		wait_until_idle($there);
		return stored_lines($there, $model) eq $expected;
	});
	pass("$name: after a reconnect, with nobody calling, every figure is the ledger's");
	is($there->safe_psql('postgres', "SELECT failures_in_a_row, status FROM reefqbo.upkeep_status WHERE model = '$model'"), '0|connected', "$name: and all is well");
	return;
}

sub test_goes_on
{
	my $there = reefqbo_cluster('goes_on', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\nreefqbo.request_timeout = '3s'\n");

	align_clock($there);
	test_imports_go_on($there);
	test_refresh_goes_on($there);
	$there->stop;
	return;
}

# ---- the run ----

test_begins_whatever_is_broken();
test_same_company();
test_other_company();
test_other_company_without_name();
test_foreign_code();
test_foreign_code_in_outage();
test_unreadable();
test_killed();
test_replace();
test_replace_fails_after();
test_waits_for_import('replace_company', sub { return back_of(replacing($_[0]), $_[1]) }, sub { return completing($_[1]) });
test_waits_for_import('forget_company', sub { return '' }, sub { return "SELECT company FROM reefqbo.forget_company(" . quote($_[0]) . ')' });
test_replace_environment();
test_disconnect();
test_revokes_fail();
test_shared();
test_ends_without_key();
test_forget();
test_notices();
test_audit();
test_no_secret('the whole of it');
test_lost_key();
$node->stop;
test_goes_on();

done_testing();
