package dev.outrigger.proxy.listen;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.unix.RawUnixChannelOption;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The destination of a connection before the kernel redirected it: {@code SO_ORIGINAL_DST} of
 * netfilter, at level SOL_IP for IPv4 and SOL_IPV6 for IPv6.
 */
final class OriginalDestination {
  private static final int SOL_IP = 0;
  private static final int SOL_IPV6 = 41;
  private static final int SO_ORIGINAL_DST = 80;
  private static final int SOCKADDR_IN = 16;
  private static final int SOCKADDR_IN6 = 28;
  private static final RawUnixChannelOption V4 =
      new RawUnixChannelOption("SO_ORIGINAL_DST", SOL_IP, SO_ORIGINAL_DST, SOCKADDR_IN);
  private static final RawUnixChannelOption V6 =
      new RawUnixChannelOption("IP6T_SO_ORIGINAL_DST", SOL_IPV6, SO_ORIGINAL_DST, SOCKADDR_IN6);

  private OriginalDestination() {}

  /** Null where nothing was redirected, or the transport cannot tell. */
  static @Nullable InetSocketAddress of(Channel channel) {
    InetSocketAddress local = (InetSocketAddress) channel.localAddress();
    boolean v4 = local.getAddress().getAddress().length == 4;
    InetSocketAddress found = v4 ? read(channel, V4, SOCKADDR_IN) : read(channel, V6, SOCKADDR_IN6);
    // A socket that listens on :: sees IPv4 clients with an address that Java shows as IPv4.
    return found != null || v4 ? found : read(channel, V4, SOCKADDR_IN);
  }

  private static @Nullable InetSocketAddress read(
      Channel channel, RawUnixChannelOption option, int size) {
    try {
      ByteBuffer bytes = channel.config().getOption(option);
      return bytes == null ? null : parse(bytes, size);
    } catch (ChannelException | UnsupportedOperationException _) {
      // The kernel says ENOENT for a connection that was never redirected.
      return null;
    }
  }

  static @Nullable InetSocketAddress parse(ByteBuffer bytes, int size) {
    byte[] raw = new byte[size];
    bytes.duplicate().get(raw, 0, Math.min(size, bytes.remaining()));
    int port = (raw[2] & 0xff) << 8 | (raw[3] & 0xff);
    byte[] address =
        size == SOCKADDR_IN ? Arrays.copyOfRange(raw, 4, 8) : Arrays.copyOfRange(raw, 8, 24);
    try {
      return port == 0 ? null : new InetSocketAddress(InetAddress.getByAddress(address), port);
    } catch (UnknownHostException _) {
      return null;
    }
  }
}
