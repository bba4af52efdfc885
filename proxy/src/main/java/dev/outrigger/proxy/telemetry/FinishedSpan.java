package dev.outrigger.proxy.telemetry;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A span that ended, ready to leave its worker.
 *
 * @param parentSpan 0 for none
 * @param traceState as the caller sent it, or null
 * @param failure a description where it failed, else null
 * @param attributes keys and values in turn; values are strings or longs
 */
record FinishedSpan(
    String name,
    Kind kind,
    long traceHigh,
    long traceLow,
    long span,
    long parentSpan,
    boolean parentRemote,
    @Nullable String traceState,
    long startEpochNanos,
    long endEpochNanos,
    @Nullable String failure,
    List<Object> attributes) {

  enum Kind {
    SERVER,
    CLIENT
  }
}
