package dev.outrigger.proxy.telemetry;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.Data;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.GaugeData;
import io.opentelemetry.sdk.metrics.data.HistogramData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.LongPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import io.opentelemetry.sdk.metrics.data.SumData;
import io.opentelemetry.sdk.resources.Resource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Metrics as the OpenTelemetry SDK wants to see them; what grows is cumulative. */
final class OtlpMetrics implements MetricSink {
  private static final List<Double> BOUNDS =
      Arrays.stream(DurationHistogram.BOUNDS).boxed().toList();

  private final Resource resource;
  private final InstrumentationScopeInfo scope;
  private final long startNanos;
  private final long nowNanos;
  private final List<MetricData> all = new ArrayList<>();
  private final List<LongPointData> values = new ArrayList<>();
  private final List<DoublePointData> decimals = new ArrayList<>();
  private final List<HistogramPointData> histograms = new ArrayList<>();
  private String name = "";
  private String help = "";
  private Type type = Type.GAUGE;

  /**
   * @param startNanos since the epoch, when counting began
   * @param nowNanos since the epoch
   */
  OtlpMetrics(Resource resource, InstrumentationScopeInfo scope, long startNanos, long nowNanos) {
    this.resource = resource;
    this.scope = scope;
    this.startNanos = startNanos;
    this.nowNanos = nowNanos;
  }

  /** All that was told, without families that have no sample. */
  List<MetricData> all() {
    endFamily();
    return List.copyOf(all);
  }

  @Override
  public void family(String name, Type type, String help) {
    endFamily();
    this.name = name;
    this.type = type;
    this.help = help;
  }

  @Override
  public void value(long value, String... labels) {
    values.add(LongPointData.create(startNanos, nowNanos, attributes(labels), value));
  }

  @Override
  public void decimal(double value, String... labels) {
    decimals.add(
        DoublePointData.create(startNanos, nowNanos, attributes(labels), value, List.of()));
  }

  @Override
  public void histogram(DurationHistogram histogram, String... labels) {
    List<Long> counts = new ArrayList<>(BOUNDS.size() + 1);
    long before = 0;
    for (long below : histogram.cumulative()) {
      counts.add(below - before);
      before = below;
    }
    counts.add(histogram.count() - before);
    histograms.add(
        HistogramPointData.create(
            startNanos,
            nowNanos,
            attributes(labels),
            histogram.sumSeconds(),
            false,
            0,
            false,
            0,
            BOUNDS,
            counts));
  }

  private static Attributes attributes(String[] labels) {
    AttributesBuilder builder = Attributes.builder();
    for (int i = 0; i + 1 < labels.length; i += 2) {
      builder.put(labels[i], labels[i + 1]);
    }
    return builder.build();
  }

  private void endFamily() {
    AggregationTemporality total = AggregationTemporality.CUMULATIVE;
    if (!histograms.isEmpty()) {
      add(MetricDataType.HISTOGRAM, HistogramData.create(total, List.copyOf(histograms)));
    } else if (!values.isEmpty()) {
      List<LongPointData> points = List.copyOf(values);
      switch (type) {
        case COUNTER ->
            add(MetricDataType.LONG_SUM, SumData.createLongSumData(true, total, points));
        case GAUGE, HISTOGRAM ->
            add(MetricDataType.LONG_GAUGE, GaugeData.createLongGaugeData(points));
      }
    } else if (!decimals.isEmpty()) {
      List<DoublePointData> points = List.copyOf(decimals);
      switch (type) {
        case COUNTER ->
            add(MetricDataType.DOUBLE_SUM, SumData.createDoubleSumData(true, total, points));
        case GAUGE, HISTOGRAM ->
            add(MetricDataType.DOUBLE_GAUGE, GaugeData.createDoubleGaugeData(points));
      }
    }
    values.clear();
    decimals.clear();
    histograms.clear();
  }

  private void add(MetricDataType kind, Data<?> data) {
    String unit = name.contains("_seconds") ? "s" : name.contains("_bytes") ? "By" : "1";
    all.add(new Family(resource, scope, name, help, unit, kind, data));
  }

  private record Family(
      Resource resource,
      InstrumentationScopeInfo scope,
      String name,
      String description,
      String unit,
      MetricDataType type,
      Data<?> data)
      implements MetricData {
    @Override
    public Resource getResource() {
      return resource;
    }

    @Override
    public InstrumentationScopeInfo getInstrumentationScopeInfo() {
      return scope;
    }

    @Override
    public String getName() {
      return name;
    }

    @Override
    public String getDescription() {
      return description;
    }

    @Override
    public String getUnit() {
      return unit;
    }

    @Override
    public MetricDataType getType() {
      return type;
    }

    @Override
    public Data<?> getData() {
      return data;
    }
  }
}
