package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import java.time.Duration;
import java.util.function.Consumer;

/** Says what one probe saw; {@link HealthLedger} decides what that means. On the config loop. */
public interface HealthChecker {

  /**
   * Probes once.
   *
   * @param timeout of the whole probe, from the connection to the answer
   * @param done called exactly once, on the config loop, maybe before this method returns
   */
  void probe(Endpoint endpoint, Duration timeout, Consumer<ProbeResult> done);
}
