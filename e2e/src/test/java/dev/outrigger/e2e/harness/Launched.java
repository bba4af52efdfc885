package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionTimeoutException;

/** A process that a test started, with all that it says in a file. Closing ends it for certain. */
public final class Launched implements AutoCloseable {
  private static final Duration GRACE = Duration.ofSeconds(10);

  private final String name;
  private final Path log;
  private final Process process;

  private Launched(String name, Path log, Process process) {
    this.name = name;
    this.log = log;
    this.process = process;
  }

  /**
   * Starts a program.
   *
   * @param name of its log, unique in the folder; an older log of that name is appended to
   * @param environment added to ours, of which what begins with {@code OUTRIGGER_} is taken out
   */
  public static Launched start(
      Path folder, String name, List<String> command, Map<String, String> environment)
      throws IOException {
    Path log = folder.resolve(name + ".log");
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeIf(key -> key.startsWith("OUTRIGGER_"));
    builder.environment().putAll(environment);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    Process process = builder.start();
    process.getOutputStream().close();
    return new Launched(name, log, process);
  }

  public static Launched start(Path folder, String name, List<String> command) throws IOException {
    return start(folder, name, command, Map.of());
  }

  public String name() {
    return name;
  }

  public long pid() {
    return process.pid();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** All it has said so far. */
  public String said() {
    try {
      return Files.exists(log) ? new String(Files.readAllBytes(log), StandardCharsets.UTF_8) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits for something in its log. */
  public MatchResult await(Pattern wanted, Duration patience) {
    MatchResult[] found = new MatchResult[1];
    try {
      Awaitility.await()
          .atMost(patience)
          .pollInterval(Duration.ofMillis(20))
          .until(
              () -> {
                Matcher matcher = wanted.matcher(said());
                boolean seen = matcher.find();
                if (seen) {
                  found[0] = matcher.toMatchResult();
                } else if (!process.isAlive()) {
                  throw new AssertionError(name + " ended with " + process.exitValue());
                }
                return seen;
              });
    } catch (ConditionTimeoutException | AssertionError e) {
      throw new AssertionError(name + ": no '" + wanted + "' in what it said:\n" + said(), e);
    }
    return found[0];
  }

  /** Resident memory in KiB: VmRSS now, VmHWM at its peak. */
  public long memoryKib(String field) {
    try {
      for (String line : Files.readAllLines(Path.of("/proc", Long.toString(pid()), "status"))) {
        if (line.startsWith(field + ":")) {
          return Long.parseLong(line.replaceAll("[^0-9]", ""));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    throw new IllegalArgumentException(field);
  }

  /** CPU time that it has used so far, of all its threads, in seconds. */
  public double cpuSeconds() {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid()), "stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The CPU time of a JVM's threads that live, without those of its compilers: what the same work
   * costs where all is compiled.
   */
  public double cpuSecondsOfWork() {
    long nanos = 0;
    Path all = Path.of("/proc", Long.toString(pid()), "task");
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(all)) {
      for (Path task : tasks) {
        if (!Files.readString(task.resolve("comm")).contains("CompilerThre")) {
          nanos += Long.parseLong(Files.readString(task.resolve("schedstat")).split(" ", -1)[0]);
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return nanos / 1e9;
  }

  /** SIGKILL, and waits for the end. */
  public void kill() throws InterruptedException {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().waitFor();
  }

  /** SIGTERM, and does not wait. */
  public void terminate() {
    process.destroy();
  }

  /** Waits for the end and gives the exit code. */
  public int exit(Duration patience) throws InterruptedException {
    if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
      throw new AssertionError(name + " did not end within " + patience + ":\n" + said());
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    List<ProcessHandle> below = process.descendants().toList();
    process.destroy();
    try {
      if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    below.forEach(ProcessHandle::destroyForcibly);
  }
}
