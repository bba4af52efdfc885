package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.controlplane.ads.ProxyNode;
import dev.outrigger.controlplane.ads.ResourceView;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.Service.Member;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.ModelSource;
import io.envoyproxy.envoy.config.core.v3.Node;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made step by step, and shared, is what would be made from nothing for each. */
final class SnapshotStoreTest {
  private static final List<String> TYPES =
      List.of(XdsType.LISTENER, XdsType.ROUTE, XdsType.CLUSTER, XdsType.ENDPOINT);
  private static final List<String> ZONES = List.of("", "a", "b");

  /** A source whose state the test sets. */
  private static final class Given implements ModelSource {
    private DesiredState state = DesiredState.empty();

    @Override
    public Reading reading() {
      return new Reading(state, List.of(), 1);
    }

    @Override
    public void onChange(Runnable listener) {}

    @Override
    public void close() {}
  }

  private final Given given = new Given();
  private final SnapshotStore store = new SnapshotStore(given);

  private static ProxyNode proxy(Workload workload, boolean envoy, boolean tls) {
    return new ProxyNode(
        Node.newBuilder()
            .setId(workload.meta().name() + "." + workload.meta().namespace())
            .setUserAgentName(envoy ? "envoy" : "outrigger")
            .setMetadata(
                Struct.newBuilder()
                    .putFields("meshTls", Value.newBuilder().setBoolValue(tls).build()))
            .build(),
        null);
  }

  /** Documents by what they are about. */
  private static Map<String, String> documents(SplittableRandom random) {
    Map<String, String> documents = new TreeMap<>();
    String yaml =
        SnapshotPropertiesTest.randomMesh(random)
            + """
            ---
            apiVersion: gateway.networking.k8s.io/v1
            kind: HTTPRoute
            metadata: {name: consumer, namespace: guest}
            spec:
              parentRefs: [{kind: Service, name: s%d, namespace: shop}]
              rules:
              - backendRefs: [{name: g, port: 80}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: g, namespace: guest}
            spec: {clusterIP: 10.96.9.9, selector: {app: g}, ports: [{name: http, port: 80}]}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: g-1, namespace: guest, labels: {app: g}}
            spec: {address: 10.0.9.%d, ports: [{name: web, port: 80}], sidecar: {mode: transparent}}
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: MeshConfig
            metadata: {name: mesh, namespace: shop}
            spec: {protocolDetectionTimeout: %dms}
            """
                .formatted(random.nextInt(4), random.nextInt(1, 3), random.nextInt(50, 52));
    for (String document : yaml.split("(?m)^---$", -1)) {
      if (!document.isBlank()) {
        String key =
            document.replaceAll("(?s).*?kind: (\\w+)\\nmetadata: \\{name: (\\S+?),.*", "$1 $2");
        documents.put(key, document);
      }
    }
    return documents;
  }

