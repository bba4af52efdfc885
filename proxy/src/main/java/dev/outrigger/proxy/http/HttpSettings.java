package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.route.RouteTable;
import dev.outrigger.proxy.worker.RuntimeSnapshot;

/**
 * What an exchange goes by from its start to its end: published, immutable.
 *
 * @param snapshot that all this belongs to
 * @param config of the connection's filter chain
 * @param routes compiled from it
 */
public record HttpSettings(RuntimeSnapshot snapshot, HttpProxyConfig config, RouteTable routes) {

  /** Where a connection asks for what its next exchange goes by. Called on its worker. */
  @FunctionalInterface
  public interface View {
    HttpSettings current();
  }
}
