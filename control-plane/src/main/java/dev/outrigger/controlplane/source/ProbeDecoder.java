package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.Question;
import dev.outrigger.controlplane.model.Probe.When;
import dev.outrigger.controlplane.source.Problem.Code;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** Reads {@code probes} of an {@code Experiment}. */
final class ProbeDecoder {
  private static final int MAX_PROBES = 20;
  private static final Duration EVERY = Duration.ofSeconds(5);
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final Duration MAX_TIMEOUT = Duration.ofSeconds(30);
  private static final Duration MAX_EVERY = Duration.ofHours(1);

  private static final Map<String, When> TIMES = new LinkedHashMap<>();

  static {
    TIMES.put("before", When.BEFORE);
    TIMES.put("during", When.DURING);
    TIMES.put("after", When.AFTER);
  }

  private ProbeDecoder() {}

  static List<Probe> probes(Fields spec) {
    List<Probe> probes = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Fields fields : spec.objects("probes")) {
      if (probes.size() == MAX_PROBES) {
        spec.problem(Code.LIMIT, "probes", "more than " + MAX_PROBES + " probes", "");
        break;
      }
      Probe probe = probe(fields);
      if (!probe.name().isEmpty() && !names.add(probe.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the probe name `" + probe.name() + "` is there already", "");
      }
      probes.add(probe);
    }
    return probes;
  }

  private static Probe probe(Fields fields) {
    String name = fields.requiredText("name", "it tells the probes of an experiment apart");
    if (!name.isEmpty() && !Names.isLabel(name)) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`" + fields.at("name") + "` must be lower case letters, digits and dashes",
          "");
    }
    Probe probe =
        new Probe(
            name,
            when(fields),
            ExperimentDecoder.within(fields, "every", EVERY, Duration.ofSeconds(1), MAX_EVERY),
            ExperimentDecoder.within(
                fields, "timeout", TIMEOUT, Duration.ofMillis(10), MAX_TIMEOUT),
            fields.integer("tolerate", 0, 0, 1_000_000),
            fields.flag("halt", true),
            question(fields));
    fields.finish();
    return probe;
  }

  private static Set<When> when(Fields fields) {
    if (!fields.has("when")) {
      return When.ALL;
    }
    Set<When> when = EnumSet.noneOf(When.class);
    for (Node node : fields.list("when")) {
      when.add(fields.choice(node, fields.at("when"), TIMES, When.DURING));
    }
    if (when.isEmpty()) {
      fields.problem(
          Code.BAD_VALUE, "when", "`" + fields.at("when") + "` is empty, so nothing is asked", "");
    }
    return when;
  }

  private static Question question(Fields fields) {
    @Nullable String kind = fields.oneOf("http", "command", "metric");
    if (kind == null) {
      fields.ignore("http", "command", "metric");
      return new Question.Command(List.of(), 0, "");
    }
    @Nullable Fields body = fields.object(kind);
    if (body == null) {
      return new Question.Command(List.of(), 0, "");
    }
    Question question =
        kind.equals("http") ? http(body) : kind.equals("command") ? command(body) : metric(body);
    body.finish();
    return question;
  }

  private static Question http(Fields body) {
    URI url = url(body);
    int least = 200;
    int most = 299;
    @Nullable Node status = body.value("status");
    if (status != null) {
      String text = status instanceof ScalarNode scalar ? scalar.getValue() : "";
      if (text.matches("[1-5][0-9]{2}(-[1-5][0-9]{2})?")) {
        least = Integer.parseInt(text.substring(0, 3));
        most = text.length() > 3 ? Integer.parseInt(text.substring(4)) : least;
      } else {
        body.problem(
            Code.BAD_VALUE,
            "status",
            "`" + body.at("status") + "` must be a status or a range of them",
            "write it like 200 or 200-299");
      }
    }
    String method = body.text("method", "GET");
    if (!method.matches("[A-Z]{3,10}") || method.equals("CONNECT")) {
      body.problem(
          Code.BAD_VALUE, "method", "`" + body.at("method") + "` is no method: " + method, "");
      method = "GET";
    }
    return new Question.Http(
        method, url, body.textMap("headers"), least, most, body.text("contains", ""));
  }

  private static Question command(Fields body) {
    List<String> program = body.texts("run");
    if (program.isEmpty()) {
      body.requiredText("run", "the program and its arguments, such as [curl, -f, URL]");
    }
    return new Question.Command(
        program, body.integer("exitCode", 0, 0, 255), body.text("contains", ""));
  }

  private static Question metric(Fields body) {
    URI url = url(body);
    String metric = body.requiredText("name", "the name of the series");
    OptionalDouble min = number(body, "min");
    OptionalDouble max = number(body, "max");
    if (min.isEmpty() && max.isEmpty() && !body.has("min") && !body.has("max")) {
      body.requiredText("min", "the least good value, or `max`, the greatest");
    }
    return new Question.Metric(url, metric, body.textMap("labels"), min, max);
  }

  private static OptionalDouble number(Fields body, String name) {
    @Nullable Node node = body.value(name);
    if (node == null) {
      return OptionalDouble.empty();
    }
    if (node instanceof ScalarNode scalar
        && scalar.getValue().matches("-?[0-9]{1,18}(\\.[0-9]{1,9})?")) {
      return OptionalDouble.of(Double.parseDouble(scalar.getValue()));
    }
    body.problem(
        Code.BAD_VALUE,
        name,
        "`" + body.at(name) + "` must be a number, but is " + Fields.describe(node),
        "");
    return OptionalDouble.empty();
  }

  private static URI url(Fields body) {
    String text = body.requiredText("url", "such as http://127.0.0.1:8080/health");
    try {
      URI url = URI.create(text);
      if (url.getHost() != null
          && url.getUserInfo() == null
          && url.getScheme() != null
          && url.getScheme().matches("https?")) {
        return url;
      }
    } catch (IllegalArgumentException e) {
      // Told below like a URL without a host.
    }
    if (!text.isEmpty()) {
      body.problem(
          Code.BAD_VALUE,
          "url",
          "`"
              + body.at("url")
              + "` must be an http or https URL with a host, but is `"
              + text
              + "`",
          "");
    }
    return URI.create("http://127.0.0.1/");
  }
}
