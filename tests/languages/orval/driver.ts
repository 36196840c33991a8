import { openAsBlob } from "node:fs";
import {
  cancelAssembly, createAssembly, getAssembly, replayAssembly, replayAssemblyNotification,
} from "./api.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
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

type Data<Answer> = Answer extends { status: 200; data: infer Body } ? Body : never;

/** The body of a success; HTTP statuses tell the types of all others apart. */
function good<Answer extends { status: number; data: unknown }>(answer: Answer): Data<Answer> {
  if (answer.status !== 200) throw new Error(`HTTP status ${answer.status}`);
  return answer.data as Data<Answer>;
}

const created = good(await createAssembly({
  ...ready({
    template_id: "resize-to-fit",
    fields: { caption: "Grüße, 日本 🎄" },
  }),
  files: [await file("one.txt"), await file("two.txt")],
}));
const id = created.assembly_id!;
const status = good(await getAssembly(id));
const cancelled = good(await cancelAssembly(id));
const replayed = good(await replayAssembly(crashed, ready({ reparse_template: 0 })));
const notified = good(await replayAssemblyNotification(crashed, ready({})));
const refused = await replayAssembly(id, ready({ reparse_template: 0 }));

console.log(JSON.stringify({
  assembly_id: id, created: created.ok, status: status.ok,
  uploads: status.uploads?.map((upload) => upload?.name), cancelled: cancelled.ok,
  replayed: replayed.assembly_id, notified: notified.ok,
  error: refused.status === 400 && refused.data.error, signed, vectors: vectors(),
}));
