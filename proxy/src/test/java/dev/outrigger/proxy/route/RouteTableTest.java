package dev.outrigger.proxy.route;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.QueryMatch;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RouteTableTest {
  private final RandomGenerator random = new SplittableRandom(7);

  @ParameterizedTest
  @CsvSource({
    "a.example.com, exact",
    "A.Example.COM, exact",
    "a.example.com:8080, exact",
    "a.example.com:9090, exact-port",
    "b.example.com, suffix-long",
    "b.example.com:81, suffix-long",
    "b.other.com, suffix-short",
    ".com, any",
    "a.b.org, prefix-long",
    "a.c.org:80, prefix-short",
    "[::1]:80, v6",
    "[::1], v6",
    "nothing.net, any",
    "'', any",
  })
  void choosesTheVirtualHostAsXdsSays(String authority, String expected) {
    RouteTable table =
        RouteTable.compile(
            new RouteTableConfig(
                "t",
                List.of(
                    host("any", "*"),
                    host("suffix-short", "*.com"),
                    host("suffix-long", "*.example.com"),
                    host("prefix-short", "a.*"),
                    host("prefix-long", "a.b.*"),
                    host("exact", "a.Example.com"),
                    host("exact-port", "a.example.com:9090"),
                    host("v6", "[::1]"))));
    assertThat(found(table, request("GET", "/", authority)).virtualHost().name())
        .isEqualTo(expected);
  }

  @Test
  void anUnknownHostFindsNothing() {
    RouteTable table =
        RouteTable.compile(new RouteTableConfig("t", List.of(host("one", "one.test"))));
    assertThat(table.find(request("GET", "/", "two.test"), random)).isNull();
  }

  @Test
  void refusesADomainThatComesTwice() {
    RouteTableConfig config =
        new RouteTableConfig("t", List.of(host("a", "x.test"), host("b", "X.test")));
    assertThatThrownBy(() -> RouteTable.compile(config)).hasMessageContaining("comes twice");
  }

  @Test
  void theFirstRouteThatMatchesWins() {
    RouteTable table =
        table(
            route("exact", new PathMatch.Exact("/a", true)),
            route("segments", new PathMatch.SegmentPrefix("/a", true)),
            route("prefix", new PathMatch.Prefix("/A", false)),
            route("regex", new PathMatch.Regex(new RegexPattern("/x[0-9]+"))));
    assertThat(nameFor(table, "/a?b=c")).isEqualTo("exact");
    assertThat(nameFor(table, "/a/b")).isEqualTo("segments");
    assertThat(nameFor(table, "/ab")).isEqualTo("prefix");
    assertThat(nameFor(table, "/x12?y")).isEqualTo("regex");
    assertThat(nameFor(table, "/x12y")).isNull();
  }

  @Test
  void allConditionsMustHold() {
    RouteTable table =
        table(
            new Route(
                "r",
                new Match(
                    new PathMatch.Prefix("/", true),
                    List.of("GET", "HEAD"),
                    List.of(
                        new HeaderMatch("X-Kind", new ValueMatch.Exact("a,b"), false),
                        new HeaderMatch(":method", new ValueMatch.Prefix("GE"), false)),
                    List.of(
                        new QueryMatch("debug", new ValueMatch.Present()),
                        new QueryMatch("n", new ValueMatch.Range(1, 10)))),
                forward(null, new WeightedCluster("c", 1)),
                HeaderChanges.NONE));
    RequestHead head = request("GET", "/?debug&n=9", "any");
    head.headers().add("x-kind", "a");
    head.headers().add("x-KIND", "b");
    assertThat(table.find(head, random)).isNotNull();
    head.path("/?debug&n=10");
    assertThat(table.find(head, random)).isNull();
    head.path("/?debugger&n=9");
    assertThat(table.find(head, random)).isNull();
    head.path("/?debug=&n=9");
    head.method("POST");
    assertThat(table.find(head, random)).isNull();
  }

  @Test
  void aConditionOnTheValueOfAMissingHeaderNeverHoldsEvenInverted() {
    assertThat(headerHolds(new ValueMatch.Exact("v"), true, null)).isFalse();
    assertThat(headerHolds(new ValueMatch.Exact("v"), true, "w")).isTrue();
    assertThat(headerHolds(new ValueMatch.Present(), true, null)).isTrue();
    assertThat(headerHolds(new ValueMatch.Absent(), false, null)).isTrue();
    assertThat(headerHolds(new ValueMatch.Absent(), true, null)).isFalse();
  }

  @Test
  void anExplodingRegexIsGivenUpAndNoLaterRouteTakesTheRequest() {
    RouteTable table =
        table(
            route("bomb", new PathMatch.Regex(new RegexPattern("/.*a.*a.*a.*a.*a.*b"))),
            route("open", new PathMatch.Prefix("/", true)));
    assertThat(nameFor(table, "/aaaaab")).isEqualTo("bomb");
    assertThat(nameFor(table, "/c")).isEqualTo("open");
    assertThat(nameFor(table, "/" + "a".repeat(200))).isNull();
    assertThat(nameFor(table, "/" + "a".repeat(BoundedRegex.MAX_LENGTH + 1))).isNull();
  }

  @Test
  void clustersAreDrawnByWeight() {
    RouteTable table =
        table(
            new Route(
                "r",
                anyPath(),
                forward(
                    null,
                    new WeightedCluster("zero", 0),
                    new WeightedCluster("one", 1),
                    new WeightedCluster("nine", 9)),
                HeaderChanges.NONE));
    Map<String, Integer> counts = new HashMap<>();
    for (int i = 0; i < 10_000; i++) {
      counts.merge(found(table, request("GET", "/", "h")).cluster(), 1, Integer::sum);
    }
    assertThat(counts).containsOnlyKeys("one", "nine");
    assertThat(counts.get("one")).isBetween(900, 1100);
  }

  @Test
  void refusesWeightsThatAreAllZero() {
    assertThatThrownBy(
            () ->
                table(
                    new Route(
                        "r",
                        anyPath(),
                        forward(null, new WeightedCluster("a", 0), new WeightedCluster("b", 0)),
                        HeaderChanges.NONE)))
        .hasMessageContaining("all zero");
  }

  @ParameterizedTest
  @CsvSource({
    "prefix, /a, /b, /a/x?q=1, /b/x?q=1",
    "prefix, /a, /, /a/x, //x",
    "segments, /a, /, /a/x, /x",
    "segments, /a, /, /a?q, /?q",
    "segments, /a, /b/, /a/x, /b/x",
    "segments, /a/, /b, /a, /b",
    "exact, /a, /b, /a?q, /b?q",
    "regex, /a.*, /b, /axy?q, /b?q",
  })
  void rewritesWhatMatched(String kind, String match, String to, String path, String expected) {
    PathMatch pathMatch =
        switch (kind) {
          case "prefix" -> new PathMatch.Prefix(match, true);
          case "segments" -> new PathMatch.SegmentPrefix(match, true);
          case "exact" -> new PathMatch.Exact(match, true);
          default -> new PathMatch.Regex(new RegexPattern(match));
        };
    RouteTable table =
        table(
            new Route(
                "r",
                new Match(pathMatch, List.of(), List.of(), List.of()),
                forward(to, new WeightedCluster("c", 1)),
                HeaderChanges.NONE));
    assertThat(found(table, request("GET", path, "h")).upstreamPath(path)).isEqualTo(expected);
  }

  @Test
  void withoutARewriteThePathIsTheSameString() {
    RouteTable table = table(route("r", new PathMatch.Prefix("/", true)));
    String path = "/same?x=y";
    assertThat(found(table, request("GET", path, "h")).upstreamPath(path)).isSameAs(path);
  }

  @Test
  void redirectsKeepWhatIsNotChanged() {
    assertThat(location(new Action.Redirect(301, "https", null, null, null, false), "a:80"))
        .isEqualTo("https://a/x/y?q=1");
    assertThat(location(new Action.Redirect(301, "https", null, null, null, false), "a:8080"))
        .isEqualTo("https://a:8080/x/y?q=1");
    assertThat(location(new Action.Redirect(302, null, "b", null, null, true), "a:8080"))
        .isEqualTo("http://b/x/y");
    assertThat(
            location(
                new Action.Redirect(302, null, null, 8443, new PathRewrite.Prefix("/z"), false),
                "[::1]:80"))
        .isEqualTo("http://[::1]:8443/z/y?q=1");
    assertThat(
            location(
                new Action.Redirect(302, "https", null, 443, new PathRewrite.Full("/p?r"), false),
                "a"))
        .isEqualTo("https://a/p?r");
  }

  private String location(Action.Redirect redirect, String authority) {
    RouteTable table =
        table(
            new Route(
                "r",
                new Match(new PathMatch.SegmentPrefix("/x", true), List.of(), List.of(), List.of()),
                redirect,
                HeaderChanges.NONE));
    RequestHead head = request("GET", "/x/y?q=1", authority);
    return found(table, head).location(head);
  }

  private boolean headerHolds(ValueMatch value, boolean invert, @Nullable String sent) {
    RouteTable table =
        table(
            new Route(
                "r",
                new Match(
                    new PathMatch.Prefix("/", true),
                    List.of(),
                    List.of(new HeaderMatch("x", value, invert)),
                    List.of()),
                forward(null, new WeightedCluster("c", 1)),
                HeaderChanges.NONE));
    RequestHead head = request("GET", "/", "h");
    if (sent != null) {
      head.headers().add("x", sent);
    }
    return table.find(head, random) != null;
  }

  private RouteMatch found(RouteTable table, RequestHead head) {
    return Objects.requireNonNull(table.find(head, random));
  }

  private @Nullable String nameFor(RouteTable table, String path) {
    RouteMatch match = table.find(request("GET", path, "h"), random);
    return match == null ? null : match.route().name();
  }

  private static RequestHead request(String method, String path, String authority) {
    return new RequestHead(method, path, authority, "http", HttpVersion.HTTP_1_1, new Headers());
  }

  private static RouteTable table(Route... routes) {
    return RouteTable.compile(
        new RouteTableConfig(
            "t", List.of(new VirtualHost("v", List.of("*"), Arrays.asList(routes)))));
  }

  @Test
  void aHostForTlsOnlySendsThereWhoComesWithout() {
    RouteTable table =
        RouteTable.compile(
            new RouteTableConfig(
                "t",
                List.of(
                    new VirtualHost(
                        "v",
                        List.of("a.test"),
                        List.of(route("r", new PathMatch.Prefix("/", true))),
                        true,
                        false,
                        false,
                        null))));
    RequestHead head = request("GET", "/a?b", "a.test:8080");
    head.headers().add("x-forwarded-proto", "http");
    RouteMatch match = Objects.requireNonNull(table.find(head, random));
    assertThat(match.location(head)).isEqualTo("https://a.test:8080/a?b");
    assertThat(table.explain(head)).containsExactly("virtual host v takes nothing without TLS");
    head.headers().set(HeaderName.X_FORWARDED_PROTO, "https");
    assertThat(Objects.requireNonNull(table.find(head, random)).route().name()).isEqualTo("r");
  }

  private static VirtualHost host(String name, String domain) {
    return new VirtualHost(
        name, List.of(domain), List.of(route(name, new PathMatch.Prefix("/", true))));
  }

  private static Route route(String name, PathMatch path) {
    return new Route(
        name,
        new Match(path, List.of(), List.of(), List.of()),
        forward(null, new WeightedCluster("c", 1)),
        HeaderChanges.NONE);
  }

  private static Match anyPath() {
    return new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of());
  }

  private static Action.Forward forward(@Nullable String rewrite, WeightedCluster... clusters) {
    return new Action.Forward(
        Arrays.asList(clusters), Duration.ZERO, null, RetryPolicy.NEVER, rewrite, null, null);
  }
}
