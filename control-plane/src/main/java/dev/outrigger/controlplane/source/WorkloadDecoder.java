package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ObjectMeta;
import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.model.Workload.HostPort;
import dev.outrigger.controlplane.model.Workload.Locality;
import dev.outrigger.controlplane.model.Workload.OutboundTcp;
import dev.outrigger.controlplane.model.Workload.Port;
import dev.outrigger.controlplane.model.Workload.Sidecar;
import dev.outrigger.controlplane.source.Problem.Code;
import dev.outrigger.tls.SpiffeId;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Reads a {@code Workload}. */
final class WorkloadDecoder {
  private static final int MAX_WEIGHT = 10_000;

  private enum Mode {
    TRANSPARENT,
    EXPLICIT,
    NONE
  }

  private static final Map<String, Mode> MODES = new LinkedHashMap<>();

  static {
    MODES.put("transparent", Mode.TRANSPARENT);
    MODES.put("explicit", Mode.EXPLICIT);
    MODES.put("none", Mode.NONE);
  }

  private WorkloadDecoder() {}

  static Workload decode(ObjectMeta meta, Fields spec) {
    List<String> addresses = new ArrayList<>();
    @Nullable String list = spec.oneOf("address", "addresses");
    if ("address".equals(list)) {
      @Nullable Node node = spec.value("address");
      if (node != null) {
        addresses.add(Names.address(spec, node, spec.at("address")));
      }
    }
    addresses.addAll(Names.addresses(spec, "addresses"));
    Sidecar sidecar = sidecar(spec.object("sidecar"));
    List<Port> ports = new ArrayList<>();
    Set<Integer> numbers = new HashSet<>();
    for (Fields fields : spec.requiredObjects("ports", "at least one port")) {
      ports.add(port(fields, sidecar, numbers));
    }
    String account = spec.text("serviceAccount", "default");
    if (!Names.isSubdomain(account)) {
      spec.problem(
          Code.BAD_VALUE,
          "serviceAccount",
          "`spec.serviceAccount` is `"
              + account
              + "`, expected lower case letters, digits and"
              + " dashes",
          "");
      account = "default";
    }
    return new Workload(
        meta,
        addresses,
        ports,
        account,
        identity(spec),
        locality(spec),
        spec.integer("weight", 1, 1, MAX_WEIGHT),
        sidecar,
        spec.has("calls") ? Names.services(spec, "calls") : calls(spec));
  }

  /** An empty list says that it calls nothing; an absent one says nothing. */
  private static @Nullable List<ServiceName> calls(Fields spec) {
    return spec.names().contains("calls") ? List.of() : null;
  }

  private static Port port(Fields fields, Sidecar sidecar, Set<Integer> numbers) {
    int port = fields.port("port", "where peers reach it");
    if (!numbers.add(port)) {
      fields.problem(Code.BAD_VALUE, "port", "the port " + port + " is there already", "");
    }
    int appPort = fields.integer("appPort", port, 1, 65535);
    boolean explicit = sidecar instanceof Sidecar.Explicit;
    if (appPort != port && !explicit) {
      fields.problem(
          Code.CONFLICT,
          "appPort",
          "`" + fields.at("appPort") + "` is only for `sidecar.mode: explicit`",
          "remove it, or set `spec.sidecar.mode: explicit`");
    }
    Port result = new Port(fields.text("name", ""), port, appPort, fields.text("appProtocol", ""));
    fields.finish();
    return result;
  }

  private static @Nullable SpiffeId identity(Fields spec) {
    @Nullable Node node = spec.value("identity");
    if (node == null) {
      return null;
    }
    String text = spec.text(node, spec.at("identity"));
    try {
      SpiffeId id = SpiffeId.parse(text);
      if (id.path().isEmpty()) {
        throw new IllegalArgumentException("it names a trust domain, not a workload");
      }
      return id;
    } catch (IllegalArgumentException e) {
      spec.problem(
          Code.BAD_VALUE,
          "identity",
          "`spec.identity` must be a SPIFFE ID: " + e.getMessage(),
          "write it like spiffe://cluster.local/ns/shop/sa/catalog");
      return null;
    }
  }

  private static Locality locality(Fields spec) {
    String text = spec.text("locality", "");
    if (text.isEmpty()) {
      return Locality.UNKNOWN;
    }
    String[] parts = text.split("/", -1);
    if (parts.length > 3 || parts[0].isEmpty()) {
      spec.problem(
          Code.BAD_VALUE,
          "locality",
          "`spec.locality` is `" + text + "`, expected a region, its zone and its sub-zone",
          "write it like eu-west-1 or eu-west-1/eu-west-1a");
      return Locality.UNKNOWN;
    }
    return new Locality(
        parts[0], parts.length > 1 ? parts[1] : "", parts.length > 2 ? parts[2] : "");
  }

  private static Sidecar sidecar(@Nullable Fields fields) {
    if (fields == null) {
      return new Sidecar.Transparent();
    }
    Mode mode = fields.choice("mode", MODES, Mode.TRANSPARENT);
    if (mode != Mode.EXPLICIT) {
      for (String name : List.of("appAddress", "outbound", "outboundTcp")) {
        if (fields.has(name)) {
          fields
              .doc()
              .problem(
                  Code.CONFLICT,
                  fields.keyNode(name),
                  "`" + fields.at(name) + "` is only for `mode: explicit`",
                  "set `mode: explicit`, or remove it");
        }
      }
    }
    String appAddress = "127.0.0.1";
    @Nullable Node app = fields.value("appAddress");
    if (app != null) {
      appAddress = Names.address(fields, app, fields.at("appAddress"));
    }
    @Nullable HostPort outbound = Names.hostPort(fields, "outbound");
    List<OutboundTcp> tcp = new ArrayList<>();
    for (Fields one : fields.objects("outboundTcp")) {
      tcp.add(outboundTcp(one));
    }
    fields.finish();
    return switch (mode) {
      case TRANSPARENT -> new Sidecar.Transparent();
      case NONE -> new Sidecar.None();
      case EXPLICIT -> new Sidecar.Explicit(appAddress, outbound, tcp);
    };
  }

  private static OutboundTcp outboundTcp(Fields fields) {
    int port = fields.port("port", "the port of the service");
    @Nullable Node node = fields.value("service");
    ServiceName service = new ServiceName("", "");
    if (node == null) {
      fields.requiredText("service", "the service that is called");
    } else {
      service = Names.service(fields, node, fields.at("service"), OptionalInt.of(port));
    }
    @Nullable HostPort listen = Names.hostPort(fields, "listen");
    if (listen == null) {
      fields.requiredText("listen", "where the proxy takes connections");
      listen = new HostPort("127.0.0.1", 1);
    }
    fields.finish();
    return new OutboundTcp(service, port, listen);
  }
}
