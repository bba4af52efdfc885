package dev.outrigger.proxy.config;

/**
 * An IP address or host name with a port.
 *
 * @param host an IP literal without brackets, or a DNS name where names are allowed
 * @param port 0 to 65535; 0 binds a free port
 */
public record SocketAddressConfig(String host, int port) {
  public SocketAddressConfig {
    if (port < 0 || port > 65535) {
      throw new IllegalArgumentException("port " + port + " is not in 0..65535");
    }
  }

  @Override
  public String toString() {
    return host.indexOf(':') >= 0 ? "[" + host + "]:" + port : host + ":" + port;
  }
}
