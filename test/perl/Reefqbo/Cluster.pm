package Reefqbo::Cluster;

# A cluster with reefqbo in it, bound to a simulated QuickBooks, for TAP tests.
#
#   my $intuit = Reefqbo::Simulator->start;
#   my $node = reefqbo_cluster('main', $intuit);
#   $node->connect_company('Acme', 'sim-production', 'reef');
#   is(sql('SELECT status FROM reefqbo.connection_status'), 'connected');
#   is(sqlstate(call('refresh', 'Acme')), 'RQ001');
#
# What reefqbo_cluster returns is a PostgreSQL::Test::Cluster with a few
# methods more.  sql, sql_in, sqlstate and try ask the first that a test has
# made, or the one it has said with use_cluster.

use strict;
use warnings;

use parent qw(Exporter PostgreSQL::Test::Cluster);

use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

use Reefqbo::Simulator;

our @EXPORT = qw(reefqbo_cluster plain_cluster quote wait_until call use_cluster asked_cluster sql sql_in sqlstate try has_module);

# The one that sql and its like ask.
my $asked;

# The environments that every cluster of this module knows.
our %ENVIRONMENT = ('sim-production' => 'production', 'sim-sandbox' => 'sandbox');

# A running cluster with the extension and both environments.  Options:
# preload => 1 loads the library at start, proof_requests => 1 leaves it on that imports
# prove themselves by requests, side_by_side => 1 that a company is asked for several
# things at once, settings => text for postgresql.conf.
sub reefqbo_cluster
{
	my ($name, $intuit, %options) = @_;
	my $node = plain_cluster($name, %options, intuit => $intuit);

	$node->install_reefqbo('postgres');
	return $node;
}

# A running cluster without the extension, but with its settings.
sub plain_cluster
{
	my ($name, %options) = @_;
	my $node = bless PostgreSQL::Test::Cluster->new($name), __PACKAGE__;

	$node->{intuit} = $options{intuit};
	$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
	$node->_write_settings(%options);
	$node->start;
	$asked //= $node;
	return $node;
}

sub use_cluster { return $asked = $_[0] }

sub asked_cluster { return $asked }

# ---- asking ----

