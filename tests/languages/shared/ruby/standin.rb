require "net/http"

# The stand-in's admin API, which any program can use.
module Standin
  # Asks for a fault, and whether the next request meets it.
  def self.meets_a_fault?
    endpoint = ENV.fetch("TRANSLOADIT_ENDPOINT")
    fault = { kind: "unavailable", operation: "getAssembly" }
    asked = Net::HTTP.post(URI("#{endpoint}/_standin/faults"), JSON.generate(fault))
    met = Net::HTTP.get_response(URI("#{endpoint}/assemblies/#{ENV.fetch('CRASHED_ASSEMBLY')}"))
    asked.code == "201" && met.code == "503"
  end
end
