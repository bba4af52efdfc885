package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.ClusterConfig.Speech;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The names by which TLS agrees upon what is spoken (RFC 7301): those of HTTP, and those that
 * proxies of the mesh use among themselves. Any other name says nothing about it.
 */
public final class Alpn {
  public static final String HTTP2 = "h2";
  public static final String HTTP1 = "http/1.1";

  /** HTTP/2 between proxies of the mesh. */
  public static final String MESH_HTTP2 = "outrigger-h2";

  /** HTTP/1.1 between proxies of the mesh. */
  public static final String MESH_HTTP1 = "outrigger-http/1.1";

  private Alpn() {}

  /** Whether a name that was agreed upon, if any was, means HTTP/2. */
  public static boolean isHttp2(@Nullable String name) {
    return HTTP2.equals(name) || MESH_HTTP2.equals(name);
  }

  private static boolean isHttp1(String name) {
    return HTTP1.equals(name) || MESH_HTTP1.equals(name) || name.equals("http/1.0");
  }

  /** What a client offers so that the peer agrees to what is meant to be spoken. */
  static List<String> offered(List<String> configured, Speech speech) {
    List<String> names = new ArrayList<>(configured);
    switch (speech) {
      case HTTP1 -> {
        boolean mesh = names.contains(MESH_HTTP2);
        names.removeIf(Alpn::isHttp2);
        if (mesh && names.isEmpty()) {
          names.add(MESH_HTTP1); // a proxy of the mesh understands both
        }
      }
      case HTTP2 -> {
        if (names.stream().anyMatch(Alpn::isHttp2)) {
          names.removeIf(Alpn::isHttp1);
        } else if (names.isEmpty()) {
          names.add(HTTP2);
        }
      }
      case NONE -> {}
      case NEGOTIATED, AS_DOWNSTREAM -> {
        if (names.isEmpty()) {
          names.add(HTTP2);
          names.add(HTTP1);
        }
      }
    }
    return List.copyOf(names);
  }
}
