package dev.outrigger.proxy.http;

/** How much body follows a head. */
public enum BodyKind {
  /** None. */
  NONE,
  /** As many bytes as {@code content-length} says. */
  LENGTH,
  /** Unknown until it ends. */
  STREAM,
  /** Both directions are bytes of another protocol from here on. */
  TUNNEL
}
