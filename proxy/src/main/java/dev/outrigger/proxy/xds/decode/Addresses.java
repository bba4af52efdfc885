package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.CidrRange;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.core.v3.Address;
import io.envoyproxy.envoy.config.core.v3.SocketAddress;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads addresses and ranges of them. */
final class Addresses {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})");

  private Addresses() {}

  /** An IP address with a port. */
  static SocketAddressConfig literal(Address address, Scope scope) throws InvalidResourceException {
    SocketAddressConfig read = literalOrName(address, scope);
    if (!isLiteral(read.host())) {
      throw scope
          .in("socket_address")
          .in("address")
          .refuse("'" + read.host() + "' is no IP address; host names need a DNS cluster");
    }
    return read;
  }

  /** An IP address or host name with a port. */
  static SocketAddressConfig literalOrName(Address address, Scope scope)
      throws InvalidResourceException {
    if (!address.hasSocketAddress()) {
      throw scope.refuse("expected socket_address");
    }
    return socket(address.getSocketAddress(), scope.in("socket_address"));
  }

  static SocketAddressConfig socket(SocketAddress socket, Scope at)
      throws InvalidResourceException {
    if (socket.getProtocol() != SocketAddress.Protocol.TCP) {
      throw at.in("protocol").refuse("UDP is not supported yet, expected TCP");
    }
    if (!socket.hasPortValue()) {
      throw at.refuse("expected port_value");
    }
    int port = at.in("port_value").number(socket.getPortValue(), 0, 65535);
    String host = at.in("address").required(socket.getAddress());
    if (!isLiteral(host) && !NAME.matcher(host).matches()) {
      throw at.in("address").refuse("'" + host + "' is neither an IP address nor a host name");
    }
    return new SocketAddressConfig(host, port);
  }

  static boolean isLiteral(String host) {
    return NetUtil.isValidIpV4Address(host) || NetUtil.isValidIpV6Address(host);
  }

  static List<CidrRange> ranges(
      List<io.envoyproxy.envoy.config.core.v3.CidrRange> ranges, Scope scope, String field)
      throws InvalidResourceException {
    List<CidrRange> read = new ArrayList<>();
    for (int i = 0; i < ranges.size(); i++) {
      read.add(
          range(
              ranges.get(i).getAddressPrefix(), ranges.get(i).getPrefixLen(), scope.in(field, i)));
    }
    return read;
  }

  private static CidrRange range(String prefix, UInt32Value length, Scope at)
      throws InvalidResourceException {
    byte @Nullable [] bytes = NetUtil.createByteArrayFromIpAddressString(prefix);
    if (bytes == null) {
      throw at.in("address_prefix").refuse("'" + prefix + "' is no IP address");
    }
    int bits = at.in("prefix_len").number(length, 0, bytes.length * 8);
    try {
      return new CidrRange(InetAddress.getByAddress(bytes), bits);
    } catch (UnknownHostException e) {
      throw at.in("address_prefix").refuse("'" + prefix + "' is no IP address");
    }
  }
}
