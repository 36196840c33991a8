<?php

declare(strict_types=1);

/** Asks the stand-in's admin API for a fault, as any program can, and whether the next request meets it. */
function meets_a_fault(): bool
{
    $status = function (string $path, array $options = []): string {
        $context = stream_context_create(['http' => ['ignore_errors' => true, ...$options]]);
        fclose(fopen(getenv('TRANSLOADIT_ENDPOINT') . $path, 'r', context: $context));
        return explode(' ', $http_response_header[0])[1];
    };
    $fault = json_encode(['kind' => 'unavailable', 'operation' => 'getAssembly'], JSON_THROW_ON_ERROR);
    return $status('/_standin/faults', ['method' => 'POST', 'content' => $fault, 'header' => 'Content-Type: application/json']) === '201'
        && $status('/assemblies/' . getenv('CRASHED_ASSEMBLY')) === '503';
}
