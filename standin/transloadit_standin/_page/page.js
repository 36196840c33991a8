// The page at /_standin/. Everything that came from outside is put in as text, never as HTML.
"use strict";

const VIEWS = ["assemblies", "requests", "pingbacks", "faults"];
const SHOWN = 100; // rows of each view: more would be slow, and nobody reads them
const FAULTS = [
  ["503 Service Unavailable", { kind: "unavailable", retry_after: 1 }],
  ["429 rate limit", { kind: "rate_limit", retry_in: 1 }],
  ["502 HTML", { kind: "answer" }],
  ["broken connection", { kind: "drop", after: "headers", how: "reset" }],
  ["lost answer", { kind: "drop", after: "work" }],
  ["slow answer (3 s)", { kind: "delay", seconds: 3, before: "answer" }],
  ["half a JSON text", { kind: "garble", how: "truncated" }],
  ["crash of the next Assembly", { kind: "crash" }],
];
const BUSY = ["ASSEMBLY_UPLOADING", "ASSEMBLY_EXECUTING", "ASSEMBLY_REPLAYING"];
const seen = {}; // view → row id → { text: the JSON that was drawn, element }

function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child != null && child !== ""));
  return made;
}

async function ask(path, options) {
  const response = await fetch(path, options);
  if (response.status === 204) return null;
  const body = await response.json();
  if (!response.ok) throw new Error(body.message || body.error || `HTTP ${response.status}`);
  return body;
}

function send(method, path, body) {
  const headers = { "Content-Type": "application/json" };
  return act(() => ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }));
}

async function act(work) {
  try {
    await work();
    await refresh();
  } catch (error) {
    tell(`That did not work: ${error.message}`);
  }
}

function tell(problem) {
  const place = document.getElementById("problem");
  place.textContent = problem;
  place.hidden = !problem;
}

