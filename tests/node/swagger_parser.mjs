// swagger-parser validates documents against OpenAPI's own schemas and follows their references: `node swagger_parser.mjs DOCUMENT …`
import SwaggerParser from "@apidevtools/swagger-parser";

for (const document of process.argv.slice(2)) {
  const { openapi } = await SwaggerParser.validate(document);
  console.log(openapi);
}
