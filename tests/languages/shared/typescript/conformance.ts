// What a client in any language decides: states, hosts, uploads, events; without any network.

const FINAL = ["ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED"];
const ASSEMBLY_URL = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?\/assemblies\/([0-9A-Za-z_-]{1,128})$/;
const SERVICE_HOST = /^api2(-[a-z0-9-]+)?\.transloadit\.com$/;
const UNSAFE = /[<>:"/\\|?*]|(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/gu; // control characters, marks of direction, …
const DEVICE = /^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *$/i;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Any error ends an Assembly, and what nobody knows yet is busy. */
export function state(ok: unknown, error: unknown): "busy" | "done" | "failed" {
  if (error) return "failed";
  return typeof ok === "string" && FINAL.includes(ok) ? "done" : "busy";
}

/** Where a request about an Assembly goes whose URL this is; null: nowhere. */
export function goesTo(url: string, baseUrl: string, trusted: string[]): string | null {
  const match = ASSEMBLY_URL.exec(url);
  if (!match || match[0] !== url) return null;
  const [, scheme, host, port = "", assembly] = match as unknown as [string, string, string, string | undefined, string];
  const base = new URL(baseUrl);
  if (!port && (SERVICE_HOST.test(host) || trusted.includes(host))) return `https://${host}/assemblies/${assembly}`;
  const known = `${scheme}://${host}${port}` === `${base.protocol}//${base.host}`;
  const local = LOOPBACK.test(host) && LOOPBACK.test(base.hostname);
  return known || local ? `${scheme}://${host}${port}/assemblies/${assembly}` : null;
}

/** The header Upload-Metadata. */
export function metadata(pairs: Record<string, string>): string {
  const written = Object.entries(pairs).map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`);
  return written.join(",");
}

export type File = { field: string; name: string; size: number };

/** The upload to go on with; null: none. */
export function resumes(file: File, uploads: unknown[]): string | null {
  for (const upload of uploads) {
    if (typeof upload !== "object" || upload === null) continue;
    const told = upload as Record<string, unknown>;
    const same = told["fieldname"] === file.field && told["filename"] === file.name && told["size"] === file.size;
    if (same) return told["upload_url"] as string;
  }
  return null;
}

export type Event = { event: string; data: string };

/** The events of a stream, as the WHATWG standard reads it. */
export function events(stream: string): Event[] {
  const found: Event[] = [];
  let name = "";
  let data: string[] = [];
  for (const line of stream.split(/\r\n|\n|\r/).slice(0, -1)) {
    const colon = line.indexOf(":");
    const key = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (line === "") {
      if (data.length) found.push({ event: name || "message", data: data.join("\n") });
      [name, data] = ["", []];
    } else if (key === "event") {
      name = value;
    } else if (key === "data") {
      data.push(value);
    }
  }
  return found;
}

/** The name to write a file under; `file` for what has none. */
export function fileName(given: unknown): string {
  const text = (typeof given === "string" ? given : "").normalize("NFC");
  let name = text.replace(UNSAFE, "_").replace(/^ +|[. ]+$/g, "");
  if (!name) return "file";
  if (name.startsWith(".") || DEVICE.test(name.split(".")[0]!)) name = `_${name}`;
  const dot = name.lastIndexOf(".");
  const suffix = dot > 0 && name.length - dot <= 33 ? name.slice(dot) : "";
  const kept = [...name.slice(0, name.length - suffix.length)];
  while (Buffer.byteLength(kept.join("") + suffix) > 200) kept.pop();
  return (kept.join("") + suffix).replace(/[. ]+$/, "");
}
