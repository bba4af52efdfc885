package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.bootstrap.ProxyOptions.ClientTls;
import dev.outrigger.proxy.bootstrap.ProxyOptions.JoinToken;
import dev.outrigger.proxy.bootstrap.ProxyOptions.MeshJoin;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Mode;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Protocol;
import dev.outrigger.proxy.bootstrap.ProxyOptions.ServerTls;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Source;
import dev.outrigger.proxy.bootstrap.ProxyOptions.Unsupported;
import dev.outrigger.proxy.config.NearestName;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.X509Svid;
import io.netty.util.NetUtil;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads flags and variables. Used once. */
final class OptionParser {
  private static final Pattern ADDRESS =
      Pattern.compile(
          "(?:(?:https?|tcp)://)?(?:(\\[[0-9a-fA-F:.%]+]|[^:/\\[\\]]*):)?([0-9]{1,5})/?");
  private static final Pattern DURATION = Pattern.compile("([0-9]{1,9})(ms|s|m|h)");
  private static final List<String> SYSTEM_ROOTS =
      List.of(
          "/etc/ssl/certs/ca-certificates.crt",
          "/etc/pki/tls/certs/ca-bundle.crt",
          "/etc/ssl/cert.pem");

  /** What can be asked for. The variable of {@code --log-level} is {@code OUTRIGGER_LOG_LEVEL}. */
  enum Key {
    CONFIG("FILE", "an Envoy v3 bootstrap in YAML or JSON; also -c"),
    CONFIG_YAML("TEXT", "bootstrap text, merged over the file"),
    LISTEN("ADDR", "listen here, as in 127.0.0.1:8080, [::1]:8080 or 8080"),
    TO("ADDR", "pass everything on to this address; may be given several times"),
    PROTOCOL("KIND", "auto (default), http or tcp: what clients of --listen speak"),
    TLS_CERT("FILE", "terminate TLS with this certificate chain"),
    TLS_KEY("FILE", "and this private key"),
    CLIENT_CA("FILE", "ask clients for a certificate that these roots vouch for"),
    UPSTREAM_TLS("", "speak TLS to --to, with the system's roots unless --upstream-ca is given"),
    UPSTREAM_CA("FILE", "roots that must vouch for --to; implies --upstream-tls"),
    UPSTREAM_SNI("NAME", "the server's name, if it is not the host of --to"),
    UPSTREAM_CERT("FILE", "show this certificate chain to --to"),
    UPSTREAM_KEY("FILE", "and its private key"),
    MESH(
        "ADDR,...",
        "join the mesh of the control plane there, or of whichever of these serves; port 15012"),
    MESH_NAME("NAME", "the name in the control plane's certificate, if it is not the host"),
    JOIN_TOKEN("TEXT", "proves who this workload is"),
    JOIN_TOKEN_FILE("FILE", "a file that holds the join token"),
    ROOT_CA("FILE", "roots that vouch for the control plane"),
    SPIFFE_ENDPOINT_SOCKET(
        "URI",
        "instead of token and roots: the SPIFFE Workload API, as in unix:///run/spire/agent.sock"),
    SPIFFE_ID("ID", "which identity, where the Workload API gives several"),
    MESH_IDENTITY("ID", "the control plane's SPIFFE ID, for --spiffe-endpoint-socket"),
    WORKLOAD("NAME", "this workload's name"),
    NAMESPACE("NAME", "this workload's namespace; default unless given"),
    MODE("MODE", "serve (default) or validate"),
    UNSUPPORTED("WHAT", "error (default) or warn: fields that are set and not supported"),
    PRINT_CONFIG("", "print the effective bootstrap as YAML and end"),
    CONCURRENCY("N", "number of workers; the cores of this process unless given"),
    TRANSPORT("NAME", "io_uring, epoll or nio; the best that works unless given"),
    ADMIN("ADDR", "where the admin server listens"),
    DRAIN_TIME("TIME", "how long to wait for what is under way when ending; 30s unless given"),
    MIN_BODY_RATE(
        "BYTES", "slower request bodies are refused; 240 a second unless given, 0 is off"),
    LOG_LEVEL("LEVEL", "error, warn, info (default), debug or trace"),
    TOXIPROXY_API(
        "ADDR", "serve Toxiproxy's HTTP API there, as in 127.0.0.1:8474; needs no other source"),
    NO_FAULTS("", "never honour a fault, whatever the control plane says"),
    STATE_DIR("FOLDER", "where the last good configuration is kept"),
    EXPLAIN_TOKEN("TEXT", "requests with this in x-outrigger-explain are explained; 16 or more"),
    HEALTH("ADDR", "serve life and readiness there, as in *:15021, and --app-probes"),
    METRICS("ADDR", "serve the metrics there, as in *:15020"),
    POD_IP("ADDRESS", "where the application of --app-probes listens; 127.0.0.1 unless given"),
    APP_PROBES("JSON", "what kubelet wants to know of the application, as injection writes it");

