import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** What no generator writes: how the API wants its texts signed. */
final class Transloadit {
  static final ObjectMapper JSON = JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();
  private static final Set<String> FINAL = Set.of("ASSEMBLY_COMPLETED", "ASSEMBLY_CANCELED", "REQUEST_ABORTED");
  private static final Set<String> ALGORITHMS = Set.of("sha1", "sha256", "sha384", "sha512");

  record Signed(String params, String signature) {}

  static String digest(String algorithm, String secret, String text) {
    try {
      String name = "Hmac" + algorithm.toUpperCase();
      Mac mac = Mac.getInstance(name);
      mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), name));
      return HexFormat.of().formatHex(mac.doFinal(text.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  static String expires(Instant time) {
    return DateTimeFormatter.ofPattern("yyyy/MM/dd HH:mm:ss'+00:00'").withZone(ZoneOffset.UTC).format(time);
  }

  /** Any error ends an Assembly, and what nobody knows yet is busy. */
  static String state(String ok, boolean failed) {
    return failed ? "failed" : ok != null && FINAL.contains(ok) ? "done" : "busy";
  }

  /** Adds `auth`; gives the text to send, in ASCII, and its signature. */
  static Signed sign(Map<String, ?> params, String key, String secret) throws JsonProcessingException {
    String expires = expires(Instant.now().plus(Duration.ofHours(1)));
    Map<String, Object> all = new HashMap<>(params);
    all.put("auth", Map.of("key", key, "expires", expires, "nonce", UUID.randomUUID().toString()));
    String text = JSON.writeValueAsString(all);
    return new Signed(text, "sha384:" + digest("sha384", secret, text));
  }

  /** Whether a Pingback is Transloadit's own. */
  static boolean genuine(String text, String signature, String secret) {
    String given = signature == null ? "" : signature;
    int colon = given.indexOf(':');
    String algorithm = colon < 0 ? "sha1" : given.substring(0, colon);
    byte[] claimed = given.substring(colon + 1).getBytes(StandardCharsets.UTF_8);
    return ALGORITHMS.contains(algorithm)
        && MessageDigest.isEqual(claimed, digest(algorithm, secret, text).getBytes(StandardCharsets.UTF_8));
  }

  /** As URLSearchParams writes it. */
  private static String form(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  /** As encodeURIComponent writes it. */
  private static String part(String text) {
    return form(text).replace("+", "%20").replace("%21", "!").replace("%27", "'").replace("%28", "(")
        .replace("%29", ")").replace("%7E", "~");
  }

  /** Signs a Smart CDN URL, good until `exp` in milliseconds since 1970. */
  static String smartCdn(String workspace, String template, String input, List<List<String>> params,
      String key, String secret, long exp) {
    List<List<String>> pairs = new ArrayList<>(params);
    pairs.removeIf(pair -> Set.of("sig", "auth_key", "exp").contains(pair.get(0)));
    pairs.addAll(List.of(List.of("auth_key", key), List.of("exp", Long.toString(exp))));
    pairs.sort(Comparator.comparing(pair -> pair.get(0)));
    String query = pairs.stream().map(pair -> form(pair.get(0)) + "=" + form(pair.get(1)))
        .collect(Collectors.joining("&"));
    String path = part(template) + "/" + part(input) + "?" + query;
    String signature = digest("sha256", secret, part(workspace) + "/" + path);
    return "https://" + part(workspace) + ".tlcdn.com/" + path + "&sig=sha256%3A" + signature;
  }

  private Transloadit() {}
}
