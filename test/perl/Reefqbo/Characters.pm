package Reefqbo::Characters;

# sql for tests whose texts are characters, as those of JSON are, and not bytes.

use strict;
use warnings;

use Encode qw(decode_utf8 encode_utf8);
use Exporter qw(import);

use Reefqbo::Cluster ();

our @EXPORT_OK = qw(sql);

sub sql
{
	my ($query, @database) = @_;
	return decode_utf8(Reefqbo::Cluster::sql(encode_utf8($query), @database));
}

1;
