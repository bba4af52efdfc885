package dev.outrigger.controlplane.model;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * A service (Kubernetes: {@code v1 Service}).
 *
 * @param ports at least one
 * @param selector labels of the workloads behind it, in its namespace; empty selects none
 * @param clusterIps its own addresses; empty for a headless one or where there is no such thing
 * @param opaquePorts ports that are passed on as bytes, from {@code
 *     traffic.outrigger.dev/opaque-ports}
 */
public record Service(
    ObjectMeta meta,
    List<Port> ports,
    Map<String, String> selector,
    List<String> clusterIps,
    Set<Integer> opaquePorts)
    implements MeshObject {
  public static final String OPAQUE_PORTS = "traffic.outrigger.dev/opaque-ports";

  public Service {
    ports = List.copyOf(ports);
    selector = Collections.unmodifiableMap(new TreeMap<>(selector));
    clusterIps = List.copyOf(clusterIps);
    opaquePorts = Set.copyOf(opaquePorts);
  }

  @Override
  public Kind kind() {
    return Kind.SERVICE;
  }

  public ServiceName serviceName() {
    return new ServiceName(meta.name(), meta.namespace());
  }

  /** Whether the workload is behind it. */
  public boolean selects(Workload workload) {
    return !selector.isEmpty()
        && workload.meta().namespace().equals(meta.namespace())
        && workload.meta().labels().entrySet().containsAll(selector.entrySet());
  }

  /**
   * What is spoken on a port.
   *
   * @param meshOpaquePorts ports that are opaque where nothing else is said
   */
  public AppProtocol protocolOf(Port port, Set<Integer> meshOpaquePorts) {
    if (opaquePorts.contains(port.port())) {
      return AppProtocol.TCP;
    }
    AppProtocol said = AppProtocol.of(port.appProtocol(), port.name());
    return said == AppProtocol.DETECT && meshOpaquePorts.contains(port.port())
        ? AppProtocol.TCP
        : said;
  }

  /**
   * One port.
   *
   * @param name empty where there is only one
   * @param port 1 to 65535
   * @param target where the workloads listen
   * @param appProtocol as written, or empty
   */
  public record Port(
      String name, int port, TargetPort target, Transport transport, String appProtocol) {

    /** The port of a workload, or empty where it has no port of that name. */
    public OptionalInt on(Workload workload) {
      return switch (target) {
        case TargetPort.Numbered number -> OptionalInt.of(number.port());
        case TargetPort.Named named -> workload.portNamed(named.name());
      };
    }
  }

  /** Kubernetes: {@code targetPort}. */
  public sealed interface TargetPort {
    record Numbered(int port) implements TargetPort {}

    /** A port of the workload by its name. */
    record Named(String name) implements TargetPort {}
  }

  /** Kubernetes: {@code protocol}. */
  public enum Transport {
    TCP,
    UDP,
    SCTP
  }
}
