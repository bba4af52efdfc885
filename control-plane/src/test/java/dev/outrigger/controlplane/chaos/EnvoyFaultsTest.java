package dev.outrigger.controlplane.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ads.VersionedResource;
import dev.outrigger.controlplane.model.Experiment;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.snapshot.FaultTargets;
import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.Spread;
import io.envoyproxy.envoy.config.route.v3.Route;
import io.envoyproxy.envoy.config.route.v3.RouteAction;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.config.route.v3.VirtualHost;
import io.envoyproxy.envoy.config.route.v3.WeightedCluster;
import io.envoyproxy.envoy.extensions.filters.http.fault.v3.HTTPFault;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class EnvoyFaultsTest {
  private static final Fault ABORT = new Fault.Abort(503, OptionalInt.empty());

  @Test
  void whatAnEnvoyCannotDoHasAReason() {
    assertThat(EnvoyFaults.reason(at(Experiment.Place.REQUEST, ABORT))).isNull();
    assertThat(
            EnvoyFaults.reason(
                at(Experiment.Place.REQUEST, new Fault.Delay(Duration.ofMillis(3), Duration.ZERO))))
        .isNull();
    assertThat(EnvoyFaults.reason(at(Experiment.Place.REQUEST, new Fault.Throttle(2048)))).isNull();
    assertThat(EnvoyFaults.reason(at(Experiment.Place.ATTEMPT, ABORT))).contains("place request");
    assertThat(
            EnvoyFaults.reason(
                at(
                    Experiment.Place.REQUEST,
                    new Fault.Delay(Duration.ofMillis(3), Duration.ofMillis(1)))))
        .contains("jitter");
    assertThat(
            EnvoyFaults.reason(
                at(
                    Experiment.Place.REQUEST,
                    new Fault.Delay(
                        new Spread.Normal(Duration.ofMillis(3), Duration.ofMillis(1))))))
        .contains("distribution");
    assertThat(
            EnvoyFaults.reason(
                at(Experiment.Place.REQUEST, new Fault.Abort(503, OptionalInt.of(14)))))
        .contains("gRPC");
    assertThat(EnvoyFaults.reason(at(Experiment.Place.REQUEST, new Fault.Throttle(1000))))
        .contains("KiB");
    assertThat(EnvoyFaults.reason(at(Experiment.Place.REQUEST, new Fault.Reset())))
        .contains("delays, aborts and throttles only");
    assertThat(
            EnvoyFaults.reason(
                at(Experiment.Place.CONNECTION, new Fault.Bandwidth(1024, Direction.DOWNSTREAM))))
        .contains("place request");
  }

  @Test
  void pathsAreComparedWithoutTheirQueryAndAsText() {
    Experiment.Match match =
        match(
            List.of("GET", "PUT"),
            List.of(
                new Experiment.StringMatch.Exact("/a.b"),
                new Experiment.StringMatch.Prefix("/items/"),
                new Experiment.StringMatch.Regex("/v[0-9]+")));
    HTTPFault filter = EnvoyFaults.filter(fault(Experiment.Place.REQUEST, ABORT, match));
    assertThat(filter.getAbort().getHttpStatus()).isEqualTo(503);
    assertThat(filter.getAbort().getPercentage().getNumerator()).isEqualTo(200_000);
    assertThat(filter.getHeaders(0).getName()).isEqualTo(":method");
    assertThat(filter.getHeaders(0).getStringMatch().getSafeRegex().getRegex())
        .isEqualTo("GET|PUT");
    Pattern path = Pattern.compile(filter.getHeaders(1).getStringMatch().getSafeRegex().getRegex());
    for (String hit : List.of("/a.b", "/a.b?x=1", "/items/7?y", "/v12", "/v12?z=/a")) {
      assertThat(path.matcher(hit).matches()).as(hit).isTrue();
    }
    for (String spared : List.of("/aXb", "/a.b/c", "/item", "/v", "/?/items/")) {
      assertThat(path.matcher(spared).matches()).as(spared).isFalse();
    }
  }

  @Test
  void onlyRoutesToTheDestinationBearIt() throws Exception {
    RouteConfiguration table =
        RouteConfiguration.newBuilder()
            .setName("outbound")
            .addVirtualHosts(host("web.shop:80"))
            .addVirtualHosts(host("web.shop2:80"))
            .build();
    Map<String, VersionedResource> plain = Map.of("outbound", VersionedResource.of(table));
    Map<String, VersionedResource> changed =
        EnvoyFaults.in(
            plain,
            List.of(
                new EnvoyFaults.Acting(
                    at(Experiment.Place.REQUEST, ABORT),
                    new FaultTargets.Scope(List.of(), List.of(new ServiceName("web", "shop"))),
                    Duration.ofSeconds(10))));
    RouteConfiguration after = changed.get("outbound").body().unpack(RouteConfiguration.class);
    assertThat(after.getVirtualHosts(0).getRoutes(0).getTypedPerFilterConfigMap())
        .containsOnlyKeys("envoy.filters.http.fault");
    assertThat(after.getVirtualHosts(1)).isEqualTo(table.getVirtualHosts(1));
    assertThat(changed.get("outbound").version()).isNotEqualTo(plain.get("outbound").version());
  }

  @Test
  void aShareOfARouteBearsItWhereItGoesToTheDestination() throws Exception {
    RouteConfiguration table =
        RouteConfiguration.newBuilder()
            .setName("outbound")
            .addVirtualHosts(
                VirtualHost.newBuilder()
                    .setName("web.shop:80")
                    .addRoutes(
                        Route.newBuilder()
                            .setName("all")
                            .setRoute(
                                RouteAction.newBuilder()
                                    .setWeightedClusters(
                                        WeightedCluster.newBuilder()
                                            .addClusters(share("outbound|80|web-v1.shop"))
                                            .addClusters(share("outbound|80|web-v2.shop"))))))
            .build();
    ServiceName web = new ServiceName("web", "shop");
    ServiceName first = new ServiceName("web-v1", "shop");
    ServiceName second = new ServiceName("web-v2", "shop");

    assertThat(bearing(table, List.of(web), List.of())).containsExactly(true, true);
    assertThat(bearing(table, List.of(second), List.of())).containsExactly(false, true);
    assertThat(bearing(table, List.of(web), List.of(first))).containsExactly(false, true);
    assertThat(bearing(table, List.of(web), List.of(web))).containsExactly(false, false);
  }

  private static List<Boolean> bearing(
      RouteConfiguration table, List<ServiceName> named, List<ServiceName> spared)
      throws Exception {
    return EnvoyFaults.in(
            Map.of("outbound", VersionedResource.of(table)),
            List.of(
                new EnvoyFaults.Acting(
                    at(Experiment.Place.REQUEST, ABORT),
                    new FaultTargets.Scope(List.of(), named, spared),
                    Duration.ofSeconds(10))))
        .get("outbound")
        .body()
        .unpack(RouteConfiguration.class)
        .getVirtualHosts(0)
        .getRoutes(0)
        .getRoute()
        .getWeightedClusters()
        .getClustersList()
        .stream()
        .map(one -> one.containsTypedPerFilterConfig("envoy.filters.http.fault"))
        .toList();
  }

  private static WeightedCluster.ClusterWeight.Builder share(String cluster) {
    return WeightedCluster.ClusterWeight.newBuilder().setName(cluster);
  }

  private static VirtualHost host(String name) {
    return VirtualHost.newBuilder()
        .setName(name)
        .addRoutes(
            Route.newBuilder().setName("all").setRoute(RouteAction.newBuilder().setCluster("c")))
        .build();
  }

  private static Experiment.Fault at(Experiment.Place place, Fault action) {
    return fault(place, action, match(List.of(), List.of()));
  }

  private static Experiment.Fault fault(
      Experiment.Place place, Fault action, Experiment.Match match) {
    return new Experiment.Fault("f", place, action, match, 200_000, 0, 0, 0, false);
  }

  private static Experiment.Match match(List<String> methods, List<Experiment.StringMatch> paths) {
    return new Experiment.Match(
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        methods,
        paths,
        List.of(),
        Map.of(),
        Map.of(),
        Experiment.Share.ALL);
  }
}
