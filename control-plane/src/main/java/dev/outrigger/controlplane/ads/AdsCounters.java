package dev.outrigger.controlplane.ads;

import java.util.concurrent.atomic.LongAdder;

/** What the metrics show of discovery. Thread-safe. */
public final class AdsCounters {
  final LongAdder streamsOpened = new LongAdder();
  final LongAdder streamsRefused = new LongAdder();
  final LongAdder streamsClosed = new LongAdder();
  final LongAdder requests = new LongAdder();
  final LongAdder pushes = new LongAdder();
  final LongAdder resources = new LongAdder();
  final LongAdder heartbeats = new LongAdder();
  final LongAdder acks = new LongAdder();
  final LongAdder nacks = new LongAdder();
  final LongAdder staleNonces = new LongAdder();

  /** Streams open now. */
  public long streams() {
    return streamsOpened.sum() - streamsClosed.sum();
  }

  public long streamsRefused() {
    return streamsRefused.sum();
  }

  public long requests() {
    return requests.sum();
  }

  /** Responses sent, heartbeats among them. */
  public long pushes() {
    return pushes.sum();
  }

  /** Resources sent with their bodies. */
  public long resources() {
    return resources.sum();
  }

  /** Leases renewed without a body. */
  public long heartbeats() {
    return heartbeats.sum();
  }

  public long acks() {
    return acks.sum();
  }

  public long nacks() {
    return nacks.sum();
  }

  public long staleNonces() {
    return staleNonces.sum();
  }
}
