# A pause that QuickBooks asks for by Retry-After is kept, whoever asks and across restarts, but for an hour at most,
# and it can be seen and lifted.

use strict;
use warnings;

use POSIX qw(strftime);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Session;
use Reefqbo::Simulator;

my $intuit = Reefqbo::Simulator->start(no_throttle => undef);
my $node = reefqbo_cluster('pause', $intuit);

# What is waited where QuickBooks has not said how long, as far as we understand.
my $UNSAID = 600;
# How long a run of this test may lie between a refusal and the next look, in seconds.
my $SLACK = 300;

my $importing = call('import_accounts', 'Paused');

sub unpause
{
	sql('UPDATE reefqbo.connection SET throttle_tokens = NULL, throttle_counted_at = NULL');
	return;
}

sub requests { return scalar grep { $_->{company} } @{ $intuit->admin('log')->{log} } }

# How many seconds are left of the pause, by what an import says that must not ask; 0 if there is none.
sub seconds_left
{
	my ($model) = @_;

	$intuit->admin('log_clear');
	my $error = try(call('import_accounts', $model // 'Paused'));
	return 0 if $error->{sqlstate} eq 'none';
	return "$error->{sqlstate} after a request" if requests();
	return ($error->{detail} // '') =~ /It has asked not to be asked for another (\d+) seconds/ ? $1 : "$error->{sqlstate} $error->{message}";
}

sub refuse
{
	my (%headers) = @_;

	unpause();
	$intuit->admin('fault', { kind => 'fault', company => 'pod-1', endpoint => 'query', code => '3001', headers => \%headers });
	return sqlstate("SET reefqbo.throttle_wait = '${UNSAID}s'; $importing");
}

sub pauses_for
{
	my ($seconds, $what, %headers) = @_;

	is(refuse(%headers), 'RQ006', "$what: RQ006");
	my $left = seconds_left();
	ok($left =~ /^\d+$/ && $left <= $seconds && $left > $seconds - $SLACK, "$what: a pause of $seconds seconds") or diag("left: $left");
	return;
}

# ---- how long ----

sub test_seconds
{
	pauses_for(1200, '1200 seconds', 'Retry-After' => '1200');
	pauses_for(3600, "Retry-After of $_", 'Retry-After' => $_) foreach '1764230000', '99999999999', '9' x 150, '3601';
	pauses_for($UNSAID, "Retry-After of \"$_\"", 'Retry-After' => $_) foreach '-5', 'soon', '12 parrots', '1e9', '1.5', 'Thu', '+30', '';
	return;
}

# The three forms of a date in HTTP, of a moment.
sub dates
{
	my @moment = gmtime $_[0];

	return map { strftime($_, @moment) } '%a, %d %b %Y %H:%M:%S GMT', '%A, %d-%b-%y %H:%M:%S GMT', '%a %b %e %H:%M:%S %Y';
}

sub test_dates
{
	pauses_for(1200, "a date 1200 seconds from now, $_", 'Retry-After' => $_) foreach dates(time() + 1200);
	pauses_for(3600, "a date far away, $_", 'Retry-After' => $_) foreach dates(time() + 86400 * 30), 'Fri, 31 Dec 9999 23:59:59 GMT';

	# the server's clock is a day ahead of ours, and counts
	$intuit->admin('clock', { advance_seconds => 86400 });
	pauses_for(1200, "by a clock that is a day ahead, $_", 'Retry-After' => $_) foreach dates(time() + 86400 + 1200);
	pauses_for(1200, "and ours if the answer has no date, $_", 'Retry-After' => $_, 'Date' => 'none') foreach dates(time() + 1200);
	$intuit->admin('clock', { advance_seconds => -86400 });
	return;
}

# Nothing is waited for, and the same import goes on.
sub test_past
{
	foreach my $past ('0', dates(time() - 86400), 'Thu, 01 Jan 1970 00:00:00 GMT')
	{
		is(refuse('Retry-After' => $past), 'none', "Retry-After of $past: the import goes on at once");
		is(seconds_left(), 0, "Retry-After of $past: and there is no pause");
	}
	return;
}

# One that was stored when there was no limit.
sub test_stored
{
	sql('UPDATE reefqbo.connection SET throttle_tokens = -1e9, throttle_counted_at = now()');
	my $left = seconds_left();
	cmp_ok($left, '<=', 3600, 'a pause of years that is stored: an hour is left of it');
	cmp_ok($left, '>', 3600 - $SLACK, 'a pause of years that is stored: it is kept until then');
	return;
}

# ---- who sees it, and what ends it ----

sub pause_rows { return sql(q{SELECT subject, status, finding, what_to_do FROM reefqbo.check() WHERE item = 'pause'}) }

sub test_check
{
	unpause();
	is(pause_rows(), '', 'check() says nothing of a pause where there is none');
	sql($importing);
	is(pause_rows(), '', 'nor after an import');
	refuse('Retry-After' => '1800');
	like(pause_rows(), qr/\APaused\|warning\|paused until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC by QuickBooks[^|]*\|It goes on by itself\. .*SELECT reefqbo\.lift_pause\('Paused', 'Paused'\);\z/,
		'it tells of one, until when, and what to do');
	my $until = sql(q{SELECT extract(epoch FROM to_timestamp(substring(finding FROM '\d{4}-[\d: -]+\d'), 'YYYY-MM-DD HH24:MI:SS')) FROM reefqbo.check() WHERE item = 'pause'});
	cmp_ok(abs($until - time() - 1800), '<', $SLACK, 'and that is when it ends');
	$node->restart;
	like(pause_rows(), qr/\APaused\|warning/, 'also after a restart');
	like(seconds_left(), qr/\A1[5-8]\d\d\z/, 'which does not end it');
	return;
}

sub test_lift
{
	sql(q{UPDATE reefqbo.upkeep SET not_before = now() + interval '1 hour', failures = 1, sqlstate = 'RQ006'});
	is(sql(call('lift_pause', 'Paused')), 1, 'lift_pause says how many companies were paused');
	is(pause_rows(), '', 'then none is');
	is(sql(q{SELECT count(*) FROM reefqbo.upkeep JOIN reefqbo.model USING (model_id) WHERE name = 'Paused' AND not_before IS NOT NULL}), 0, 'the schedule holds nothing back');
	is(sqlstate($importing), 'none', 'and an import works');
	is(sql(call('lift_pause', 'Paused', 'Paused')), 0, 'there is nothing to lift then');
	is(sql(q{SELECT string_agg(detail, ', ' ORDER BY audit_id) FROM reefqbo.audit WHERE action = 'pause_lifted' AND model = 'Paused'}), 'of 1 companies, of 0 companies', 'it is written down');
	return;
}

# ---- a job under way, which knows of a pause from before it was lifted ----

# An import that sleeps, since QuickBooks has asked for 1800 seconds, and is cancelled then.
sub cancelled_in_pause
{
	my ($meanwhile) = @_;

	unpause();
	$intuit->admin('fault', { kind => 'fault', company => 'pod-1', endpoint => 'query', code => '3001', headers => { 'Retry-After' => '1800' } });
	my $session = begin_sql("SET reefqbo.retry_budget = '3600s'; $importing");
	$session->{run}->pump until $session->{err} =~ /QuickBooks asks to wait 1800 seconds/;
	$meanwhile->();
	sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'caller'});
	is(end_sql($session), '57014', 'an import is cancelled in a pause');
	wait_until('its worker has gone', sub { sql(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'reefqbo%'}) eq '0' });
	return;
}

