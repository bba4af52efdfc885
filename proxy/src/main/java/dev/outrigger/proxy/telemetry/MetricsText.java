package dev.outrigger.proxy.telemetry;

import org.jspecify.annotations.Nullable;

/** Metrics as Prometheus text, exposition format 0.0.4. */
final class MetricsText implements MetricSink {
  private final StringBuilder out = new StringBuilder(16 * 1024);
  private String name = "";

  /** The text of all that was told. */
  String text() {
    return out.toString();
  }

  @Override
  public void family(String name, Type type, String help) {
    this.name = name;
    out.append("# HELP ").append(name).append(' ').append(help).append('\n');
    out.append("# TYPE ").append(name).append(' ').append(type.text()).append('\n');
  }

  @Override
  public void value(long value, String... labels) {
    series("", labels, null);
    out.append(value).append('\n');
  }

  @Override
  public void decimal(double value, String... labels) {
    series("", labels, null);
    out.append(value).append('\n');
  }

  @Override
  public void histogram(DurationHistogram histogram, String... labels) {
    long[] below = histogram.cumulative();
    for (int i = 0; i < below.length; i++) {
      series("_bucket", labels, number(DurationHistogram.BOUNDS[i]));
      out.append(below[i]).append('\n');
    }
    series("_bucket", labels, "+Inf");
    out.append(histogram.count()).append('\n');
    series("_sum", labels, null);
    out.append(histogram.sumSeconds()).append('\n');
    series("_count", labels, null);
    out.append(histogram.count()).append('\n');
  }

  private void series(String suffix, String[] labels, @Nullable String bound) {
    out.append(name).append(suffix);
    char open = '{';
    for (int i = 0; i + 1 < labels.length; i += 2) {
      out.append(open).append(labels[i]).append("=\"");
      escaped(labels[i + 1]);
      out.append('"');
      open = ',';
    }
    if (bound != null) {
      out.append(open).append("le=\"").append(bound).append('"');
      open = ',';
    }
    out.append(open == ',' ? "} " : " ");
  }

  private void escaped(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '\\' -> out.append("\\\\");
        case '"' -> out.append("\\\"");
        case '\n' -> out.append("\\n");
        default -> out.append(c);
      }
    }
  }

  private static String number(double bound) {
    return bound == Math.rint(bound)
        ? Long.toString((long) bound)
        : new java.math.BigDecimal(Double.toString(bound)).toPlainString();
  }
}
