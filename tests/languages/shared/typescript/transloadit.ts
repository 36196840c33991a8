// What no generator writes: how the API wants its texts signed.
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

const ALGORITHMS = ["sha1", "sha256", "sha384", "sha512"];

export function digest(algorithm: string, secret: string, text: string): string {
  return createHmac(algorithm, secret).update(text, "utf8").digest("hex");
}

/** JSON in ASCII: what is not becomes \uXXXX, one for each UTF-16 code unit. */
export function encode(value: unknown): string {
  const escape = (unit: string) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0");
  return JSON.stringify(value).replace(/[\u0080-\uffff]/g, escape);
}

export function expires(time: Date): string {
  return time.toISOString();
}

/** Add `auth`; gives the text to send and its signature. */
export function sign(params: object, key: string, secret: string) {
  const auth = { key, expires: expires(new Date(Date.now() + 3_600_000)), nonce: randomUUID() };
  const text = encode({ ...params, auth });
  return { params: text, signature: `sha384:${digest("sha384", secret, text)}` };
}

/** Whether a Pingback is Transloadit's own. */
export function genuine(text: string, signature: string | null, secret: string): boolean {
  const [, algorithm = "sha1", claimed = ""] = /^(?:([^:]*):)?(.*)$/s.exec(signature ?? "") ?? [];
  if (!ALGORITHMS.includes(algorithm)) return false;
  const [mine, theirs] = [Buffer.from(digest(algorithm, secret, text)), Buffer.from(claimed)];
  return mine.length === theirs.length && timingSafeEqual(mine, theirs);
}

/** Sign a Smart CDN URL, good until `exp` in milliseconds since 1970. */
export function smartCdn(
  workspace: string, template: string, input: string, params: [string, string][],
  key: string, secret: string, exp: number,
): string {
  const own = params.filter(([name]) => !["sig", "auth_key", "exp"].includes(name));
  const pairs: [string, string][] = [...own, ["auth_key", key], ["exp", String(exp)]];
  pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const host = encodeURIComponent(workspace);
  const path = [template, input].map(encodeURIComponent).join("/") + "?" + new URLSearchParams(pairs);
  return `https://${host}.tlcdn.com/${path}&sig=sha256%3A${digest("sha256", secret, `${host}/${path}`)}`;
}
