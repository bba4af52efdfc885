package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.tls.PeerIdentity;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * By what all hops of one trace roll alike: the id of the trace where a fault first asked for it,
 * carried in {@code tracestate} as {@code outrigger=t:<id>} (W3C Trace Context, section 3.3). Who
 * is no member of the mesh cannot choose it.
 */
final class TraceChoice {
  private static final String MEMBER = "outrigger=";
  private static final String CHOICE = MEMBER + "t:";
  private static final int MAX_MEMBERS = 32;
  private static final Pattern ID = Pattern.compile("[0-9a-zA-Z-]{1,64}");
  private static final Pattern PARENT =
      Pattern.compile("[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}.*");

  private TraceChoice() {}

  /** What the trace of a request rolls with; it is on the head from now on. */
  static String of(RequestHead head, Exchange exchange) {
    List<String> members = members(head.headers());
    String carried = carried(members);
    if (carried != null) {
      return carried;
    }
    String id = traceId(head.headers(), exchange);
    if (ID.matcher(id).matches()) {
      members.removeIf(member -> member.startsWith(MEMBER));
      members.addFirst(CHOICE + id);
      write(
          head.headers(), members.size() > MAX_MEMBERS ? members.subList(0, MAX_MEMBERS) : members);
    }
    return id;
  }

  /** Takes away what a caller says of it who is no member of the mesh. */
  static void distrust(RequestHead head, Exchange exchange) {
    if (!exchange.facts().inbound() || !head.headers().contains(HeaderName.TRACESTATE)) {
      return;
    }
    @Nullable PeerIdentity peer = exchange.facts().peer();
    if (peer != null && peer.spiffeId() != null) {
      return;
    }
    List<String> members = members(head.headers());
    if (members.removeIf(member -> member.startsWith(MEMBER))) {
      write(head.headers(), members);
    }
  }

  private static String traceId(Headers headers, Exchange exchange) {
    String recorded = exchange.record().traceId();
    if (recorded != null) {
      return recorded;
    }
    String parent = headers.get(HeaderName.TRACEPARENT);
    Matcher read = PARENT.matcher(parent == null ? "" : parent);
    return read.matches() ? read.group(1) : exchange.record().requestId();
  }

  private static @Nullable String carried(List<String> members) {
    for (String member : members) {
      if (member.startsWith(CHOICE) && ID.matcher(member.substring(CHOICE.length())).matches()) {
        return member.substring(CHOICE.length());
      }
    }
    return null;
  }

  /** Of all lines, in order. */
  private static List<String> members(Headers headers) {
    List<String> members = new ArrayList<>();
    for (String line : headers.all(HeaderName.TRACESTATE)) {
      for (String member : line.split(",", -1)) {
        if (!member.isBlank()) {
          members.add(member.strip());
        }
      }
    }
    return members;
  }

  private static void write(Headers headers, List<String> members) {
    headers.remove(HeaderName.TRACESTATE);
    if (!members.isEmpty()) {
      headers.set(HeaderName.TRACESTATE, String.join(",", members));
    }
  }
}