    private final String argument;
    private final String help;

    Key(String argument, String help) {
      this.argument = argument;
      this.help = help;
    }

    String flag() {
      return "--" + name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    String variable() {
      return "OUTRIGGER_" + name();
    }
  }

  private final List<String> arguments;
  private final Map<String, String> environment;
  private final Map<Key, String> values = new EnumMap<>(Key.class);
  private final List<String> targets = new ArrayList<>();

  OptionParser(List<String> arguments, Map<String, String> environment) {
    this.arguments = List.copyOf(arguments);
    this.environment = Map.copyOf(environment);
  }

  static String help() {
    StringBuilder text = new StringBuilder();
    for (Key key : Key.values()) {
      text.append("  %-26s %s%n".formatted((key.flag() + " " + key.argument).strip(), key.help));
    }
    return text.append(
            "Each flag also by environment: --log-level is OUTRIGGER_LOG_LEVEL; a flag wins.\n")
        .toString();
  }

  ProxyOptions parse() throws UsageException {
    readEnvironment();
    readArguments();
    return new ProxyOptions(
        source(),
        choice(Key.MODE, Mode.class, Mode.SERVE),
        choice(Key.UNSUPPORTED, Unsupported.class, Unsupported.ERROR),
        flag(Key.PRINT_CONFIG),
        number(Key.CONCURRENCY, 0, 1024),
        oneOf(Key.TRANSPORT, List.of("io_uring", "epoll", "nio"), ""),
        values.containsKey(Key.ADMIN) ? address(Key.ADMIN, value(Key.ADMIN), "127.0.0.1") : null,
        duration(Key.DRAIN_TIME, Duration.ofSeconds(30)),
        values.containsKey(Key.MIN_BODY_RATE)
            ? number(Key.MIN_BODY_RATE, 0, 1_000_000_000)
            : ProxyOptions.USUAL_BODY_RATE,
        oneOf(Key.LOG_LEVEL, List.of("error", "warn", "info", "debug", "trace"), "info"),
        values.containsKey(Key.STATE_DIR) ? path(Key.STATE_DIR) : null,
        values.containsKey(Key.TOXIPROXY_API)
            ? address(Key.TOXIPROXY_API, value(Key.TOXIPROXY_API), "127.0.0.1")
            : null,
        !flag(Key.NO_FAULTS),
        explainToken(),
        watched());
  }

  private ProxyOptions.Watched watched() throws UsageException {
    if (values.containsKey(Key.APP_PROBES) && !values.containsKey(Key.HEALTH)) {
      throw new UsageException("--app-probes needs --health ADDR, where they are asked for");
    }
    String host = values.getOrDefault(Key.POD_IP, "127.0.0.1");
    if (!NetUtil.isValidIpV4Address(host) && !NetUtil.isValidIpV6Address(host)) {
      throw new UsageException("--pod-ip " + host + ": expected an address such as 10.0.0.7");
    }
    return new ProxyOptions.Watched(
        values.containsKey(Key.HEALTH) ? address(Key.HEALTH, value(Key.HEALTH), "0.0.0.0") : null,
        values.containsKey(Key.METRICS)
            ? address(Key.METRICS, value(Key.METRICS), "0.0.0.0")
            : null,
        host,
        values.containsKey(Key.APP_PROBES) ? AppProbeReader.read(value(Key.APP_PROBES)) : Map.of());
  }

  private @Nullable String explainToken() throws UsageException {
    if (!values.containsKey(Key.EXPLAIN_TOKEN)) {
      return null;
    }
    String token = value(Key.EXPLAIN_TOKEN);
    if (!token.matches("[!-~]{16,256}")) {
      throw new UsageException(
          Key.EXPLAIN_TOKEN.flag() + " must have 16 to 256 visible ASCII characters");
    }
    return token;
  }

  private void readEnvironment() {
    // The standard's own name; whoever has another proof of who they are may have it for others.
    String standard = environment.getOrDefault(Key.SPIFFE_ENDPOINT_SOCKET.name(), "");
    if (!standard.isEmpty() && !hasToken()) {
      values.put(Key.SPIFFE_ENDPOINT_SOCKET, standard);
    }
    for (Key key : Key.values()) {
      String value = environment.get(key.variable());
      if (value == null || value.isEmpty()) {
        continue;
      }
      if (key == Key.TO) {
        targets.addAll(Arrays.asList(value.split("[, ]+")));
      } else {
        values.put(key, value);
      }
    }
  }

