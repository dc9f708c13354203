# Groups that chance makes up tie, whatever they are made of: companies in several currencies and fiscal years, accounts mapped
# to any type and branch, lines without an account, entries between companies. Each statement is what an oracle works out of
# the books by the manual's rules (Reefqbo::MadeStatement), every figure of it; by account and by category it is the same; the
# parts sum to the whole; and what was shown before figures changed can be shown again.
#
# MADE_GROUPS says how many (by default 150), MADE_GROUPS_SEED of which seed; both are printed. MADE_GROUPS_WHOLE=1 asks everything of
# each: otherwise each is asked a part, and all of them everything.

use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use Reefqbo::Cluster;
use Reefqbo::MadeGroup;
use Reefqbo::MadeStatement;

my $COUNT = $ENV{MADE_GROUPS} // 150;
my $SEED = $ENV{MADE_GROUPS_SEED} // 20261128;
my $WHOLE = $ENV{MADE_GROUPS_WHOLE};
# So many are asked about in one session.
my $BATCH = 20;

note("MADE_GROUPS=$COUNT MADE_GROUPS_SEED=$SEED");
my $node = plain_cluster('made', settings => "fsync = off\n");
$node->install_reefqbo('postgres');

my (%wrong, %looked);

# ---- questions ----

# The lines of a statement that are looked at, by the place that the oracle calls them by.
my %PLACE = (
	account => q{CASE WHEN s.kind IN ('account', 'computed') AND s.account_id IS NOT NULL THEN s.connection_id || ' ' || s.account_id
		WHEN btrim(s.label) ~ '^Eliminations' AND s.kind = 'computed' THEN 'eliminated ' || coalesce(substring(s.label FROM '[(](.*)[)]'), 'Equity')
		WHEN s.connection_id IS NULL AND s.account_id IS NULL AND s.kind IN ('total', 'computed') THEN 'line ' || btrim(s.label) END},
	category => q{CASE WHEN (s.depth = 0 OR s.label IN ('  Net Income', '  Exchange Losses')) AND s.kind IN ('total', 'computed') THEN 'line ' || btrim(s.label) END});

