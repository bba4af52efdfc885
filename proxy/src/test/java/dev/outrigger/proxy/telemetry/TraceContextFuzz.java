package dev.outrigger.proxy.telemetry;

import static dev.outrigger.proxy.fuzz.Oracle.check;
import static dev.outrigger.proxy.fuzz.Oracle.latin1;
import static dev.outrigger.proxy.fuzz.Oracle.same;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import java.nio.charset.StandardCharsets;

/** Trace headers of a caller: absent or understood, and what is sent on says the same trace. */
public final class TraceContextFuzz {
  private static final HeaderName[] NAMES = {
    HeaderName.TRACEPARENT,
    TraceContext.B3,
    TraceContext.B3_TRACE_ID,
    TraceContext.B3_SPAN_ID,
    TraceContext.B3_SAMPLED,
    TraceContext.B3_FLAGS
  };

  private TraceContextFuzz() {}

  /** Lines, each the value of one header, in the order above; an empty line is an absent header. */
  public static void fuzzerTestOneInput(byte[] input) {
    String[] lines = latin1(input).split("\n", NAMES.length + 1);
    Headers headers = new Headers(new byte[0], 0, 0); // no spare byte: what reads too far fails
    for (int i = 0; i < NAMES.length && i < lines.length; i++) {
      if (!lines[i].isEmpty()) {
        byte[] name = NAMES[i].toString().getBytes(StandardCharsets.ISO_8859_1);
        byte[] value = lines[i].getBytes(StandardCharsets.ISO_8859_1);
        headers.add(name, 0, name.length, value, 0, value.length);
      }
    }
    TraceContext context = new TraceContext();
    context.read(headers);
    boolean known = (context.traceHigh | context.traceLow) != 0;
    same(known, context.hasParent(), "a trace without a span, or the other way round");
    check(known || !context.w3c(), "a W3C context without a trace");
    if (!known) {
      return;
    }
    boolean sampled = context.decision == TraceContext.Decision.SAMPLED;
    TraceContext.write(
        headers,
        new byte[80],
        context.traceHigh,
        context.traceLow,
        42,
        context.parentSpan,
        sampled,
        context.b3Single,
        context.b3Multi);
    for (int left = 0; left < 3; left++) {
      TraceContext next = new TraceContext();
      next.read(headers);
      if (left == 0 || (left == 1 && context.b3Single) || (left == 2 && context.b3Multi)) {
        same(context.traceHigh, next.traceHigh, "the trace goes on as another");
        same(context.traceLow, next.traceLow, "the trace goes on as another");
        same(42L, next.parentSpan, "the span is not the parent of what follows");
        same(sampled, next.decision == TraceContext.Decision.SAMPLED, "the decision changes");
      }
      headers.remove(left == 0 ? HeaderName.TRACEPARENT : TraceContext.B3);
    }
  }
}
