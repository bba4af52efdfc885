package dev.outrigger.proxy.telemetry;

/** Writes one value of an entry; made once for each operator of a format. */
@FunctionalInterface
interface LogValue {

  /** Returns whether there was anything to write. */
  boolean write(LogLine line, LogEntry entry);
}
