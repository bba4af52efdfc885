package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * A real API server with its etcd on free ports of loopback, with RBAC, tokens for an administrator
 * and for the control plane, and an audit log of what the control plane does. There is no node and
 * no controller: what a cluster would write into a status, a test writes.
 */
final class KubeApi implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Of what etcd writes at once, below its bounds of 128 and of 1.5 MiB. */
  private static final int PUTS_AT_ONCE = 50;

  /** Whom the control plane is; the chart gives its service account the same name. */
  static final String CONTROL_PLANE = "system:serviceaccount:outrigger-system:outrigger";

  private final Path folder;
  private final Path binaries;
  private final int etcdPort;
  private final int etcdPeerPort;
  private final int port;
  private final Launched etcd;
  private final List<Launched> others = new ArrayList<>();
  private Launched server;
  private final List<String> prefix;
  private int starts;

  /** What a command said. */
  record Said(int exit, String out, String err) {
    /** Both streams, for messages. */
    String all() {
      return out + err;
    }
  }

  private KubeApi(Path folder, Path binaries, List<String> prefix) throws IOException {
    this.folder = folder;
    this.prefix = List.copyOf(prefix);
    this.binaries = binaries;
    List<Integer> ports = Peers.freePorts(3);
    etcdPort = ports.get(0);
    etcdPeerPort = ports.get(1);
    port = ports.get(2);
    writeFiles();
    etcd = startEtcd();
    server = startServer();
    boolean ready = false;
    try {
      awaitReady();
      ready = true;
    } finally {
      if (!ready) {
        close();
      }
    }
  }

  /**
   * Starts one that serves when this returns.
   *
   * @param folder empty; everything is kept there
   */
  static KubeApi start(Path folder) throws IOException {
    return start(folder, List.of());
  }

  /**
   * The same, its programs started by another, such as {@code taskset}.
   *
   * @param prefix that program with its arguments
   */
  static KubeApi start(Path folder, List<String> prefix) throws IOException {
    Path binaries = Path.of(Peers.require("kubernetes/kube-apiserver")).getParent();
    return new KubeApi(folder, binaries, prefix);
  }

  private void writeFiles() throws IOException {
    Files.createDirectories(folder);
    Files.writeString(
        folder.resolve("tokens.csv"),
        """
        admin-token,admin,1,"system:masters"
        outrigger-token,%s,2,"system:serviceaccounts,system:authenticated"
        nobody-token,nobody,3,"system:authenticated"
        """
            .formatted(CONTROL_PLANE));
    Files.writeString(
        folder.resolve("audit.yaml"),
        """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules:
          - level: Metadata
            users: ["%s"]
          - level: None
        """
            .formatted(CONTROL_PLANE));
    try {
      KeyPairGenerator keys = KeyPairGenerator.getInstance("RSA");
      keys.initialize(2048);
      Files.writeString(
          folder.resolve("accounts.key"),
          "-----BEGIN PRIVATE KEY-----\n"
              + Base64.getMimeEncoder(64, new byte[] {'\n'})
                  .encodeToString(keys.generateKeyPair().getPrivate().getEncoded())
              + "\n-----END PRIVATE KEY-----\n");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    for (String user : List.of("admin", "outrigger", "nobody")) {
      writeLogin(user, user + "-token");
    }
  }

  private Path writeLogin(String user, String token) throws IOException {
    Path file = kubeconfig(user);
    Files.writeString(
        file,
        """
        apiVersion: v1
        kind: Config
        clusters:
          - name: test
            cluster: {server: "https://127.0.0.1:%d", certificate-authority: "%s"}
        users:
          - name: %s
            user: {token: %s}
        contexts:
          - name: test
            context: {cluster: test, user: %s, namespace: default}
        current-context: test
        """
            .formatted(port, folder.resolve("certificates/apiserver.crt"), user, token, user));
    return file;
  }

  /** How a service account logs in, with a token that the API server makes for it. */
  Path loginOf(String namespace, String account) throws IOException, InterruptedException {
    String token = must("-n", namespace, "create", "token", account, "--duration=1h");
    return writeLogin(namespace + "-" + account, token.strip());
  }

  /**
   * Starts controllers, which have no rights but those of the administrator.
   *
   * @param names such as {@code garbage-collector-controller}
   */
  void startControllers(String... names) throws IOException {
    others.add(
        Launched.start(
            folder,
            "kube-controller-manager",
            List.of(
                Peers.require("kubernetes/kube-controller-manager"),
                "--kubeconfig=" + kubeconfig("admin"),
                "--leader-elect=false",
                "--secure-port=0",
                "--controllers=" + String.join(",", names))));
  }

  private Launched startEtcd() throws IOException {
    String url = "http://127.0.0.1:" + etcdPort;
    String peer = "http://127.0.0.1:" + etcdPeerPort;
    return Launched.start(
        folder,
        "etcd",
        command(
            Peers.require("etcd"),
            "--data-dir=" + folder.resolve("etcd-data"),
            "--listen-client-urls=" + url,
            "--advertise-client-urls=" + url,
            "--listen-peer-urls=" + peer,
            "--initial-advertise-peer-urls=" + peer,
            "--initial-cluster=default=" + peer,
            // What is written here is thrown away.
            "--unsafe-no-fsync"));
  }

  private Launched startServer() throws IOException {
    return Launched.start(
        folder,
        "kube-apiserver-" + ++starts,
        command(
            binaries.resolve("kube-apiserver").toString(),
            "--etcd-servers=http://127.0.0.1:" + etcdPort,
            "--secure-port=" + port,
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--cert-dir=" + folder.resolve("certificates"),
            "--token-auth-file=" + folder.resolve("tokens.csv"),
            "--authorization-mode=Node,RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=" + folder.resolve("accounts.key"),
            "--service-account-signing-key-file=" + folder.resolve("accounts.key"),
            "--service-cluster-ip-range=10.96.0.0/16,fd00:96::/112",
            // Nobody makes the accounts that it would ask for.
            "--disable-admission-plugins=ServiceAccount",
            "--audit-policy-file=" + folder.resolve("audit.yaml"),
            "--audit-log-path=" + folder.resolve("audit.log"),
            "--max-requests-inflight=200",
            "--watch-cache=true"));
  }

  private List<String> command(String... command) {
    List<String> all = new ArrayList<>(prefix);
    all.addAll(List.of(command));
    return all;
  }

  private void awaitReady() {
    Awaitility.await()
        .atMost(PATIENCE)
        .pollInterval(Duration.ofMillis(100))
        .failFast("etcd ended: " + etcd.said(), () -> !etcd.isAlive())
        .failFast("kube-apiserver ended", () -> !server.isAlive())
        .until(() -> kubectl("get", "--raw=/readyz").exit() == 0);
    // Made by the server itself a moment after it is ready.
    Awaitility.await()
        .atMost(PATIENCE)
        .until(() -> kubectl("get", "namespace", "default").exit() == 0);
  }

  /** How a user logs in: {@code admin}, {@code outrigger} or {@code nobody}. */
  Path kubeconfig(String user) {
    return folder.resolve(user + ".kubeconfig");
  }

  /** Where its API is, for the administrator, whose token is {@code admin-token}. */
  URI uri() {
    return URI.create("https://127.0.0.1:" + port);
  }

  /** What it shows, which is its own root. */
  Path certificate() {
    return folder.resolve("certificates/apiserver.crt");
  }

  /** Runs kubectl as the administrator. */
  Said kubectl(String... arguments) throws IOException, InterruptedException {
    return kubectlAs("admin", "", arguments);
  }

  /** Runs kubectl as the administrator, which must succeed, and gives its output. */
  String must(String... arguments) throws IOException, InterruptedException {
    Said said = kubectl(arguments);
    if (said.exit() != 0) {
      throw new AssertionError("kubectl " + String.join(" ", arguments) + ":\n" + said.all());
    }
    return said.out();
  }

  /** Where kubectl is. */
  Path binaries() {
    return binaries;
  }

  /** Applies documents and expects that they are taken. */
  void apply(String yaml) throws IOException, InterruptedException {
    Said said = kubectlAs("admin", yaml, "apply", "--server-side", "-f", "-");
    if (said.exit() != 0) {
      throw new AssertionError(said.all() + "\n" + yaml);
    }
  }

  /**
   * Installs the CRDs, ours and the Gateway API's, and the rights that the control plane has in all
   * of a cluster.
   */
  void install() throws IOException, InterruptedException {
    Path home = Path.of(System.getProperty("outrigger.home"));
    for (Path one :
        List.of(home.resolve("helm/outrigger/files/crds"), binaries.resolve("gateway-api"))) {
      Said said = kubectl("apply", "--server-side", "-f", one.toString());
      if (said.exit() != 0) {
        throw new AssertionError(said.all());
      }
    }
    String installed =
        Files.readString(
            home.resolve("cli/src/main/resources/dev/outrigger/cli/install/default.yaml"));
    for (String document : installed.split("(?m)^---$", -1)) {
      if (document.contains("\nkind: ClusterRole\n")
          && document.contains("\n  name: outrigger-outrigger-system\n")) {
        apply(document);
      }
    }
    Said bound =
        kubectl(
            "create",
            "clusterrolebinding",
            "outrigger",
            "--clusterrole=outrigger-outrigger-system",
            "--user=" + CONTROL_PLANE);
    Said established = kubectl("wait", "--for=condition=Established", "crd", "--all");
    if (bound.exit() != 0 || established.exit() != 0) {
      throw new AssertionError(bound.all() + established.all());
    }
  }

  /**
   * Installs the CRDs and what the chart makes, but for the webhook, which nobody serves here. The
   * namespace {@code outrigger-system} is there.
   */
  void installChart() throws IOException, InterruptedException {
    Path crds = Path.of(System.getProperty("outrigger.home"), "helm/outrigger/files/crds");
    Said made = kubectl("apply", "--server-side", "-f", crds.toString());
    if (made.exit() != 0) {
      throw new AssertionError(made.all());
    }
    Path out = folder.resolve("install.yaml");
    Path err = folder.resolve("install.err");
    Process install =
        new ProcessBuilder(Peers.outrigger("install"))
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    if (install.waitFor() != 0) {
      throw new AssertionError(Files.readString(err));
    }
    List<String> kept = new ArrayList<>();
    for (String document : Files.readString(out).split("(?m)^---$", -1)) {
      if (!document.contains("WebhookConfiguration")) {
        kept.add(document);
      }
    }
    apply(String.join("\n---\n", kept));
    Said established = kubectl("wait", "--for=condition=Established", "crd", "--all");
    if (established.exit() != 0) {
      throw new AssertionError(established.all());
    }
  }

  /** Runs kubectl. */
  Said kubectlAs(String user, String input, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(binaries.resolve("kubectl").toString());
    command.add("--kubeconfig=" + kubeconfig(user));
    command.add("--cache-dir=" + folder.resolve("kubectl-cache"));
    command.addAll(List.of(arguments));
    return run(command, Map.of(), input);
  }

  /** Runs a command whose home is here. */
  Said run(List<String> command, Map<String, String> environment, String input)
      throws IOException, InterruptedException {
    Path out = Files.createTempFile(folder, "kubectl", ".out");
    Path err = Files.createTempFile(folder, "kubectl", ".err");
    Path in = Files.createTempFile(folder, "kubectl", ".in");
    try {
      Files.writeString(in, input);
      ProcessBuilder builder =
          new ProcessBuilder(command)
              .redirectInput(in.toFile())
              .redirectOutput(out.toFile())
              .redirectError(err.toFile());
      builder.environment().put("HOME", folder.toString());
      builder.environment().putAll(environment);
      Process process = builder.start();
      if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("did not end: " + String.join(" ", command));
      }
      return new Said(
          process.exitValue(),
          Files.readString(out, StandardCharsets.UTF_8),
          Files.readString(err, StandardCharsets.UTF_8));
    } finally {
      Files.delete(out);
      Files.delete(err);
      Files.delete(in);
    }
  }

  /** What the control plane did: one JSON object a line. */
  List<String> audit() throws IOException {
    Path log = folder.resolve("audit.log");
    return Files.exists(log) ? Files.readAllLines(log) : List.of();
  }

  /**
   * Puts objects past the API server into etcd, which takes a hundredth of the time.
   *
   * @param objects as JSON, by where they are below {@code /registry/}
   */
  void store(Map<String, String> objects) throws IOException, InterruptedException {
    List<JsonObject> puts = new ArrayList<>();
    for (var one : objects.entrySet()) {
      JsonObject put = new JsonObject();
      put.addProperty("key", base64("/registry/" + one.getKey()));
      put.addProperty("value", base64(one.getValue()));
      JsonObject step = new JsonObject();
      step.add("requestPut", put);
      puts.add(step);
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (int i = 0; i < puts.size(); i += PUTS_AT_ONCE) {
        JsonArray steps = new JsonArray();
        puts.subList(i, Math.min(puts.size(), i + PUTS_AT_ONCE)).forEach(steps::add);
        JsonObject all = new JsonObject();
        all.add("success", steps);
        HttpResponse<String> response =
            http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + etcdPort + "/v3/kv/txn"))
                    .POST(HttpRequest.BodyPublishers.ofString(all.toString()))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
          throw new IOException("etcd: " + response.body());
        }
      }
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Ends the API server at once; etcd and what it keeps stay. */
  void lose() throws InterruptedException {
    server.kill();
  }

  /** Starts the API server again. */
  void restore() throws IOException {
    server = startServer();
    awaitReady();
  }

  @Override
  public void close() {
    others.forEach(Launched::close);
    server.close();
    etcd.close();
  }
}
