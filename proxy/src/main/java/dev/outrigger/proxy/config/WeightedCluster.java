package dev.outrigger.proxy.config;

/**
 * A cluster and its share of the traffic.
 *
 * @param cluster its name
 * @param weight relative to the sum of the weights beside it; not negative
 */
public record WeightedCluster(String cluster, int weight) {}
