import { openAsBlob } from "node:fs";
import {
  cancelAssembly, createAssembly, getAssembly, replayAssembly, replayAssemblyNotification,
} from "./api/index.js";
import { client } from "./api/client.gen.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
client.setConfig({ baseUrl: TRANSLOADIT_ENDPOINT! });
const crashed = { assembly_id: CRASHED_ASSEMBLY! };
const signed: [string, string][] = [];

function ready(params: object) {
  const form = sign(params, TRANSLOADIT_KEY!, TRANSLOADIT_SECRET!);
  signed.push([form.params, form.signature]);
  return form;
}

async function file(name: string) {
  return new File([await openAsBlob(name)], name, { type: "text/plain" });
}

const { data: created } = await createAssembly({
  body: {
    ...ready({
      template_id: "resize-to-fit",
      fields: { caption: "Grüße, 日本 🎄" },
    }),
    files: [await file("one.txt"), await file("two.txt")],
  },
});
const path = { assembly_id: created!.assembly_id! };
const { data: status } = await getAssembly({ path });
const { data: cancelled } = await cancelAssembly({ path });
const { data: replayed } = await replayAssembly({ path: crashed, body: ready({ reparse_template: 0 }) });
const { data: notified } = await replayAssemblyNotification({ path: crashed, body: ready({}) });
const { error } = await replayAssembly({ path, body: ready({ reparse_template: 0 }) });

console.log(JSON.stringify({
  assembly_id: created?.assembly_id, created: created?.ok, status: status?.ok,
  uploads: status?.uploads?.map((upload) => upload?.name), cancelled: cancelled?.ok,
  replayed: replayed?.assembly_id, notified: notified?.ok,
  error: error && "error" in error ? error.error : undefined, signed, vectors: vectors(),
}));
