import com.fasterxml.jackson.databind.JsonNode
import java.io.File
import java.time.OffsetDateTime

/** What the generated class holds of a body: `ok`, `error`, a code and an id. */
data class Reading(val ok: Any?, val error: String?, val code: Any?, val id: String?)

/** Reads a body with a generated class. */
typealias Reader = (ByteArray) -> Reading?

private val kinds = listOf("signing", "encoding", "expires", "smart_cdn", "pingbacks", "states")

/** Whether each row of the vectors holds here. */
fun vectors(status: Reader, refusal: Reader): Map<String, Boolean> = kinds.flatMap { kind ->
    rows(kind).filterNot { "big integers" in it.path("needs").toString() }
        .map { "$kind/${it.text("name")}" to holds(kind, it) }
}.toMap() + rows("answers").associate { "answers/${it.text("name")}" to reads(it, status, refusal) } +
    ("faults/asked for" to meetsAFault())

private fun rows(kind: String): JsonNode =
    Transloadit.json.readTree(File(System.getenv("VECTORS"), "$kind.json"))["rows"]

private fun reads(row: JsonNode, status: Reader, refusal: Reader): Boolean {
    val body = if (row.has("body")) row.text("body").toByteArray() else row["body_base64"].binaryValue()
    val expected = row["reads_as"]
    val read = try {
        (if (expected.text("as") == "refusal") refusal else status)(body)
    } catch (_: Exception) {
        null
    } catch (_: StackOverflowError) {
        null
    }
    return when (expected.text("as")) {
        "status" -> read != null && Transloadit.state(read.ok, read.error) == expected.text("state")
        "refusal" -> read != null && expected["code"].textValue() == (read.error ?: read.code as? String)
        else -> read?.id == null
    }
}

private fun holds(kind: String, row: JsonNode): Boolean = with(Transloadit) {
    when (kind) {
        "signing" -> row.text("signature") ==
            row.text("algorithm") + ":" + digest(row.text("algorithm"), row.text("secret"), row.text("params"))
        "encoding" -> {
            val text = json.writeValueAsString(json.readTree(row.text("json")))
            text.all { it.code < 128 } && json.readTree(text) == json.readTree(row.text("text"))
        }
        "expires" -> row.text("slashes") == expires(OffsetDateTime.parse(row.text("time")).toInstant())
        "states" -> {
            val error = row["status"].path("error")
            val failed = error.takeUnless { it.isMissingNode || it.isNull || it.textValue() == "" }
            row.text("state") == state(row["status"].path("ok").textValue(), failed)
        }
        "smart_cdn" -> row.text("url") == smartCdn(
            row.text("workspace"), row.text("template"), row.text("input"),
            row["params"].map { pair -> pair.map { it.textValue() } },
            row.text("auth_key"), row.text("secret"), row["exp"].longValue(),
        )
        else -> row["accept"].booleanValue() ==
            genuine(row.text("transloadit"), row["signature"].textValue(), row.text("secret"))
    }
}

private fun JsonNode.text(key: String): String = get(key).textValue()
