import { openAsBlob } from "node:fs";
import { HttpError, ok } from "@oazapfts/runtime";
import {
  cancelAssembly, createAssembly, defaults, getAssembly, replayAssembly, replayAssemblyNotification,
} from "./api.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
defaults.baseUrl = TRANSLOADIT_ENDPOINT!;
const crashed = CRASHED_ASSEMBLY!;
const signed: [string, string][] = [];

function ready(params: object) {
  const form = sign(params, TRANSLOADIT_KEY!, TRANSLOADIT_SECRET!);
  signed.push([form.params, form.signature]);
  return form;
}

async function file(name: string) {
  return new File([await openAsBlob(name)], name, { type: "text/plain" });
}

const created = await ok(createAssembly({
  ...ready({
    template_id: "resize-to-fit",
    fields: { caption: "Grüße, 日本 🎄" },
  }),
  files: [await file("one.txt"), await file("two.txt")],
}));
const id = created.assembly_id!;
const status = await ok(getAssembly(id));
const cancelled = await ok(cancelAssembly(id));
const replayed = await ok(replayAssembly(crashed, ready({ reparse_template: 0 })));
const notified = await ok(replayAssemblyNotification(crashed, ready({})));
const refused = await ok(replayAssembly(id, ready({ reparse_template: 0 }))).catch((error: HttpError) => error);

console.log(JSON.stringify({
  assembly_id: id, created: created.ok, status: status.ok,
  uploads: status.uploads?.map((upload) => upload?.name), cancelled: cancelled.ok,
  replayed: replayed.assembly_id, notified: notified.ok,
  error: refused instanceof HttpError && refused.data.error, signed, vectors: vectors(),
}));
