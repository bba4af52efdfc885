package dev.outrigger.e2e.kubernetes;

import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import dev.outrigger.e2e.kubernetes.Machine.Said;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;

/**
 * A whole cluster of one node, on a {@link Machine}: etcd, API server, controllers, scheduler,
 * kubelet with containerd, and kube-proxy. Names of services are told by dnsmasq, which knows those
 * that {@link #publishNames} found. There is no registry: images are loaded from archives.
 */
final class RealNode implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final String NAME = "node";

  private final Machine machine;
  private final Containers containers;
  private final Path folder;
  private final Path binaries;
  private final List<Launched> started = new ArrayList<>();

  private RealNode(Machine machine, Containers containers) {
    this.machine = machine;
    this.containers = containers;
    this.folder = machine.folder();
    this.binaries = Path.of(Peers.require("kubernetes/kubelet")).getParent();
  }

  /**
   * Starts one that takes pods when this returns.
   *
   * @param folder empty; everything is kept there
   */
  static RealNode start(Path folder) throws Exception {
    Machine machine = Machine.start(folder);
    RealNode node = null;
    boolean ready = false;
    try {
      Containers containers = Containers.start(machine);
      node = new RealNode(machine, containers);
      containers.load(node.binaries.resolve("pause.tar"));
      node.startServer();
      node.startRest();
      ready = true;
      return node;
    } finally {
      if (!ready) {
        if (node != null) {
          node.tellLogs();
        }
        machine.close();
      }
    }
  }

  private void startServer() throws Exception {
    Files.createDirectories(folder.resolve("names"));
    Files.createDirectories(folder.resolve("kubelet"));
    Files.writeString(folder.resolve("tokens.csv"), "admin-token,admin,1,\"system:masters\"\n");
    Files.writeString(folder.resolve("resolv.conf"), "nameserver " + Machine.ADDRESS + "\n");
    writeAccountsKey();
    writeKubeconfig();
    launch(
        "etcd",
        Map.of(),
        Peers.require("etcd"),
        "--data-dir=" + folder.resolve("etcd-data"),
        "--unsafe-no-fsync");
    launch(
        "kube-apiserver",
        "--etcd-servers=http://127.0.0.1:2379",
        "--bind-address=0.0.0.0",
        "--advertise-address=" + Machine.ADDRESS,
        "--kubelet-preferred-address-types=InternalIP",
        "--cert-dir=" + folder.resolve("certificates"),
        "--token-auth-file=" + folder.resolve("tokens.csv"),
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--service-account-key-file=" + folder.resolve("accounts.key"),
        "--service-account-signing-key-file=" + folder.resolve("accounts.key"),
        "--service-cluster-ip-range=10.96.0.0/16");
    await("the API server", () -> kubectl("get", "--raw=/readyz"));
  }

  private void startRest() throws Exception {
    String kubeconfig = "--kubeconfig=" + kubeconfig();
    launch(
        "kube-controller-manager",
        kubeconfig,
        "--leader-elect=false",
        "--service-account-private-key-file=" + folder.resolve("accounts.key"),
        "--root-ca-file=" + folder.resolve("certificates/apiserver.crt"));
    launch("kube-scheduler", kubeconfig, "--leader-elect=false");
    Files.writeString(folder.resolve("kubelet.yaml"), kubeletSettings());
    launch(
        "kubelet",
        kubeconfig,
        "--config=" + folder.resolve("kubelet.yaml"),
        "--root-dir=" + folder.resolve("kubelet"),
        "--cert-dir=" + folder.resolve("kubelet/pki"),
        "--hostname-override=" + NAME,
        "--node-ip=" + Machine.ADDRESS);
    Files.writeString(
        folder.resolve("kube-proxy.yaml"),
        """
        apiVersion: kubeproxy.config.k8s.io/v1alpha1
        kind: KubeProxyConfiguration
        clientConnection: {kubeconfig: "%s"}
        mode: nftables
        clusterCIDR: 10.244.0.0/24
        hostnameOverride: %s
        conntrack: {maxPerCore: 0}
        """
            .formatted(kubeconfig(), NAME));
    launch("kube-proxy", "--config=" + folder.resolve("kube-proxy.yaml"));
    launch(
        "dnsmasq",
        Map.of(),
        Peers.require("dnsmasq"),
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--listen-address=" + Machine.ADDRESS,
        "--user=root",
        "--pid-file=" + folder.resolve("dnsmasq.pid"),
        "--log-facility=-",
        // Whoever is not in the folder does not exist.
        "--address=/#/",
        "--hostsdir=" + folder.resolve("names"));
    await("the node", () -> kubectl("wait", "--for=condition=Ready", "node/" + NAME));
    await("accounts", () -> kubectl("-n", "default", "get", "serviceaccount", "default"));
  }

  private String kubeletSettings() {
    return """
    apiVersion: kubelet.config.k8s.io/v1beta1
    kind: KubeletConfiguration
    failCgroupV1: false
    cgroupDriver: cgroupfs
    enforceNodeAllocatable: []
    authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
    authorization: {mode: AlwaysAllow}
    containerRuntimeEndpoint: unix://%1$s
    failSwapOn: false
    resolvConf: %2$s/resolv.conf
    podLogsDir: %2$s/pods
    volumePluginDir: %2$s/kubelet/volume-plugins
    clusterDomain: cluster.local
    clusterDNS: [%3$s]
    imageGCHighThresholdPercent: 100
    evictionHard: {memory.available: "50Mi", nodefs.available: "1%%", imagefs.available: "1%%"}
    """
        .formatted(containers.socket(), folder, Machine.ADDRESS);
  }

  private void launch(String program, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(binaries.resolve(program).toString()));
    command.addAll(List.of(arguments));
    started.add(machine.launch(program, command, Map.of()));
  }

  private void launch(String name, Map<String, String> environment, String... command)
      throws IOException {
    started.add(machine.launch(name, List.of(command), environment));
  }

  private interface Asked {
    Said ask() throws Exception;
  }

  private void await(String what, Asked asked) {
    Awaitility.await(what)
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(200))
        .until(
            () -> {
              mustLive();
              return asked.ask().exit() == 0;
            });
  }

  private void mustLive() {
    for (Launched one : started) {
      if (!one.isAlive()) {
        throw new AssertionError(one.name() + " ended:\n" + end(one.said()));
      }
    }
  }

  private void writeAccountsKey() throws IOException {
    try {
      KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA");
      keys.initialize(2048);
      byte[] key = keys.generateKeyPair().getPrivate().getEncoded();
      Files.writeString(
          folder.resolve("accounts.key"),
          "-----BEGIN PRIVATE KEY-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(key)
              + "\n-----END PRIVATE KEY-----\n");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void writeKubeconfig() throws IOException {
    Files.writeString(
        kubeconfig(),
        """
        apiVersion: v1
        kind: Config
        clusters:
          - name: test
            cluster: {server: "https://%s:6443", certificate-authority: "%s"}
        users:
          - {name: admin, user: {token: admin-token}}
        contexts:
          - {name: test, context: {cluster: test, user: admin}}
        current-context: test
        """
            .formatted(Machine.ADDRESS, folder.resolve("certificates/apiserver.crt")));
  }

  /** Of one who may do everything. */
  Path kubeconfig() {
    return folder.resolve("kubeconfig");
  }

  Containers containers() {
    return containers;
  }

  /** Runs a command on the node, outside of all pods. */
  Said onNode(String... command) throws IOException, InterruptedException {
    return machine.run(PATIENCE, "", Map.of(), List.of(command));
  }

  /** The same with a surrounding of its own, and time to wait for what it starts. */
  Said onNode(Map<String, String> environment, String... command)
      throws IOException, InterruptedException {
    return machine.run(PATIENCE.multipliedBy(3), "", environment, List.of(command));
  }

  /** The Gateway API's kinds, as its release has them. */
  Path gatewayKinds() {
    return binaries.resolve("gateway-api");
  }

  /** Where the node's programs are. */
  Path binaries() {
    return binaries;
  }

  /** Starts a program on the node that may do everything in the cluster. */
  Launched launchAsAdmin(String name, String... command) throws IOException {
    return machine.launch(name, List.of(command), Map.of("KUBECONFIG", kubeconfig().toString()));
  }

  Said kubectl(String... arguments) throws IOException, InterruptedException {
    return kubectlWith("", arguments);
  }

  Said kubectlWith(String input, String... arguments) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(binaries.resolve("kubectl").toString(), "--kubeconfig=" + kubeconfig()));
    command.addAll(List.of(arguments));
    return machine.run(PATIENCE.multipliedBy(2), input, Map.of(), command);
  }

  /** Runs kubectl, which must succeed, and gives its output. */
  String must(String... arguments) throws IOException, InterruptedException {
    Said said = kubectl(arguments);
    if (said.exit() != 0) {
      throw new AssertionError("kubectl " + String.join(" ", arguments) + ":\n" + said.all());
    }
    return said.out();
  }

  /** Applies documents and expects that they are taken. */
  void apply(String yaml) throws IOException, InterruptedException {
    Said said = kubectlWith(yaml, "apply", "--server-side", "-f", "-");
    if (said.exit() != 0) {
      throw new AssertionError(said.all() + "\n" + yaml);
    }
  }

  /** Installs the chart as its users do, and waits until it is ready. */
  void installChart(String... values) throws IOException, InterruptedException {
    must("apply", "--server-side", "-f", gatewayKinds().toString());
    List<String> command =
        new ArrayList<>(
            List.of(
                Peers.require("helm/helm"),
                "--kubeconfig=" + kubeconfig(),
                "install",
                "outrigger",
                Path.of(System.getProperty("outrigger.home"), "helm/outrigger").toString(),
                "--namespace=outrigger-system",
                "--create-namespace",
                "--wait",
                "--timeout=80s"));
    for (String value : values) {
      command.add("--set=" + value);
    }
    Said said = machine.run(PATIENCE, "", Map.of(), command);
    if (said.exit() != 0) {
      throw new AssertionError(said.all() + state("outrigger-system"));
    }
    publishNames();
  }

  /** Tells all services of the cluster by their names; to be called after some were made. */
  void publishNames() throws IOException, InterruptedException {
    String hosts =
        must(
            "get",
            "services",
            "-A",
            "-o",
            "jsonpath={range .items[*]}{.spec.clusterIP} {.metadata.name}.{.metadata.namespace}"
                + ".svc.cluster.local{\"\\n\"}{end}");
    Peers.replace(folder.resolve("names/services"), hosts);
  }

  /** What is the matter with a namespace, for messages. */
  String state(String namespace) throws IOException, InterruptedException {
    StringBuilder all = new StringBuilder();
    all.append(kubectl("-n", namespace, "get", "pods,jobs", "-o", "wide").all());
    all.append(kubectl("-n", namespace, "get", "events", "--sort-by=.lastTimestamp").all());
    for (String pod : kubectl("-n", namespace, "get", "pods", "-o", "name").out().split("\n", -1)) {
      if (!pod.isBlank()) {
        all.append("\n--- ").append(pod).append('\n');
        all.append(
            kubectl("-n", namespace, "logs", pod, "--all-containers", "--prefix", "--tail=40")
                .all());
      }
    }
    return all.toString();
  }

  private void tellLogs() {
    for (Launched one : started) {
      System.err.println("--- " + one.name() + "\n" + end(one.said()));
    }
  }

  private static String end(String log) {
    return log.substring(Math.max(0, log.length() - 3000));
  }

  @Override
  public void close() {
    machine.close();
  }
}
