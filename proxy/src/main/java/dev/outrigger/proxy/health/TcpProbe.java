package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import java.time.Duration;
import java.util.function.Consumer;

/** A connection that opens, with its TLS where traffic has it. */
final class TcpProbe implements HealthChecker {
  private final ProbeConnection connection;

  TcpProbe(ProbeConnection connection) {
    this.connection = connection;
  }

  @Override
  public void probe(Endpoint endpoint, Duration timeout, Consumer<ProbeResult> done) {
    connection.open(
        endpoint, timeout, (_, finish) -> finish.accept(new ProbeResult.Passed()), done);
  }
}
