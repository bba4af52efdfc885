package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A real SPIRE: a server with its database in a folder and an agent on this machine, which knows
 * processes by their group.
 */
public final class Spire implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String AGENT = "spiffe://cluster.local/agent";

  private final Path folder;
  private final int port;
  private final Launched server;
  private Launched agent;
  private int starts;

  /** Starts both, and waits until the agent is in. */
  public Spire(Path folder) throws Exception {
    this.folder = Files.createDirectories(folder);
    port = Peers.freePorts(1).getFirst();
    Files.writeString(
        folder.resolve("server.conf"),
        """
        server {
          bind_address = "127.0.0.1"
          bind_port = "%d"
          socket_path = "%s"
          trust_domain = "cluster.local"
          data_dir = "%s"
          log_level = "WARN"
        }
        plugins {
          DataStore "sql" {
            plugin_data { database_type = "sqlite3", connection_string = "%s" }
          }
          NodeAttestor "join_token" { plugin_data {} }
          KeyManager "memory" { plugin_data {} }
        }
        """
            .formatted(port, serverSocket(), folder, folder.resolve("entries.sqlite3")));
    Files.writeString(
        folder.resolve("agent.conf"),
        """
        agent {
          server_address = "127.0.0.1"
          server_port = "%d"
          socket_path = "%s"
          trust_domain = "cluster.local"
          data_dir = "%s"
          insecure_bootstrap = true
          log_level = "WARN"
          experimental { sync_interval = "1s" }
        }
        plugins {
          NodeAttestor "join_token" { plugin_data {} }
          KeyManager "disk" { plugin_data { directory = "%s" } }
          WorkloadAttestor "unix" { plugin_data {} }
        }
        """
            .formatted(port, socket(), folder.resolve("agent"), folder.resolve("agent")));
    Files.createDirectories(folder.resolve("agent"));
    server =
        Launched.start(
            folder,
            "spire-server",
            List.of(
                Peers.require("spire-server"),
                "run",
                "-config",
                folder.resolve("server.conf").toString()));
    boolean ready = false;
    try {
      Awaitility.await("the server")
          .atMost(PATIENCE)
          .failFast("it ended", () -> !server.isAlive())
          .until(() -> Files.exists(serverSocket()) && ask("healthcheck").contains("healthy"));
      String token = ask("token", "generate", "-spiffeID", AGENT).replaceAll("(?s).*Token: ", "");
      agent = startAgent("-joinToken", token.strip());
      ready = true;
    } finally {
      if (!ready) {
        server.close();
      }
    }
  }

  private Path serverSocket() {
    return folder.resolve("server.sock");
  }

  /** Of the Workload API. */
  public Path socket() {
    return folder.resolve("agent.sock");
  }

  /** Ends the agent at once. */
  public void killAgent() throws InterruptedException {
    agent.kill();
  }

  /** Starts it again, as who it was. */
  public void restartAgent() throws IOException {
    agent = startAgent();
  }

  private Launched startAgent(String... more) throws IOException {
    Files.deleteIfExists(socket());
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("spire-agent"),
                "run",
                "-config",
                folder.resolve("agent.conf").toString()));
    command.addAll(List.of(more));
    Launched started = Launched.start(folder, "spire-agent-" + ++starts, command);
    Awaitility.await("the agent")
        .atMost(PATIENCE)
        .failFast(started.name() + " ended", () -> !started.isAlive())
        .until(() -> Files.exists(socket()));
    return started;
  }

  /**
   * Registers an identity.
   *
   * @param group of the processes that have it
   * @param seconds that each certificate lives
   */
  public void register(String identity, int group, int seconds) throws Exception {
    String said =
        ask(
            "entry",
            "create",
            "-parentID",
            AGENT,
            "-spiffeID",
            identity,
            "-selector",
            "unix:gid:" + group,
            "-x509SVIDTTL",
            Integer.toString(seconds));
    if (!said.contains(identity)) {
      throw new AssertionError("no entry was made: " + said);
    }
  }

  private String ask(String... what) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(Peers.require("spire-server")));
    command.addAll(List.of(what));
    command.addAll(List.of("-socketPath", serverSocket().toString()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    return said;
  }

  /** A command whose process is of a group, which is how the agent knows it. */
  public static List<String> as(int group, List<String> command) {
    List<String> all = new ArrayList<>();
    all.addAll(List.of(Peers.require("setpriv"), "--regid=" + group, "--clear-groups"));
    all.addAll(command);
    return all;
  }

  /** What both have said, for a failed test. */
  public String logs() {
    return server.said() + agent.said();
  }

  @Override
  public void close() {
    agent.close();
    server.close();
  }
}
