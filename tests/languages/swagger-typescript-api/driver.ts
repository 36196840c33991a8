import { openAsBlob } from "node:fs";
import { Api, type AssemblyError, type CreateAssemblyForm, type HttpResponse } from "./api/index.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
const { assemblies, assemblyNotifications } = new Api({ baseUrl: TRANSLOADIT_ENDPOINT! });
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

const form = new FormData(); // a list of files in an object would be sent as JSON
const fields = ready({
  template_id: "resize-to-fit",
  fields: { caption: "Grüße, 日本 🎄" },
});
for (const [name, value] of Object.entries(fields)) form.append(name, value);
for (const name of ["one.txt", "two.txt"]) form.append("files", await file(name));
const { data: created } = await assemblies.createAssembly(form as unknown as CreateAssemblyForm);
const id = created.assembly_id!;
const { data: status } = await assemblies.getAssembly(id);
const { data: cancelled } = await assemblies.cancelAssembly(id);
const { data: replayed } = await assemblies.replayAssembly(crashed, ready({ reparse_template: 0 }));
const { data: notified } = await assemblyNotifications.replayAssemblyNotification(crashed, ready({}));
const error = await assemblies.replayAssembly(id, ready({ reparse_template: 0 })).then(
  () => undefined,
  (refused: HttpResponse<unknown, AssemblyError>) => refused.error.error,
);

console.log(JSON.stringify({
  assembly_id: id, created: created.ok, status: status.ok, uploads: status.uploads?.map((upload) => upload?.name),
  cancelled: cancelled.ok, replayed: replayed.assembly_id, notified: notified.ok, error, signed, vectors: vectors(),
}));
