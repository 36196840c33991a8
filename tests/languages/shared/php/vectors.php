<?php

declare(strict_types=1);

require 'standin.php';

/** Whether the generated classes, which the two functions make of an object, read an answer as the row says. */
function reads(object $row, callable $status, callable $refusal): bool
{
    $expected = $row->reads_as;
    try {
        $body = json_decode($row->body ?? base64_decode($row->body_base64), flags: JSON_THROW_ON_ERROR);
        $read = ($expected->as === 'refusal' ? $refusal : $status)($body);
        if ($expected->as === 'status') {
            return state($read->getOk(), $read->getError()) === $expected->state;
        }
        if ($expected->as === 'refusal') {
            $texts = array_filter([$read->getError(), $read->getCode()], fn ($text) => is_string($text) && $text !== '');
            return (array_values($texts)[0] ?? null) === $expected->code;
        }
        return !$read instanceof ArrayAccess || $read->getAssemblyId() === null;
    } catch (Throwable) { // whatever the generated code has for what it cannot read
        return $expected->as === 'unreadable';
    }
}

/** Whether each row of the vectors holds here. */
function vectors(callable $status, callable $refusal): array
{
    $checks = [
        'signing' => fn ($r) => $r->signature === "$r->algorithm:" . hash_hmac($r->algorithm, $r->params, $r->secret),
        'encoding' => function ($r) {
            $text = encode(json_decode($r->json, flags: JSON_THROW_ON_ERROR));
            return mb_check_encoding($text, 'ASCII') && json_decode($text) == json_decode($r->text);
        },
        'smart_cdn' => fn ($r) => $r->url
            === smart_cdn($r->workspace, $r->template, $r->input, $r->params, $r->auth_key, $r->secret, $r->exp),
        'expires' => fn ($r) => $r->slashes === expires(strtotime($r->time)),
        'states' => fn ($r) => $r->state === state($r->status->ok ?? null, $r->status->error ?? null),
        'answers' => fn ($r) => reads($r, $status, $refusal),
        'pingbacks' => fn ($r) => $r->accept === genuine($r->transloadit, $r->signature, $r->secret),
    ];
    $held = ['faults/asked for' => meets_a_fault()];
    foreach ($checks as $kind => $check) {
        foreach (json_decode(file_get_contents(getenv('VECTORS') . "/$kind.json"))->rows as $row) {
            if (!isset($row->needs)) { // PHP's JSON has no half surrogate pairs and no big integers
                $held["$kind/$row->name"] = $check($row);
            }
        }
    }
    return $held;
}
