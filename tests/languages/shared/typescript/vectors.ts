import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { type Event, events, type File, fileName, goesTo, metadata, resumes, state } from "./conformance.js";
import { readForm } from "./forms.js";
import { decisions, type Guard, type Next, type Outcome, phase, wait } from "./retries.js";
import { meetsAFault } from "./standin.js";
import { digest, encode, expires, genuine, smartCdn } from "./transloadit.js";

const asked = await meetsAFault(); // once, before the driver's own calls
type Body = { body?: string; body_base64?: string };
type Reads = { as: "status"; state: string } | { as: "refusal"; code: string | null } | { as: "unreadable" };
/** What the generated types hold of an answer; a generated reader may be given, as most have none. */
export type Read = { ok?: unknown; error?: unknown; code?: unknown; assembly_id?: unknown; assemblyId?: unknown };
type Reader = (json: unknown) => Read;

function rows<Row>(kind: string): (Row & { name: string; secret: string })[] {
  return JSON.parse(readFileSync(`${process.env["VECTORS"]}/${kind}.json`, "utf8")).rows;
}

/** Whether two JSON texts say the same; -0, which JavaScript writes as 0, among it. */
function same(one: string, other: string): boolean {
  return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
}

/** Whether the generated code reads an answer as the row says. */
function reads(row: Body & { reads_as: Reads }, status: Reader, refusal: Reader): boolean {
  const expected = row.reads_as;
  try {
    const bytes = Buffer.from(row.body_base64 ?? row.body ?? "", row.body_base64 === undefined ? "utf8" : "base64");
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const read = (expected.as === "refusal" ? refusal : status)(json);
    if (expected.as === "status") return state(read.ok, read.error) === expected.state;
    const code = [read.error, read.code].find((text) => typeof text === "string" && text) ?? null;
    return expected.as === "refusal" ? code === expected.code : !(read.assembly_id ?? read.assemblyId);
  } catch {
    return expected.as === "unreadable";
  }
}

/** Whether each row holds here. */
export function vectors(
  status: Reader = (json) => json as Read, refusal: Reader = (json) => json as Read,
): Record<string, boolean> {
  const held: Record<string, boolean> = { "faults/asked for": asked };
  for (const r of rows<{ algorithm: string; params: string; signature: string }>("signing")) {
    held[`signing/${r.name}`] = `${r.algorithm}:${digest(r.algorithm, r.secret, r.params)}` === r.signature;
  }
  for (const r of rows<{ json: string; text: string; needs?: string[] }>("encoding")) {
    if (r.needs?.includes("big integers")) continue; // beyond 2^53
    const text = encode(JSON.parse(r.json));
    const ascii = !/[^\0-\x7f]/.test(text);
    held[`encoding/${r.name}`] = ascii && same(text, r.text);
  }
  for (const r of rows<{ time: string; iso: string }>("expires")) {
    held[`expires/${r.name}`] = expires(new Date(r.time)) === r.iso;
  }
  type Url = {
    workspace: string; template: string; input: string; params: [string, string][];
    auth_key: string; exp: number; url: string;
  };
  for (const r of rows<Url>("smart_cdn")) {
    const url = smartCdn(r.workspace, r.template, r.input, r.params, r.auth_key, r.secret, r.exp);
    held[`smart_cdn/${r.name}`] = url === r.url;
  }
  type Pingback = Body & { content_type?: string | null; transloadit: string; signature: string | null; accept: boolean };
  for (const r of rows<Pingback>("pingbacks")) {
    const bytes = r.body_base64 === undefined ? undefined : Buffer.from(r.body_base64, "base64");
    const { transloadit, signature = null } = bytes ? (readForm(bytes, r.content_type ?? null) ?? {}) : r;
    held[`pingbacks/${r.name}`] = (transloadit !== undefined && genuine(transloadit, signature, r.secret)) === r.accept;
  }
  for (const r of rows<Body & { reads_as: Reads }>("answers")) {
    held[`answers/${r.name}`] = reads(r, status, refusal);
  }
  for (const r of rows<{ status: Read; state: string }>("states")) {
    held[`states/${r.name}`] = state(r.status.ok, r.status.error) === r.state;
  }
  for (const r of rows<{ url: string; base_url: string; trusted_hosts?: string[]; goes_to: string | null }>("hosts")) {
    held[`hosts/${r.name}`] = goesTo(r.url, r.base_url, r.trusted_hosts ?? []) === r.goes_to;
  }
  type Upload = { metadata?: Record<string, string>; header: string; file: File; tus_uploads: unknown[]; resumes: string | null };
  for (const r of rows<Upload>("tus")) {
    held[`tus/${r.name}`] = r.metadata ? metadata(r.metadata) === r.header : resumes(r.file, r.tus_uploads) === r.resumes;
  }
  for (const r of rows<{ stream: string; events: Event[] }>("events")) {
    held[`events/${r.name}`] = isDeepStrictEqual(events(r.stream), r.events);
  }
  type Step = { outcome: Outcome; next: Next; wait?: [number, number] };
  for (const r of rows<{ guard: Guard; attempts: number; history: Step[] }>("retries")) {
    const next = decisions(r.guard, r.attempts, r.history.map((step) => step.outcome));
    const waits = r.history.every((step, index) => !step.wait || isDeepStrictEqual(wait(step.outcome, r.guard, index + 1), step.wait));
    held[`retries/${r.name}`] = waits && isDeepStrictEqual(next, r.history.map((step) => step.next));
  }
  for (const r of rows<{ code: string; http_status: number; says: string }>("codes")) {
    const body = JSON.stringify({ error: r.code });
    held[`codes/${r.code}`] = r.says === "state" ? state(r.code, null) !== "failed"
      : r.says === "failed" ? state(null, r.code) === "failed"
      : phase({ kind: "answer", http_status: r.http_status, body }, "nonce") === r.says;
  }
  for (const r of rows<{ given: string; file_name: string }>("names")) {
    held[`names/${r.name}`] = fileName(JSON.parse(r.given)) === r.file_name;
  }
  return held;
}
