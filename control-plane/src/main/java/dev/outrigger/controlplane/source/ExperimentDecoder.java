package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.Experiment.Action;
import dev.outrigger.controlplane.model.Experiment.Direction;
import dev.outrigger.controlplane.model.Experiment.Fault;
import dev.outrigger.controlplane.model.Experiment.HeaderMatch;
import dev.outrigger.controlplane.model.Experiment.Match;
import dev.outrigger.controlplane.model.Experiment.Place;
import dev.outrigger.controlplane.model.Experiment.Start;
import dev.outrigger.controlplane.model.Experiment.StringMatch;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.tls.SpiffeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** Reads an {@code Experiment}. */
final class ExperimentDecoder {
  private static final Duration MAX_DURATION = Duration.ofHours(24);
  private static final Duration MAX_DELAY = Duration.ofMinutes(10);
  private static final Duration MIN_LEASE = Duration.ofSeconds(1);
  private static final Duration MAX_LEASE = Duration.ofMinutes(5);
  private static final int MAX_FAULTS = 100;

  private static final Map<String, Place> PLACES = new LinkedHashMap<>();
  private static final Map<String, Direction> DIRECTIONS = new LinkedHashMap<>();
  private static final Map<String, Start> STARTS = new LinkedHashMap<>();
  private static final Map<String, String> TYPES = new LinkedHashMap<>();

  static {
    PLACES.put("request", Place.REQUEST);
    PLACES.put("attempt", Place.ATTEMPT);
    PLACES.put("connection", Place.CONNECTION);
    PLACES.put("inbound", Place.INBOUND);
    DIRECTIONS.put("both", Direction.BOTH);
    DIRECTIONS.put("upstream", Direction.UPSTREAM);
    DIRECTIONS.put("downstream", Direction.DOWNSTREAM);
    STARTS.put("manual", Start.MANUAL);
    STARTS.put("immediate", Start.IMMEDIATE);
    for (String type : List.of("Exact", "Prefix", "RegularExpression")) {
      TYPES.put(type, type);
    }
  }

  private ExperimentDecoder() {}

  static Experiment decode(ObjectMeta meta, Fields spec) {
    String hypothesis = spec.requiredText("hypothesis", "what you expect to hold, in words");
    String owner = spec.requiredText("owner", "who answers for it");
    List<Fault> faults = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Fields fields : spec.requiredObjects("faults", "what goes wrong")) {
      if (faults.size() == MAX_FAULTS) {
        spec.problem(Code.LIMIT, "faults", "more than " + MAX_FAULTS + " faults", "");
        break;
      }
      Fault fault = fault(fields);
      if (!fault.name().isEmpty() && !names.add(fault.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the fault name `" + fault.name() + "` is there already", "");
      }
      faults.add(fault);
    }
    if (!spec.has("duration")) {
      spec.requiredText("duration", "no experiment goes on for ever");
    }
    return new Experiment(
        meta,
        hypothesis,
        owner,
        faults,
        within(spec, "duration", Duration.ofMinutes(1), Duration.ofMillis(1), MAX_DURATION),
        within(spec, "lease", Duration.ofSeconds(10), MIN_LEASE, MAX_LEASE),
        seed(spec),
        spec.choice("start", STARTS, Start.MANUAL));
  }

  private static Duration within(
      Fields fields, String name, Duration otherwise, Duration min, Duration max) {
    if (!fields.has(name)) {
      return otherwise;
    }
    Duration value = fields.duration(name, otherwise);
    if (value.compareTo(min) < 0 || value.compareTo(max) > 0) {
      fields.problem(
          Code.BAD_VALUE,
          name,
          "`" + fields.at(name) + "` must be from " + words(min) + " to " + words(max),
          "");
      return otherwise;
    }
    return value;
  }

  private static String words(Duration duration) {
    return duration.toHours() > 0
        ? duration.toHours() + "h"
        : duration.toMinutes() > 0
            ? duration.toMinutes() + "m"
            : duration.toSeconds() > 0 ? duration.toSeconds() + "s" : duration.toMillis() + "ms";
  }

  private static OptionalLong seed(Fields spec) {
    @Nullable Node node = spec.value("seed");
    if (node == null) {
      return OptionalLong.empty();
    }
    if (node instanceof ScalarNode scalar && scalar.getValue().matches("-?[0-9]{1,18}")) {
      return OptionalLong.of(Long.parseLong(scalar.getValue()));
    }
    spec.problem(
        Code.BAD_VALUE,
        "seed",
        "`spec.seed` must be a whole number of at most 18 digits, but is " + Fields.describe(node),
        "");
    return OptionalLong.empty();
  }

