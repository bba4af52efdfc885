package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ConnectionRoute;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.Rule;
import dev.outrigger.controlplane.model.MeshRoute;
import dev.outrigger.controlplane.model.RequestRoute;
import dev.outrigger.controlplane.model.ServiceName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What {@code ReferenceGrants} allow: backends of routes in other namespaces. The namespaces of its
 * own parents need no grant: what goes there was meant for them.
 */
final class Grants {
  private static final String GATEWAY = "gateway.networking.k8s.io";

  private final Set<String> allowed = new TreeSet<>();

  Grants(Collection<Tree> grants) {
    for (Tree grant : grants) {
      String namespace = grant.at("metadata").text("namespace");
      for (Tree from : grant.at("spec").trees("from")) {
        if (!from.text("group").equals(GATEWAY)) {
          continue;
        }
        for (Tree to : grant.at("spec").trees("to")) {
          if (to.text("group").isEmpty() && to.text("kind").equals("Service")) {
            allowed.add(key(from.text("kind"), from.text("namespace"), namespace, to.text("name")));
          }
        }
      }
    }
  }

  private static String key(String kind, String from, String namespace, String name) {
    return kind + " " + from + " " + namespace + " " + name;
  }

  private boolean allows(MeshRoute route, ServiceName backend) {
    String kind = route.kind().text();
    String from = route.meta().namespace();
    String to = backend.namespace();
    return to.equals(from)
        || RouteParts.isNowhere(backend)
        || route.parents().stream().anyMatch(parent -> parent.service().namespace().equals(to))
        || allowed.contains(key(kind, from, to, ""))
        || allowed.contains(key(kind, from, to, backend.name()));
  }

  /** The backends that nobody allowed. */
  Set<ServiceName> refused(MeshRoute route) {
    Set<ServiceName> refused = new TreeSet<>();
    for (Backend backend : route.allBackends()) {
      if (!allows(route, backend.service())) {
        refused.add(backend.service());
      }
    }
    return refused;
  }

  /** The route with backends that do not exist in place of those: their share goes nowhere. */
  static MeshRoute without(MeshRoute route, Set<ServiceName> refused) {
    if (refused.isEmpty()) {
      return route;
    }
    return switch (route) {
      case ConnectionRoute connections ->
          connections.withBackends(without(connections.backends(), refused));
      case RequestRoute requests -> {
        List<Rule> rules = new ArrayList<>();
        for (Rule rule : requests.rules()) {
          List<Filter> filters =
              rule.filters().stream()
                  .filter(
                      filter ->
                          !(filter instanceof Filter.Mirror mirror)
                              || !refused.contains(mirror.backend().service()))
                  .toList();
          rules.add(rule.with(filters, without(rule.backends(), refused)));
        }
        yield requests.withRules(rules);
      }
    };
  }

  private static List<Backend> without(List<Backend> backends, Set<ServiceName> refused) {
    return backends.stream()
        .map(
            one ->
                refused.contains(one.service())
                    ? one.to(RouteParts.nowhere(one.service().name()))
                    : one)
        .toList();
  }
}
