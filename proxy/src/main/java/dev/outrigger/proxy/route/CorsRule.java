package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import java.util.List;

/** A CORS policy, ready. Immutable. */
public final class CorsRule {
  private final OfRoute.Cors policy;
  private final List<ValueMatcher> origins;

  CorsRule(OfRoute.Cors policy) {
    this.policy = policy;
    this.origins = policy.origins().stream().map(ValueMatcher::of).toList();
  }

  public OfRoute.Cors policy() {
    return policy;
  }

  /** Whether pages of this origin may ask. */
  public boolean allows(String origin) {
    try {
      for (int i = 0; i < origins.size(); i++) {
        if (origins.get(i).matches(origin)) {
          return true;
        }
      }
    } catch (BoundedRegex.Exhausted _) {
      return false;
    }
    return false;
  }
}
