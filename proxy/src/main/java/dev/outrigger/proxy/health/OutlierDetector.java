package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.OutlierPolicy;
import dev.outrigger.proxy.config.SocketAddressConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Passive ejection in one cluster as one worker sees it; pure, time is handed in. Verdicts are
 * local: another worker counts its own failures and ejects by itself, so that no lock or message is
 * needed on the data path, and an endpoint that fails for everyone is ejected by everyone.
 *
 * <p>Failures in a row eject (xDS: {@code consecutive_5xx}); any success clears the count. An
 * ejection lasts {@code baseEjection} times the number of ejections so far, at most the larger of
 * {@code baseEjection} and {@code maxEjection}; for each {@link #FORGIVENESS} spent in the set that
 * number falls by one. The ejected are at most {@code maxEjectedPercent} of the set, but at least
 * one may always be.
 *
 * <p>Confined to its worker's event loop.
 */
public final class OutlierDetector {
  /** Envoy's default {@code interval}. */
  static final Duration FORGIVENESS = Duration.ofSeconds(10);

  private final OutlierPolicy policy;
  private final Map<SocketAddressConfig, Case> cases = new HashMap<>();
  private int members;
  private int ejected;
  private long nextReturn = Long.MAX_VALUE;

  private static final class Case {
    int failures;
    int ejections;
    boolean out;

    /** When it comes back, or, once it is back, when it came. */
    long until;
  }

  public OutlierDetector(OutlierPolicy policy, EndpointSet endpoints) {
    this.policy = policy;
    onEndpoints(endpoints);
  }

  /** The set changed: who is gone is forgotten, who stays keeps its record. */
  public void onEndpoints(EndpointSet endpoints) {
    Set<SocketAddressConfig> present = new HashSet<>();
    endpoints.endpoints().forEach(endpoint -> present.add(endpoint.address()));
    cases.keySet().retainAll(present);
    members = present.size();
    ejected = (int) cases.values().stream().filter(one -> one.out).count();
    findNextReturn();
  }

  /** Whether it gets no traffic for now. */
  public boolean ejected(Endpoint endpoint) {
    if (ejected == 0) {
      return false;
    }
    Case found = cases.get(endpoint.address());
    return found != null && found.out;
  }

  /** An exchange or connection went well. */
  public void onSuccess(Endpoint endpoint) {
    // Most endpoints never fail, and then there is nothing to look up.
    if (cases.isEmpty()) {
      return;
    }
    Case found = cases.get(endpoint.address());
    if (found != null) {
      found.failures = 0;
    }
  }

  /**
   * An exchange or connection failed by the endpoint's fault.
   *
   * @param nowNanos monotonic
   * @return whether the endpoint is ejected by it: pickers must be made anew
   */
  public boolean onFailure(Endpoint endpoint, long nowNanos) {
    if (policy.consecutiveErrors() == 0) {
      return false;
    }
    Case found = cases.computeIfAbsent(endpoint.address(), _ -> new Case());
    found.failures++;
    if (found.out || found.failures < policy.consecutiveErrors() || !mayEjectOneMore()) {
      return false;
    }
    if (found.ejections > 0) {
      long forgiven = (nowNanos - found.until) / FORGIVENESS.toNanos();
      found.ejections = (int) Math.max(0, found.ejections - forgiven);
    }
    found.ejections++;
    found.failures = 0;
    found.out = true;
    found.until = nowNanos + lasts(found.ejections).toNanos();
    ejected++;
    findNextReturn();
    return true;
  }

  /**
   * Lets those back in whose time is over; their count of failures begins anew.
   *
   * @return whether anyone came back: pickers must be made anew
   */
  public boolean readmit(long nowNanos) {
    if (ejected == 0 || nowNanos - nextReturn < 0) {
      return false;
    }
    for (Case one : cases.values()) {
      if (one.out && nowNanos - one.until >= 0) {
        one.out = false;
        one.failures = 0;
        ejected--;
      }
    }
    findNextReturn();
    return true;
  }

  /** When {@link #readmit} should be called, in monotonic nanoseconds; null if nobody is out. */
  public @Nullable Long nextReturn() {
    return ejected == 0 ? null : nextReturn;
  }

  private boolean mayEjectOneMore() {
    return ejected == 0 || (ejected + 1) * 100L <= (long) policy.maxEjectedPercent() * members;
  }

  private Duration lasts(int ejections) {
    Duration longest =
        policy.maxEjection().compareTo(policy.baseEjection()) > 0
            ? policy.maxEjection()
            : policy.baseEjection();
    Duration asked = policy.baseEjection().multipliedBy(ejections);
    return asked.compareTo(longest) > 0 ? longest : asked;
  }

  private void findNextReturn() {
    boolean any = false;
    for (Case one : cases.values()) {
      if (one.out && (!any || one.until - nextReturn < 0)) {
        nextReturn = one.until;
        any = true;
      }
    }
  }
}
