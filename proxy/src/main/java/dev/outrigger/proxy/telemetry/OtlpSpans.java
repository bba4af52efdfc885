package dev.outrigger.proxy.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.TraceStateBuilder;
import io.opentelemetry.sdk.common.InstrumentationLibraryInfo;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.data.EventData;
import io.opentelemetry.sdk.trace.data.LinkData;
import io.opentelemetry.sdk.trace.data.SpanData;
import io.opentelemetry.sdk.trace.data.StatusData;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Hands spans to the batch processor of the OpenTelemetry SDK. They wait in its bounded queue
 * ({@code OTEL_BSP_MAX_QUEUE_SIZE}); what does not fit is dropped.
 */
final class OtlpSpans implements SpanSink {
  private final SpanProcessor processor;
  private final Resource resource;

  OtlpSpans(SpanProcessor processor, Resource resource) {
    this.processor = processor;
    this.resource = resource;
  }

  @Override
  public void accept(FinishedSpan span) {
    processor.onEnd(new Exported(span, resource));
  }

  /** Nothing: the exporter ends what it began. */
  @Override
  public void close() {}

  /** A span as the SDK wants to see it; made in full only on the exporter's thread. */
  private static final class Exported implements ReadableSpan, SpanData {
    private final FinishedSpan span;
    private final Resource resource;
    private final SpanContext context;
    private @Nullable Attributes attributes;

    Exported(FinishedSpan span, Resource resource) {
      this.span = span;
      this.resource = resource;
      this.context =
          SpanContext.create(
              hex(span.traceHigh()) + hex(span.traceLow()),
              hex(span.span()),
              TraceFlags.getSampled(),
              TraceState.getDefault());
    }

    private static String hex(long value) {
      byte[] digits = new byte[16];
      TraceContext.putHex(digits, 0, value);
      return new String(digits, java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    private TraceState traceState() {
      TraceStateBuilder builder = TraceState.builder();
      String text = span.traceState();
      if (text != null) {
        // The builder puts each new entry first, so begin with the last.
        List<String> entries = List.of(text.split(",", 33)).reversed();
        for (String entry : entries) {
          int equals = entry.indexOf('=');
          if (equals > 0) {
            builder.put(entry.substring(0, equals).strip(), entry.substring(equals + 1).strip());
          }
        }
      }
      return builder.build();
    }

    @Override
    public SpanContext getSpanContext() {
      return context;
    }

    @Override
    public SpanContext getParentSpanContext() {
      if (span.parentSpan() == 0) {
        return SpanContext.getInvalid();
      }
      String trace = context.getTraceId();
      String parent = hex(span.parentSpan());
      return span.parentRemote()
          ? SpanContext.createFromRemoteParent(
              trace, parent, TraceFlags.getSampled(), TraceState.getDefault())
          : SpanContext.create(trace, parent, TraceFlags.getSampled(), TraceState.getDefault());
    }

    @Override
    public String getName() {
      return span.name();
    }

    @Override
    public SpanData toSpanData() {
      return new WithTraceState(this, traceState());
    }

    @Override
    @Deprecated
    public InstrumentationLibraryInfo getInstrumentationLibraryInfo() {
      return InstrumentationLibraryInfo.create(
          OtlpExporter.SCOPE.getName(), OtlpExporter.SCOPE.getVersion());
    }

    @Override
    public InstrumentationScopeInfo getInstrumentationScopeInfo() {
      return OtlpExporter.SCOPE;
    }

    @Override
    public boolean hasEnded() {
      return true;
    }

    @Override
    public long getLatencyNanos() {
      return span.endEpochNanos() - span.startEpochNanos();
    }

    @Override
    public SpanKind getKind() {
      return switch (span.kind()) {
        case SERVER -> SpanKind.SERVER;
        case CLIENT -> SpanKind.CLIENT;
      };
    }

    @Override
    @SuppressWarnings("NullAway") // the interface says null where there is none, unannotated
    public <T> @Nullable T getAttribute(AttributeKey<T> key) {
      return getAttributes().get(key);
    }

    @Override
    public StatusData getStatus() {
      String failure = span.failure();
      return failure == null ? StatusData.unset() : StatusData.create(StatusCode.ERROR, failure);
    }

    @Override
    public long getStartEpochNanos() {
      return span.startEpochNanos();
    }

    @Override
    public Attributes getAttributes() {
      Attributes made = attributes;
      if (made == null) {
        AttributesBuilder builder = Attributes.builder();
        List<Object> pairs = span.attributes();
        for (int i = 0; i + 1 < pairs.size(); i += 2) {
          String key = (String) pairs.get(i);
          if (pairs.get(i + 1) instanceof Long number) {
            builder.put(key, number);
          } else {
            builder.put(key, pairs.get(i + 1).toString());
          }
        }
        made = builder.build();
        attributes = made;
      }
      return made;
    }

    @Override
    public List<EventData> getEvents() {
      return List.of();
    }

    @Override
    public List<LinkData> getLinks() {
      return List.of();
    }

    @Override
    public long getEndEpochNanos() {
      return span.endEpochNanos();
    }

    @Override
    public int getTotalRecordedEvents() {
      return 0;
    }

    @Override
    public int getTotalRecordedLinks() {
      return 0;
    }

    @Override
    public int getTotalAttributeCount() {
      return span.attributes().size() / 2;
    }

    @Override
    public Resource getResource() {
      return resource;
    }
  }

  /** The same span with its trace state, which is parsed off the workers. */
  private static final class WithTraceState
      extends io.opentelemetry.sdk.trace.data.DelegatingSpanData {
    private final SpanContext context;

    WithTraceState(SpanData span, TraceState state) {
      super(span);
      SpanContext plain = span.getSpanContext();
      this.context =
          SpanContext.create(plain.getTraceId(), plain.getSpanId(), plain.getTraceFlags(), state);
    }

    @Override
    public SpanContext getSpanContext() {
      return context;
    }
  }
}
