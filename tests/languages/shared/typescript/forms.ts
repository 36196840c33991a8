// Reads the form of a Pingback: what two servers could read differently is refused, not guessed.

export type Form = { transloadit?: string; signature?: string };
const KIND = /^([\w/-]+) *(?:; *(\w+)=(?:"([^"\\]{1,70})"|([^\s";]{1,70})))? *$/;
const FIELD = /^form-data; *name=(?:"([^"\\]*)"|([\w.-]+))(; *filename="[^"\\]*")? *$/i;
const MOST = 100;

/** The two fields of a form, decoded; null: it is none, or can be read in two ways. */
export function readForm(bytes: Buffer, contentType: string | null): Form | null {
  const [, kind, option = "", quoted, bare] = KIND.exec((contentType ?? "").trim()) ?? [];
  const [body, value] = [bytes.toString("latin1"), quoted ?? bare ?? ""]; // each byte is a character
  const known = `${kind?.toLowerCase()} ${option.toLowerCase()}`;
  try {
    if (/^application\/x-www-form-urlencoded (charset)?$/.test(known)) return urlencoded(body, value);
    return known === "multipart/form-data boundary" ? multipart(body, value) : null;
  } catch {
    return null;
  }
}

function text(content: string, charset: string): string {
  if (!/^(utf-?8)?$/i.test(charset) && /[^\0-\x7f]/.test(content)) throw new Error("another charset");
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.from(content, "latin1"));
}

function keep(form: Form, name: string, value: string): void {
  if (name !== "transloadit" && name !== "signature") return;
  if (form[name] !== undefined) throw new Error("a field is there twice");
  form[name] = value;
}

function urlencoded(body: string, charset: string): Form {
  const pairs = body.replaceAll("+", " ").split("&");
  if (pairs.length > MOST) throw new Error("too many fields");
  const decoded = (part: string) => part.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  const form: Form = {};
  for (const pair of pairs) {
    const end = pair.includes("=") ? pair.indexOf("=") : pair.length;
    keep(form, decoded(pair.slice(0, end)), text(decoded(pair.slice(end + 1)), charset));
  }
  return form;
}

function multipart(body: string, boundary: string): Form {
  const [before, ...parts] = `\r\n${body}`.split(`\r\n--${boundary}`);
  const end = parts.findIndex((part) => part.startsWith("--"));
  if (before || end < 0 || end > MOST) throw new Error("no whole form");
  const form: Form = {};
  for (const part of parts.slice(0, end)) {
    const at = part.indexOf("\r\n\r\n");
    const lines = part.slice(2, Math.max(at, 2)).split("\r\n");
    const headers = new Map(lines.map((line) => [line.split(":")[0]!.toLowerCase(), line.replace(/^[^:]*: */, "").trim()]));
    const field = FIELD.exec(headers.get("content-disposition") ?? "");
    if (at < 0 || !part.startsWith("\r\n") || !field || lines.length > Math.min(headers.size, 8)) {
      throw new Error("headers that not all read alike");
    }
    const content = part.slice(at + 4);
    const encoding = headers.get("content-transfer-encoding") ?? "binary";
    // A part ends at CR LF and the boundary; some also end it where one of the two is missing.
    const halves = `\n${content}`.replaceAll("\r", "\n").includes(`\n--${boundary}`);
    if (halves || !/^(7bit|8bit|binary)$/i.test(encoding)) throw new Error("a content that not all read alike");
    const name = field[1] ?? field[2]!;
    const charset = /charset="?([^";]*)/i.exec(headers.get("content-type") ?? "")?.[1] ?? "";
    if (!field[3]) keep(form, name, text(content, charset));
    else if (name === "transloadit" || name === "signature") throw new Error("a file in the place of a text");
  }
  return form;
}
