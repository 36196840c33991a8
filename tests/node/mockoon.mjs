// Mockoon answers from a document's examples: `node mockoon.mjs DOCUMENT PORT`; prints a line once it listens.
import { readFile } from "node:fs/promises";
import { OpenApiConverter } from "@mockoon/commons";
import { MockoonServer } from "@mockoon/commons-server";

const [document, port] = process.argv.slice(2);
const environment = await new OpenApiConverter().convertFromOpenAPI(await readFile(document, "utf8"), Number(port));
environment.hostname = "127.0.0.1";
const server = new MockoonServer(environment);
server.on("started", () => console.log("started"));
server.on("error", (code, error) => { console.error(code, error); process.exit(1); });
server.start();
