package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.config.HttpProxyConfig.Codec;
import dev.outrigger.proxy.config.RetryPolicy;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ServerCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A gRPC client and a gRPC server that know nothing of the proxy between them. */
class GrpcTest {
  private static final MethodDescriptor.Marshaller<String> TEXT =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(String value) {
          return new ByteArrayInputStream(value.getBytes(StandardCharsets.UTF_8));
        }

        @Override
        public String parse(InputStream stream) {
          try {
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        }
      };
  private static final MethodDescriptor<String, String> ECHO = method("Echo", MethodType.UNARY);
  private static final MethodDescriptor<String, String> CHAT =
      method("Chat", MethodType.BIDI_STREAMING);
  private static final MethodDescriptor<String, String> FLOOD =
      method("Flood", MethodType.SERVER_STREAMING);

  private static final PoolConfig HTTP2 =
      new PoolConfig(
          0,
          0,
          Duration.ofSeconds(30),
          Duration.ZERO,
          0,
          Speech.HTTP2,
          ClusterConfig.UPSTREAM_HTTP2,
          ClusterConfig.AnswerLimits.DEFAULT);

  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger tries = new AtomicInteger();
  private Server server;
  private ProxyBed bed;
  private ManagedChannel channel;

  private static MethodDescriptor<String, String> method(String name, MethodType type) {
    return MethodDescriptor.<String, String>newBuilder()
        .setType(type)
        .setFullMethodName("test.Words/" + name)
        .setRequestMarshaller(TEXT)
        .setResponseMarshaller(TEXT)
        .build();
  }