sub question
{
	my ($tag, $group, $branch, $statement, $by, $frequency, $first, $last, $more) = @_;
	my $arguments = "'$group->{name}', '$statement', '$first', '$last'::date - 1, '$frequency', '$by', branch => 'Branch $branch'" . ($more // '');

	return "SELECT '$tag', s.period_start, $PLACE{$by} AS place, s.amount, s.previous_period FROM reefqbo.statement($arguments) s WHERE s.amount IS NOT NULL AND ($PLACE{$by}) IS NOT NULL;";
}

my %FREQUENCY = (month => 1, quarter => 3);
my @STATEMENTS = map { my $statement = $_; map { [ $statement, $_ ] } 'account', 'category' } 'profit_and_loss', 'balance_sheet', 'cash_flow';

# Each group as a whole and one branch of it, by month or by quarter, also beyond the months that are known.
sub questions_about
{
	my ($group) = @_;
	my @branches = grep { @{ scope_of($group, $_)->{companies} } } sort keys %{ $group->{branches} };
	my %asked = map { $_ => 1 } grep { defined } (grep { $_ == 1 } @branches), $branches[ $group->{id} % @branches ];
	my @asked;

	foreach my $branch (sort keys %asked)
	{
		my $scope = scope_of($group, $branch);
		my @known = common_months($group, $scope) or next;
		my $frequency = $group->{id} % 3 ? 'month' : 'quarter';
		my ($first, $last) = ($known[0] - $group->{id} % 2, $known[-1] + $group->{id} % 3 - 1);
		$last = $first if $last < $first;
		push @asked, { branch => $branch, scope => $scope, frequency => $frequency, first => $first, last => $last,
			statements => [ asked_of($group, $branch) ] };
	}
	return @asked;
}

# Of a whole group one statement in both ways, of a branch one of all.
sub asked_of
{
	my ($group, $branch) = @_;
	my $number = $group->{id};

	return $WHOLE ? @STATEMENTS : $branch == 1 ? @STATEMENTS[ $number % 3 * 2, $number % 3 * 2 + 1 ] : $STATEMENTS[ $number % 6 ];
}

# Whether a group is asked a question that only every so many are.
sub is_turn { my ($group, $every, $turn) = @_; return $WHOLE || $group->{id} % $every == ($turn // 0) }

sub changes { return is_turn($_[0], 5) }

sub sql_of
{
	my ($group, $asked, $when, $more) = @_;

	return map { my ($statement, $by) = @$_;
		question(join('/', $when, $group->{id}, $asked->{branch}, $statement, $by), $group, $asked->{branch}, $statement, $by, $asked->{frequency}, month_at($asked->{first}), month_at($asked->{last} + 1), $more) } @{ $asked->{statements} };
}

sub other_sql
{
	my ($group, $asked) = @_;
	my ($month) = reverse common_months($group, $asked->{scope});
	my $tag = "$group->{id}/$asked->{branch}";
	my $branch = "branch => 'Branch $asked->{branch}'";
	my $range = sprintf q{'%s', '%s'::date - 1}, month_at($asked->{first}), month_at($asked->{last} + 1);

	return ((is_turn($group, 2) ? "SELECT 'trial/$tag', period_end, connection_id || ' ' || account_id, coalesce(debit, -credit), '' FROM reefqbo.trial_balance('$group->{name}', '" . month_at($month) . "', $branch) WHERE account_id IS NOT NULL AND coalesce(debit, credit) IS NOT NULL;" : ()),
		(is_turn($group, 5, 1) ? "SELECT 'total/$tag', period_end, 'Total', debit - credit, '' FROM reefqbo.trial_balance('$group->{name}', '" . month_at($month) . "', $branch) WHERE label = 'Total' AND account_id IS NULL;" : ()),
		(map { side_sql($group, $asked, $_), to_date_sql($group, $asked, $_) } @{ $asked->{statements} }),
		map { "SELECT 'parts/$tag/$_', period, label, amount, '' FROM reefqbo.reconcile('$group->{name}', '$_', $range, '$asked->{frequency}', $branch) WHERE part = 'Difference';" } grep { is_turn($group, 9, { profit_and_loss => 0, balance_sheet => 3, cash_flow => 6 }->{$_}) } 'profit_and_loss', 'balance_sheet', 'cash_flow');
}

# Companies side by side, and the columns until the end of a period.
sub side_sql
{
	my ($group, $asked, $one) = @_;
	my ($statement, $by) = @$one;
	return () unless is_turn($group, 4);
	my $tag = join '/', 'side', $group->{id}, $asked->{branch}, $statement, $by;

	return sprintf "SELECT '$tag', period_start, coalesce(connection_id::text, part) || ' line ' || btrim(label), amount, '' FROM reefqbo.statement_by_company('$group->{name}', '$statement', '%s', '%s'::date - 1, '$asked->{frequency}', '$by', branch => 'Branch $asked->{branch}') WHERE depth <= 1 AND kind IN ('total', 'computed') AND account_id IS NULL;",
	  month_at($asked->{first}), month_at($asked->{last} + 1);
}

sub to_date_sql
{
	my ($group, $asked, $one) = @_;
	my ($statement, $by) = @$one;
	return () unless is_turn($group, 4, 1) && $statement ne 'balance_sheet';

	return map { my $column = $_;
		sprintf "SELECT '%s', s.period_start, $PLACE{$by} AS place, s.$column, '' FROM reefqbo.statement('$group->{name}', '$statement', '%s', '%s'::date - 1, '$asked->{frequency}', '$by', branch => 'Branch $asked->{branch}', to_date => true) s WHERE s.$column IS NOT NULL AND ($PLACE{$by}) IS NOT NULL;",
		  join('/', $column, $group->{id}, $asked->{branch}, $statement, $by), month_at($asked->{first}), month_at($asked->{last} + 1) } 'year_to_date', 'previous_year_to_date', 'trailing_twelve_months';
}

# ---- answers ----

# { tag => { period => { place => amount } } }
sub answers
{
	my (@sql) = @_;
	my ($out, $err);
	my %answer;

	$node->psql('postgres', join("\n", 'SET client_min_messages = error;', @sql), stdout => \$out, stderr => \$err, on_error_stop => 0, timeout => 600);
	foreach my $line (split /\n/, $out)
	{
		my ($tag, $period, $place, $amount, $before) = split /\|/, $line, -1;
		($answer{$tag}{$period}{$place}, $answer{"$tag before"}{$period}{$place}) = ($amount, $before);
	}
	fault('no error', join "\n", grep { /ERROR/ } split /\n/, $err) if $err =~ /ERROR/;
	return \%answer;
}

sub fault
{
	my ($kind, $text) = @_;

	push @{ $wrong{$kind} }, $text;
	return;
}

# Both ways round: what is shown is right, and what there is is shown.
sub compare
{
	my ($kind, $tag, $group, $shown, $expected) = @_;

	foreach my $period (sort keys %{ { %$shown, %$expected } })
	{
		my ($have, $want) = map { $_->{$period} } $shown, $expected;
		fault($kind, "$tag $period: " . ($have ? 'is shown' : 'is not shown')) if !$have != !$want;
		next unless $have && $want;
		foreach my $place (keys %{ { %$have, %$want } })
		{
			# not every line is one of the oracle's
			next if $place =~ /^line / && !exists $want->{$place};
			my $right = in_words($want->{$place} // 0, $group->{currency});
			my $is = $have->{$place} // in_words(0, $group->{currency});
			$looked{$kind}++;
			fault($kind, "$tag $period $place: $is, should be $right") if $is ne $right;
		}
	}
	return;
}

# Without the lines that only some books have.
sub only { my ($cells, $wanted) = @_; return { map { my $p = $_; ($p => { map { ($_ => $cells->{$p}{$_}) } grep { /$wanted/ } keys %{ $cells->{$p} } }) } keys %$cells } }

sub look_at
{
	my ($group, $asked, $when, $answer) = @_;

	foreach my $one (@{ $asked->{statements} })
	{
		my ($statement, $by) = @$one;
		my $tag = join '/', $when, $group->{id}, $asked->{branch}, $statement, $by;
		my @periods = periods_of($group, $asked->{scope}, $statement, $FREQUENCY{ $asked->{frequency} }, $asked->{first}, $asked->{last});
		my $cells = cells_of($group, $asked->{scope}, $statement, $by, @periods);
		$cells = only($cells, qr/^line /) if $by eq 'category';
		my $shown = $answer->{$tag} // {};
		# of a flow of cash, eliminations are told by the lines
		$shown = only($shown, qr/^(?!eliminated)/) if $statement eq 'cash_flow';
		compare("$statement by $by", $tag, $group, $shown, $cells);
	}
	return;
}

sub look_at_others
{
	my ($group, $asked, $answer) = @_;
	my ($month) = reverse common_months($group, $asked->{scope});
	my $tag = "$group->{id}/$asked->{branch}";
	my ($trial) = values %{ $answer->{"trial/$tag"} // {} };

	compare('trial balance', $tag, $group, { x => $trial // {} }, { x => trial_cells($group, $asked->{scope}, $month) }) if is_turn($group, 2);
	foreach my $kind (grep { m{^(?:parts|total)/\Q$tag\E(?:/[a-z_]*)?\z} } keys %$answer)
	{
		foreach my $period (keys %{ $answer->{$kind} })
		{
			$looked{ $kind =~ s{/.*}{}r }++;
			fault('what is left over', "$kind $period $_: $answer->{$kind}{$period}{$_}") foreach grep { $answer->{$kind}{$period}{$_} != 0 } keys %{ $answer->{$kind}{$period} };
		}
	}
	return;
}

# What each company is in the lines of a statement, the eliminations, and all together.
sub look_at_sides
{
	my ($group, $asked, $answer) = @_;
	my ($scope, %plain) = ($asked->{scope}, %$group);

	return unless is_turn($group, 4);
	$plain{eliminations} = [];
	foreach my $one (@{ $asked->{statements} })
	{
		my ($statement, $by) = @$one;
		my @periods = periods_of($group, $scope, $statement, $FREQUENCY{ $asked->{frequency} }, $asked->{first}, $asked->{last});
		my %part = (Total => cells_of($group, $scope, $statement, $by, @periods), Eliminations => cells_of($group, { %$scope, companies => [] }, $statement, $by, @periods),
			map { ($_->{id} => cells_of(\%plain, { %$scope, companies => [$_] }, $statement, $by, @periods)) } @{ $scope->{companies} });
		my (%expected, %shown);
		my $tag = join '/', 'side', $group->{id}, $asked->{branch}, $statement, $by;
		foreach my $part (keys %part)
		{
			foreach my $period (keys %{ $part{$part} })
			{
				$expected{$period}{"$part $_"} = $part{$part}{$period}{$_} foreach grep { exists $answer->{$tag}{$period}{"Total $_"} } grep { /^line / } keys %{ $part{Total}{$period} };
			}
		}
		foreach my $period (keys %{ $answer->{$tag} // {} })
		{
			$shown{$period} = { map { ($_ => $answer->{$tag}{$period}{$_}) } grep { $expected{$period} && exists $expected{$period}{$_} } keys %{ $answer->{$tag}{$period} } };
		}
		compare('side by side', $tag, $group, \%shown, \%expected);
	}
	return;
}

# Those of a year of the calendar, of the like part of the one before, and of twelve months: where all of them are known.
sub months_to_date
{
	my ($column, $last) = @_;

	return $column eq 'trailing_twelve_months' ? $last - 11 .. $last
	  : $column eq 'year_to_date' ? $last - $last % 12 .. $last : $last - 12 - $last % 12 .. $last - 12;
}

sub look_at_dates
{
	my ($group, $asked, $answer) = @_;
	my %known = map { $_ => 1 } common_months($group, $asked->{scope});

	return unless is_turn($group, 4, 1);
	foreach my $one (grep { $_->[0] ne 'balance_sheet' } @{ $asked->{statements} })
	{
		my ($statement, $by) = @$one;
		foreach my $column ('year_to_date', 'previous_year_to_date', 'trailing_twelve_months')
		{
			my %expected;
			foreach my $period (periods_of($group, $asked->{scope}, $statement, $FREQUENCY{ $asked->{frequency} }, $asked->{first}, $asked->{last}))
			{
				my @months = months_to_date($column, $period->[-1]);
				next if grep { !$known{$_} } @months, $statement eq 'cash_flow' ? $months[0] - 1 : ();
				next if $statement eq 'cash_flow' && grep { my $one = $_; grep { $_ == $one } @months } unknown_openings($group, $asked->{scope});
				($expected{ month_at($period->[0]) }) = values %{ cells_of($group, $asked->{scope}, $statement, $by, \@months) };
			}
			my $tag = join '/', $column, $group->{id}, $asked->{branch}, $statement, $by;
			my $shown = only($answer->{$tag} // {}, $statement eq 'cash_flow' ? qr/^(?!eliminated)/ : qr/./);
			compare($column, $tag, $group, $shown, $by eq 'category' ? only(\%expected, qr/^line /) : \%expected);
		}
	}
	return;
}

# By account and by category the statement's own totals are one.
sub look_at_both
{
	my ($group, $asked, $answer) = @_;

	foreach my $statement ('profit_and_loss', 'cash_flow')
	{
		my ($one, $other) = map { $answer->{"now/$group->{id}/$asked->{branch}/$statement/$_"} // {} } 'account', 'category';
		my $complete = !grep { !defined $_->{mapped} && $_->{id} ne 'computed:NetIncome' } map { values %{ $_->{accounts} } } @{ $asked->{scope}{companies} };
		my @lines = map { "line $_" } 'Net Income', 'EBITDA', 'EBIT', 'Profit before Tax', 'Cash at End of Period', 'Net Cash from Operating Activities', $complete ? 'Net Operating Income' : ();
		next unless grep({ $_->[0] eq $statement } @{ $asked->{statements} }) == 2;
		foreach my $period (keys %$one)
		{
			foreach my $line (grep { exists $one->{$period}{$_} } @lines)
			{
				$looked{both}++;
				fault('by account equals by category', "$group->{id}/$asked->{branch} $statement $period $line: $one->{$period}{$line} and " . ($other->{$period}{$line} // 'nothing'))
				  if $one->{$period}{$line} ne ($other->{$period}{$line} // '');
			}
		}
	}
	return;
}

# ---- the run ----

sub run_batch
{
	my (@numbers) = @_;
	my @groups = map { make_group($_, $SEED) } @numbers;
	my %asked = map { $_->{id} => [ questions_about($_) ] } @groups;
	my $before = answers((map { group_sql($_) } @groups), 'ANALYZE;', map { my $group = $_; map { (sql_of($group, $_, 'now'), other_sql($group, $_)) } @{ $asked{ $group->{id} } } } @groups);

	foreach my $group (@groups)
	{
		foreach my $asked (@{ $asked{ $group->{id} } })
		{
			look_at($group, $asked, 'now', $before);
			look_at_others($group, $asked, $before);
			look_at_both($group, $asked, $before);
			look_at_sides($group, $asked, $before);
			look_at_dates($group, $asked, $before);
		}
	}
	my @changed = grep { changes($_) } @groups;
	my @changes = map { (restate($_), change_facts($_)) } @changed;
	# where all has moved elsewhere there is nothing to ask for but what there was
	my %is_left = map { my $group = $_; map { my $scope = scope_of($group, $_->{branch}); my @known = @{ $scope->{companies} } ? common_months($group, $scope) : (); @known ? ("$group->{id}/$_->{branch}" => $scope) : () } @{ $asked{ $group->{id} } } } @changed;
	my $after = answers(@changes, map { my $group = $_; map { (sql_of($group, $_, 'then', ", as_of => '2026-02-01'"), $is_left{"$group->{id}/$_->{branch}"} ? sql_of($group, $_, 'after') : ()) } @{ $asked{ $group->{id} } } } @changed);
	foreach my $group (@changed)
	{
		foreach my $asked (@{ $asked{ $group->{id} } })
		{
			my $scope = $is_left{"$group->{id}/$asked->{branch}"};
			look_at($group, { %$asked, scope => $scope }, 'after', $after) if $scope;
			foreach my $tag (grep { m{^now/$group->{id}/$asked->{branch}/} } keys %$before)
			{
				$looked{then}++;
				my ($then, $now) = map { my $cells = $_; join "\n", map { my $p = $_; map { "$p $_ $cells->{$p}{$_}" } grep { $cells->{$p}{$_} ne '' && $cells->{$p}{$_} != 0 } sort keys %{ $cells->{$p} } } sort keys %$cells }
				  $after->{ $tag =~ s/^now/then/r } // {}, $before->{$tag};
				fault('what was shown then', "$tag:\n$then\ninstead of\n$now") if $then ne $now;
			}
		}
	}
	return;
}

for (my $number = 1; $number <= $COUNT; $number += $BATCH)
{
	run_batch($number .. ($number + $BATCH - 1 > $COUNT ? $COUNT : $number + $BATCH - 1));
}
foreach my $kind ('no error', (map { "$_->[0] by $_->[1]" } @STATEMENTS), 'trial balance', 'what is left over', 'by account equals by category', 'what was shown then', 'side by side', 'year_to_date',
	'previous_year_to_date', 'trailing_twelve_months')
{
	my @wrong = @{ $wrong{$kind} // [] };
	is(scalar @wrong, 0, "$COUNT groups, $kind" . ($looked{$kind} ? ": $looked{$kind} figures" : '')) or diag(join "\n", "seed $SEED", grep { defined } @wrong[ 0 .. 9 ]);
}
cmp_ok($looked{$_} // 0, '>=', $COUNT / 4, "much was looked at of $_") foreach 'both', 'parts', 'then', 'side by side', 'year_to_date', 'trial balance', map { "$_->[0] by $_->[1]" } @STATEMENTS;
$node->stop;

done_testing();
