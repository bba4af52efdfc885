package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import io.netty.channel.Channel;
import io.netty.util.AttributeKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The faults that act on the bytes of a connection at this moment. Confined to its event loop. */
public final class ConnectionFaults {
  private static final AttributeKey<List<FaultRule>> KEY =
      AttributeKey.valueOf(ConnectionFaults.class, "faults");

  private ConnectionFaults() {}

  /** From now on these do. */
  public static void set(Channel channel, List<FaultRule> rules) {
    if (!rules.isEmpty() || channel.hasAttr(KEY)) {
      channel.attr(KEY).set(List.copyOf(rules));
    }
  }

  static List<FaultRule> of(Channel channel) {
    if (!channel.hasAttr(KEY)) {
      return List.of();
    }
    @Nullable List<FaultRule> rules = channel.attr(KEY).get();
    return rules == null ? List.of() : rules;
  }
}
