package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.outrigger.api.chaos.v1.FaultRule;
import dev.outrigger.proxy.extension.InvalidResourceException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Hands faults on as they come. It keeps only names: the leases are the sink's. Confined to the
 * config loop.
 */
final class FaultInbox {
  /** A fault without a lease could not end by itself. */
  private static final Duration MAX_LEASE = Duration.ofMinutes(10);

  private final FaultSink sink;
  private final Set<String> known = new HashSet<>();
  private boolean firstOfStream = true;

  FaultInbox(FaultSink sink) {
    this.sink = sink;
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
      for (String name : List.copyOf(known)) {
        if (!seen.contains(name)) {
          remove(name);
        }
      }
    }
    firstOfStream = false;
  }

  private void remove(String name) {
    if (known.remove(name)) {
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
    Any body = item.body();
    if (body == null) {
      sink.onHeartbeat(item.name(), bounded);
      return;
    }
    FaultRule rule;
    try {
      rule = body.unpack(FaultRule.class);
    } catch (InvalidProtocolBufferException e) {
      throw new InvalidResourceException(
          TypeUrls.FAULT, item.name(), "", "cannot be read: " + e.getMessage());
    }
    sink.onFault(item.name(), rule, bounded);
    known.add(item.name());
  }
}
