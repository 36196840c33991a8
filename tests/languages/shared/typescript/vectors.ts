import { readFileSync } from "node:fs";
import { digest, encode, genuine, smartCdn } from "./transloadit.js";

function rows<Row>(kind: string): (Row & { name: string; secret: string })[] {
  return JSON.parse(readFileSync(`${process.env["VECTORS"]}/${kind}.json`, "utf8")).rows;
}

/** Whether two JSON texts say the same; -0, which JavaScript writes as 0, among it. */
function same(one: string, other: string): boolean {
  return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
}

/** Whether each row holds here. */
export function vectors(): Record<string, boolean> {
  const held: Record<string, boolean> = {};
  for (const r of rows<{ algorithm: string; params: string; signature: string }>("signing")) {
    held[`signing/${r.name}`] = `${r.algorithm}:${digest(r.algorithm, r.secret, r.params)}` === r.signature;
  }
  for (const r of rows<{ json: string; text: string; needs?: string[] }>("encoding")) {
    if (r.needs?.includes("big integers")) continue; // beyond 2^53
    const text = encode(JSON.parse(r.json));
    const ascii = !/[^\0-\x7f]/.test(text);
    held[`encoding/${r.name}`] = ascii && same(text, r.text);
  }
  type Url = {
    workspace: string; template: string; input: string; params: [string, string][];
    auth_key: string; exp: number; url: string;
  };
  for (const r of rows<Url>("smart_cdn")) {
    const url = smartCdn(r.workspace, r.template, r.input, r.params, r.auth_key, r.secret, r.exp);
    held[`smart_cdn/${r.name}`] = url === r.url;
  }
  for (const r of rows<{ transloadit: string; signature: string | null; accept: boolean }>("pingbacks")) {
    held[`pingbacks/${r.name}`] = genuine(r.transloadit, r.signature, r.secret) === r.accept;
  }
  return held;
}
