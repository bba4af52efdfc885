package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.FilterChainConfig;
import dev.outrigger.proxy.config.FilterChainConfig.TransportProtocol;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.listener.v3.FilterChainMatch;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.Set;

/** Which connections a filter chain takes. */
final class FilterChainMatchDecoder {
  private FilterChainMatchDecoder() {}

  static FilterChainConfig.Match decode(FilterChainMatch match, Scope scope)
      throws InvalidResourceException {
    OptionalInt port =
        match.hasDestinationPort()
            ? OptionalInt.of(
                scope.in("destination_port").number(match.getDestinationPort(), 1, 65535))
            : OptionalInt.empty();
    List<String> serverNames = new ArrayList<>();
    for (int i = 0; i < match.getServerNamesCount(); i++) {
      serverNames.add(serverName(match.getServerNames(i), scope.in("server_names", i)));
    }
    TransportProtocol transport =
        switch (match.getTransportProtocol()) {
          case "" -> TransportProtocol.ANY;
          case "raw_buffer" -> TransportProtocol.RAW;
          case "tls" -> TransportProtocol.TLS;
          default ->
              throw scope
                  .in("transport_protocol")
                  .refuse("is '" + match.getTransportProtocol() + "', expected tls or raw_buffer");
        };
    Set<String> protocols = new LinkedHashSet<>();
    for (int i = 0; i < match.getApplicationProtocolsCount(); i++) {
      protocols.add(
          scope.in("application_protocols", i).required(match.getApplicationProtocols(i)));
    }
    return new FilterChainConfig.Match(
        port,
        Addresses.ranges(match.getPrefixRangesList(), scope, "prefix_ranges"),
        serverNames,
        transport,
        protocols,
        Addresses.ranges(match.getSourcePrefixRangesList(), scope, "source_prefix_ranges"));
  }

  private static String serverName(String text, Scope scope) throws InvalidResourceException {
    String name = scope.required(text).toLowerCase(Locale.ROOT);
    int star = name.lastIndexOf('*');
    if (star >= 0 && (star != 0 || !name.startsWith("*.") || name.length() < 3)) {
      throw scope.refuse("'" + text + "' may only have a wildcard as its whole first label");
    }
    return name;
  }
}
