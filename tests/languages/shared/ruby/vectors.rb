require_relative "standin"
require_relative "transloadit"

# Whether each row of the vectors holds here.
module Vectors
  CHECKS = {
    "signing" => lambda { |r|
      r["signature"] == "#{r['algorithm']}:#{Transloadit.digest(r['algorithm'], r['secret'], r['params'])}"
    },
    "encoding" => lambda { |r|
      text = Transloadit.encode(JSON.parse(r["json"]))
      text.ascii_only? && JSON.parse(text) == JSON.parse(r["text"])
    },
    "expires" => ->(r) { r["iso"] == Transloadit.expires(Time.iso8601(r["time"])) },
    "states" => ->(r) { r["state"] == Transloadit.state(r["status"]["ok"], r["status"]["error"]) },
    "smart_cdn" => lambda { |r|
      r["url"] == Transloadit.smart_cdn(*r.values_at("workspace", "template", "input", "params", "auth_key", "secret", "exp"))
    },
    "pingbacks" => ->(r) { r["accept"] == Transloadit.genuine?(r["transloadit"], r["signature"], r["secret"]) }
  }.freeze

  # The two lambdas read the text of a body with a generated class.
  def self.check(status, refusal)
    answers = { "answers" => ->(row) { reads?(row, status, refusal) } }
    CHECKS.merge(answers).each_with_object({ "faults/asked for" => Standin.meets_a_fault? }) do |(kind, check), held|
      JSON.parse(File.read("#{ENV.fetch('VECTORS')}/#{kind}.json"))["rows"].each do |row|
        next if row["needs"]&.include?("lone surrogates") # no Ruby text in UTF-8 holds one

        held["#{kind}/#{row['name']}"] = check.call(row)
      end
    end
  end

  def self.reads?(row, status, refusal)
    expected = row["reads_as"]
    body = row["body"] || row["body_base64"].unpack1("m").force_encoding("UTF-8")
    read = (expected["as"] == "refusal" ? refusal : status).call(body)
    case expected["as"]
    when "status" then Transloadit.state(read.ok, read.error) == expected["state"]
    when "refusal" then [read.error, read.code].find { |text| text.is_a?(String) && !text.empty? } == expected["code"]
    else read.nil? || read.assembly_id.nil?
    end
  rescue StandardError # whatever the generated code has for what it cannot read
    expected["as"] == "unreadable"
  end
end
