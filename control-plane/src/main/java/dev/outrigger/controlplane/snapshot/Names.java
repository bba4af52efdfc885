package dev.outrigger.controlplane.snapshot;

import dev.outrigger.controlplane.model.ServiceName;

/** How resources are named. */
final class Names {
  /** ALPN between proxies of the mesh where requests are understood. */
  static final String ALPN_HTTP = "outrigger-http/1.1";

  /** The same, many requests at once on one connection. */
  static final String ALPN_HTTP2 = "outrigger-h2";

  /** ALPN between proxies of the mesh where bytes are passed on. */
  static final String ALPN_TCP = "outrigger-tcp";

  /** Key of our own metadata. */
  static final String OWN = "outrigger.dev";

  /** Secrets that our proxies make themselves. */
  static final String IDENTITY_SECRET = "outrigger:identity";

  static final String TRUST_SECRET = "outrigger:trust";

  /** Where unknown destinations of the application go. */
  static final String PASSTHROUGH = "passthrough";

  /** Where ports of the application go that its workload does not list. */
  static final String INBOUND_PASSTHROUGH = "inbound-passthrough";

  /** A cluster without endpoints, for shares of traffic that lead nowhere. */
  static final String NOWHERE = "nowhere";

  private Names() {}

  static String outbound(ServiceName service, int port) {
    return "outbound|" + port + "|" + service;
  }

  static String inbound(int port) {
    return "inbound|" + port;
  }
}
