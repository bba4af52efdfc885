package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.TcpRoute;
import dev.outrigger.controlplane.model.TlsRoute;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a {@code TCPRoute} or a {@code TLSRoute} with services as its parents. */
final class ConnectionRouteDecoder {
  private ConnectionRouteDecoder() {}

  static TcpRoute tcp(ObjectMeta meta, Fields spec) {
    List<ServiceRef> parents = RouteParts.parents(spec);
    return new TcpRoute(meta, parents, backends(spec));
  }

  static TlsRoute tls(ObjectMeta meta, Fields spec) {
    List<ServiceRef> parents = RouteParts.parents(spec);
    List<String> hostnames = new ArrayList<>();
    for (Node node : spec.list("hostnames")) {
      String where = spec.at("hostnames") + "[" + hostnames.size() + "]";
      String name = spec.text(node, where).toLowerCase(Locale.ROOT);
      boolean valid =
          Names.isSubdomain(name.startsWith("*.") ? name.substring(2) : name)
              && Names.address(name) == null;
      if (!valid) {
        spec.doc()
            .problem(
                Code.BAD_VALUE,
                node,
                "`" + where + "` is `" + name + "`, expected the name that clients ask for by TLS",
                "write it like shop.example or *.shop.example");
      }
      hostnames.add(name);
    }
    if (hostnames.isEmpty()) {
      spec.problem(
          Code.MISSING_FIELD,
          "hostnames",
          "`" + spec.at("hostnames") + "` is required: the names that clients ask for by TLS",
          "add `hostnames`");
    }
    return new TlsRoute(meta, parents, hostnames, backends(spec));
  }

  private static List<Backend> backends(Fields spec) {
    List<Backend> backends = new ArrayList<>();
    List<Fields> rules = spec.requiredObjects("rules", "one rule");
    if (rules.size() > 1) {
      spec.problem(
          Code.UNSUPPORTED,
          "rules",
          "`" + spec.at("rules") + "` has " + rules.size() + " rules, and the first takes all",
          "keep one; share connections by the weights of its backendRefs");
    }
    for (Fields rule : rules) {
      rule.ignore("name");
      for (Fields backend : rule.requiredObjects("backendRefs", "where connections go")) {
        backends.add(RouteParts.backend(backend, RouteParts.FilteredBackends.NO));
      }
      rule.finish();
    }
    return backends;
  }
}
