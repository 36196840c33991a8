import { openAsBlob } from "node:fs";
import createClient from "openapi-fetch";
import type { paths } from "./api.js";
import { sign } from "./transloadit.js";
import { vectors } from "./vectors.js";

const { TRANSLOADIT_ENDPOINT, TRANSLOADIT_KEY, TRANSLOADIT_SECRET, CRASHED_ASSEMBLY } = process.env;
const client = createClient<paths>({ baseUrl: TRANSLOADIT_ENDPOINT! });
const crashed = { path: { assembly_id: CRASHED_ASSEMBLY! } };
const signed: [string, string][] = [];

function ready(params: object) {
  const form = sign(params, TRANSLOADIT_KEY!, TRANSLOADIT_SECRET!);
  signed.push([form.params, form.signature]);
  return form;
}

async function file(name: string) {
  return new File([await openAsBlob(name)], name, { type: "text/plain" });
}

/** openapi-fetch sends JSON unless it is told how to make a form. */
function formData(form: object): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(form)) {
    for (const each of [value].flat()) data.append(name, each);
  }
  return data;
}

const form = ready({
  template_id: "resize-to-fit",
  fields: { caption: "Grüße, 日本 🎄" },
});
const { data: created } = await client.POST("/assemblies", {
  // The type of a file is `string` there, which no File is.
  body: { ...form, files: [await file("one.txt"), await file("two.txt")] as never[] },
  bodySerializer: formData,
});
const params = { path: { assembly_id: created!.assembly_id! } };
const { data: status } = await client.GET("/assemblies/{assembly_id}", { params });
const { data: cancelled } = await client.DELETE("/assemblies/{assembly_id}", { params });
const replay = "/assemblies/{assembly_id}/replay";
const headers = { "Content-Type": "application/x-www-form-urlencoded" };
const { data: replayed } = await client.POST(replay, { params: crashed, headers, body: ready({ reparse_template: 0 }) });
const { data: notified } = await client.POST("/assembly_notifications/{assembly_id}/replay", {
  params: crashed, headers, body: ready({}),
});
const { error } = await client.POST(replay, { params, headers, body: ready({ reparse_template: 0 }) });

console.log(JSON.stringify({
  assembly_id: created?.assembly_id, created: created?.ok, status: status?.ok,
  uploads: status?.uploads?.map((upload) => upload?.name), cancelled: cancelled?.ok,
  replayed: replayed?.assembly_id, notified: notified?.ok, error: error?.error, signed,
  vectors: vectors(),
}));
