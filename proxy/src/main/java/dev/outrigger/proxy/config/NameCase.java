package dev.outrigger.proxy.config;

/** How the names of headers are written in HTTP/1.1 (xDS: {@code header_key_format}). */
public enum NameCase {
  /** As they came; in lower case where they came in HTTP/2 or are the proxy's own. */
  AS_WRITTEN,
  /** {@code Content-Type}: each word begins with an upper-case letter. */
  PROPER
}
