package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.UpgradesConfig;
import dev.outrigger.proxy.config.UpgradesConfig.Choice;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.ProxyError;
import org.jspecify.annotations.Nullable;

/** What becomes of a request that would like to change the protocol. Pure. */
sealed interface TunnelWish {
  /** It is an ordinary request, or is treated as one. */
  record Ignored() implements TunnelWish {}

  record Granted(Tunnel tunnel) implements TunnelWish {}

  record Refused(ProxyError error) implements TunnelWish {}

  TunnelWish IGNORED = new Ignored();

  /**
   * Decides.
   *
   * <p>A server may ignore a wish of HTTP/1.1 (RFC 9110, section 7.8), and does so with protocols
   * that nobody configured, as {@code h2c} and {@code TLS/1.3}, which clients offer by the way. A
   * client that asks for WebSocket, or for what is switched off, wants nothing else: it is refused.
   * What {@link H2cWish} did not grant is ignored.
   *
   * @param wished the protocols in the order of preference, in lower case; null for none
   */
  static TunnelWish of(RequestHead head, @Nullable String wished, UpgradesConfig config) {
    if (head.method().equals("CONNECT")) {
      Choice choice = config.of(UpgradesConfig.CONNECT);
      return choice == null || choice == Choice.REFUSED
          ? refused("CONNECT")
          : new Granted(Tunnel.connect(choice == Choice.TERMINATED));
    }
    if (wished == null) {
      return IGNORED;
    }
    boolean must = head.version() == HttpVersion.HTTP_2;
    String refused = null;
    for (String one : wished.split(",", -1)) {
      String protocol = one.strip();
      Choice choice = config.of(protocol);
      if (protocol.equals(UpgradesConfig.CONNECT)) {
        continue; // the method, which no header asks for
      }
      boolean ours = protocol.equals(UpgradesConfig.H2C); // no endpoint ever hears of it
      boolean sockets = protocol.equals(UpgradesConfig.WEBSOCKET);
      if (sockets && !head.method().equals("GET")) {
        continue; // RFC 6455, section 4.1
      }
      if (choice == Choice.PASSED && !ours) {
        return new Granted(new Tunnel(protocol, false));
      }
      if (choice == Choice.REFUSED || sockets || must) {
        refused = protocol;
      }
    }
    return refused == null ? IGNORED : refused(refused);
  }

  private static TunnelWish refused(String protocol) {
    return new Refused(new ProxyError.UpgradeRefused(protocol));
  }
}
