<?php

declare(strict_types=1);

// What no generator writes: how the API wants its texts signed.

const ALGORITHMS = ['sha1', 'sha256', 'sha384', 'sha512'];

/** JSON in ASCII, which is PHP's default: what is not becomes \uXXXX. */
function encode(mixed $value): string
{
    return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES | JSON_PRESERVE_ZERO_FRACTION);
}

function expires(int $time): string
{
    return gmdate('Y/m/d H:i:s+00:00', $time);
}

/** Any error ends an Assembly, and what nobody knows yet is busy. */
function state(mixed $ok, mixed $error): string
{
    if ($error !== null && $error !== '') {
        return 'failed';
    }
    return in_array($ok, ['ASSEMBLY_COMPLETED', 'ASSEMBLY_CANCELED', 'REQUEST_ABORTED'], true) ? 'done' : 'busy';
}

/** Adds `auth`; gives the text to send and its signature. */
function sign(array $params, string $key, string $secret): array
{
    $auth = ['key' => $key, 'expires' => expires(time() + 3600), 'nonce' => bin2hex(random_bytes(16))];
    $text = encode([...$params, 'auth' => $auth]);
    return [$text, 'sha384:' . hash_hmac('sha384', $text, $secret)];
}

/** Whether a Pingback is Transloadit's own. */
function genuine(string $text, ?string $signature, string $secret): bool
{
    $parts = explode(':', $signature ?? '', 2);
    [$algorithm, $claimed] = count($parts) === 2 ? $parts : ['sha1', $parts[0]];
    return in_array($algorithm, ALGORITHMS, true) && hash_equals(hash_hmac($algorithm, $text, $secret), $claimed);
}

/** As encodeURIComponent writes it. */
function part(string $text): string
{
    return str_replace(['%21', '%2A', '%27', '%28', '%29'], ['!', '*', "'", '(', ')'], rawurlencode($text));
}

/** As URLSearchParams writes it. */
function form(string $text): string
{
    return str_replace(['%2A', '~'], ['*', '%7E'], urlencode($text));
}

/** Signs a Smart CDN URL, good until $exp in milliseconds since 1970. */
function smart_cdn(string $workspace, string $template, string $input, array $params, string $key, string $secret, int $exp): string
{
    $pairs = array_filter($params, fn ($pair) => !in_array($pair[0], ['sig', 'auth_key', 'exp'], true));
    $pairs = [...$pairs, ['auth_key', $key], ['exp', (string) $exp]];
    $units = fn ($pair) => mb_convert_encoding($pair[0], 'UTF-16BE', 'UTF-8');
    usort($pairs, fn ($a, $b) => strcmp($units($a), $units($b))); // stable
    $query = implode('&', array_map(fn ($pair) => form($pair[0]) . '=' . form($pair[1]), $pairs));
    $path = part($template) . '/' . part($input) . '?' . $query;
    $signature = hash_hmac('sha256', part($workspace) . '/' . $path, $secret);
    return 'https://' . part($workspace) . ".tlcdn.com/$path&sig=sha256%3A$signature";
}
