package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.ServiceName;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What {@code ReferenceGrants} allow: backends of routes in other namespaces. */
final class Grants {
  private static final String GATEWAY = "gateway.networking.k8s.io";

  /** No service can have it, so a backend of this namespace is one that does not exist. */
  private static final String NOWHERE = "(not granted)";

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

  private boolean allows(HttpRoute route, ServiceName backend) {
    String from = route.meta().namespace();
    return backend.namespace().equals(from)
        || allowed.contains(key("HTTPRoute", from, backend.namespace(), ""))
        || allowed.contains(key("HTTPRoute", from, backend.namespace(), backend.name()));
  }

  /** The backends that nobody allowed. */
  Set<ServiceName> refused(HttpRoute route) {
    Set<ServiceName> refused = new TreeSet<>();
    for (HttpRoute.Rule rule : route.rules()) {
      for (Backend backend : rule.backends()) {
        if (!allows(route, backend.service())) {
          refused.add(backend.service());
        }
      }
      for (HttpRoute.Filter filter : rule.filters()) {
        if (filter instanceof HttpRoute.Filter.Mirror mirror
            && !allows(route, mirror.backend().service())) {
          refused.add(mirror.backend().service());
        }
      }
    }
    return refused;
  }

  /** The route with backends that do not exist in place of those: their share is answered 500. */
  HttpRoute without(HttpRoute route, Set<ServiceName> refused) {
    if (refused.isEmpty()) {
      return route;
    }
    List<HttpRoute.Rule> rules = new ArrayList<>();
    for (HttpRoute.Rule rule : route.rules()) {
      List<HttpRoute.Filter> filters =
          rule.filters().stream()
              .filter(
                  filter ->
                      !(filter instanceof HttpRoute.Filter.Mirror mirror)
                          || !refused.contains(mirror.backend().service()))
              .toList();
      rules.add(
          new HttpRoute.Rule(
              rule.name(),
              rule.matches(),
              filters,
              rule.backends().stream()
                  .map(
                      backend ->
                          refused.contains(backend.service())
                              ? new Backend(
                                  new ServiceName(backend.service().name(), NOWHERE),
                                  backend.port(),
                                  backend.weight())
                              : backend)
                  .toList(),
              rule.timeouts(),
              rule.retry()));
    }
    return new HttpRoute(route.meta(), route.parents(), rules);
  }
}
