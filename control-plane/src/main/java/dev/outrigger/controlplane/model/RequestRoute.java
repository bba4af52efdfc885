package dev.outrigger.controlplane.model;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.Rule;
import java.util.ArrayList;
import java.util.List;

/** A route that looks at each request. One that no rule matches gets 404, or UNIMPLEMENTED. */
public sealed interface RequestRoute extends MeshRoute permits HttpRoute, GrpcRoute {
  List<Rule> rules();

  /** The same with other rules. */
  RequestRoute withRules(List<Rule> rules);

  @Override
  default List<Backend> backends() {
    return rules().stream().flatMap(rule -> rule.backends().stream()).toList();
  }

  @Override
  default List<Backend> allBackends() {
    List<Backend> all = new ArrayList<>(backends());
    for (Rule rule : rules()) {
      for (Filter filter : rule.filters()) {
        if (filter instanceof Filter.Mirror mirror) {
          all.add(mirror.backend());
        }
      }
    }
    return all;
  }
}
