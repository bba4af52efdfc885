package dev.outrigger.controlplane;

import dev.outrigger.controlplane.ca.AttestedIdentity;
import dev.outrigger.controlplane.cluster.ClusterOptions;
import dev.outrigger.controlplane.cluster.ClusterOptions.LeaseOptions;
import dev.outrigger.controlplane.source.Durations;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.X509Svid;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a control plane is started. Ports may be 0, which takes a free one.
 *
 * @param folder with the YAML files of the desired state
 * @param state keeps the root and the join tokens; made if missing, for the owner only
 * @param xdsPort of xDS without TLS, on loopback
 * @param bind the address of the TLS port
 * @param xdsTlsPort of xDS and the certificate service, with TLS
 * @param apiPort of the HTTP API, on loopback
 * @param apiTokens whether the API asks for tokens
 * @param probeCommands whether probes of experiments may run programs here
 * @param services what is done for the cluster that this runs in
 * @param certificateLifetime of a workload's certificate, {@link #SHORTEST} to {@link #LONGEST}
 * @param cluster where the desired state is in a Kubernetes cluster in place of the folder
 */
public record ControlPlaneOptions(
    Path folder,
    Path state,
    int xdsPort,
    String bind,
    int xdsTlsPort,
    int apiPort,
    boolean apiTokens,
    boolean probeCommands,
    ClusterOptions services,
    Duration certificateLifetime,
    @Nullable Cluster cluster,
    AttestedIdentity.@Nullable Source spiffe) {
  /**
   * A Kubernetes cluster.
   *
   * @param namespace the only one that is read; null for all
   * @param kubeconfig how to log in; null is as kubectl does, or as a pod
   */
  public record Cluster(@Nullable String namespace, @Nullable Path kubeconfig) {}

  /** Less leaves no time to renew. */
  static final Duration SHORTEST = Duration.ofSeconds(10);

  /** More is not short-lived; nothing revokes a certificate but its end. */
  static final Duration LONGEST = Duration.ofHours(24);

  private enum Flag {
    DIR("FOLDER", "the folder with the mesh's YAML files; this or --kubernetes is required"),
    KUBERNETES("", "the desired state is in a Kubernetes cluster"),
    NAMESPACE("NAME", "only this namespace of the cluster; all unless given"),
    KUBECONFIG("FILE", "how to log in to the cluster; as kubectl does unless given"),
    STATE("FOLDER", "keeps the root and the join tokens; beside --dir, or outrigger.state"),
    BIND("ADDRESS", "of the TLS port; 0.0.0.0 unless given"),
    XDS_TLS_PORT("PORT", "xDS and certificates, with TLS; 15012 unless given"),
    XDS_PORT("PORT", "xDS without TLS, on loopback; 15010 unless given"),
    API_PORT("PORT", "the HTTP API, on loopback; 15080 unless given"),
    API_TOKENS("YES|NO", "whether the API asks who calls; no: who is on this machine may all"),
    PROBE_COMMANDS("YES|NO", "whether probes of experiments may run programs here; no"),
    CERTIFICATE_LIFETIME("TIME", "of workloads' certificates, 10s to 24h; 24h unless given"),
    SPIFFE_ENDPOINT_SOCKET("URI", "of the Workload API, where SPIRE issues all identities"),
    SPIFFE_ID("ID", "which identity, where the Workload API gives several"),
    METRICS_PORT("PORT", "metrics and health for the cluster, on all addresses; none unless given"),
    WEBHOOK_PORT("PORT", "the injection webhook, with TLS; none unless given"),
    WEBHOOK_NAME("NAME", "the webhook configurations that are told whom to trust"),
    INJECTION("FILE", "the settings of injection; the usual ones unless given"),
    CA_SECRET("NAME", "the Secret that keeps the root; the state folder alone unless given"),
    ROOT_CONFIG_MAP("NAME", "gets the root's certificate in all namespaces"),
    SERVICE_NAME("NAME", "of this control plane in the cluster; outrigger unless given"),
    POD_NAMESPACE("NAME", "where this runs; outrigger-system unless given"),
    INSTALLATION("NAME", "the ClusterRole that owns what is made here, to go with it; none"),
    LEASE("NAME", "by which replicas agree who of them leads; no replicas unless given"),
    LEASE_DURATION("TIME", "for how long one that is gone leads, 3s to 5m; 15s unless given"),
    POD_NAME("NAME", "of this replica; the host's unless given"),
    POD_IP("ADDRESS", "by which other replicas reach this one; that of --bind unless given");

    final String parameter;
    final String meaning;

    Flag(String parameter, String meaning) {
      this.parameter = parameter;
      this.meaning = meaning;
    }

    String text() {
      return "--" + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static @Nullable Flag of(String text) {
      for (Flag flag : values()) {
        if (flag.text().equals(text)) {
          return flag;
        }
      }
      return null;
    }
  }

  /** The options of one who only has a folder, with the state beside it. */
  public static ControlPlaneOptions of(Path folder) {
    return new ControlPlaneOptions(
        folder,
        folder.resolveSibling(folder.getFileName() + ".state"),
        15010,
        "0.0.0.0",
        15012,
        15080,
        false,
        false,
        ClusterOptions.NONE,
        LONGEST,
        null,
        null);
  }

  /** The same with every port free and TLS on loopback only, for tests and demos. */
  public static ControlPlaneOptions onFreePorts(Path folder, Path state) {
    return new ControlPlaneOptions(
        folder,
        state,
        0,
        "127.0.0.1",
        0,
        0,
        false,
        false,
        ClusterOptions.NONE,
        LONGEST,
        null,
        null);
  }

  /** The same with an API that asks for tokens. */
  ControlPlaneOptions withApiTokens() {
    return new ControlPlaneOptions(
        folder,
        state,
        xdsPort,
        bind,
        xdsTlsPort,
        apiPort,
        true,
        probeCommands,
        services,
        certificateLifetime,
        cluster,
        spiffe);
  }

  /** The help: each flag with what it means, and examples. */
  public static String help() {
    StringBuilder text =
        new StringBuilder(
            """
            outrigger control-plane: xDS, certificates and experiments from a folder of YAML

              outrigger control-plane --dir mesh
              outrigger control-plane --dir mesh --bind 127.0.0.1 --certificate-lifetime 1h

            """);
    for (Flag flag : Flag.values()) {
      String left = flag.text() + " " + flag.parameter;
      text.append("  ").append(left).append(" ".repeat(30 - left.length()));
      text.append(flag.meaning).append('\n');
    }
    return text.append("Each flag also by environment: --api-port is OUTRIGGER_API_PORT.\n")
        .append(
            "It prints one line when it is ready, and ends on SIGTERM or Ctrl-C. While another one\n")
        .append(
            "works with the same --state, it waits, and takes its place when that one is gone.\n")
        .append("With --lease any number serve, each with a --state of its own, and one leads.\n")
        .toString();
  }

  /**
   * Reads flags, and for those that are not given the environment: {@code --xds-port} is {@code
   * OUTRIGGER_XDS_PORT}, and so on.
   *
   * @throws IllegalArgumentException with one line for the user
   */
  public static ControlPlaneOptions parse(List<String> args, Map<String, String> environment) {
    Map<Flag, String> given = new EnumMap<>(Flag.class);
    for (int i = 0; i < args.size(); i++) {
      String arg = args.get(i);
      int equals = arg.indexOf('=');
      Flag flag = Flag.of(equals < 0 ? arg : arg.substring(0, equals));
      if (flag == Flag.KUBERNETES && equals < 0) {
        given.put(flag, "yes");
        continue;
      }
      if (flag == null) {
        throw new IllegalArgumentException(
            "unknown option '" + arg + "'; `outrigger control-plane --help` lists those there are");
      }
      if (equals >= 0) {
        given.put(flag, arg.substring(equals + 1));
      } else if (i + 1 < args.size()) {
        given.put(flag, args.get(++i));
      } else {
        throw new IllegalArgumentException(arg + " needs a value");
      }
    }
    for (Flag flag : Flag.values()) {
      boolean ofCluster = flag == Flag.NAMESPACE || flag == Flag.KUBECONFIG;
      if (ofCluster && !given.containsKey(Flag.KUBERNETES)) {
        continue; // Others may have set them for themselves.
      }
      String value = environment.get("OUTRIGGER_" + flag.name());
      if (value != null && !value.isEmpty()) {
        given.putIfAbsent(flag, value);
      }
    }
    @Nullable Cluster cluster = cluster(given);
    String folder = given.get(Flag.DIR);
    if (folder == null && cluster == null) {
      throw new IllegalArgumentException(
          "--dir FOLDER (or OUTRIGGER_DIR) is missing: the folder with the YAML files; or"
              + " --kubernetes");
    }
    if (folder != null && cluster != null) {
      throw new IllegalArgumentException(
          "--dir and --kubernetes: the desired state is in a folder or in a cluster, not in both");
    }
    ControlPlaneOptions usual =
        of(Path.of(folder == null ? "outrigger" : folder).toAbsolutePath().normalize());
    String state = given.get(Flag.STATE);
    return new ControlPlaneOptions(
        usual.folder(),
        state == null ? usual.state() : Path.of(state).toAbsolutePath().normalize(),
        port(given, Flag.XDS_PORT, usual.xdsPort()),
        given.getOrDefault(Flag.BIND, usual.bind()),
        port(given, Flag.XDS_TLS_PORT, usual.xdsTlsPort()),
        port(given, Flag.API_PORT, usual.apiPort()),
        yes(given, Flag.API_TOKENS),
        yes(given, Flag.PROBE_COMMANDS),
        services(given),
        time(given, Flag.CERTIFICATE_LIFETIME, SHORTEST, LONGEST, LONGEST),
        cluster,
        spiffe(given));
  }

  private static AttestedIdentity.@Nullable Source spiffe(Map<Flag, String> given) {
    @Nullable String socket = given.get(Flag.SPIFFE_ENDPOINT_SOCKET);
    @Nullable String wanted = given.get(Flag.SPIFFE_ID);
    if (socket == null) {
      if (wanted != null) {
        throw new IllegalArgumentException(
            Flag.SPIFFE_ID.text() + " is only for " + Flag.SPIFFE_ENDPOINT_SOCKET.text());
      }
      return null;
    }
    try {
      return new AttestedIdentity.Source(
          X509Svid.socketOf(socket), wanted == null ? null : SpiffeId.parse(wanted));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          Flag.SPIFFE_ENDPOINT_SOCKET.text() + ", " + Flag.SPIFFE_ID.text() + ": " + e.getMessage(),
          e);
    }
  }

  private static @Nullable Cluster cluster(Map<Flag, String> given) {
    @Nullable String namespace = given.get(Flag.NAMESPACE);
    @Nullable String kubeconfig = given.get(Flag.KUBECONFIG);
    if (!yes(given, Flag.KUBERNETES)) {
      for (Flag flag : new Flag[] {Flag.NAMESPACE, Flag.KUBECONFIG}) {
        if (given.containsKey(flag)) {
          throw new IllegalArgumentException(flag.text() + " is only for --kubernetes");
        }
      }
      return null;
    }
    return new Cluster(
        namespace, kubeconfig == null ? null : Path.of(kubeconfig).toAbsolutePath().normalize());
  }

  private static ClusterOptions services(Map<Flag, String> given) {
    @Nullable String injection = given.get(Flag.INJECTION);
    return new ClusterOptions(
        injection == null ? null : Path.of(injection).toAbsolutePath().normalize(),
        port(given, Flag.WEBHOOK_PORT, -1),
        given.getOrDefault(Flag.WEBHOOK_NAME, ""),
        port(given, Flag.METRICS_PORT, -1),
        given.getOrDefault(Flag.CA_SECRET, ""),
        given.getOrDefault(Flag.ROOT_CONFIG_MAP, ""),
        given.getOrDefault(Flag.SERVICE_NAME, ClusterOptions.NONE.serviceName()),
        given.getOrDefault(Flag.POD_NAMESPACE, ClusterOptions.NONE.namespace()),
        given.getOrDefault(Flag.INSTALLATION, ""),
        lease(given));
  }

  private static @Nullable LeaseOptions lease(Map<Flag, String> given) {
    @Nullable String name = given.get(Flag.LEASE);
    if (name == null) {
      return null;
    }
    if (!yes(given, Flag.KUBERNETES)) {
      throw new IllegalArgumentException(Flag.LEASE.text() + " is only for --kubernetes");
    }
    return new LeaseOptions(
        name,
        time(
            given,
            Flag.LEASE_DURATION,
            LeaseOptions.SHORTEST,
            LeaseOptions.LONGEST,
            LeaseOptions.USUAL),
        given.getOrDefault(Flag.POD_NAME, ""),
        given.getOrDefault(Flag.POD_IP, ""));
  }

  private static boolean yes(Map<Flag, String> given, Flag flag) {
    @Nullable String text = given.get(flag);
    if (text == null || text.equals("no")) {
      return false;
    }
    if (text.equals("yes")) {
      return true;
    }
    throw new IllegalArgumentException(flag.text() + ": expected yes or no, not '" + text + "'");
  }

  private static Duration time(
      Map<Flag, String> given, Flag flag, Duration shortest, Duration longest, Duration otherwise) {
    @Nullable String text = given.get(flag);
    if (text == null) {
      return otherwise;
    }
    @Nullable Duration time = Durations.parse(text);
    if (time == null || time.compareTo(shortest) < 0 || time.compareTo(longest) > 0) {
      throw new IllegalArgumentException(
          "%s: expected a time from %s to %s, such as %s, not '%s'"
              .formatted(flag.text(), words(shortest), words(longest), words(otherwise), text));
    }
    return time;
  }

  private static String words(Duration time) {
    return time.toString().substring(2).toLowerCase(Locale.ROOT);
  }

  private static int port(Map<Flag, String> given, Flag flag, int otherwise) {
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
        flag.text() + ": expected a port from 0 to 65535, not '" + text + "'");
  }
}
