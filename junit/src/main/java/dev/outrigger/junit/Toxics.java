package dev.outrigger.junit;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.Fault;
import dev.outrigger.fault.Spread;
import dev.outrigger.fault.toxic.Toxic;
import java.time.Duration;

/**
 * Adds toxics to one way, or both ways, of the connections of a proxy: those that are open meet
 * them at once. Toxics of one way act in the order in which they were added. Durations are at most
 * one hour.
 */
public final class Toxics {
  private final ToxicProxy proxy;
  private final Direction direction;
  private final double share;

  Toxics(ToxicProxy proxy, Direction direction, double share) {
    this.proxy = proxy;
    this.direction = direction;
    this.share = share;
  }

  /**
   * Only for a share of connections, for which each rolls once.
   *
   * @param ofConnections 0 to 1
   */
  public Toxics share(double ofConnections) {
    if (!(ofConnections >= 0 && ofConnections <= 1)) {
      throw new IllegalArgumentException("a share is 0 to 1, not " + ofConnections);
    }
    return new Toxics(proxy, direction, ofConnections);
  }

  /** Bytes arrive so much later; the throughput stays. */
  public ActiveToxic latency(Duration length) {
    return latency(length, Duration.ZERO);
  }

  /**
   * Bytes arrive later, evenly between {@code length - jitter} and {@code length + jitter}; their
   * order stays.
   *
   * @param jitter at most {@code length}
   */
  public ActiveToxic latency(Duration length, Duration jitter) {
    return latency(new Spread.Uniform(length, jitter));
  }

  /** Bytes arrive later, by any distribution. */
  public ActiveToxic latency(Spread length) {
    return add(new Fault.Latency(length, direction));
  }

  /**
   * Bytes pass no faster.
   *
   * @param bytesPerSecond 1 to {@link Fault#FASTEST}
   */
  public ActiveToxic bandwidth(long bytesPerSecond) {
    return add(new Fault.Bandwidth(bytesPerSecond, direction));
  }

  /** No byte passes, and all of them do when it is removed. */
  public ActiveToxic partition() {
    return add(new Fault.Partition(direction));
  }

  /** Bytes are swallowed, for good. A connection that lost any is closed when it is removed. */
  public ActiveToxic blackHole() {
    return add(new Fault.Stall(Duration.ZERO, direction));
  }

  /**
   * Bytes are swallowed, and the connection is closed after a while.
   *
   * @param timeout above zero, from when the toxic reached the connection
   */
  public ActiveToxic timeout(Duration timeout) {
    if (timeout.isZero()) {
      throw new IllegalArgumentException("without a timeout it is blackHole()");
    }
    return add(new Fault.Stall(timeout, direction));
  }

  /** The end of a connection is passed on so much later. */
  public ActiveToxic slowClose(Duration delay) {
    return add(new Fault.SlowClose(delay, direction));
  }

  /**
   * The connection is closed after exactly so many bytes.
   *
   * @param bytes counted from when the toxic reached the connection
   */
  public ActiveToxic limit(long bytes) {
    return add(new Fault.Limit(bytes, direction));
  }

  /**
   * Bytes come in small pieces.
   *
   * @param averageSize in bytes, at least 1
   * @param sizeVariation a piece has that many more or less; below {@code averageSize}
   * @param delay between two pieces
   */
  public ActiveToxic slicer(int averageSize, int sizeVariation, Duration delay) {
    return add(new Fault.Slicer(averageSize, sizeVariation, delay, direction));
  }

  /** Connections are reset (RST), also those that are open; the way does not matter. */
  public ActiveToxic reset(Duration after) {
    return add(new Fault.ResetPeer(after));
  }

  /** One of your own; it is used on one thread, and must not block it. */
  public ActiveToxic add(Toxic toxic) {
    return proxy.add(direction, toxic, share);
  }

  private ActiveToxic add(Fault.OnBytes fault) {
    Toxic toxic = Toxic.of(fault);
    if (toxic == null) {
      throw new IllegalArgumentException("no toxic of connections that are open: " + fault);
    }
    return add(toxic);
  }
}
