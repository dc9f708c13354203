# Installing and removing the extension, and what it may and may not bring.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;

# Everything in a database that an extension could leave there.
my $CONTENTS = <<'END';
SELECT 'role ' || rolname FROM pg_roles
UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
UNION ALL SELECT 'relation ' || oid::regclass FROM pg_class
UNION ALL SELECT 'function ' || oid::regprocedure FROM pg_proc
UNION ALL SELECT 'type ' || oid::regtype FROM pg_type
UNION ALL SELECT 'extension ' || extname FROM pg_extension
UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
UNION ALL SELECT 'setting ' || setdatabase || ' ' || setrole FROM pg_db_role_setting
UNION ALL SELECT 'default privileges ' || oid FROM pg_default_acl
ORDER BY 1
END

# The extension's own functions and relations, for the checks below.
my $FUNCTIONS = <<'END';
SELECT p.oid, p.oid::regprocedure AS name, p.prosecdef, p.proconfig, p.prorettype
  FROM pg_depend d
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
  JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
 WHERE e.extname = 'reefqbo' AND d.deptype = 'e'
END
my $RELATIONS = <<'END';
SELECT c.oid, c.oid::regclass AS name, c.relkind
  FROM pg_depend d
  JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
  JOIN pg_class c ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
 WHERE e.extname = 'reefqbo' AND d.deptype = 'e'
END

# A query that finds offenders has to come back empty; what it found is shown.
sub finds_none
{
	my ($node, $query, $name) = @_;

	is($node->safe_psql('postgres', $query), '', $name);
}

sub test_create_and_drop
{
	my ($node) = @_;
	my $before = $node->safe_psql('postgres', $CONTENTS);

	$node->safe_psql('postgres', 'CREATE EXTENSION reefqbo CASCADE');
	is($node->safe_psql('postgres', q{SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1}),
		"pgcrypto\nreefqbo", 'CASCADE brings pgcrypto');
	$node->safe_psql('postgres', 'DROP EXTENSION reefqbo');
	$node->safe_psql('postgres', 'DROP EXTENSION pgcrypto');
	# Groups are roles, which other databases may use: they stay, and nothing depends on them.
	$node->safe_psql('postgres', 'DROP ROLE reefqbo_admin, reefqbo_operator, reefqbo_monitor, reefqbo_reader, reefqbo_webhook, reefqbo_all_models, reefqbo_all_operators');
	is($node->safe_psql('postgres', $CONTENTS), $before, 'DROP EXTENSION leaves nothing but the groups');

	$node->safe_psql('postgres', 'CREATE EXTENSION reefqbo CASCADE');
	pass('it can be created again');
}

sub test_second_database
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'CREATE DATABASE second');
	$node->safe_psql('second', 'CREATE EXTENSION reefqbo CASCADE');
	$node->safe_psql('second', q{SELECT reefqbo.create_model('Only in the second')});
	is($node->safe_psql('second', 'SELECT count(*) FROM reefqbo.model'), 1, 'a second database has its own');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.model'), 0, 'and the first sees nothing of it');
	$node->safe_psql('postgres', 'DROP DATABASE second');
}

sub test_refused_without_pgcrypto
{
	my ($node) = @_;

	$node->safe_psql('postgres', 'CREATE DATABASE bare');
	my $error = $node->sqlstate_of('CREATE EXTENSION reefqbo', dbname => 'bare');
	is($error->{sqlstate}, '42704', 'without CASCADE and pgcrypto it is refused');
	like($error->{hint}, qr/CASCADE/, 'with a hint');
	$node->safe_psql('postgres', 'DROP DATABASE bare');
}

# LOAD in a session stands for a function call; a preloaded library also gets
# its shared memory and its launcher.
sub test_loading
{
	my ($node) = @_;

	$node->safe_psql('postgres', q{LOAD 'reefqbo'});
	pass('the library loads in a session');
	is($node->safe_psql('postgres', 'SELECT count(*) FROM reefqbo.worker_status()'), 0, 'which has no worker to speak of');

	$node->append_conf('postgresql.conf', q{shared_preload_libraries = 'reefqbo'});
	$node->restart;
	is($node->safe_psql('postgres', 'SHOW shared_preload_libraries'), 'reefqbo', 'the library can be preloaded');
	is($node->safe_psql('postgres', q{LOAD 'reefqbo'; SELECT count(*) FROM reefqbo.model}),
		0, 'the extension works with the library preloaded');
	$node->safe_psql('postgres', 'CREATE DATABASE third');
	$node->safe_psql('third', 'CREATE EXTENSION reefqbo CASCADE; DROP EXTENSION reefqbo');
	pass('it can be created and dropped with the library preloaded');
}

