package dev.outrigger.e2e.harness;

import dev.outrigger.e2e.harness.PlainClient.Answer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** A steady stream of GETs over keep-alive connections, of which each failure is kept. */
public final class SteadyLoad implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(40);
  private static final int MAX_FAILURES = 50;

  private final int port;
  private final String host;
  private final ScheduledExecutorService timer;
  private final List<Caller> callers = new ArrayList<>();
  private final AtomicLong answers = new AtomicLong();
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private final Set<String> bodies = ConcurrentHashMap.newKeySet();
  private volatile @Nullable Answer last;

  private SteadyLoad(int port, String host, int connections) {
    this.port = port;
    this.host = host;
    timer = Executors.newScheduledThreadPool(connections);
  }

  /** What came of a load; a failure is a line that says when, what and why. */
  public record Result(long answers, List<String> failures) {
    public Result {
      failures = List.copyOf(failures);
    }
  }

  /** Starts it: each connection asks once in every pause, or as fast as it is answered. */
  public static SteadyLoad start(int loopbackPort, String host, int connections, Duration pause) {
    SteadyLoad load = new SteadyLoad(loopbackPort, host, connections);
    for (int i = 0; i < connections; i++) {
      Caller caller = load.new Caller(i);
      load.callers.add(caller);
      var _ =
          load.timer.scheduleAtFixedRate(
              caller, i * pause.toNanos() / connections, pause.toNanos(), TimeUnit.NANOSECONDS);
    }
    return load;
  }

  /** One connection; opened anew only where the server closed it between two answers. */
  private final class Caller implements Runnable {
    private final int number;
    private @Nullable PlainClient client;
    private volatile boolean again;
    private int sent;

    Caller(int number) {
      this.number = number;
    }

    @Override
    public void run() {
      String path = "/" + number + "-" + sent++;
      try {
        if (again && client != null) {
          again = false;
          client.close();
          client = null;
        }
        if (client == null) {
          client = new PlainClient(port);
        }
        Answer answer = client.get(host, path);
        if (answer.status() != 200) {
          fail(path, answer.status() + " " + answer.headers() + " " + answer.text().strip());
        }
        last = answer;
        bodies.add(answer.text());
        answers.incrementAndGet();
        if (!answer.keepsAlive()) {
          client.close();
          client = null;
        }
      } catch (IOException | RuntimeException e) {
        fail(path, e.toString());
        client = null;
      }
    }

    private void fail(String path, String why) {
      if (failures.size() < MAX_FAILURES) {
        failures.add(java.time.LocalTime.now() + " " + path + ": " + why);
      }
    }
  }

  /** A header of the latest answer. */
  public @Nullable String lastHeader(String name) {
    Answer seen = last;
    return seen == null ? null : seen.header(name);
  }

  /** Lets every caller open a new connection before its next request. */
  public void reconnect() {
    callers.forEach(caller -> caller.again = true);
  }

  /** Waits until so many more requests have been answered or have failed. */
  public void awaitMore(int count) {
    long goal = answers.get() + failures.size() + count;
    Awaitility.await().atMost(PATIENCE).until(() -> answers.get() + failures.size() >= goal);
  }

  /** Waits until as many different answers have been seen, that is, replicas. */
  public void awaitBodies(int count) {
    Awaitility.await().atMost(PATIENCE).until(() -> bodies.size() >= count);
  }

  public void forgetBodies() {
    bodies.clear();
  }

  /** Stops and tells what came of it. */
  public Result finish() {
    close();
    return new Result(answers.get(), failures);
  }

  @Override
  public void close() {
    timer.shutdown();
    try {
      if (!timer.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        failures.add("requests still under way after " + PATIENCE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    for (Caller caller : callers) {
      PlainClient client = caller.client;
      caller.client = null;
      if (client != null) {
        try {
          client.close();
        } catch (IOException e) {
          // It is of no more use.
        }
      }
    }
  }
}
