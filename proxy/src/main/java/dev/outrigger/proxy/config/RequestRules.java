package dev.outrigger.proxy.config;

/**
 * What is done with requests that two programs may read in two ways (xDS: {@code
 * HttpConnectionManager}). It happens once, before routing and authorization, so that all see, and
 * the upstream gets, the same request.
 *
 * @param normalizePath dot segments are resolved, {@code \} becomes {@code /}, and escapes of
 *     letters, digits and {@code -._~} are undone (RFC 3986, section 6.2.2); {@code %00} is
 *     refused. On where {@code normalize_path} is absent
 * @param mergeSlashes {@code //} becomes {@code /} ({@code merge_slashes})
 * @param escapedSlashes {@code path_with_escaped_slashes_action}
 * @param underscores {@code headers_with_underscores_action}
 * @param hostPort {@code strip_matching_host_port} and {@code strip_any_host_port}
 * @param withoutTrailingDot whether a dot behind the host's name is taken away ({@code
 *     strip_trailing_host_dot})
 */
public record RequestRules(
    boolean normalizePath,
    boolean mergeSlashes,
    EscapedSlashes escapedSlashes,
    Underscores underscores,
    HostPort hostPort,
    boolean withoutTrailingDot) {
  public static final RequestRules DEFAULT =
      new RequestRules(true, false, EscapedSlashes.KEEP, Underscores.ALLOW);

  /** The host stays as it came. */
  public RequestRules(
      boolean normalizePath,
      boolean mergeSlashes,
      EscapedSlashes escapedSlashes,
      Underscores underscores) {
    this(normalizePath, mergeSlashes, escapedSlashes, underscores, HostPort.KEEP, false);
  }

  /** What becomes of a port that stands behind the host. */
  public enum HostPort {
    KEEP,
    /** It is taken away where it is the one that the client connected to. */
    STRIP_MATCHING,
    /** It is taken away, but from the target of a CONNECT. */
    STRIP_ANY
  }

  /** What becomes of {@code %2F} and {@code %5C} in a path. */
  public enum EscapedSlashes {
    /** They are characters like others: no route and no policy takes them for a slash. */
    KEEP,
    /** 400. */
    REJECT,
    /** 307 to the path without them. */
    REDIRECT,
    /** They become slashes, and the request goes on. */
    UNESCAPE
  }

  /** What becomes of headers with an underscore in their names. */
  public enum Underscores {
    /**
     * They pass, but for those that an application could take for a header that frames the message
     * or says who the client is: {@code x_forwarded_for} is dropped.
     */
    ALLOW,
    /** 400. */
    REJECT,
    /** Each is removed. */
    DROP
  }
}
