package dev.outrigger.proxy.outcome;

/** Who caused an error. */
public enum Origin {
  DOWNSTREAM,
  UPSTREAM,
  LOCAL,
  CONTROL_PLANE
}
