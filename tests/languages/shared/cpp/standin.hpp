// The stand-in's admin API, which any program can use.
#pragma once

#include <cstdlib>
#include <string>

#include <cpprest/http_client.h>

namespace standin {

// Asks for a fault, and whether the next request meets it.
inline bool meets_a_fault() {
  web::http::client::http_client client(std::getenv("TRANSLOADIT_ENDPOINT"));
  const std::string fault = R"({"kind": "unavailable", "operation": "getAssembly"})";
  auto asked = client.request(web::http::methods::POST, "/_standin/faults", fault, "application/json").get();
  auto met = client.request(web::http::methods::GET, std::string("/assemblies/") + std::getenv("CRASHED_ASSEMBLY")).get();
  return asked.status_code() == 201 && met.status_code() == 503;
}

}  // namespace standin
