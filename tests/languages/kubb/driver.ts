import { openAsBlob } from "node:fs";
import { isAxiosError } from "axios";
import { setConfig } from "./api/.kubb/fetch.js";
import {
  cancelAssembly, createAssembly, getAssembly, replayAssembly, replayAssemblyNotification,
} from "./api/client.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
setConfig({ baseURL: TRANSLOADIT_ENDPOINT });
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

const created = await createAssembly({
  ...ready({
    template_id: "resize-to-fit",
    fields: { caption: "Grüße, 日本 🎄" },
  }),
  files: [await file("one.txt"), await file("two.txt")],
});
const id = created.assembly_id!;
const status = await getAssembly(id);
const cancelled = await cancelAssembly(id);
const replayed = await replayAssembly(crashed, ready({ reparse_template: 0 }));
const notified = await replayAssemblyNotification(crashed, ready({}));
const refused: unknown = await replayAssembly(id, ready({ reparse_template: 0 })).catch((error: unknown) => error);

console.log(JSON.stringify({
  assembly_id: id, created: created.ok, status: status.ok,
  uploads: status.uploads?.map((upload) => upload?.name), cancelled: cancelled.ok,
  replayed: replayed.assembly_id, notified: notified.ok,
  error: isAxiosError(refused) && refused.response?.data.error, signed, vectors: vectors(),
}));
