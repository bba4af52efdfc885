package dev.outrigger.proxy.config;

import java.util.List;

/** Accepted TLS versions. Unlike Envoy's, the client side allows 1.3 by default. */
public enum TlsVersions {
  TLS_1_2_ONLY("TLSv1.2"),
  TLS_1_2_AND_1_3("TLSv1.2", "TLSv1.3"),
  TLS_1_3_ONLY("TLSv1.3");

  @SuppressWarnings("ImmutableEnumChecker") // List.of is immutable
  private final List<String> protocols;

  TlsVersions(String... protocols) {
    this.protocols = List.of(protocols);
  }

  /** The versions as the JDK names them, such as {@code TLSv1.3}. */
  public List<String> protocols() {
    return protocols;
  }
}
