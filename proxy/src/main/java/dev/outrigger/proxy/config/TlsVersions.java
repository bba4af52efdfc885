package dev.outrigger.proxy.config;

/** Accepted TLS versions. Unlike Envoy's, the client side allows 1.3 by default. */
public enum TlsVersions {
  TLS_1_2_ONLY,
  TLS_1_2_AND_1_3,
  TLS_1_3_ONLY
}
