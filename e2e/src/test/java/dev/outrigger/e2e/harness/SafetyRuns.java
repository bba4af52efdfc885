package dev.outrigger.e2e.harness;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.outrigger.e2e.harness.LiveTraffic.Call;
import dev.outrigger.e2e.harness.LiveTraffic.Closed;
import dev.outrigger.e2e.harness.LiveTraffic.Kind;
import dev.outrigger.e2e.harness.LoopbackMesh.Sidecar;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.random.RandomGenerator;
import java.util.stream.StreamSupport;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Runs of experiments in which something else breaks, each judged by what an application met. A
 * caller and a service with a proxy each, a TCP server without one, and a control plane.
 */
public final class SafetyRuns implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration LEASE = Duration.ofSeconds(1);

  /** An echo that takes so long was touched; nothing else here takes that long twice. */
  private static final long SLOW_MILLIS = 350;

  private static final long STUCK_MILLIS = 1000;

  /** How late a phase may be seen to change, asked over HTTP on a busy machine. */
  private static final long PHASE_SLACK = TimeUnit.SECONDS.toNanos(5);

  private final RandomGenerator chance;
  private final long slack;
  private final App app;
  private final LiveTraffic.Echo echo;
  private final Sidecar caller;
  private final Sidecar web;
  private final LoopbackMesh mesh;
  private final Wire wire;
  private final Path folder;
  private final WallClock controlPlaneClock;
  private final WallClock callerClock;
  private final LiveTraffic traffic;
  private final List<Trouble> troubles = new ArrayList<>();
  private int number;

  /** What breaks beside. */
  private enum Trouble {
    KILLED_CONTROL_PLANE,
    FROZEN_CALLER,
    CUT_NETWORK,
    SET_CLOCK,
    KILLED_CALLER,
    KILLED_SERVICE,
    KILLED_COMMAND,
    FROZEN_CONTROL_PLANE,
    FROZEN_SERVICE,
  }

  /**
   * An experiment's fault.
   *
   * @param yaml without a destination
   * @param kind which calls it touches
   * @param closes whether it closes connections of the application
   */
  private record Fault(String name, String yaml, Kind kind, boolean closes) {
    static Fault web(String name, String where, String fault) {
      return new Fault(name, "where: " + where + "\n    " + fault, Kind.HTTP, false);
    }

    static Fault db(String name, String fault, boolean closes) {
      return new Fault(name, "where: connection\n    " + fault, Kind.TCP, closes);
    }
  }

  private static final List<Fault> FAULTS =
      List.of(
          Fault.web("abort", "request", "abort: {httpStatus: 503}"),
          Fault.web("abort-some", "request", "abort: {httpStatus: 503}\n    percentage: 50%"),
          Fault.web("abort-attempt", "attempt", "abort: {httpStatus: 503}"),
          Fault.web("abort-inbound", "inbound", "abort: {httpStatus: 503}"),
          Fault.web("delay", "request", "delay: {fixed: 150ms}"),
          Fault.web("held", "request", "delay: {fixed: 30s}\n    percentage: 20%"),
          Fault.web("held-inbound", "inbound", "delay: {fixed: 30s}\n    percentage: 20%"),
          Fault.web("held-attempt", "attempt", "delay: {fixed: 30s}\n    percentage: 20%"),
          Fault.web("throttle", "request", "throttle: {rate: 1Ki}"),
          Fault.web("latency-web", "connection", "latency: {latency: 400ms}"),
          Fault.web("partition-web", "connection", "partition: {direction: upstream}"),
          Fault.db("latency-db", "latency: {latency: 400ms}", false),
          Fault.db("bandwidth-db", "bandwidth: {rate: 64}", false),
          Fault.db("partition-db", "partition: {direction: upstream}", false),
          Fault.db("stall-db", "stall: {}", true),
          Fault.db("reset-db", "resetPeer: {}", true));

  /**
   * How one went.
   *
   * @param wrong in words; nothing where all was well
   * @param faulted calls that the fault touched
   * @param worstMillis how long after its bound the last one ended; negative where before
   */
  public record Result(
      String trouble,
      String fault,
      List<String> wrong,
      long faulted,
      long calls,
      long worstMillis) {
    public Result {
      wrong = List.copyOf(wrong);
    }
  }

  /** A time in which no touched call may end, unless it was sent before a proxy stood still. */
  private record Quiet(long from, long to, String why) {}

  /** Starts the mesh. */
  public SafetyRuns(Path folder, RandomGenerator chance, Duration slack)
      throws IOException, InterruptedException {
    this.chance = chance;
    this.slack = slack.toNanos();
    this.folder = Files.createDirectories(folder);
    app = App.saying("x".repeat(600));
    echo = new LiveTraffic.Echo();
    controlPlaneClock = new WallClock(folder, "control-plane");
    callerClock = new WallClock(folder, "caller");
    caller = Sidecar.beside("caller-1", "caller", 1);
    web = Sidecar.beside("web-1", "web", app.port());
    int tcp = Peers.freePorts(1).getFirst();
    mesh = new LoopbackMesh(folder, controlPlaneClock.environment());
    wire = new Wire(mesh.xdsTlsPort());
    mesh.reachOver(wire.port());
    mesh.write(
        "mesh.yaml",
        LoopbackMesh.settings("STRICT")
            + "  chaos: {haltCooldown: 0s}\n"
            + LoopbackMesh.service("web", "http")
            + LoopbackMesh.service("db", "tcp")
            + caller
                .yaml("http")
                .replace(
                    "outbound: \"",
                    "outboundTcp: [{service: db, port: 80, listen: \"127.0.0.1:"
                        + tcp
                        + "\"}], outbound: \"")
            + web.yaml("http")
            + """
            ---
            apiVersion: mesh.outrigger.dev/v1alpha1
            kind: Workload
            metadata: {name: db-1, namespace: shop, labels: {app: db}}
            spec:
              address: 127.0.0.1
              ports: [{name: main, port: %d, appProtocol: tcp}]
              sidecar: {mode: none}
            """
                .formatted(echo.port()));
    StringBuilder experiments = new StringBuilder();
    for (Fault fault : FAULTS) {
      for (int seconds = 2; seconds <= 4; seconds++) {
        experiments.append(experiment(fault, seconds));
      }
    }
    mesh.write("experiments.yaml", experiments.toString());
    boolean started = false;
    try {
      mesh.startControlPlane();
      startCaller();
      startWeb();
      mesh.awaitReady(caller);
      mesh.awaitReady(web);
      started = true;
    } finally {
      if (!started) {
        mesh.close(); // Nobody has us yet to close us.
      }
    }
    traffic = new LiveTraffic("web.shop", caller.outbound(), tcp, 2, 20);
  }

  private static String experiment(Fault fault, int seconds) {
    return """
    apiVersion: chaos.outrigger.dev/v1alpha1
    kind: Experiment
    metadata: {name: %s-%d, namespace: shop}
    spec:
      hypothesis: nothing is left behind
      owner: tests
      duration: %ds
      lease: 1s
      seed: 42
      start: manual
      faults:
      - name: f
        %s
        match: {destination: {services: [%s]}}
    ---
    """
        .formatted(
            fault.name(), seconds, seconds, fault.yaml(), fault.kind() == Kind.HTTP ? "web" : "db");
  }

  private void startCaller() throws IOException {
    mesh.startProxy(caller, callerClock.environment(), "--drain-time=1s");
  }

  private void startWeb() throws IOException {
    mesh.startProxy(web, Map.of(), "--drain-time=1s");
  }

  /** Waits until calls of both kinds are answered as they should be, and forgets what was. */
  private void settle() {
    await(
        "both proxies are connected",
        () ->
            StreamSupport.stream(mesh.status().getAsJsonArray("proxies").spliterator(), false)
                    .filter(one -> one.toString().matches(".*(caller|web)-1.*"))
                    .count()
                >= 2);
    traffic.calls();
    List<Call> seen = new ArrayList<>();
    await(
        "calls are well",
        () -> {
          seen.addAll(traffic.calls());
          List<Call> latest = seen.subList(Math.max(0, seen.size() - 12), seen.size());
          return latest.stream().anyMatch(call -> call.kind() == Kind.TCP)
              && latest.stream().anyMatch(call -> call.kind() == Kind.HTTP)
              && latest.stream()
                  .allMatch(
                      call ->
                          call.fault() == null
                              && call.millis() < SLOW_MILLIS
                              && (call.kind() == Kind.TCP || call.status() == 200));
        });
    traffic.calls();
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private void await(String what, Condition condition) {
    try {
      Awaitility.await(what)
          .atMost(PATIENCE)
          .pollInterval(Duration.ofMillis(25))
          .ignoreExceptionsInstanceOf(IOException.class)
          .until(condition::holds);
    } catch (ConditionTimeoutException e) {
      throw new AssertionError("in vain until " + what + ":\n" + mesh.logs(), e);
    }
  }

  /** Makes that many, one after the other. */
  public List<Result> make(int runs) throws Exception {
    List<Result> results = new ArrayList<>();
    for (int i = 0; i < runs; i++) {
      if (troubles.isEmpty()) {
        // All of them before any comes again.
        troubles.addAll(List.of(Trouble.values()));
        Collections.shuffle(troubles, new Random(chance.nextLong()));
      }
      Trouble trouble = troubles.removeFirst();
      Result result = one(trouble, FAULTS.get(chance.nextInt(FAULTS.size())));
      results.add(result);
      System.out.printf(
          "run %d: %s, %s: %d of %d calls touched, %d ms past the bound %s%n",
          ++number,
          result.trouble(),
          result.fault(),
          result.faulted(),
          result.calls(),
          result.worstMillis(),
          result.wrong());
    }
    return results;
  }

  private Result one(Trouble trouble, Fault fault) throws Exception {
    settle();
    int seconds = 2 + chance.nextInt(3);
    String name = fault.name() + "-" + seconds;
    List<String> wrong = new ArrayList<>();
    List<Quiet> quiet = new ArrayList<>();
    Launched command = start(name, trouble == Trouble.KILLED_COMMAND);
    // It began before this, so it is over before that much later.
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    quiet.add(new Quiet(end, Long.MAX_VALUE, "its end"));
    rest(300 + chance.nextInt(900));
    long frozenFrom = Long.MAX_VALUE;
    long frozenTo = Long.MIN_VALUE;
    long dead = Long.MAX_VALUE;
    long then = System.nanoTime();
    switch (trouble) {
      case KILLED_CONTROL_PLANE -> {
        mesh.controlPlane().kill();
        quiet.add(new Quiet(System.nanoTime() + LEASE.toNanos(), Long.MAX_VALUE, "the lease"));
        rest(chance.nextInt(2500));
        mesh.startControlPlane();
      }
      case FROZEN_CALLER, FROZEN_SERVICE -> {
        Launched proxy = mesh.proxy(trouble == Trouble.FROZEN_CALLER ? caller : web);
        frozenFrom = freeze(proxy, 700 + chance.nextInt(3500), () -> {});
        frozenTo = System.nanoTime();
      }
      case FROZEN_CONTROL_PLANE ->
          freeze(
              mesh.controlPlane(),
              700 + chance.nextInt(3500),
              () -> quiet.add(new Quiet(then + LEASE.toNanos(), System.nanoTime(), "the lease")));
      case CUT_NETWORK -> {
        wire.cut();
        rest(700 + chance.nextInt(3500));
        quiet.add(new Quiet(then + LEASE.toNanos(), System.nanoTime(), "the lease"));
        wire.mend();
      }
      case SET_CLOCK -> {
        Duration ahead = Duration.ofMinutes(chance.nextBoolean() ? 20 : -20);
        (chance.nextBoolean() ? controlPlaneClock : callerClock).set(ahead);
      }
      case KILLED_CALLER, KILLED_SERVICE -> {
        dead = then;
        mesh.proxy(trouble == Trouble.KILLED_CALLER ? caller : web).kill();
        rest(chance.nextInt(500));
        if (trouble == Trouble.KILLED_CALLER) {
          startCaller();
        } else {
          startWeb();
        }
      }
      case KILLED_COMMAND -> {
        if (command != null) {
          command.kill();
        }
      }
    }
    over(name, end, trouble, wrong);
    // Whatever were left would show by now; what a proxy that stood still has held goes on first.
    long shown = Math.max(end + slack, frozenTo);
    rest(Math.max(0, TimeUnit.NANOSECONDS.toMillis(shown - System.nanoTime()) + 400));
    if (trouble == Trouble.KILLED_CALLER || trouble == Trouble.KILLED_SERVICE) {
      mesh.awaitReady(trouble == Trouble.KILLED_CALLER ? caller : web);
      if (trouble == Trouble.KILLED_SERVICE) {
        frozenFrom = dead;
        frozenTo = System.nanoTime();
      }
      // What waits for a service that was not there goes on now.
      await("calls go on", () -> traffic.longestMillis() < STUCK_MILLIS);
    }
    if (TimeUnit.MILLISECONDS.toNanos(traffic.longestMillis()) > System.nanoTime() - end) {
      wrong.add("%s, %s: a call is held that began before the end".formatted(name, trouble));
    }
    Result result =
        judge(trouble, fault, name, quiet, wrong, new long[] {frozenFrom, frozenTo, dead});
    if (trouble == Trouble.SET_CLOCK) {
      controlPlaneClock.set(Duration.ZERO);
      callerClock.set(Duration.ZERO);
      mesh.call("/api/v1/halt/lift", "{\"who\": \"test\"}");
    }
    if (command != null) {
      command.close();
    }
    return result;
  }

  /** By the command in the foreground, or over the API. */
  private @Nullable Launched start(String name, boolean byCommand) throws IOException {
    if (byCommand) {
      Launched command =
          Launched.start(
              folder,
              "run-" + number,
              Peers.outrigger(
                  "experiment",
                  "run",
                  "shop/" + name,
                  "--yes",
                  "--watch",
                  "--api",
                  "http://127.0.0.1:" + mesh.apiPort()));
      await(name + " runs", () -> phase(name).equals("Running"));
      return command;
    }
    await(
        name + " starts",
        () ->
            mesh.call("/api/v1/experiments/shop/" + name + "/start", "{\"who\": \"test\"}")
                .contains("Running"));
    return null;
  }

  private String phase(String name) throws IOException {
    JsonObject run =
        JsonParser.parseString(mesh.call("/api/v1/experiments/shop/" + name, null))
            .getAsJsonObject();
    return run.get("phase").getAsString();
  }

  /** Waits until it is over, which must be soon. */
  private void over(String name, long end, Trouble trouble, List<String> wrong) {
    long back = System.nanoTime();
    await(name + " does not run any more", () -> !phase(name).equals("Running"));
    long late = System.nanoTime() - Math.max(end, back);
    if (late > PHASE_SLACK) {
      wrong.add(
          "%s stayed Running %d ms too long after %s"
              .formatted(name, TimeUnit.NANOSECONDS.toMillis(late), trouble));
    }
    await(name + " is over", () -> phase(name).equals("Recovered"));
    late = System.nanoTime() - Math.max(end, back) - LEASE.toNanos();
    if (late > PHASE_SLACK) {
      wrong.add(
          "%s was not Recovered for %d ms after %s"
              .formatted(name, TimeUnit.NANOSECONDS.toMillis(late), trouble));
    }
  }

  private Result judge(
      Trouble trouble,
      Fault fault,
      String name,
      List<Quiet> quiet,
      List<String> wrong,
      long[] times) {
    List<Call> calls = traffic.calls();
    Map<String, Call> before = new HashMap<>();
    long faulted = 0;
    long worst = Long.MIN_VALUE;
    for (Call call : calls) {
      @Nullable Call last = before.put(call.kind() + "-" + call.lane(), call);
      boolean frozen = call.sent() <= times[1] && call.done() >= times[0];
      boolean slow = call.millis() >= SLOW_MILLIS && last != null && last.millis() >= SLOW_MILLIS;
      boolean stuck = call.millis() >= STUCK_MILLIS && call.sent() <= quiet.getFirst().from();
      boolean touched =
          call.kind() == Kind.HTTP
              ? call.fault() != null
              : fault.kind() == Kind.TCP && !frozen && (slow || stuck);
      if (!touched) {
        continue;
      }
      faulted++;
      if (call.kind() != fault.kind()) {
        wrong.add("%s touched a call over %s of %d ms".formatted(name, call.kind(), call.millis()));
      }
      // What was on its way to a process that stood still could not end before it went on. One that
      // came while the process that decides stood still must not be touched after the end.
      boolean decides =
          trouble
              == (fault.yaml().contains("inbound")
                  ? Trouble.FROZEN_SERVICE
                  : Trouble.FROZEN_CALLER);
      if (frozen && decides && call.sent() <= times[0]) {
        continue;
      }
      for (Quiet one : quiet) {
        boolean waited = frozen && !decides && call.sent() <= one.from();
        if (call.done() <= one.to() && !waited) {
          long late = call.done() - one.from();
          worst = Math.max(worst, late);
          if (late > slack) {
            wrong.add(
                "%s, %s: a call over %s was touched %d ms after %s; it took %d ms"
                    .formatted(
                        name,
                        trouble,
                        call.kind(),
                        TimeUnit.NANOSECONDS.toMillis(late),
                        one.why(),
                        call.millis()));
          }
        }
      }
    }
    for (Closed closed : traffic.closes()) {
      boolean meant = fault.closes() && closed.kind() == fault.kind();
      boolean own = trouble == Trouble.KILLED_CALLER && closed.at() >= times[2];
      if (meant) {
        faulted++;
        for (Quiet one : quiet) {
          // It closes when it is taken away, which a process that stands still cannot do.
          if (closed.at() > Math.max(one.from(), times[1]) + slack && closed.at() <= one.to()) {
            wrong.add("%s, %s: closed after %s".formatted(name, trouble, one.why()));
          }
        }
      }
      if (!meant && !own) {
        wrong.add(
            "%s, %s: closed over %s %d ms before its end: %s"
                .formatted(
                    name,
                    trouble,
                    closed.kind(),
                    TimeUnit.NANOSECONDS.toMillis(quiet.getFirst().from() - closed.at()),
                    closed.why()));
      }
    }
    if (!wrong.isEmpty()) {
      System.out.println(
          mesh.logs()
              .lines()
              .filter(line -> !line.startsWith("{"))
              .collect(java.util.stream.Collectors.joining("\n")));
    }
    return new Result(
        trouble.name(),
        name,
        wrong,
        faulted,
        calls.size(),
        worst == Long.MIN_VALUE ? Long.MIN_VALUE / 2_000_000 : worst / 1_000_000);
  }

  /** Gives when it stood still. */
  private static long freeze(Launched process, long millis, Runnable before)
      throws IOException, InterruptedException {
    signal("STOP", process);
    long still = System.nanoTime();
    try {
      rest(millis);
      before.run();
    } finally {
      signal("CONT", process);
    }
    return still;
  }

  private static void signal(String name, Launched process)
      throws IOException, InterruptedException {
    new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
  }

  private static void rest(long millis) {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
    for (long left = until - System.nanoTime(); left > 0; left = until - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  @Override
  public void close() throws IOException {
    traffic.close();
    mesh.close();
    wire.close();
    echo.close();
    app.close();
  }
}
