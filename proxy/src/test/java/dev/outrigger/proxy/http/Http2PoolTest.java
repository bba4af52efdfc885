package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RetryPolicy.Condition;
import dev.outrigger.proxy.http.Http2Origin.Request;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Connections shared by many exchanges, to an origin that misbehaves as real ones do. */
class Http2PoolTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final Queue<Request> waiting = new ConcurrentLinkedQueue<>();
  private final List<AutoCloseable> opened = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : opened.reversed()) {
      one.close();
    }
  }

  private Http2Origin origin(int maxStreams, Http2Origin.Script script) {
    Http2Origin origin = new Http2Origin(maxStreams, script);
    opened.add(origin);
    return origin;
  }

  private ProxyBed bed(int port, Speech speech, Set<Condition> retryOn) throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup().to(port);
    setup.codec = Codec.AUTO;
    setup.timeout = Duration.ZERO;
    setup.retry =
        new RetryPolicy(
            retryOn,
            Set.of(),
            retryOn.isEmpty() ? 0 : 2,
            Duration.ZERO,
            Duration.ofMillis(1),
            Duration.ofMillis(1),
            false);
    setup.pool =
        new PoolConfig(
            0,
            0,
            Duration.ofSeconds(30),
            Duration.ZERO,
            0,
            speech,
            ClusterConfig.UPSTREAM_HTTP2,
            ClusterConfig.AnswerLimits.DEFAULT);
    ProxyBed bed = new ProxyBed(setup);
    opened.add(bed);
    return bed;
  }

  private CompletableFuture<Integer> send(ProxyBed bed, String method) {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    opened.add(client::shutdownNow);
    return client
        .sendAsync(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + bed.port() + "/"))
                .method(method, HttpRequest.BodyPublishers.ofString("buy"))
                .build(),
            HttpResponse.BodyHandlers.discarding())
        .thenApply(HttpResponse::statusCode);
  }

  private CompletableFuture<Integer> post(ProxyBed bed) {
    return send(bed, "POST");
  }

  private static int statusOf(CompletableFuture<Integer> answer) throws Exception {
    return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  @Test
  void aStreamThatIsRefusedIsSafeToTryAgain() throws Exception {
    Http2Origin origin =
        origin(
            100,
            request -> {
              if (request.number() == 1) {
                request.refuse();
              } else {
                request.answer();
              }
            });
    ProxyBed bed = bed(origin.port(), Speech.HTTP2, Set.of(Condition.REFUSED_STREAM));

    assertThat(statusOf(post(bed))).isEqualTo(200);
    assertThat(bed.telemetry.records.getFirst().attempts).isEqualTo(2);
    assertThat(origin.connections).as("a stream's error is not its connection's").hasValue(1);
  }

  @Test
  void aStreamThatIsResetIsNotWhereOnlyRefusalsAre() throws Exception {
    Http2Origin origin = origin(100, Request::reset);
    ProxyBed bed =
        bed(origin.port(), Speech.HTTP2, Set.of(Condition.REFUSED_STREAM, Condition.SAFE));

    assertThat(statusOf(post(bed))).isEqualTo(503);
    assertThat(origin.requests).hasValue(1);
  }

  @Test
  void whatAnOriginGoesAwayWithoutLookingAtGoesToANewConnectionWithoutAPolicy() throws Exception {
    Http2Origin origin =
        origin(
            100,
            request -> {
              if (request.number() == 2) {
                request.goAwayAfter(1);
              } else {
                request.answer();
              }
            });
    ProxyBed bed = bed(origin.port(), Speech.HTTP2, Set.of());

    assertThat(statusOf(send(bed, "PUT"))).isEqualTo(200);
    assertThat(statusOf(send(bed, "PUT"))).isEqualTo(200);
    assertThat(origin.requests).hasValue(3);
    assertThat(origin.connections).hasValue(2);
  }

  @Test
  void whatAnOriginFinishesBeforeItGoesIsAnsweredAndTheRestGoesElsewhere() throws Exception {
    Http2Origin origin =
        origin(
            100,
            request -> {
              if (request.connection() == 1) {
                waiting.add(request);
              } else {
                request.answer();
              }
            });
    ProxyBed bed = bed(origin.port(), Speech.HTTP2, Set.of());
    CompletableFuture<Integer> first = post(bed);
    await().atMost(PATIENCE).until(() -> !waiting.isEmpty());
    Request under = waiting.remove();
    under.goAwayAfter(1);
    // It is at the proxy once what was sent after it has come back: the proxy gives up its place.
    await()
        .atMost(PATIENCE)
        .until(
            () -> {
              CompletableFuture<Integer> next = post(bed);
              await().atMost(PATIENCE).until(() -> next.isDone() || !waiting.isEmpty());
              waiting.forEach(Request::answer);
              waiting.clear();
              return statusOf(next) == 200 && origin.connections.get() == 2;
            });

    assertThat(first).isNotDone();
    under.answer();
    assertThat(statusOf(first)).isEqualTo(200);
  }

  @Test
  void asManyConnectionsAreOpenedAsTheStreamsNeedAndNoMore() throws Exception {
    Http2Origin origin = origin(2, waiting::add);
    ProxyBed bed = bed(origin.port(), Speech.HTTP2, Set.of());
    List<CompletableFuture<Integer>> answers = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      answers.add(post(bed));
    }
    await().atMost(PATIENCE).until(() -> waiting.size() == 7);

    assertThat(origin.connections.get()).isEqualTo(4);
    waiting.forEach(Request::answer);
    for (CompletableFuture<Integer> answer : answers) {
      assertThat(statusOf(answer)).isEqualTo(200);
    }
    waiting.clear();
    CompletableFuture<Integer> later = post(bed);
    await().atMost(PATIENCE).until(() -> !waiting.isEmpty());
    waiting.remove().answer();
    assertThat(statusOf(later)).isEqualTo(200);
    assertThat(origin.connections.get()).isEqualTo(4);
  }

  @Test
  void theOriginIsSpokenToAsTheClientSpeaksWhereItIsToBeSo() throws Exception {
    Origin origin =
        new Origin(
            (peer, connection) -> {
              if (peer.head().startsWith("POST / HTTP/1.1")) {
                peer.bytes(3);
                peer.send("HTTP/1.1 204 No Content\r\n\r\n");
              }
            });
    opened.add(origin);
    ProxyBed bed = bed(origin.port(), Speech.AS_DOWNSTREAM, Set.of());

    assertThat(statusOf(post(bed))).isEqualTo(204);
    assertThat(origin.seen.getFirst()).startsWith("POST / HTTP/1.1");

    Http2Origin two = origin(100, Request::answer);
    ProxyBed before = bed(two.port(), Speech.AS_DOWNSTREAM, Set.of());
    // The outer proxy speaks HTTP/2 to the one that speaks as its client does.
    ProxyBed outer = bed(before.port(), Speech.HTTP2, Set.of());
    assertThat(statusOf(post(outer))).isEqualTo(200);
    assertThat(two.requests).hasValue(1);
  }
}
