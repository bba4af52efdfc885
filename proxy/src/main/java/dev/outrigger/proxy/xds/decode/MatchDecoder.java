package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.QueryMatch;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.RuntimeFractionalPercent;
import io.envoyproxy.envoy.config.route.v3.HeaderMatcher;
import io.envoyproxy.envoy.config.route.v3.QueryParameterMatcher;
import io.envoyproxy.envoy.config.route.v3.RouteMatch;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatchAndSubstitute;
import io.envoyproxy.envoy.type.matcher.v3.RegexMatcher;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import io.envoyproxy.envoy.type.v3.FractionalPercent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** Which requests a route takes. */
final class MatchDecoder {
  private static final int MAX_REGEX = 4096;
  private static final Pattern METHODS = Pattern.compile("[A-Z]+(\\|[A-Z]+)*");

  /** Parts of a request's head that are matched like headers. */
  private static final List<String> PARTS = List.of(":method", ":path", ":authority", ":scheme");

  private static final Pattern HEADER_NAME = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

  private MatchDecoder() {}

  static Match decode(RouteMatch match, Scope scope) throws InvalidResourceException {
    PathMatch path = path(match, scope);
    List<String> methods = new ArrayList<>();
    List<HeaderMatch> headers = new ArrayList<>();
    for (HeaderMatch header : headers(match.getHeadersList(), scope, "headers")) {
      List<String> listed =
          header.name().equals(":method")
                  && !header.missingIsEmpty()
                  && !header.invert()
                  && methods.isEmpty()
              ? methods(header.value())
              : List.of();
      if (listed.isEmpty()) {
        headers.add(header);
      } else {
        methods.addAll(listed);
      }
    }
    List<QueryMatch> queries = new ArrayList<>();
    for (int i = 0; i < match.getQueryParametersCount(); i++) {
      queries.add(query(match.getQueryParameters(i), scope.in("query_parameters", i)));
    }
    double share =
        match.hasRuntimeFraction()
            ? share(match.getRuntimeFraction(), scope.in("runtime_fraction"))
            : 1;
    return new Match(path, methods, headers, queries, match.hasGrpc(), share);
  }

  /** Conditions on headers. */
  static List<HeaderMatch> headers(List<HeaderMatcher> matchers, Scope scope, String field)
      throws InvalidResourceException {
    List<HeaderMatch> headers = new ArrayList<>();
    for (int i = 0; i < matchers.size(); i++) {
      headers.add(header(matchers.get(i), scope.in(field, i)));
    }
    return headers;
  }

  /** A share of 0 to 1; as there is no runtime, the default is what counts. */
  static double share(RuntimeFractionalPercent fraction, Scope scope)
      throws InvalidResourceException {
    FractionalPercent value = fraction.getDefaultValue();
    double whole =
        switch (value.getDenominator()) {
          case HUNDRED -> 100;
          case TEN_THOUSAND -> 10_000;
          case MILLION -> 1_000_000;
          case UNRECOGNIZED ->
              throw scope.in("default_value").in("denominator").refuse("is no known choice");
        };
    return Math.min(1, Integer.toUnsignedLong(value.getNumerator()) / whole);
  }

  static HeaderMatch header(HeaderMatcher header, Scope at) throws InvalidResourceException {
    String name = at.in("name").required(header.getName()).toLowerCase(Locale.ROOT);
    if (!PARTS.contains(name) && !HEADER_NAME.matcher(name).matches()) {
      throw at.in("name")
          .refuse("'" + name + "' is no header name; expected one, or " + String.join(", ", PARTS));
    }
    return new HeaderMatch(
        name, value(header, at), header.getInvertMatch(), header.getTreatMissingHeaderAsEmpty());
  }

  private static PathMatch path(RouteMatch match, Scope scope) throws InvalidResourceException {
    boolean caseSensitive = !match.hasCaseSensitive() || match.getCaseSensitive().getValue();
    return switch (match.getPathSpecifierCase()) {
      case PREFIX -> new PathMatch.Prefix(match.getPrefix(), caseSensitive);
      case PATH -> new PathMatch.Exact(match.getPath(), caseSensitive);
      case PATH_SEPARATED_PREFIX -> {
        String prefix = match.getPathSeparatedPrefix();
        if (!prefix.startsWith("/") || prefix.endsWith("/")) {
          throw scope
              .in("path_separated_prefix")
              .refuse("'" + prefix + "' must start with a slash and not end with one");
        }
        yield new PathMatch.SegmentPrefix(prefix, caseSensitive);
      }
      case SAFE_REGEX -> new PathMatch.Regex(regex(match.getSafeRegex(), scope.in("safe_regex")));
      case CONNECT_MATCHER -> new PathMatch.Connect();
      case PATHSPECIFIER_NOT_SET ->
          throw scope.refuse(
              "expected prefix, path, path_separated_prefix, safe_regex or connect_matcher");
    };
  }

