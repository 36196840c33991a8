// What no generator writes: how the API wants its texts signed.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprest/json.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

namespace transloadit {

using Pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string hex(const unsigned char *bytes, unsigned size) {
  std::string text;
  for (unsigned at = 0; at < size; at++) {
    char two[3];
    std::snprintf(two, sizeof two, "%02x", bytes[at]);
    text += two;
  }
  return text;
}

inline std::string digest(const std::string &algorithm, const std::string &secret, const std::string &text) {
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_get_digestbyname(algorithm.c_str()), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char *>(text.data()), text.size(), bytes, &size);
  return hex(bytes, size);
}

// JSON in ASCII: what is not becomes \uXXXX, in surrogate pairs where it must.
inline std::string encode(const web::json::value &value) {
  std::string ascii;
  for (char16_t unit : utility::conversions::utf8_to_utf16(value.serialize())) {
    char six[7];
    std::snprintf(six, sizeof six, "\\u%04x", static_cast<unsigned>(unit));
    ascii += unit < 0x80 ? std::string(1, static_cast<char>(unit)) : six;
  }
  return ascii;
}

// A time in UTC as `auth.expires` has it; milliseconds since 1970.
inline std::string expires(long long milliseconds) {
  std::time_t seconds = milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[20], fraction[8];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(milliseconds % 1000));
  return std::string(text) + fraction;
}

// Adds `auth` to params; gives the text to send, and its signature.
inline std::pair<std::string, std::string> sign(web::json::value params, const std::string &key, const std::string &secret) {
  using namespace std::chrono;
  unsigned char nonce[16];
  if (RAND_bytes(nonce, sizeof nonce) != 1) throw std::runtime_error("no random bytes");
  auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  params["auth"]["key"] = web::json::value::string(key);
  params["auth"]["nonce"] = web::json::value::string(hex(nonce, sizeof nonce));
  params["auth"]["expires"] = web::json::value::string(expires(now + 3600000));
  std::string text = encode(params);
  return {text, "sha384:" + digest("sha384", secret, text)};
}

// Whether a Pingback is Transloadit's own.
inline bool genuine(const std::string &text, const std::string &signature, const std::string &secret) {
  auto colon = signature.find(':');
  std::string algorithm = colon == std::string::npos ? "sha1" : signature.substr(0, colon);
  std::string claimed = colon == std::string::npos ? signature : signature.substr(colon + 1);
  const std::vector<std::string> known{"sha1", "sha256", "sha384", "sha512"};
  if (std::find(known.begin(), known.end(), algorithm) == known.end()) return false;
  std::string right = digest(algorithm, secret, text);
  return claimed.size() == right.size() && CRYPTO_memcmp(claimed.data(), right.data(), right.size()) == 0;
}

inline std::string percent(const std::string &text, const std::string &kept) {
  std::string escaped;
  for (unsigned char byte : text) {
    if (std::isalnum(byte) || kept.find(static_cast<char>(byte)) != std::string::npos) {
      escaped += static_cast<char>(byte);
    } else {
      char three[4];
      std::snprintf(three, sizeof three, "%%%02X", byte);
      escaped += three;
    }
  }
  return escaped;
}

// Signs a Smart CDN URL: a path as encodeURIComponent writes it, a query as URLSearchParams does.
inline std::string smart_cdn(const std::string &workspace, const std::string &name, const std::string &input,
                             Pairs params, const std::string &key, const std::string &secret, long long exp) {
  const std::string path_kept = "-_.!~*'()", query_kept = "*-._ ";
  params.erase(std::remove_if(params.begin(), params.end(), [](const auto &pair) {
    return pair.first == "sig" || pair.first == "auth_key" || pair.first == "exp";
  }), params.end());
  params.emplace_back("auth_key", key);
  params.emplace_back("exp", std::to_string(exp));
  std::stable_sort(params.begin(), params.end(), [](const auto &one, const auto &other) {
    return utility::conversions::utf8_to_utf16(one.first) < utility::conversions::utf8_to_utf16(other.first);
  });
  std::string query;
  for (const auto &pair : params) {
    query += (query.empty() ? "" : "&") + percent(pair.first, query_kept) + "=" + percent(pair.second, query_kept);
  }
  std::replace(query.begin(), query.end(), ' ', '+');
  std::string place = percent(workspace, path_kept);
  std::string path = percent(name, path_kept) + "/" + percent(input, path_kept) + "?" + query;
  return "https://" + place + ".tlcdn.com/" + path + "&sig=sha256%3A" + digest("sha256", secret, place + "/" + path);
}

// Whether an Assembly is busy, done or failed: any error ends it, and what nobody knows yet is busy.
inline std::string state(const std::string &ok, bool failed) {
  bool ended = ok == "ASSEMBLY_COMPLETED" || ok == "ASSEMBLY_CANCELED" || ok == "REQUEST_ABORTED";
  return failed ? "failed" : ended ? "done" : "busy";
}

}  // namespace transloadit
