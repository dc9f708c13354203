# Refreshes on schedule read what is needed, when it is due, and no more: changes are asked for first, and what
# QuickBooks does not tell is found by reading everything every so often.
#
# Expected requests are worked out by hand from what was done to the books; expected figures are the ledger's.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $COMPANIES = 100;
my $WATCHED = 20;
my ($FIRST, $LAST) = ('2025-01-01', '2026-11-30');
my $intuit = Reefqbo::Simulator->start(today => '2026-11-03');
my $node = reefqbo_cluster('schedule', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'");

sub of { return "model_id = reefqbo._model_id('$_[0]')" }

# The number of the simulator's last log entry.
sub now_in_log
{
	my $log = $intuit->admin('log')->{log};

	return @$log ? $log->[-1]{n} : 0;
}

sub accounts_of
{
	my ($company) = @_;
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } reverse @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	return @id{qw(Expense Bank)};
}

# An expense that is paid from the bank.
sub spend
{
	my ($company, $date, $amount) = @_;
	my ($expense, $bank) = accounts_of($company);

	return $intuit->admin('post', { company => $company, date => $date,
		lines => [ { account => $expense, amount => $amount }, { account => $bank, amount => "-$amount" } ] })->{txn};
}

sub ties
{
	my ($company, $name) = @_;

	is(stored_lines($node, $company), ledger_lines($intuit, $company, $FIRST, $LAST), "$name: every figure is the ledger's");
}

# Months a report was asked for, "2026-09..2026-11".
sub ranges_asked
{
	my ($since, $company) = @_;

	return join ' ', map { join '..', $_->{query} =~ /start_date=(\d{4}-\d\d).*end_date=(\d{4}-\d\d)/ }
	  grep { $_->{endpoint} eq 'ProfitAndLoss' } accounting_requests($node, $since, $company);
}

# What happens to one company in a refresh of all: the requests that it has, and the months that are read.
sub refreshed
{
	my ($company, $change) = @_;
	my $since = now_in_log();

	$change->();
	pass_time($node, '6 hours');
	return (asked($node, $since, $company), ranges_asked($since, $company));
}

my $NOTHING = 'cdc';
my $WINDOW = 'cdc query query ProfitAndLoss BalanceSheet';
my $EVERYTHING = 'query query ProfitAndLoss BalanceSheet ProfitAndLoss BalanceSheet';
my ($RECENT, $ALL) = ('2026-09..2026-11', '2025-12..2026-11 2025-01..2025-11');

# ---- many companies, nothing changed ----

# At least so many seconds, and then to the moment after which nobody's turn comes for the longest: a company whose
# turn came while the worker is at it would rightly be asked twice.
sub at_least
{
	my ($seconds) = @_;

	return sql(<<"END") . ' seconds';
SELECT s FROM generate_series($seconds, $seconds + 6 * 3600, 60) s, LATERAL (SELECT reefqbo._now() + s * interval '1 second') AS m (t),
       LATERAL (SELECT min(reefqbo._next_turn(m.t, '6 hours', reefqbo._phase(connection_id), '00:00', '00:00', 'UTC')) FROM reefqbo.upkeep) AS n (turn)
 ORDER BY n.turn - m.t DESC, s LIMIT 1
END
}

sub versions
{
	return sql(q{SELECT count(*), md5(string_agg(format('%s %s', ctid, xmin), ',' ORDER BY ctid)) FROM reefqbo._actual_year});
}