  /** The methods that a matcher lists; empty if it does something else. */
  private static List<String> methods(ValueMatch value) {
    if (value instanceof ValueMatch.Exact exact
        && !exact.ignoreCase()
        && !exact.value().isEmpty()) {
      return List.of(exact.value());
    }
    return value instanceof ValueMatch.Regex regex
            && METHODS.matcher(regex.pattern().text()).matches()
        ? List.of(regex.pattern().text().split("\\|", -1))
        : List.of();
  }

  /** Also of the forms that Envoy calls deprecated, which control planes still send. */
  @SuppressWarnings("deprecation") // Control planes and files still use the old forms.
  private static ValueMatch value(HeaderMatcher header, Scope scope)
      throws InvalidResourceException {
    return switch (header.getHeaderMatchSpecifierCase()) {
      case STRING_MATCH -> string(header.getStringMatch(), scope.in("string_match"));
      case PRESENT_MATCH ->
          header.getPresentMatch() ? new ValueMatch.Present() : new ValueMatch.Absent();
      case RANGE_MATCH ->
          new ValueMatch.Range(header.getRangeMatch().getStart(), header.getRangeMatch().getEnd());
      case EXACT_MATCH -> new ValueMatch.Exact(header.getExactMatch());
      case PREFIX_MATCH -> new ValueMatch.Prefix(header.getPrefixMatch());
      case SUFFIX_MATCH -> new ValueMatch.Suffix(header.getSuffixMatch());
      case CONTAINS_MATCH -> new ValueMatch.Contains(header.getContainsMatch());
      case SAFE_REGEX_MATCH ->
          new ValueMatch.Regex(regex(header.getSafeRegexMatch(), scope.in("safe_regex_match")));
      case HEADERMATCHSPECIFIER_NOT_SET -> new ValueMatch.Present();
    };
  }

  private static QueryMatch query(QueryParameterMatcher query, Scope scope)
      throws InvalidResourceException {
    String name = scope.in("name").required(query.getName());
    return switch (query.getQueryParameterMatchSpecifierCase()) {
      case STRING_MATCH ->
          new QueryMatch(name, string(query.getStringMatch(), scope.in("string_match")));
      case PRESENT_MATCH ->
          new QueryMatch(
              name, query.getPresentMatch() ? new ValueMatch.Present() : new ValueMatch.Absent());
      case QUERYPARAMETERMATCHSPECIFIER_NOT_SET -> new QueryMatch(name, new ValueMatch.Present());
    };
  }

  static ValueMatch string(StringMatcher matcher, Scope scope) throws InvalidResourceException {
    boolean anyCase = matcher.getIgnoreCase();
    return switch (matcher.getMatchPatternCase()) {
      case EXACT -> new ValueMatch.Exact(matcher.getExact(), anyCase);
      case PREFIX ->
          new ValueMatch.Prefix(scope.in("prefix").required(matcher.getPrefix()), anyCase);
      case SUFFIX ->
          new ValueMatch.Suffix(scope.in("suffix").required(matcher.getSuffix()), anyCase);
      case CONTAINS ->
          new ValueMatch.Contains(scope.in("contains").required(matcher.getContains()), anyCase);
      case SAFE_REGEX ->
          new ValueMatch.Regex(regex(matcher.getSafeRegex(), scope.in("safe_regex")));
      case MATCHPATTERN_NOT_SET ->
          throw scope.refuse("expected exact, prefix, suffix, contains or safe_regex");
    };
  }

  /** A substitution for what a regular expression matches. */
  static String substitution(RegexMatchAndSubstitute rewrite, RegexPattern pattern, Scope scope)
      throws InvalidResourceException {
    Scope at = scope.in("substitution");
    String text = rewrite.getSubstitution();
    int groups = Pattern.compile(pattern.text()).matcher("").groupCount();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c <= ' ' || c >= 0x7f) {
        throw at.refuse("'" + text.strip() + "' holds a character that cannot be sent");
      }
      if (c == '\\') {
        char next = i + 1 < text.length() ? text.charAt(++i) : ' ';
        if (next != '\\' && (next < '0' || next > '9')) {
          throw at.refuse("a backslash must stand before a digit or another backslash");
        }
        if (next != '\\' && next - '0' > groups) {
          throw at.refuse("names group " + next + ", the pattern has " + groups);
        }
      }
    }
    return text;
  }

  static RegexPattern regex(RegexMatcher matcher, Scope scope) throws InvalidResourceException {
    Scope at = scope.in("regex");
    String text = at.required(matcher.getRegex());
    if (text.length() > MAX_REGEX) {
      throw at.refuse("is longer than " + MAX_REGEX + " characters");
    }
    try {
      return new RegexPattern(text);
    } catch (StackOverflowError e) {
      throw at.refuse("is nested too deeply");
    } catch (PatternSyntaxException e) {
      throw at.refuse("'" + text + "' is no regular expression: " + e.getDescription());
    }
  }
}
