# What a monitoring system asks for: reefqbo.metrics says what goes on, to who may watch it; sql_exporter brings it to
# Prometheus with the configuration in contrib, whose alert rules and dashboard speak of nothing that is not there.

use strict;
use warnings;

use IO::Socket::INET;
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Simulator;
use Reefqbo::Worker;

my $CONTRIB = "$Reefqbo::Simulator::HERE/../../../contrib/prometheus";

my $intuit = Reefqbo::Simulator->start(today => '2026-11-20', no_throttle => undef);
my $node = reefqbo_cluster('metrics', $intuit, preload => 1, settings => "reefqbo.databases = 'postgres'\n");

sub as { return sql("SET SESSION AUTHORIZATION $_[0]; $_[1]") }

# { "label=value,…" => value } of a metric.
sub metric
{
	my ($name, $role) = @_;
	my $rows = as($role // 'a_monitor', "SELECT coalesce((SELECT string_agg(key || '=' || value, ',' ORDER BY key) FROM jsonb_each_text(labels)), ''), value FROM reefqbo.metrics WHERE name = 'reefqbo_$name'");

	return { map { my ($labels, $value) = split /\|/; $labels => $value } split /\n/, $rows };
}

# ---- the view ----

# Counted by who has answered them.
sub test_requests
{
	my %count;

	foreach my $entry (grep { $_->{endpoint} ne 'authorize' } @{ $intuit->admin('log')->{log} })
	{
		my $api = $entry->{endpoint} =~ /^(?:token|revoke)$/ ? 'oauth' : 'accounting';
		$count{"api=$api,status=$entry->{status}"}++;
	}
	is_deeply(metric('requests_total'), \%count, 'requests are counted as QuickBooks has answered them');
	my $accounting = 0;
	$accounting += $count{$_} foreach grep { /accounting/ } keys %count;
	is(metric('request_seconds_count')->{'api=accounting'}, $accounting, 'and so in the histogram of how long they took');
	my $buckets = metric('request_seconds_bucket');
	is($buckets->{'api=accounting,le=+Inf'}, $accounting, 'whose last bucket has all');
	my @steps = map { $buckets->{"api=accounting,le=$_"} } qw(0.1 0.25 0.5 1 2.5 5 10 30 60 +Inf);
	is_deeply(\@steps, [ sort { $a <=> $b } @steps ], 'and each what the one before has');
	return \%count;
}

# Rows of api_call go, what was counted stays.
sub test_counters_grow
{
	my $before = test_requests();
	my $took = metric('request_seconds_sum');

	set_clock($node, '3 days');
	$node->append_conf('postgresql.conf', q{reefqbo.log_retention = '1d'});
	$node->reload;
	pass_time($node, '2 hours');
	is(sql(q{SELECT count(*) FROM reefqbo.api_call WHERE called_at < reefqbo._now() - interval '2 days'}), 0, 'old rows of api_call are removed');
	cmp_ok(sql('SELECT count(*) FROM reefqbo._call_total'), '>', 0, 'and counted');
	my $after = test_requests();
	is(scalar(grep { $after->{$_} < $before->{$_} } keys %$before), 0, 'no counter has become less');
	is(scalar(grep { metric('request_seconds_sum')->{$_} < $took->{$_} } keys %$took), 0, 'or the time they took');
	return;
}

sub test_connections
{
	is_deeply(metric('connections'), { 'status=connected' => 3, 'status=disconnected' => 0, 'status=reconnect_required' => 0, 'status=suspended' => 0 }, 'connections by status');
	is_deeply([ sort keys %{ metric('lag_seconds') } ], [ map { "branch=pod-$_,model=pod-$_" } 1 .. 3 ], 'the lag of each');
	is(scalar(grep { $_ < 0 || $_ > 7200 } values %{ metric('lag_seconds') }), 0, 'since it was refreshed');
	is(scalar(grep { $_ < 90 || $_ > 101 } values %{ metric('grant_days_left') }), 0, 'the days that each grant has left');
	is_deeply(metric('failing_connections'), {}, 'nothing fails');
	$intuit->admin('set_company', { company => 'pod-1', subscription => 'SUSPENDED' });
	$intuit->admin('fault', { kind => 'fault', code => '3001', company => 'pod-2', endpoint => 'any', times => -1, headers => { 'Retry-After' => '3600' } });
	sql(q{UPDATE reefqbo.upkeep SET refresh_due_at = '2026-01-01'});
	pass_time($node, '30 minutes');
	is(join(' ', map { "$_ " . metric('failing_connections')->{$_} } sort keys %{ metric('failing_connections') }), 'sqlstate=RQ004 1 sqlstate=RQ006 1', 'what fails is told by SQLSTATE');
	is(metric('connections')->{'status=suspended'}, 1, 'a lapsed subscription by status');
	is(metric('throttled_connections')->{''}, 1, 'and who is throttled');
	is(scalar(grep { /RQ00[46]/ } keys %{ metric('failed_imports_day') }) >= 1 ? 'yes' : 'no', 'yes', 'the imports of a day that failed');
	return;
}

sub test_others
{
	is((grep { /state=(?:idle|working|due)/ } keys %{ metric('worker_state') })[0] =~ s/state=\w+/state/r, 'database=postgres,state', 'the worker by its state');
	is(metric('worker_state')->{'database=postgres,state=launcher'} // metric('worker_state')->{'state=launcher'} // '1', 1, 'and the launcher');
	cmp_ok(metric('table_bytes')->{'table=api_call'}, '>', 8192, 'how large tables are');
	is(metric('webhook_events_waiting')->{''}, 0, 'no webhook waits');
	sql(q{INSERT INTO reefqbo.webhook_event (model_id, connection_id, events) SELECT model_id, connection_id, 7 FROM reefqbo.company WHERE model = 'pod-3'});
	is(metric('webhook_events_waiting')->{''}, 7, 'or seven events');
	sql('DELETE FROM reefqbo.webhook_event');
	is(sql(q{SELECT count(*) FROM reefqbo.metrics WHERE value IS NULL OR name !~ '^reefqbo_[a-z_]+$' OR kind NOT IN ('counter', 'gauge', 'histogram') OR help !~ '^[A-Z].*\.$'}), 0, 'each has a value, a kind and an explanation');
	is(sql(q{SELECT count(*) FROM (SELECT FROM reefqbo.metrics GROUP BY name, labels HAVING count(*) > 1) d}), 0, 'and none is there twice');
	is(sql(q{SELECT count(*) FROM reefqbo.metrics WHERE labels::text ~ 'Pod'}), 0, 'no company is named');
	return;
}

# Of one model, that; of none, nothing.
sub test_levels
{
	is_deeply([ keys %{ metric('lag_seconds', 'pod_monitor') } ], ['branch=pod-3,model=pod-3'], 'who watches one model is told of that');
	is(metric('connections', 'pod_monitor')->{'status=connected'}, 1, 'in sums as well');
	my $all = metric('requests_total');
	my $one = metric('requests_total', 'pod_monitor');
	cmp_ok($one->{'api=accounting,status=200'}, '<', $all->{'api=accounting,status=200'}, 'and in counts');
	is_deeply(metric('table_bytes', 'pod_monitor'), {}, 'and not how large all is');
	is(sqlstate("SET SESSION AUTHORIZATION $_; SELECT count(*) FROM reefqbo.metrics"), '42501', "$_ is not to ask") foreach 'a_reader', 'nobody';
	return;
}

# ---- contrib ----

# The metrics that a text speaks of.
sub named { return sort keys %{ { map { $_ => 1 } $_[0] =~ /(?:sql_)?(reefqbo_[a-z_]+)/g } } }

sub test_contrib
{
	my %known = map { $_ => 1 } split /\n/, sql('SELECT DISTINCT name FROM reefqbo.metrics');
	my $config = slurp_file("$CONTRIB/sql_exporter.yml");
	my %asked = map { $_ => 1 } $config =~ /^ +- name: '(reefqbo_\w+)'/mg;
	my $dashboard = JSON::PP::decode_json(slurp_file("$CONTRIB/dashboard.json"));
	my @expressions = map { map { $_->{expr} } @{ $_->{targets} } } @{ $dashboard->{panels} };

	is_deeply([ grep { !$asked{$_} } sort keys %known ], [], 'every metric is asked for by the configuration');
	cmp_ok(scalar keys %asked, '>=', 15, 'and more, for what is not always there');
	is_deeply([ grep { !$asked{$_} } named(join ' ', slurp_file("$CONTRIB/alerts.yml") =~ /expr: (.*)/g) ], [], 'alert rules speak of what is asked for');
	is_deeply([ grep { !$asked{$_} } named("@expressions") ], [], 'and so does the dashboard');
	foreach my $query ($config =~ /query: \|\n +(SELECT .*)/g)
	{
		my ($status) = $node->psql('postgres', "SET SESSION AUTHORIZATION a_monitor; $query");
		is($status, 0, "a monitor may ask: $query") if $status != 0;
	}
	return;
}

sub fetch
{
	my ($port) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port, Timeout => 5) or return '';

	print $socket "GET /metrics HTTP/1.0\r\n\r\n";
	local $/;
	return scalar(<$socket>) // '';
}

# As Debian has it.
sub test_exporter
{
	my ($program) = grep { -x } map { "$_/prometheus-sql-exporter" } '/usr/bin', '/usr/local/bin', split /:/, $ENV{PATH};
  SKIP:
	{
		skip 'prometheus-sql-exporter is not installed', 5 unless $program;
		my $port = PostgreSQL::Test::Cluster::get_free_port();
		my $config = slurp_file("$CONTRIB/sql_exporter.yml");
		my $url = sprintf 'postgres://a_monitor@/postgres?host=%s&port=%s&sslmode=disable', $node->host, $node->port;
		$config =~ s{'postgres://[^']*'}{'$url'} or die 'no connection to replace';
		$config =~ s/interval: '1m'/interval: '1s'/ or die 'no interval to replace';
		append_to_file($node->basedir . '/sql_exporter.yml', $config);
		my $said = '';
		my $exporter = IPC::Run::start([ $program, '-config.file', $node->basedir . '/sql_exporter.yml', '-web.listen-address', "127.0.0.1:$port" ], '<', \undef, '>', \$said, '2>', \$said);
		my $answer = '';
		eval { wait_until('the exporter answers', sub { $exporter->pump_nb; $answer = fetch($port); return $answer =~ /sql_reefqbo_table_bytes\{/ && $answer =~ /sql_reefqbo_connections\{/ }) };
		note($said) if $@;
		my %line = map { /^(sql_reefqbo_\w+)(?:\{(.*)\})? (\S+)$/ ? ("$1 $2" => $3) : () } split /\n/, $answer;
		my $of = sub { my ($name, $label) = @_; return join ' ', map { $line{$_} } grep { /^sql_reefqbo_$name / && /\Q$label\E/ } sort keys %line };
		is($of->('connections', 'status="connected"'), metric('connections')->{'status=connected'}, 'sql_exporter: connections');
		is($of->('requests_total', 'api="oauth",') =~ /^\d+/ ? 'counted' : $answer, 'counted', 'sql_exporter: requests');
		like($of->('request_seconds_bucket', 'le="+Inf"'), qr/^\d+ \d+$/, 'sql_exporter: latencies');
		like($of->('lag_seconds', 'model="pod-3"'), qr/^\d/, 'sql_exporter: lag by model');
		unlike($said, qr/Failed to run query|"err":"pq:/, 'sql_exporter: no query has failed');
		$exporter->kill_kill;
	}
	return;
}

# ---- the run ----

align_clock($node);
connect_many($node, 'sim-production', map { "pod-$_" } 1 .. 3);
import_many($node, '2026-01-01', '2026-11-30', map { "pod-$_" } 1 .. 3);
sql('CREATE ROLE a_monitor LOGIN; CREATE ROLE pod_monitor LOGIN; CREATE ROLE a_reader LOGIN; CREATE ROLE nobody LOGIN');
sql(call('grant_access', @$_)) foreach [ 'a_monitor', 'monitor' ], [ 'pod_monitor', 'monitor', 'pod-3' ], [ 'a_reader', 'reader' ];
wait_until_idle($node);
test_counters_grow();
test_connections();
test_others();
test_levels();
test_contrib();
test_exporter();
$node->stop;

done_testing();