sub test_nothing_changed
{
	my ($since, $before, $log) = (now_in_log(), versions(), sql('SELECT count(*) FROM reefqbo.import_log'));
	my ($made, $saved) = map { sql("SELECT sum($_) FROM reefqbo.upkeep_status") } qw(requests_total requests_saved_total);

	pass_time($node, at_least(6 * 3600));
	is(scalar(accounting_requests($node, $since)), $COMPANIES, "a refresh of $COMPANIES companies in which nothing has changed costs $COMPANIES requests");
	is(asked($node, $since, "pod-$_"), $NOTHING, "pod-$_ is asked what has changed") foreach (1, $COMPANIES);
	is(versions(), $before, 'and writes no row of actual');
	is(sql('SELECT count(*) FROM reefqbo.import_log'), $log, 'nor a line of the log');
	is(sql('SELECT count(*) FROM reefqbo.upkeep_status WHERE last_success > reefqbo._now() - interval $$1 hour$$ AND failures_in_a_row = 0'),
		$COMPANIES, 'which is noted as a success of each');
	# the chart would have been a count and a page, and three months are two reports
	is(sql('SELECT sum(requests_saved_total) FROM reefqbo.upkeep_status') - $saved, 3 * $COMPANIES, 'and the requests that were saved are counted');
	is(sql('SELECT sum(requests_total) FROM reefqbo.upkeep_status') - $made, $COMPANIES, 'as are those that were made');
}

# Turns are spread over the six hours: in each hour there are some, and about as many as in the others.
sub test_spread
{
	my @count = split /\n/, sql(q{SELECT count(*) FROM reefqbo.upkeep GROUP BY date_bin('1 hour', refresh_due_at, '2026-01-01')});

	cmp_ok(scalar(@count), '>=', 6, 'turns come in each of the six hours');
	cmp_ok((sort { $b <=> $a } @count)[0], '<', $COMPANIES / 2, 'and not most of them in one');
	is(sql('SELECT count(DISTINCT refresh_due_at) FROM reefqbo.upkeep'), $COMPANIES, 'no two at the same moment');
}

sub test_missed_turns
{
	my $since = now_in_log();

	pass_time($node, at_least(3 * 86400));
	is(scalar(accounting_requests($node, $since)), $COMPANIES, 'twelve turns that were missed are made up by one');
}

# ---- something changed ----

sub test_changes
{
	my $txn;
	my ($asked, $months) = refreshed('pod-1', sub { $txn = spend('pod-1', '2026-10-15', '12.34') });

	is($asked, "$WINDOW preferences", 'a new transaction: the chart and the last months are read, and the closing date');
	is($months, $RECENT, 'which are three, the present one counted');
	ties('pod-1', 'a new transaction');
	is(sql('SELECT count(*) FROM reefqbo.restatement WHERE new_amount - old_amount IN (12.34, -12.34) AND ' . of('pod-1')), 5,
		'and each figure that it has changed is a restatement: the expense, and from then on the bank and the net income');
	is(sql('SELECT status, started_by FROM reefqbo.import_log WHERE import_id = (SELECT max(import_id) FROM reefqbo.import_log)'),
		'succeeded|reefqbo worker', 'the log says who');

	($asked) = refreshed('pod-1', sub { });
	is($asked, $NOTHING, 'a change that was read is not read again');

	($asked, $months) = refreshed('pod-1', sub { spend('pod-1', '2025-06-10', '50.00') });
	is($months, '2025-12..2026-11 2025-06..2025-11', 'a back-dated transaction: everything from its month on is read');
	ties('pod-1', 'a back-dated transaction');

	($asked, $months) = refreshed('pod-1', sub { $intuit->admin('delete', { company => 'pod-1', txn => $txn }) });
	is("$asked, $months", "cdc $EVERYTHING preferences, $ALL", 'a deletion: nobody says where it was, so everything is read');
	ties('pod-1', 'a deletion');
}

sub test_account_changes
{
	my ($expense) = accounts_of('pod-2');
	my ($asked, $months) = refreshed('pod-2', sub { $intuit->admin('rename', { company => 'pod-2', account => $expense, name => 'Renamed' }) });

	is($asked, $WINDOW, 'a renamed account: the chart and the last months are read');
	is(sql("SELECT name FROM reefqbo.account WHERE account_id = '$expense' AND " . of('pod-2')), 'Renamed', 'and the account has its new name');
	my @expenses = map { $_->{id} } grep { $_->{type} eq 'Expense' && $_->{active} } @{ $intuit->admin('accounts', { company => 'pod-2' })->{accounts} };
	($asked, $months) = refreshed('pod-2', sub { $intuit->admin('merge', { company => 'pod-2', from => $expenses[1], into => $expenses[0] }) });
	is($months, $ALL, 'a merged account takes its history along, so everything is read');
	ties('pod-2', 'a merge');
}

