package dev.outrigger.controlplane.source;

/** A place in a file; line and column from 1. */
record Place(int line, int column) {
  /** What is in no file. */
  static final Place NONE = new Place(0, 0);
}