  @BeforeEach
  void start() throws Exception {
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .addService(
                ServerServiceDefinition.builder("test.Words")
                    .addMethod(ECHO, ServerCalls.asyncUnaryCall(this::echo))
                    .addMethod(CHAT, ServerCalls.asyncBidiStreamingCall(GrpcTest::chat))
                    .addMethod(FLOOD, ServerCalls.asyncServerStreamingCall(this::flood))
                    .build())
            .build()
            .start();
    ProxyBed.Setup setup = new ProxyBed.Setup().to(server.getPort());
    setup.codec = Codec.AUTO;
    setup.timeout = Duration.ZERO;
    setup.retry =
        new RetryPolicy(
            Set.of(),
            Set.of(),
            2,
            Duration.ZERO,
            Duration.ofMillis(1),
            Duration.ofMillis(2),
            false,
            Set.of(Status.Code.UNAVAILABLE.value()));
    setup.pool = HTTP2;
    bed = new ProxyBed(setup);
    channel =
        NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), bed.port()))
            .usePlaintext()
            .build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
    bed.close();
  }

  private void echo(String word, StreamObserver<String> answers) {
    if (word.equals("fail")) {
      answers.onError(Status.FAILED_PRECONDITION.withDescription("not now").asRuntimeException());
      return;
    }
    if (word.equals("twice") && tries.incrementAndGet() < 3) {
      answers.onError(Status.UNAVAILABLE.asRuntimeException());
      return;
    }
    answers.onNext(word);
    answers.onCompleted();
  }

  private static StreamObserver<String> chat(StreamObserver<String> answers) {
    return new StreamObserver<>() {
      @Override
      public void onNext(String value) {
        answers.onNext("you said " + value);
      }

      @Override
      public void onError(Throwable cause) {}

      @Override
      public void onCompleted() {
        answers.onCompleted();
      }
    };
  }

  private void flood(String size, StreamObserver<String> answers) {
    var to = (io.grpc.stub.ServerCallStreamObserver<String>) answers;
    String piece = "x".repeat(16 * 1024);
    Runnable more =
        () -> {
          while (to.isReady() && sent.get() < Integer.parseInt(size)) {
            sent.incrementAndGet();
            to.onNext(piece);
          }
        };
    to.setOnReadyHandler(more);
  }

  private String echo(String word) {
    return ClientCalls.blockingUnaryCall(
        channel, ECHO, CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS), word);
  }

  @Test
  void unaryCallsAndTheirFailuresPass() {
    assertThat(echo("hello")).isEqualTo("hello");
    assertThat(echo("y".repeat(1_000_000))).hasSize(1_000_000);
    assertThatThrownBy(() -> echo("fail"))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.FAILED_PRECONDITION);
              assertThat(e.getStatus().getDescription()).isEqualTo("not now");
            });
  }

  @Test
  void largeMessagesCrossTwoProxies() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup().to(bed.port());
    setup.codec = Codec.AUTO;
    setup.timeout = Duration.ZERO;
    setup.pool = HTTP2;
    try (ProxyBed before = new ProxyBed(setup)) {
      ManagedChannel through =
          NettyChannelBuilder.forAddress(
                  new InetSocketAddress(InetAddress.getLoopbackAddress(), before.port()))
              .usePlaintext()
              .build();
      try {
        for (int size : new int[] {1, 271_828, 3, 1_000_000, 65_535, 131_072}) {
          assertThat(
                  ClientCalls.blockingUnaryCall(
                      through,
                      ECHO,
                      CallOptions.DEFAULT.withDeadlineAfter(10, TimeUnit.SECONDS),
                      "z".repeat(size)))
              .hasSize(size);
        }
      } finally {
        through.shutdownNow();
      }
    }
  }

  @Test
  void aStatusInTrailersOnlyIsRetriedWherePolicyNamesIt() {
    assertThat(echo("twice")).isEqualTo("twice");
    assertThat(tries).hasValue(3);
  }

  @Test
  void aConversationGoesBothWaysAtOnce() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    CountDownLatch over = new CountDownLatch(1);
    StreamObserver<String> toServer =
        ClientCalls.asyncBidiStreamingCall(
            channel.newCall(CHAT, CallOptions.DEFAULT),
            new StreamObserver<>() {
              @Override
              public void onNext(String value) {
                heard.add(value);
              }

              @Override
              public void onError(Throwable cause) {
                heard.add(cause.toString());
                over.countDown();
              }

              @Override
              public void onCompleted() {
                over.countDown();
              }
            });
    for (int i = 0; i < 20; i++) {
      toServer.onNext("word " + i);
      int so = i + 1;
      await().atMost(Duration.ofSeconds(10)).until(() -> heard.size() == so);
    }
    toServer.onCompleted();
    assertThat(over.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(heard).hasSize(20).last().isEqualTo("you said word 19");
  }

  @Test
  void aStreamThatNobodyReadsStopsItsSenderAndNobodyElse() {
    ClientCall<String, String> slow = channel.newCall(FLOOD, CallOptions.DEFAULT);
    slow.start(new ClientCall.Listener<>() {}, new Metadata());
    slow.sendMessage("10000");
    slow.halfClose();
    slow.request(1);
    await().atMost(Duration.ofSeconds(10)).until(() -> sent.get() > 0);
    for (int i = 0; i < 200; i++) {
      assertThat(echo("still here")).isEqualTo("still here");
    }
    // 160 MB were asked for; what is under way is bounded by the windows.
    assertThat(sent.get()).isLessThan(500);
    slow.cancel("enough", null);
  }

  @Test
  void whatTheProxySaysIsAStatusInTrailersOnly() {
    server.shutdownNow();
    await()
        .atMost(Duration.ofSeconds(10))
        .untilAsserted(
            () ->
                assertThatThrownBy(() -> echo("anyone?"))
                    .isInstanceOfSatisfying(
                        StatusRuntimeException.class,
                        e -> {
                          @Nullable Metadata trailers = e.getTrailers();
                          assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
                          assertThat(trailers).isNotNull();
                          assertThat(
                                  trailers.get(
                                      Metadata.Key.of(
                                          "x-outrigger-error", Metadata.ASCII_STRING_MARSHALLER)))
                              .isEqualTo("connect_refused");
                        }));
  }
}
