package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.proxy.extension.InvalidResourceException;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * Hands faults on as they come, and keeps them: the leases are the sink's. Confined to the config
 * loop.
 *
 * <p>A lease is counted from what was last said to the control plane, which it answers with the
 * fault or its renewal. So what comes late, because the network held it or this process stood
 * still, is late here too, without any clock of the two being compared. A fault that comes when
 * nothing was said for longer than its lease waits until it is renewed; the control plane renews at
 * once what was acknowledged. One whose lease has passed acts again when it is renewed.
 */
final class FaultInbox {
  /** A fault without a lease could not end by itself. */
  private static final Duration MAX_LEASE = Duration.ofMinutes(10);

  private final FaultSink sink;
  private final Map<String, FaultRule> known = new HashMap<>();
  private final LongSupplier nanoTime;
  private long said;
  private boolean firstOfStream = true;

  /**
   * @param nanoTime monotonic time
   */
  FaultInbox(FaultSink sink, LongSupplier nanoTime) {
    this.sink = sink;
    this.nanoTime = nanoTime;
    this.said = nanoTime.getAsLong();
  }

  /** The control plane was asked, or what it sent was acknowledged; it speaks after that. */
  void onSaid() {
    said = nanoTime.getAsLong();
  }

  void onStreamOpen() {
    firstOfStream = true;
  }

  /**
   * Takes a response.
   *
   * @param bad where refused faults are put, by name with the reason
   */
  void onReceived(Received response, boolean wholeSet, Map<String, String> bad) {
    sink.together(() -> take(response, wholeSet, bad));
  }

  private void take(Received response, boolean wholeSet, Map<String, String> bad) {
    Set<String> seen = new HashSet<>();
    for (Received.Item item : response.items()) {
      seen.add(item.name());
      try {
        accept(item);
      } catch (InvalidResourceException e) {
        bad.put(item.name(), e.getMessage());
      }
    }
    response.removed().forEach(this::remove);
    // The first answer on a stream, and in the other variant every answer, is all there is.
    if (wholeSet || firstOfStream) {
      for (String name : List.copyOf(known.keySet())) {
        if (!seen.contains(name)) {
          remove(name);
        }
      }
    }
    firstOfStream = false;
  }

  private void remove(String name) {
    if (known.remove(name) != null) {
      sink.onRemoved(name);
    }
  }

  private void accept(Received.Item item) throws InvalidResourceException {
    Duration lease = item.ttl();
    if (lease == null || !lease.isPositive()) {
      throw new InvalidResourceException(
          TypeUrls.FAULT, item.name(), "ttl", "a fault must come with a positive lease");
    }
    if (item.name().isEmpty()) {
      throw new InvalidResourceException(TypeUrls.FAULT, "", "name", "is empty");
    }
    Duration bounded = lease.compareTo(MAX_LEASE) > 0 ? MAX_LEASE : lease;
    Duration left = bounded.minusNanos(nanoTime.getAsLong() - said);
    if (left.isNegative()) {
      left = Duration.ZERO;
    }
    Any body = item.body();
    if (body == null) {
      FaultRule rule = known.get(item.name());
      if (rule != null && !sink.onHeartbeat(item.name(), left) && left.isPositive()) {
        sink.onFault(item.name(), rule, left);
      }
      return;
    }
    FaultRule rule;
    try {
      rule = body.unpack(FaultRule.class);
    } catch (InvalidProtocolBufferException e) {
      throw new InvalidResourceException(
          TypeUrls.FAULT, item.name(), "", "cannot be read: " + e.getMessage());
    }
    sink.onFault(item.name(), rule, left);
    known.put(item.name(), rule);
  }
}
