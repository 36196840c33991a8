// Reads forms as two of node's form parsers do: formidable, which was written for Transloadit, and busboy.
// A line in: {"parser", "contentType", "body"}; a line out: {"parts": [...]} or {"error"}. Bodies and contents are base64.
import { createInterface } from "node:readline";
import { Readable, Writable } from "node:stream";
import busboy from "busboy";
import formidable from "formidable";

const collector = (chunks) =>
  new Writable({ write: (chunk, _encoding, done) => (chunks.push(chunk), done()) });

function withFormidable(contentType, body) {
  const parts = [];
  const chunksOf = new Map();
  const form = formidable({
    allowEmptyFiles: true,
    minFileSize: 0,
    maxFieldsSize: Infinity,
    maxFileSize: Infinity,
    maxTotalFileSize: Infinity,
    fileWriteStreamHandler: (file) => {
      chunksOf.set(file, []);
      return collector(chunksOf.get(file));
    },
  });
  form.on("field", (name, value) => parts.push({ name, chunks: [Buffer.from(value)] }));
  form.on("fileBegin", (name, file) => {
    const part = { name, fileName: file.originalFilename ?? "", contentType: file.mimetype };
    parts.push(part);
    form.on("end", () => (part.chunks = chunksOf.get(file)));
  });
  const request = Readable.from([body]);
  request.headers = { "content-type": contentType, "content-length": String(body.length) };
  return form.parse(request).then(() => parts);
}

function withBusboy(contentType, body) {
  return new Promise((resolve, reject) => {
    const parts = [];
    const form = busboy({
      headers: { "content-type": contentType },
      defParamCharset: "utf8", // as browsers send file names; its own default is latin1
      preservePath: true, // a path would have to show here
      limits: { fieldSize: Infinity },
    });
    form.on("field", (name, value) => parts.push({ name, chunks: [Buffer.from(value)] }));
    form.on("file", (name, stream, { filename, mimeType }) => {
      const part = { name, fileName: filename ?? "", contentType: mimeType, chunks: [] };
      parts.push(part);
      stream.on("data", (chunk) => part.chunks.push(chunk));
    });
    form.on("error", reject);
    form.on("close", () => resolve(parts));
    form.end(body);
  });
}

const PARSERS = { formidable: withFormidable, busboy: withBusboy };

for await (const line of createInterface({ input: process.stdin })) {
  const { parser, contentType, body } = JSON.parse(line);
  let answer;
  try {
    const parts = await PARSERS[parser](contentType, Buffer.from(body, "base64"));
    answer = {
      parts: parts.map(({ chunks, ...part }) => ({
        ...part,
        content: Buffer.concat(chunks).toString("base64"),
      })),
    };
  } catch (error) {
    answer = { error: String(error) };
  }
  console.log(JSON.stringify(answer));
}
