$LOAD_PATH.unshift(File.join(__dir__, "client", "lib"))
require "openapi_client"
require_relative "transloadit"
require_relative "vectors"

endpoint = URI(ENV.fetch("TRANSLOADIT_ENDPOINT"))
OpenapiClient.configure do |config|
  config.scheme = endpoint.scheme
  config.host = "#{endpoint.host}:#{endpoint.port}"
  config.server_index = nil # take the host above, not the document's
end
assemblies = OpenapiClient::AssembliesApi.new
notifications = OpenapiClient::AssemblyNotificationsApi.new
crashed = ENV.fetch("CRASHED_ASSEMBLY")
signed = []
ready = lambda do |params|
  signed << Transloadit.sign(params, ENV.fetch("TRANSLOADIT_KEY"), ENV.fetch("TRANSLOADIT_SECRET"))
  [signed.last[0], { signature: signed.last[1], debug_auth_names: [] }] # or an empty bearer token is sent
end

read = ->(model) { ->(body) { model.build_from_hash(JSON.parse(body, symbolize_names: true)) } }

params, options = ready.call(
  template_id: "resize-to-fit",
  fields: { caption: "Grüße, 日本 🎄" }
)
files = %w[one.txt two.txt].map { |name| File.new(name, "rb") }
created = assemblies.create_assembly(params, options.merge(files: files))
status = assemblies.get_assembly(created.assembly_id)
cancelled = assemblies.cancel_assembly(created.assembly_id)
replayed = assemblies.replay_assembly(crashed, *ready.call({ reparse_template: 0 }))
notified = notifications.replay_assembly_notification(crashed, *ready.call({}))
begin
  assemblies.replay_assembly(created.assembly_id, *ready.call({ reparse_template: 0 }))
rescue OpenapiClient::ApiError => e
  error = JSON.parse(e.response_body)["error"]
end

puts JSON.generate(
  assembly_id: created.assembly_id, created: created.ok, status: status.ok,
  uploads: status.uploads.map(&:name), cancelled: cancelled.ok, replayed: replayed.assembly_id,
  notified: notified.ok, error: error, signed: signed, vectors: Vectors.check(read.call(OpenapiClient::AssemblyStatus), read.call(OpenapiClient::AssemblyError))
)
