package dev.outrigger.proxy.identity;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import dev.outrigger.api.spiffe.SpiffeWorkloadAPIGrpc;
import dev.outrigger.api.spiffe.X509SVID;
import dev.outrigger.api.spiffe.X509SVIDRequest;
import dev.outrigger.api.spiffe.X509SVIDResponse;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.WorkloadIdentity;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.CertificateBuilder.KeyUsage;
import io.netty.pkitesting.X509Bundle;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over a Unix socket, with an agent of the test's own that speaks the standard's messages. */
class WorkloadApiSourceTest {
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final SpiffeId WEB = SpiffeId.parse("spiffe://example.org/ns/shop/sa/web");

  @TempDir private Path folder;

  private final ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
  private final MultiThreadIoEventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final BlockingQueue<StreamObserver<X509SVIDResponse>> calls = new LinkedBlockingQueue<>();
  private final BlockingQueue<WorkloadIdentity> identities = new LinkedBlockingQueue<>();
  private Path socket;
  private X509Bundle root;
  private @Nullable Server agent;
  private WorkloadApiSource source;

  @BeforeEach
  void starts() throws Exception {
    socket = folder.resolve("agent.sock");
    root =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=root")
            .notBefore(Instant.now().minusSeconds(60))
            .notAfter(Instant.now().plus(Duration.ofDays(1)))
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    source =
        new WorkloadApiSource(
            socket, null, "example.org", scheduler, InstantSource.system(), new SecureRandom());
  }

  @AfterEach
  void ends() throws Exception {
    source.close();
    if (agent != null) {
      agent.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
    scheduler.shutdownNow();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
  }

  private void startAgent() throws Exception {
    Files.deleteIfExists(socket);
    agent =
        NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
            .bossEventLoopGroup(loop)
            .workerEventLoopGroup(loop)
            .channelType(NioServerDomainSocketChannel.class)
            .intercept(new SecurityHeader())
            .addService(
                new SpiffeWorkloadAPIGrpc.SpiffeWorkloadAPIImplBase() {
                  @Override
                  public void fetchX509SVID(
                      X509SVIDRequest request, StreamObserver<X509SVIDResponse> answers) {
                    calls.add(answers);
                  }
                })
            .build()
            .start();
  }

  /** As agents refuse who does not know whom it calls. */
  private static final class SecurityHeader implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      Metadata.Key<String> key =
          Metadata.Key.of("workload.spiffe.io", Metadata.ASCII_STRING_MARSHALLER);
      if (!"true".equals(headers.get(key))) {
        call.close(Status.INVALID_ARGUMENT, new Metadata());
        return new ServerCall.Listener<>() {};
      }
      return next.startCall(call, headers);
    }
  }

  private StreamObserver<X509SVIDResponse> call() throws InterruptedException {
    return Objects.requireNonNull(calls.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS));
  }

  private WorkloadIdentity identity() throws InterruptedException {
    return Objects.requireNonNull(identities.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS));
  }

  private X509SVIDResponse svid() throws Exception {
    X509Bundle leaf =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=leaf")
            .notBefore(Instant.now().minusSeconds(60))
            .notAfter(Instant.now().plus(Duration.ofHours(1)))
            .setKeyUsage(true, KeyUsage.digitalSignature)
            .addExtendedKeyUsageServerAuth()
            .addExtendedKeyUsageClientAuth()
            .addSanUriName(WEB.toString())
            .buildIssuedBy(root);
    return X509SVIDResponse.newBuilder()
        .addSvids(
            X509SVID
                .newBuilder()
                .setSpiffeId(WEB.toString())
                .setX509Svid(ByteString.copyFrom(leaf.getCertificate().getEncoded()))
                .setX509SvidKey(ByteString.copyFrom(leaf.getKeyPair().getPrivate().getEncoded()))
                .setBundle(ByteString.copyFrom(root.getCertificate().getEncoded())))
        .build();
  }

  @Test
  void eachSvidIsTakenAndTheLastOneKeptWhileTheAgentIsAway() throws Exception {
    // Nobody listens yet: it is tried until somebody does.
    source.start((identity, _) -> identities.add(identity));
    Awaitility.await().atMost(PATIENCE).until(() -> source.state().failures() > 0);
    assertThat(source.state().problem(Instant.now())).contains("no identity yet", "UNAVAILABLE");
    startAgent();
    StreamObserver<X509SVIDResponse> stream = call();
    stream.onNext(svid());
    WorkloadIdentity first = identity();
    assertThat(first.spiffeId()).isEqualTo(WEB);
    stream.onNext(svid());
    assertThat(identity().leaf()).isNotEqualTo(first.leaf());
    Objects.requireNonNull(agent).shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    Awaitility.await().atMost(PATIENCE).until(() -> source.state().failures() > 0);
    assertThat(source.state().isUsable(Instant.now())).isTrue();
    startAgent();
    call().onNext(svid());
    identity();
    assertThat(source.state().failures()).isZero();
    assertThat(source.state().lastError()).isNull();
  }

  @Test
  void whoIsNotRegisteredIsToldSo() throws Exception {
    startAgent();
    source.start((identity, _) -> identities.add(identity));
    call()
        .onError(
            Status.PERMISSION_DENIED.withDescription("no identity issued").asRuntimeException());
    Awaitility.await().atMost(PATIENCE).until(() -> source.state().failures() > 0);
    assertThat(source.state().problem(Instant.now()))
        .contains("PERMISSION_DENIED: no identity issued");
    // It may be registered at any time.
    call().onNext(svid());
    assertThat(identity().spiffeId()).isEqualTo(WEB);
  }
}
