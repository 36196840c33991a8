import { openAsBlob } from "node:fs";
import {
  ApiError, AssembliesService, type AssemblyFile, AssemblyNotificationsService, type AssemblyStatus, OpenAPI,
} from "./api/index.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
OpenAPI.BASE = TRANSLOADIT_ENDPOINT!;
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

const created: AssemblyStatus = await AssembliesService.createAssembly({
  ...ready({
    template_id: "resize-to-fit",
    fields: { caption: "Grüße, 日本 🎄" },
  }),
  files: [await file("one.txt"), await file("two.txt")],
});
const id = created.assembly_id!;
const status: AssemblyStatus = await AssembliesService.getAssembly(id);
const cancelled: AssemblyStatus = await AssembliesService.cancelAssembly(id);
const replayed = await AssembliesService.replayAssembly(crashed, ready({ reparse_template: 0 }));
const notified = await AssemblyNotificationsService.replayAssemblyNotification(crashed, ready({}));
const error = await AssembliesService.replayAssembly(id, ready({ reparse_template: 0 })).catch(
  (refused: ApiError) => refused.body.error,
);

console.log(JSON.stringify({
  assembly_id: id, created: created.ok, status: status.ok, uploads: status.uploads?.map((upload: AssemblyFile) => upload?.name),
  cancelled: cancelled.ok, replayed: replayed.assembly_id,
  notified: "ok" in notified && notified.ok, error, signed, vectors: vectors(),
}));
