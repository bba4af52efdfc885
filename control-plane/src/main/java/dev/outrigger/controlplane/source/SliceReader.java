package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.Service.Member;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Locality;
import dev.outrigger.controlplane.model.Workload.Port;
import dev.outrigger.controlplane.model.Workload.Sidecar;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What one {@code EndpointSlice} says of its service.
 *
 * @param service its name, in the slice's namespace
 * @param members by name of the workload
 * @param others workloads that are no pods, which nobody else knows
 */
record SliceReader(String service, Map<String, Member> members, List<Workload> others) {
  private static final String SERVICE = "kubernetes.io/service-name";

  /** Null where it belongs to no service, or has names in place of addresses. */
  static @Nullable SliceReader read(Tree slice) {
    Tree metadata = slice.at("metadata");
    String service = metadata.textMap("labels").getOrDefault(SERVICE, "");
    if (service.isEmpty() || slice.text("addressType").equals("FQDN")) {
      return null;
    }
    Map<String, Integer> ports = new HashMap<>();
    for (Tree port : slice.trees("ports")) {
      int number = (int) port.number("port", 0);
      if (number > 0) {
        ports.put(port.text("name"), number);
      }
    }
    Map<String, Member> members = new HashMap<>();
    List<Workload> others = new ArrayList<>();
    for (Tree endpoint : slice.trees("endpoints")) {
      Tree conditions = endpoint.at("conditions");
      boolean terminating = conditions.flag("terminating", false);
      // Unknown is to be read as ready.
      boolean ready = conditions.flag("ready", true);
      boolean serving = conditions.flag("serving", ready);
      // One that ends is never ready, but may serve to its end.
      if (!(ready || terminating && serving)) {
        continue;
      }
      Set<String> zones = new HashSet<>();
      for (Tree zone : endpoint.at("hints").trees("forZones")) {
        zones.add(zone.text("name"));
      }
      String name =
          endpoint.at("targetRef").text("kind").equals("Pod")
              ? endpoint.at("targetRef").text("name")
              : other(metadata, endpoint, ports, others);
      if (!name.isEmpty()) {
        members.merge(name, new Member(!ready, ports, zones), SliceReader::merged);
      }
    }
    return new SliceReader(service, members, others);
  }

  /** One pod in several slices: of both families, or with other ports. */
  static Member merged(Member one, Member other) {
    Map<String, Integer> ports = new HashMap<>(one.ports());
    ports.putAll(other.ports());
    Set<String> zones = new HashSet<>(one.forZones());
    zones.addAll(other.forZones());
    return new Member(one.draining() && other.draining(), ports, zones);
  }

  private static String other(
      Tree slice, Tree endpoint, Map<String, Integer> ports, List<Workload> others) {
    List<String> addresses = new ArrayList<>();
    for (String text : endpoint.texts("addresses")) {
      @Nullable String address = Names.address(text);
      if (address != null) {
        addresses.add(address);
      }
    }
    if (addresses.isEmpty()) {
      return "";
    }
    String name = slice.text("name") + "-" + addresses.getFirst().replaceAll("[:.]+", "-");
    List<Port> listed = new ArrayList<>();
    Set<Integer> numbers = new HashSet<>();
    ports.forEach(
        (port, number) -> {
          if (numbers.add(number)) {
            listed.add(new Port(port, number, number, ""));
          }
        });
    others.add(
        new Workload(
            new ObjectMeta(name, slice.text("namespace"), Map.of(), Map.of()),
            addresses,
            listed,
            "default",
            null,
            new Locality("", endpoint.text("zone"), ""),
            1,
            new Sidecar.None(),
            null));
    return name;
  }
}