  private boolean hasToken() {
    return Stream.of(Key.JOIN_TOKEN, Key.JOIN_TOKEN_FILE)
        .anyMatch(
            key ->
                !environment.getOrDefault(key.variable(), "").isEmpty()
                    || arguments.stream()
                        .anyMatch(
                            one -> one.equals(key.flag()) || one.startsWith(key.flag() + "=")));
  }

  private void readArguments() throws UsageException {
    boolean ownTargets = false;
    boolean ownSource = false;
    for (int i = 0; i < arguments.size(); i++) {
      String argument = arguments.get(i);
      int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
      String name = equals < 0 ? argument : argument.substring(0, equals);
      Key key = key(name);
      // A way to configure that is named on the command line replaces one from the environment.
      if (!ownSource && List.of(Key.CONFIG, Key.CONFIG_YAML, Key.LISTEN, Key.MESH).contains(key)) {
        ownSource = true;
        for (Key way : List.of(Key.CONFIG, Key.CONFIG_YAML, Key.LISTEN, Key.MESH)) {
          values.remove(way);
        }
      }
      String value;
      if (equals >= 0) {
        value = argument.substring(equals + 1);
      } else if (key.argument.isEmpty()) {
        value = "true";
      } else if (i + 1 < arguments.size()) {
        value = arguments.get(++i);
      } else {
        throw new UsageException(name + " needs a value: " + key.argument);
      }
      if (key == Key.TO) {
        if (!ownTargets) {
          targets.clear();
          ownTargets = true;
        }
        targets.add(value);
      } else {
        values.put(key, value);
      }
    }
  }

  private static Key key(String name) throws UsageException {
    if (name.equals("-c") || name.equals("--config-path")) {
      return Key.CONFIG;
    }
    for (Key key : Key.values()) {
      if (key.flag().equals(name)) {
        return key;
      }
    }
    List<String> known = Arrays.stream(Key.values()).map(Key::flag).toList();
    throw new UsageException(
        (name.startsWith("-") ? "there is no flag " : "unexpected argument ")
            + name
            + NearestName.hint(name, known));
  }

  private Source source() throws UsageException {
    boolean file = values.containsKey(Key.CONFIG) || values.containsKey(Key.CONFIG_YAML);
    boolean line = values.containsKey(Key.LISTEN);
    boolean mesh = values.containsKey(Key.MESH);
    int ways = (file ? 1 : 0) + (line ? 1 : 0) + (mesh ? 1 : 0);
    if (ways == 0 && values.containsKey(Key.TOXIPROXY_API)) {
      return new Source.Toxiproxy();
    }
    if (ways != 1) {
      throw new UsageException(
          (ways == 0 ? "what should be proxied?" : "only one way at a time:")
              + " use -c FILE, or --listen ADDR --to ADDR, or --mesh ADDR"
              + (ways == 0 ? ", or --toxiproxy-api ADDR" : ""));
    }
    if (file) {
      return new Source.Bootstrap(
          values.containsKey(Key.CONFIG) ? path(Key.CONFIG) : null, values.get(Key.CONFIG_YAML));
    }
    return line ? oneLine() : new Source.Mesh(mesh());
  }

  private Source.OneLine oneLine() throws UsageException {
    SocketAddressConfig listen = address(Key.LISTEN, value(Key.LISTEN), "0.0.0.0");
    if (targets.isEmpty()) {
      throw new UsageException("--listen needs --to ADDR: where should it go?");
    }
    List<SocketAddressConfig> to = new ArrayList<>();
    for (String target : targets) {
      SocketAddressConfig address = address(Key.TO, target, "127.0.0.1");
      if (address.port() == 0) {
        throw new UsageException("--to " + target + ": the port must not be 0");
      }
      to.add(address);
    }
    return new Source.OneLine(
        listen,
        to,
        choice(Key.PROTOCOL, Protocol.class, Protocol.AUTO),
        serverTls(),
        clientTls(to.getFirst()));
  }

  private @Nullable ServerTls serverTls() throws UsageException {
    if (!values.containsKey(Key.TLS_CERT) && !values.containsKey(Key.TLS_KEY)) {
      if (values.containsKey(Key.CLIENT_CA)) {
        throw new UsageException("--client-ca needs --tls-cert and --tls-key");
      }
      return null;
    }
    return new ServerTls(
        required(Key.TLS_CERT, Key.TLS_KEY),
        required(Key.TLS_KEY, Key.TLS_CERT),
        values.containsKey(Key.CLIENT_CA) ? path(Key.CLIENT_CA) : null);
  }

