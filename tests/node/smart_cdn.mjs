// Signs Smart CDN URLs with JavaScript's own encoders. A line in: {"workspace", "template", "input", "params", "key",
// "secret", "exp"}; a line out: the URL. Both are JSON.
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export function signedUrl({ workspace, template, input, params, key, secret, exp }) {
  const query = new URLSearchParams(params.filter(([name]) => !["sig", "auth_key", "exp"].includes(name)));
  query.append("auth_key", key);
  query.append("exp", exp);
  query.sort();
  const [host, ...path] = [workspace, template, input].map(encodeURIComponent);
  const tail = `${path.join("/")}?${query}`;
  const digest = createHmac("sha256", secret).update(`${host}/${tail}`, "utf8").digest("hex");
  return `https://${host}.tlcdn.com/${tail}&sig=${encodeURIComponent(`sha256:${digest}`)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(signedUrl(JSON.parse(line))));
  }
}
