package dev.outrigger.controlplane;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How a control plane is started. Ports may be 0, which takes a free one.
 *
 * @param folder with the YAML files of the desired state
 * @param state keeps the root and the join tokens; made if missing, for the owner only
 * @param xdsPort of xDS without TLS, on loopback
 * @param bind the address of the TLS port
 * @param xdsTlsPort of xDS and the certificate service, with TLS
 * @param apiPort of the HTTP API, on loopback
 */
public record ControlPlaneOptions(
    Path folder, Path state, int xdsPort, String bind, int xdsTlsPort, int apiPort) {
  private static final String FLAGS =
      "--dir FOLDER, --state FOLDER, --xds-port, --bind ADDRESS, --xds-tls-port, --api-port";

  /** The options of one who only has a folder, with the state beside it. */
  public static ControlPlaneOptions of(Path folder) {
    return new ControlPlaneOptions(
        folder,
        folder.resolveSibling(folder.getFileName() + ".state"),
        15010,
        "0.0.0.0",
        15012,
        15080);
  }

  /** The same with every port free and TLS on loopback only, for tests and demos. */
  public static ControlPlaneOptions onFreePorts(Path folder, Path state) {
    return new ControlPlaneOptions(folder, state, 0, "127.0.0.1", 0, 0);
  }

  /**
   * Reads flags, and for those that are not given the environment: {@code --xds-port} is {@code
   * OUTRIGGER_XDS_PORT}, and so on.
   *
   * @throws IllegalArgumentException with one line for the user
   */
  public static ControlPlaneOptions parse(List<String> args, Map<String, String> environment) {
    Map<String, String> given = new java.util.HashMap<>();
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      int equals = arg.indexOf('=');
      String flag = equals < 0 ? arg : arg.substring(0, equals);
      if (!List.of("--dir", "--state", "--xds-port", "--bind", "--xds-tls-port", "--api-port")
          .contains(flag)) {
        throw new IllegalArgumentException("unknown option '" + flag + "'; known: " + FLAGS);
      }
      if (equals >= 0) {
        given.put(flag, arg.substring(equals + 1));
      } else if (i + 1 < args.size()) {
        given.put(flag, args.get(++i));
      } else {
        throw new IllegalArgumentException(flag + " needs a value");
      }
    }
    for (String flag : List.of("dir", "state", "xds-port", "bind", "xds-tls-port", "api-port")) {
      String variable = "OUTRIGGER_" + flag.replace('-', '_').toUpperCase(java.util.Locale.ROOT);
      String value = environment.get(variable);
      if (value != null && !value.isEmpty()) {
        given.putIfAbsent("--" + flag, value);
      }
    }
    String folder = given.get("--dir");
    if (folder == null) {
      throw new IllegalArgumentException(
          "--dir FOLDER (or OUTRIGGER_DIR) is missing: the folder with the YAML files");
    }
    ControlPlaneOptions usual = of(Path.of(folder).toAbsolutePath().normalize());
    String state = given.get("--state");
    return new ControlPlaneOptions(
        usual.folder(),
        state == null ? usual.state() : Path.of(state).toAbsolutePath().normalize(),
        port(given, "--xds-port", usual.xdsPort()),
        given.getOrDefault("--bind", usual.bind()),
        port(given, "--xds-tls-port", usual.xdsTlsPort()),
        port(given, "--api-port", usual.apiPort()));
  }

  private static int port(Map<String, String> given, String flag, int otherwise) {
    String text = given.get(flag);
    if (text == null) {
      return otherwise;
    }
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Told below like a number out of range.
    }
    throw new IllegalArgumentException(
        flag + ": expected a port from 0 to 65535, not '" + text + "'");
  }
}