  private @Nullable ClientTls clientTls(SocketAddressConfig to) throws UsageException {
    boolean https = targets.stream().anyMatch(t -> t.startsWith("https://"));
    if (!flag(Key.UPSTREAM_TLS) && !https && !values.containsKey(Key.UPSTREAM_CA)) {
      for (Key key : List.of(Key.UPSTREAM_SNI, Key.UPSTREAM_CERT, Key.UPSTREAM_KEY)) {
        if (values.containsKey(key)) {
          throw new UsageException(key.flag() + " needs --upstream-tls or --upstream-ca");
        }
      }
      return null;
    }
    boolean shown = values.containsKey(Key.UPSTREAM_CERT) || values.containsKey(Key.UPSTREAM_KEY);
    return new ClientTls(
        values.containsKey(Key.UPSTREAM_CA) ? path(Key.UPSTREAM_CA) : systemRoots(),
        values.getOrDefault(Key.UPSTREAM_SNI, to.host()),
        shown ? required(Key.UPSTREAM_CERT, Key.UPSTREAM_KEY) : null,
        shown ? required(Key.UPSTREAM_KEY, Key.UPSTREAM_CERT) : null);
  }

  private static Path systemRoots() throws UsageException {
    for (String candidate : SYSTEM_ROOTS) {
      if (Files.isReadable(Path.of(candidate))) {
        return Path.of(candidate);
      }
    }
    throw new UsageException("this system has no list of trusted roots; give --upstream-ca FILE");
  }

  private MeshJoin mesh() throws UsageException {
    List<SocketAddressConfig> addresses = new ArrayList<>();
    for (String text : value(Key.MESH).split(",", -1)) {
      String one = text.strip();
      addresses.add(address(Key.MESH, hasPort(one) ? one : one + ":15012", "127.0.0.1"));
    }
    if (!values.containsKey(Key.MESH_NAME)
        && addresses.stream().map(SocketAddressConfig::host).distinct().count() > 1) {
      throw new UsageException(
          "--mesh with several hosts needs "
              + Key.MESH_NAME.flag()
              + " NAME: what their"
              + " certificates say");
    }
    ProxyOptions.Membership membership =
        values.containsKey(Key.SPIFFE_ENDPOINT_SOCKET) ? attested() : issued();
    String workload = required(Key.WORKLOAD);
    return new MeshJoin(
        addresses,
        values.getOrDefault(Key.MESH_NAME, addresses.getFirst().host()),
        membership,
        workload,
        values.getOrDefault(Key.NAMESPACE, "default"));
  }

  private ProxyOptions.Membership issued() throws UsageException {
    boolean inline = values.containsKey(Key.JOIN_TOKEN);
    if (inline == values.containsKey(Key.JOIN_TOKEN_FILE)) {
      throw new UsageException(
          "--mesh needs --join-token-file FILE (or --join-token TEXT), or"
              + " --spiffe-endpoint-socket URI");
    }
    JoinToken token =
        inline
            ? new JoinToken.Inline(value(Key.JOIN_TOKEN))
            : new JoinToken.File(path(Key.JOIN_TOKEN_FILE));
    for (Key key : List.of(Key.SPIFFE_ID, Key.MESH_IDENTITY)) {
      if (values.containsKey(key)) {
        throw new UsageException(
            key.flag() + " needs " + Key.SPIFFE_ENDPOINT_SOCKET.flag() + " URI");
      }
    }
    return new ProxyOptions.Membership.Issued(token, required(Key.ROOT_CA, Key.MESH));
  }

  private ProxyOptions.Membership attested() throws UsageException {
    for (Key key : List.of(Key.JOIN_TOKEN, Key.JOIN_TOKEN_FILE, Key.ROOT_CA)) {
      if (values.containsKey(key)) {
        throw new UsageException(
            key.flag()
                + " and "
                + Key.SPIFFE_ENDPOINT_SOCKET.flag()
                + ": identity and roots come from the one or from the other");
      }
    }
    if (!values.containsKey(Key.MESH_IDENTITY)) {
      throw new UsageException(
          Key.SPIFFE_ENDPOINT_SOCKET.flag()
              + " needs --mesh-identity ID: who the control plane must be, such as"
              + " spiffe://cluster.local/ns/outrigger-system/sa/outrigger");
    }
    Path socket;
    try {
      socket = X509Svid.socketOf(value(Key.SPIFFE_ENDPOINT_SOCKET));
    } catch (IllegalArgumentException e) {
      throw new UsageException(Key.SPIFFE_ENDPOINT_SOCKET.flag() + " " + e.getMessage());
    }
    return new ProxyOptions.Membership.Attested(
        socket,
        values.containsKey(Key.SPIFFE_ID) ? identity(Key.SPIFFE_ID) : null,
        identity(Key.MESH_IDENTITY));
  }

