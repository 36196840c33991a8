import api.apis.AssembliesApi
import api.apis.AssemblyNotificationsApi
import api.infrastructure.ClientError
import api.infrastructure.ClientException
import api.models.AssemblyError
import api.models.AssemblyStatus
import com.fasterxml.jackson.module.kotlin.readValue
import java.io.File

private val signed = mutableListOf<List<String>>()

private fun ready(params: Map<String, Any>): Pair<String, String> =
    Transloadit.sign(params, System.getenv("TRANSLOADIT_KEY"), System.getenv("TRANSLOADIT_SECRET"))
        .also { signed += it.toList() }

private val mapper = api.infrastructure.Serializer.jacksonObjectMapper

private fun readStatus(body: ByteArray): Reading? =
    mapper.readValue<AssemblyStatus?>(body)?.let { Reading(it.ok, it.error, null, it.assemblyId) }

private fun readRefusal(body: ByteArray): Reading? =
    mapper.readValue<AssemblyError?>(body)?.let { Reading(null, it.error, it.code, it.assemblyId) }

fun main() {
    val endpoint = System.getenv("TRANSLOADIT_ENDPOINT")
    val crashed = System.getenv("CRASHED_ASSEMBLY")
    val assemblies = AssembliesApi(endpoint)
    val notifications = AssemblyNotificationsApi(endpoint)

    val (params, signature) = ready(
        mapOf(
            "template_id" to "resize-to-fit",
            "fields" to mapOf("caption" to "Grüße, 日本 🎄"),
        ),
    )
    val files = listOf(File("one.txt"), File("two.txt"))
    val created = assemblies.createAssembly(params, signature, 0, 0, files) // a null would be sent as an empty text
    val id = created.assemblyId!!
    val status = assemblies.getAssembly(id)
    val cancelled = assemblies.cancelAssembly(id)
    val replayed = ready(mapOf("reparse_template" to 0)).let { (text, hex) -> assemblies.replayAssembly(crashed, text, hex) }
    val notified = ready(mapOf()).let { (text, hex) -> notifications.replayAssemblyNotification(crashed, text, hex) }
    val refusal: AssemblyError = try {
        ready(mapOf("reparse_template" to 0)).let { (text, hex) -> assemblies.replayAssembly(id, text, hex) }
        error("it was not refused")
    } catch (refused: ClientException) {
        mapper.readValue((refused.response as ClientError<*>).body as String)
    }

    println(
        Transloadit.json.writeValueAsString(
            mapOf(
                "assembly_id" to id, "created" to created.ok, "status" to status.ok,
                "uploads" to status.uploads?.map { it?.name }, "cancelled" to cancelled.ok,
                "replayed" to replayed.assemblyId, "notified" to notified.ok, "error" to refusal.error,
                "signed" to signed, "vectors" to vectors(::readStatus, ::readRefusal),
            ),
        ),
    )
}
