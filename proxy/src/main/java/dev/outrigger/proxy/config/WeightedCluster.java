package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A cluster and its share of the traffic.
 *
 * @param cluster its name; empty where a header names it
 * @param weight relative to the sum of the weights beside it; not negative
 * @param headers changed for requests that go there; of HTTP
 * @param hostRewrite the host that requests that go there name; null leaves it to the route
 * @param header the request header that names the cluster; null where its name is known
 * @param filters what it says to filters, by their names, in place of what the route says
 */
public record WeightedCluster(
    String cluster,
    int weight,
    HeaderChanges headers,
    @Nullable String hostRewrite,
    @Nullable String header,
    Map<String, HttpFilterConfig.OfRoute> filters) {
  public WeightedCluster {
    filters = Map.copyOf(filters);
  }

  /** Has a name, and says nothing to filters. */
  public WeightedCluster(
      String cluster, int weight, HeaderChanges headers, @Nullable String hostRewrite) {
    this(cluster, weight, headers, hostRewrite, null, Map.of());
  }

  public WeightedCluster(String cluster, int weight) {
    this(cluster, weight, HeaderChanges.NONE, null);
  }
}