  private SpiffeId identity(Key key) throws UsageException {
    try {
      SpiffeId id = SpiffeId.parse(value(key));
      if (id.hasPath()) {
        return id;
      }
    } catch (IllegalArgumentException e) {
      throw new UsageException(key.flag() + ": " + e.getMessage());
    }
    throw new UsageException(
        key.flag() + " " + value(key) + ": it names a trust domain, not a workload");
  }

  private String required(Key key) throws UsageException {
    String value = values.get(key);
    if (value == null) {
      throw new UsageException("--mesh needs " + key.flag() + " " + key.argument);
    }
    return value;
  }

  private Path required(Key key, Key beside) throws UsageException {
    if (!values.containsKey(key)) {
      throw new UsageException(beside.flag() + " needs " + key.flag() + " " + key.argument);
    }
    return path(key);
  }

  private static boolean hasPort(String text) {
    Matcher matcher = ADDRESS.matcher(text);
    return matcher.matches();
  }

  private static SocketAddressConfig address(Key key, String text, String defaultHost)
      throws UsageException {
    Matcher matcher = ADDRESS.matcher(text);
    if (!matcher.matches() || Integer.parseInt(matcher.group(2)) > 65535) {
      throw new UsageException(
          key.flag() + " " + text + ": expected an address such as 127.0.0.1:8080 or [::1]:8080");
    }
    String host = matcher.group(1);
    if (host == null || host.isEmpty() || host.equals("*")) {
      host = defaultHost;
    } else if (host.startsWith("[")) {
      host = host.substring(1, host.length() - 1);
    } else if (host.equals("localhost") && key != Key.TO && key != Key.MESH) {
      host = "127.0.0.1";
    }
    return new SocketAddressConfig(host, Integer.parseInt(matcher.group(2)));
  }

  private String value(Key key) {
    return values.getOrDefault(key, "");
  }

  private Path path(Key key) throws UsageException {
    try {
      return Path.of(value(key));
    } catch (InvalidPathException e) {
      throw new UsageException(key.flag() + ": '" + value(key) + "' is no file name");
    }
  }

  private boolean flag(Key key) throws UsageException {
    String value = values.getOrDefault(key, "false");
    return switch (value.toLowerCase(Locale.ROOT)) {
      case "true", "1", "yes" -> true;
      case "false", "0", "no" -> false;
      default -> throw new UsageException(key.flag() + ": expected true or false");
    };
  }

  private int number(Key key, int otherwise, int max) throws UsageException {
    String text = values.get(key);
    if (text == null) {
      return otherwise;
    }
    if (!text.matches("[0-9]{1,6}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > max) {
      throw new UsageException(key.flag() + " " + text + ": expected a number from 1 to " + max);
    }
    return Integer.parseInt(text);
  }

  private Duration duration(Key key, Duration otherwise) throws UsageException {
    String text = values.get(key);
    if (text == null) {
      return otherwise;
    }
    Matcher matcher = DURATION.matcher(text);
    if (!matcher.matches()) {
      throw new UsageException(
          key.flag() + " " + text + ": expected a time such as 300ms, 30s or 5m");
    }
    long count = Long.parseLong(matcher.group(1));
    return switch (matcher.group(2)) {
      case "ms" -> Duration.ofMillis(count);
      case "s" -> Duration.ofSeconds(count);
      case "m" -> Duration.ofMinutes(count);
      default -> Duration.ofHours(count);
    };
  }

  private String oneOf(Key key, List<String> choices, String otherwise) throws UsageException {
    String text = values.get(key);
    if (text == null) {
      return otherwise;
    }
    String choice = text.toLowerCase(Locale.ROOT);
    if (!choices.contains(choice)) {
      throw new UsageException(
          key.flag() + " " + text + ": expected one of " + String.join(", ", choices));
    }
    return choice;
  }

  private <E extends Enum<E>> E choice(Key key, Class<E> type, E otherwise) throws UsageException {
    String names =
        Arrays.stream(type.getEnumConstants())
            .map(c -> c.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(","));
    String chosen =
        oneOf(key, List.of(names.split(",")), otherwise.name().toLowerCase(Locale.ROOT));
    return Enum.valueOf(type, chosen.toUpperCase(Locale.ROOT));
  }
}
