// swagger-parser validates documents against OpenAPI's own schemas and follows their references: `node swagger_parser.mjs DOCUMENT …`
// prints an object with the version of each document, or with what is wrong with it.
import SwaggerParser from "@apidevtools/swagger-parser";

const said = {};
for (const document of process.argv.slice(2)) {
  try {
    said[document] = (await SwaggerParser.validate(document)).openapi;
  } catch (error) {
    said[document] = String(error);
  }
}
console.log(JSON.stringify(said));
