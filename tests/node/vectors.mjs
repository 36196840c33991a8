// Derives every vector again with Node's own crypto, JSON, encodeURIComponent and URLSearchParams, which
// share nothing with Python's. Prints the rows that differ; exits 1 if there are any.
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { signedUrl } from "./smart_cdn.mjs";

const folder = process.argv[2];
const rows = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8")).rows;
const hmac = (algorithm, secret, text) => createHmac(algorithm, secret).update(text, "utf8").digest("hex");

const signed = ({ algorithm, secret, params, signature }) =>
  signature === `${algorithm}:${hmac(algorithm, secret, params)}`;

// JavaScript's numbers cannot hold big integers; that its strings hold lone surrogates is what they are for.
const encoded = ({ json, text, needs = [] }) =>
  /^[ -~]*$/.test(text) && (needs.includes("big integers") || isDeepStrictEqual(JSON.parse(text), JSON.parse(json)));

const smartCdn = (row) => row.url === signedUrl({ ...row, key: row.auth_key });

const genuine = ({ secret, transloadit, signature }) => {
  const [, algorithm = "sha1", digest] = /^(?:(sha1|sha256|sha384|sha512):)?([^:]+)$/.exec(signature ?? "") ?? [];
  return digest === hmac(algorithm, secret, transloadit);
};
const received = (row) => row.accept === genuine(row);

const checks = { signing: signed, encoding: encoded, smart_cdn: smartCdn, pingbacks: received };
const differing = Object.entries(checks).flatMap(([name, holds]) =>
  rows(name).filter((row) => !holds(row)).map((row) => `${name}: ${row.name}`));
console.log(differing.join("\n") || "all vectors agree");
process.exitCode = differing.length ? 1 : 0;
