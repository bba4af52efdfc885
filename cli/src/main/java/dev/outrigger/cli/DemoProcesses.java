package dev.outrigger.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The demo's processes and its folder: all of them go when this is closed. */
final class DemoProcesses implements AutoCloseable {
  private static final int GRACE_SECONDS = 4;
  private static final int TAIL_LINES = 8;

  private final Path folder;
  private final SequencedMap<String, Process> processes = new LinkedHashMap<>();
  private boolean closed;

  DemoProcesses() throws IOException {
    folder = Files.createTempDirectory("outrigger-demo-");
  }

  Path folder() {
    return folder;
  }

  private Path log(String name) {
    return folder.resolve(name + ".log");
  }

  /** Starts a process whose output goes to its log. */
  synchronized Process start(String name, List<String> command) throws IOException {
    ProcessBuilder builder = builder(command);
    builder.redirectOutput(log(name).toFile());
    return started(name, builder);
  }

  /** Starts a process and waits for a line of its output; its complaints go to its log. */
  MatchResult startAndAwait(String name, List<String> command, Pattern wanted, int seconds)
      throws IOException, InterruptedException, CommandFailedException {
    ProcessBuilder builder = builder(command).redirectErrorStream(false);
    builder.redirectError(log(name).toFile());
    Process process = started(name, builder);
    BufferedReader out =
        new BufferedReader(
            new java.io.InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    CompletableFuture<MatchResult> line = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                // What comes later is taken too, so that the process never waits for us.
                for (String text = out.readLine(); text != null; text = out.readLine()) {
                  Matcher matcher = wanted.matcher(text);
                  if (matcher.find()) {
                    line.complete(matcher.toMatchResult());
                  }
                }
                line.completeExceptionally(new IOException("it ended"));
              } catch (IOException e) {
                line.completeExceptionally(e);
              }
            });
    try {
      return line.get(seconds, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new CommandFailedException(name + " did not start" + tail(name), "", e);
    }
  }

  private static ProcessBuilder builder(List<String> command) {
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    // What is set for a proxy of the user's own must not reach those of the demo.
    builder
        .environment()
        .keySet()
        .removeIf(key -> key.startsWith("OUTRIGGER_") && !key.equals("OUTRIGGER_JAVA_HOME"));
    // Ten JVMs start at once for a load that is small: the optimizing compiler would take half of
    // the CPU that a start needs.
    builder.environment().put("OUTRIGGER_JVM_OPTS", "-XX:TieredStopAtLevel=1");
    return builder;
  }

  private synchronized Process started(String name, ProcessBuilder builder) throws IOException {
    if (closed) {
      throw new IOException("the demo is ending");
    }
    Process process = builder.start();
    process.getOutputStream().close();
    processes.put(name, process);
    return process;
  }

  /** Fails if one has ended by itself. */
  synchronized void check() throws CommandFailedException {
    if (closed) {
      return;
    }
    for (Map.Entry<String, Process> entry : processes.entrySet()) {
      if (!entry.getValue().isAlive()) {
        throw new CommandFailedException(
            entry.getKey() + " ended with " + entry.getValue().exitValue() + tail(entry.getKey()),
            "");
      }
    }
  }

  /** The end of what a process said, on lines of their own. */
  String tail(String name) {
    try {
      List<String> lines = Files.readAllLines(log(name));
      StringBuilder text = new StringBuilder();
      lines
          .subList(Math.max(0, lines.size() - TAIL_LINES), lines.size())
          .forEach(line -> text.append("\n    ").append(line));
      return text.toString();
    } catch (IOException e) {
      return "";
    }
  }

  /** Ends the processes, those last started first, and deletes the folder. May be called twice. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    List<ProcessHandle> all = new ArrayList<>();
    processes
        .sequencedValues()
        .reversed()
        .forEach(
            process -> {
              process.descendants().forEach(all::add);
              all.add(process.toHandle());
            });
    all.forEach(ProcessHandle::destroy);
    try {
      CompletableFuture.allOf(
              all.stream().map(ProcessHandle::onExit).toArray(CompletableFuture<?>[]::new))
          .get(GRACE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      all.forEach(ProcessHandle::destroyForcibly);
    } catch (InterruptedException e) {
      all.forEach(ProcessHandle::destroyForcibly);
      Thread.currentThread().interrupt();
    }
    for (Process process : processes.values()) {
      try {
        process.waitFor(GRACE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    try {
      delete(folder);
    } catch (IOException e) {
      System.err.println("outrigger: " + folder + " is left over: " + e.getMessage());
    }
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(dir);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
