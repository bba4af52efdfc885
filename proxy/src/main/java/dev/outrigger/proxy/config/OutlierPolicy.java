package dev.outrigger.proxy.config;

import java.time.Duration;

/**
 * Passive ejection (xDS: {@code OutlierDetection}). Unlike Envoy, one host may always be ejected,
 * however small the cluster.
 *
 * @param consecutiveErrors failures in a row that eject; 0 is off
 * @param baseEjection multiplied by the number of ejections so far
 * @param maxEjection cap of the above
 * @param maxEjectedPercent of the cluster's endpoints, but at least one
 */
public record OutlierPolicy(
    int consecutiveErrors, Duration baseEjection, Duration maxEjection, int maxEjectedPercent) {}
