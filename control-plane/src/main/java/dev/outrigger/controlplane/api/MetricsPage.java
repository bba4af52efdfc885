package dev.outrigger.controlplane.api;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongSupplier;

/** The metrics in the text format of Prometheus, version 0.0.4. */
public final class MetricsPage {
  private final List<Metric> metrics = new ArrayList<>();

  private record Metric(String name, String kind, String help, LongSupplier value) {}

  /** Adds a number that only grows. */
  public MetricsPage counter(String name, String help, LongSupplier value) {
    metrics.add(new Metric(name, "counter", help, value));
    return this;
  }

  /** Adds a number that goes up and down. */
  public MetricsPage gauge(String name, String help, LongSupplier value) {
    metrics.add(new Metric(name, "gauge", help, value));
    return this;
  }

  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/metrics", request -> ApiReply.text("text/plain; version=0.0.4", render()))
            .forAll());
  }

  /** The page, in Prometheus' text format. */
  public String render() {
    StringBuilder page = new StringBuilder();
    for (Metric metric : metrics) {
      page.append("# HELP ").append(metric.name()).append(' ').append(metric.help()).append('\n');
      page.append("# TYPE ").append(metric.name()).append(' ').append(metric.kind()).append('\n');
      page.append(metric.name()).append(' ').append(metric.value().getAsLong()).append('\n');
    }
    return page.toString();
  }
}
