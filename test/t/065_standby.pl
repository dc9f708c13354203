# A standby asks QuickBooks nothing until it is promoted, and then goes on where the primary was; a copy without
# the key asks nothing at all. However often primary and standby change places, the grants live.
#
# The days that pass are days of reefqbo.clock_offset and of the simulator's clock.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::Ledger;
use Reefqbo::Simulator;

my $DAY = 86400;
my @COMPANIES = ('pod-1', 'pod-2', 'pod-3');

my $INTUIT = Reefqbo::Simulator->start(no_throttle => undef);
my $offset = 0;
my $first;

# ---- servers ----

sub pass_day
{
	my (@nodes) = @_;

	$INTUIT->admin('clock', { advance_seconds => $DAY });
	$offset += $DAY;
	$_->set_option('reefqbo.clock_offset', "${offset}s") foreach @nodes;
}

# A server made of another one's backup, not started.
sub copy_of
{
	my ($node, $name, %options) = @_;
	my $copy = bless PostgreSQL::Test::Cluster->new($name), 'Reefqbo::Cluster';

	$node->backup($name);
	$copy->init_from_backup($node, $name, %options);
	return $copy;
}

# A model for each company, which is called like it and asked for changes once a day.
sub connect_all
{
	my ($node) = @_;

	foreach my $company (@COMPANIES)
	{
		$node->connect_company($company, 'sim-production', $company);
		$node->safe_psql('postgres', "SELECT reefqbo.set_schedule('$company', refresh_every => '1 day')");
		my (undef, $last) = range_of($node);
		$node->safe_psql('postgres', "SELECT FROM reefqbo.import_actuals('$company', '$first', '$last')");
	}
}

# ---- what the ledger says, and what is stored ----

# A year up to the present month, on the moved clock; once set, the beginning stays.
sub range_of
{
	my ($node) = @_;
	my ($from, $last) = split /\|/, $node->safe_psql('postgres', <<'END');
SELECT (m - interval '11 months')::date, (m + interval '1 month')::date - 1 FROM date_trunc('month', reefqbo._now()) m
END

	$first //= $from;
	return ($first, $last);
}

# A sale of 10.00 in the present month.
sub change_books
{
	my ($node, $company) = @_;
	my (undef, $last) = range_of($node);
	my $accounts = $INTUIT->admin('accounts', { company => $company })->{accounts};
	my ($bank) = grep { $_->{type} eq 'Bank' } @$accounts;
	my ($sales) = grep { $_->{type} eq 'Income' } @$accounts;

	$INTUIT->admin('post', { company => $company, date => $last =~ s/\d\d\z/01/r,
		lines => [ { account => $bank->{id}, amount => '10.00' }, { account => $sales->{id}, amount => '-10.00' } ] });
}

# Of all companies.
sub truth_holds
{
	my ($node, $name) = @_;
	my ($from, $last) = range_of($node);
	my $expected = join "\n", map { ledger_lines($INTUIT, $_, $from, $last) } @COMPANIES;

	die 'the ledgers are empty' unless length $expected > 3000;
	is(join("\n", map { stored_lines($node, $_) } @COMPANIES), $expected, "$name: the figures are those of the ledger");
}

sub last_success
{
	my ($node) = @_;

	return $node->safe_psql('postgres', q{SELECT COALESCE(max(last_success), '-infinity') FROM reefqbo.upkeep_status});
}

sub wait_for_refreshes
{
	my ($node, $since) = @_;

	wait_until('all are refreshed', sub {
		return $node->safe_psql('postgres', "SELECT count(*) FROM reefqbo.upkeep_status WHERE last_success > '$since'") eq scalar @COMPANIES;
	});
}

# ---- what QuickBooks was asked ----

sub requests { return @{ $INTUIT->admin('log')->{log} } }

sub is_not_asked
{
	my ($name) = @_;

	is(join(' ', map { "$_->{method} $_->{path}" } requests()), '', "$name: QuickBooks is asked nothing");
}

# ---- the server's log ----

# All that it says of reefqbo, but what was sent to it, or set, and where its sockets are: below a directory of that name.
sub log_of
{
	my ($node) = @_;
	my @lines = grep { /\A\d{4}-/ && /reefqbo|HINT: / && !/LOG:  (?:statement: |parameter "reefqbo)|on (?:Unix )?socket "/ }
	  split /\n/, slurp_file($node->logfile);

	return join "\n", sort map { s/^.*?(?=(?:DEBUG\d|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|CONTEXT):)//r } @lines;
}

# ---- primary and standby ----

sub is_quiet
{
	my ($node, $name) = @_;

	is($node->safe_psql('postgres', q{SELECT count(*) FROM reefqbo.worker_status() WHERE pid IS NOT NULL OR database IS NOT NULL}), 0,
		"$name: worker_status knows of no process");
	is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'reefqbo'}), 0, "$name: there is none");
}

sub test_standby
{
	my ($primary, $standby) = @_;
	my $before = last_success($primary);

	change_books($primary, $_) foreach @COMPANIES;
	pass_day($primary, $standby);
	wait_for_refreshes($primary, $before);
	$primary->wait_for_catchup($standby);
	truth_holds($standby, 'a standby');
	is_quiet($standby, 'a standby');
	is(log_of($standby), '', 'a standby: its log says nothing of it');
	is($standby->sqlstate_of(q{SELECT FROM reefqbo.refresh('pod-1')})->{sqlstate}, '25006', 'a standby: nor can it be told to ask');
}

