import com.fasterxml.jackson.core.json.JsonWriteFeature
import com.fasterxml.jackson.databind.json.JsonMapper
import java.net.URLEncoder
import java.security.MessageDigest
import java.time.Duration
import java.time.Instant
import java.time.ZoneOffset
import java.time.format.DateTimeFormatter
import java.util.HexFormat
import java.util.UUID
import javax.crypto.Mac
import javax.crypto.spec.SecretKeySpec

/** What no generator writes: how the API wants its texts signed. */
object Transloadit {
    val json: JsonMapper = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build()
    private val final = setOf("ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED")
    private val algorithms = setOf("sha1", "sha256", "sha384", "sha512")

    fun digest(algorithm: String, secret: String, text: String): String {
        val mac = Mac.getInstance("Hmac$algorithm").apply { init(SecretKeySpec(secret.toByteArray(), "Hmac$algorithm")) }
        return HexFormat.of().formatHex(mac.doFinal(text.toByteArray()))
    }

    fun expires(time: Instant): String =
        DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss'+00:00'").withZone(ZoneOffset.UTC).format(time)

    /** Any error ends an Assembly, and what nobody knows yet is busy. */
    fun state(ok: Any?, error: Any?): String = when {
        error != null && error != "" -> "failed"
        (ok as? String) in final -> "done"
        else -> "busy"
    }

    /** Adds `auth`; gives the text to send, in ASCII, and its signature. */
    fun sign(params: Map<String, Any>, key: String, secret: String): Pair<String, String> {
        val auth = mapOf("key" to key, "expires" to expires(Instant.now().plus(Duration.ofHours(1))), "nonce" to UUID.randomUUID().toString())
        val text = json.writeValueAsString(params + ("auth" to auth))
        return text to "sha384:" + digest("sha384", secret, text)
    }

    /** Whether a Pingback is Transloadit's own. */
    fun genuine(text: String, signature: String?, secret: String): Boolean {
        val algorithm = signature.orEmpty().substringBefore(':', "sha1")
        val claimed = signature.orEmpty().substringAfter(':').toByteArray()
        return algorithm in algorithms && MessageDigest.isEqual(claimed, digest(algorithm, secret, text).toByteArray())
    }

    /** As URLSearchParams writes it. */
    private fun form(text: String) = URLEncoder.encode(text, Charsets.UTF_8)

    /** As encodeURIComponent writes it. */
    private fun part(text: String) = form(text).replace("+", "%20")
        .replace(Regex("%(21|27|28|29|7E)")) { it.groupValues[1].toInt(16).toChar().toString() }

    /** Signs a Smart CDN URL, good until `exp` in milliseconds since 1970. */
    fun smartCdn(
        workspace: String, template: String, input: String, params: List<List<String>>,
        key: String, secret: String, exp: Long,
    ): String {
        val own = params.filterNot { it[0] in setOf("sig", "auth_key", "exp") }
        val pairs = (own + listOf(listOf("auth_key", key), listOf("exp", "$exp"))).sortedBy { it[0] }
        val query = pairs.joinToString("&") { (name, value) -> "${form(name)}=${form(value)}" }
        val path = "${part(template)}/${part(input)}?$query"
        val signature = digest("sha256", secret, "${part(workspace)}/$path")
        return "https://${part(workspace)}.tlcdn.com/$path&sig=sha256%3A$signature"
    }
}
