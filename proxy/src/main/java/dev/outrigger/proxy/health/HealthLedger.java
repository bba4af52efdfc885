package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.HealthCheckPolicy.Schedule;

/**
 * The health of one endpoint as its probes tell it; pure (xDS: {@code HealthCheck} thresholds).
 *
 * <ul>
 *   <li>unknown: not healthy; the first probe decides alone
 *   <li>healthy to unhealthy: after {@code unhealthyThreshold} unanswered probes in a row, or at
 *       once after a wrong answer
 *   <li>unhealthy to healthy: after {@code healthyThreshold} passes in a row
 * </ul>
 */
final class HealthLedger {
  private Schedule schedule;
  private boolean known;
  private boolean healthy;

  /** Results in a row that speak against the present state. */
  private int against;

  HealthLedger(Schedule schedule) {
    this.schedule = schedule;
  }

  boolean healthy() {
    return healthy;
  }

  /** Other thresholds from now on; what is known stays. */
  void reschedule(Schedule changed) {
    schedule = changed;
  }

  /** Counts one probe; returns whether the health changed by it. */
  boolean onProbe(ProbeResult result) {
    boolean first = !known;
    known = true;
    boolean before = healthy;
    switch (result) {
      case ProbeResult.Passed _ -> {
        if (healthy) {
          against = 0;
        } else if (first || ++against >= schedule.healthyThreshold()) {
          become(true);
        }
      }
      case ProbeResult.Unanswered _ -> {
        if (!healthy) {
          against = 0;
        } else if (++against >= schedule.unhealthyThreshold()) {
          become(false);
        }
      }
      case ProbeResult.Wrong _ -> become(false);
    }
    return healthy != before;
  }

  private void become(boolean now) {
    healthy = now;
    against = 0;
  }
}
