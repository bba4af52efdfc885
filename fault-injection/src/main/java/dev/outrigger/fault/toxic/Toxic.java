package dev.outrigger.fault.toxic;

import dev.outrigger.fault.Fault;
import org.jspecify.annotations.Nullable;

/**
 * What goes wrong with the bytes of a connection. Settings only; what is going on lives in the
 * flow, so that one toxic serves many connections.
 *
 * <pre>
 *   socket -> [flow] -> [flow] -> socket      one chain for each direction of a connection
 * </pre>
 */
public interface Toxic {

  /** What a fault does to connections that are open; null where it only concerns new ones. */
  static @Nullable Toxic of(Fault.OnBytes fault) {
    return switch (fault) {
      case Fault.Latency(var length, _) -> new LatencyToxic(length);
      case Fault.Bandwidth(long rate, _) -> new BandwidthToxic(rate);
      case Fault.Stall(var timeout, _) -> new StallToxic(timeout);
      case Fault.Partition _ -> new PartitionToxic();
      case Fault.ResetPeer(var after) -> new ResetPeerToxic(after);
      case Fault.SlowClose(var delay, _) -> new SlowCloseToxic(delay);
      case Fault.Limit(long bytes, _) -> new LimitToxic(bytes);
      case Fault.Slicer(int size, int variation, var delay, _) ->
          new SlicerToxic(size, variation, delay);
      case Fault.Refuse _ -> null;
    };
  }

  /** Begins on one direction of a connection, which may have been open for long. */
  ToxicFlow attach(ToxicContext context);

  /** Goes on where a flow of the same toxic with other settings was interrupted. */
  default ToxicFlow resume(ToxicFlow interrupted, ToxicContext context) {
    return attach(context);
  }
}
