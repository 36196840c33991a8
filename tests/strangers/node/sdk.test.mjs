// The vendor's SDK for Node, PACKAGE names which, with its validation of answers on.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const { PACKAGE, PICTURE, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, TRANSLOADIT_ENDPOINT } = process.env;
const { Transloadit } = await import(PACKAGE);
const STEPS = { resized: { robot: "/image/resize", use: ":original", width: 75, result: true } };

const account = { authKey: TRANSLOADIT_KEY, authSecret: TRANSLOADIT_SECRET, endpoint: TRANSLOADIT_ENDPOINT };
const client = new Transloadit({ ...account, validateResponses: true });
const complaints = [];
console.error = (...words) => complaints.push(words.join(" "));
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "stranger-"));
});
after(() => rm(folder, { recursive: true }));

const finished = (options = {}) =>
  client.createAssembly({ params: { steps: STEPS }, files: { photo: PICTURE }, waitForCompletion: true, ...options });

async function waitUntil(done) {
  for (let turn = 0; !(await done()); turn += 1) {
    assert.ok(turn < 100, "this takes too long");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

test("uploads a file by tus, waits, and reads its result", async () => {
  const seen = [];
  const status = await finished({ onUploadProgress: (progress) => seen.push(progress.uploadedBytes) });

  assert.equal(status.ok, "ASSEMBLY_COMPLETED");
  assert.equal(status.uploads[0].field, "photo");
  assert.equal(status.results.resized[0].meta.width, 75);
  assert.ok(seen.length > 0);
  const answer = await fetch(status.results.resized[0].ssl_url);
  assert.equal((await answer.arrayBuffer()).byteLength, status.results.resized[0].size);
});

test("uploads buffers and streams, with fields, under an id of its own", async () => {
  const assemblyId = "0123456789abcdef0123456789abcdef";
  const uploads = { text: "Grüße", bytes: Buffer.alloc(100_000, 7) };
  const params = { steps: { kept: { robot: "/upload/handle" } }, fields: { caption: "Grüße" } };
  const status = await client.createAssembly({ params, uploads, assemblyId, waitForCompletion: true });

  assert.equal(status.assembly_id, assemblyId);
  assert.deepEqual(status.results.kept.map((file) => file.size).sort((a, b) => a - b), [7, 100_000]);
  assert.deepEqual(status.fields, { caption: "Grüße" });
});

test("goes on with uploads that broke off", async () => {
  const begun = await client.createAssembly({ params: { steps: STEPS }, expectedUploads: 1 });
  assert.equal(begun.ok, "ASSEMBLY_UPLOADING");
  const status = await client.resumeAssemblyUploads({
    assemblyUrl: begun.assembly_ssl_url,
    files: { photo: PICTURE },
    waitForCompletion: true,
  });

  assert.equal(status.ok, "ASSEMBLY_COMPLETED");
});

test("sends without waiting, and cancels", async () => {
  const { assembly_id: id } = await client.createAssembly({ params: { steps: STEPS }, files: { photo: PICTURE } });
  const status = await client.cancelAssembly(id);

  assert.equal(status.ok, "ASSEMBLY_CANCELED");
  assert.equal((await client.getAssembly(id)).ok, "ASSEMBLY_CANCELED");
});

test("replays an Assembly that completed", async () => {
  const original = await finished();
  const replay = await client.replayAssembly(original.assembly_id);
  assert.equal(replay.ok, "ASSEMBLY_REPLAYING");

  const status = await client.awaitAssemblyCompletion(replay.assembly_id);
  assert.equal(status.ok, "ASSEMBLY_COMPLETED");
  assert.equal(status.parent_id, original.assembly_id);
});

test("replays a Notification, which is urlencoded", async () => {
  const received = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    received.push(new URLSearchParams(body));
    response.end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  try {
    const params = { steps: STEPS, notify_url: `http://127.0.0.1:${server.address().port}/` };
    const { assembly_id: id } = await finished({ params });
    await waitUntil(() => received.length === 1);
    const answer = await client.replayAssemblyNotification(id);

    assert.equal(answer.ok, "ASSEMBLY_NOTIFICATION_REPLAYED");
    await waitUntil(() => received.length === 2);
    for (const form of received) {
      assert.equal(JSON.parse(form.get("transloadit")).ok, "ASSEMBLY_COMPLETED");
      assert.ok(form.get("signature"));
    }
  } finally {
    server.close();
  }
});

test("lists Assemblies, by page and by state", async () => {
  await finished();
  const all = await client.listAssemblies({ page: 1, pagesize: 1 });
  assert.equal(all.items.length, 1);
  const completed = await client.listAssemblies({ type: "completed", fromdate: "2024-01-01 00:00:00" });
  assert.ok(completed.count >= 1 && completed.count < all.count);
  assert.ok(completed.items.every((item) => item.ok === "ASSEMBLY_COMPLETED"));
});

test("streams the list to its end", async () => {
  const ids = [];
  for await (const item of client.streamAssemblies({ pagesize: 2 })) ids.push(item.id);

  assert.equal(ids.length, new Set(ids).size);
  assert.equal(ids.length, (await client.listAssemblies()).count);
});

test("reads the error of a request that is refused", async () => {
  const stranger = new Transloadit({ ...account, authSecret: "wrong", validateResponses: true });
  await assert.rejects(stranger.createAssembly({ params: { steps: STEPS } }), { code: "INVALID_SIGNATURE" });
  await assert.rejects(client.getAssembly("f".repeat(32)), { code: "ASSEMBLY_NOT_FOUND" });
  await assert.rejects(client.createAssembly({ params: { template_id: "no-such-template" } }), {
    code: "TEMPLATE_NOT_FOUND",
  });
});

test("reads the status of an Assembly that failed", async () => {
  await fetch(`${TRANSLOADIT_ENDPOINT}/_standin/faults`, { method: "POST", body: '{"kind": "crash"}' });
  await assert.rejects(finished(), (error) => {
    assert.ok(error.assemblyId, error.stack);
    return error.code === "INTERNAL_COMMAND_ERROR";
  });
});

/** An Assembly whose form ends as it should, or breaks off behind its first bytes. */
async function byForm({ auth, brokenOff = false }) {
  const { params, signature } = client.calcSignature({ steps: STEPS, auth });
  const id = randomUUID().replaceAll("-", "");
  const fields = Object.entries({ params, signature }).map(([name, value]) => part(`name="${name}"`, value));
  const file = part('name="photo"; filename="a.png"', "x".repeat(1000));
  const body = [...fields, file].join("") + (brokenOff ? "" : "--edge--\r\n");
  const headers = { "Content-Type": "multipart/form-data; boundary=edge", "Content-Length": body.length + (brokenOff ? 9 : 0) };
  await new Promise((resolve) => {
    const sent = request(`${TRANSLOADIT_ENDPOINT}/assemblies/${id}`, { method: "POST", headers }, (answer) => {
      answer.resume().on("end", resolve);
    });
    sent.on("error", resolve);
    if (brokenOff) sent.write(body, () => setTimeout(() => sent.destroy(), 100));
    else sent.end(body);
  });
  return id;
}

const part = (disposition, value) =>
  `--edge\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;

test("reads the status of every state", async () => {
  const read = async (id) => client.getAssembly(id).then((status) => status.ok ?? status.error);
  const waiting = await client.createAssembly({ params: { steps: STEPS }, expectedUploads: 1 });
  assert.equal(await read(waiting.assembly_id), "ASSEMBLY_UPLOADING");
  const running = await client.createAssembly({ params: { steps: STEPS } });
  assert.equal(await read(running.assembly_id), "ASSEMBLY_EXECUTING");
  const replay = await client.replayAssembly(running.assembly_id);
  assert.equal(await read(replay.assembly_id), "ASSEMBLY_REPLAYING");
  await client.cancelAssembly(running.assembly_id);
  assert.equal(await read(running.assembly_id), "ASSEMBLY_CANCELED");
  await client.awaitAssemblyCompletion(replay.assembly_id);
  assert.equal(await read(replay.assembly_id), "ASSEMBLY_COMPLETED");
  assert.equal(await read(await byForm({ auth: { max_size: 10 } })), "MAX_SIZE_EXCEEDED");
  const aborted = await byForm({ brokenOff: true });
  await waitUntil(async () => (await read(aborted)) === "REQUEST_ABORTED");
});

test("waits out a rate limit", async () => {
  const fault = { kind: "rate_limit", retry_in: 0 };
  await fetch(`${TRANSLOADIT_ENDPOINT}/_standin/faults`, { method: "POST", body: JSON.stringify(fault) });
  assert.equal((await finished()).ok, "ASSEMBLY_COMPLETED");
});

// In a process of its own, which ends with an error if a promise is left alone.
const TOO_LARGE = `
  const { Transloadit } = await import("${import.meta.resolve(PACKAGE)}");
  const { TRANSLOADIT_KEY: authKey, TRANSLOADIT_SECRET: authSecret, TRANSLOADIT_ENDPOINT: endpoint } = process.env;
  const params = { steps: ${JSON.stringify(STEPS)}, auth: { max_size: 10 } };
  const client = new Transloadit({ authKey, authSecret, endpoint, validateResponses: true });
  await client.createAssembly({ params, files: { photo: process.env.PICTURE } }).catch((error) => console.log(error.message));
`;
const tooLarge = () =>
  promisify(execFile)(process.execPath, ["--input-type=module", "-e", TOO_LARGE]).catch((error) => error);

test("is told of a file that is too large", async () => {
  assert.match((await tooLarge()).stdout, /ERR_MAX_SIZE_EXCEEDED/);
});

test("leaves no promise behind that nobody handles", async () => {
  const { code, stderr } = await tooLarge();
  assert.equal(code, undefined, stderr);
});

if (PACKAGE === "@transloadit/node") {
  test("has a bearer token minted, and creates with it", async () => {
    const token = await client.mintBearerToken();
    const bearer = new Transloadit({
      authToken: token.access_token,
      endpoint: TRANSLOADIT_ENDPOINT,
      validateResponses: true,
    });
    const status = await bearer.createAssembly({ params: { steps: STEPS }, files: { photo: PICTURE } });
    assert.ok(status.assembly_id);
  });
}

// Its command line, in its own process.
const cli = join(fileURLToPath(new URL(`node_modules/${PACKAGE}/dist/cli.js`, import.meta.url)));
const run = (...words) => promisify(execFile)(process.execPath, [cli, ...words], { timeout: 60_000, cwd: folder });

test("command line: assemblies create -i in.jpg -o out.jpg", async () => {
  const [steps, output] = [join(folder, "steps.json"), join(folder, "out.jpg")];
  await writeFile(steps, JSON.stringify(STEPS));
  const { stderr } = await run("assemblies", "create", "--steps", steps, "-i", PICTURE, "-o", output);

  const picture = await readFile(output);
  const frame = picture.indexOf(Buffer.from([0xff, 0xc0]));
  assert.equal(picture.readUInt16BE(frame + 7), 75, "the width in a JPEG's frame");
  assert.doesNotMatch(stderr, /please report|ZodError/i);
});

test("command line: a Template's own Steps", async () => {
  const output = join(folder, "template.jpg");
  await run("assemblies", "create", "--template", "resize-to-fit", "-i", PICTURE, "-o", output);

  assert.ok((await readFile(output)).byteLength > 0);
});

test("command line: assemblies list and get", async () => {
  const { stdout } = await run("assemblies", "list", "--json");
  const [id] = stdout.match(/[0-9a-f]{32}/);
  const answer = await run("assemblies", "get", "--json", id);

  assert.equal(JSON.parse(answer.stdout).assembly_id, id);
});

test("nothing is to be reported to the vendor", () => {
  assert.deepEqual(complaints, []);
});
