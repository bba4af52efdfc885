package dev.outrigger.proxy.config;

import java.time.Duration;
import java.util.List;

/** What handles the bytes of a connection once its chain is chosen. */
public sealed interface NetworkFilter {

  /** Requests are understood one by one (xDS: {@code HttpConnectionManager}). */
  record Http(HttpProxyConfig config) implements NetworkFilter {}

  /**
   * Bytes are passed on without understanding (xDS: {@code TcpProxy}).
   *
   * @param statPrefix names it in metrics
   * @param clusters one or more, chosen by weight once a connection
   * @param idleTimeout no byte in either direction for so long ends the connection; zero is never
   * @param maxConnectAttempts at least 1; each may pick another endpoint
   * @param accessLog where finished connections are written
   */
  record Tcp(
      String statPrefix,
      List<WeightedCluster> clusters,
      Duration idleTimeout,
      int maxConnectAttempts,
      AccessLogConfig accessLog)
      implements NetworkFilter {
    public Tcp {
      clusters = List.copyOf(clusters);
    }
  }
}
