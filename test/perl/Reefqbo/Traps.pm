package Reefqbo::Traps;

# A schema full of traps, for TAP tests: operators, functions and tables named like those that statements like ours
# use. Each that is called draws a number from a sequence, which no ROLLBACK takes back.
#
#   lay_traps($node, 'evil');
#   $node->safe_psql('postgres', hostile('evil') . $query);
#   is(was_called($node, 'evil'), 'f', 'nothing of anybody else was called');
#
# A database other than postgres is the last argument of each.

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(lay_schema lay_traps lay_near_traps hostile was_called clear_traps);

sub run_in
{
	my ($node, $database, @sql) = @_;

	return $node->safe_psql($database // 'postgres', join ";\n", @sql);
}

# An empty schema, for everybody to fall into what is put there.
sub lay_schema
{
	my ($node, $schema, $database) = @_;

	run_in($node, $database, "CREATE SCHEMA $schema; GRANT USAGE ON SCHEMA $schema TO PUBLIC; CREATE SEQUENCE $schema.calls; GRANT ALL ON $schema.calls TO PUBLIC");
	return;
}

sub lay_traps
{
	my ($node, $schema, $database) = @_;

	lay_schema($node, $schema, $database);
	run_in($node, $database, functions($schema));
	run_in($node, $database, tables($schema));
	run_in($node, $database, operators($schema));
	return;
}

sub was_called { return run_in($_[0], $_[2], "SELECT is_called FROM $_[1].calls") }

sub clear_traps
{
	run_in($_[0], $_[2], "SELECT setval('$_[1].calls', 1, false)");
	return;
}

sub body
{
	my ($schema, $value) = @_;

	return "LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_catalog.nextval('$schema.calls'::pg_catalog.regclass); RETURN $value; END \$\$";
}

# Operators for every common type.
my @TYPES = qw(bigint integer text bytea date boolean numeric timestamptz name float8);
my @OPERATORS = ('=', '<>', '<', '>', '<=', '>=', '+', '-', '||');

sub operators
{
	my ($schema) = @_;
	my @sql;

	foreach my $type (@TYPES)
	{
		push @sql, "CREATE FUNCTION $schema.op($type, $type) RETURNS boolean " . body($schema, 'true');
		push @sql, map { "CREATE OPERATOR $schema.$_ (LEFTARG = $type, RIGHTARG = $type, FUNCTION = $schema.op)" } @OPERATORS;
	}
	return @sql;
}

# Operators that pg_catalog has for other types only: a better match than any of its own, wherever in the path they are.
my @NEAR = ([qw(date numeric)], [qw(date float8)], [qw(date interval)], [qw(interval integer)], [qw(interval bigint)], [qw(numeric integer)],
	[qw(integer numeric)], [qw(float8 integer)], [qw(integer float8)], [qw(bigint numeric)], [qw(timestamptz interval)], [qw(text name)],
	[qw(name text)], [qw(text[] text)], [qw(bigint[] bigint)], [qw(smallint numeric)], [qw(date timestamptz)], [qw(varchar text)]);

sub lay_near_traps
{
	my ($node, $schema, $database) = @_;
	my @sql;

	foreach my $pair (@NEAR)
	{
		my ($left, $right) = @$pair;

		push @sql, "CREATE FUNCTION $schema.near($left, $right) RETURNS $left " . body($schema, '$1'),
		  "CREATE FUNCTION $schema.is_near($left, $right) RETURNS boolean " . body($schema, 'true'),
		  map { "CREATE OPERATOR $schema.$_ (LEFTARG = $left, RIGHTARG = $right, FUNCTION = $schema." . (/[=<>]/ ? 'is_near' : 'near') . ')' }
		  @OPERATORS, '*', '/', '%';
	}
	return run_in($node, $database, @sql);
}

# Arguments, result and value of functions that statements like ours use.
my @FUNCTIONS = (
	[ 'now()', 'timestamptz', q{'infinity'} ], [ 'clock_timestamp()', 'timestamptz', q{'infinity'} ], [ 'format(text, text)', 'text', q{'evil'} ],
	[ 'format(text)', 'text', q{'evil'} ], [ 'lower(text)', 'text', q{'evil'} ],
	[ 'repeat(text, integer)', 'text', q{'evil'} ], [ 'length(text)', 'integer', '-1' ],
	[ 'unnest(bytea[])', 'bytea', q{'evil'} ], [ 'unnest(text[])', 'text', q{'evil'} ], [ 'unnest(bigint[])', 'bigint', '-1' ],
	[ 'date_trunc(text, timestamptz)', 'timestamptz', q{'infinity'} ], [ 'to_char(date, text)', 'text', q{'evil'} ],
	[ 'extract(text, date)', 'numeric', '-1' ], [ 'date_part(text, date)', 'double precision', '-1' ], [ 'abs(numeric)', 'numeric', '-1' ],
	[ 'generate_series(integer, integer)', 'integer', '-1' ], [ 'connect(text, text, text)', 'text', q{'evil'} ], [ 'nextval(regclass)', 'bigint', '-1' ],
	[ 'pg_has_role(oid, text)', 'boolean', 'true' ], [ 'row_security_active(regclass)', 'boolean', 'false' ], [ 'quote_ident(text)', 'text', q{'evil'} ],
	[ 'to_regrole(text)', 'regrole', '10' ], [ '_caller()', 'name', q{'evil'} ]);
my @AGGREGATES = ([ 'count(*)', 'bigint' ], [ 'sum(numeric)', 'numeric' ], [ 'max(date)', 'date' ],
	[ 'min(date)', 'date' ], [ 'bool_and(boolean)', 'boolean' ], [ 'array_agg(text)', 'text[]' ], [ 'string_agg(text, text)', 'text' ]);

sub functions
{
	my ($schema) = @_;
	my @sql = map { "CREATE FUNCTION $schema.$_->[0] RETURNS $_->[1] " . body($schema, $_->[2]) } @FUNCTIONS;

	foreach my $aggregate (@AGGREGATES)
	{
		my ($head, $result) = @$aggregate;
		my ($name, $arguments) = $head =~ /(\w+)\((.*)\)/;
		my $step = $arguments eq '*' ? $result : "$result, $arguments";
		push @sql, "CREATE FUNCTION $schema.step_$name($step) RETURNS $result " . body($schema, 'NULL'),
		  "CREATE AGGREGATE $schema.$head (SFUNC = $schema.step_$name, STYPE = $result)";
	}
	return @sql;
}

# Tables named like ours and like the catalogs we ask.
my @TABLES = qw(environment app model branch connection credential authorization_request import_log account imported_month actual _actual_year
	restatement connection_status access audit api_call schedule upkeep _my_model pg_class pg_extension pg_proc pg_roles pg_policy pg_namespace
	pg_timezone_names);

sub tables
{
	my ($schema) = @_;

	return "CREATE FUNCTION $schema.spring() RETURNS trigger " . body($schema, 'NULL'),
	  map { "CREATE TABLE $schema.$_ (model_id bigint, name text); GRANT ALL ON $schema.$_ TO PUBLIC" } @TABLES;
}

# What a hostile session does first: such tables of its own, each with a trigger, and the schema before all others.
sub hostile
{
	my ($schema) = @_;
	my @tables = map { "CREATE TEMPORARY TABLE $_ (model_id bigint, name text);"
		  . " CREATE TRIGGER spring BEFORE INSERT OR UPDATE OR DELETE ON pg_temp.$_ FOR EACH STATEMENT EXECUTE FUNCTION $schema.spring()" } @TABLES;

	return join('; ', @tables, "SET search_path = $schema, pg_temp, pg_catalog") . '; ';
}

1;
