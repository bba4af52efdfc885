package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.worker.WorkerConfined;
import dev.outrigger.tls.ClientTls;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One worker's contexts for beginning TLS, over a change of the configuration: a request that is
 * under way may hold a cluster of the one before, and a cluster is in force a moment before the
 * listeners that belong to it. Confined to its worker's event loop.
 */
@WorkerConfined
final class TlsContexts {
  private Map<UpstreamTls.Originate, ClientTls> current = Map.of();
  private Map<UpstreamTls.Originate, ClientTls> other = Map.of();

  /** These will be in force: their clusters come first. */
  void announce(Map<UpstreamTls.Originate, ClientTls> next) {
    other = next;
  }

  /**
   * These are in force; those of the configuration before stay known until the next is announced.
   */
  void replace(Map<UpstreamTls.Originate, ClientTls> next) {
    other = current;
    current = next;
  }

  @Nullable ClientTls find(UpstreamTls.Originate tls) {
    @Nullable ClientTls found = current.get(tls);
    return found != null ? found : other.get(tls);
  }
}
