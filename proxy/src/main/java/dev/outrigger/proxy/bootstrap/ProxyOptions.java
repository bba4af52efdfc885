package dev.outrigger.proxy.bootstrap;

import dev.outrigger.proxy.config.AppProbe;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.tls.SpiffeId;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the user asked for on the command line and in the environment.
 *
 * @param source where the configuration comes from
 * @param mode what is to be done
 * @param unsupported what happens to fields that are set and not supported
 * @param printConfig print the effective bootstrap and end
 * @param concurrency number of workers; 0 takes the number of cores that this process may use
 * @param transport {@code io_uring}, {@code epoll}, {@code nio}, or empty for the best that works
 * @param admin where the admin server listens; null takes what the configuration says
 * @param drainTime how long a proxy that was told to end waits for what is under way
 * @param minBodyRate the bytes per second that a request's body must come with; 0 asks nothing
 * @param logLevel {@code error}, {@code warn}, {@code info}, {@code debug} or {@code trace}
 * @param stateFolder where the last good configuration is kept; null keeps none
 * @param toxiproxyApi where Toxiproxy's HTTP API is served; null serves none
 * @param faults whether this proxy may be told of faults; false keeps everything of them off the
 *     way of requests and asks the control plane for none
 * @param explainToken who shows it is told why a request goes as it goes; null allows nobody but
 *     those to whom the admin server gives a token
 * @param watched what those who watch over a pod from outside may see
 */
public record ProxyOptions(
    Source source,
    Mode mode,
    Unsupported unsupported,
    boolean printConfig,
    int concurrency,
    String transport,
    @Nullable SocketAddressConfig admin,
    Duration drainTime,
    int minBodyRate,
    String logLevel,
    @Nullable Path stateFolder,
    @Nullable SocketAddressConfig toxiproxyApi,
    boolean faults,
    @Nullable String explainToken,
    Watched watched) {
  /** Bytes per second that any client in use today reaches. */
  public static final int USUAL_BODY_RATE = 240;

  /**
   * Reads arguments and environment; a flag wins over its variable.
   *
   * @throws UsageException with a message for the user
   */
  public static ProxyOptions parse(List<String> arguments, Map<String, String> environment)
      throws UsageException {
    return new OptionParser(arguments, environment).parse();
  }

  /** One line for each flag. */
  public static String help() {
    return OptionParser.help();
  }

  /**
   * What is served beside a pod, for those outside of it.
   *
   * @param health where kubelet asks; null serves nothing
   * @param metrics where metrics are scraped; null serves nothing
   * @param podAddress where the application listens
   * @param appProbes of the application, by the path that kubelet asks for
   */
  public record Watched(
      @Nullable SocketAddressConfig health,
      @Nullable SocketAddressConfig metrics,
      String podAddress,
      Map<String, AppProbe> appProbes) {
    /** Nothing is served. */
    public static final Watched NOTHING = new Watched(null, null, "127.0.0.1", Map.of());

    public Watched {
      appProbes = Map.copyOf(appProbes);
    }
  }

  /** What is to be done. */
  public enum Mode {
    SERVE,
    /** Check the configuration, say what is wrong, and end. */
    VALIDATE
  }

  /** What happens to fields that are set and not supported. */
  public enum Unsupported {
    ERROR,
    WARN
  }

  /** Where the configuration comes from. */
  public sealed interface Source {
    /**
     * An Envoy v3 bootstrap.
     *
     * @param file YAML or JSON; null if there is only text
     * @param text YAML that is merged over the file; null if there is only a file
     */
    record Bootstrap(@Nullable Path file, @Nullable String text) implements Source {}

    /** One listener in front of one cluster, said in flags. */
    record OneLine(
        SocketAddressConfig listen,
        List<SocketAddressConfig> to,
        Protocol protocol,
        @Nullable ServerTls tls,
        @Nullable ClientTls upstreamTls)
        implements Source {
      public OneLine {
        to = List.copyOf(to);
      }
    }

    /** Nothing of its own: all proxies are made by Toxiproxy's API. */
    record Toxiproxy() implements Source {}

    /** Membership in a mesh. */
    record Mesh(MeshJoin join) implements Source {}
  }

  /** What clients of a one-line proxy speak. */
  public enum Protocol {
    AUTO,
    HTTP,
    TCP
  }

  /**
   * TLS towards clients.
   *
   * @param clientCa PEM file with roots; null asks clients for no certificate
   */
  public record ServerTls(Path certificate, Path key, @Nullable Path clientCa) {}

  /**
   * TLS towards servers.
   *
   * @param ca PEM file with roots
   * @param serverName sent as SNI and looked for in the certificate; null takes the address
   */
  public record ClientTls(
      Path ca, @Nullable String serverName, @Nullable Path certificate, @Nullable Path key) {}

  /**
   * How a mesh is joined.
   *
   * @param controlPlanes the TLS port of each replica; all have one name, and are tried in turn
   * @param serverName the name in its certificate
   * @param membership how this workload gets its identity, and knows the control plane
   * @param workload this workload's name
   * @param namespace this workload's namespace
   */
  public record MeshJoin(
      List<SocketAddressConfig> controlPlanes,
      String serverName,
      Membership membership,
      String workload,
      String namespace) {
    public MeshJoin {
      controlPlanes = List.copyOf(controlPlanes);
    }
  }

  /** How a workload gets its identity, and knows the control plane. */
  public sealed interface Membership {
    /**
     * The control plane issues it.
     *
     * @param token proves who this workload is
     * @param rootCa PEM file with the roots that vouch for the control plane
     */
    record Issued(JoinToken token, Path rootCa) implements Membership {}

    /**
     * The SPIFFE Workload API gives it, and the roots that vouch for the control plane.
     *
     * @param socket of the agent
     * @param wanted which identity, where the agent gives several; null takes the usual one
     * @param controlPlane who must answer; this workload must be of its trust domain
     */
    record Attested(Path socket, @Nullable SpiffeId wanted, SpiffeId controlPlane)
        implements Membership {}
  }

  /** A join token, inline or in a file that may be replaced. */
  public sealed interface JoinToken {
    /** Never printed. */
    record Inline(String text) implements JoinToken {
      @Override
      public String toString() {
        return "Inline[...]";
      }
    }

    record File(Path path) implements JoinToken {}
  }
}
