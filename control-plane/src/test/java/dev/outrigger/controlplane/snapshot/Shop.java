package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.DesiredState;
import dev.outrigger.controlplane.snapshot.NodeDescription.Implementation;
import dev.outrigger.controlplane.snapshot.NodeDescription.MeshTls;
import dev.outrigger.controlplane.source.Analysis;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** A mesh that uses everything once. */
final class Shop {
  private Shop() {}

  static String yaml() {
    return resource("shop.yaml");
  }

  static String resource(String name) {
    try (InputStream in = Shop.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static DesiredState state() {
    return Analysis.ofText("shop.yaml", yaml()).state();
  }

  static DesiredState state(String yaml) {
    Analysis analysis = Analysis.ofText("mesh.yaml", yaml);
    if (analysis.hasErrors()) {
      throw new AssertionError(analysis.problems().toString());
    }
    return analysis.state();
  }

  static NodeDescription ours(String workload) {
    return new NodeDescription("shop", workload, Implementation.OUTRIGGER, MeshTls.AVAILABLE);
  }

  static NodeDescription envoy(String workload) {
    return new NodeDescription("shop", workload, Implementation.ENVOY, MeshTls.ABSENT);
  }
}
