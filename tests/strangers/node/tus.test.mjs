// tus-js-client, which Uppy and the vendor's SDKs upload with.

import assert from "node:assert/strict";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { test } from "node:test";
import { Upload } from "tus-js-client";

const { TRANSLOADIT_KEY, TRANSLOADIT_SECRET, TRANSLOADIT_ENDPOINT } = process.env;
const CONTENT = randomBytes(3_000_000);

async function create(files) {
  const auth = { key: TRANSLOADIT_KEY, expires: new Date(Date.now() + 600_000).toISOString() };
  const params = JSON.stringify({ auth, steps: { kept: { robot: "/upload/handle" } } });
  const form = new FormData();
  form.set("params", params);
  form.set("signature", `sha384:${createHmac("sha384", TRANSLOADIT_SECRET).update(params).digest("hex")}`);
  form.set("num_expected_upload_files", String(files));
  const answer = await fetch(`${TRANSLOADIT_ENDPOINT}/assemblies`, { method: "POST", body: form });
  return answer.json();
}

function uploadOf(assembly, options = {}) {
  const metadata = { assembly_url: assembly.assembly_ssl_url, fieldname: "file", filename: "a.bin", filetype: "text/plain" };
  const done = {};
  done.promise = new Promise((resolve, reject) => Object.assign(done, { resolve, reject }));
  const upload = new Upload(CONTENT, {
    endpoint: assembly.tus_url,
    retryDelays: [0, 0, 100],
    metadata,
    onSuccess: done.resolve,
    onError: done.reject,
    ...options,
  });
  return { upload, done: done.promise };
}

async function finished(assembly) {
  for (let turn = 0; turn < 100; turn += 1) {
    const status = await (await fetch(assembly.assembly_ssl_url)).json();
    if (status.ok !== "ASSEMBLY_UPLOADING" && status.ok !== "ASSEMBLY_EXECUTING") return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("the Assembly does not end");
}

function isWhole(status) {
  assert.equal(status.ok, "ASSEMBLY_COMPLETED");
  assert.equal(status.uploads[0].md5hash, createHash("md5").update(CONTENT).digest("hex"));
  assert.equal(status.uploads[0].name, "a.bin");
}

test("uploads a file in one piece", async () => {
  const assembly = await create(1);
  const { upload, done } = uploadOf(assembly);
  upload.start();
  await done;

  isWhole(await finished(assembly));
});

test("uploads a file in chunks, with the first one in the creation", async () => {
  const assembly = await create(1);
  const { upload, done } = uploadOf(assembly, { chunkSize: 700_000, uploadDataDuringCreation: true });
  upload.start();
  await done;

  isWhole(await finished(assembly));
});

test("uploads a file whose length is told at its end", async () => {
  const assembly = await create(1);
  const { upload, done } = uploadOf(assembly, { chunkSize: 700_000, uploadLengthDeferred: true });
  upload.start();
  await done;

  isWhole(await finished(assembly));
});

test("stops, and goes on where it was", async () => {
  const assembly = await create(1);
  const first = uploadOf(assembly, {
    chunkSize: 700_000,
    onChunkComplete: () => first.upload.abort(),
  });
  first.upload.start();
  while (!first.upload.url || first.upload._offset === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await first.upload.abort();
  const second = uploadOf(assembly, { uploadUrl: first.upload.url });
  second.upload.start();
  await second.done;

  isWhole(await finished(assembly));
});

test("tries again after an error of the server", async () => {
  const assembly = await create(1);
  const fault = { kind: "answer", status: 503, operation: "tusPatch" };
  await fetch(`${TRANSLOADIT_ENDPOINT}/_standin/faults`, { method: "POST", body: JSON.stringify(fault) });
  const { upload, done } = uploadOf(assembly, { chunkSize: 700_000 });
  upload.start();
  await done;

  isWhole(await finished(assembly));
});

test("ends an upload for good", async () => {
  const assembly = await create(1);
  const { upload } = uploadOf(assembly, { chunkSize: 700_000, onChunkComplete: () => upload.abort() });
  upload.start();
  while (!upload.url || upload._offset === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await upload.abort(true);

  const status = await (await fetch(assembly.assembly_ssl_url)).json();
  assert.deepEqual(status.tus_uploads, []);
});

test("is told that parts of a file are not taken at the same time", async () => {
  const assembly = await create(1);
  const { upload, done } = uploadOf(assembly, { parallelUploads: 3 });
  upload.start();
  await assert.rejects(done, (error) => {
    assert.equal(error.originalResponse.getStatus(), 400);
    return /ERR_CONCATENATION_UNSUPPORTED/.test(error.originalResponse.getBody());
  });

  const offered = await fetch(assembly.tus_url, { method: "OPTIONS" });
  assert.doesNotMatch(offered.headers.get("tus-extension"), /concatenation/);
  const status = await (await fetch(assembly.assembly_ssl_url)).json();
  assert.equal(status.ok, "ASSEMBLY_UPLOADING", "the Assembly still waits");
});