sub sql
{
	my ($query, $database) = @_;
	return $asked->safe_psql($database // 'postgres', $query);
}

sub sql_in { return sql(@_[ 1, 0 ]) }

# The error that a statement raises, as sqlstate_of has it; of SQLSTATE 'none' if it raises none.
sub try
{
	my ($query, $database) = @_;
	return $asked->sqlstate_of($query, dbname => $database // 'postgres')
	  // { sqlstate => 'none', message => '', detail => '', hint => '' };
}

sub sqlstate { return try(@_)->{sqlstate} }

# Whether the server has a contrib module.
sub has_module
{
	my ($module) = @_;
	my ($directory) = run_command([ 'pg_config', '--pkglibdir' ]);

	return -e "$directory/$module.so";
}

# ---- settings ----

sub set_option
{
	my ($node, $name, $value) = @_;

	$node->append_conf('postgresql.conf', "$name = " . quote($value));
	$node->reload if -e $node->data_dir . '/postmaster.pid';
	return;
}

sub _write_settings
{
	my ($node, %options) = @_;

	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'reefqbo'")
	  if $options{preload};
	$node->append_conf('postgresql.conf', "reefqbo.key_file = '" . $node->make_key_file . "'");
	$node->append_conf('postgresql.conf', "reefqbo.ca_file = '" . $node->intuit->ca_file . "'")
	  if $node->intuit;
	# Which kind of process wrote a line, and the SQLSTATE: tests look for both.
	$node->append_conf('postgresql.conf', q{log_line_prefix = '%m [%p] %b %e %q%a '});
	# Tests count requests; those that are about proof switch its own on.
	$node->append_conf('postgresql.conf', 'reefqbo.proof_requests = off') unless $options{proof_requests};
	# Tests tell in which order requests are made; side by side they come in any.
	$node->append_conf('postgresql.conf', 'reefqbo.max_requests_per_company = 1') unless $options{side_by_side};
	$node->append_conf('postgresql.conf', $options{settings}) if defined $options{settings};
}

# A key ring of one fresh key, readable by nobody else.  Returns its path.
sub make_key_file
{
	my ($node, $file) = @_;
	$file //= $node->basedir . '/reefqbo.key';

	open(my $random, '<:raw', '/dev/urandom') or die "could not open /dev/urandom: $!";
	read($random, my $key, 32) == 32 or die 'could not read /dev/urandom';
	append_to_file($file, 'k1:' . encode_base64($key, '') . "\n");
	chmod 0600, $file or die "could not chmod $file: $!";
	return $file;
}

sub intuit { return $_[0]{intuit} }

# The extension in a database, and the simulator's endpoints and apps in it.
sub install_reefqbo
{
	my ($node, $database) = @_;

	$node->safe_psql($database, 'CREATE EXTENSION reefqbo CASCADE');
	return unless $node->intuit;
	foreach my $environment (sort keys %ENVIRONMENT)
	{
		$node->safe_psql($database, $node->_environment_sql($environment));
	}
}

sub _environment_sql
{
	my ($node, $environment) = @_;
	my ($intuit, $kind) = ($node->intuit, $ENVIRONMENT{$environment});
	my $app = $Reefqbo::Simulator::APP{$kind};
	my $create = call('create_environment', $environment,
		\($kind eq 'sandbox' ? 'true' : 'false'),
		$intuit->authorize_url, $intuit->token_url, $intuit->revoke_url, $intuit->api_url($kind));
	my $register = call('register_app', $environment,
		$app->{id}, $app->{secret}, $Reefqbo::Simulator::REDIRECT_URI);

	return "$create;\n$register;";
}

# A call of one of reefqbo's functions.  undef is NULL, a reference is SQL that
# is taken as it stands, and all else is a literal.
sub call
{
	my ($function, @arguments) = @_;
	my $list = join ', ', map { ref $_ ? $$_ : quote($_) } @arguments;

	return "SELECT reefqbo.$function($list)";
}

sub quote
{
	my ($text) = @_;

	return 'NULL' unless defined $text;
	$text =~ s/'/''/g;
	return "'$text'";
}

# Bind a company to a model, from beginning to end, making the model (and the
# branch) if there is none.  Returns the address the browser came back to.
sub connect_company
{
	my ($node, $model, $environment, $company, $branch) = @_;

	$node->ensure_model($model, $environment, $branch);
	my $address = $node->safe_psql('postgres', call('connect', $model, $environment, $branch));
	my $back = $node->intuit->browse($address, company => $company);
	$node->safe_psql('postgres', call('complete_connection', $back));
	return $back;
}

# Sandbox companies belong to training models only.
sub ensure_model
{
	my ($node, $model, $environment, $branch) = @_;
	my $purpose = ($ENVIRONMENT{$environment} // '') eq 'sandbox' ? 'training' : 'production';

	$node->_create_unless_there(call('create_model', $model, $purpose));
	$node->_create_unless_there(call('create_branch', $model, $branch)) if defined $branch;
}

# Asking first would need to know how the tables are made.
sub _create_unless_there
{
	my ($node, $sql) = @_;
	my $error = $node->sqlstate_of($sql) or return;

	die "$sql: $error->{sqlstate} $error->{message}"
	  unless $error->{sqlstate} eq '23505' || $error->{sqlstate} eq '42710';
}

# What a query returns, or an empty text while the server is on its way down or up. psql may then end before it
# has read the query, which IPC::Run dies of.
sub answer
{
	my ($node, $sql) = @_;
	my ($status, $value) = eval { $node->psql('postgres', $sql) };

	return defined $status && $status == 0 ? $value : '';
}

# Until something is so; a test dies of waiting in vain.
sub wait_until
{
	my ($what, $condition) = @_;
	my $deadline = time() + 60;

	until ($condition->())
	{
		die "waited in vain until $what" if time() > $deadline;
		select undef, undef, undef, 0.02;
	}
	return;
}

# Until a fault that was queued for a company is met by a request of its.
sub wait_for_fault
{
	my ($node, $company, $kind) = @_;

	return wait_until("$company meets $kind", sub {
		return grep { ($_->{fault} // '') eq $kind } @{ $node->intuit->admin('log', { company => $company })->{log} };
	});
}

# Until the workers of these databases have begun after a moment and failed. Returns when the last has ended.
sub wait_for_failures
{
	my ($node, $since, @databases) = @_;
	my $of = 'FROM reefqbo.worker_status() WHERE database IN (' . join(', ', map { quote($_) } @databases) . ')';

	wait_until("workers fail in @databases", sub {
		return $node->safe_psql('postgres', "SELECT count(*) $of AND state = 'failing' AND last_began > '$since'") eq scalar @databases;
	});
	return $node->safe_psql('postgres', "SELECT max(last_ended) $of");
}

# Wait for a server that restarts by itself.
sub wait_until_up
{
	my ($node) = @_;

	for (1 .. 1200)
	{
		return if $node->answer('SELECT true') eq 't';
		select undef, undef, undef, 0.05;
	}
	die 'the server does not come back';
}

# The error that a statement raises, as { sqlstate, message, detail, hint,
# context, location }, or undef if it raises none.  Options: dbname, and those of
# PostgreSQL::Test::Cluster's psql.
sub sqlstate_of
{
	my ($node, $sql, %options) = @_;
	my $database = delete $options{dbname} // 'postgres';
	my ($status, undef, $stderr) =
	  $node->psql($database, "\\set VERBOSITY verbose\n$sql", on_error_die => 0, %options);

	return if $status == 0;
	return parse_error($stderr);
}

# Read psql's verbose form; a field may run over several lines.
sub parse_error
{
	my ($text) = @_;
	my %error = (sqlstate => '', message => $text, detail => undef, hint => undef);

	$text =~ s/\A.*^(?:psql:\S+: )?(?=(?:ERROR|FATAL|PANIC):  )//ms or return \%error;
	my (undef, %field) =
	  split /^(ERROR|FATAL|PANIC|DETAIL|HINT|QUERY|CONTEXT|STATEMENT|LOCATION|LINE \d+): +/m, $text;
	chomp %field;
	my ($first) = grep { defined } @field{qw(ERROR FATAL PANIC)};
	@error{qw(sqlstate message)} = $first =~ /\A(\w{5}): (.*)\z/s;
	@error{qw(detail hint context location)} = @field{qw(DETAIL HINT CONTEXT LOCATION)};
	return \%error;
}

1;
