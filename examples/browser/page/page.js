import { Dashboard, Transloadit, Uppy } from "/uppy/uppy.min.mjs";

const service = await (await fetch("/service")).json();
const sign = async (query = "") => (await fetch(`/sign${query}`, { method: "POST" })).json();

function show(assembly) {
  document.getElementById("state").textContent = assembly.error ?? assembly.ok ?? assembly.message;
  for (const file of Object.values(assembly.results ?? {}).flat()) {
    const picture = Object.assign(new Image(), { src: file.ssl_url, alt: file.name });
    const item = document.createElement("li");
    item.append(picture, ` ${file.name}, ${file.size} bytes`);
    document.getElementById("results").append(item);
  }
}

// A signature is good for one Assembly, so each upload is signed anew.
const uppy = new Uppy()
  .use(Dashboard, { inline: true, target: "#uppy", height: 300, proudlyDisplayPoweredByUppy: false })
  .use(Transloadit, { service, waitForEncoding: true, errorReporting: false, assemblyOptions: () => sign() })
  .on("transloadit:complete", show)
  .on("transloadit:assembly-cancelled", () => show({ ok: "ASSEMBLY_CANCELED" }))
  .on("transloadit:assembly-error", (_, failed) => show(failed))
  .on("upload-error", (_, failed) => show(failed));

// The fields of a form come before its files, in the order of the page.
const form = document.getElementById("form");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  form.action = `${service}/assemblies`;
  const signed = await sign("?form");
  form.elements.params.value = signed.params;
  form.elements.signature.value = signed.signature;
  form.submit();
});

// Sent back by a form: the page's address names the Assembly.
const id = new URLSearchParams(location.search).get("assembly_id");
if (/^[0-9a-f]{32}$/.test(id ?? "")) {
  let assembly;
  do {
    if (assembly) await new Promise((resolve) => setTimeout(resolve, 1000));
    assembly = await (await fetch(`${service}/assemblies/${id}`)).json();
  } while (["ASSEMBLY_UPLOADING", "ASSEMBLY_EXECUTING"].includes(assembly.ok));
  show(assembly);
}

window.uppy = uppy; // to try things in the console
