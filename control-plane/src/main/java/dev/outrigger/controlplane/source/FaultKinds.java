package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment.Place;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.HandshakeFault;
import dev.outrigger.fault.MeshFault;
import dev.outrigger.fault.Spread;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;

/** Reads what a fault does: each kind is a field of its own. */
final class FaultKinds {
  private static final Set<String> TOXICS =
      Set.of(
          "latency",
          "bandwidth",
          "stall",
          "partition",
          "resetPeer",
          "slowClose",
          "limit",
          "slicer",
          "refuse");

  /** Every kind, in the order in which they are offered. */
  static final String[] ALL = {
    "delay",
    "abort",
    "reset",
    "throttle",
    "rewrite",
    "latency",
    "bandwidth",
    "stall",
    "partition",
    "resetPeer",
    "slowClose",
    "limit",
    "slicer",
    "refuse",
    "certificate",
    "handshake",
    "staleConfiguration",
    "lostStream",
    "failingAuthority"
  };

  /** Kinds of TLS handshakes. */
  private static final Set<String> OF_HANDSHAKE = Set.of("certificate", "handshake");

  /** Kinds of the mesh itself. */
  private static final Map<String, MeshFault> OF_MESH =
      Map.of(
          "staleConfiguration",
          MeshFault.STALE_CONFIGURATION,
          "lostStream",
          MeshFault.LOST_STREAM,
          "failingAuthority",
          MeshFault.FAILING_AUTHORITY);

  /** Kinds that change what the caller sends and gets, which no attempt does by itself. */
  private static final Set<String> OF_EXCHANGE = Set.of("throttle", "rewrite");

  private static final Duration MAX_DELAY = Duration.ofMinutes(10);
  private static final int MAX_SLICE = 1 << 20;
  private static final Pattern BOUND = Pattern.compile("[0-9]{1,6}(?:\\.[0-9]{1,9})?");
  private static final Pattern COUNT = Pattern.compile("[0-9]{1,15}");
  private static final Pattern QUANTILE = Pattern.compile("p([0-9]{1,3}(?:\\.[0-9]{1,4})?)");

  private static final Map<String, Direction> DIRECTIONS = new LinkedHashMap<>();
  private static final Map<String, String> DISTRIBUTIONS = new LinkedHashMap<>();
  private static final Map<String, HandshakeFault.Flaw> FLAWS = new LinkedHashMap<>();
  private static final Map<String, HandshakeFault.Then> ENDINGS = new LinkedHashMap<>();

  static {
    DIRECTIONS.put("both", Direction.BOTH);
    DIRECTIONS.put("upstream", Direction.UPSTREAM);
    DIRECTIONS.put("downstream", Direction.DOWNSTREAM);
    for (String distribution : List.of("uniform", "normal", "pareto")) {
      DISTRIBUTIONS.put(distribution, distribution);
    }
    for (HandshakeFault.Flaw flaw : HandshakeFault.Flaw.values()) {
      FLAWS.put(flaw.text(), flaw);
    }
    ENDINGS.put("goOn", HandshakeFault.Then.GO_ON);
    ENDINGS.put("silence", HandshakeFault.Then.SILENCE);
    ENDINGS.put("reset", HandshakeFault.Then.RESET);
    ENDINGS.put("alert", HandshakeFault.Then.ALERT);
  }

  private FaultKinds() {}

  /** Where a kind can act, and in words why not elsewhere. */
  record Places(Set<Place> all, String because, String hint) {}

  static Places placesOf(String kind) {
    if (TOXICS.contains(kind)) {
      return new Places(
          Set.of(Place.CONNECTION),
          "acts on bytes: it needs `where: connection`",
          "write `where: connection`");
    }
    if (OF_HANDSHAKE.contains(kind)) {
      return new Places(
          Set.of(Place.CONNECTION, Place.INBOUND),
          "acts on handshakes: it needs `where: connection` or inbound",
          "write `where: connection` for the caller's part, inbound for the receiver's");
    }
    if (OF_MESH.containsKey(kind)) {
      return new Places(
          Set.of(Place.MESH),
          "acts on the mesh itself: it needs `where: mesh`",
          "write `where: mesh`");
    }
    return OF_EXCHANGE.contains(kind)
        ? new Places(
            Set.of(Place.REQUEST, Place.INBOUND),
            "changes what the caller gets: it can only be at a request or inbound",
            "write `where: request` or inbound")
        : new Places(
            Set.of(Place.REQUEST, Place.ATTEMPT, Place.INBOUND),
            "acts on requests: it can only be at a request, an attempt or inbound",
            "write `where: request`, attempt or inbound");
  }

