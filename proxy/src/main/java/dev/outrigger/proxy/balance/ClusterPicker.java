package dev.outrigger.proxy.balance;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The choice among all endpoints of a cluster: a priority by its share of the load, then an
 * endpoint of it by the balancer. Made anew when endpoints or their health change. An endpoint that
 * drains is not counted at all and gets nothing, except where all of its priority drain and it
 * panics. Endpoints that were tried before are avoided while the priority has another one.
 *
 * <p>Confined to its worker's event loop.
 */
public final class ClusterPicker implements Picker {
  /** Envoy's {@code healthy_panic_threshold} where nothing is set. */
  public static final int DEFAULT_PANIC_PERCENT = 50;

  /** So many picks are left to the balancer before the endpoints are searched one by one. */
  private static final int BALANCED_PICKS = 3;

  private final PickerState state;
  private final List<Level> levels = new ArrayList<>();
  private final int[] percent;

  private record Level(List<Endpoint> usable, Picker picker) {}

  /**
   * @param healthy what active checks and ejection say of an endpoint; what discovery says is added
   *     here
   * @param panicPercent 0 to 100; see {@link PriorityLoads}
   */
  public ClusterPicker(
      EndpointSet endpoints,
      Predicate<Endpoint> healthy,
      int panicPercent,
      LoadBalancer balancer,
      PickerState state) {
    this.state = state;
    Map<Integer, List<Endpoint>> byPriority = new TreeMap<>();
    for (Endpoint endpoint : endpoints.endpoints()) {
      byPriority.computeIfAbsent(endpoint.priority(), _ -> new ArrayList<>()).add(endpoint);
    }
    List<List<Endpoint>> members = new ArrayList<>();
    List<List<Endpoint>> well = new ArrayList<>();
    for (List<Endpoint> all : byPriority.values()) {
      List<Endpoint> staying =
          all.stream().filter(one -> one.health() != Endpoint.Health.DRAINING).toList();
      members.add(staying.isEmpty() ? all : staying);
      well.add(
          staying.stream()
              .filter(one -> one.health() == Endpoint.Health.HEALTHY && healthy.test(one))
              .toList());
    }
    PriorityLoads loads =
        PriorityLoads.of(
            well.stream().mapToInt(List::size).toArray(),
            members.stream().mapToInt(List::size).toArray(),
            panicPercent);
    this.percent = loads.percent();
    for (int i = 0; i < members.size(); i++) {
      List<Endpoint> usable = loads.panic()[i] ? members.get(i) : well.get(i);
      levels.add(new Level(usable, balancer.pickerFor(usable, state)));
    }
  }

  @Override
  public @Nullable Endpoint pick(PickContext context) {
    Level level = level();
    if (level == null) {
      return null;
    }
    Endpoint picked = level.picker.pick(context);
    for (int i = 1; i < BALANCED_PICKS && picked != null && context.tried(picked); i++) {
      picked = level.picker.pick(context);
    }
    return picked == null || !context.tried(picked) ? picked : untriedOr(picked, level, context);
  }

  private @Nullable Level level() {
    if (levels.size() == 1) {
      return levels.get(0);
    }
    if (levels.isEmpty()) {
      return null;
    }
    int drawn = state.random().nextInt(100);
    for (int i = 0; i < percent.length; i++) {
      drawn -= percent[i];
      if (drawn < 0) {
        return levels.get(i);
      }
    }
    return null;
  }

  private Endpoint untriedOr(Endpoint last, Level level, PickContext context) {
    int size = level.usable.size();
    int start = state.random().nextInt(size);
    for (int i = 0; i < size; i++) {
      Endpoint candidate = level.usable.get((start + i) % size);
      if (!context.tried(candidate)) {
        return candidate;
      }
    }
    return last;
  }
}