function pretty(value) {
  if (typeof value !== "string") return JSON.stringify(value, null, 2);
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

function counted(number, noun) {
  return `${Number(number).toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

function definitions(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) {
    if (value == null || value === "" || (Array.isArray(value) && !value.length)) continue;
    list.append(element("dt", {}, name), element("dd", {}, value instanceof Node ? value : element("code", {}, String(value))));
  }
  return list;
}

function block(title, value) {
  return value == null ? null : element("div", {}, element("h3", {}, title), element("pre", { tabindex: "0" }, pretty(value)));
}

function fileItem(file) {
  const href = `files/${encodeURIComponent(file.id)}`; // not its url: this page meets no faults
  const picture = String(file.mime).startsWith("image/");
  const size = file.meta && file.meta.width ? `${file.meta.width} × ${file.meta.height}, ` : "";
  return element("li", {},
    picture ? element("img", { src: href, alt: `${file.name}`, loading: "lazy" }) : null,
    element("a", { href, rel: "noreferrer" }, file.name || "(no name)"),
    element("div", { class: "quiet" }, `${size}${counted(file.size, "byte")}, ${file.mime}`));
}

function files(title, list) {
  return list && list.length ? element("div", {}, element("h3", {}, title), element("ul", { class: "files" }, ...list.map(fileItem))) : null;
}

function stateOf(status) {
  const state = status.error || status.ok;
  const kind = status.error ? "bad" : BUSY.includes(state) ? "busy" : "good";
  return element("span", { class: `state ${kind}` }, state);
}

const ROWS = {
  assemblies: (status) => {
    const steps = JSON.parse(status.merged_params).steps || {};
    const running = new Set(status.executing_jobs.map((job) => job.split("::")[0]));
    const started = new Set(status.started_jobs.map((job) => (job.startsWith(":original") ? ":original" : job.split("::")[0])));
    const stepList = element("ul", {}, ...Object.entries(steps).map(([name, step]) => element("li", {},
      element("code", {}, name), ` ${step.robot} `,
      element("span", { class: running.has(name) ? "busy" : "quiet" },
        running.has(name) ? "running" : status.step === name ? "failed" : started.has(name) ? "done" : "not begun"))));
    return {
      id: status.assembly_id,
      summary: [stateOf(status), element("code", {}, status.assembly_id),
        element("span", { class: "quiet" }, `${status.start_date}, ${counted(status.num_input_files, "file")}`)],
      body: () => [
        definitions([["message", status.message], ["reason", status.reason], ["template", status.template_id],
          ["replay of", status.parent_id], ["notify_url", status.notify_url],
          ["warnings", status.warnings.map((warning) => warning.msg).join(" ")]]),
        element("h3", {}, "Steps"), stepList,
        files("Uploads", status.uploads),
        ...Object.entries(status.results).map(([name, list]) => files(`Results of ${name}`, list)),
        block("Whole status", status),
      ],
    };
  },
  requests: (row) => {
    const verdict = { good: "good", wrong: "bad", absent: "quiet" }[row.signature];
    const check = row.signature_check;
    return {
      id: String(row.number),
      summary: [element("code", {}, `${row.method} ${row.path}`),
        element("span", { class: row.status >= 400 ? "bad" : "good" }, row.status == null ? "no answer" : `${row.status} ${row.code || ""}`),
        element("span", { class: `verdict ${verdict}` }, row.signature === "absent" ? "unsigned" : `signature ${row.signature}`),
        row.fault ? element("span", { class: "busy" }, `fault: ${row.fault}`) : null],
      body: () => [
        definitions([["time", row.time], ["operation", row.operation], ["Assembly", row.assembly_id], ["state", row.state],
          ["body", counted(row.body_size, "byte")], ["files", row.files.map((file) => `${file.field}: ${file.name} (${file.size})`).join(", ")]]),
        check && !check.good ? element("div", {}, element("h3", { class: "bad" }, "The signature is wrong"), definitions([
          ["likely reason", check.why], ["it was", check.given], ["right would be", check.right],
          ["Auth Secret", `its SHA-256 begins with ${check.secret_fingerprint}`]]), block("The text that has to be signed", check.signed)) : null,
        block("params", row.params || row.fields.params), block("Other fields", otherFields(row.fields)), block("Headers", row.headers),
      ],
    };
  },
  pingbacks: (row) => ({
    id: row.id,
    summary: [element("span", { class: row.status === "successful" ? "state good" : row.status === "failed" ? "state bad" : "state busy" }, row.status || "waiting"),
      element("code", {}, row.url), element("span", { class: "quiet" }, row.response_code ? `HTTP ${row.response_code}` : row.error || "")],
    body: () => [
      element("p", {}, element("button", { type: "button", onclick: () => send("POST", `pingbacks/${row.id}/replay`) }, "Send it again")),
      definitions([["Assembly", row.assembly_id], ["attempts", row.attempts], ["answer", row.response_text], ["error", row.error], ["signature", row.signature]]),
      block("transloadit", row.transloadit),
    ],
  }),
  faults: (row, index) => ({
    id: `${index}`,
    summary: [element("span", { class: "busy" }, row.kind), element("span", { class: "quiet" }, `${row.operation || "any operation"}, ${counted(row.times, "time")}`)],
    body: () => [block("Arguments", row)],
  }),
};

function otherFields(fields) {
  const { params, ...others } = fields;
  return Object.keys(others).length ? others : null;
}

// A row is drawn again only when it has changed: otherwise focus, scrolling and open rows would be lost.
function draw(view, rows) {
  const section = document.getElementById(view);
  const place = section.querySelector(".rows");
  const known = seen[view] || (seen[view] = new Map());
  const left = new Set(known.keys());
  rows.forEach((row, index) => {
    const text = JSON.stringify(row);
    const { id, summary, body } = ROWS[view](row, index);
    left.delete(id);
    const old = known.get(id);
    if (old && old.text === text) return;
    const details = old ? old.details : element("details");
    const head = old ? details.querySelector("summary") : element("summary");
    head.replaceChildren(...summary.filter(Boolean));
    const fill = () => details.replaceChildren(head, ...(details.open ? body().filter(Boolean) : []));
    fill();
    details.ontoggle = fill;
    if (!old) place.prepend(details);
    known.set(id, { text, details });
  });
  for (const id of left) {
    known.get(id).details.remove();
    known.delete(id);
  }
  section.querySelector(".empty").hidden = rows.length > 0;
  document.getElementById(`count-${view}`).textContent = rows.length >= SHOWN ? `${SHOWN}+` : rows.length;
}

async function refresh() {
  for (const view of VIEWS) draw(view, await ask(view === "faults" ? view : `${view}?limit=${SHOWN}`));
  tell("");
}

async function follow() {
  if (!document.hidden) {
    try {
      await refresh();
    } catch {
      tell("The stand-in does not answer. Does it still run?");
    }
  }
  setTimeout(follow, 1000);
}

function show() {
  const wanted = VIEWS.includes(location.hash.slice(1)) ? location.hash.slice(1) : VIEWS[0];
  for (const view of VIEWS) document.getElementById(view).hidden = view !== wanted;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${wanted}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
}

async function begin() {
  const buttons = document.getElementById("fault-buttons");
  for (const [label, fault] of FAULTS) {
    buttons.append(element("button", { type: "button", onclick: () => {
      const operation = document.getElementById("operation").value || null;
      const times = Number(document.getElementById("times").value) || 1;
      send("POST", "faults", { ...fault, operation, times });
    } }, label));
  }
  document.getElementById("new-fault").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("clear-faults").addEventListener("click", () => send("DELETE", "faults"));
  document.getElementById("reset").addEventListener("click", () => send("POST", "reset"));
  addEventListener("hashchange", show);
  show();
  follow();
  const { endpoint, auth_keys: keys } = await ask("environment");
  document.getElementById("where").textContent = `${endpoint}, Auth Key ${keys.join(", ")}`;
}

begin().catch((error) => tell(error.message));
