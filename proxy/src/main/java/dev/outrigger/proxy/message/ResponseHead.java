package dev.outrigger.proxy.message;

/** What a response says before its body. Mutable, confined to one worker. */
public final class ResponseHead {
  private int status;
  private final HttpVersion version;
  private final Headers headers;

  /**
   * @param status 100 to 999
   */
  public ResponseHead(int status, HttpVersion version, Headers headers) {
    this.status = status;
    this.version = version;
    this.headers = headers;
  }

  public int status() {
    return status;
  }

  public void status(int changed) {
    status = changed;
  }

  public HttpVersion version() {
    return version;
  }

  public Headers headers() {
    return headers;
  }
}
