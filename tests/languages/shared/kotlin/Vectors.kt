import com.fasterxml.jackson.databind.JsonNode
import java.io.File

/** Whether each row of the vectors holds here. */
fun vectors(): Map<String, Boolean> = listOf("signing", "encoding", "smart_cdn", "pingbacks").flatMap { kind ->
    Transloadit.json.readTree(File(System.getenv("VECTORS"), "$kind.json"))["rows"]
        .filterNot { "big integers" in it.path("needs").toString() }
        .map { "$kind/${it.text("name")}" to holds(kind, it) }
}.toMap()

private fun holds(kind: String, row: JsonNode): Boolean = with(Transloadit) {
    when (kind) {
        "signing" -> row.text("signature") ==
            row.text("algorithm") + ":" + digest(row.text("algorithm"), row.text("secret"), row.text("params"))
        "encoding" -> {
            val text = json.writeValueAsString(json.readTree(row.text("json")))
            text.all { it.code < 128 } && json.readTree(text) == json.readTree(row.text("text"))
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
