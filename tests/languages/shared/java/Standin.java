import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** The stand-in's admin API, which any program can use. */
final class Standin {
  /** Asks for a fault, and whether the next request meets it. */
  static boolean meetsAFault() throws IOException {
    String endpoint = System.getenv("TRANSLOADIT_ENDPOINT");
    String fault = "{\"kind\": \"unavailable\", \"operation\": \"getAssembly\"}";
    var asked = HttpRequest.newBuilder(URI.create(endpoint + "/_standin/faults")).POST(BodyPublishers.ofString(fault));
    var met = HttpRequest.newBuilder(URI.create(endpoint + "/assemblies/" + System.getenv("CRASHED_ASSEMBLY")));
    return status(asked.build()) == 201 && status(met.build()) == 503;
  }

  private static int status(HttpRequest request) throws IOException {
    try {
      return HttpClient.newHttpClient().send(request, BodyHandlers.discarding()).statusCode();
    } catch (InterruptedException interrupted) {
      throw new IOException(interrupted);
    }
  }

  private Standin() {}
}