sub test_lift_under_way
{
	cancelled_in_pause(sub { });
	like(pause_rows(), qr/\APaused\|warning/, 'which leaves the pause behind');
	cancelled_in_pause(sub { is(sql(call('lift_pause', 'Paused')), 0, 'a pause that only a job under way knows of is lifted') });
	is(pause_rows(), '', 'and not brought back by it');
	is(seconds_left(), 0, 'an import works');

	refuse('Retry-After' => '1800');
	cancelled_in_pause(sub { sql(call('lift_pause', 'Paused')) });
	refuse('Retry-After' => '1800');
	like(seconds_left(), qr/\A1[5-8]\d\d\z/, 'one that is asked for after that is kept');
	unpause();
	return;
}

# The background worker has begun when the pause is lifted, and still waits for a token.
sub test_lift_under_schedule
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'reefqbo'\nreefqbo.databases = 'postgres'");
	sql("SELECT reefqbo.set_schedule('$_', paused => true)") foreach qw(Paused Twin Stranger);
	$node->restart;
	refuse('Retry-After' => '1800');
	$intuit->admin('gate', { closed => 1 });
	sql('UPDATE reefqbo.credential SET access_expires_at = now()');
	sql(q{UPDATE reefqbo.upkeep SET refresh_due_at = now() - interval '1 minute', not_before = NULL});
	my $since = sql('SELECT clock_timestamp()');
	sql(q{SELECT reefqbo.set_schedule('Paused', paused => false)});
	wait_until('the background worker asks for a token', sub { grep { $_ eq 'pod-1' } @{ $intuit->admin('gate')->{waiting} } });
	is(sql(call('lift_pause', 'Paused')), 1, 'the pause is lifted meanwhile');
	$intuit->admin('gate', { closed => 0 });
	wait_until('the schedule goes on at once', sub { sql("SELECT failures = 0 AND succeeded_at > '$since' FROM reefqbo.upkeep JOIN reefqbo.model USING (model_id) WHERE name = 'Paused'") eq 't' });
	is(pause_rows(), '', 'and there is no pause');
	return;
}

