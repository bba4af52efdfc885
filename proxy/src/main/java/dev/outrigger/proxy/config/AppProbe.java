package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * What kubelet would ask the application, had it a certificate of the mesh.
 *
 * @param ask the question
 * @param timeout of the whole of it, positive
 */
public record AppProbe(Ask ask, Duration timeout) {

  /** The kinds that kubelet knows, but for {@code exec}, which needs no network. */
  public sealed interface Ask {
    int port();

    /**
     * A GET that must be answered by 200 to 399.
     *
     * @param isHttps without a look at the certificate, as kubelet asks
     * @param headers sent along; one named {@code Host} counts as such
     */
    record Http(int port, String path, boolean isHttps, List<Map.Entry<String, String>> headers)
        implements Ask {
      public Http {
        headers = List.copyOf(headers);
      }
    }

    /** A connection that opens. */
    record Tcp(int port) implements Ask {}

    /** A call of {@code grpc.health.v1.Health/Check} that says {@code SERVING}. */
    record Grpc(int port, String service) implements Ask {}
  }
}