sub test_window
{
	sql(q{SELECT FROM reefqbo.set_schedule('pod-3', reread_months => 6)});
	my (undef, $months) = refreshed('pod-3', sub { spend('pod-3', '2026-11-05', '1.00') });
	is($months, '2026-06..2026-11', 'how many months are read again is the model\'s to say');
}

# ---- a hint is no source of truth ----

my $TELLS_NOTHING = { kind => 'status', endpoint => 'cdc', status => 200, content_type => 'application/json',
	body => '{"CDCResponse":[{"QueryResponse":[{}]}],"time":"2026-11-24T00:00:00.000-08:00"}' };

sub test_what_is_not_told
{
	my ($asked) = refreshed('pod-4', sub { spend('pod-4', '2026-10-20', '77.00'); $intuit->admin('fault', { %$TELLS_NOTHING, company => 'pod-4' }) });

	is($asked, $NOTHING, 'a change that QuickBooks does not tell is not read');
	isnt(stored_lines($node, 'pod-4'), ledger_lines($intuit, 'pod-4', $FIRST, $LAST), 'and so not known');
	my $due = sql("SELECT next_full_reading FROM reefqbo.upkeep_status WHERE model = 'pod-4'");
	sql("UPDATE reefqbo.upkeep SET changes_until = changes_until + interval '1 day' WHERE " . of('pod-4'));
	($asked) = refreshed('pod-4', sub { sql("UPDATE reefqbo.upkeep SET full_due_at = reefqbo._now() WHERE " . of('pod-4')) });
	is($asked, "$EVERYTHING preferences", 'everything is read, without asking, when that is due');
	ties('pod-4', 'a full reading');
	is(sql("SELECT next_full_reading > reefqbo._now() + interval '5 days' AND next_full_reading <= reefqbo._now() + interval '7 days' FROM reefqbo.upkeep_status WHERE model = 'pod-4'"),
		't', 'which is every seven days, or a little before');
}

# Each answer that cannot be used: everything is read in its stead.
sub test_unusable_answers
{
	my @unusable = (
		[ 'refused as a query', { kind => 'fault', code => '4001' } ],
		[ 'not permitted', { kind => 'fault', code => '5020' } ],
		[ 'no JSON', { kind => 'status', status => 200, body => '<html>', content_type => 'text/html', times => 2 } ],
		[ 'not found', { kind => 'status', status => 404, body => 'not found' } ],
		[ 'a Fault in the place of an answer', { kind => 'status', status => 200, content_type => 'application/json',
			body => '{"CDCResponse":[{"Fault":{"Error":[{"Message":"x","code":"4001"}]}}],"time":"2026-11-24T00:00:00.000-08:00"}' } ],
		[ 'no time', { kind => 'status', status => 200, content_type => 'application/json', body => '{"CDCResponse":[{"QueryResponse":[{}]}]}' } ],
		[ 'an object without an id', { kind => 'status', status => 200, content_type => 'application/json',
			body => '{"CDCResponse":[{"QueryResponse":[{"Bill":[{"TxnDate":"2026-11-01"}]}]}],"time":"2026-11-24T00:00:00.000-08:00"}' } ],
		[ 'too many objects', { kind => 'status', status => 200, content_type => 'application/json', body => many_objects() } ]);
	my $number = 10;

	foreach my $case (@unusable)
	{
		my ($name, $fault) = @$case;
		my $company = 'pod-' . ++$number;
		my ($asked) = refreshed($company, sub { spend($company, '2026-10-20', '5.00'); $intuit->admin('fault', { %$fault, company => $company, endpoint => 'cdc' }) });
		like($asked, qr/^cdc (?:cdc )*\Q$EVERYTHING\E preferences$/, "$name: everything is read");
		ties($company, $name);
	}
}

sub many_objects
{
	my $bills = join ',', map { qq({"Id":"$_","TxnDate":"2026-11-01","MetaData":{"LastUpdatedTime":"2026-11-20T00:00:00-08:00"}}) } 1 .. 1000;

	return qq({"CDCResponse":[{"QueryResponse":[{"Bill":[$bills]}]}],"time":"2026-11-24T00:00:00.000-08:00"});
}

