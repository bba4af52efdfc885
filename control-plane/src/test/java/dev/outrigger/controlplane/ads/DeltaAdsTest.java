package dev.outrigger.controlplane.ads;

import static dev.outrigger.controlplane.ads.MutableViews.edsCluster;
import static dev.outrigger.controlplane.ads.MutableViews.endpoints;
import static dev.outrigger.controlplane.ads.MutableViews.listener;
import static dev.outrigger.controlplane.ads.MutableViews.plainCluster;
import static dev.outrigger.controlplane.ads.MutableViews.routes;
import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.api.chaos.v1.FaultRule;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DeltaDiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import io.grpc.Context;
import io.grpc.Status;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class DeltaAdsTest {
  private AdsFixture fixture;

  @BeforeEach
  void start() throws Exception {
    fixture = new AdsFixture();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static DeltaDiscoveryRequest first(String type, String... names) {
    return DeltaDiscoveryRequest.newBuilder()
        .setNode(AdsFixture.node("p1"))
        .setTypeUrl(type)
        .addAllResourceNamesSubscribe(List.of(names))
        .build();
  }

  private static DeltaDiscoveryRequest ack(DeltaDiscoveryResponse response) {
    return DeltaDiscoveryRequest.newBuilder()
        .setTypeUrl(response.getTypeUrl())
        .setResponseNonce(response.getNonce())
        .build();
  }

  private static List<String> names(DeltaDiscoveryResponse response) {
    return response.getResourcesList().stream().map(Resource::getName).toList();
  }

  @Test
  void aTokenOfOnePodOpensNoStreamForAnother() throws Exception {
    Context proven = Context.ROOT.withValue(AdsService.CALLING_WORKLOAD, "shop/p1");
    try (AdsFixture bound = new AdsFixture(AdsLimits.DEFAULT, proven)) {
      bound.views.change().put("a", plainCluster("a", 1)).show();
      DeltaDiscoveryRequest.Builder request = first(XdsType.CLUSTER).toBuilder();
      request.getNodeBuilder().setId("p2.shop");
      Status refused = bound.delta().send(request.build()).ended.get(10, TimeUnit.SECONDS);
      assertThat(refused.getCode()).isEqualTo(Status.Code.PERMISSION_DENIED);
      assertThat(refused.getDescription()).startsWith("OR3003").contains("shop/p1", "shop/p2");
      request.getNodeBuilder().setId("p1.shop");
      assertThat(names(bound.delta().send(request.build()).next())).containsExactly("a");
    }
  }

  @Test
  void onlyWhatChangedIsSent() throws Exception {
    fixture.views.change().put("a", plainCluster("a", 1)).put("b", plainCluster("b", 1)).show();
    var proxy = fixture.delta().send(first(XdsType.CLUSTER));
    DeltaDiscoveryResponse all = proxy.next();
    assertThat(names(all)).containsExactly("a", "b");
    proxy.send(ack(all));
    fixture.views.change().put("b", plainCluster("b", 2)).remove(XdsType.CLUSTER, "a").show();
    DeltaDiscoveryResponse change = proxy.next();
    assertThat(names(change)).containsExactly("b");
    assertThat(change.getRemovedResourcesList()).isEmpty();
    proxy.send(ack(change));
    DeltaDiscoveryResponse removal = proxy.next();
    assertThat(names(removal)).isEmpty();
    assertThat(removal.getRemovedResourcesList()).containsExactly("a");
  }

  @Test
  void aReconnectSendsNothingTwice() throws Exception {
    fixture
        .views
        .change()
        .put("a", plainCluster("a", 1))
        .put("b", plainCluster("b", 1))
        .put("gone", plainCluster("gone", 1))
        .show();
    var before = fixture.delta().send(first(XdsType.CLUSTER));
    Map<String, String> held = new HashMap<>();
    before.next().getResourcesList().forEach(one -> held.put(one.getName(), one.getVersion()));
    before.close();
    fixture.views.change().put("b", plainCluster("b", 2)).remove(XdsType.CLUSTER, "gone").show();
    var after =
        fixture
            .delta()
            .send(first(XdsType.CLUSTER).toBuilder().putAllInitialResourceVersions(held).build());
    DeltaDiscoveryResponse change = after.next();
    assertThat(names(change)).containsExactly("b");
    after.send(ack(change));
    assertThat(after.next().getRemovedResourcesList()).containsExactly("gone");
  }

  @Test
  void oneResponseOfATypeIsOutstandingAndTheNextHoldsTheLatestState() throws Exception {
    fixture.views.change().put("a", plainCluster("a", 1)).show();
    var proxy = fixture.delta().send(first(XdsType.CLUSTER));
    DeltaDiscoveryResponse one = proxy.next();
    fixture.views.change().put("a", plainCluster("a", 2)).show();
    fixture.views.change().put("a", plainCluster("a", 3)).show();
    proxy.send(first(XdsType.ENDPOINT, "x"));
    assertThat(proxy.next().getTypeUrl()).isEqualTo(XdsType.ENDPOINT);
    proxy.send(ack(one));
    assertThat(
            proxy
                .next()
                .getResources(0)
                .getResource()
                .unpack(io.envoyproxy.envoy.config.cluster.v3.Cluster.class)
                .getConnectTimeout()
                .getSeconds())
        .isEqualTo(3);
  }

  private void awaitSettled(long change) {
    Awaitility.await()
        .until(() -> fixture.ledger.proxies().getFirst().settled(), now -> now == change);
  }

  @Test
  void aProxyIsSettledUpToTheChangeThatItAnswered() throws Exception {
    fixture.views.change().put("a", plainCluster("a", 1)).show();
    var proxy = fixture.delta().send(first(XdsType.CLUSTER));
    DeltaDiscoveryResponse one = proxy.next();
    assertThat(fixture.ledger.proxies().getFirst().settled()).isNegative();
    proxy.send(ack(one));
    awaitSettled(1);
    // Nothing of this is for it.
    fixture.views.change().put("l", listener("l", "1")).show();
    awaitSettled(2);

    fixture.views.change().put("a", plainCluster("a", 2)).show();
    DeltaDiscoveryResponse two = proxy.next();
    fixture.views.change().put("a", plainCluster("a", 3)).show();
    proxy.send(first(XdsType.ENDPOINT, "x"));
    DeltaDiscoveryResponse missing = proxy.next();
    assertThat(fixture.ledger.proxies().getFirst().settled()).isEqualTo(2);
    proxy.send(ack(missing)).send(ack(two));
    DeltaDiscoveryResponse three = proxy.next();
    // The next is under way already, and what came before counts all the same.
    awaitSettled(3);
    proxy.send(
        ack(three).toBuilder()
            .setErrorDetail(com.google.rpc.Status.newBuilder().setMessage("a: no"))
            .build());
    awaitSettled(fixture.ledger.changes());
  }

  @Test
  void subscriptionsCountWhateverTheNonce() throws Exception {
    fixture.views.change().put("a", endpoints("a", 1)).put("b", endpoints("b", 1)).show();
    var proxy = fixture.delta().send(first(XdsType.ENDPOINT, "a"));
    proxy.send(ack(proxy.next()));
    proxy.send(
        DeltaDiscoveryRequest.newBuilder()
            .setTypeUrl(XdsType.ENDPOINT)
            .setResponseNonce("from-another-life")
            .addResourceNamesSubscribe("b")
            .build());
    assertThat(names(proxy.next())).containsExactly("b");
  }

  @Test
  void aNameAskedForAgainIsSentAgain() throws Exception {
    fixture.views.change().put("a", endpoints("a", 1)).show();
    var proxy = fixture.delta().send(first(XdsType.ENDPOINT, "a"));
    proxy.send(ack(proxy.next()));
    proxy.send(
        DeltaDiscoveryRequest.newBuilder()
            .setTypeUrl(XdsType.ENDPOINT)
            .addResourceNamesSubscribe("a")
            .build());
    assertThat(names(proxy.next())).containsExactly("a");
  }

  @Test
  void aMissingNameIsAnsweredAtOnceAndServedWhenItAppears() throws Exception {
    var proxy = fixture.delta().send(first(XdsType.ROUTE, "later"));
    DeltaDiscoveryResponse nothing = proxy.next();
    assertThat(nothing.getRemovedResourcesList()).containsExactly("later");
    assertThat(nothing.getResourceErrorsCount()).isEqualTo(1);
    proxy.send(ack(nothing));
    fixture.views.change().put("later", routes("later", 1)).show();
    assertThat(names(proxy.next())).containsExactly("later");
  }

  @Test
  void listenersWaitForClustersAndTheirEndpoints() throws Exception {
    fixture
        .views
        .change()
        .put("a", edsCluster("a", 1))
        .put("a", endpoints("a", 1))
        .put("l", listener("l", "1"))
        .show();
    var proxy = fixture.delta().send(first(XdsType.CLUSTER)).send(first(XdsType.LISTENER));
    DeltaDiscoveryResponse clusters = proxy.next();
    assertThat(clusters.getTypeUrl()).isEqualTo(XdsType.CLUSTER);
    proxy.send(ack(clusters));
    proxy.send(first(XdsType.ENDPOINT, "a"));
    DeltaDiscoveryResponse endpoints = proxy.next();
    assertThat(endpoints.getTypeUrl()).isEqualTo(XdsType.ENDPOINT);
    proxy.send(ack(endpoints));
    assertThat(proxy.next().getTypeUrl()).isEqualTo(XdsType.LISTENER);
  }

  @Test
  void aProxyThatNeverAsksForEndpointsGetsItsListenersAllTheSame() throws Exception {
    try (AdsFixture hasty = new AdsFixture(AdsFixture.holding(Duration.ofMillis(50)))) {
      hasty.views.change().put("a", edsCluster("a", 1)).put("l", listener("l", "1")).show();
      var proxy = hasty.delta().send(first(XdsType.CLUSTER)).send(first(XdsType.LISTENER));
      proxy.send(ack(proxy.next()));
      assertThat(proxy.next().getTypeUrl()).isEqualTo(XdsType.LISTENER);
    }
  }

  @Test
  void aFaultGoesOnlyToWhoAsksAndItsHeartbeatHasNoBody() throws Exception {
    FaultRule rule = FaultRule.newBuilder().setExperiment("e").setFault("f").build();
    fixture.views.change().put("e/f", rule, Duration.ofMillis(300)).show();
    var other = fixture.delta().send(first(XdsType.CLUSTER));
    assertThat(names(other.next())).isEmpty();
    var proxy = fixture.delta().send(first(XdsType.FAULT));
    DeltaDiscoveryResponse full = proxy.next();
    assertThat(full.getResources(0).hasResource()).isTrue();
    assertThat(full.getResources(0).getTtl().getNanos()).isEqualTo(300_000_000);
    proxy.send(ack(full));
    for (int beats = 0; beats < 2; beats++) {
      DeltaDiscoveryResponse beat = proxy.next();
      assertThat(beat.getResources(0).hasResource()).isFalse();
      assertThat(beat.getResources(0).getVersion()).isEqualTo(full.getResources(0).getVersion());
      proxy.send(ack(beat));
    }
    fixture.views.change().remove(XdsType.FAULT, "e/f").show();
    DeltaDiscoveryResponse last = proxy.next();
    while (last.getRemovedResourcesCount() == 0) {
      proxy.send(ack(last));
      last = proxy.next();
    }
    assertThat(last.getRemovedResourcesList()).containsExactly("e/f");
  }

  @Test
  void theVersionIsDecidedByTheContentAlone() {
    assertThat(VersionedResource.of(plainCluster("a", 1)).version())
        .isEqualTo(VersionedResource.of(plainCluster("a", 1), Duration.ofSeconds(1)).version())
        .isNotEqualTo(VersionedResource.of(plainCluster("a", 2)).version());
  }
}
