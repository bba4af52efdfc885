package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.kubernetes.Acknowledgements.Names;
import dev.outrigger.controlplane.kubernetes.Acknowledgements.Refusal;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Remembers which versions of objects belong to which change of what proxies should have, and so
 * tells of which versions all of them have. Looks at each proxy once a look. Not thread-safe.
 */
final class AcknowledgementLedger {
  /** While one proxy is behind for long, the newest takes the place of the last. */
  private static final int MAX_STEPS = 64;

  private final List<Step> steps = new ArrayList<>();

  /** As they were at the look before: since then sessions have been told. */
  private ObjectVersions seen = ObjectVersions.NONE;

  /** Whoever is settled up to the change has these versions. */
  private record Step(ObjectVersions versions, long change) {}

  /** What the refusal is about, whoever refuses. */
  private record Matter(String type, String resource, String reason) {}

  /**
   * What is acknowledged at this moment.
   *
   * @param replica this one's name
   * @param objects as they are read now
   * @param change of what proxies should have, read after the objects
   * @param proxies that are connected, read after the change
   * @param meshed workloads that people wrote down and that have a proxy of their own
   */
  Acknowledgements look(
      String replica,
      ObjectVersions objects,
      long change,
      List<ProxyStatus> proxies,
      Set<String> meshed) {
    if (steps.isEmpty() || !steps.getLast().versions().equals(seen)) {
      if (steps.size() == MAX_STEPS) {
        steps.removeLast();
      }
      steps.addLast(new Step(seen, change));
    }
    seen = objects;
    Step newest = steps.getLast();
    long slowest = Long.MAX_VALUE;
    List<String> behind = new ArrayList<>();
    Map<Matter, List<String>> refused = new LinkedHashMap<>();
    Set<String> connected = new HashSet<>();
    int injecting = 0;
    for (ProxyStatus proxy : proxies) {
      slowest = Math.min(slowest, proxy.settled());
      if (proxy.settled() < newest.change()) {
        behind.add(proxy.workload());
      }
      if (proxy.types().containsKey(XdsType.FAULT)) {
        injecting++;
      }
      if (meshed.contains(proxy.workload())) {
        connected.add(proxy.workload());
      }
      proxy
          .types()
          .forEach(
              (type, status) ->
                  status
                      .rejections()
                      .forEach(
                          one ->
                              refused
                                  .computeIfAbsent(
                                      new Matter(type, one.resource(), one.reason()),
                                      key -> new ArrayList<>())
                                  .add(proxy.workload())));
    }
    // Steps that all have made say nothing more, but for the last of them.
    while (steps.size() > 1 && steps.get(1).change() <= slowest) {
      steps.removeFirst();
    }
    Step last = steps.getFirst();
    ObjectVersions had = last.change() <= slowest ? last.versions() : ObjectVersions.NONE;
    List<Refusal> refusals = new ArrayList<>();
    refused.forEach(
        (matter, by) ->
            refusals.add(
                new Refusal(matter.type(), matter.resource(), matter.reason(), new Names(by, 0))));
    return new Acknowledgements(
        replica,
        proxies.size(),
        injecting,
        had,
        newest.versions(),
        new Names(behind, 0),
        refusals,
        0,
        connected,
        true);
  }
}
