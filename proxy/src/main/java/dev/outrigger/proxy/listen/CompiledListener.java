package dev.outrigger.proxy.listen;

import dev.outrigger.proxy.config.CidrRange;
import dev.outrigger.proxy.config.FilterChainConfig.TransportProtocol;
import dev.outrigger.proxy.config.HttpProxyConfig;
import dev.outrigger.proxy.config.ListenerConfig;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A listener with its chains, ready for connections. Immutable.
 *
 * @param defaultChain null closes what no chain takes
 */
record CompiledListener(
    ListenerConfig config, List<CompiledChain> chains, @Nullable CompiledChain defaultChain) {
  private static final int NO_MATCH = -1;

  CompiledListener {
    chains = List.copyOf(chains);
  }

  /**
   * The chain here that stands where one of an earlier version stood, or null: the one that matches
   * the same connections, since names may be empty or change.
   */
  @Nullable CompiledChain successorOf(CompiledChain earlier, boolean wasDefault) {
    if (wasDefault) {
      return defaultChain;
    }
    for (CompiledChain chain : chains) {
      if (chain.config().match().equals(earlier.config().match())) {
        return chain;
      }
    }
    return null;
  }

  /** Whether the choice among the chains for a destination depends on the first bytes. */
  boolean needsBytes(InetSocketAddress destination) {
    if (config.inspectors().isEmpty()) {
      return false;
    }
    for (CompiledChain chain : forDestination(destination)) {
      var match = chain.config().match();
      if (match.transportProtocol() != TransportProtocol.ANY
          || !match.serverNames().isEmpty()
          || !match.applicationProtocols().isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /**
   * The chain that takes a connection, by the precedence of xDS: each step keeps the most specific,
   * and there is no way back from a step.
   *
   * @return null if it is to be closed
   */
  @Nullable CompiledChain find(
      InetSocketAddress destination, Detection detection, @Nullable InetAddress source) {
    List<CompiledChain> left = forDestination(destination);
    String serverName = detection instanceof Detection.Tls tls ? tls.serverName() : null;
    TransportProtocol transport =
        detection instanceof Detection.Tls ? TransportProtocol.TLS : TransportProtocol.RAW;
    List<String> protocols =
        switch (detection) {
          case Detection.Tls tls -> tls.alpn();
          case Detection.Http1 _ -> List.of("http/1.1", "http/1.0");
          case Detection.Http2 _ -> List.of("h2c");
          case Detection.Opaque _, Detection.NeedMore _ -> List.of();
        };
    boolean http2 = detection instanceof Detection.Http2;
    left = best(left, chain -> byServerName(chain.config().match().serverNames(), serverName));
    left =
        best(
            left,
            chain -> {
              TransportProtocol wanted = chain.config().match().transportProtocol();
              return wanted == TransportProtocol.ANY ? 0 : wanted == transport ? 1 : NO_MATCH;
            });
    left =
        best(
            left,
            chain -> {
              // HTTP/2 passes as opaque bytes where it is not to be spoken.
              if (http2 && chain.http() != null && !speaksHttp2(chain.http().config())) {
                return NO_MATCH;
              }
              var wanted = chain.config().match().applicationProtocols();
              return wanted.isEmpty() ? 0 : protocols.stream().anyMatch(wanted::contains) ? 1 : -1;
            });
    left = best(left, chain -> byRange(chain.config().match().sourceRanges(), source));
    return left.isEmpty() ? defaultChain : left.getFirst();
  }

  private static boolean speaksHttp2(HttpProxyConfig config) {
    return config.codec() != HttpProxyConfig.Codec.HTTP1;
  }

  private List<CompiledChain> forDestination(InetSocketAddress destination) {
    List<CompiledChain> byPort =
        best(
            chains,
            chain -> {
              var port = chain.config().match().destinationPort();
              return port.isEmpty() ? 0 : port.getAsInt() == destination.getPort() ? 1 : NO_MATCH;
            });
    return best(
        byPort,
        chain -> byRange(chain.config().match().destinationRanges(), destination.getAddress()));
  }

  /** Those with the highest score; a negative score does not match. */
  private static List<CompiledChain> best(
      List<CompiledChain> chains, ToIntFunction<CompiledChain> score) {
    int highest = NO_MATCH;
    List<CompiledChain> best = new ArrayList<>(chains.size());
    for (CompiledChain chain : chains) {
      int one = score.applyAsInt(chain);
      if (one < 0 || one < highest) {
        continue;
      }
      if (one > highest) {
        best.clear();
        highest = one;
      }
      best.add(chain);
    }
    return best;
  }

  private static int byRange(List<CidrRange> ranges, @Nullable InetAddress address) {
    if (ranges.isEmpty()) {
      return 0;
    }
    int longest = NO_MATCH;
    for (CidrRange range : ranges) {
      if (address != null && range.contains(address)) {
        longest = Math.max(longest, 1 + range.prefixLength());
      }
    }
    return longest;
  }

  private static int byServerName(List<String> names, @Nullable String serverName) {
    if (names.isEmpty()) {
      return 0;
    }
    int longest = NO_MATCH;
    for (String name : names) {
      if (serverName == null) {
        continue;
      }
      if (name.equalsIgnoreCase(serverName)) {
        longest = Integer.MAX_VALUE;
      } else if (name.startsWith("*.") && serverName.endsWith(name.substring(1))) {
        longest = Math.max(longest, name.length());
      }
    }
    return longest;
  }
}
