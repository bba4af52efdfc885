package dev.outrigger.controlplane.model;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A service (Kubernetes: {@code v1 Service}).
 *
 * @param ports at least one
 * @param selector labels of the workloads behind it, in its namespace; empty selects none
 * @param clusterIps its own addresses; empty for a headless one or where there is no such thing
 * @param opaquePorts ports that are passed on as bytes, from {@code
 *     traffic.outrigger.dev/opaque-ports}
 * @param members who is behind it by name of the workload, where somebody keeps a list of them
 *     (Kubernetes: {@code EndpointSlice}); null where the selector alone says it
 */
public record Service(
    ObjectMeta meta,
    List<Port> ports,
    Map<String, String> selector,
    List<String> clusterIps,
    Set<Integer> opaquePorts,
    @Nullable Map<String, Member> members)
    implements MeshObject {
  public static final String OPAQUE_PORTS = "traffic.outrigger.dev/opaque-ports";

  public Service {
    ports = List.copyOf(ports);
    selector = Collections.unmodifiableMap(new TreeMap<>(selector));
    clusterIps = List.copyOf(clusterIps);
    opaquePorts = Set.copyOf(opaquePorts);
    members = members == null ? null : Collections.unmodifiableMap(new TreeMap<>(members));
  }

  /** The same with a list of who is behind it. */
  public Service withMembers(Map<String, Member> members) {
    return new Service(meta, ports, selector, clusterIps, opaquePorts, members);
  }

  @Override
  public Kind kind() {
    return Kind.SERVICE;
  }

  public ServiceName serviceName() {
    return new ServiceName(meta.name(), meta.namespace());
  }

  /** Whether the workload belongs behind it, ready or not. */
  public boolean selects(Workload workload) {
    if (!workload.meta().namespace().equals(meta.namespace())) {
      return false;
    }
    return members != null && members.containsKey(workload.meta().name())
        || !selector.isEmpty()
            && workload.meta().labels().entrySet().containsAll(selector.entrySet());
  }

  /** Where the workload takes what is for a port, or empty where it does not. */
  public OptionalInt portOn(Port port, Workload workload) {
    @Nullable Member member = members == null ? null : members.get(workload.meta().name());
    @Nullable Integer listed = member == null ? null : member.ports().get(port.name());
    return listed == null ? port.on(workload) : OptionalInt.of(listed);
  }

  /** Whether it takes no new connections, but finishes what it has. */
  public boolean isDraining(Workload workload) {
    @Nullable Member member = members == null ? null : members.get(workload.meta().name());
    return member != null && member.draining();
  }

  /**
   * One that is behind it.
   *
   * @param draining whether it is about to end: only where nobody else is left
   * @param ports where it takes what is for the ports of that name
   * @param forZones zones whose callers shall take it; empty where nobody said so
   */
  public record Member(boolean draining, Map<String, Integer> ports, Set<String> forZones) {
    public Member {
      ports = Map.copyOf(ports);
      forZones = Set.copyOf(forZones);
    }
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