sub count_tokens
{
	return map { $INTUIT->admin('tokens', { company => $_ })->{counts}{refresh_tokens} } @COMPANIES;
}

# The primary is stopped, all companies become due, and the standby takes its place.
sub switch_over
{
	my ($old, $new, $name) = @_;
	my @tokens = count_tokens();
	my $before = last_success($old);

	$old->stop('fast');
	change_books($new, $_) foreach @COMPANIES;
	my $log = log_of($new);
	$INTUIT->admin('log_clear');
	pass_day($old, $new);
	is_quiet($new, "$name, before it is promoted");
	is(log_of($new), $log, "$name, before it is promoted: its log says nothing of it");
	is_not_asked("$name, before it is promoted");
	$new->promote;
	wait_for_refreshes($new, $before);
	truth_holds($new, "$name, promoted");
	is(join(' ', count_tokens()), join(' ', map { $_ + 1 } @tokens), "$name, promoted: each grant was refreshed, once");
	is(join(' ', map { $_->{status} } grep { $_->{endpoint} eq 'token' } requests()), '200 200 200', "$name, promoted: at the first try");

	$old->enable_streaming($new);
	$old->start;
	$new->wait_for_catchup($old);
}

sub grants_live
{
	my ($node) = @_;

	is($node->safe_psql('postgres', 'SELECT DISTINCT status FROM reefqbo.connection_status'), 'connected', 'in the end every connection is connected');
	is(join(' ', map { scalar @{ $INTUIT->admin('tokens', { company => $_ })->{living_refresh} } } @COMPANIES), '1 1 1', 'every grant lives');
	$INTUIT->admin('expire_access', { company => $_ }) foreach @COMPANIES;
	$INTUIT->admin('log_clear');
	change_books($node, $_) foreach @COMPANIES;
	is($node->sqlstate_of("SELECT FROM reefqbo.refresh('$_')"), undef, "$_ can be refreshed") foreach @COMPANIES;
	truth_holds($node, 'refreshed');
	is(join(' ', map { $_->{status} } grep { $_->{endpoint} eq 'token' } requests()), '200 200 200', 'with the token that the grant has now');
}

# ---- a copy without the key ----

# The same rows by way of pg_dump, in another database of the copy.
sub restore_dump
{
	my ($node) = @_;
	my $file = $node->basedir . '/dump.sql';

	$node->safe_psql('postgres', 'CREATE DATABASE restored');
	command_ok([ 'pg_dump', '--file', $file, $node->connstr('postgres') ], 'a copy can be dumped');
	command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, $node->connstr('restored') ], 'and restored');
}

sub test_copy
{
	my ($node) = @_;
	my $copy = copy_of($node, 'copy');
	my $key = $copy->basedir . '/no.key';

	$INTUIT->admin('log_clear');
	$copy->set_option('reefqbo.databases', '');
	$copy->set_option('reefqbo.key_file', $key);
	$copy->set_option('reefqbo.clock_offset', ($offset + $DAY) . 's');
	$copy->start;
	restore_dump($copy);
	$copy->set_option('reefqbo.databases', 'postgres, restored');
	my $since = $copy->wait_for_failures('-infinity', 'postgres', 'restored');
	foreach (1 .. 3)
	{
		$copy->reload;
		$since = $copy->wait_for_failures($since, 'postgres', 'restored');
	}
	is(log_of($copy), join("\n", (qq{DETAIL:  reefqbo.key_file is "$key".}) x 2, ("HINT:  reefqbo.key_file must name a file that the server's own user can read.") x 2,
			map { qq{WARNING:  reefqbo cannot work in database "$_": could not open reefqbo.key_file: No such file or directory} } 'postgres', 'restored'),
		'a copy without the key: its log says so once for each database, however often it is tried');
	is($copy->safe_psql($_, 'SELECT count(*), sum(amount) FROM reefqbo.actual'), $node->safe_psql('postgres', 'SELECT count(*), sum(amount) FROM reefqbo.actual'),
		"a copy without the key: the figures are there, in $_") foreach 'postgres', 'restored';
	is($copy->safe_psql($_, 'SELECT DISTINCT status FROM reefqbo.connection_status'), 'connected',
		"a copy without the key: no connection is judged by it, in $_") foreach 'postgres', 'restored';
	is_not_asked('a copy without the key');
	$copy->stop;
}

my $one = reefqbo_cluster('one', $INTUIT, preload => 1,
	settings => "wal_level = replica\nmax_wal_senders = 5\nhot_standby = on\nreefqbo.databases = ''");
connect_all($one);
$one->set_option('reefqbo.databases', 'postgres');
my $two = copy_of($one, 'two', has_streaming => 1);
$two->start;
test_standby($one, $two);
switch_over($one, $two, 'a standby');
switch_over($two, $one, 'the primary of before');
switch_over($one, $two, 'the standby of before');
switch_over($two, $one, 'the primary again');
test_copy($one);
grants_live($one);

$two->stop;
$one->stop;
$INTUIT->stop;
done_testing();
