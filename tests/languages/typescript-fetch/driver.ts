import { openAsBlob } from "node:fs";
import {
  AssembliesApi, AssemblyErrorFromJSON, AssemblyNotificationsApi, AssemblyStatusFromJSON, Configuration, ResponseError,
} from "./api/index.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
const configuration = new Configuration({ basePath: TRANSLOADIT_ENDPOINT! });
const assemblies = new AssembliesApi(configuration);
const notifications = new AssemblyNotificationsApi(configuration);
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

const created = await assemblies.createAssembly({
  ...ready({
    template_id: "resize-to-fit",
    fields: { caption: "Grüße, 日本 🎄" },
  }),
  files: [await file("one.txt"), await file("two.txt")],
});
const assemblyId = created.assemblyId!;
const status = await assemblies.getAssembly({ assemblyId });
const cancelled = await assemblies.cancelAssembly({ assemblyId });
const replayed = await assemblies.replayAssembly({ assemblyId: crashed, ...ready({ reparse_template: 0 }) });
const notified = await notifications.replayAssemblyNotification({ assemblyId: crashed, ...ready({}) });
let error: string | undefined;
try {
  await assemblies.replayAssembly({ assemblyId, ...ready({ reparse_template: 0 }) });
} catch (refusal) {
  if (refusal instanceof ResponseError) error = (await refusal.response.json()).error;
}

console.log(JSON.stringify({
  assembly_id: assemblyId, created: created.ok, status: status.ok,
  uploads: status.uploads?.map((upload) => upload?.name), cancelled: cancelled.ok,
  replayed: replayed.assemblyId, notified: notified.ok, error, signed, vectors: vectors(AssemblyStatusFromJSON, AssemblyErrorFromJSON),
}));
