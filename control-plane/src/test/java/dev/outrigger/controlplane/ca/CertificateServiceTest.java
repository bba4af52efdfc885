package dev.outrigger.controlplane.ca;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.api.ca.v1.IstioCertificateRequest;
import dev.outrigger.api.ca.v1.IstioCertificateServiceGrpc;
import dev.outrigger.tls.ClientCheck;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerVerifier;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.SigningRequest;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.MetadataUtils;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateServiceTest {
  private static final SpiffeId CHECKOUT =
      SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/checkout");
  private static final List<String> TLS_1_3 = List.of("TLSv1.3");

  private final SecureRandom random = new SecureRandom();
  private Instant now = Instant.parse("2026-11-21T12:00:00.250Z");
  private final InstantSource clock = () -> now;
  @TempDir private Path folder;
  private CertificateAuthority authority;
  private JoinTokens tokens;
  private Server server;

  @BeforeEach
  void start() throws Exception {
    authority =
        CertificateAuthority.open(
            folder.resolve("state"),
            "cluster.local",
            CertificateAuthority.Lifetimes.DAY,
            clock,
            random);
    tokens = JoinTokens.open(folder.resolve("state"), clock, random);
    WorkloadIdentity own =
        authority.servingIdentity(
            List.of("control.test"),
            List.of(InetAddress.getLoopbackAddress()),
            Duration.ofHours(1));
    ServerTls tls =
        ServerTls.of(
            own,
            new ClientCheck(
                authority.trust(),
                new PeerRule.MeshMember(Set.of("cluster.local"), Set.of()),
                false),
            List.of("h2"),
            TLS_1_3,
            clock);
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(tls.context())
            .addService(CertificateService.define(authority, tokens, clock))
            .build()
            .start();
  }

  @AfterEach
  void stop() throws Exception {
    server.shutdownNow();
    server.awaitTermination(5, TimeUnit.SECONDS);
  }

  @Test
  void aJoinTokenGivesItsOwnIdentityForACappedTimeAndTheCertificateRenewsIt() throws Exception {
    SigningRequest request = SigningRequest.create(random);
    String token = tokens.mint(CHECKOUT, Duration.ofMinutes(5), 1);
    List<X509Certificate> chain = ask(null, token, request.pem(), 1_000_000);
    X509Certificate leaf = chain.getFirst();
    WorkloadIdentity identity = new WorkloadIdentity(chain, request.keys().getPrivate());
    assertThat(identity.spiffeId()).isEqualTo(CHECKOUT);
    assertThat(leaf.getPublicKey()).isEqualTo(request.keys().getPublic());
    assertThat(leaf.getNotBefore().toInstant()).isBefore(now.minusSeconds(30));
    assertThat(leaf.getNotAfter().toInstant()).isBeforeOrEqualTo(now.plus(Duration.ofHours(24)));
    PeerRule exactly = new PeerRule.MeshMember(Set.of("cluster.local"), Set.of(CHECKOUT));
    PeerVerifier verifier = new PeerVerifier(authority.trust(), exactly, clock);
    for (PeerVerifier.Side side : PeerVerifier.Side.values()) {
      verifier.verify(chain.toArray(X509Certificate[]::new), side, CHECKOUT);
    }

    SigningRequest next = SigningRequest.create(random);
    List<X509Certificate> renewed = ask(identity, null, next.pem(), 3);
    assertThat(new WorkloadIdentity(renewed, next.keys().getPrivate()).spiffeId())
        .isEqualTo(CHECKOUT);
    assertThat(renewed.getFirst().getNotAfter().toInstant()).isBeforeOrEqualTo(now.plusSeconds(3));
    assertThat(renewed.getFirst().getSerialNumber()).isNotEqualTo(leaf.getSerialNumber());

    assertRefused(null, token, next.pem(), Status.Code.UNAUTHENTICATED, "as often as it may be");
  }

  @Test
  void strangersAndMalformedRequestsAreRefusedWithAReason() throws Exception {
    String good = SigningRequest.create(random).pem();
    String token = tokens.mint(CHECKOUT, Duration.ofMinutes(5), 1);
    assertRefused(null, null, good, Status.Code.UNAUTHENTICATED, "expected a join token");
    assertRefused(null, "guess", good, Status.Code.UNAUTHENTICATED, "not known");
    String wrong = token.substring(0, token.length() - 1) + (token.endsWith("A") ? "B" : "A");
    assertRefused(null, wrong, good, Status.Code.UNAUTHENTICATED, "not known");
    assertRefused(null, token, "", Status.Code.INVALID_ARGUMENT, "csr: it is empty");
    assertRefused(null, token, "hello", Status.Code.INVALID_ARGUMENT, "not PEM");
    byte[] der = Pem.content(good, "CERTIFICATE REQUEST");
    der[der.length - 1] ^= 1;
    String forged = Pem.of("CERTIFICATE REQUEST", der);
    assertRefused(null, token, forged, Status.Code.INVALID_ARGUMENT, "csr: ");
    // None of these mistakes used the token up.
    assertThat(ask(null, token, good, 0)).hasSize(2);

    String late = tokens.mint(CHECKOUT, Duration.ofMinutes(5), JoinTokens.UNLIMITED);
    now = now.plus(Duration.ofMinutes(5));
    assertRefused(null, late, good, Status.Code.UNAUTHENTICATED, "expired");
  }

  @Test
  void anIdentityThatAsksTooOftenIsSlowedDown() throws Exception {
    String pem = SigningRequest.create(random).pem();
    String token = tokens.mint(CHECKOUT, Duration.ofMinutes(5), JoinTokens.UNLIMITED);
    for (int i = 0; i < 20; i++) {
      ask(null, token, pem, 60);
    }
    assertRefused(null, token, pem, Status.Code.RESOURCE_EXHAUSTED, "too many requests");
    now = now.plusSeconds(1);
    ask(null, token, pem, 60);
  }

  private void assertRefused(
      @Nullable WorkloadIdentity identity,
      @Nullable String token,
      String pem,
      Status.Code code,
      String reason) {
    assertThatThrownBy(() -> ask(identity, token, pem, 60))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
        .hasMessageContaining(reason);
  }

  private List<X509Certificate> ask(
      @Nullable WorkloadIdentity identity, @Nullable String token, String pem, long seconds)
      throws Exception {
    SpiffeId expected = SpiffeId.ofControlPlane("cluster.local");
    ClientTls tls =
        ClientTls.of(
            identity,
            TrustBundle.parse(Pem.of(authority.trust().roots())),
            new PeerRule.MeshMember(Set.of("cluster.local"), Set.of(expected)),
            List.of("h2"),
            TLS_1_3,
            clock);
    ManagedChannel channel =
        NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.getLoopbackAddress(), server.getPort()))
            .sslContext(tls.context())
            .build();
    try {
      Metadata headers = new Metadata();
      if (token != null) {
        headers.put(
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
      }
      var answer =
          IstioCertificateServiceGrpc.newBlockingStub(channel)
              .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
              .withDeadlineAfter(10, TimeUnit.SECONDS)
              .createCertificate(
                  IstioCertificateRequest.newBuilder()
                      .setCsr(pem)
                      .setValidityDuration(seconds)
                      .build());
      return Pem.certificates(String.join("", answer.getCertChainList()));
    } finally {
      channel.shutdownNow();
      channel.awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
