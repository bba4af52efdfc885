package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.GrpcRoute;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.Match;
import dev.outrigger.controlplane.model.HttpRoute.PathMatch;
import dev.outrigger.controlplane.model.HttpRoute.Rule;
import dev.outrigger.controlplane.model.HttpRoute.Timeouts;
import dev.outrigger.controlplane.model.HttpRoute.ValueMatch;
import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads a {@code GRPCRoute} with services as its parents. */
final class GrpcRouteDecoder {
  private static final Pattern SERVICE =
      Pattern.compile("[A-Za-z_][A-Za-z_0-9]*(?:\\.[A-Za-z_][A-Za-z_0-9]*)*");
  private static final Pattern METHOD = Pattern.compile("[A-Za-z_][A-Za-z_0-9]*");

  private static final Map<String, Boolean> TYPES = new LinkedHashMap<>();
  private static final Map<String, String> FILTERS =
      HttpRouteDecoder.words("RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror");

  static {
    TYPES.put("Exact", false);
    TYPES.put("RegularExpression", true);
  }

  private GrpcRouteDecoder() {}

  static GrpcRoute decode(ObjectMeta meta, Fields spec) {
    List<ServiceRef> parents = RouteParts.parents(spec);
    spec.unsupported("hostnames", RouteParts.ALL_NAMES);
    return new GrpcRoute(meta, parents, RouteParts.rules(spec, GrpcRouteDecoder::rule));
  }

  private static Rule rule(Fields fields) {
    List<Match> matches = new ArrayList<>();
    for (Fields match : fields.objects("matches")) {
      matches.add(match(match));
    }
    List<Filter> filters = new ArrayList<>();
    Set<String> seen = new LinkedHashSet<>();
    for (Fields one : fields.objects("filters")) {
      @Nullable Filter filter = HttpRouteDecoder.filter(one, seen, matches, FILTERS);
      if (filter != null) {
        filters.add(filter);
      }
    }
    List<Backend> backends = new ArrayList<>();
    for (Fields backend : fields.objects("backendRefs")) {
      backends.add(RouteParts.backend(backend, RouteParts.FilteredBackends.YES));
    }
    fields.unsupported("sessionPersistence", "");
    Rule rule = new Rule(fields.text("name", ""), matches, filters, backends, Timeouts.UNSET, null);
    fields.finish();
    return rule;
  }

  private static Match match(Fields fields) {
    @Nullable Fields method = fields.object("method");
    PathMatch path = method == null ? new PathMatch.Call("", "", false) : call(method);
    List<ValueMatch> headers = new ArrayList<>();
    for (Fields header : fields.objects("headers")) {
      headers.add(HttpRouteDecoder.value(header, true));
    }
    fields.finish();
    return new Match(path, headers, List.of(), null);
  }

  private static PathMatch call(Fields fields) {
    boolean regex = fields.choice("type", TYPES, false);
    String service = fields.text("service", "");
    String method = fields.text("method", "");
    if (service.isEmpty() && method.isEmpty()) {
      fields.problem(
          Code.MISSING_FIELD,
          "service",
          "`" + fields.at("service") + "` or `" + fields.at("method") + "` is required",
          "add one of them, or leave out the whole to match all");
    }
    if (regex) {
      HttpRouteDecoder.checkRegex(fields, service);
      HttpRouteDecoder.checkRegex(fields, method);
    } else {
      check(fields, "service", service, SERVICE, "a name such as shop.v1.Catalog");
      check(fields, "method", method, METHOD, "a name such as GetItem");
    }
    fields.finish();
    return new PathMatch.Call(service, method, regex);
  }

  private static void check(
      Fields fields, String name, String value, Pattern valid, String expected) {
    if (!value.isEmpty() && !valid.matcher(value).matches()) {
      fields.problem(
          Code.BAD_VALUE,
          name,
          "`" + fields.at(name) + "` is `" + value + "`, expected " + expected,
          "for a pattern write `type: RegularExpression`");
    }
  }
}
