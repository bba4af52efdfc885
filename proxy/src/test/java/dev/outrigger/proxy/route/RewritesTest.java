package dev.outrigger.proxy.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderLevels;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.config.RouteTableConfig.HostRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Match;
import dev.outrigger.proxy.config.RouteTableConfig.PathMatch;
import dev.outrigger.proxy.config.RouteTableConfig.PathRewrite;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.Rewrite;
import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RewritesTest {
  private final Random random = new Random(1);

  @Test
  void aPathIsRewrittenByGroupsAndKeepsItsQuery() {
    assertThat(
            path("^/service/([^/]+)(/.*)$", "\\2/instance/\\1", "/service/foo/v1/api?x=/service"))
        .isEqualTo("/v1/api/instance/foo?x=/service");
    assertThat(path("one", "two", "/xxx/one/yyy/one/zzz")).isEqualTo("/xxx/two/yyy/two/zzz");
    assertThat(path("(?i)/xxx/", "/\\\\/", "/aaa/XxX/bbb")).isEqualTo("/aaa/\\/bbb");
    assertThat(path("(a)?b", "<\\1>", "/b")).isEqualTo("/<>");
  }

  @Test
  void aPathStaysAPath() {
    assertThat(path("^/all$", "", "/all?q")).isEqualTo("/?q");
  }

  @Test
  void aRewriteThatTakesTooLongGivesNoPath() {
    assertThat(path("/.*a.*a.*a.*a.*a.*b", "/", "/" + "a".repeat(200))).isNull();
  }

  @Test
  void aHostIsTakenFromAHeaderOrThePathIfItIsOne() {
    RequestHead head = head("/bar/baz?x=1");
    head.headers().add("x-host", "inside.test:81");
    assertThat(host(new HostRewrite.OfHeader("x-host"), head)).isEqualTo("inside.test:81");
    assertThat(host(new HostRewrite.OfHeader("x-none"), head)).isNull();
    head.headers().add("x-bad", "a b");
    assertThat(host(new HostRewrite.OfHeader("x-bad"), head)).isNull();
    RegexPattern first = new RegexPattern("^/(.+)/.+$");
    assertThat(host(new HostRewrite.OfPath(first, "\\1"), head)).isEqualTo("bar");
    assertThat(host(new HostRewrite.OfPath(first, "\\1/x"), head)).isNull();
  }

  @Test
  void levelsAreAppliedMostSpecificFirstUnlessItIsToWin() {
    HeaderChanges cluster = sets("cluster");
    HeaderChanges route = sets("route");
    HeaderChanges table = sets("table");
    List<HeaderChanges> levels = List.of(route, HeaderChanges.NONE, table);
    assertThat(new HeaderLevels(levels, false).with(cluster))
        .containsExactly(cluster, route, table);
    assertThat(new HeaderLevels(levels, true).with(cluster)).containsExactly(table, route, cluster);
    assertThat(new HeaderLevels(levels, false).with(HeaderChanges.NONE))
        .containsExactly(route, table);
  }

  @Test
  void aClusterOfSeveralBringsItsOwnChangesAndHost() {
    RouteTable table =
        table(
            new Action.Forward(
                List.of(
                    new WeightedCluster("a", 0, sets("a"), "a.test"),
                    new WeightedCluster("b", 1, sets("b"), "b.test")),
                Duration.ZERO,
                null,
                RetryPolicy.NEVER,
                null,
                null,
                null));
    RequestHead head = head("/");
    RouteMatch match = Objects.requireNonNull(table.find(head, random));
    assertThat(match.cluster()).isEqualTo("b");
    assertThat(match.upstreamHost(head)).isEqualTo("b.test");
    assertThat(match.requestChanges()).hasSize(1);
    assertThat(match.requestChanges().getFirst().value(0).template().text()).isEqualTo("b");
  }

  @Test
  void aClusterOfSeveralMayBeNamedByAHeaderAndSpeaksToFiltersItself() {
    OfRoute off = new OfRoute.Disabled();
    Route route =
        new Route(
            "r",
            new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of()),
            new Action.Forward(
                List.of(
                    new WeightedCluster(
                        "", 1, HeaderChanges.NONE, null, "x-to", Map.of("own", off))),
                Duration.ZERO,
                null,
                RetryPolicy.NEVER,
                null,
                null,
                null),
            HeaderLevels.NONE,
            Map.of("own", new OfRoute.Buffer(1), "other", new OfRoute.Buffer(2)));
    RouteTable table =
        RouteTable.compile(
            new RouteTableConfig("t", List.of(new VirtualHost("v", List.of("*"), List.of(route)))));
    RequestHead head = head("/");
    head.headers().add("X-To", "blue");
    RouteMatch match = Objects.requireNonNull(table.find(head, random));
    assertThat(match.cluster()).isEqualTo("blue");
    assertThat(match.filters()).containsEntry("own", off);
    assertThat(match.filters()).containsEntry("other", new OfRoute.Buffer(2));
  }

  @Test
  void aHeaderMayNameTheCluster() {
    RouteTable table =
        table(
            new Action.Forward(
                List.of(),
                Duration.ZERO,
                null,
                RetryPolicy.NEVER,
                Rewrite.NONE,
                null,
                CallTimes.NONE,
                0,
                List.of(),
                "x-cluster"));
    RequestHead head = head("/");
    assertThat(Objects.requireNonNull(table.find(head, random)).cluster()).isEmpty();
    head.headers().add("X-Cluster", "blue");
    assertThat(Objects.requireNonNull(table.find(head, random)).cluster()).isEqualTo("blue");
  }

  @Test
  void aShareOfRequestsFallsThroughToTheNextRoute() {
    Match half =
        new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of(), false, 0.25);
    RouteTable table =
        RouteTable.compile(
            new RouteTableConfig(
                "t",
                List.of(
                    new VirtualHost(
                        "v",
                        List.of("*"),
                        List.of(new Route("few", half, new Action.Direct(200, ""), sets("x")))))));
    int found = 0;
    for (int i = 0; i < 10_000; i++) {
      found += table.find(head("/"), random) == null ? 0 : 1;
    }
    assertThat(found).isBetween(2_350, 2_650);
  }

  @Test
  void onlyGrpcMatchesGrpc() {
    Match grpc =
        new Match(new PathMatch.Prefix("/", true), List.of(), List.of(), List.of(), true, 1);
    RouteTable table =
        RouteTable.compile(
            new RouteTableConfig(
                "t",
                List.of(
                    new VirtualHost(
                        "v",
                        List.of("*"),
                        List.of(new Route("g", grpc, new Action.Direct(200, ""), sets("x")))))));
    for (String type : List.of("application/grpc", "application/grpc+proto")) {
      RequestHead head = head("/");
      head.headers().add("content-type", type);
      assertThat(table.find(head, random)).isNotNull();
    }
    for (String type : List.of("application/grpc-web", "text/plain")) {
      RequestHead head = head("/");
      head.headers().add("content-type", type);
      assertThat(table.find(head, random)).isNull();
    }
    assertThat(table.find(head("/"), random)).isNull();
  }

  private @Nullable String path(String regex, String substitution, String path) {
    RouteTable table =
        forwarding(
            new Rewrite(new PathRewrite.Regex(new RegexPattern(regex), substitution), null, false));
    return Objects.requireNonNull(table.find(head(path), random)).upstreamPath(path);
  }

  private @Nullable String host(HostRewrite rewrite, RequestHead head) {
    RouteTable table = forwarding(new Rewrite(null, rewrite, false));
    return Objects.requireNonNull(table.find(head, random)).upstreamHost(head);
  }

  private static RouteTable forwarding(Rewrite rewrite) {
    return table(
        new Action.Forward(
            List.of(new WeightedCluster("c", 1)),
            Duration.ZERO,
            null,
            RetryPolicy.NEVER,
            rewrite,
            null,
            CallTimes.NONE,
            0,
            List.of(),
            null));
  }

  private static HeaderChanges sets(String value) {
    return new HeaderChanges(
        List.of(new HeaderValue("x-level", value, Append.OVERWRITE_IF_EXISTS_OR_ADD)),
        List.of(),
        List.of(),
        List.of());
  }

  private static RequestHead head(String path) {
    return new RequestHead("GET", path, "h", "http", HttpVersion.HTTP_1_1, new Headers());
  }

  private static RouteTable table(Action action) {
    return RouteTable.compile(
        new RouteTableConfig(
            "t",
            List.of(
                new VirtualHost(
                    "v",
                    List.of("*"),
                    List.of(
                        new Route(
                            "r",
                            new Match(
                                new PathMatch.Prefix("/", true), List.of(), List.of(), List.of()),
                            action,
                            HeaderChanges.NONE))))));
  }
}