# A pause is the company's, whichever model was told.
sub test_other_model
{
	$node->connect_company('Twin', 'sim-production', 'pod-1');
	$node->connect_company('Stranger', 'sim-production', 'pod-2');
	refuse('Retry-After' => '1800');
	like(seconds_left('Twin'), qr/\A1[5-8]\d\d\z/, 'another model\'s connection to the company keeps the pause');
	is(seconds_left('Stranger'), 0, 'another company\'s has none');
	is(join(' ', pause_rows() =~ /^(\w+)\|/mg), 'Paused Twin', 'check() tells of both');
	is(sql(call('lift_pause', 'Twin')), 1, 'it is lifted for one');
	is(seconds_left($_), 0, "and so for $_") foreach 'Twin', 'Paused';
	return;
}

# It holds for a sign-in as well, which has used its state up by then.
sub test_sign_in
{
	refuse('Retry-After' => '1800');
	my $generation = sql(q{SELECT generation FROM reefqbo.credential JOIN reefqbo.model USING (model_id) WHERE name = 'Twin'});
	my $error = try(call('complete_connection', $intuit->browse(sql(call('reconnect', 'Twin')), company => 'pod-1')));

	is($error->{sqlstate}, 'RQ006', 'a sign-in in a pause: RQ006');
	like($error->{hint}, qr/^Nothing of this sign-in was kept, and its state is used up: begin again with reefqbo\.reconnect, a little later\. reefqbo\.check\(\) /,
		'a sign-in in a pause: the hint says what to do');
	is(sql(q{SELECT generation FROM reefqbo.credential JOIN reefqbo.model USING (model_id) WHERE name = 'Twin'}), $generation, 'a sign-in in a pause: the grant of before is kept');
	sql(call('lift_pause', 'Twin'));
	$node->connect_company('Twin', 'sim-production', 'pod-1');
	is(sql(q{SELECT generation FROM reefqbo.credential JOIN reefqbo.model USING (model_id) WHERE name = 'Twin'}), $generation + 1, 'when it is lifted, a sign-in works');
	return;
}

sub test_arguments
{
	is(sqlstate(call('lift_pause', 'No such model')), '42704', 'lift_pause: no such model');
	is(sqlstate(call('lift_pause', 'Paused', 'No such branch')), '42704', 'lift_pause: no such branch');
	sql(call('create_model', 'Bare'));
	is(sqlstate(call('lift_pause', 'Bare')), '42704', 'lift_pause: no connection');
	is(sqlstate(call('lift_pause', undef)), '22004', 'lift_pause: no model');
	return;
}

# ---- the run ----

$node->connect_company('Paused', 'sim-production', 'pod-1');
test_seconds();
test_dates();
test_past();
test_stored();
test_check();
test_lift();
test_lift_under_way();
test_other_model();
test_sign_in();
test_arguments();
test_lift_under_schedule();

$node->stop;
done_testing();
