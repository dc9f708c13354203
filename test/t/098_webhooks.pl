# Webhooks: what QuickBooks tells unasked brings the figure, without any schedule due; what others forge, what comes
# twice, late or in another order brings nothing that is wrong, and no request that is one too many.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Listener;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my ($FIRST, $LAST) = ('2025-12-01', '2026-11-30');
my ($TOKEN, $NEXT_TOKEN) = ('simulated-verifier-token', 'the-next-verifier-token');

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('webhooks', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\n");
my $json = JSON::PP->new->canonical;
my %realm;
my $events = 0;

# ---- helpers ----

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

# A base64 signature has its padding.
sub signature_of
{
	my ($body, $token) = @_;
	my $signature = hmac_sha256_base64($body, $token // $TOKEN);

	return $signature . '=' x (-length($signature) % 4);
}

sub call_of
{
	my ($body, $signature) = @_;

	return sprintf q{reefqbo.receive_webhook('\x%s', %s)}, unpack('H*', $body), quote($signature);
}

# What comes of a body: the outcomes of its events, each with how many there are.
sub outcomes
{
	my ($body, $token) = @_;

	return as('hook', q{SELECT coalesce(string_agg(outcome || ' ' || n, ', ' ORDER BY outcome), 'none') FROM (SELECT outcome, count(*) AS n FROM }
		. call_of($body, signature_of($body, $token)) . ' GROUP BY outcome) o');
}

sub sqlstate_of_webhook
{
	my ($body, $signature) = @_;

	return sqlstate('SET SESSION AUTHORIZATION hook; SELECT FROM ' . call_of($body, $signature));
}

sub event
{
	my ($company, $entity, %more) = @_;

	return { specversion => '1.0', id => 'event-' . ++$events, source => 'intuit.test', type => "qbo.$entity.updated.v1", intuitentityid => '1',
		intuitaccountid => $realm{$company} // $company, data => {}, %more };
}

sub body_of { return $json->encode([@_]) }

# Something is posted, and what Intuit tells of it.
sub post
{
	my ($company, $amount, $date) = @_;
	my %id = map { $_->{type} => $_->{id} } grep { $_->{active} } @{ $intuit->admin('accounts', { company => $company })->{accounts} };

	$intuit->admin('post', { company => $company, date => $date // '2026-11-03', lines => [ { account => $id{Expense}, amount => $amount }, { account => $id{Bank}, amount => "-$amount" } ] });
	return;
}

sub told_by_intuit
{
	my ($company, %how) = @_;

	return decode_base64($intuit->admin('webhook', { company => $company, %how })->{body});
}

sub is_current
{
	my ($company, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is(stored_lines($node, $company), ledger_lines($intuit, $company, $FIRST, $LAST), $name);
}

# No turn of the schedule comes into these tests; and of webhooks none before the clock is moved, however long they take.
sub put_off_schedule
{
	sql(q{UPDATE reefqbo.upkeep SET refresh_due_at = reefqbo._now() + interval '5 hours', full_due_at = reefqbo._now() + interval '6 days', attempted_at = reefqbo._now()});
	wait_until_idle($node);
	$intuit->admin('log_clear');
	return;
}

# ---- the case that it is for ----

sub test_restated_figure
{
	my $listener = Reefqbo::Listener->start($node);

	put_off_schedule();
	post('pod-1', '123.45');
	set_clock($node, '20 seconds');
	is(outcomes(told_by_intuit('pod-1')), 'queued 1', 'a signed webhook is taken in');
	is(sql(q{SELECT count(*) FROM reefqbo.webhook_event}), 1, 'and waits');
	is(asked($node), '', 'QuickBooks is asked nothing by that');
	is(sql(q{SELECT next_due < reefqbo._now() + interval '3 minutes' FROM reefqbo.upkeep_status WHERE model = 'pod-1'}), 't', 'but the company has its turn in a moment');
	pass_time($node, '3 minutes');
	is_current('pod-1', 'after some moments the figure is there');
	is(sql(q{SELECT count(*) > 0 FROM reefqbo.restatement}), 't', 'as a restatement');
	my ($told) = $listener->events('figures_changed');
	is($told->{restated} > 0 ? 'told' : 'not told', 'told', 'of which listeners are told');
	is(asked($node, 0, 'pod-1'), 'cdc query query ProfitAndLoss BalanceSheet preferences', 'QuickBooks was asked what has changed, for the chart, the months that it has touched, and whether they were closed');
	is(asked($node, 0, 'pod-2'), '', 'another company nothing');
	is(sql(q{SELECT count(*) FROM reefqbo.webhook_event}), 0, 'nothing waits any more');
	is(sql(q{SELECT status FROM reefqbo.import_log ORDER BY import_id DESC LIMIT 1}), 'succeeded', 'and so says the log');
	$listener->stop;
	return;
}

# The worker is woken by the webhook alone: no clock is moved, and nothing is reloaded.
sub test_woken
{
	put_off_schedule();
	sql(q{UPDATE reefqbo.upkeep SET attempted_at = attempted_at - interval '1 hour'});
	post('pod-1', '8.00');
	is(outcomes(body_of(event('pod-1', 'journalentry'))), 'queued 1', 'a webhook comes in, and time goes by');
	ok($node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM reefqbo.webhook_event'), 'the worker wakes up by itself');
	is_current('pod-1', 'and brings the figure');
	# what Intuit would have told is told
	told_by_intuit('pod-1');
	return;
}

# ---- what does no harm ----

sub test_forged
{
	my $body = body_of(event('pod-1', 'invoice'));
	my $good = signature_of($body);
	my %bad = ('of another token' => signature_of($body, 'guessed'), 'of another body' => signature_of("$body "), 'cut short' => substr($good, 0, 43), 'longer' => "${good}A",
		'not base64' => '*' x 44, 'empty' => '', 'of another length' => 'AAAA');

	put_off_schedule();
	foreach my $how (sort keys %bad)
	{
		is(sqlstate_of_webhook($body, $bad{$how}), '28000', "a signature that is $how is refused");
	}
	is(sqlstate_of_webhook("$body\n", $good), '28000', 'so is a body that has one byte more');
	is(sqlstate_of_webhook('', signature_of('', 'guessed')), '28000', 'and none');
	is(sql(q{SELECT (SELECT count(*) FROM reefqbo.webhook_event) + (SELECT count(*) FROM reefqbo._webhook_seen WHERE seen_at > reefqbo._now() - interval '1 second')}), 0, 'nothing comes of them');
	unlike(slurp_file($node->logfile), qr/28000 hook.*STATEMENT.*receive_webhook/s, 'and the log is not filled with their bodies');
	pass_time($node, '3 minutes');
	is(asked($node), '', 'QuickBooks is asked nothing');
	is(outcomes($body), 'queued 1', 'the same event, signed, is none the worse for it');
	pass_time($node, '3 minutes');
	return;
}

sub test_repeated
{
	put_off_schedule();
	post('pod-1', '1.00');
	set_clock($node, '20 seconds');
	my $body = told_by_intuit('pod-1', twice => JSON::PP::true);
	is(outcomes($body), 'duplicate 1, queued 1', 'an event that stands twice in a body counts once');
	is(outcomes($body), 'duplicate 2', 'and not again when the body comes again');
	pass_time($node, '3 minutes');
	is_current('pod-1', 'its figure is there');
	$intuit->admin('log_clear');
	is(outcomes($body), 'duplicate 2', 'nor after that');
	set_clock($node, '1 day');
	put_off_schedule();
	is(outcomes($body), 'duplicate 2', 'or a day later');
	pass_time($node, '3 minutes');
	is(asked($node), '', 'nobody asks QuickBooks for it');
	return;
}

# What was read already calls for nothing, whatever its id.
sub test_late
{
	put_off_schedule();
	post('pod-1', '2.00');
	set_clock($node, '10 minutes');
	sql(q{SELECT FROM reefqbo.refresh('pod-1')});
	set_clock($node, '10 minutes');
	sql(q{SELECT FROM reefqbo.refresh('pod-1')});
	put_off_schedule();
	is(outcomes(told_by_intuit('pod-1', since => '2026-11-20T00:00:00Z')) =~ s/ \d+//gr, 'duplicate, ignored', 'what comes late, and was read meanwhile, is ignored');
	is(sql(q{SELECT count(*) FROM reefqbo.webhook_event}), 0, 'and waits for nothing');
	pass_time($node, '3 minutes');
	is(asked($node), '', 'nor is anything asked for it');
	return;
}

sub test_out_of_order
{
	put_off_schedule();
	post('pod-1', '3.00');
	set_clock($node, '10 seconds');
	my $first = told_by_intuit('pod-1');
	post('pod-1', '4.00', '2026-10-03');
	set_clock($node, '10 seconds');
	my $second = told_by_intuit('pod-1', form => 'legacy');
	is(outcomes($second), 'queued 1', 'the second comes first, in the older form');
	is(outcomes($first), 'queued 1', 'the first after it');
	pass_time($node, '3 minutes');
	is_current('pod-1', 'both figures are there');
	is(scalar(grep { $_->{endpoint} eq 'cdc' } accounting_requests($node)), 1, 'by one refresh');
	return;
}

sub test_others
{
	put_off_schedule();
	is(outcomes(body_of(event('9999999', 'invoice'))), 'unknown_company 1', 'a company that nobody has connected');
	is(outcomes(body_of(map { event('pod-1', $_) } qw(customer vendor estimate item employee timeactivity))), 'ignored 6', 'what moves no figure');
	is(outcomes(body_of(event('pod-1', 'invoice', id => undef), event('pod-1', 'invoice', intuitaccountid => 'x'), {}, event('pod-1', 'invoice', type => 'payroll.check.v1'))), 'ignored 4', 'what is no event of QuickBooks');
	is(outcomes('[]'), 'none', 'no event at all');
	is(sqlstate_of_webhook($_, signature_of($_)), 'RQ008', "signed, and no webhook: $_") foreach '', 'null', '{}', '{"eventNotifications":1}', '"x"', '[{]';
	is(sqlstate(q{SELECT FROM reefqbo.receive_webhook(NULL, 'x')}), '22004', 'no body');
	is(sqlstate(q{SELECT FROM reefqbo.receive_webhook('x', NULL)}), '22004', 'no signature');
	pass_time($node, '3 minutes');
	is(asked($node), '', 'of all these QuickBooks is asked nothing');
	return;
}

# Intuit's own example, signed by it.
sub test_intuits_own
{
	my $body = '{"eventNotifications":[{"realmId":"1269959970","dataChangeEvent":{"entities":[{"name":"Vendor","id":"40","operation":"Update","lastUpdated":"2016-10-05T03:09:04.000Z"},{"name":"Customer","id":"43","operation":"Create","lastUpdated":"2016-10-05T03:07:04.000Z"}]}}]}';

	is(signature_of($body, '00faeec4-08d0-4996-bb37-698ae19f0149'), '6q+xGyMirJupwKTh2/WBl2NcdxzxqdIbk3sneKTxLWM=', 'a body that was recorded has the signature that was recorded');
	sql(q{SELECT reefqbo.register_webhook('sim-sandbox', '00faeec4-08d0-4996-bb37-698ae19f0149')});
	is(outcomes($body, '00faeec4-08d0-4996-bb37-698ae19f0149'), 'unknown_company 2', 'and is taken for what it is');
	return;
}

# ---- several at once ----

sub test_several_companies
{
	put_off_schedule();
	post($_, '5.00') foreach 'pod-1', 'pod-2';
	set_clock($node, '20 seconds');
	my $body = decode_base64($intuit->admin('webhook', { companies => [ 'pod-1', 'pod-2' ] })->{body});
	is(outcomes($body), 'queued 3', 'one body may be about several companies, and a company belong to two models');
	pass_time($node, '3 minutes');
	# of two connections to one company one comes after the other
	$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM reefqbo.webhook_event') or die 'events wait in vain';
	is_current($_, "$_: the figure is there") foreach 'pod-1', 'pod-2';
	is(sql(q{SELECT string_agg(model, ' ' ORDER BY model) FROM reefqbo.upkeep_status WHERE last_webhook > reefqbo._now() - interval '10 minutes'}), 'Again pod-1 pod-2', 'in each model');
	return;
}

# A stream of true events: what is asked stays what a refresh asks.
sub test_flood
{
	my @bodies = map { my $n = $_; body_of(map { event('pod-2', 'invoice') } 1 .. 1000) } 1 .. 20;
	my $began = time;

	put_off_schedule();
	# so that however long this takes, nothing is done meanwhile
	sql(q{SELECT reefqbo.set_schedule('pod-2', paused => true)});
	is(outcomes($_), 'queued 1000', 'a thousand events') foreach @bodies;
	sql(q{SELECT reefqbo.set_schedule('pod-2', paused => false); UPDATE reefqbo.upkeep SET refresh_due_at = reefqbo._now() + interval '5 hours'});
	note(sprintf '%.0f ms for each of twenty bodies of 1,000 events', (time - $began) * 1000 / @bodies);
	pass_time($node, '3 minutes');
	is(scalar(grep { $_->{endpoint} eq 'cdc' } accounting_requests($node)), 1, 'come to one question');
	is(scalar(accounting_requests($node)), 1, 'and since nothing has changed in truth, to no other');
	$intuit->admin('log_clear');
	my $since = virtual_time($node);
	foreach my $n (1 .. 12)
	{
		outcomes(body_of(event('pod-2', 'invoice')));
		pass_time($node, '10 seconds');
	}
	cmp_ok(scalar(accounting_requests($node)), '<=', 1 + (virtual_time($node) - $since) / 120, 'of a stream of them it is asked once in two minutes');
	return;
}

# Somebody who leaves a transaction open after a webhook.
sub test_open_transaction
{
	my $open = $node->background_psql('postgres', on_error_die => 1);

	put_off_schedule();
	$open->query_safe('BEGIN; SELECT FROM ' . (map { call_of($_, signature_of($_)) } body_of(event('pod-1', 'invoice')))[0]);
	post('pod-1', '6.00');
	set_clock($node, '20 seconds');
	is(outcomes(told_by_intuit('pod-1')), 'queued 1', 'while a webhook is in an open transaction others come in');
	pass_time($node, '3 minutes');
	is_current('pod-1', 'and are followed');
	is(sqlstate(q{SET lock_timeout = '5s'; SELECT FROM reefqbo.refresh('pod-1', whole => true)}), 'none', 'by nobody\'s leave');
	$open->query_safe('ROLLBACK');
	$open->quit;
	return;
}

sub test_paused
{
	put_off_schedule();
	sql(q{SELECT reefqbo.set_schedule('pod-1', paused => true)});
	post('pod-1', '7.00');
	set_clock($node, '20 seconds');
	is(outcomes(told_by_intuit('pod-1')), 'queued 1', 'a model that is paused takes events in');
	pass_time($node, '10 minutes');
	is(asked($node, 0, 'pod-1'), '', 'and is not refreshed');
	sql(q{SELECT reefqbo.set_schedule('pod-1', paused => false)});
	pass_time($node, '3 minutes');
	is_current('pod-1', 'until it is paused no more');
	return;
}

# ---- the schedule ----

sub test_schedule_slows_down
{
	my $next = q{SELECT round(extract(epoch FROM next_due - reefqbo._now()) / 3600) FROM reefqbo.upkeep_status WHERE model = 'pod-1'};

	put_off_schedule();
	sql(q{UPDATE reefqbo.upkeep SET webhook_at = NULL; UPDATE reefqbo.upkeep SET refresh_due_at = reefqbo._now() - interval '1 second'});
	pass_time($node, '1 second');
	cmp_ok(sql($next), '<=', 6, 'without webhooks a company has its turn every six hours');
	outcomes(body_of(event('pod-1', 'invoice')));
	pass_time($node, '3 minutes');
	is(sql(q{SELECT reefqbo._pace('6 hours', webhook_at) FROM reefqbo.upkeep_status JOIN reefqbo.upkeep USING (model_id, connection_id) WHERE model = 'pod-1'}), '24:00:00', 'where they come, every day');
	set_clock($node, '8 days');
	is(sql(q{SELECT reefqbo._pace('6 hours', webhook_at) FROM reefqbo.upkeep_status JOIN reefqbo.upkeep USING (model_id, connection_id) WHERE model = 'pod-1'}), '06:00:00', 'and when none has come for a week, as before');
	wait_until_idle($node);
	return;
}

# ---- rights and tokens ----

sub test_level
{
	my @functions = split /\n/, sql(q{SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'reefqbo'::regnamespace AND has_function_privilege('hook', p.oid, 'EXECUTE')});
	my @relations = split /\n/, sql(q{SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace = 'reefqbo'::regnamespace AND c.relkind IN ('r', 'v') AND has_any_column_privilege('hook', c.oid, 'SELECT, INSERT, UPDATE') ORDER BY 1});

	is_deeply([ grep { !/\._/ } @functions ], ['reefqbo.receive_webhook(bytea,text)'], 'the level webhook may hand in webhooks, and call nothing else');
	is_deeply([ grep { !/\._my_/ } @relations ], [], 'or see anything');
	sql('CREATE ROLE by_hand LOGIN; ' . call('grant_access', 'by_hand', 'webhook') . '; GRANT SELECT ON ALL TABLES IN SCHEMA reefqbo TO by_hand');
	is(as('by_hand', join ' UNION ALL ', map { "SELECT count(*) FROM reefqbo.$_" } qw(model connection_status actual upkeep_status webhook_event)), "0\n0\n0\n0\n0", 'whatever is granted by hand');
	is(sqlstate(call('grant_access', 'hook', 'webhook', 'pod-1')), '22023', 'it is for all models');
	is(sqlstate(call('grant_access', 'hook', 'webhook', undef, \'true')), '22023', 'and has no scope');
	sql('CREATE ROLE nobody LOGIN; CREATE ROLE an_operator LOGIN; CREATE ROLE a_reader LOGIN; ' . join '; ', call('grant_access', 'an_operator', 'operator'), call('grant_access', 'a_reader', 'reader'));
	my $query = 'SELECT FROM ' . (map { call_of($_, signature_of($_)) } body_of(event('pod-1', 'customer')))[0];
	is(sqlstate("SET SESSION AUTHORIZATION $_; $query"), '42501', "$_ may not") foreach 'nobody', 'a_reader';
	is(sqlstate("SET SESSION AUTHORIZATION an_operator; $query"), 'none', 'an operator of all may');
	is(sqlstate("SET SESSION AUTHORIZATION an_operator; SELECT reefqbo.register_webhook('sim-production', 'mine')"), '42501', 'and does not choose the token');
	return;
}

sub test_tokens
{
	my $body = body_of(event('pod-1', 'customer'));
	my $key = $node->basedir . '/reefqbo.key';
	my $accepted = sub { return join ' ', map { sqlstate_of_webhook($body, signature_of($body, $_)) } $TOKEN, $NEXT_TOKEN, 'third' };

	is($accepted->(), 'none 28000 28000', 'one token is registered');
	sql("SELECT reefqbo.register_webhook('sim-production', '$TOKEN')");
	sql("SELECT reefqbo.register_webhook('sim-production', '$NEXT_TOKEN')");
	is($accepted->(), 'none none 28000', 'the one before stays good');
	sql("SELECT reefqbo.register_webhook('sim-production', '$NEXT_TOKEN')");
	is($accepted->(), 'none none 28000', 'also when the same is registered again');
	unlike(sql(q{SELECT string_agg(w::text, ' ') FROM reefqbo.webhook w}), qr/\Q$TOKEN\E|\Q@{[ unpack 'H*', $TOKEN ]}\E/, 'neither is in a table');
	append_to_file($key, "k2:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n");
	like(($node->psql('postgres', 'CALL reefqbo.reseal()'))[2], qr/sealed again with key "k2"/, 'both are sealed again');
	is(sql(q{SELECT count(*) FROM reefqbo.webhook WHERE substring(verifier_sealed FROM 3 FOR 2) = 'k2' AND (previous_sealed IS NULL OR substring(previous_sealed FROM 3 FOR 2) = 'k2')}), 2, 'with the new key');
	is($accepted->(), 'none none 28000', 'and are as good as before');
	sql("SELECT reefqbo.register_webhook('sim-production', 'third')");
	is($accepted->(), '28000 none none', 'until they are replaced again');
	is(outcomes(body_of(event('pod-1', 'invoice')), 'third'), 'queued 2', 'a company is found by its digest by the new key');
	is(sql(q{SELECT string_agg(DISTINCT status, ',') FROM reefqbo.check() WHERE item = 'sealed values'}), 'ok', 'check() knows of them');
	is(sqlstate(q{SELECT reefqbo.register_webhook('nowhere', 'x')}), '42704', 'a token is an environment\'s');
	is(sqlstate(q{SELECT reefqbo.register_webhook('sim-production', 'a b')}), '22023', 'and a word');
	is(sqlstate(q{SELECT reefqbo.register_webhook('sim-production', NULL)}), '22004', 'and not nothing');
	rename $key, "$key.away" or die $!;
	is(sqlstate_of_webhook($body, signature_of($body, 'third')), 'RQ010', 'without the key nobody can tell');
	rename "$key.away", $key or die $!;
	is(sql(q{SELECT count(*) FROM reefqbo.audit WHERE action = 'webhook_registered'}), 4, 'it is written down when a token was registered');

	my $ring = slurp_file($key);
	append_to_file($key, "k3:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=\n");
	sql("SELECT reefqbo.register_webhook('sim-sandbox', 'lost')");
	open my $file, '>', $key or die $!;
	print $file $ring;
	close $file;
	is(sqlstate_of_webhook($body, signature_of($body, 'third')), 'none', 'what one environment lacks the key of keeps no other from its events');
	is(sqlstate_of_webhook($body, signature_of($body, 'lost')), 'RQ010', 'and is said for itself');
	sql("SELECT reefqbo.register_webhook('sim-sandbox', 'found')") foreach 1 .. 2;
	return;
}

# Events of a week before are forgotten, and so is that they came.
sub test_forgetting
{
	my $body = body_of(event('pod-2', 'invoice'));

	outcomes($body, 'third');
	is(outcomes($body, 'third'), 'duplicate 1', 'an event counts once');
	set_clock($node, '8 days');
	outcomes(body_of(event('pod-2', 'customer')), 'third');
	is(sql('SELECT count(*) FROM reefqbo._webhook_seen'), 0, 'after a week its id is forgotten');
	wait_until_idle($node);
	return;
}

sub test_disconnected
{
	sql(q{SELECT reefqbo.disconnect('pod-2')});
	is(outcomes(body_of(event('pod-2', 'invoice')), 'third'), 'unknown_company 1', 'a company that was disconnected is not known any more');
	outcomes(body_of(event('pod-1', 'invoice')), 'third');
	sql(q{SELECT reefqbo.forget_company('pod-1'), reefqbo.forget_company('Again')});
	is(sql('SELECT count(*) FROM reefqbo.webhook_event'), 0, 'of one that was forgotten nothing waits');
	return;
}

# ---- the run ----

align_clock($node);
connect_many($node, 'sim-production', 'pod-1', 'pod-2');
import_many($node, $FIRST, $LAST, 'pod-1', 'pod-2');
$realm{$_} = sql("SELECT reefqbo.realm_id('$_')") foreach 'pod-1', 'pod-2';
$node->connect_company('Again', 'sim-production', 'pod-1');
import_many($node, '2026-11-01', $LAST, 'Again');
sql("SELECT reefqbo.set_schedule('Again', paused => true)");
sql('CREATE ROLE hook LOGIN; ' . call('grant_access', 'hook', 'webhook') . "; SELECT reefqbo.register_webhook('sim-production', '$TOKEN')");
# what is said of pod-1 below is so of one connection
sql(q{UPDATE reefqbo.connection SET status = 'disconnected' WHERE model_id = reefqbo._model_id('Again')});
wait_until_idle($node);
$intuit->admin('webhook', { companies => [ 'pod-1', 'pod-2' ] });
test_restated_figure();
test_woken();
test_forged();
test_repeated();
test_late();
test_out_of_order();
test_others();
test_intuits_own();
test_flood();
test_open_transaction();
test_paused();
test_schedule_slows_down();
sql(q{UPDATE reefqbo.connection SET status = 'connected' WHERE model_id = reefqbo._model_id('Again'); SELECT reefqbo.set_schedule('Again', paused => false)});
test_several_companies();
test_level();
test_tokens();
test_forgetting();
test_disconnected();
$node->stop;

done_testing();
