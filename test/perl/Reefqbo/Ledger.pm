package Reefqbo::Ledger;

# What the simulator's ledger says beside what the tables hold, for TAP tests.
#
#   is_same($stored, $expected, $name);          # two hashes, both ways round
#   is(stored_lines($node, 'Acme'), ledger_lines($intuit, 'reef', $first, $last), $name);

use strict;
use warnings;

use Exporter qw(import);
use Test::More;

our @EXPORT = qw(plain is_same ledger_lines stored_lines);

# Amounts are compared as text, without the zeros at their end.
sub plain
{
	my ($amount) = @_;

	$amount =~ s/0+\z// if $amount =~ /\./;
	$amount =~ s/\.\z//;
	return $amount;
}

# What is only here, only there, or different: nothing of either side is left out.
sub is_same
{
	my ($got, $expected, $name) = @_;
	my %keys = (%$got, %$expected);
	my @wrong;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	foreach my $key (sort keys %keys)
	{
		my ($have, $want) = map { $_->{$key} // 'nothing' } ($got, $expected);
		push @wrong, "$key: $have, should be $want" if $have ne $want;
	}
	is(scalar @wrong, 0, $name) or diag(join("\n", grep { defined } @wrong[ 0 .. 9 ]));
}

# A line for each amount that is not 0, both statements, by accrual; twice would be two lines.
sub ledger_lines
{
	my ($intuit, $company, $first, $last) = @_;
	my @lines;

	foreach my $statement ('balance_sheet', 'profit_and_loss')
	{
		my $rows = $intuit->truth(company => $company, statement => $statement, method => 'Accrual',
			start => $first, end => $last)->{rows};
		push @lines, map { join '|', $statement, $_->{period_start}, $_->{account_id} // 'computed:NetIncome', plain($_->{amount}) } @$rows;
	}
	return join "\n", sort @lines;
}

# The same of what is stored of a model.
sub stored_lines
{
	my ($node, $model, $database) = @_;

	return join "\n", sort split /\n/, $node->safe_psql($database // 'postgres', <<"END");
SELECT statement, period_start, account_id, trim_scale(amount)
  FROM reefqbo.actual JOIN reefqbo.model m USING (model_id) WHERE m.name = '$model' AND amount <> 0
END
}

1;
