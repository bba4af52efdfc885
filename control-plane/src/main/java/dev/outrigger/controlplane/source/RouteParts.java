package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.HeaderChanges;
import dev.outrigger.controlplane.model.HttpRoute.Rule;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What routes of several kinds have in common. */
final class RouteParts {
  static final String ALL_NAMES = "a route of a service holds for all its names: remove it";

  /** No service can have it, so a backend of this namespace is one that does not exist. */
  private static final String NOWHERE = "(nowhere)";

  private static final int MAX_WEIGHT = 1_000_000;
  private static final Map<String, String> BACKEND_FILTERS =
      HttpRouteDecoder.words("RequestHeaderModifier", "ResponseHeaderModifier");

  private RouteParts() {}

  /** Whether backends may have filters of their own. */
  enum FilteredBackends {
    YES,
    /** There are no requests to look at. */
    NO
  }

  static List<ServiceRef> parents(Fields spec) {
    List<ServiceRef> parents = new ArrayList<>();
    for (Fields fields : spec.requiredObjects("parentRefs", "the services that it governs")) {
      parents.add(Names.reference(fields));
      fields.unsupported("sectionName", "use `port`");
      fields.finish();
    }
    return parents;
  }

  /**
   * All rules; their names differ.
   *
   * @param decoder of one, which finishes its fields
   */
  static List<Rule> rules(Fields spec, Function<Fields, Rule> decoder) {
    List<Rule> rules = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>();
    for (Fields fields : spec.requiredObjects("rules", "at least one rule")) {
      Rule rule = decoder.apply(fields);
      if (!rule.name().isEmpty() && !names.add(rule.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the rule name `" + rule.name() + "` is there already", "");
      }
      rules.add(rule);
    }
    return rules;
  }

  static Backend backend(Fields fields, FilteredBackends filtered) {
    int weight = fields.integer("weight", 1, 0, MAX_WEIGHT);
    Backend backend = target(fields, weight);
    HeaderChanges request = HeaderChanges.NONE;
    HeaderChanges response = HeaderChanges.NONE;
    if (filtered == FilteredBackends.YES) {
      Set<String> seen = new LinkedHashSet<>();
      for (Fields one : fields.objects("filters")) {
        @Nullable Filter filter = HttpRouteDecoder.filter(one, seen, List.of(), BACKEND_FILTERS);
        if (filter instanceof Filter.RequestHeaders headers) {
          request = headers.changes();
        } else if (filter instanceof Filter.ResponseHeaders headers) {
          response = headers.changes();
        }
      }
    }
    fields.finish();
    return new Backend(backend.service(), backend.port(), weight, request, response);
  }

  /**
   * The service and port that a reference names; the caller finishes the mapping. What is no
   * service is told as a warning, and its share goes nowhere (Gateway API: {@code InvalidKind}).
   */
  static Backend target(Fields fields, int weight) {
    String group = fields.text("group", "");
    String kind = fields.text("kind", "Service");
    if (kind.equals("Service") && (group.isEmpty() || group.equals("core"))) {
      ServiceRef reference = Names.reference(fields);
      return new Backend(
          reference.service(), fields.port("port", "the port of the service"), weight);
    }
    String name = fields.requiredText("name", "the name of a service");
    fields.ignore("namespace", "port");
    fields
        .doc()
        .problem(
            Code.INVALID_KIND,
            fields.valueOrSelf(fields.has("kind") ? "kind" : "group"),
            "`"
                + fields.at("kind")
                + "` is "
                + (group.isEmpty() ? "" : group + "/")
                + kind
                + ", and only a Service can be sent to",
            "its share is answered with 500");
    return new Backend(nowhere(name), 1, weight);
  }

  /** In the place of a service that may not be sent to. */
  static ServiceName nowhere(String name) {
    return new ServiceName(name, NOWHERE);
  }

  static boolean isNowhere(ServiceName service) {
    return service.namespace().equals(NOWHERE);
  }
}
