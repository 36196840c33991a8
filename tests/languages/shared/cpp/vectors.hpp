// Whether each row of the vectors holds here.
#pragma once

#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "standin.hpp"
#include "transloadit.hpp"

namespace vectors {

using web::json::value;

// What a generated class holds of a body: `ok`, a code, an id, and whether there is an error.
struct Reading {
  std::string ok, code, id;
  bool failed;
};
using Reader = std::function<Reading(const value &)>;

inline std::vector<value> rows(const std::string &kind) {
  std::ifstream file(std::string(std::getenv("VECTORS")) + "/" + kind + ".json");
  value document = value::parse(file);
  const auto &found = document.at("rows").as_array();
  return {found.begin(), found.end()};
}

inline std::string text(const value &row, const std::string &key) {
  return row.has_field(key) && row.at(key).is_string() ? row.at(key).as_string() : "";
}

inline std::string body(const value &row) {
  if (!row.has_field("body_base64")) return text(row, "body");
  auto bytes = utility::conversions::from_base64(text(row, "body_base64"));
  return {bytes.begin(), bytes.end()};
}

inline bool reads(const value &row, const Reader &status, const Reader &refusal) {
  const value &expected = row.at("reads_as");
  std::string as = text(expected, "as");
  Reading read;
  try {
    read = (as == "refusal" ? refusal : status)(value::parse(body(row)));
  } catch (const std::exception &) {
    return as == "unreadable";
  }
  if (as == "status") return transloadit::state(read.ok, read.failed) == text(expected, "state");
  if (as == "refusal") return read.code == text(expected, "code");
  return read.id.empty();
}

// Milliseconds since 1970; the library counts units of 100 ns since 1601.
inline long long milliseconds(const std::string &time) {
  auto parsed = utility::datetime::from_string(time, utility::datetime::ISO_8601);
  return static_cast<long long>(parsed.to_interval() / 10000) - 11644473600000;
}

inline bool holds(const std::string &kind, const value &row) {
  if (kind == "signing") {
    std::string algorithm = text(row, "algorithm");
    return text(row, "signature") ==
           algorithm + ":" + transloadit::digest(algorithm, text(row, "secret"), text(row, "params"));
  }
  if (kind == "encoding") {
    std::string encoded = transloadit::encode(value::parse(text(row, "json")));
    bool ascii = std::all_of(encoded.begin(), encoded.end(), [](unsigned char byte) { return byte < 0x80; });
    // Compared as texts: to the library 1 and 1.0 are two values.
    return ascii && encoded == transloadit::encode(value::parse(text(row, "text")));
  }
  if (kind == "expires") return transloadit::expires(milliseconds(text(row, "time"))) == text(row, "iso");
  if (kind == "smart_cdn") {
    transloadit::Pairs params;
    for (const value &pair : row.at("params").as_array()) {
      params.emplace_back(pair.at(0).as_string(), pair.at(1).as_string());
    }
    return text(row, "url") ==
           transloadit::smart_cdn(text(row, "workspace"), text(row, "template"), text(row, "input"), params,
                                  text(row, "auth_key"), text(row, "secret"), row.at("exp").as_number().to_int64());
  }
  return row.at("accept").as_bool() ==
         transloadit::genuine(text(row, "transloadit"), text(row, "signature"), text(row, "secret"));
}

inline value check(const Reader &status, const Reader &refusal) {
  value held = value::object();
  for (const char *kind : {"signing", "encoding", "expires", "smart_cdn", "pingbacks"}) {
    for (const value &row : rows(kind)) {
      if (row.has_field("needs")) continue;  // half a surrogate pair, an integer beyond 2^64
      held[std::string(kind) + "/" + text(row, "name")] = value::boolean(holds(kind, row));
    }
  }
  for (const value &row : rows("answers")) {
    held["answers/" + text(row, "name")] = value::boolean(reads(row, status, refusal));
  }
  for (const value &row : rows("states")) {
    const value &given = row.at("status");
    bool failed = given.has_field("error") && !given.at("error").is_null() && given.at("error") != value::string("");
    held["states/" + text(row, "name")] =
        value::boolean(transloadit::state(text(given, "ok"), failed) == text(row, "state"));
  }
  held["faults/asked for"] = value::boolean(standin::meets_a_fault());
  return held;
}

}  // namespace vectors