# A model that was paused for longer than QuickBooks remembers.
sub test_pause
{
	my $since = now_in_log();

	sql(q{SELECT FROM reefqbo.set_schedule('pod-5', paused => true, full_every => '366 days')});
	pass_time($node, '31 days');
	is(asked($node, $since, 'pod-5'), '', 'a paused model is not read');
	sql(q{SELECT FROM reefqbo.set_schedule('pod-5', paused => false)});
	wait_until_idle($node);
	unlike(asked($node, $since, 'pod-5'), qr/cdc/, 'after more than 30 days changes are not asked for');
	like(asked($node, $since, 'pod-5'), qr/^query query (?:ProfitAndLoss BalanceSheet ?)+$/, 'but everything is read');
}

# ---- months turn ----

# December has come while pod-5 was paused and the others went on.
sub test_new_month
{
	is(sql(q{SELECT count(*) FROM (SELECT max(period_start) AS last FROM reefqbo.imported_month WHERE statement = 'profit_and_loss' GROUP BY model_id) t WHERE last = '2026-12-01'}),
		$WATCHED, 'a month that has begun is imported by itself, of every company that is not paused');
	is(sql(q{SELECT DISTINCT period_start, is_provisional FROM reefqbo.imported_month JOIN reefqbo.schedule USING (model_id) WHERE NOT is_paused AND period_start >= '2026-11-01' ORDER BY 1}), "2026-11-01|f\n2026-12-01|t",
		'the one that has ended is not provisional any more, the new one is');
	my $since = now_in_log();
	pass_time($node, '6 hours');
	is(asked($node, $since, 'pod-6'), $NOTHING, 'and then there is nothing more to read');
}

# ---- callers come the same way ----

sub test_callers
{
	my $since = now_in_log();

	is(sql(q{SELECT accounts_seen > 0, accounts_new, accounts_changed, months, amounts_inserted, amounts_changed, amounts_unchanged > 0, requests FROM reefqbo.refresh('pod-7')}),
		't|0|0|24|0|0|t|1', 'a call of refresh asks what has changed, and vouches for what stands');
	is(asked($node, $since, 'pod-7'), $NOTHING, 'by one request');
	$since = now_in_log();
	sql(q{SELECT FROM reefqbo.refresh('pod-7', whole => true)});
	is(asked($node, $since, 'pod-7'), "$EVERYTHING", 'and reads everything when told to');
	$since = now_in_log();
	spend('pod-7', '2026-12-01', '3.00');
	sql(q{SELECT FROM reefqbo.refresh('pod-7')});
	is(asked($node, $since, 'pod-7'), "cdc $EVERYTHING preferences", 'or when anything has changed');
}

# ---- failures on schedule ----

sub failures { return sql("SELECT failures_in_a_row, sqlstate FROM reefqbo.upkeep_status WHERE model = '$_[0]'") }

# From the last failure to the next attempt.
sub minutes_to_next { return sql("SELECT floor(extract(epoch FROM not_before - failed_at) / 60) FROM reefqbo.upkeep WHERE " . of($_[0])) }

sub test_outage
{
	my @minutes;

	$intuit->admin('fault', { kind => 'status', status => 503, company => 'pod-8', endpoint => 'cdc', times => -1 });
	$node->append_conf('postgresql.conf', q{reefqbo.retry_budget = '0'});
	pass_time($node, '6 hours');
	is(failures('pod-8'), '1|RQ011', 'an outage is a failure');
	foreach my $failure (2 .. 5)
	{
		push @minutes, minutes_to_next('pod-8');
		pass_time($node, "$minutes[-1] minutes");
		pass_time($node, '1 minute');
		is(failures('pod-8'), "$failure|RQ011", "that is tried again after a while, $failure");
	}
	cmp_ok($minutes[$_], '>=', 5 * 2**$_, "after at least $minutes[$_] minutes") foreach 0 .. 3;
	is(sql("SELECT count(*), sum(attempts) FROM reefqbo.import_log WHERE status = 'failed' AND " . of('pod-8')), '1|5', 'the same failure again is one line of the log');
	is(scalar(() = slurp_file($node->logfile) =~ /LOG:  reefqbo: branch "pod-8" of model "pod-8": could not ask/g), 1, 'and one of the server\'s');
	$intuit->admin('clear_faults');
	pass_time($node, '6 hours');
	is(failures('pod-8'), '0|', 'until it is over');
}

