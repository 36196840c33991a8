#include <cstdlib>
#include <iostream>

#include "CppRestOpenAPIClient/ApiException.h"
#include "CppRestOpenAPIClient/api/AssembliesApi.h"
#include "CppRestOpenAPIClient/api/AssemblyNotificationsApi.h"
#include "vectors.hpp"

namespace api = org::openapitools::client::api;
namespace model = org::openapitools::client::model;
using web::json::value;

static value signed_texts = value::array();

static std::string given(const char *name) { return std::getenv(name); }

static std::pair<std::string, std::string> ready(const std::string &params) {
  auto form = transloadit::sign(value::parse(params), given("TRANSLOADIT_KEY"), given("TRANSLOADIT_SECRET"));
  signed_texts[signed_texts.size()] = value::array({value::string(form.first), value::string(form.second)});
  return form;
}

static vectors::Reading status(const value &body) {
  model::AssemblyStatus read;
  read.fromJson(body);
  bool failed = read.errorIsSet() && !read.getError().empty();
  return {read.okIsSet() ? read.getOk() : "", "", read.assemblyIdIsSet() ? read.getAssemblyId() : "", failed};
}

static vectors::Reading refusal(const value &body) {
  model::AssemblyError read;
  read.fromJson(body);
  value code = read.codeIsSet() ? read.getCode()->toJson() : value::null();
  return {"", read.errorIsSet() ? read.getError() : code.is_string() ? code.as_string() : "", "", true};
}

int main() {
  auto config = std::make_shared<api::ApiConfiguration>();
  config->setBaseUrl(given("TRANSLOADIT_ENDPOINT"));
  auto client = std::make_shared<api::ApiClient>(config);
  api::AssembliesApi assemblies(client);
  std::string crashed = given("CRASHED_ASSEMBLY");

  auto form = ready(R"({"template_id": "resize-to-fit", "fields": {"caption": "Grüße, 日本 🎄"}})");
  auto created = assemblies.createAssembly(form.first, form.second, boost::none, boost::none).get();
  std::string id = created->getAssemblyId();
  auto read = assemblies.getAssembly(id).get();
  value uploads = value::array();
  for (const auto &upload : read->getUploads()) uploads[uploads.size()] = value::string(upload->getName());
  auto cancelled = assemblies.cancelAssembly(id).get();
  form = ready(R"({"reparse_template": 0})");
  auto replayed = assemblies.replayAssembly(crashed, form.first, form.second).get();
  form = ready("{}");
  auto notified = api::AssemblyNotificationsApi(client).replayAssemblyNotification(crashed, form.first, form.second).get();
  form = ready(R"({"reparse_template": 0})");
  std::string code;
  try {
    assemblies.replayAssembly(id, form.first, form.second).get();
  } catch (const api::ApiException &refused) {
    code = refusal(value::parse(*refused.getContent())).code;
  }

  value report = vectors::check(status, refusal);
  std::cout << value::object({{"assembly_id", value(id)}, {"created", value(created->getOk())},
      {"status", value(read->getOk())}, {"uploads", uploads}, {"cancelled", value(cancelled->getOk())},
      {"replayed", value(replayed->getAssemblyId())}, {"notified", value(notified->getOk())},
      {"error", value(code)}, {"signed", signed_texts}, {"vectors", report}}).serialize();
}
