package dev.outrigger.controlplane.snapshot;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import io.envoyproxy.envoy.config.listener.v3.Listener;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What holds for every state, tried on many that chance made. */
final class SnapshotPropertiesTest {
  private static final List<String> PORT_NAMES = List.of("http", "tcp-x", "grpc", "tls", "web", "");
  private static final List<Integer> PORTS = List.of(80, 443, 5432, 8080, 9000);

  static String randomMesh(SplittableRandom random) {
    StringBuilder yaml = new StringBuilder();
    int services = random.nextInt(1, 6);
    for (int i = 0; i < services; i++) {
      int port = PORTS.get(random.nextInt(PORTS.size()));
      String name = PORT_NAMES.get(random.nextInt(PORT_NAMES.size()));
      yaml.append("---\napiVersion: v1\nkind: Service\nmetadata: {name: s")
          .append(i)
          .append(", namespace: shop}\nspec:\n")
          .append(random.nextBoolean() ? "  clusterIP: 10.96.0." + random.nextInt(1, 4) + "\n" : "")
          .append("  selector: {app: a")
          .append(random.nextInt(4))
          .append("}\n  ports: [{name: \"")
          .append(name)
          .append("\", port: ")
          .append(port)
          .append(", targetPort: ")
          .append(random.nextBoolean() ? "8080" : "web")
          .append("}]\n");
    }
    int workloads = random.nextInt(1, 6);
    for (int i = 0; i < workloads; i++) {
      String sidecar =
          switch (random.nextInt(3)) {
            case 0 -> "{mode: none}";
            case 1 -> "{mode: transparent}";
            default ->
                "{mode: explicit, outbound: 127.0.0.1:15001, outboundTcp: [{service: s"
                    + random.nextInt(8)
                    + ", port: "
                    + PORTS.get(random.nextInt(PORTS.size()))
                    + ", listen: 127.0.0.1:7000}]}";
          };
      yaml.append(
              "---\napiVersion: mesh.outrigger.dev/v1alpha1\nkind: Workload\nmetadata: {name: w")
          .append(i)
          .append(", namespace: shop, labels: {app: a")
          .append(random.nextInt(4))
          .append("}}\nspec:\n  address: ")
          .append(random.nextBoolean() ? "10.0.0." + random.nextInt(1, 4) : "\"fd00::1\"")
          .append("\n  ports: [{name: web, port: 8080}, {port: 9000}]\n  sidecar: ")
          .append(sidecar)
          .append(random.nextBoolean() ? "\n  calls: [s0, s1]\n" : "\n");
    }
    int routes = random.nextInt(4);
    for (int i = 0; i < routes; i++) {
      yaml.append(
              "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r")
          .append(i)
          .append(", namespace: shop}\nspec:\n  parentRefs: [{kind: Service, name: s")
          .append(random.nextInt(6))
          .append("}]\n  rules:\n  - backendRefs: [{name: s")
          .append(random.nextInt(8))
          .append(", port: 80, weight: ")
          .append(random.nextInt(3))
          .append("}, {name: s")
          .append(random.nextInt(8))
          .append(", port: 8080}]\n");
    }
    yaml.append("---\napiVersion: mesh.outrigger.dev/v1alpha1\nkind: AuthenticationPolicy\n")
        .append("metadata: {name: p, namespace: shop}\nspec: {mtls: {mode: ")
        .append(random.nextBoolean() ? "STRICT" : "PERMISSIVE")
        .append("}}\n");
    return yaml.toString();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everySnapshotIsConsistentRepeatableAndWithoutTwoEqualChains(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < 25; i++) {
      String yaml = randomMesh(random);
      DesiredState state = Shop.state(yaml);
      DesiredState again = Shop.state(yaml);
      assertThat(again).isEqualTo(state);
      for (Workload workload : state.workloads()) {
        for (Implementation implementation : Implementation.values()) {
          for (MeshTls tls : MeshTls.values()) {
            NodeDescription node =
                new NodeDescription("shop", workload.meta().name(), implementation, tls);
            // Throws where a name does not resolve.
            NodeSnapshot snapshot = SnapshotBuilder.build(state, node);
            NodeSnapshot second = SnapshotBuilder.build(again, node);
            for (String type :
                List.of(XdsType.LISTENER, XdsType.ROUTE, XdsType.CLUSTER, XdsType.ENDPOINT)) {
              assertThat(second.resources(type)).isEqualTo(snapshot.resources(type));
            }
            for (Listener listener : snapshot.listeners().values()) {
              assertThat(listener.getFilterChainsList())
                  .as(yaml)
                  .extracting(chain -> chain.getFilterChainMatch())
                  .doesNotHaveDuplicates();
              assertThat(listener.getFilterChainsList())
                  .extracting(chain -> chain.getName())
                  .doesNotHaveDuplicates();
            }
          }
        }
      }
    }
  }
}
