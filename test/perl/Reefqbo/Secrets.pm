package Reefqbo::Secrets;

# What must not be found anywhere, for TAP tests: every token that the simulator has handed out, the realm ids, the
# apps' client secrets and the keys, whole and in parts, in each form it could have been written down in.
#
#   my $search = make_search(secrets_of($intuit, [ slurp_file($ring) ], 'reef', 'pod-1'));
#   is($search->($text), '', 'no secret is in it');
#   is(search_files($search, $directory), '', 'nor in a file');

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use File::Find qw(find);
use MIME::Base64 qw(decode_base64 encode_base64);
use PostgreSQL::Test::Utils;

use Reefqbo::Simulator;

our @EXPORT = qw(tokens_of secrets_of make_search search_files);

# Pieces of a secret. A run of 24 characters of it is found, wherever it begins.
sub pieces_of
{
	my ($secret) = @_;
	my @pieces;

	for (my $at = 0; $at == 0 || $at + 16 <= length $secret; $at += 8)
	{
		my $piece = substr $secret, $at, 16;
		push @pieces, $piece, unpack('H*', $piece), uc unpack('H*', $piece);
		push @pieces, map { encode_base64(substr($piece, $_, 12), '') } grep { length $piece >= $_ + 12 } 0 .. 2;
	}
	return @pieces;
}

# The part of a token that no other has.
sub random_part
{
	my ($token) = @_;

	$token =~ s/\AeyJ.*?\.\.//;
	$token =~ s/\ART1-\d+-H0-\d{10}//;
	return $token;
}

# Every code and token that was handed out for a company.
sub tokens_of
{
	my ($intuit, $company) = @_;
	my $tokens = $intuit->admin('tokens', { company => $company });
	my @tokens = map { @{ $tokens->{$_} } } qw(codes access_tokens refresh_tokens);

	croak "there are no tokens of $company to search for" if @tokens < 3;
	return @tokens;
}

# Which piece belongs to what. rings: the texts of key rings.
sub secrets_of
{
	my ($intuit, $rings, @companies) = @_;
	my %realm = map { $_->{key} => $_->{realm} } @{ $intuit->admin('companies')->{companies} };
	my @keys = map { /^[^:\n]+:(\S+)/mg } @$rings or croak 'there is no key to search for';
	my %pieces;

	foreach my $company (@companies)
	{
		$pieces{$_} = "a token of $company" foreach map { pieces_of(random_part($_)) } tokens_of($intuit, $company);
		$pieces{$_} = "the realm id of $company" foreach pieces_of($realm{$company} // sprintf '93417%011d', $company =~ /(\d+)/);
	}
	$pieces{$_} = 'the key' foreach map { pieces_of($_) } map { ($_, decode_base64($_)) } @keys;
	$pieces{$_} = 'a client secret' foreach qw(prod-secret dev-secret), map { pieces_of(encode_base64("$_-client:$_-secret", '')) } qw(prod dev);
	return \%pieces;
}

# A function that names what it finds in a text. Of too many words at a time Perl makes no trie, and tries one after the other.
sub make_search
{
	my ($pieces) = @_;
	my @pieces = map { quotemeta } sort keys %$pieces;
	my @regexes;

	while (my @some = splice @pieces, 0, 2000)
	{
		my $any = join '|', @some;
		push @regexes, qr/($any)/;
	}
	return sub {
		my ($text) = @_;
		my %found;
		foreach my $regex (@regexes)
		{
			$found{ $pieces->{$1} } = $1 while $text =~ /$regex/g;
		}
		return join ', ', map { "$_ ($found{$_})" } sort keys %found;
	};
}

# What is found in the files of a directory, and in which.
sub search_files
{
	my ($search, $directory) = @_;
	my %found;

	find({ no_chdir => 1, wanted => sub {
		return unless -f && -s;
		my $found = $search->(slurp_file($_));
		$found{$found} = $File::Find::name if $found ne '';
	} }, $directory);
	return join '; ', map { "$_ in $found{$_}" } sort keys %found;
}

1;
