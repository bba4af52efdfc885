package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderChanges;
import org.jspecify.annotations.Nullable;

/**
 * A cluster and its share of the traffic.
 *
 * @param cluster its name
 * @param weight relative to the sum of the weights beside it; not negative
 * @param headers changed for requests that go there; of HTTP
 * @param hostRewrite the host that requests that go there name; null leaves it to the route
 */
public record WeightedCluster(
    String cluster, int weight, HeaderChanges headers, @Nullable String hostRewrite) {
  public WeightedCluster(String cluster, int weight) {
    this(cluster, weight, HeaderChanges.NONE, null);
  }
}
