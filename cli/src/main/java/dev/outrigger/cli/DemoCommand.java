package dev.outrigger.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.outrigger.cli.DemoPlan.Sidecar;
import dev.outrigger.cli.Edge.Figures;
import dev.outrigger.cli.Edge.Phase;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

@Command(
    name = "demo",
    description = {
      "A whole mesh on this machine, without privileges: a control plane, three services with a",
      "sidecar each, a small load, and an experiment. When it ends, nothing of it is left."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:the experiment showed its effect and recovery was clean, or Ctrl-C",
      "1:it did not, or something failed",
      "2:wrong usage"
    },
    footer = {
      "",
      "Examples:",
      "  outrigger demo                      until Ctrl-C",
      "  outrigger demo --for 30s            ends by itself, with a summary",
      "  outrigger demo --for 30s -o json    the summary for programs"
    })
final class DemoCommand implements Callable<Integer> {
  private static final Duration USUAL = Duration.ofSeconds(45);
  private static final Duration SHORTEST = Duration.ofSeconds(10);
  private static final Duration LONGEST = Duration.ofHours(1);
  private static final int START_SECONDS = 90;
  private static final int SETTLE_MILLIS = 1500;
  private static final int POLL_MILLIS = 250;
  private static final Pattern READY =
      Pattern.compile(" xds-tls=127\\.0\\.0\\.1:([0-9]+) api=(http://127\\.0\\.0\\.1:[0-9]+)");

