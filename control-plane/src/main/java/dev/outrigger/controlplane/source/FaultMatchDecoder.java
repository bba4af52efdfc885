package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.Experiment.HeaderMatch;
import dev.outrigger.controlplane.model.Experiment.Match;
import dev.outrigger.controlplane.model.Experiment.Place;
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
    return new Match(List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), List.of());
  }

  static Match decode(Fields fields, Place place) {
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
