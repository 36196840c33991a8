import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers

/** Asks the stand-in's admin API for a fault, as any program can, and whether the next request meets it. */
fun meetsAFault(): Boolean {
    val fault = """{"kind": "unavailable", "operation": "getAssembly"}"""
    return status("/_standin/faults") { POST(BodyPublishers.ofString(fault)) } == 201 &&
        status("/assemblies/" + System.getenv("CRASHED_ASSEMBLY")) == 503
}

private fun status(path: String, change: HttpRequest.Builder.() -> HttpRequest.Builder = { this }): Int {
    val request = HttpRequest.newBuilder(URI(System.getenv("TRANSLOADIT_ENDPOINT") + path)).change().build()
    return HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode()
}