  /** With zones, and with lists of members such as a cluster gives. */
  private static DesiredState asInACluster(DesiredState state, SplittableRandom random) {
    List<MeshObject> objects = new ArrayList<>();
    for (MeshObject object : state.objects()) {
      if (object instanceof Workload workload) {
        objects.add(
            workload.withLocality(
                new Workload.Locality("", ZONES.get(random.nextInt(ZONES.size())), "")));
      } else if (object instanceof Service service && random.nextInt(4) > 0) {
        Map<String, Member> members = new HashMap<>();
        for (int i = 0; i < 4; i++) {
          if (random.nextBoolean()) {
            members.put(
                "w" + i,
                new Member(
                    random.nextInt(5) == 0,
                    Map.of(),
                    random.nextInt(3) == 0 ? Set.of("a") : Set.of()));
          }
        }
        objects.add(service.withMembers(members));
      } else {
        objects.add(object);
      }
    }
    return DesiredState.of(objects);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void everyProxyHasAtEveryStepWhatWouldBeMadeForItAlone(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, String> documents = documents(random);
    for (int step = 0; step < 30; step++) {
      documents(random)
          .forEach(
              (key, text) -> {
                if (random.nextInt(4) == 0) {
                  documents.put(key, text);
                } else if (random.nextInt(12) == 0) {
                  documents.remove(key);
                }
              });
      String yaml = String.join("---\n", documents.values());
      given.state = asInACluster(Shop.state(yaml), random);
      for (Workload workload : given.state.workloads()) {
        for (int kind = 0; kind < 4; kind++) {
          // Not all ask at every step.
          if (random.nextInt(3) == 0) {
            continue;
          }
          ProxyNode proxy = proxy(workload, (kind & 1) == 0, (kind & 2) == 0);
          NodeSnapshot alone = SnapshotBuilder.build(given.state, NodeDescription.of(proxy.node()));
          ResourceView view = store.viewFor(proxy);
          for (String type : TYPES) {
            assertThat(view.resources(type))
                .as("step %d, %s, %s%n%s", step, proxy.id(), type, yaml)
                .isEqualTo(alone.resources(type));
          }
        }
      }
    }
  }

  private static final String MESH =
      """
      apiVersion: v1
      kind: Service
      metadata: {name: one, namespace: shop}
      spec: {clusterIP: 10.96.0.1, selector: {app: one}, ports: [{name: http, port: 80}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: two, namespace: shop}
      spec: {clusterIP: 10.96.0.2, selector: {app: two}, ports: [{name: http, port: 80}]}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: one-1, namespace: shop, labels: {app: one}}
      spec: {address: 10.0.0.1, ports: [{name: http, port: 80}], sidecar: {mode: transparent}}
      ---
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: two-1, namespace: shop, labels: {app: two}}
      spec: {address: 10.0.0.2, ports: [{name: http, port: 80}], sidecar: {mode: transparent}}
      """;

  private ResourceView viewOf(String workload) {
    return store.viewFor(proxy(given.state.workload("shop", workload), false, true));
  }

  @Test
  void proxiesShareWhatIsTheSameForThem() {
    given.state = Shop.state(MESH);
    ResourceView one = viewOf("one-1");
    ResourceView two = viewOf("two-1");
    assertThat(one.resources(XdsType.LISTENER).get("outbound"))
        .isSameAs(two.resources(XdsType.LISTENER).get("outbound"));
    assertThat(one.resources(XdsType.LISTENER).get("inbound"))
        .isSameAs(two.resources(XdsType.LISTENER).get("inbound"));
    assertThat(one.resources(XdsType.CLUSTER).get("outbound|80|two.shop"))
        .isSameAs(two.resources(XdsType.CLUSTER).get("outbound|80|two.shop"));
    // Who is behind it meets its own application.
    assertThat(one.resources(XdsType.ENDPOINT).get("outbound|80|two.shop"))
        .isNotEqualTo(two.resources(XdsType.ENDPOINT).get("outbound|80|two.shop"));
  }

  @Test
  void anAddressThatChangesLeavesAllElseAsItIs() {
    given.state = Shop.state(MESH);
    ResourceView before = viewOf("one-1");
    given.state = Shop.state(MESH.replace("10.0.0.2", "10.0.0.3"));
    ResourceView after = viewOf("one-1");
    for (String type : List.of(XdsType.LISTENER, XdsType.ROUTE, XdsType.CLUSTER)) {
      assertThat(after.resources(type)).isSameAs(before.resources(type));
    }
    assertThat(after.resources(XdsType.ENDPOINT).get("outbound|80|one.shop"))
        .isSameAs(before.resources(XdsType.ENDPOINT).get("outbound|80|one.shop"));
    assertThat(after.resources(XdsType.ENDPOINT).get("outbound|80|two.shop"))
        .isNotEqualTo(before.resources(XdsType.ENDPOINT).get("outbound|80|two.shop"));
  }
}
