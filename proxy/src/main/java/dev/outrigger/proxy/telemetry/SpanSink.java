package dev.outrigger.proxy.telemetry;

/** Takes spans from workers; never blocks them. */
interface SpanSink extends AutoCloseable {
  void accept(FinishedSpan span);

  /** Sends what is held, for a bounded time. */
  @Override
  void close();
}
