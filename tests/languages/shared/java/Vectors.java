import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Whether each row of the vectors holds here. */
final class Vectors {
  static Map<String, Boolean> check() throws IOException {
    Map<String, Boolean> held = new TreeMap<>();
    for (String kind : List.of("signing", "encoding", "smart_cdn", "pingbacks")) {
      for (JsonNode row : Transloadit.JSON.readTree(new File(System.getenv("VECTORS"), kind + ".json")).get("rows")) {
        if (!row.path("needs").toString().contains("big integers")) {
          held.put(kind + "/" + row.get("name").textValue(), holds(kind, row));
        }
      }
    }
    return held;
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
