package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.source.Problem.Code;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads the filters {@code RequestMirror} and {@code CORS} of a rule. */
final class CopyAndCorsDecoder {
  private static final int MILLION = 1_000_000;
  private static final int MAX_AGE_SECONDS = 7 * 24 * 3600;
  private static final int MAX_ITEMS = 64;
  private static final int DEFAULT_MAX_AGE_SECONDS = 5;

  private static final Pattern ORIGIN =
      Pattern.compile("\\*|[a-z][a-z0-9+.-]*://(\\*|(\\*\\.)?[A-Za-z0-9.-]+)(:(\\*|[0-9]{1,5}))?");
  private static final Pattern WORD = Pattern.compile("\\*|[!#$%&'+.^_`|~0-9A-Za-z-]{1,256}");

  private CopyAndCorsDecoder() {}

  /** Null where it names nobody, which was reported. */
  static @Nullable Filter mirror(Fields fields) {
    @Nullable Fields reference = fields.requiredObject("backendRef", "who gets the copies");
    @Nullable Backend backend = null;
    if (reference != null) {
      backend = RouteParts.target(reference, 1);
      reference.finish();
    }
    int perMillion = fields.integer("percent", 100, 0, 100) * (MILLION / 100);
    @Nullable Fields fraction = fields.object("fraction");
    if (fraction != null) {
      int whole = fraction.integer("denominator", 100, 1, MILLION);
      int part = fraction.integer("numerator", whole, 0, whole);
      fraction.finish();
      perMillion = (int) ((long) part * MILLION / whole);
      if (fields.value("percent") != null) {
        fields.problem(
            Code.CONFLICT, "fraction", "`percent` and `fraction` say the same thing", "keep one");
      }
    }
    return backend == null ? null : new Filter.Mirror(backend, perMillion);
  }

  static Filter cors(Fields fields) {
    List<String> origins =
        words(fields, "allowOrigins", ORIGIN, "an origin such as https://shop.example or *");
    List<String> methods = words(fields, "allowMethods", WORD, "a method or *");
    List<String> headers = words(fields, "allowHeaders", WORD, "a header name or *");
    List<String> exposed = words(fields, "exposeHeaders", WORD, "a header name or *");
    return new Filter.Cors(
        origins,
        methods,
        headers,
        exposed,
        Duration.ofSeconds(fields.integer("maxAge", DEFAULT_MAX_AGE_SECONDS, 1, MAX_AGE_SECONDS)),
        fields.flag("allowCredentials", false));
  }

  private static List<String> words(Fields fields, String name, Pattern valid, String expected) {
    List<String> words = new ArrayList<>();
    for (Node node : fields.list(name)) {
      String where = fields.at(name) + "[" + words.size() + "]";
      String word = fields.text(node, where);
      if (!valid.matcher(word).matches()) {
        fields
            .doc()
            .problem(
                Code.BAD_VALUE,
                node,
                "`" + where + "` is `" + word + "`, expected " + expected,
                "");
      }
      words.add(word);
    }
    if (words.size() > MAX_ITEMS) {
      fields.problem(
          Code.LIMIT, name, "`" + fields.at(name) + "` has more than " + MAX_ITEMS + " items", "");
    }
    return words;
  }
}
