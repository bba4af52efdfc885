package dev.outrigger.proxy.message;

import org.jspecify.annotations.Nullable;

/**
 * What a request says before its body. Mutable, confined to one worker: filters and routes change
 * it on its way.
 */
public final class RequestHead {
  private String method;
  private String path;
  private String authority;
  private String scheme;
  private HttpVersion version;
  private final Headers headers;

  /**
   * @param method as sent, for example {@code GET}
   * @param path origin-form target with its query, for example {@code /a?b=c}; {@code *} for
   *     OPTIONS; the authority for CONNECT
   * @param authority host and port as the client named them; empty if it did not
   * @param scheme {@code http} or {@code https}
   * @param headers without {@code host} being special: HTTP/1.1 keeps it here
   */
  public RequestHead(
      String method,
      String path,
      String authority,
      String scheme,
      HttpVersion version,
      Headers headers) {
    this.method = method;
    this.path = path;
    this.authority = authority;
    this.scheme = scheme;
    this.version = version;
    this.headers = headers;
  }

  public String method() {
    return method;
  }

  /** Its client spoke another version than the connection that brought it. */
  public void version(HttpVersion spoken) {
    version = spoken;
  }

  public void method(String changed) {
    method = changed;
  }

  /** The path with its query. */
  public String path() {
    return path;
  }

  public void path(String changed) {
    path = changed;
  }

  /** The path without its query. */
  public String pathOnly() {
    int query = path.indexOf('?');
    return query < 0 ? path : path.substring(0, query);
  }

  /** The query without its question mark, or null. */
  public @Nullable String query() {
    int query = path.indexOf('?');
    return query < 0 ? null : path.substring(query + 1);
  }

  public String authority() {
    return authority;
  }

  public void authority(String changed) {
    authority = changed;
  }

  public String scheme() {
    return scheme;
  }

  public void scheme(String changed) {
    scheme = changed;
  }

  public HttpVersion version() {
    return version;
  }

  public Headers headers() {
    return headers;
  }

  /** A copy that shares nothing. */
  public RequestHead copy() {
    return new RequestHead(method, path, authority, scheme, version, headers.copy());
  }

  /** Whether its content type is that of gRPC, with or without the name of an encoding. */
  public boolean grpc() {
    String type = headers.get(HeaderName.CONTENT_TYPE);
    return type != null
        && type.startsWith("application/grpc")
        && (type.length() == 16 || type.charAt(16) == '+' || type.charAt(16) == ';');
  }

  /** Whether RFC 9110, section 9.2.2, calls the method idempotent. */
  public boolean idempotent() {
    return switch (method) {
      case "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE" -> true;
      default -> false;
    };
  }
}
