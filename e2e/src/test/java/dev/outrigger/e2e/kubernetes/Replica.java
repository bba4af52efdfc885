package dev.outrigger.e2e.kubernetes;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.Launched;
import dev.outrigger.e2e.harness.Peers;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/** One of the control planes that share a Lease, as a process of its own. */
final class Replica implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Set<String> WRITES = Set.of("create", "update", "patch", "delete");

  private final String name;
  private final int xdsTls;
  private final int api;
  private final List<String> command;
  private final Path folder;
  private Launched process;
  private int starts;

  private Replica(
      Path folder, String name, List<Integer> ports, Function<List<Integer>, List<String>> command)
      throws IOException {
    this.folder = folder;
    this.name = name;
    this.xdsTls = ports.get(0);
    this.api = ports.get(1);
    this.command = command.apply(ports);
    this.process = Launched.start(folder, name, this.command, Map.of());
  }

  private static List<String> flags(
      Path folder, KubeApi kube, String name, int xds, int xdsTls, int api) {
    return Peers.outrigger(
        "control-plane",
        "--kubernetes",
        "--kubeconfig=" + kube.kubeconfig("outrigger"),
        "--state=" + folder.resolve("state-" + name),
        "--bind=127.0.0.1",
        "--xds-port=" + xds,
        "--xds-tls-port=" + xdsTls,
        "--api-port=" + api,
        "--ca-secret=outrigger-ca",
        "--lease=outrigger",
        "--pod-name=" + name,
        "--pod-namespace=outrigger-system");
  }

  /** One that has nobody to share with, so that its lease may last as long as it does by itself. */
  static Replica startAlone(Path folder, KubeApi kube, String name, List<String> prefix)
      throws IOException {
    return start(folder, kube, name, prefix, 0, List.of());
  }

  /** Starts one; does not wait. */
  static Replica start(Path folder, KubeApi kube, String name) throws IOException {
    return start(folder, kube, name, List.of());
  }

  /**
   * The same, started by another program.
   *
   * @param prefix that program with its arguments
   */
  static Replica start(Path folder, KubeApi kube, String name, List<String> prefix)
      throws IOException {
    return start(folder, kube, name, prefix, 0);
  }

  /**
   * The same.
   *
   * @param xds the port of xDS without TLS; 0 takes a free one
   */
  static Replica start(Path folder, KubeApi kube, String name, List<String> prefix, int xds)
      throws IOException {
    return start(folder, kube, name, prefix, xds, List.of("--lease-duration=3s"));
  }

  private static Replica start(
      Path folder, KubeApi kube, String name, List<String> prefix, int xds, List<String> more)
      throws IOException {
    return new Replica(
        folder,
        name,
        Peers.freePorts(2),
        ports -> {
          List<String> command = new ArrayList<>(prefix);
          command.addAll(flags(folder, kube, name, xds, ports.get(0), ports.get(1)));
          command.addAll(more);
          return command;
        });
  }

  /**
   * Starts one; does not wait.
   *
   * @param command makes it of the ports of xDS with TLS and of the API
   */
  static Replica start(Path folder, String name, Function<List<Integer>, List<String>> command)
      throws IOException {
    return new Replica(folder, name, Peers.freePorts(2), command);
  }

  /** Starts it again after its end. */
  void restart() throws IOException {
    process = Launched.start(folder, name + "-again-" + ++starts, command, Map.of());
  }

  String name() {
    return name;
  }

  int xdsTls() {
    return xdsTls;
  }

  Launched process() {
    return process;
  }

  boolean isReady() {
    try {
      return get("/api/v1/root").contains("BEGIN CERTIFICATE");
    } catch (IOException e) {
      if (!process.isAlive()) {
        throw new AssertionError(name + " ended:\n" + process.said());
      }
      return false;
    }
  }

  /** Who of them holds the Lease, is alive, and has not stopped leading; null for nobody. */
  static @Nullable Replica leading(KubeApi kube, List<Replica> replicas)
      throws IOException, InterruptedException {
    String holder =
        kube.must(
            "-n",
            "outrigger-system",
            "get",
            "lease",
            "outrigger",
            "-o",
            "jsonpath={.spec.holderIdentity}");
    return replicas.stream()
        .filter(one -> one.process().isAlive())
        .filter(one -> one.process().said().contains("this replica leads (" + holder + ")"))
        .filter(one -> one.led() > one.resigned())
        .findFirst()
        .orElse(null);
  }

  /** How often it has stopped leading. */
  long resigned() {
    return said("does not lead any more");
  }

  /** How often it began to. */
  long led() {
    return said("this replica leads");
  }

  private long said(String words) {
    return Pattern.compile(words).matcher(process.said()).results().count();
  }

  /**
   * What it wrote by the API server's own account since a moment, but for its own word about its
   * proxies, which each has, whoever leads.
   */
  List<String> writes(KubeApi kube, Instant since) throws IOException {
    List<String> writes = new ArrayList<>();
    for (String line : kube.audit()) {
      JsonObject event = JsonParser.parseString(line).getAsJsonObject();
      if (event.has("userAgent")
          && event.get("userAgent").getAsString().equals("outrigger/" + name)
          && WRITES.contains(event.get("verb").getAsString())
          && !event.getAsJsonObject("objectRef").toString().contains("outrigger-acknowledgements")
          && !Instant.parse(event.get("requestReceivedTimestamp").getAsString()).isBefore(since)) {
        writes.add(line);
      }
    }
    return writes;
  }

  /** Stops all its threads, or lets them go on. */
  void signal(String signal) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid())).inheritIO().start();
    if (kill.waitFor() != 0) {
      throw new AssertionError("kill -" + signal + " " + name);
    }
  }

  String get(String path) throws IOException {
    return call(HttpRequest.newBuilder(uri(path)));
  }

  String post(String path, String body) throws IOException {
    return call(HttpRequest.newBuilder(uri(path)).POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  String delete(String path) throws IOException {
    return call(HttpRequest.newBuilder(uri(path)).DELETE());
  }

  private URI uri(String path) {
    return URI.create(url(path));
  }

  /** Of its API. */
  String url(String path) {
    return "http://127.0.0.1:" + api + path;
  }

  private static String call(HttpRequest.Builder request) throws IOException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** Whether the proxy of a workload has its stream here. */
  boolean serves(String workload) throws IOException {
    return StreamSupport.stream(
            JsonParser.parseString(get("/api/v1/status"))
                .getAsJsonObject()
                .getAsJsonArray("proxies")
                .spliterator(),
            false)
        .anyMatch(
            proxy ->
                proxy.getAsJsonObject().get("workload").getAsString().equals(workload + ".shop"));
  }

  /** A counter of its metrics. */
  long counted(String metric) throws IOException {
    Matcher line =
        Pattern.compile("^" + metric + " (\\d+)", Pattern.MULTILINE).matcher(get("/metrics"));
    if (!line.find()) {
      throw new AssertionError("no " + metric);
    }
    return Long.parseLong(line.group(1));
  }

  @Override
  public void close() {
    process.close();
  }
}
