package dev.outrigger.proxy.telemetry;

import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.export.MetricProducer;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SpanProcessor;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Exports spans and metrics by OTLP with the OpenTelemetry SDK, set up by its {@code OTEL_*}
 * variables. This class is loaded only where an exporter is asked for.
 */
final class OtlpExporter implements AutoCloseable {
  static final InstrumentationScopeInfo SCOPE =
      InstrumentationScopeInfo.create("dev.outrigger.proxy");

  private static final Logger LOG = LoggerFactory.getLogger(OtlpExporter.class);
  private static final long CLOSE_SECONDS = 5;
  private static final long GATHER_SECONDS = 5;

  private final AutoConfiguredOpenTelemetrySdk sdk;
  private final @Nullable SpanSink spans;

  private OtlpExporter(AutoConfiguredOpenTelemetrySdk sdk, @Nullable SpanSink spans) {
    this.sdk = sdk;
    this.spans = spans;
  }

  /**
   * What there is to tell at an export: asked on the exporter's thread, it gathers from the workers
   * and then tells all to a sink.
   */
  @FunctionalInterface
  interface Metrics extends Supplier<CompletionStage<Consumer<MetricSink>>> {}

  /**
   * Starts the exporters.
   *
   * @param serviceName used where the environment names none
   * @param traces whether spans are exported
   * @param metrics told every {@code OTEL_METRIC_EXPORT_INTERVAL}; null exports none
   * @throws IllegalArgumentException if the environment asks for what cannot be done
   */
  static OtlpExporter start(
      Map<String, String> environment,
      String serviceName,
      boolean traces,
      @Nullable Metrics metrics,
      InstantSource clock) {
    Map<String, String> properties = new HashMap<>();
    environment.forEach(
        (name, value) -> {
          if (name.startsWith("OTEL_")) {
            properties.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value);
          }
        });
    if (!properties.containsKey("otel.service.name")
        && !properties.getOrDefault("otel.resource.attributes", "").contains("service.name=")) {
      properties.put("otel.service.name", serviceName);
    }
    properties.put("otel.traces.exporter", traces ? "otlp" : "none");
    properties.put("otel.metrics.exporter", metrics != null ? "otlp" : "none");
    properties.put("otel.logs.exporter", "none");
    // Sampling is decided by the workers; what comes here is sampled.
    properties.put("otel.traces.sampler", "always_on");
    AtomicReference<@Nullable SpanProcessor> processor = new AtomicReference<>();
    AtomicReference<Resource> resource = new AtomicReference<>(Resource.getDefault());
    long started = nanos(clock.instant());
    AutoConfiguredOpenTelemetrySdk sdk;
    try {
      sdk =
          AutoConfiguredOpenTelemetrySdk.builder()
              .disableShutdownHook()
              .addPropertiesCustomizer(_ -> properties)
              .addResourceCustomizer(
                  (found, _) -> {
                    resource.set(found);
                    return found;
                  })
              .addSpanProcessorCustomizer(
                  (made, _) -> {
                    processor.set(made);
                    return made;
                  })
              .addMeterProviderCustomizer(
                  (builder, _) ->
                      metrics == null
                          ? builder
                          : builder.registerMetricProducer(producer(metrics, started, clock)))
              .build();
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("telemetry (OTEL_*): " + e.getMessage(), e);
    }
    SpanProcessor found = processor.get();
    if (traces && found == null) {
      throw new IllegalArgumentException("telemetry (OTEL_*): the exporter could not be made");
    }
    return new OtlpExporter(
        sdk, traces && found != null ? new OtlpSpans(found, resource.get()) : null);
  }

  /** Takes spans; null where none are exported. */
  @Nullable SpanSink spans() {
    return spans;
  }

  private static MetricProducer producer(Metrics metrics, long started, InstantSource clock) {
    return new MetricProducer() {
      @Override
      public Collection<MetricData> produce(Resource resource) {
        try {
          Consumer<MetricSink> telling =
              metrics.get().toCompletableFuture().get(GATHER_SECONDS, TimeUnit.SECONDS);
          OtlpMetrics all = new OtlpMetrics(resource, SCOPE, started, nanos(clock.instant()));
          telling.accept(all);
          return all.all();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
          LOG.warn("no metrics this time: {}", e.toString());
        }
        return List.of();
      }
    };
  }

  private static long nanos(Instant instant) {
    return instant.getEpochSecond() * 1_000_000_000 + instant.getNano();
  }

  /** Sends what is held, for a bounded time. */
  @Override
  public void close() {
    sdk.getOpenTelemetrySdk().shutdown().join(CLOSE_SECONDS, TimeUnit.SECONDS);
  }
}
