package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.Locality;
import dev.outrigger.controlplane.model.Workload.Port;
import dev.outrigger.controlplane.model.Workload.Sidecar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes a workload of a pod. */
final class PodReader {
  /** The name of the container that the injector adds. */
  static final String PROXY = "outrigger-proxy";

  static final String REGION = "topology.kubernetes.io/region";
  static final String ZONE = "topology.kubernetes.io/zone";

  private PodReader() {}

  /**
   * What of a pod is kept.
   *
   * @param workload which is where its labels say
   * @param node where it is, if its labels do not say it; else empty
   */
  record Pod(Workload workload, String node) {
    /** The same where its node is, as far as that is known. */
    Pod at(Map<String, Locality> nodes) {
      if (node.isEmpty()) {
        return this;
      }
      Locality locality = nodes.getOrDefault(node, Locality.UNKNOWN);
      return locality.equals(workload.locality())
          ? this
          : new Pod(workload.withLocality(locality), node);
    }
  }

  /**
   * Reads it.
   *
   * @return null where nobody can reach it: it has no address yet, or has ended
   */
  static @Nullable Pod read(Tree pod) {
    List<String> addresses = addresses(pod.at("status"));
    String phase = pod.at("status").text("phase");
    if (addresses.isEmpty() || phase.equals("Succeeded") || phase.equals("Failed")) {
      return null;
    }
    Tree metadata = pod.at("metadata");
    Tree spec = pod.at("spec");
    Map<String, String> labels = metadata.textMap("labels");
    String account = spec.text("serviceAccountName");
    // On the node's own network nobody captures, so a proxy there would stand beside the traffic.
    boolean sidecar = hasProxy(spec) && !spec.flag("hostNetwork", false);
    // Kubernetes 1.35 copies the node's labels to the pod; before that the node itself knows.
    boolean says = labels.containsKey(REGION) || labels.containsKey(ZONE);
    return new Pod(
        new Workload(
            new ObjectMeta(
                metadata.text("name"),
                metadata.text("namespace"),
                labels,
                metadata.textMap("annotations")),
            addresses,
            ports(spec),
            account.isEmpty() ? "default" : account,
            null,
            says ? locality(labels) : Locality.UNKNOWN,
            1,
            sidecar ? new Sidecar.Transparent() : new Sidecar.None(),
            null),
        says ? "" : spec.text("nodeName"));
  }

  private static List<String> addresses(Tree status) {
    List<String> addresses = new ArrayList<>();
    for (Tree one : status.trees("podIPs")) {
      @Nullable String address = Names.address(one.text("ip"));
      if (address != null) {
        addresses.add(address);
      }
    }
    if (addresses.isEmpty()) {
      @Nullable String address = Names.address(status.text("podIP"));
      if (address != null) {
        addresses.add(address);
      }
    }
    return addresses;
  }

  /** In a native sidecar it is an init container that goes on. */
  private static boolean hasProxy(Tree spec) {
    return spec.trees("initContainers").stream().anyMatch(one -> one.text("name").equals(PROXY))
        || spec.trees("containers").stream().anyMatch(one -> one.text("name").equals(PROXY));
  }

  /** Those of the application; the first container that has a number names it. */
  private static List<Port> ports(Tree spec) {
    Map<Integer, Port> ports = new LinkedHashMap<>();
    List<Tree> containers = new ArrayList<>(spec.trees("containers"));
    containers.addAll(
        spec.trees("initContainers").stream()
            .filter(one -> one.text("restartPolicy").equals("Always"))
            .toList());
    for (Tree container : containers) {
      if (container.text("name").equals(PROXY)) {
        continue;
      }
      for (Tree port : container.trees("ports")) {
        String protocol = port.text("protocol");
        int number = (int) port.number("containerPort", 0);
        if (number > 0 && (protocol.isEmpty() || protocol.equals("TCP"))) {
          ports.putIfAbsent(number, new Port(port.text("name"), number, number, ""));
        }
      }
    }
    return List.copyOf(ports.values());
  }

  /** From the labels of a node or a pod. */
  static Locality locality(Map<String, String> labels) {
    return new Locality(labels.getOrDefault(REGION, ""), labels.getOrDefault(ZONE, ""), "");
  }
}
