import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.AssembliesApi;
import org.openapitools.client.api.AssemblyNotificationsApi;
import org.openapitools.client.model.AssemblyError;
import org.openapitools.client.model.AssemblyFile;
import org.openapitools.client.model.AssemblyStatus;
import org.springframework.web.reactive.function.client.WebClientResponseException;

final class Driver {
  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final List<List<String>> SIGNED = new ArrayList<>();

  private static Transloadit.Signed ready(Map<String, ?> params) throws Exception {
    var signed = Transloadit.sign(params, System.getenv("TRANSLOADIT_KEY"), System.getenv("TRANSLOADIT_SECRET"));
    SIGNED.add(List.of(signed.params(), signed.signature()));
    return signed;
  }

  private static Vectors.Reading status(byte[] body) throws IOException {
    AssemblyStatus read = MAPPER.readValue(body, AssemblyStatus.class);
    return read == null ? null : new Vectors.Reading(read.getOk(), read.getError(), null, read.getAssemblyId());
  }

  private static Vectors.Reading refusal(byte[] body) throws IOException {
    AssemblyError read = MAPPER.readValue(body, AssemblyError.class);
    return new Vectors.Reading(null, read.getError(), read.getCode(), read.getAssemblyId());
  }

  public static void main(String[] arguments) throws Exception {
    ApiClient client = new ApiClient().setBasePath(System.getenv("TRANSLOADIT_ENDPOINT"));
    AssembliesApi assemblies = new AssembliesApi(client);
    String crashed = System.getenv("CRASHED_ASSEMBLY");

    var form = ready(Map.of(
        "template_id", "resize-to-fit",
        "fields", Map.of("caption", "Grüße, 日本 🎄")));
    List<File> files = List.of(new File("one.txt"), new File("two.txt"));
    AssemblyStatus created = assemblies.createAssembly(form.params(), form.signature(), null, null, files).block();
    AssemblyStatus status = assemblies.getAssembly(created.getAssemblyId()).block();
    AssemblyStatus cancelled = assemblies.cancelAssembly(created.getAssemblyId()).block();
    form = ready(Map.of("reparse_template", 0));
    var replayed = assemblies.replayAssembly(crashed, form.params(), form.signature()).block();
    form = ready(Map.of());
    var notified = new AssemblyNotificationsApi(client)
        .replayAssemblyNotification(crashed, form.params(), form.signature()).block();
    form = ready(Map.of("reparse_template", 0));
    AssemblyError refusal = null;
    try {
      assemblies.replayAssembly(created.getAssemblyId(), form.params(), form.signature()).block();
    } catch (WebClientResponseException refused) {
      refusal = refused.getResponseBodyAs(AssemblyError.class);
    }

    System.out.println(Transloadit.JSON.writeValueAsString(Map.of(
        "assembly_id", created.getAssemblyId(), "created", created.getOk(), "status", status.getOk(),
        "uploads", status.getUploads().stream().map(AssemblyFile::getName).toList(),
        "cancelled", cancelled.getOk(), "replayed", replayed.getAssemblyId(), "notified", notified.getOk(),
        "error", refusal.getError(), "signed", SIGNED, "vectors", Vectors.check(Driver::status, Driver::refusal))));
  }
}
