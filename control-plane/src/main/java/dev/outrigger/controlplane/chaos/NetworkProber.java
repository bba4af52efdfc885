package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Probe;
import dev.outrigger.controlplane.model.Probe.Question;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks over the network and, if that is allowed, by running programs; each on a virtual thread.
 *
 * <p>Whoever may submit an experiment makes the control plane send these requests, so redirects are
 * not followed, addresses that are link-local, where clouds keep their credentials, are not asked,
 * and nothing of a body is told but whether it was good.
 */
public final class NetworkProber implements Prober, AutoCloseable {
  private static final int MAX_BODY = 1 << 20;
  private static final int MAX_AT_ONCE = 64;
  private static final int MAX_TEXT = 200;

  private final boolean commands;
  private final ExecutorService executor =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("outrigger-probe-", 0).factory());
  private final HttpClient client;
  private final Semaphore places = new Semaphore(MAX_AT_ONCE);

  /**
   * @param commands whether experiments may run programs here
   */
  public NetworkProber(boolean commands) {
    this.commands = commands;
    this.client =
        HttpClient.newBuilder()
            .executor(executor)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(30))
            .build();
  }

  @Override
  public boolean allowsCommands() {
    return commands;
  }

  @Override
  public void ask(Probe probe, Consumer<ProbeOutcome> done) {
    if (!places.tryAcquire()) {
      done.accept(ProbeOutcome.failed(MAX_AT_ONCE + " probes are waiting for answers already"));
      return;
    }
    CompletableFuture<ProbeOutcome> answer;
    try {
      answer = CompletableFuture.supplyAsync(() -> answer(probe), executor);
    } catch (RejectedExecutionException e) {
      places.release();
      done.accept(ProbeOutcome.failed("the control plane is stopping"));
      return;
    }
    var _ =
        answer
            .completeOnTimeout(
                ProbeOutcome.failed("no answer within " + probe.timeout().toMillis() + "ms"),
                probe.timeout().toMillis() + 100,
                TimeUnit.MILLISECONDS)
            .exceptionally(e -> ProbeOutcome.failed(bounded(String.valueOf(e.getMessage()))))
            .thenAccept(
                outcome -> {
                  places.release();
                  done.accept(outcome);
                });
  }

  @Override
  public void close() {
    executor.shutdownNow();
    client.shutdownNow();
  }

  private ProbeOutcome answer(Probe probe) {
    try {
      return switch (probe.question()) {
        case Question.Http http -> http(http, probe.timeout());
        case Question.Metric metric -> metric(metric, probe.timeout());
        case Question.Command command -> command(command, probe.timeout());
      };
    } catch (IOException | TimeoutException e) {
      String text = e.getMessage();
      return ProbeOutcome.failed(
          bounded(text == null || text.isBlank() ? e.getClass().getSimpleName() : text));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ProbeOutcome.failed("interrupted");
    }
  }

  private ProbeOutcome http(Question.Http http, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    HttpRequest.Builder request =
        request(http.url()).method(http.method(), HttpRequest.BodyPublishers.noBody());
    http.headers().forEach(request::header);
    Answer answer = send(request.build(), timeout);
    if (answer.status() < http.minStatus() || answer.status() > http.maxStatus()) {
      return ProbeOutcome.failed(
          "status %d, expected %s"
              .formatted(
                  answer.status(),
                  http.minStatus() == http.maxStatus()
                      ? http.minStatus()
                      : http.minStatus() + "-" + http.maxStatus()));
    }
    if (!answer.body().contains(http.contains())) {
      return ProbeOutcome.failed(
          "status " + answer.status() + ", but the body has no \"" + http.contains() + "\"");
    }
    return ProbeOutcome.passed("status " + answer.status());
  }

  private ProbeOutcome metric(Question.Metric metric, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    Answer answer = send(request(metric.url()).GET().build(), timeout);
    if (answer.status() != 200) {
      return ProbeOutcome.failed("status " + answer.status() + ", expected 200");
    }
    OptionalDouble sum = MetricText.sum(answer.body(), metric.metric(), metric.labels());
    if (sum.isEmpty()) {
      return ProbeOutcome.abstained("there is no such series of " + metric.metric());
    }
    double value = sum.getAsDouble();
    if (metric.min().isPresent() && !(value >= metric.min().getAsDouble())) {
      return ProbeOutcome.failed(
          "%s is %s, expected at least %s"
              .formatted(metric.metric(), value, metric.min().getAsDouble()));
    }
    if (metric.max().isPresent() && !(value <= metric.max().getAsDouble())) {
      return ProbeOutcome.failed(
          "%s is %s, expected at most %s"
              .formatted(metric.metric(), value, metric.max().getAsDouble()));
    }
    return ProbeOutcome.passed(metric.metric() + " is " + value);
  }

  private record Answer(int status, String body) {}

  private static HttpRequest.Builder request(URI url) throws IOException {
    for (InetAddress address : InetAddress.getAllByName(url.getHost())) {
      if (address.isLinkLocalAddress()) {
        throw new IOException(url.getHost() + " is link-local, which probes may not ask");
      }
    }
    return HttpRequest.newBuilder(url);
  }

  /** Within the timeout, the body included. */
  private Answer send(HttpRequest request, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    CompletableFuture<HttpResponse<InputStream>> sent =
        client.sendAsync(request, HttpResponse.BodyHandlers.ofInputStream());
    CompletableFuture<Answer> whole =
        sent.thenApplyAsync(
            response -> {
              try (InputStream body = response.body()) {
                return new Answer(response.statusCode(), text(body));
              } catch (IOException e) {
                return new Answer(0, "");
              }
            },
            executor);
    try {
      return whole.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      sent.cancel(true);
      var _ = sent.thenAccept(response -> close(response.body()));
      throw new TimeoutException("no answer within " + timeout.toMillis() + "ms");
    } catch (ExecutionException e) {
      @Nullable Throwable cause = e.getCause();
      throw new IOException(
          cause == null || cause.getMessage() == null
              ? "no connection to " + request.uri().getAuthority()
              : cause.getMessage(),
          e);
    }
  }

  private ProbeOutcome command(Question.Command command, Duration timeout)
      throws IOException, InterruptedException, TimeoutException {
    if (!commands) {
      return ProbeOutcome.failed("commands are not allowed here");
    }
    Process process = new ProcessBuilder(command.program()).redirectErrorStream(true).start();
    try {
      process.getOutputStream().close();
      CompletableFuture<String> output =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  InputStream in = process.getInputStream();
                  String text = text(in);
                  in.skip(Long.MAX_VALUE); // Or it would wait for somebody to read on.
                  return text;
                } catch (IOException e) {
                  return "";
                }
              },
              executor);
      if (!process.waitFor(timeout.toNanos(), TimeUnit.NANOSECONDS)) {
        return ProbeOutcome.failed("it still ran after " + timeout.toMillis() + "ms");
      }
      if (process.exitValue() != command.exitCode()) {
        return ProbeOutcome.failed(
            "exit code %d, expected %d".formatted(process.exitValue(), command.exitCode()));
      }
      if (!command.contains().isEmpty() && !written(output).contains(command.contains())) {
        return ProbeOutcome.failed("the output has no \"" + command.contains() + "\"");
      }
      return ProbeOutcome.passed("exit code " + process.exitValue());
    } finally {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
    }
  }

  private static String written(CompletableFuture<String> output)
      throws InterruptedException, TimeoutException {
    try {
      return output.get(1, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      return "";
    }
  }

  private static String text(InputStream in) throws IOException {
    return new String(in.readNBytes(MAX_BODY), StandardCharsets.UTF_8);
  }

  private static void close(InputStream body) {
    try {
      body.close();
    } catch (IOException e) {
      // Then it is closed already.
    }
  }

  private static String bounded(String text) {
    return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT) + "…";
  }
}