  /** Whether it acts on single requests. */
  static boolean isOfRequests(String kind) {
    return !TOXICS.contains(kind) && !OF_HANDSHAKE.contains(kind) && !OF_MESH.containsKey(kind);
  }

  /** After a problem it gives some fault, which is never used. */
  static Fault decode(Fields fields, String kind) {
    @Nullable Fields body = fields.object(kind);
    if (body == null) {
      return withoutSettings(fields, kind);
    }
    Fault fault = new Fault.Reset();
    try {
      fault = withSettings(body, kind);
    } catch (IllegalArgumentException e) {
      fields.problem(
          Code.CONFLICT, kind, "`" + fields.at(kind) + "` cannot be: " + e.getMessage(), "");
    }
    body.finish();
    return fault;
  }

  private static Fault withoutSettings(Fields fields, String kind) {
    @Nullable MeshFault mesh = OF_MESH.get(kind);
    if (mesh != null) {
      return mesh;
    }
    return switch (kind) {
      case "reset" -> new Fault.Reset();
      case "resetPeer" -> new Fault.ResetPeer(Duration.ZERO);
      case "stall" -> new Fault.Stall(Duration.ZERO, Direction.BOTH);
      case "partition" -> new Fault.Partition(Direction.BOTH);
      case "refuse" -> new Fault.Refuse();
      default -> {
        fields.requiredText(kind, "its settings");
        yield new Fault.Reset();
      }
    };
  }

  private static Fault withSettings(Fields body, String kind) {
    @Nullable MeshFault mesh = OF_MESH.get(kind);
    if (mesh != null) {
      return mesh;
    }
    return switch (kind) {
      case "delay" -> new Fault.Delay(spread(body, "fixed"));
      case "abort" -> abort(body);
      case "throttle" ->
          new Fault.Throttle(
              body.requiredBytes("rate", "bytes per second, such as 64Ki", 1, Fault.FASTEST));
      case "rewrite" -> rewrite(body);
      case "latency" -> new Fault.Latency(spread(body, "latency"), direction(body));
      case "bandwidth" ->
          new Fault.Bandwidth(
              body.requiredBytes("rate", "bytes per second, such as 64Ki", 1, Fault.FASTEST),
              direction(body));
      case "stall" -> new Fault.Stall(shortTime(body, "timeout"), direction(body));
      case "partition" -> new Fault.Partition(direction(body));
      case "resetPeer" -> new Fault.ResetPeer(shortTime(body, "after"));
      case "slowClose" -> new Fault.SlowClose(required(body, "delay"), direction(body));
      case "limit" ->
          new Fault.Limit(
              body.requiredBytes("bytes", "after how many it closes", 0, Long.MAX_VALUE),
              direction(body));
      case "slicer" ->
          new Fault.Slicer(
              body.requiredInteger("averageSize", "bytes in a piece", 1, MAX_SLICE),
              body.integer("sizeVariation", 0, 0, MAX_SLICE),
              shortTime(body, "delay"),
              direction(body));
      case "refuse" -> new Fault.Refuse();
      case "certificate" ->
          new HandshakeFault.Certificate(
              body.requiredChoice("flaw", FLAWS, HandshakeFault.Flaw.EXPIRED),
              HandshakeFault.Credential.NONE);
      case "handshake" ->
          new HandshakeFault.Upset(
              List.of("delay", "quantiles", "histogram", "jitter", "distribution").stream()
                      .anyMatch(body::has)
                  ? spread(body, "delay")
                  : Spread.NONE,
              body.choice("then", ENDINGS, HandshakeFault.Then.GO_ON));
      default -> new Fault.Reset();
    };
  }

  private static Duration shortTime(Fields fields, String name) {
    return ExperimentDecoder.within(fields, name, Duration.ZERO, Duration.ZERO, MAX_DELAY);
  }

  private static Duration required(Fields fields, String name) {
    if (!fields.has(name)) {
      fields.requiredText(name, "how long");
    }
    return shortTime(fields, name);
  }

  private static Direction direction(Fields body) {
    return body.choice("direction", DIRECTIONS, Direction.BOTH);
  }

