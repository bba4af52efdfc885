package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.HttpRoute;
import dev.outrigger.controlplane.model.HttpRoute.Backend;
import dev.outrigger.controlplane.model.HttpRoute.Filter;
import dev.outrigger.controlplane.model.HttpRoute.Header;
import dev.outrigger.controlplane.model.HttpRoute.HeaderChanges;
import dev.outrigger.controlplane.model.HttpRoute.Match;
import dev.outrigger.controlplane.model.HttpRoute.PathMatch;
import dev.outrigger.controlplane.model.HttpRoute.PathRewrite;
import dev.outrigger.controlplane.model.HttpRoute.Retry;
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
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads an {@code HTTPRoute} with services as its parents. */
final class HttpRouteDecoder {
  private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}");
  private static final int MAX_REGEX = 1024;

  private static final Map<String, String> METHODS =
      words("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH");
  private static final Map<String, Boolean> VALUE_TYPES = new LinkedHashMap<>();
  private static final Map<String, String> PATH_TYPES =
      words("Exact", "PathPrefix", "RegularExpression");
  private static final Map<String, String> SCHEMES = words("http", "https");
  private static final Map<String, String> REWRITES =
      words("ReplaceFullPath", "ReplacePrefixMatch");
  private static final Map<String, String> FILTERS =
      words(
          "RequestHeaderModifier",
          "ResponseHeaderModifier",
          "RequestRedirect",
          "URLRewrite",
          "RequestMirror",
          "CORS");

  static {
    VALUE_TYPES.put("Exact", false);
    VALUE_TYPES.put("RegularExpression", true);
  }

  private HttpRouteDecoder() {}

  static Map<String, String> words(String... words) {
    Map<String, String> map = new LinkedHashMap<>();
    for (String word : words) {
      map.put(word, word);
    }
    return map;
  }

  static HttpRoute decode(ObjectMeta meta, Fields spec) {
    List<ServiceRef> parents = RouteParts.parents(spec);
    spec.unsupported("hostnames", RouteParts.ALL_NAMES);
    return new HttpRoute(meta, parents, RouteParts.rules(spec, HttpRouteDecoder::rule));
  }

  private static Rule rule(Fields fields) {
    List<Match> matches = new ArrayList<>();
    for (Fields match : fields.objects("matches")) {
      matches.add(match(match));
    }
    List<Filter> filters = new ArrayList<>();
    Set<String> types = new LinkedHashSet<>();
    for (Fields filter : fields.objects("filters")) {
      @Nullable Filter decoded = filter(filter, types, matches, FILTERS);
      if (decoded != null) {
        filters.add(decoded);
      }
    }
    List<Backend> backends = new ArrayList<>();
    for (Fields backend : fields.objects("backendRefs")) {
      backends.add(RouteParts.backend(backend, RouteParts.FilteredBackends.YES));
    }
    if (types.contains("RequestRedirect")) {
      if (!backends.isEmpty()) {
        fields.problem(
            Code.CONFLICT,
            "backendRefs",
            "`" + fields.at("backendRefs") + "` cannot stand beside a RequestRedirect",
            "keep one of them");
      }
      if (types.contains("URLRewrite")) {
        fields.problem(
            Code.CONFLICT, "filters", "URLRewrite cannot stand beside RequestRedirect", "");
      }
    }
    fields.unsupported("sessionPersistence", "");
    String name = fields.text("name", "");
    Rule rule =
        new Rule(name, matches, filters, backends, timeouts(fields), retry(fields.object("retry")));
    fields.finish();
    return rule;
  }

  private static Match match(Fields fields) {
    PathMatch path = Match.ALL.path();
    @Nullable Fields at = fields.object("path");
    if (at != null) {
      path = path(at);
    }
    List<ValueMatch> headers = new ArrayList<>();
    for (Fields header : fields.objects("headers")) {
      headers.add(value(header, true));
    }
    List<ValueMatch> query = new ArrayList<>();
    for (Fields parameter : fields.objects("queryParams")) {
      query.add(value(parameter, false));
    }
    @Nullable Node method = fields.value("method");
    Match match =
        new Match(
            path,
            headers,
            query,
            method == null ? null : fields.choice(method, fields.at("method"), METHODS, "GET"));
    fields.finish();
    return match;
  }

  private static PathMatch path(Fields fields) {
    String type = fields.choice("type", PATH_TYPES, "PathPrefix");
    String value = fields.text("value", "/");
    fields.finish();
    return switch (type) {
      case "RegularExpression" -> {
        checkRegex(fields, value);
        yield new PathMatch.Regex(value);
      }
      case "Exact" -> {
        checkPath(fields, value);
        yield new PathMatch.Exact(value);
      }
      default -> {
        checkPath(fields, value);
        yield new PathMatch.Prefix(value);
      }
    };
  }

  private static void checkPath(Fields fields, String value) {
    if (!value.startsWith("/") || value.indexOf('?') >= 0 || value.indexOf('#') >= 0) {
      fields.problem(
          Code.BAD_VALUE,
          "value",
          "`" + fields.at("value") + "` is `" + value + "`, expected a path",
          value.startsWith("/") ? "a path ends before ? and #" : "begin it with a slash");
    }
  }

  static void checkRegex(Fields fields, String value) {
    if (value.length() > MAX_REGEX) {
      fields.problem(
          Code.LIMIT,
          "value",
          "a regular expression of more than " + MAX_REGEX + " characters",
          "");
      return;
    }
    try {
      Pattern.compile(value);
    } catch (PatternSyntaxException e) {
      fields.problem(
          Code.BAD_VALUE,
          "value",
          "`" + fields.at("value") + "` is no regular expression: " + e.getDescription(),
          "");
    }
  }

  static ValueMatch value(Fields fields, boolean header) {
    boolean regex = fields.choice("type", VALUE_TYPES, false);
    String name = fields.requiredText("name", header ? "the header's name" : "the parameter's");
    String value = fields.requiredText("value", "what it is compared with");
    if (header) {
      name = headerName(fields, name);
    }
    if (regex) {
      checkRegex(fields, value);
    }
    fields.finish();
    return new ValueMatch(name, value, regex);
  }

  /** In lower case, as they are compared. */
  static String headerName(Fields fields, String name) {
    if (!name.isEmpty() && !TOKEN.matcher(name).matches()) {
      fields.problem(
          Code.BAD_VALUE,
          "name",
          "`" + fields.at("name") + "` is `" + name + "`, which is no header name",
          "");
      return "x";
    }
    return name.toLowerCase(Locale.ROOT);
  }

  /**
   * One filter; null after a problem.
   *
   * @param seen types of those before it
   * @param matches of its rule
   * @param known types that may stand there
   */
  static @Nullable Filter filter(
      Fields fields, Set<String> seen, List<Match> matches, Map<String, String> known) {
    String type = fields.requiredChoice("type", known, "");
    if (type.isEmpty()) {
      // What stands beside an unknown type is known no better.
      return null;
    }
    if (!seen.add(type) && !type.equals("RequestMirror")) {
      fields.problem(Code.CONFLICT, "type", "a second " + type + " in one rule", "merge them");
    }
    String name =
        switch (type) {
          case "RequestHeaderModifier" -> "requestHeaderModifier";
          case "ResponseHeaderModifier" -> "responseHeaderModifier";
          case "RequestRedirect" -> "requestRedirect";
          case "RequestMirror" -> "requestMirror";
          case "CORS" -> "cors";
          default -> "urlRewrite";
        };
    @Nullable Fields body = fields.requiredObject(name, "the settings of a " + type);
    @Nullable Filter filter = null;
    if (body != null) {
      filter =
          switch (type) {
            case "RequestHeaderModifier" -> new Filter.RequestHeaders(changes(body));
            case "ResponseHeaderModifier" -> new Filter.ResponseHeaders(changes(body));
            case "RequestRedirect" -> redirect(body, matches);
            case "RequestMirror" -> CopyAndCorsDecoder.mirror(body);
            case "CORS" -> CopyAndCorsDecoder.cors(body);
            default -> rewrite(body, matches);
          };
      body.finish();
    }
    fields.finish();
    return filter;
  }

  private static HeaderChanges changes(Fields fields) {
    return new HeaderChanges(headers(fields, "set"), headers(fields, "add"), removed(fields));
  }

  private static List<Header> headers(Fields fields, String list) {
    List<Header> headers = new ArrayList<>();
    for (Fields one : fields.objects(list)) {
      String name = headerName(one, one.requiredText("name", "the header's name"));
      String value = one.requiredText("value", "the header's value");
      if (value.indexOf('\n') >= 0 || value.indexOf('\r') >= 0 || value.indexOf(0) >= 0) {
        one.problem(Code.BAD_VALUE, "value", "a header's value must be one line", "");
      }
      one.finish();
      headers.add(new Header(name, value));
    }
    return headers;
  }

  private static List<String> removed(Fields fields) {
    List<String> names = new ArrayList<>();
    for (Node node : fields.list("remove")) {
      String name = fields.text(node, fields.at("remove") + "[" + names.size() + "]");
      if (!TOKEN.matcher(name).matches()) {
        fields.doc().problem(Code.BAD_VALUE, node, "`" + name + "` is no header name", "");
      }
      names.add(name.toLowerCase(Locale.ROOT));
    }
    return names;
  }

  private static Filter redirect(Fields fields, List<Match> matches) {
    @Nullable Node scheme = fields.value("scheme");
    return new Filter.Redirect(
        scheme == null ? null : fields.choice(scheme, fields.at("scheme"), SCHEMES, "http"),
        hostname(fields),
        rewritePath(fields, matches),
        fields.integer("port", 0, 1, 65535),
        status(fields));
  }

  private static int status(Fields fields) {
    int status = fields.integer("statusCode", 302, 300, 399);
    if (!Set.of(301, 302, 303, 307, 308).contains(status)) {
      fields.problem(
          Code.BAD_VALUE,
          "statusCode",
          "`" + fields.at("statusCode") + "` is " + status + ", expected 301, 302, 303, 307 or 308",
          "");
      return 302;
    }
    return status;
  }

  private static Filter rewrite(Fields fields, List<Match> matches) {
    return new Filter.UrlRewrite(hostname(fields), rewritePath(fields, matches));
  }

  private static @Nullable String hostname(Fields fields) {
    @Nullable Node node = fields.value("hostname");
    if (node == null) {
      return null;
    }
    String text = fields.text(node, fields.at("hostname"));
    if (!Names.isSubdomain(text)) {
      fields.problem(
          Code.BAD_VALUE, "hostname", "`" + fields.at("hostname") + "` is no host name", "");
    }
    return text;
  }

  private static @Nullable PathRewrite rewritePath(Fields fields, List<Match> matches) {
    @Nullable Fields path = fields.object("path");
    if (path == null) {
      return null;
    }
    String type = path.requiredChoice("type", REWRITES, "");
    PathRewrite rewrite;
    if (type.equals("ReplacePrefixMatch")) {
      rewrite = new PathRewrite.Prefix(path.text("replacePrefixMatch", "/"));
      if (matches.stream().anyMatch(match -> !(match.path() instanceof PathMatch.Prefix))) {
        path.problem(
            Code.CONFLICT,
            "type",
            "ReplacePrefixMatch needs every match of the rule to be a PathPrefix",
            "");
      }
    } else {
      rewrite = new PathRewrite.Full(path.text("replaceFullPath", "/"));
    }
    if (!rewrite.value().isEmpty() && !rewrite.value().startsWith("/")) {
      path.problem(
          Code.BAD_VALUE,
          type.isEmpty() ? "type" : Character.toLowerCase(type.charAt(0)) + type.substring(1),
          "a path must begin with a slash",
          "");
    }
    path.finish();
    return rewrite;
  }

  private static Timeouts timeouts(Fields rule) {
    @Nullable Fields fields = rule.object("timeouts");
    if (fields == null) {
      return Timeouts.UNSET;
    }
    Timeouts timeouts = new Timeouts(fields.duration("request"), fields.duration("backendRequest"));
    if (timeouts.request() != null
        && timeouts.backendRequest() != null
        && !timeouts.request().isZero()
        && timeouts.backendRequest().compareTo(timeouts.request()) > 0) {
      fields.problem(
          Code.CONFLICT,
          "backendRequest",
          "`"
              + fields.at("backendRequest")
              + "` is longer than `request`, which holds for all"
              + " attempts together",
          "");
    }
    fields.finish();
    return timeouts;
  }

  private static @Nullable Retry retry(@Nullable Fields fields) {
    if (fields == null) {
      return null;
    }
    Retry retry =
        new Retry(fields.integer("attempts", 1, 0, 100), codes(fields), fields.positive("backoff"));
    fields.finish();
    return retry;
  }

  static Set<Integer> codes(Fields fields) {
    Set<Integer> codes = new LinkedHashSet<>();
    for (Node node : fields.list("codes")) {
      codes.add(fields.integer(node, fields.at("codes") + "[" + codes.size() + "]", 400, 599));
    }
    return codes;
  }
}
