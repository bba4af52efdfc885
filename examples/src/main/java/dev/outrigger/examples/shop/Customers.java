package dev.outrigger.examples.shop;

import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * People who buy: requests to one URL at a steady rate, however slowly they are answered.
 *
 * <p>Started with {@code URL PER_SECOND SECONDS}; 0 seconds is for ever. A line a second tells what
 * came back so far, by status, and how long the slowest answer took; {@code error} is no answer.
 * Ends with 1 if anything but 200 came.
 */
public final class Customers {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final URI url;
  private final HttpClient client;
  private final InstantSource clock;
  private final AtomicLong slowest = new AtomicLong();
  private final Map<String, Integer> answers = new ConcurrentSkipListMap<>();

  private Customers(URI url, HttpClient client, InstantSource clock) {
    this.url = url;
    this.client = client;
    this.clock = clock;
  }

  /**
   * Sends requests and counts what comes back.
   *
   * @param perSecond 1 to 1000
   * @param seconds 0 is for ever
   * @param clock by which answers are timed
   * @return answers by their status, and {@code error} for those that never came
   */
  static Map<String, Integer> send(
      URI url, int perSecond, long seconds, InstantSource clock, PrintStream out)
      throws InterruptedException {
    if (perSecond < 1 || perSecond > 1000 || seconds < 0) {
      throw new IllegalArgumentException("expected 1 to 1000 a second, for 0 seconds or more");
    }
    long count = seconds == 0 ? Long.MAX_VALUE : perSecond * seconds;
    CountDownLatch answered = new CountDownLatch((int) Math.min(count, Integer.MAX_VALUE));
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
        ScheduledExecutorService pace = Executors.newSingleThreadScheduledExecutor();
        HttpClient client =
            HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .connectTimeout(TIMEOUT)
                .executor(threads)
                .build()) {
      Customers customers = new Customers(url, client, clock);
      AtomicLong sent = new AtomicLong();
      // At a fixed rate: what is answered slowly is not asked more slowly.
      Future<?> asking =
          pace.scheduleAtFixedRate(
              () -> {
                long number = sent.incrementAndGet();
                if (number <= count) {
                  threads.execute(() -> customers.ask(answered));
                }
                if (number <= count && number % perSecond == 0) {
                  out.println(number / perSecond + " s: " + customers);
                }
              },
              0,
              TimeUnit.SECONDS.toNanos(1) / perSecond,
              TimeUnit.NANOSECONDS);
      answered.await();
      asking.cancel(false);
      out.println("done: " + customers);
      return Map.copyOf(customers.answers);
    }
  }

  private void ask(CountDownLatch answered) {
    HttpRequest request = HttpRequest.newBuilder(url).timeout(TIMEOUT).build();
    long began = clock.millis();
    String answer;
    try {
      answer = "" + client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      answer = "error";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      answer = "error";
    }
    slowest.accumulateAndGet(clock.millis() - began, Math::max);
    answers.merge(answer, 1, Integer::sum);
    answered.countDown();
  }

  @Override
  public String toString() {
    return answers + ", the slowest in " + slowest.get() + " ms";
  }

  /** Runs until the time is over. */
  public static void main(String[] args) throws InterruptedException {
    if (args.length != 3) {
      System.err.println("usage: Customers URL PER_SECOND SECONDS");
      System.exit(2);
    }
    Map<String, Integer> answers =
        send(
            URI.create(args[0]),
            Integer.parseInt(args[1]),
            Long.parseLong(args[2]),
            InstantSource.system(),
            System.out);
    System.exit(answers.keySet().equals(Set.of("200")) ? 0 : 1);
  }
}
