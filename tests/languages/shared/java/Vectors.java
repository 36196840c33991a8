import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/** Whether each row of the vectors holds here. */
final class Vectors {
  /** What the generated class holds of a body: `ok`, `error`, a code and an id. */
  record Reading(String ok, String error, Object code, String id) {}

  /** Reads a body with a generated class. */
  interface Reader {
    Reading read(byte[] body) throws IOException;
  }

  static Map<String, Boolean> check(Reader status, Reader refusal) throws IOException {
    Map<String, Boolean> held = new TreeMap<>();
    held.put("faults/asked for", Standin.meetsAFault());
    for (String kind : List.of("signing", "encoding", "expires", "smart_cdn", "pingbacks")) {
      for (JsonNode row : rows(kind)) {
        if (!row.path("needs").toString().contains("big integers")) {
          held.put(kind + "/" + row.get("name").textValue(), holds(kind, row));
        }
      }
    }
    for (JsonNode row : rows("answers")) {
      held.put("answers/" + text(row, "name"), reads(row, status, refusal));
    }
    for (JsonNode row : rows("states")) {
      JsonNode error = row.get("status").path("error");
      boolean failed = !error.isMissingNode() && !error.isNull() && !"".equals(error.textValue());
      held.put("states/" + text(row, "name"),
          Transloadit.state(row.get("status").path("ok").textValue(), failed).equals(text(row, "state")));
    }
    return held;
  }

  private static JsonNode rows(String kind) throws IOException {
    return Transloadit.JSON.readTree(new File(System.getenv("VECTORS"), kind + ".json")).get("rows");
  }

  private static boolean reads(JsonNode row, Reader status, Reader refusal) throws IOException {
    byte[] body = row.has("body") ? text(row, "body").getBytes(StandardCharsets.UTF_8)
        : row.get("body_base64").binaryValue();
    JsonNode expected = row.get("reads_as");
    Reading read;
    try {
      read = (text(expected, "as").equals("refusal") ? refusal : status).read(body);
    } catch (IOException | StackOverflowError unreadable) {
      read = null;
    }
    return switch (text(expected, "as")) {
      case "status" -> read != null
          && Transloadit.state(read.ok(), read.error() != null && !read.error().isEmpty()).equals(text(expected, "state"));
      case "refusal" -> read != null && Objects.equals(text(expected, "code"),
          read.error() != null ? read.error() : read.code() instanceof String code ? code : null);
      default -> read == null || read.id() == null;
    };
  }

  private static boolean holds(String kind, JsonNode row) throws IOException {
    return switch (kind) {
      case "signing" -> text(row, "signature").equals(text(row, "algorithm") + ":"
          + Transloadit.digest(text(row, "algorithm"), text(row, "secret"), text(row, "params")));
      case "encoding" -> {
        String encoded = Transloadit.JSON.writeValueAsString(Transloadit.JSON.readTree(text(row, "json")));
        JsonNode value = Transloadit.JSON.readTree(text(row, "text"));
        yield encoded.chars().allMatch(c -> c < 128) && Transloadit.JSON.readTree(encoded).equals(value);
      }
      case "expires" -> Transloadit.expires(OffsetDateTime.parse(text(row, "time")).toInstant())
          .equals(text(row, "slashes"));
      case "smart_cdn" -> {
        var params = Transloadit.JSON.convertValue(row.get("params"), new TypeReference<List<List<String>>>() {});
        yield text(row, "url").equals(Transloadit.smartCdn(text(row, "workspace"), text(row, "template"),
            text(row, "input"), params, text(row, "auth_key"), text(row, "secret"), row.get("exp").longValue()));
      }
      default -> row.get("accept").booleanValue()
          == Transloadit.genuine(text(row, "transloadit"), text(row, "signature"), text(row, "secret"));
    };
  }

  private static String text(JsonNode row, String key) {
    return row.get(key).textValue();
  }

  private Vectors() {}
}
