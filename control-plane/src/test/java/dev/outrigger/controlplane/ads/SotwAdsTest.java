package dev.outrigger.controlplane.ads;

import static dev.outrigger.controlplane.ads.MutableViews.edsCluster;
import static dev.outrigger.controlplane.ads.MutableViews.endpoints;
import static dev.outrigger.controlplane.ads.MutableViews.listener;
import static dev.outrigger.controlplane.ads.MutableViews.plainCluster;
import static dev.outrigger.controlplane.ads.MutableViews.routes;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.Status;
import dev.outrigger.api.chaos.v1.FaultRule;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryRequest;
import io.envoyproxy.envoy.service.discovery.v3.DiscoveryResponse;
import io.envoyproxy.envoy.service.discovery.v3.Resource;
import java.time.Duration;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SotwAdsTest {
  private AdsFixture fixture;

  @BeforeEach
  void start() throws Exception {
    fixture = new AdsFixture();
  }

  @AfterEach
  void stop() {
    fixture.close();
  }

  private static DiscoveryRequest first(String type, String... names) {
    return DiscoveryRequest.newBuilder()
        .setNode(AdsFixture.node("p1"))
        .setTypeUrl(type)
        .addAllResourceNames(List.of(names))
        .build();
  }

  private static DiscoveryRequest ack(DiscoveryResponse response, String... names) {
    return DiscoveryRequest.newBuilder()
        .setTypeUrl(response.getTypeUrl())
        .setVersionInfo(response.getVersionInfo())
        .setResponseNonce(response.getNonce())
        .addAllResourceNames(List.of(names))
        .build();
  }

  private static List<String> clusterNames(DiscoveryResponse response) {
    return response.getResourcesList().stream()
        .map(
            any -> {
              try {
                return any.unpack(Cluster.class).getName();
              } catch (InvalidProtocolBufferException e) {
                throw new AssertionError(e);
              }
            })
        .toList();
  }

  @Test
  void aStaleNonceIsNeverAnswered() throws Exception {
    fixture.views.change().put("a", endpoints("a", 1)).put("b", endpoints("b", 1)).show();
    var proxy = fixture.sotw().send(first(XdsType.ENDPOINT, "a"));
    DiscoveryResponse one = proxy.next();
    proxy.send(ack(one, "a"));
    fixture.views.change().put("a", endpoints("a", 2)).show();
    DiscoveryResponse two = proxy.next();
    // This asks for b, but with the nonce of a response that is no longer the last one.
    proxy.send(ack(one, "a", "b"));
    proxy.send(first(XdsType.LISTENER));
    assertThat(proxy.next().getTypeUrl()).isEqualTo(XdsType.LISTENER);
    assertThat(fixture.counters.staleNonces()).isEqualTo(1);
    proxy.send(ack(two, "a", "b"));
    DiscoveryResponse three = proxy.next();
    assertThat(three.getResourcesList()).hasSize(1);
    assertThat(three.getVersionInfo()).isNotEqualTo(two.getVersionInfo());
  }

  @Test
  void aRefusalIsShownWithItsReasonAndNotSentAgainUntilItChanges() throws Exception {
    fixture.views.change().put("a", plainCluster("a", 1)).show();
    var proxy = fixture.sotw().send(first(XdsType.CLUSTER));
    DiscoveryResponse one = proxy.next();
    proxy.send(ack(one));
    fixture.views.change().put("a", plainCluster("a", 2)).show();
    DiscoveryResponse bad = proxy.next();
    proxy.send(
        DiscoveryRequest.newBuilder()
            .setTypeUrl(XdsType.CLUSTER)
            .setVersionInfo(one.getVersionInfo())
            .setResponseNonce(bad.getNonce())
            .setErrorDetail(Status.newBuilder().setMessage("a: connect_timeout too long"))
            .build());
    Awaitility.await().until(() -> fixture.counters.nacks() == 1);
    ProxyStatus.TypeStatus status =
        fixture.ledger.proxies().getFirst().types().get(XdsType.CLUSTER);
    assertThat(status.acked()).isEqualTo(one.getVersionInfo());
    assertThat(status.pending()).isEmpty();
    assertThat(status.rejections())
        .singleElement()
        .satisfies(
            rejection -> {
              assertThat(rejection.resource()).isEqualTo("a");
              assertThat(rejection.nonce()).isEqualTo(bad.getNonce());
              assertThat(rejection.reason()).isEqualTo("a: connect_timeout too long");
              assertThat(rejection.when()).isEqualTo(AdsFixture.NOW);
            });
    fixture.views.change().put("a", plainCluster("a", 3)).show();
    DiscoveryResponse mended = proxy.next();
    assertThat(mended.getResources(0).unpack(Cluster.class).getConnectTimeout().getSeconds())
        .isEqualTo(3);
    proxy.send(ack(mended));
    Awaitility.await()
        .until(
            () ->
                fixture
                    .ledger
                    .proxies()
                    .getFirst()
                    .types()
                    .get(XdsType.CLUSTER)
                    .rejections()
                    .isEmpty());
  }

  @Test
  void aProxyThatReconnectsWithTheVersionInHandIsSentNothing() throws Exception {
    fixture.views.change().put("a", plainCluster("a", 1)).show();
    var before = fixture.sotw().send(first(XdsType.CLUSTER));
    DiscoveryResponse one = before.next();
    before.close();
    var after =
        fixture
            .sotw()
            .send(first(XdsType.CLUSTER).toBuilder().setVersionInfo(one.getVersionInfo()).build());
    after.send(first(XdsType.LISTENER));
    assertThat(after.next().getTypeUrl()).isEqualTo(XdsType.LISTENER);
    fixture.views.change().put("b", plainCluster("b", 1)).show();
    assertThat(clusterNames(after.next())).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void additionsComeFirstAndRemovalsLast() throws Exception {
    fixture
        .views
        .change()
        .put("old", plainCluster("old", 1))
        .put("l", listener("l", "1"))
        .put("r", routes("r", 1))
        .show();
    var proxy = fixture.sotw().send(first(XdsType.CLUSTER));
    proxy.send(ack(proxy.next()));
    proxy.send(first(XdsType.LISTENER));
    proxy.send(ack(proxy.next()));
    proxy.send(first(XdsType.ROUTE, "r"));
    proxy.send(ack(proxy.next(), "r"));
    fixture
        .views
        .change()
        .put("new", plainCluster("new", 1))
        .remove(XdsType.CLUSTER, "old")
        .put("l", listener("l", "2"))
        .put("r", routes("r", 2))
        .show();
    DiscoveryResponse clusters = proxy.next();
    assertThat(clusterNames(clusters)).containsExactlyInAnyOrder("old", "new");
    proxy.send(ack(clusters));
    DiscoveryResponse listeners = proxy.next();
    assertThat(listeners.getTypeUrl()).isEqualTo(XdsType.LISTENER);
    proxy.send(ack(listeners));
    DiscoveryResponse table = proxy.next();
    assertThat(table.getTypeUrl()).isEqualTo(XdsType.ROUTE);
    proxy.send(ack(table, "r"));
    assertThat(clusterNames(proxy.next())).containsExactly("new");
  }

  @Test
  void aChangedClusterGetsItsUnchangedEndpointsAgain() throws Exception {
    fixture.views.change().put("a", edsCluster("a", 1)).put("a", endpoints("a", 1)).show();
    var proxy = fixture.sotw().send(first(XdsType.CLUSTER));
    proxy.send(ack(proxy.next()));
    proxy.send(first(XdsType.ENDPOINT, "a"));
    DiscoveryResponse warm = proxy.next();
    proxy.send(ack(warm, "a"));
    fixture.views.change().put("a", edsCluster("a", 2)).show();
    DiscoveryResponse cluster = proxy.next();
    assertThat(cluster.getTypeUrl()).isEqualTo(XdsType.CLUSTER);
    DiscoveryResponse again = proxy.next();
    assertThat(again.getTypeUrl()).isEqualTo(XdsType.ENDPOINT);
    assertThat(again.getVersionInfo()).isEqualTo(warm.getVersionInfo());
    assertThat(again.getResourcesList()).isEqualTo(warm.getResourcesList());
    proxy.send(ack(cluster)).send(ack(again, "a"));
    // And when it asks again by itself.
    proxy.send(ack(again, "a"));
    assertThat(proxy.next().getResourcesList()).isEqualTo(warm.getResourcesList());
  }

  @Test
  void aNameThatDoesNotExistIsSaidSo() throws Exception {
    fixture.views.change().put("a", endpoints("a", 1)).show();
    var proxy = fixture.sotw().send(first(XdsType.ENDPOINT, "a", "nobody"));
    DiscoveryResponse response = proxy.next();
    assertThat(response.getResourcesList()).hasSize(1);
    assertThat(response.getResourceErrorsList())
        .singleElement()
        .satisfies(error -> assertThat(error.getResourceName().getName()).isEqualTo("nobody"));
    proxy.send(ack(response, "a", "nobody"));
    fixture.views.change().put("nobody", endpoints("nobody", 1)).show();
    assertThat(proxy.next().getResourcesList()).hasSize(1);
  }

  @Test
  void aFaultIsWrappedWithItsLeaseAndRenewedWithoutABody() throws Exception {
    FaultRule rule = FaultRule.newBuilder().setExperiment("e").setFault("f").build();
    fixture.views.change().put("e/f", rule, Duration.ofMillis(300)).show();
    var proxy = fixture.sotw().send(first(XdsType.FAULT));
    DiscoveryResponse whole = proxy.next();
    Resource full = whole.getResources(0).unpack(Resource.class);
    assertThat(full.getResource()).isEqualTo(Any.pack(rule));
    assertThat(full.getTtl().getNanos()).isEqualTo(300_000_000);
    proxy.send(ack(whole));
    DiscoveryResponse beat = proxy.next();
    Resource renewed = beat.getResources(0).unpack(Resource.class);
    assertThat(renewed.hasResource()).isFalse();
    assertThat(renewed.getVersion()).isEqualTo(full.getVersion());
    assertThat(beat.getVersionInfo()).isEqualTo(whole.getVersionInfo());
    fixture.views.change().remove(XdsType.FAULT, "e/f").show();
    proxy.send(ack(beat));
    DiscoveryResponse last = proxy.next();
    while (last.getResourcesCount() > 0) {
      proxy.send(ack(last));
      last = proxy.next();
    }
    assertThat(last.getTypeUrl()).isEqualTo(XdsType.FAULT);
  }

  @Test
  void aStreamWithoutANodeIsRefused() throws Exception {
    var proxy =
        fixture.sotw().send(DiscoveryRequest.newBuilder().setTypeUrl(XdsType.CLUSTER).build());
    assertThat(proxy.ended.get().getDescription()).contains("node.id");
  }
}