sub test_throttled
{
	my $since = now_in_log();

	$intuit->admin('fault', { kind => 'fault', code => '3001', company => 'pod-9', endpoint => 'cdc', headers => { 'Retry-After' => '3000' } });
	pass_time($node, '6 hours');
	is(failures('pod-9'), '1|RQ006', 'a refusal for being too fast is a failure');
	is(asked($node, $since, 'pod-9'), 'cdc', 'after one request');
	cmp_ok(minutes_to_next('pod-9'), '>=', 50, 'and QuickBooks is left alone for as long as it asks');
	my $error = $node->sqlstate_of(q{SELECT FROM reefqbo.refresh('pod-9')});
	is($error->{sqlstate}, 'RQ006', 'by callers too');
	is(asked($node, $since, 'pod-9'), 'cdc', 'who send nothing');
}

# The month's quota is used up: every request is refused for hours, and then for days.
sub test_quota
{
	my $since = now_in_log();

	$intuit->admin('fault', { kind => 'fault', code => '3001', company => 'pod-10', endpoint => 'cdc', times => -1 });
	$node->append_conf('postgresql.conf', q{reefqbo.throttle_wait = '0'});
	pass_time($node, '1 hour') foreach 1 .. 14;
	my $before = () = asked($node, $since, 'pod-10') =~ /cdc/g;
	like(failures('pod-10'), qr/\|RQ006$/, 'hours of refusals');
	is(sql("SELECT throttled_since < reefqbo._now() - interval '3 hours' FROM reefqbo.upkeep_status WHERE model = 'pod-10'"), 't', 'since when is known');
	cmp_ok(minutes_to_next('pod-10'), '>', 600, 'mean the quota: it is tried once a day');
	pass_time($node, '1 hour') foreach 1 .. 3;
	is(scalar(() = asked($node, $since, 'pod-10') =~ /cdc/g), $before, 'and not in between');
	like(slurp_file($node->logfile), qr/LOG:  reefqbo: branch "pod-10" of model "pod-10": QuickBooks has refused every request for \d+ hours\n[^\n]*DETAIL:  The app's monthly quota/, 'and the log says so');
	$intuit->admin('clear_faults');
	pass_time($node, '2 days');
	is(failures('pod-10'), '0|', 'until the month is over');
}

# ---- the run ----

align_clock($node);
connect_many($node, 'sim-production', map { "pod-$_" } 1 .. $COMPANIES);
# what was posted today is behind the overlap of the first question
set_clock($node, '1 hour');
import_many($node, $FIRST, $LAST, map { "pod-$_" } 1 .. $COMPANIES);
sql(q{UPDATE reefqbo.schedule SET full_every = '60 days'; UPDATE reefqbo.upkeep SET full_due_at = reefqbo._now() + interval '60 days'});
$intuit->admin('log_clear');

test_nothing_changed();
test_spread();
test_missed_turns();
# the others have shown what they can
sql(q{UPDATE reefqbo.schedule SET is_paused = true WHERE model_id NOT IN (SELECT reefqbo._model_id('pod-' || n) FROM generate_series(1, } . $WATCHED . q{) n)});
test_changes();
test_account_changes();
test_window();
sql(q{UPDATE reefqbo.schedule SET full_every = '7 days' WHERE } . of('pod-4') . q{; UPDATE reefqbo.upkeep SET full_due_at = reefqbo._now() + interval '7 days' WHERE } . of('pod-4'));
test_what_is_not_told();
sql(q{UPDATE reefqbo.schedule SET full_every = '366 days'; UPDATE reefqbo.upkeep SET full_due_at = reefqbo._now() + interval '300 days'});
test_unusable_answers();
test_pause();
test_new_month();
test_callers();
test_outage();
test_throttled();
test_quota();
done_testing();