  private static Spread spread(Fields body, String middleName) {
    for (String table : List.of("quantiles", "histogram")) {
      if (!body.has(table)) {
        continue;
      }
      for (String name : List.of(middleName, "jitter", "distribution", "histogram")) {
        if (body.has(name) && !name.equals(table)) {
          body.problem(
              Code.CONFLICT,
              name,
              "`" + body.at(name) + "` cannot stand beside `" + table + "`",
              "keep one of them");
        }
      }
      return table.equals("quantiles") ? table(body) : histogram(body);
    }
    Duration middle = required(body, middleName);
    Duration jitter = shortTime(body, "jitter");
    return switch (body.choice("distribution", DISTRIBUTIONS, "uniform")) {
      case "normal" -> new Spread.Normal(middle, jitter);
      case "pareto" -> new Spread.Pareto(middle, jitter);
      default -> new Spread.Uniform(middle, jitter);
    };
  }

  private static Spread table(Fields body) {
    List<Spread.Point> points = new ArrayList<>();
    @Nullable Fields table = body.object("quantiles");
    if (table != null) {
      for (String name : table.names()) {
        Matcher quantile = QUANTILE.matcher(name);
        @Nullable Node node = table.value(name);
        BigDecimal percent =
            quantile.matches() ? new BigDecimal(quantile.group(1)) : BigDecimal.valueOf(101);
        if (node == null || percent.compareTo(BigDecimal.valueOf(100)) > 0) {
          table.problem(
              Code.BAD_VALUE,
              name,
              "`" + table.at(name) + "` is no quantile with its duration",
              "write it like p50: 20ms or p99.9: 1s");
          continue;
        }
        points.add(
            new Spread.Point(percent.movePointRight(4).intValueExact(), shortTime(table, name)));
      }
      table.finish();
    }
    return new Spread.Table(points);
  }

  /** Names are bounds in seconds and values are counts, as in the metrics of proxies. */
  private static Spread histogram(Fields body) {
    List<Spread.Bucket> buckets = new ArrayList<>();
    long all = 0;
    long beyond = -1;
    @Nullable Fields table = body.object("histogram");
    if (table != null) {
      for (String name : table.names()) {
        @Nullable Node node = table.value(name);
        boolean bound = BOUND.matcher(name).matches() || name.equals("+Inf");
        if (!bound
            || !(node instanceof ScalarNode scalar)
            || !COUNT.matcher(scalar.getValue()).matches()) {
          table.problem(
              Code.BAD_VALUE,
              name,
              "`" + table.at(name) + "` is no bound in seconds with its count",
              "write it as metrics have it, like \"0.25\": 120 or \"+Inf\": 125");
          continue;
        }
        long count = Long.parseLong(scalar.getValue());
        all = Math.max(all, count);
        if (name.equals("+Inf")) {
          beyond = count;
          continue;
        }
        BigDecimal seconds = new BigDecimal(name);
        if (seconds.compareTo(BigDecimal.valueOf(MAX_DELAY.toSeconds())) > 0) {
          table.problem(
              Code.BAD_VALUE,
              name,
              "`" + table.at(name) + "` is above " + MAX_DELAY.toMinutes() + "m",
              "leave it out: what is beyond the last bound is as long as that");
          continue;
        }
        buckets.add(
            new Spread.Bucket(Duration.ofNanos(seconds.movePointRight(9).longValue()), count));
      }
      table.finish();
    }
    buckets.sort(Comparator.comparing(Spread.Bucket::atMost));
    return Spread.Table.recorded(buckets, beyond < 0 ? all : beyond);
  }

  private static Fault rewrite(Fields body) {
    Fault.HeaderEdits request = edits(body.object("request"));
    @Nullable Fields response = body.object("response");
    @Nullable Integer status = response == null ? null : response.integerOrNull("status", 200, 599);
    return new Fault.Rewrite(
        request, edits(response), status == null ? OptionalInt.empty() : OptionalInt.of(status));
  }

  private static Fault.HeaderEdits edits(@Nullable Fields fields) {
    if (fields == null) {
      return Fault.HeaderEdits.NONE;
    }
    List<Fault.Header> set = new ArrayList<>();
    fields
        .textMap("set")
        .forEach((name, value) -> set.add(new Fault.Header(name.toLowerCase(Locale.ROOT), value)));
    List<String> remove =
        fields.texts("remove").stream().map(name -> name.toLowerCase(Locale.ROOT)).toList();
    fields.finish();
    return new Fault.HeaderEdits(set, remove);
  }

  private static Fault abort(Fields body) {
    @Nullable Integer grpc = body.integerOrNull("grpcStatus", 0, 16);
    int http =
        grpc == null
            ? body.requiredInteger("httpStatus", "from 200 to 599", 200, 599)
            : body.integer("httpStatus", 503, 200, 599);
    return new Fault.Abort(http, grpc == null ? OptionalInt.empty() : OptionalInt.of(grpc));
  }
}
