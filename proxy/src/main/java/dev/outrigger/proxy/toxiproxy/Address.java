package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.relay.ToxicRelay;
import io.netty.util.NetUtil;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;

/**
 * A host and a port as Go writes them: {@code 127.0.0.1:80}, {@code [::1]:80}, {@code redis:6379}
 * or {@code :80}, which is every address of the host.
 *
 * @param host without brackets
 */
record Address(String host, int port) {

  /** Errors have the words of Go's {@code net}. */
  static Address parse(String text) throws ApiError {
    if (text.isEmpty()) {
      return new Address("", 0);
    }
    int colon = text.lastIndexOf(':');
    if (colon < 0) {
      throw new ApiError(500, "address " + text + ": missing port in address");
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[")) {
      if (!host.endsWith("]")) {
        throw new ApiError(500, "address " + text + ": missing ']' in address");
      }
      host = host.substring(1, host.length() - 1);
    } else if (host.indexOf(':') >= 0) {
      throw new ApiError(500, "address " + text + ": too many colons in address");
    }
    String port = text.substring(colon + 1);
    if (!port.matches("[0-9]{0,9}")) {
      throw new ApiError(500, "lookup tcp/" + port + ": unknown port");
    }
    int number = port.isEmpty() ? 0 : Integer.parseInt(port);
    if (number > 65535) {
      throw new ApiError(500, "address " + port + ": invalid port");
    }
    return new Address(host, number);
  }

  /** With the address in place of a name. */
  CompletableFuture<InetSocketAddress> resolved(Executor lookups) {
    InetSocketAddress address = unresolved();
    return address.isUnresolved()
        ? CompletableFuture.supplyAsync(() -> found(address), lookups)
        : CompletableFuture.completedFuture(address);
  }

  private InetSocketAddress found(InetSocketAddress address) {
    try {
      return ToxicRelay.look(address);
    } catch (UncheckedIOException e) {
      throw new CompletionException(new ApiError(500, "lookup " + host + ": no such host"));
    }
  }

  /** A literal as it is, a name not looked up yet. */
  InetSocketAddress unresolved() {
    if (host.isEmpty()) {
      return new InetSocketAddress(port);
    }
    try {
      return new InetSocketAddress(InetAddress.ofLiteral(host), port);
    } catch (IllegalArgumentException e) {
      return InetSocketAddress.createUnresolved(host, port);
    }
  }

  /** As Go shows where something listens. */
  static String shown(Address asked, InetSocketAddress address) {
    if (asked.host().isEmpty()) {
      return "[::]:" + address.getPort();
    }
    String host = NetUtil.toAddressString(address.getAddress());
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