sub test_comments
{
	my ($node) = @_;

	finds_none($node, "SELECT name FROM ($FUNCTIONS) f WHERE obj_description(oid, 'pg_proc') IS NULL",
		'every function has a comment');
	finds_none($node, <<"END", 'every table and view has a comment');
SELECT name FROM ($RELATIONS) r
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND obj_description(oid, 'pg_class') IS NULL
END
}

sub test_privileges
{
	my ($node) = @_;

	# Policies ask views and two functions, with the rights of whoever meets them.
	finds_none($node, <<"END", 'PUBLIC may execute no function, but ask which roles are its own, and which level includes which');
SELECT name FROM ($FUNCTIONS) f
 WHERE has_function_privilege('public', oid, 'EXECUTE')
   AND name NOT IN ('reefqbo._my_roles()'::regprocedure, 'reefqbo._levels_with(text)'::regprocedure)
END
	finds_none($node, <<"END", 'PUBLIC may do nothing with a table or view, but ask which models are its own');
SELECT name FROM ($RELATIONS) r
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND name NOT IN ('reefqbo._my_access', 'reefqbo._my_model', 'reefqbo._my_watch', 'reefqbo._my_work')
   AND (has_table_privilege('public', oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
     OR has_any_column_privilege('public', oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
END
	finds_none($node, <<"END", 'PUBLIC may do nothing with a sequence');
SELECT name FROM ($RELATIONS) r
 WHERE relkind = 'S'
   AND CASE relkind WHEN 'S' THEN has_sequence_privilege('public', oid, 'USAGE, SELECT, UPDATE') END
END
	finds_none($node, "SELECT 'reefqbo' WHERE has_schema_privilege('public', 'reefqbo', 'USAGE, CREATE')",
		'PUBLIC may not use the schema');
}

# A caller's search_path must not decide which function or table it finds.  An
# empty one, or one of pg_catalog first and pg_temp last.
sub test_security_definer
{
	my ($node) = @_;

	finds_none($node, <<"END", 'every SECURITY DEFINER function pins its search_path');
SELECT name FROM ($FUNCTIONS) f
 WHERE prosecdef
   AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%')
END
	finds_none($node, <<"END", 'and leaves nothing in it that others could write to');
SELECT name, c FROM ($FUNCTIONS) f, unnest(proconfig) c
 WHERE prosecdef AND c LIKE 'search_path=%' AND c ~ '(public|"\\\$user")'
END
}

# An object of that name made beforehand by somebody else would be taken over,
# and would keep its owner.
sub test_install_script
{
	my ($node) = @_;
	my ($stdout) = run_command([ 'pg_config', '--sharedir' ]);
	my $script = slurp_file("$stdout/extension/reefqbo--1.0.sql");

	unlike($script, qr/\bOR\s+REPLACE\b/i,      'the install script replaces nothing');
	unlike($script, qr/\bIF\s+NOT\s+EXISTS\b/i, 'the install script takes over nothing that is there');
	like($script, qr/^\\echo Use "CREATE EXTENSION reefqbo/m, 'psql refuses to run it as a file');
}

# It stands in the control file; t/109_shipping.pl looks at what others read it from.
sub test_one_version
{
	my ($node) = @_;
	my ($version) = slurp_file('reefqbo.control') =~ /^default_version = '(.+)'$/m;

	is($node->safe_psql('postgres', 'SELECT version FROM reefqbo._library()'), $version, 'the library is of the version of the control file');
}

# Pages are installed with what they link to.
sub test_pages
{
	my ($docdir) = run_command([ 'pg_config', '--docdir' ]);
	my $pages = "$docdir/extension/reefqbo";
	my @dead;

	for my $page (glob("$pages/*.md $pages/docs/*.md"))
	{
		my ($folder) = $page =~ m{^(.*)/};
		push @dead, map { "$page: $_" } grep { !-e "$folder/$_" } slurp_file($page) =~ /\]\((?!\w+:)([^)#]+)/g;
	}
	ok(-e "$pages/docs/install.md", 'the manual is installed');
	is_deeply(\@dead, [], 'and no link in it is dead');
}

my $node = plain_cluster('install');
test_install_script($node);
test_pages();
test_create_and_drop($node);
test_second_database($node);
test_refused_without_pgcrypto($node);
test_comments($node);
test_one_version($node);
test_privileges($node);
test_security_definer($node);
test_loading($node);
$node->stop;

done_testing();