  private static Fault fault(Fields fields) {
    String name = fields.requiredText("name", "it tells the faults of an experiment apart");
    if (!name.isEmpty() && !Names.isLabel(name)) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`"
              + fields.at("name")
              + "` is `"
              + name
              + "`, expected lower case letters, digits and"
              + " dashes",
          "");
    }
    Place place = fields.requiredChoice("where", PLACES, Place.REQUEST);
    Action action = action(fields);
    boolean bytes = action instanceof Action.Latency || action instanceof Action.ResetPeer;
    if (bytes != (place == Place.CONNECTION)) {
      fields.problem(
          Code.CONFLICT,
          "where",
          bytes
              ? "`latency` and `resetPeer` act on bytes: they need `where: connection`"
              : "`delay`, `abort` and `reset` act on requests: they cannot be at a connection",
          bytes ? "write `where: connection`" : "write `where: request`, attempt or inbound");
    }
    @Nullable Fields at = fields.object("match");
    Match match =
        at == null
            ? new Match(List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of())
            : match(at, place);
    double percent = fields.percent("percentage", 100);
    int maxActive = fields.integer("maxActive", 0, 0, 1_000_000);
    fields.finish();
    return new Fault(name, place, action, match, (int) Math.round(percent * 10_000), maxActive);
  }

  private static Action action(Fields fields) {
    @Nullable String kind = fields.oneOf("delay", "abort", "reset", "latency", "resetPeer");
    if (kind == null) {
      fields.ignore("delay", "abort", "reset", "latency", "resetPeer");
      return new Action.Reset();
    }
    @Nullable Fields body = fields.object(kind);
    Action action =
        switch (kind) {
          case "delay" -> delay(fields, body);
          case "abort" -> abort(fields, body);
          case "latency" -> latency(fields, body);
          case "resetPeer" ->
              new Action.ResetPeer(body == null ? Duration.ZERO : shortTime(body, "after"));
          default -> new Action.Reset();
        };
    if (body != null) {
      body.finish();
    }
    return action;
  }

  private static Duration shortTime(Fields fields, String name) {
    return within(fields, name, Duration.ZERO, Duration.ZERO, MAX_DELAY);
  }

  private static Action delay(Fields fields, @Nullable Fields body) {
    if (body == null || !body.has("fixed")) {
      missing(body == null ? fields : body, body == null ? "delay" : "fixed");
    }
    return body == null
        ? new Action.Reset()
        : new Action.Delay(shortTime(body, "fixed"), jitter(body, "fixed"));
  }

  private static Action latency(Fields fields, @Nullable Fields body) {
    if (body == null || !body.has("latency")) {
      missing(body == null ? fields : body, "latency");
    }
    return body == null
        ? new Action.Reset()
        : new Action.Latency(
            shortTime(body, "latency"),
            jitter(body, "latency"),
            body.choice("direction", DIRECTIONS, Direction.BOTH));
  }

  private static Duration jitter(Fields body, String of) {
    Duration jitter = shortTime(body, "jitter");
    if (jitter.compareTo(shortTime(body, of)) > 0) {
      body.problem(
          Code.CONFLICT, "jitter", "`" + body.at("jitter") + "` is more than `" + of + "`", "");
    }
    return jitter;
  }

  private static void missing(Fields fields, String name) {
    fields.requiredText(name, "how long");
  }

  private static Action abort(Fields fields, @Nullable Fields body) {
    if (body == null) {
      fields.requiredText("abort", "with which status");
      return new Action.Reset();
    }
    @Nullable Integer grpc = body.integerOrNull("grpcStatus", 0, 16);
    int http =
        grpc == null
            ? body.requiredInteger("httpStatus", "from 200 to 599", 200, 599)
            : body.integer("httpStatus", 503, 200, 599);
    return new Action.Abort(http, grpc == null ? OptionalInt.empty() : OptionalInt.of(grpc));
  }

  private static Match match(Fields fields, Place place) {
    List<ServiceName> sources = List.of();
    List<String> identities = List.of();
    @Nullable Fields source = fields.object("source");
    if (source != null) {
      sources = Names.services(source, "services");
      identities = identities(source);
      source.finish();
    }
    List<ServiceName> destinations = List.of();
    @Nullable Fields destination = fields.object("destination");
    if (destination != null) {
      destinations = Names.services(destination, "services");
      destination.finish();
    }
    List<StringMatch> paths = new ArrayList<>();
    for (Fields path : fields.objects("paths")) {
      paths.add(string(path));
      path.finish();
    }
    List<HeaderMatch> headers = new ArrayList<>();
    for (Fields header : fields.objects("headers")) {
      String name =
          HttpRouteDecoder.headerName(header, header.requiredText("name", "the header's name"));
      headers.add(new HeaderMatch(name, header.has("value") ? string(header) : null));
      header.finish();
    }
    List<String> methods = fields.texts("methods");
    for (String method : methods) {
      if (!method.matches("[A-Z]{1,20}")) {
        fields.problem(
            Code.BAD_VALUE, "methods", "`" + method + "` is no method, expected such as GET", "");
      }
    }
    Match match =
        new Match(
            sources, identities, destinations, fields.texts("routes"), methods, paths, headers);
    if (place == Place.CONNECTION) {
      for (String name : List.of("paths", "headers", "methods", "routes")) {
        if (fields.has(name)) {
          fields.problem(
              Code.CONFLICT,
              name,
              "`" + fields.at(name) + "` cannot be told of a connection",
              "remove it");
        }
      }
    }
    fields.finish();
    return match;
  }

  private static List<String> identities(Fields source) {
    List<String> identities = new ArrayList<>();
    for (Node node : source.list("identities")) {
      String where = source.at("identities") + "[" + identities.size() + "]";
      String text = source.text(node, where);
      String id = text.endsWith("/*") ? text.substring(0, text.length() - 2) : text;
      try {
        SpiffeId.parse(id);
      } catch (IllegalArgumentException e) {
        source
            .doc()
            .problem(
                Code.BAD_VALUE,
                node,
                "`" + where + "` must be a SPIFFE ID: " + e.getMessage(),
                "write it like spiffe://cluster.local/ns/shop/sa/checkout or"
                    + " spiffe://cluster.local/ns/shop/*");
      }
      identities.add(text);
    }
    return identities;
  }

  private static StringMatch string(Fields fields) {
    String type = fields.choice("type", TYPES, "Exact");
    String value = fields.requiredText("value", "what it is compared with");
    return switch (type) {
      case "Prefix" -> new StringMatch.Prefix(value);
      case "RegularExpression" -> {
        HttpRouteDecoder.checkRegex(fields, value);
        yield new StringMatch.Regex(value);
      }
      default -> new StringMatch.Exact(value);
    };
  }
}
