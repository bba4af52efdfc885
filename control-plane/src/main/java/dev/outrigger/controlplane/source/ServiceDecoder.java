package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.Service;
import dev.outrigger.controlplane.model.Service.Port;
import dev.outrigger.controlplane.model.Service.TargetPort;
import dev.outrigger.controlplane.model.Service.Transport;
import dev.outrigger.controlplane.source.Problem.Code;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/** Reads a {@code Service} as Kubernetes writes it. */
final class ServiceDecoder {
  private static final Map<String, Transport> TRANSPORTS =
      Map.of("TCP", Transport.TCP, "UDP", Transport.UDP, "SCTP", Transport.SCTP);

  private ServiceDecoder() {}

  static Service decode(ObjectMeta meta, Fields spec, @Nullable Fields metadata) {
    List<Port> ports = new ArrayList<>();
    Set<String> names = new HashSet<>();
    Set<String> numbers = new HashSet<>();
    List<Fields> all = spec.requiredObjects("ports", "at least one port");
    for (Fields fields : all) {
      Port port = port(fields);
      if (!numbers.add(port.port() + " " + port.transport())) {
        fields.problem(Code.BAD_VALUE, "port", "the port " + port.port() + " is there already", "");
      }
      if (all.size() > 1 && port.name().isEmpty()) {
        fields.problem(
            Code.MISSING_FIELD,
            "name",
            "`" + fields.at("name") + "` is required: there are several" + " ports",
            "add `name`");
      } else if (!port.name().isEmpty() && !names.add(port.name())) {
        fields.problem(
            Code.BAD_VALUE, "name", "the port name `" + port.name() + "` is there already", "");
      }
      ports.add(port);
    }
    if (spec.text("type", "ClusterIP").equals("ExternalName")) {
      spec.problem(Code.UNSUPPORTED, "type", "`spec.type: ExternalName` is not supported", "");
    }
    spec.ignore(
        "externalName",
        "sessionAffinity",
        "sessionAffinityConfig",
        "ipFamilies",
        "ipFamilyPolicy",
        "internalTrafficPolicy",
        "externalTrafficPolicy",
        "allocateLoadBalancerNodePorts",
        "healthCheckNodePort",
        "loadBalancerIP",
        "loadBalancerClass",
        "loadBalancerSourceRanges",
        "externalIPs",
        "publishNotReadyAddresses",
        "trafficDistribution");
    return new Service(
        meta, ports, spec.textMap("selector"), clusterIps(spec), opaquePorts(metadata), null);
  }

  private static Port port(Fields fields) {
    String name = fields.text("name", "");
    int port = fields.port("port", "the port of the service");
    TargetPort target = new TargetPort.Numbered(port);
    @Nullable Node node = fields.value("targetPort");
    if (node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.STR)) {
      target = new TargetPort.Named(scalar.getValue());
      if (!scalar.getValue().matches("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
          || scalar.getValue().matches("[0-9]+")) {
        fields.problem(
            Code.BAD_VALUE,
            "targetPort",
            "`"
                + fields.at("targetPort")
                + "` is `"
                + scalar.getValue()
                + "`, expected a port"
                + " number or the name of a port",
            scalar.getValue().matches("[0-9]+") ? "remove the quotes" : "");
      }
    } else if (node != null) {
      target = new TargetPort.Numbered(fields.integer(node, fields.at("targetPort"), 1, 65535));
    }
    Transport transport = fields.choice("protocol", TRANSPORTS, Transport.TCP);
    String appProtocol = fields.text("appProtocol", "");
    fields.ignore("nodePort").finish();
    return new Port(name, port, target, transport, appProtocol);
  }

  private static List<String> clusterIps(Fields spec) {
    Set<String> addresses = new LinkedHashSet<>();
    @Nullable Node one = spec.value("clusterIP");
    if (one != null && !DocumentDecoder.textOf(one).equals("None")) {
      addresses.add(Names.address(spec, one, spec.at("clusterIP")));
    }
    for (Node node : spec.list("clusterIPs")) {
      if (!DocumentDecoder.textOf(node).equals("None")) {
        addresses.add(Names.address(spec, node, spec.at("clusterIPs")));
      }
    }
    return List.copyOf(addresses);
  }

  /** Numbers and ranges, as in {@code 5432,6000-6010}. */
  private static Set<Integer> opaquePorts(@Nullable Fields metadata) {
    @Nullable Fields annotations = metadata == null ? null : metadata.object("annotations");
    if (annotations == null) {
      return Set.of();
    }
    @Nullable Node node = annotations.value(Service.OPAQUE_PORTS);
    if (node == null) {
      return Set.of();
    }
    Set<Integer> ports = new TreeSet<>();
    for (String part : DocumentDecoder.textOf(node).split(",", -1)) {
      String range = part.strip();
      int dash = range.indexOf('-');
      int first = port(dash < 0 ? range : range.substring(0, dash).strip());
      int last = dash < 0 ? first : port(range.substring(dash + 1).strip());
      if (first == 0 || last < first) {
        annotations
            .doc()
            .problem(
                Code.BAD_VALUE,
                node,
                "`"
                    + Service.OPAQUE_PORTS
                    + "` holds `"
                    + range
                    + "`, expected ports and ranges of"
                    + " ports",
                "write it like \"5432,6000-6010\"");
        return Set.of();
      }
      for (int port = first; port <= last; port++) {
        ports.add(port);
      }
    }
    return ports;
  }

  private static int port(String text) {
    int port = text.matches("[0-9]{1,5}") ? Integer.parseInt(text) : 0;
    return port <= 65535 ? port : 0;
  }
}
