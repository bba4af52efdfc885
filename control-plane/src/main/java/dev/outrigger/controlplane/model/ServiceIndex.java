package dev.outrigger.controlplane.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Finds the services that a workload is behind without asking each of them. Immutable. */
final class ServiceIndex {
  private final List<Service> services;

  /** Places in the list, by namespace and name of a member. */
  private final Map<String, List<Integer>> byMember = new HashMap<>();

  /** Places in the list, by namespace and one label of the selector. */
  private final Map<String, List<Integer>> byLabel = new HashMap<>();

  ServiceIndex(List<Service> services) {
    this.services = services;
    for (int i = 0; i < services.size(); i++) {
      Service service = services.get(i);
      String namespace = service.meta().namespace();
      if (service.members() != null) {
        for (String member : service.members().keySet()) {
          add(byMember, namespace + "/" + member, i);
        }
      }
      // All labels of a selector must be there, so that any of them finds it.
      if (!service.selector().isEmpty()) {
        Map.Entry<String, String> label = service.selector().entrySet().iterator().next();
        add(byLabel, namespace + "/" + label.getKey() + "=" + label.getValue(), i);
      }
    }
  }

  private static void add(Map<String, List<Integer>> index, String key, int place) {
    index.computeIfAbsent(key, any -> new ArrayList<>(1)).add(place);
  }

  /** In the order of the list. */
  List<Service> of(Workload workload) {
    String namespace = workload.meta().namespace();
    TreeSet<Integer> places =
        new TreeSet<>(byMember.getOrDefault(namespace + "/" + workload.meta().name(), List.of()));
    workload
        .meta()
        .labels()
        .forEach(
            (key, value) ->
                places.addAll(
                    byLabel.getOrDefault(namespace + "/" + key + "=" + value, List.of())));
    List<Service> found = new ArrayList<>();
    for (int place : places) {
      if (services.get(place).selects(workload)) {
        found.add(services.get(place));
      }
    }
    return List.copyOf(found);
  }
}
