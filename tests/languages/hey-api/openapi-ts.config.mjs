export default {
  input: process.env.SPEC,
  output: { path: "api", module: { extension: ".js" } }, // node asks for the extension
  plugins: ["@hey-api/client-fetch", "@hey-api/typescript", "@hey-api/sdk"],
};
