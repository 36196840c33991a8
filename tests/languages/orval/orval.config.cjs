// The base URL is read when the program runs; orval would otherwise write paths alone.
module.exports = {
  api: {
    input: process.env.SPEC,
    output: {
      target: "api.ts",
      client: "fetch",
      baseUrl: { getBaseUrlFromSpecification: false, baseUrl: "${process.env['TRANSLOADIT_ENDPOINT']}" },
    },
  },
};
