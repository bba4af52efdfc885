package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.Machine.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** Debian's containerd and runc on a {@link Machine}, with pods on a network of their own. */
final class Containers implements AutoCloseable {
  /** What {@code make images} makes, and what the chart asks for. */
  static final String IMAGE = "ghcr.io/outrigger/outrigger:0.1.0";

  private static final Duration PATIENCE = Duration.ofSeconds(90);

  private final Machine machine;
  private final Launched daemon;
  private int runs;

  private Containers(Machine machine, Launched daemon) {
    this.machine = machine;
    this.daemon = daemon;
  }

  static Containers start(Machine machine) throws IOException {
    Path folder = machine.folder();
    Files.createDirectories(folder.resolve("cni"));
    Files.writeString(
        folder.resolve("cni/10-pods.conflist"),
        """
        {"cniVersion": "0.4.0", "name": "pods", "plugins": [
          {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "%s",
           "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
        """
            .formatted(folder.resolve("addresses")));
    Files.writeString(
        folder.resolve("containerd.toml"),
        """
        version = 2
        root = "%1$s/containerd/root"
        state = "%1$s/containerd/state"
        [grpc]
          address = "%1$s/containerd.sock"
        [plugins."io.containerd.grpc.v1.cri"]
          restrict_oom_score_adj = true
          netns_mounts_under_state_dir = true
          sandbox_image = "localhost/pause:1"
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
            runtime_type = "io.containerd.runc.v2"
            [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
              Root = "%1$s/runc"
          [plugins."io.containerd.grpc.v1.cri".cni]
            bin_dir = "/usr/lib/cni"
            conf_dir = "%1$s/cni"
        """
            .formatted(folder));
    Launched daemon =
        machine.launch(
            "containerd",
            List.of(Peers.require("containerd"), "--config=" + folder.resolve("containerd.toml")),
            Map.of());
    Containers containers = new Containers(machine, daemon);
    Awaitility.await("containerd")
        .atMost(PATIENCE)
        .failFast(() -> !daemon.isAlive())
        .until(() -> containers.ctr("version").exit() == 0);
    return containers;
  }

  /** Where the kubelet finds it. */
  String socket() {
    return machine.folder().resolve("containerd.sock").toString();
  }

  /** Our own image's archive; fails where it was not built. */
  static Path archive() {
    Path folder = Path.of(System.getProperty("outrigger.home"), "target/image");
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "arm64" : "amd64";
    Path archive = folder.resolve("outrigger-" + architecture + ".tar");
    if (!Files.exists(archive)) {
      throw new AssertionError(archive + " is missing; `make images` makes it");
    }
    return archive;
  }

  /** Loads an archive, as one would on a node without a registry. */
  void load(Path archive) throws IOException, InterruptedException {
    Said said = ctr("images", "import", archive.toString());
    if (said.exit() != 0) {
      throw new AssertionError(said.all());
    }
  }

  Said ctr(String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(Peers.require("ctr"), "--address=" + socket(), "--namespace=k8s.io"));
    command.addAll(List.of(arguments));
    return machine.run(PATIENCE, "", Map.of(), command);
  }

  /**
   * Runs a command in a container of our image that may write nowhere and has a network of its own,
   * by runc itself: nothing adds anything.
   *
   * @param capabilities all that it has
   */
  Said run(int user, Set<String> capabilities, List<String> command, String... environment)
      throws IOException, InterruptedException {
    List<String> alone = alone(user, capabilities, command, null, environment);
    return machine.run(PATIENCE, "", Map.of(), alone);
  }

  /**
   * Starts a command in such a container, without any capability, under a seccomp profile.
   *
   * @param profile as the container runtime takes it, and with it a kubelet
   */
  Launched launch(int user, Path profile, List<String> command)
      throws IOException, InterruptedException {
    JsonObject seccomp = JsonParser.parseString(Files.readString(profile)).getAsJsonObject();
    List<String> alone = alone(user, Set.of(), command, seccomp);
    return machine.launch("run-" + runs, alone, Map.of());
  }

  private List<String> alone(
      int user,
      Set<String> capabilities,
      List<String> command,
      @Nullable JsonObject seccomp,
      String... environment)
      throws IOException, InterruptedException {
    Path bundle = Files.createDirectories(machine.folder().resolve("run-" + ++runs));
    Path rootfs = machine.folder().resolve("rootfs");
    if (!Files.exists(rootfs)) {
      Files.createDirectories(rootfs);
      Said mounted = ctr("images", "mount", IMAGE, rootfs.toString());
      if (mounted.exit() != 0) {
        throw new AssertionError(mounted.all());
      }
    }
    machine.must(Peers.require("runc"), "spec", "--bundle=" + bundle);
    Path file = bundle.resolve("config.json");
    JsonObject spec = JsonParser.parseString(Files.readString(file)).getAsJsonObject();
    JsonObject root = new JsonObject();
    root.addProperty("path", rootfs.toString());
    root.addProperty("readonly", true);
    spec.add("root", root);
    JsonObject process = spec.getAsJsonObject("process");
    process.addProperty("terminal", false);
    process.getAsJsonObject("user").addProperty("uid", user);
    process.getAsJsonObject("user").addProperty("gid", user);
    process.add("args", array(command));
    List<String> all = new ArrayList<>(List.of("PATH=/outrigger/bin:/usr/sbin", "LANG=C.UTF-8"));
    all.addAll(List.of(environment));
    process.add("env", array(all));
    JsonObject kept = new JsonObject();
    for (String set : List.of("bounding", "effective", "permitted")) {
      kept.add(set, array(capabilities));
    }
    process.add("capabilities", kept);
    if (seccomp != null) {
      spec.getAsJsonObject("linux").add("seccomp", seccomp);
    }
    Files.writeString(file, spec.toString());
    return List.of(
        Peers.require("runc"),
        "--root=" + machine.folder().resolve("runc-alone"),
        "run",
        "--bundle=" + bundle,
        "run-" + runs);
  }

  private static JsonArray array(Collection<String> texts) {
    JsonArray array = new JsonArray();
    texts.forEach(array::add);
    return array;
  }

  @Override
  public void close() {
    daemon.close();
  }
}