  @Mixin private final OutputOption output = new OutputOption();
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--for",
      paramLabel = "DURATION",
      description = "End by itself after this time of traffic, such as 30s or 2m.")
  private @Nullable String duration;

  private final Terminal terminal;
  private final LongSupplier nanoTime;
  private final CountDownLatch stopped = new CountDownLatch(1);

  private final Edge front = new Edge("client", "frontend");
  private final Edge middle = new Edge("frontend", "checkout");
  private final Edge back = new Edge("checkout", "catalog");
  private final List<Edge> edges = List.of(front, middle, back);
  private int drawn;

  /**
   * @param nanoTime monotonic
   */
  DemoCommand(Terminal terminal, LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.terminal = terminal;
  }

  @Override
  public Integer call() throws Exception {
    Duration time = duration == null ? USUAL : parse(duration);
    String launcher = System.getProperty("outrigger.launcher");
    if (launcher == null) {
      throw new CommandFailedException("the demo needs the launcher", "run ./outrigger demo");
    }
    // Before the first use of the client, which otherwise refuses to set Host.
    System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    DemoProcesses processes = new DemoProcesses();
    Thread hook =
        Thread.ofPlatform()
            .name("outrigger-demo-stop")
            .unstarted(
                () -> {
                  stopped.countDown();
                  processes.close();
                });
    Runtime.getRuntime().addShutdownHook(hook);
    try (processes) {
      return run(processes, launcher, time);
    } catch (IOException | CommandFailedException e) {
      if (isStopped()) {
        return Main.OK;
      }
      throw e;
    }
  }

  private boolean isStopped() {
    return stopped.getCount() == 0;
  }

  private Duration parse(String text) {
    Matcher matcher = Pattern.compile("([0-9]{1,6})(s|m|h)").matcher(text);
    if (matcher.matches()) {
      long count = Long.parseLong(matcher.group(1));
      Duration parsed =
          switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(count);
            case "m" -> Duration.ofMinutes(count);
            default -> Duration.ofHours(count);
          };
      if (parsed.compareTo(SHORTEST) >= 0 && parsed.compareTo(LONGEST) <= 0) {
        return parsed;
      }
    }
    throw new ParameterException(
        spec.commandLine(), "--for " + text + ": expected a time from 10s to 1h, such as 30s");
  }

  private int run(DemoProcesses processes, String launcher, Duration time)
      throws IOException, InterruptedException, CommandFailedException {
    DemoPlan plan = DemoPlan.of(freePorts(DemoPlan.PORTS), time);
    Path mesh = Files.createDirectory(processes.folder().resolve("mesh"));
    Files.writeString(mesh.resolve("mesh.yaml"), plan.mesh());
    Files.writeString(mesh.resolve("experiment.yaml"), plan.experimentYaml());

    say("starting the control plane ...");
    MatchResult where =
        processes.startAndAwait(
            "control-plane",
            List.of(
                launcher,
                "control-plane",
                "--dir=" + mesh,
                "--state=" + processes.folder().resolve("state"),
                "--xds-port=0",
                "--bind=127.0.0.1",
                "--xds-tls-port=0",
                "--api-port=0"),
            READY,
            START_SECONDS);
    URI api = URI.create(where.group(2));
    try (MeshApi control = new MeshApi(api);
        DemoLoad load = new DemoLoad(nanoTime)) {
      say("starting three services, one of them three times, each with a sidecar ...");
      Path root = processes.folder().resolve("root.pem");
      Files.writeString(root, control.root());
      for (Sidecar sidecar : plan.sidecars()) {
        startSidecar(processes, launcher, control, sidecar, root, Integer.parseInt(where.group(1)));
      }
      List<DemoLoad.Target> targets = targets(plan);
      awaitReady(processes, load, targets);
      introduce(plan, api);
      targets.forEach(load::start);
      return phases(processes, control, load, plan);
    }
  }

  private static void startSidecar(
      DemoProcesses processes,
      String launcher,
      MeshApi control,
      Sidecar sidecar,
      Path root,
      int meshPort)
      throws IOException, CommandFailedException {
    String name = sidecar.workload();
    Path token = processes.folder().resolve(name + ".token");
    TokenCommand.writeSecret(
        token,
        control
            .mint(sidecar.identity(), Duration.ofDays(1).toSeconds(), -1)
            .get("token")
            .getAsString());
    processes.start(
        name + ".sidecar",
        List.of(
            launcher,
            "proxy",
            "--mesh=127.0.0.1:" + meshPort,
            "--join-token-file=" + token,
            "--root-ca=" + root,
            "--workload=" + name,
            "--namespace=shop",
            "--concurrency=1",
            "--admin=127.0.0.1:" + sidecar.admin(),
            "--drain-time=1s",
            "--log-level=warn"));
    processes.start(
        name + ".app",
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:+UseSerialGC",
            "-Xmx48m",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path"),
            "dev.outrigger.examples.shop.ShopService",
            sidecar.role(),
            Integer.toString(sidecar.app()),
            "127.0.0.1:" + sidecar.outbound()));
  }

  /** Fifty requests a second. */
  private List<DemoLoad.Target> targets(DemoPlan plan) {
    return List.of(
        new DemoLoad.Target(front, plan.sidecar("frontend-1").inbound(), "frontend.shop", 50),
        new DemoLoad.Target(middle, plan.sidecar("frontend-1").outbound(), "checkout.shop", 66),
        new DemoLoad.Target(back, plan.sidecar("checkout-1").outbound(), "catalog.shop", 66));
  }

  private void awaitReady(DemoProcesses processes, DemoLoad load, List<DemoLoad.Target> targets)
      throws InterruptedException, CommandFailedException {
    long deadline = nanoTime.getAsLong() + Duration.ofSeconds(START_SECONDS).toNanos();
    // More than once, since every replica of the catalog has to be there.
    int inARow = 0;
    while (inARow < 12) {
      processes.check();
      boolean well = true;
      for (DemoLoad.Target target : targets) {
        well &= load.probe(target);
      }
      inARow = well ? inARow + 1 : 0;
      if (!well && nanoTime.getAsLong() > deadline) {
        throw new CommandFailedException(
            "the mesh did not become ready in "
                + START_SECONDS
                + " s"
                + processes.tail("frontend-1.sidecar"),
            "");
      }
      if (stopped.await(well ? 20 : POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        throw new CommandFailedException("stopped", "");
      }
    }
  }

  private int phases(DemoProcesses processes, MeshApi control, DemoLoad load, DemoPlan plan)
      throws InterruptedException, CommandFailedException {
    JsonObject asked = new JsonObject();
    asked.addProperty("who", "demo");
    asked.addProperty("why", "to show what happens");

    measure(processes, load, Phase.WARM, plan.warm());
    if (!isStopped()) {
      control.experiment(DemoPlan.EXPERIMENT, "start", asked);
      settle(load);
      measure(processes, load, Phase.EXPERIMENT, plan.experiment());
    }
    if (!isStopped()) {
      control.experiment(DemoPlan.EXPERIMENT, "stop", asked);
      settle(load);
      measure(processes, load, Phase.RECOVERY, plan.recovery());
    }
    if (isStopped()) {
      return Main.OK;
    }
    DemoVerdict verdict = DemoVerdict.of(edges, back, DemoPlan.PERCENT);
    if (output.isJson()) {
      terminal.out().println(json(verdict));
    } else {
      terminal.out().print(summary(verdict));
    }
    terminal.out().flush();
    if (duration == null) {
      say("the mesh goes on until Ctrl-C");
      while (!stopped.await(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
        processes.check();
      }
    }
    return verdict.passed() ? Main.OK : Main.FAILED;
  }

  /** A change needs a moment to reach the proxies; it is nobody's figure. */
  private void settle(DemoLoad load) throws InterruptedException {
    load.phase(null);
    var _ = stopped.await(SETTLE_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void measure(DemoProcesses processes, DemoLoad load, Phase phase, Duration time)
      throws InterruptedException, CommandFailedException {
    load.phase(phase);
    long end = nanoTime.getAsLong() + time.toNanos();
    drawn = 0;
    long left = time.toNanos();
    while (left > 0 && !isStopped()) {
      processes.check();
      if (terminal.interactive() && !output.isJson()) {
        draw(phase, left);
      }
      var _ = stopped.await(Math.min(left, TimeUnit.SECONDS.toNanos(1)), TimeUnit.NANOSECONDS);
      left = end - nanoTime.getAsLong();
    }
    load.phase(null);
    if (!output.isJson() && !isStopped()) {
      draw(phase, 0);
    }
  }

  private void draw(Phase phase, long nanosLeft) {
    String text = "\n" + headline(phase, nanosLeft) + "\n" + table(phase);
    if (terminal.interactive() && drawn > 0) {
      terminal.out().print("\u001b[" + drawn + "A\u001b[J");
    }
    terminal.out().print(text);
    terminal.out().flush();
    drawn = (int) text.chars().filter(c -> c == '\n').count();
  }

  private String headline(Phase phase, long nanosLeft) {
    String what =
        switch (phase) {
          case WARM -> "warm: all is well";
          case EXPERIMENT ->
              "experiment: %d%% of checkout -> catalog is refused with 503"
                  .formatted(DemoPlan.PERCENT);
          case RECOVERY -> "recovery: the experiment is over";
        };
    return terminal.bold(what)
        + (nanosLeft > 0 ? ", " + TimeUnit.NANOSECONDS.toSeconds(nanosLeft) + " s to go" : "");
  }

  private String table(Phase phase) {
    Table table = new Table("EDGE", "REQUESTS", "SUCCESS", "INJECTED", "P50", "P99");
    for (Edge edge : edges) {
      Figures figures = edge.figures(phase);
      String rate = "%.1f%%".formatted(figures.successRate() * 100);
      table.row(
          edge.toString(),
          Long.toString(figures.requests()),
          figures.succeeded() == figures.requests() ? terminal.good(rate) : terminal.bad(rate),
          Long.toString(figures.injected()),
          "%.1f ms".formatted(figures.p50() / 1000.0),
          "%.1f ms".formatted(figures.p99() / 1000.0));
    }
    return table.render();
  }

  private String summary(DemoVerdict verdict) {
    StringBuilder text = new StringBuilder("\n");
    if (verdict.passed()) {
      text.append(terminal.good("passed"))
          .append(": the experiment showed its effect, and recovery was clean\n");
    } else {
      text.append(terminal.bad("failed")).append(":\n");
      verdict.failures().forEach(line -> text.append("  - ").append(line).append('\n'));
    }
    return text.toString();
  }

  private JsonObject json(DemoVerdict verdict) {
    JsonObject json = new JsonObject();
    json.addProperty("passed", verdict.passed());
    JsonArray failures = new JsonArray();
    verdict.failures().forEach(failures::add);
    json.add("failures", failures);
    JsonArray list = new JsonArray();
    for (Edge edge : edges) {
      for (Phase phase : Phase.values()) {
        JsonObject one = new JsonObject();
        one.addProperty("source", edge.source());
        one.addProperty("destination", edge.destination());
        one.addProperty("phase", phase.label());
        edge.figures(phase).json().asMap().forEach(one::add);
        list.add(one);
      }
    }
    json.add("edges", list);
    return json;
  }

  private void introduce(DemoPlan plan, URI api) {
    int frontend = plan.sidecar("frontend-1").inbound();
    int catalog = plan.sidecar("checkout-1").outbound();
    say(
        """
        ready: 5 workloads, 5 sidecars, mutual TLS between them, 50 requests a second
          control plane API   %s
          files               %s
        try in another terminal:
          curl -i http://127.0.0.1:%d/
          curl -i -H 'Host: catalog.shop' http://127.0.0.1:%d/
          %s status --api %s"""
            .formatted(
                api,
                "the mesh and the experiment are in "
                    + System.getProperty("java.io.tmpdir")
                    + "/outrigger-demo-*",
                frontend,
                catalog,
                System.getProperty("outrigger.launcher"),
                api));
  }

  /** Advice, not data. */
  private void say(String text) {
    terminal.err().println(text);
    terminal.err().flush();
  }

  /** Held all at once, so that no port is given twice. */
  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    List<Integer> ports = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        sockets.add(socket);
        ports.add(socket.getLocalPort());
      }
      return ports;
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }
}
