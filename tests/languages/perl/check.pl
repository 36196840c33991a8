# Dies, as the client does on each answer: it takes a value without a type for an object of a class.
use strict;
use warnings;
use WWW::OpenAPIClient::ApiClient;
use WWW::OpenAPIClient::Configuration;

my $client = WWW::OpenAPIClient::ApiClient->new(WWW::OpenAPIClient::Configuration->new());
my $read = $client->deserialize('AssemblyStatus', '{"ok":"ASSEMBLY_EXECUTING"}');
print $read->ok, "\n";
$client->deserialize('AssemblyStatus', '{"ok":"ASSEMBLY_EXECUTING","http_code":200}');
