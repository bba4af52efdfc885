package dev.outrigger.controlplane.model;

import java.util.Locale;

/** What is spoken on a port. */
public enum AppProtocol {
  HTTP,
  HTTP2,
  GRPC,
  /** Bytes, passed on without a look at them. */
  TCP,
  /** TLS of the application's own, passed on as it is. */
  TLS,
  /** Not said: found out from the first bytes of each connection. */
  DETECT;

  /**
   * From {@code appProtocol}, otherwise from the port's name up to its first dash (Istio and
   * Kubernetes conventions).
   *
   * @param appProtocol empty where it is not given; one that is not known is opaque
   */
  public static AppProtocol of(String appProtocol, String portName) {
    if (!appProtocol.isEmpty()) {
      AppProtocol said = known(appProtocol.toLowerCase(Locale.ROOT));
      // Somebody took the trouble to name it, so it is something, but nothing that we understand.
      return said == DETECT ? TCP : said;
    }
    int dash = portName.indexOf('-');
    if (portName.toLowerCase(Locale.ROOT).startsWith("grpc-web")) {
      return HTTP;
    }
    return known((dash < 0 ? portName : portName.substring(0, dash)).toLowerCase(Locale.ROOT));
  }

  private static AppProtocol known(String name) {
    return switch (name) {
      // The calls of browsers fit into HTTP/1.1.
      case "http", "http1", "ws", "kubernetes.io/ws", "grpc-web" -> HTTP;
      case "http2", "h2c", "kubernetes.io/h2c" -> HTTP2;
      case "grpc" -> GRPC;
      case "tls", "https", "wss", "kubernetes.io/wss" -> TLS;
      case "tcp",
          "mysql",
          "postgres",
          "postgresql",
          "redis",
          "mongo",
          "mongodb",
          "amqp",
          "kafka",
          // Where the server speaks first, nobody may wait for the client.
          "smtp",
          "imap",
          "pop3",
          "ftp",
          "ssh",
          "nats" ->
          TCP;
      default -> DETECT;
    };
  }

  /** Whether requests are to be seen on the port whatever the first bytes are. */
  public boolean isHttp() {
    return this == HTTP || this == HTTP2 || this == GRPC;
  }
}
