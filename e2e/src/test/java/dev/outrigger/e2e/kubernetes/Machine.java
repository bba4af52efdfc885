package dev.outrigger.e2e.kubernetes;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.opentest4j.TestAbortedException;

/**
 * A machine of its own as far as a container runtime can tell: network, mounts and processes in
 * namespaces that end, with all that runs in them, when this is closed. Needs root.
 */
final class Machine implements AutoCloseable {
  /** The machine's only address beside loopback; there is no way out of it. */
  static final String ADDRESS = "10.199.0.1";

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");

  private final Path folder;
  private final Launched holder;
  private final long inside;

  /** What a command said. */
  record Said(int exit, String out, String err) {
    String all() {
      return out + err;
    }
  }

  private Machine(Path folder, Launched holder, long inside) {
    this.folder = folder;
    this.holder = holder;
    this.inside = inside;
  }

  /**
   * Makes one.
   *
   * @param folder empty; what runs in the machine keeps everything there
   */
  static Machine start(Path folder) throws IOException, InterruptedException {
    if (!Peers.isRoot() && !"required".equals(System.getenv("OUTRIGGER_PEERS"))) {
      throw new TestAbortedException("a machine of its own needs root");
    }
    Files.createDirectories(folder);
    Launched holder =
        Launched.start(
            folder,
            "machine",
            List.of(
                Peers.require("unshare"),
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child=KILL",
                "--mount-proc",
                "--propagation=private",
                // As the first process it buries those whose parents are gone.
                Peers.require("kubernetes/pause")));
    boolean made = false;
    try {
      ProcessHandle outside = ProcessHandle.of(holder.pid()).orElseThrow();
      Awaitility.await()
          .atMost(PATIENCE)
          .until(() -> outside.children().anyMatch(child -> ours(child, "pause")));
      Machine machine =
          new Machine(folder, holder, outside.children().findFirst().orElseThrow().pid());
      machine.must(
          "sh",
          "-ec",
          """
          mkdir -p /var/lib/cni /var/lib/kubelet
          mount -t tmpfs tmpfs /run
          mount -t tmpfs tmpfs /var/lib/cni
          mount -t tmpfs tmpfs /var/lib/kubelet
          ip link set lo up
          ip link add node0 type veth peer name node1
          ip addr add %1$s/24 dev node0
          ip link set node1 up
          ip link set node0 up
          ip route add default via 10.199.0.254
          echo 1 >/proc/sys/net/ipv4/ip_forward
          """
              .formatted(ADDRESS));
      made = true;
      return machine;
    } finally {
      if (!made) {
        holder.close();
      }
    }
  }

  private static boolean ours(ProcessHandle process, String name) {
    return process.info().command().map(command -> command.endsWith("/" + name)).orElse(false);
  }

  private List<String> in(List<String> command) {
    List<String> all =
        new ArrayList<>(
            List.of(
                Peers.require("nsenter"), "--target=" + inside, "--mount", "--net", "--pid", "--"));
    all.addAll(command);
    return all;
  }

  /** Starts a program that ends with the machine at the latest. */
  Launched launch(String name, List<String> command, Map<String, String> environment)
      throws IOException {
    return Launched.start(folder, name, in(command), environment);
  }

  /** Runs a command to its end. */
  Said run(Duration patience, String input, Map<String, String> environment, List<String> command)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile(folder, "run", ".out");
    Path err = Files.createTempFile(folder, "run", ".err");
    Path given = Files.createTempFile(folder, "run", ".in");
    try {
      Files.writeString(given, input);
      ProcessBuilder builder =
          new ProcessBuilder(in(command))
              .redirectInput(given.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().put("HOME", folder.toString());
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new AssertionError(
            String.join(" ", command) + " did not end:\n" + read(out) + read(err));
      }
      return new Said(process.exitValue(), read(out), read(err));
    } finally {
      Files.delete(out);
      Files.delete(err);
      Files.delete(given);
    }
  }

  /** Runs a command that must succeed, and gives its output. */
  String must(String... command) throws IOException, InterruptedException {
    Said said = run(PATIENCE, "", Map.of(), List.of(command));
    if (said.exit() != 0) {
      throw new AssertionError(String.join(" ", command) + ":\n" + said.all());
    }
    return said.out();
  }

  private static String read(Path file) throws IOException {
    return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
  }

  Path folder() {
    return folder;
  }

  @Override
  public void close() {
    holder.close();
    // Everything in the namespaces is killed now; what remains are the empty folders of its
    // cgroups.
    try {
      Awaitility.await()
          .atMost(PATIENCE)
          // The runtime, as it dies, removes folders that are being looked at.
          .ignoreException(UncheckedIOException.class)
          .ignoreException(NoSuchFileException.class)
          .until(Machine::removedCgroups);
    } catch (ConditionTimeoutException e) {
      System.err.println("folders of cgroups are left under " + CGROUPS);
    }
  }

  private static boolean removedCgroups() throws IOException {
    boolean left = false;
    try (Stream<Path> controllers = Files.list(CGROUPS)) {
      for (Path controller : controllers.toList()) {
        for (String top : List.of("kubepods", "k8s.io")) {
          if (Files.isDirectory(controller.resolve(top))) {
            try (Stream<Path> below = Files.walk(controller.resolve(top))) {
              for (Path one :
                  below.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList()) {
                left |= !one.toFile().delete();
              }
            }
          }
        }
      }
    }
    return !left;
  }
}
