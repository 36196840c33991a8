<?php

declare(strict_types=1);

use GuzzleHttp\Client;
use OpenAPI\Client\Api\AssembliesApi;
use OpenAPI\Client\Api\AssemblyNotificationsApi;
use OpenAPI\Client\ApiException;
use OpenAPI\Client\Configuration;
use OpenAPI\Client\ObjectSerializer;

require '/usr/share/php/GuzzleHttp/autoload.php'; // Debian's; with Composer: vendor/autoload.php
require 'transloadit.php';
require 'vectors.php';
spl_autoload_register(function (string $class): void {
    require 'client/lib/' . str_replace(['OpenAPI\\Client\\', '\\'], ['', '/'], $class) . '.php';
});

$configuration = Configuration::getDefaultConfiguration()->setHost(getenv('TRANSLOADIT_ENDPOINT'));
$assemblies = new AssembliesApi(new Client(), $configuration);
$notifications = new AssemblyNotificationsApi(new Client(), $configuration);
$crashed = getenv('CRASHED_ASSEMBLY');
$signed = [];
$ready = function (array $params) use (&$signed): array {
    return $signed[] = sign($params, getenv('TRANSLOADIT_KEY'), getenv('TRANSLOADIT_SECRET'));
};

$read = fn (string $model) => fn ($body) => ObjectSerializer::deserialize($body, "OpenAPI\\Client\\Model\\$model");

[$params, $signature] = $ready([
    'template_id' => 'resize-to-fit',
    'fields' => ['caption' => 'Grüße, 日本 🎄'],
]);
$files = [new SplFileObject('one.txt', 'rb'), new SplFileObject('two.txt', 'rb')];
$created = $assemblies->createAssembly($params, $signature, files: $files);
$id = $created->getAssemblyId();
$status = $assemblies->getAssembly($id);
$uploads = array_map(fn ($file) => $file->getName(), $status->getUploads());
$cancelled = $assemblies->cancelAssembly($id);
$replayed = $assemblies->replayAssembly($crashed, ...$ready(['reparse_template' => 0]));
$notified = $notifications->replayAssemblyNotification($crashed, ...$ready([]));
try {
    $assemblies->replayAssembly($id, ...$ready(['reparse_template' => 0]));
} catch (ApiException $refused) {
    $error = $refused->getResponseObject()->getError();
}

echo json_encode([
    'assembly_id' => $id, 'created' => $created->getOk(), 'status' => $status->getOk(),
    'uploads' => $uploads, 'cancelled' => $cancelled->getOk(),
    'replayed' => $replayed->getAssemblyId(), 'notified' => $notified->getOk(), 'error' => $error,
    'signed' => $signed, 'vectors' => vectors($read('AssemblyStatus'), $read('AssemblyError')),
], JSON_THROW_ON_ERROR);
