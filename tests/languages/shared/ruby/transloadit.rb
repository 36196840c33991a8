# What no generator writes: how the API wants its texts signed.
require "json"
require "openssl"
require "securerandom"
require "time"
require "uri"

module Transloadit
  FINAL = %w[ASSEMBLY_COMPLETED ASSEMBLY_CANCELED REQUEST_ABORTED].freeze
  ALGORITHMS = %w[sha1 sha256 sha384 sha512].freeze
  module_function

  def digest(algorithm, secret, text)
    OpenSSL::HMAC.hexdigest(algorithm, secret, text)
  end

  # JSON in ASCII: what is not becomes \uXXXX.
  def encode(value)
    JSON.generate(value, ascii_only: true)
  end

  def expires(time)
    time.getutc.iso8601(3)
  end

  # Any error ends an Assembly, and what nobody knows yet is busy.
  def state(ok, error)
    return "failed" unless [nil, ""].include?(error)

    FINAL.include?(ok) ? "done" : "busy"
  end

  # Adds `auth`; gives the text to send and its signature.
  def sign(params, key, secret)
    auth = { key: key, expires: expires(Time.now + 3600), nonce: SecureRandom.uuid }
    text = encode(params.merge(auth: auth))
    [text, "sha384:#{digest('sha384', secret, text)}"]
  end

  # Whether a Pingback is Transloadit's own.
  def genuine?(text, signature, secret)
    algorithm, claimed = signature.to_s.include?(":") ? signature.split(":", 2) : ["sha1", signature.to_s]
    ALGORITHMS.include?(algorithm) && OpenSSL.secure_compare(claimed, digest(algorithm, secret, text))
  end

  def percent(text, kept)
    text.b.gsub(/[^A-Za-z0-9#{Regexp.escape(kept)}]/n) { |byte| format("%%%02X", byte.ord) }
  end

  # Signs a Smart CDN URL: a path as encodeURIComponent writes it, a query as URLSearchParams does.
  def smart_cdn(workspace, template, input, params, key, secret, exp)
    pairs = params.reject { |name, _| %w[sig auth_key exp].include?(name) }
    pairs += [["auth_key", key], ["exp", exp.to_s]]
    pairs = pairs.sort_by.with_index { |(name, _), index| [name.encode("UTF-16BE").b, index] }
    query = pairs.map { |pair| pair.map { |text| percent(text, "*-._ ").tr(" ", "+") }.join("=") }.join("&")
    host, *path = [workspace, template, input].map { |text| percent(text, "-_.!~*'()") }
    rest = "#{path.join('/')}?#{query}"
    "https://#{host}.tlcdn.com/#{rest}&sig=sha256%3A#{digest('sha256', secret, "#{host}/#{rest}")}"
  end
end
