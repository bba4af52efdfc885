package dev.outrigger.controlplane.ads;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.Value;
import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.api.ApiRequest;
import dev.outrigger.controlplane.api.StatusRoutes;
import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.source.Analysis;
import dev.outrigger.controlplane.source.ModelSource;
import io.envoyproxy.envoy.config.core.v3.Node;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class MissingProxiesTest {
  private static final String WORKLOAD =
      """
      apiVersion: mesh.outrigger.dev/v1alpha1
      kind: Workload
      metadata: {name: %s, namespace: shop}
      spec: {address: 10.0.0.1, ports: [{port: 80}], sidecar: {mode: %s}}
      ---
      """;

  private final NackLedger ledger = new NackLedger(() -> Instant.EPOCH);

  /** What a folder said once. */
  private record Fixed(Reading reading) implements ModelSource {
    @Override
    public void onChange(Runnable listener) {}

    @Override
    public void close() {}
  }

  private String missing(DesiredState state) throws Exception {
    ModelSource source = new Fixed(new ModelSource.Reading(state, List.of(), 1));
    return new StatusRoutes(source, ledger)
        .routes().stream()
            .filter(route -> route.path().equals("/api/v1/status"))
            .findFirst()
            .orElseThrow()
            .action()
            .answer(new ApiRequest(List.of(), "", "127.0.0.1", Caller.LOCAL))
            .body()
            .replaceFirst("(?s).*\"missing\":(\\[[^]]*]).*", "$1");
  }

  @Test
  void whoShouldHaveAProxyAndHasNoneIsMissing() throws Exception {
    String yaml =
        WORKLOAD.formatted("web", "transparent")
            + WORKLOAD.formatted("api", "transparent")
            + WORKLOAD.formatted("bare", "none");
    Analysis analysis = Analysis.ofText("mesh.yaml", yaml);
    assertThat(analysis.hasErrors()).as("" + analysis.problems()).isFalse();

    assertThat(missing(analysis.state())).isEqualTo("[\"api.shop\",\"web.shop\"]");

    ledger.onOpen(
        1, new ProxyNode(Node.newBuilder().setId("web.shop").build(), null), Variant.SOTW);
    assertThat(missing(analysis.state())).isEqualTo("[\"api.shop\"]");

    // An Envoy says in its metadata what it stands beside.
    Struct says =
        Struct.newBuilder()
            .putFields("workload", Value.newBuilder().setStringValue("api").build())
            .putFields("namespace", Value.newBuilder().setStringValue("shop").build())
            .build();
    Node envoy = Node.newBuilder().setId("envoy-7").setMetadata(says).build();
    ledger.onOpen(2, new ProxyNode(envoy, null), Variant.DELTA);
    assertThat(missing(analysis.state())).isEqualTo("[]");

    ledger.onClose(1);
    assertThat(missing(analysis.state())).isEqualTo("[\"web.shop\"]");
  }
}
