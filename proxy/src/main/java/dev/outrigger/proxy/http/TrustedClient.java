package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.ForwardedPolicy;
import dev.outrigger.proxy.config.HttpProxyConfig.Forwarding;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import io.netty.util.NetUtil;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who the client is, by {@code x-forwarded-for} and the number of hops that are trusted (xDS:
 * {@code xff_num_trusted_hops}). With the socket's address in use, the peer is the first hop, and
 * what it appended is believed if hops are trusted; without it the last entry is the client if none
 * is. Where the policy says so, {@code forwarded} is looked at in its place, with the same hops.
 */
final class TrustedClient {
  /** Longest list that is looked through. */
  private static final int MAX_LENGTH = 16 * 1024;

  private TrustedClient() {}

  /**
   * The client's IP address as the list says it; null where the list does not count, is too short,
   * or does not hold an address there: then the peer is the client.
   *
   * @param received with the peer's own address appended where that is asked for
   */
  static @Nullable String of(Headers received, Forwarding forwarding) {
    if (forwarding.useRemoteAddress() && forwarding.trustedHops() == 0) {
      return null;
    }
    if (forwarding.forwarded().clientAddress()) {
      return ofForwarded(received, forwarding);
    }
    int fromEnd =
        forwarding.trustedHops()
            - (forwarding.useRemoteAddress() && forwarding.skipAppend() ? 1 : 0);
    if (!received.contains(HeaderName.X_FORWARDED_FOR)) {
      return null;
    }
    List<String> lines = received.all(HeaderName.X_FORWARDED_FOR);
    String list = lines.size() == 1 ? lines.getFirst() : String.join(",", lines);
    if (list.length() > MAX_LENGTH) {
      return null;
    }
    int end = list.length();
    for (int i = 0; i < fromEnd; i++) {
      end = list.lastIndexOf(',', end - 1);
      if (end < 0) {
        return null;
      }
    }
    String entry = list.substring(list.lastIndexOf(',', end - 1) + 1, end).strip();
    return NetUtil.isValidIpV4Address(entry) || NetUtil.isValidIpV6Address(entry) ? entry : null;
  }

  private static @Nullable String ofForwarded(Headers received, Forwarding forwarding) {
    if (!received.contains(HeaderName.FORWARDED)) {
      return null;
    }
    List<String> nodes = ForwardedList.nodes(received.all(HeaderName.FORWARDED));
    boolean appended = forwarding.forwarded().sent() == ForwardedPolicy.Sent.APPENDED;
    int fromEnd =
        forwarding.trustedHops() - (forwarding.useRemoteAddress() ? 1 : 0) + (appended ? 1 : 0);
    int index = nodes == null ? -1 : nodes.size() - 1 - fromEnd;
    return nodes == null || index < 0 ? null : ForwardedList.address(nodes.get(index));
  }
}
