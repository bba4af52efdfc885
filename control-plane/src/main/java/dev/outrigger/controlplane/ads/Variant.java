package dev.outrigger.controlplane.ads;

/** The two forms of the protocol. */
public enum Variant {
  /** State of the world: {@code StreamAggregatedResources}. */
  SOTW,
  /** Incremental: {@code DeltaAggregatedResources}. */
  DELTA
}
