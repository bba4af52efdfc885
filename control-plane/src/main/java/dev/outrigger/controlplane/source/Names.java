package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.ServiceName;
import dev.outrigger.controlplane.model.ServiceRef;
import dev.outrigger.controlplane.model.Workload.HostPort;
import dev.outrigger.controlplane.source.Problem.Code;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Node;

/** Names, addresses and references, as they stand in several kinds. */
final class Names {
  private static final Pattern LABEL = Pattern.compile("[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?");
  private static final Pattern SUBDOMAIN =
      Pattern.compile("(?=.{1,253}$)" + LABEL + "(?:\\." + LABEL + ")*");
  private static final Pattern IPV4 = Pattern.compile("[0-9]{1,3}(?:\\.[0-9]{1,3}){3}");

  private Names() {}

  static boolean isLabel(String text) {
    return LABEL.matcher(text).matches();
  }

  static boolean isSubdomain(String text) {
    return SUBDOMAIN.matcher(text).matches();
  }

  /** The address in its usual form, or null where it is no literal. */
  static @Nullable String address(String text) {
    if (!IPV4.matcher(text).matches() && (text.indexOf(':') < 0 || text.indexOf('%') >= 0)) {
      return null;
    }
    try {
      return NetUtil.toAddressString(InetAddress.ofLiteral(text));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  static List<String> addresses(Fields fields, String name) {
    List<String> addresses = new ArrayList<>();
    for (Node element : fields.list(name)) {
      addresses.add(address(fields, element, fields.at(name)));
    }
    return addresses;
  }

  static String address(Fields fields, Node node, String where) {
    String text = fields.text(node, where);
    @Nullable String address = address(text);
    if (address == null) {
      fields
          .doc()
          .problem(
              Code.BAD_VALUE,
              node,
              "`" + where + "` must be an IPv4 or IPv6 address, but is `" + text + "`",
              "a name cannot stand here, only an address");
      return "0.0.0.0";
    }
    return address;
  }

  static @Nullable HostPort hostPort(Fields fields, String name) {
    @Nullable Node node = fields.value(name);
    if (node == null) {
      return null;
    }
    String text = fields.text(node, fields.at(name));
    int colon = text.lastIndexOf(':');
    if (colon > 0) {
      String host = text.substring(0, colon);
      if (host.startsWith("[") && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      }
      @Nullable String address = address(host);
      if (address != null && text.substring(colon + 1).matches("[0-9]{1,5}")) {
        int port = Integer.parseInt(text.substring(colon + 1));
        if (port >= 1 && port <= 65535) {
          return new HostPort(address, port);
        }
      }
    }
    fields
        .doc()
        .problem(
            Code.BAD_VALUE,
            node,
            "`" + fields.at(name) + "` must be an address and a port, but is `" + text + "`",
            "write it like 127.0.0.1:15001 or [::1]:15001");
    return new HostPort("127.0.0.1", 1);
  }

  /** Reads {@code name} or {@code name.namespace}, and notes the reference. */
  static ServiceName service(Fields fields, Node node, String where, OptionalInt port) {
    String text = fields.text(node, where);
    ServiceName name = ServiceName.parse(text, fields.doc().namespace());
    if (!isLabel(name.name()) || !isLabel(name.namespace())) {
      fields
          .doc()
          .problem(
              Code.BAD_VALUE,
              node,
              "`" + where + "` must name a service, but is `" + text + "`",
              "write it like catalog or catalog.shop");
    } else {
      fields.doc().refersTo(name, port, where, node);
    }
    return name;
  }

  static List<ServiceName> services(Fields fields, String name) {
    List<ServiceName> services = new ArrayList<>();
    for (Node element : fields.list(name)) {
      String where = fields.at(name) + "[" + services.size() + "]";
      services.add(service(fields, element, where, OptionalInt.empty()));
    }
    return services;
  }

  /** The fields of a reference as in the Gateway API; the caller finishes the mapping. */
  static ServiceRef reference(Fields fields) {
    String group = fields.text("group", "");
    String kind = fields.text("kind", "Service");
    if (!kind.equals("Service") || !(group.isEmpty() || group.equals("core"))) {
      fields.problem(
          Code.UNSUPPORTED,
          fields.has("kind") ? "kind" : "group",
          "`" + fields.at("kind") + "` must be Service of the core group",
          "write `group: \"\"` and `kind: Service`");
    }
    String name = fields.requiredText("name", "the name of a service");
    String namespace = fields.text("namespace", fields.doc().namespace());
    OptionalInt port = fields.optionalPort("port");
    ServiceName service = new ServiceName(name, namespace);
    if (!name.isEmpty()) {
      fields.doc().refersTo(service, port, fields.at("name"), fields.valueOrSelf("name"));
    }
    return new ServiceRef(service, port);
  }
}
