package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment.HeaderMatch;
import dev.outrigger.controlplane.model.Experiment.Match;
import dev.outrigger.controlplane.model.Experiment.Place;
import dev.outrigger.controlplane.model.Experiment.Share;
import dev.outrigger.controlplane.model.Experiment.StringMatch;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.tls.SpiffeId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads whose traffic a fault means. */
final class FaultMatchDecoder {
  private static final Map<String, String> TYPES = new LinkedHashMap<>();

  static {
    for (String type : List.of("Exact", "Prefix", "RegularExpression")) {
      TYPES.put(type, type);
    }
  }

  private FaultMatchDecoder() {}

  /** Everything. */
  static Match all() {
    return new Match(
        List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), Map.of(),
        Map.of(), Share.ALL);
  }

  /**
   * Reads it.
   *
   * @param seed of the choice among workloads
   */
  static Match decode(Fields fields, Place place, long seed) {
    List<ServiceName> sources = List.of();
    List<String> identities = List.of();
    Map<String, String> sourceLabels = Map.of();
    @Nullable Fields source = fields.object("source");
    if (source != null) {
      sources = Names.services(source, "services");
      identities = identities(source);
      sourceLabels = source.textMap("labels");
      source.finish();
    }
    List<ServiceName> destinations = List.of();
    Map<String, String> destinationLabels = Map.of();
    @Nullable Fields destination = fields.object("destination");
    if (destination != null) {
      destinations = Names.services(destination, "services");
      destinationLabels = destination.textMap("labels");
      if (!destinationLabels.isEmpty() && place != Place.INBOUND) {
        destination.problem(
            Code.CONFLICT,
            "labels",
            "`"
                + destination.at("labels")
                + "` is known at the receiver: it needs `where: inbound`",
            "write `where: inbound`, or name services");
      }
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
      boolean compared = header.has("value") || header.has("type");
      headers.add(new HeaderMatch(name, compared ? string(header) : null));
      header.finish();
    }
    grpc(fields, paths, headers);
    List<String> methods = fields.texts("methods");
    for (String method : methods) {
      if (!method.matches("[A-Z]{1,20}")) {
        fields.problem(
            Code.BAD_VALUE, "methods", "`" + method + "` is no method, expected such as GET", "");
      }
    }
    Match match =
        new Match(
            sources,
            identities,
            destinations,
            fields.texts("routes"),
            methods,
            paths,
            headers,
            sourceLabels,
            destinationLabels,
            new Share((int) Math.round(fields.percent("workloads", 100) * 10_000), seed));
    if (place == Place.CONNECTION) {
      for (String name : List.of("paths", "headers", "methods", "routes", "grpc")) {
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

  /** A call of gRPC is a request whose path is {@code /<service>/<method>}. */
  private static void grpc(Fields fields, List<StringMatch> paths, List<HeaderMatch> headers) {
    List<Fields> calls = fields.objects("grpc");
    if (!calls.isEmpty() && !paths.isEmpty()) {
      fields.problem(
          Code.CONFLICT,
          "grpc",
          "`" + fields.at("grpc") + "` cannot stand beside `paths`",
          "keep one of them");
    }
    for (Fields call : calls) {
      String service = call.requiredText("service", "its full name, such as shop.v1.Catalog");
      String method = call.text("method", "");
      if (!service.matches("[A-Za-z0-9_.]*") || !method.matches("[A-Za-z0-9_]*")) {
        call.problem(
            Code.BAD_VALUE,
            method.matches("[A-Za-z0-9_]*") ? "service" : "method",
            "`" + service + "/" + method + "` is no gRPC method",
            "write it like service: shop.v1.Catalog and method: Get");
      }
      paths.add(
          method.isEmpty()
              ? new StringMatch.Prefix("/" + service + "/")
              : new StringMatch.Exact("/" + service + "/" + method));
      call.finish();
    }
    if (!calls.isEmpty()) {
      headers.add(new HeaderMatch("content-type", new StringMatch.Prefix("application/grpc")));
    }
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
