package dev.outrigger.proxy.identity;

import dev.outrigger.api.ca.v1.IstioCertificateRequest;
import dev.outrigger.api.ca.v1.IstioCertificateResponse;
import dev.outrigger.api.ca.v1.IstioCertificateServiceGrpc;
import dev.outrigger.tls.ClientCheck;
import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.CertificateBuilder.KeyUsage;
import io.netty.pkitesting.X509Bundle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bouncycastle.asn1.pkcs.CertificationRequest;
import org.jspecify.annotations.Nullable;

/** A certificate authority for tests, independent of ours, over real gRPC and TLS. */
final class SmallAuthority implements AutoCloseable {
  static final String TOKEN = "a-join-token";
  static final SpiffeId CHECKOUT = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/checkout");
  private static final Context.Key<String> BEARER = Context.key("bearer");

  final X509Bundle root;
  final List<String> askedBy = new CopyOnWriteArrayList<>();
  volatile Duration lifetime = Duration.ofHours(24);
  volatile @Nullable Status failWith;
  private final InstantSource clock;
  private final Server server;

  SmallAuthority(InstantSource clock) throws Exception {
    this.clock = clock;
    Instant now = clock.instant();
    root =
        new CertificateBuilder()
            .ecp256()
            .subject("CN=root")
            .notBefore(now.minusSeconds(60))
            .notAfter(now.plus(Duration.ofDays(30)))
            .setIsCertificateAuthority(true)
            .buildSelfSigned();
    X509Bundle own =
        leaf(SpiffeId.ofControlPlane("cluster.local"), Duration.ofDays(1)).buildIssuedBy(root);
    ServerTls tls =
        ServerTls.of(
            new WorkloadIdentity(List.of(own.getCertificatePath()), own.getKeyPair().getPrivate()),
            new ClientCheck(trust(), member(), false),
            List.of("h2"),
            List.of("TLSv1.3"),
            clock);
    server =
        NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
            .sslContext(tls.context())
            .intercept(new Bearer())
            .addService(new Service())
            .build()
            .start();
  }

  int port() {
    return server.getPort();
  }

  TrustBundle trust() {
    return new TrustBundle(List.of(root.getCertificate()));
  }

  private static PeerRule member() {
    return new PeerRule.MeshMember(Set.of("cluster.local"), Set.of());
  }

  CertificateClient.Authority asSeenByAProxy(TrustBundle roots) {
    return new CertificateClient.Authority(
        "127.0.0.1",
        port(),
        null,
        roots,
        new PeerRule.MeshMember(
            Set.of("cluster.local"), Set.of(SpiffeId.ofControlPlane("cluster.local"))),
        () -> TOKEN + "\n",
        Duration.ZERO);
  }

  private CertificateBuilder leaf(SpiffeId id, Duration life) throws Exception {
    Instant now = clock.instant();
    return new CertificateBuilder()
        .ecp256()
        .subject("CN=leaf")
        .notBefore(now.minusSeconds(60))
        .notAfter(now.plus(life))
        .setKeyUsage(true, KeyUsage.digitalSignature)
        .addExtendedKeyUsageServerAuth()
        .addExtendedKeyUsageClientAuth()
        .addSanUriName(id.toString());
  }

  /** The chain for a request, after checking its signature with BouncyCastle. */
  List<String> issue(String requestPem) throws Exception {
    CertificationRequest request =
        CertificationRequest.getInstance(Pem.content(requestPem, "CERTIFICATE REQUEST"));
    var about = request.getCertificationRequestInfo();
    PublicKey key =
        KeyFactory.getInstance("EC")
            .generatePublic(
                new X509EncodedKeySpec(about.getSubjectPublicKeyInfo().getEncoded("DER")));
    Signature signature = Signature.getInstance("SHA256withECDSA");
    signature.initVerify(key);
    signature.update(about.getEncoded("DER"));
    if (!signature.verify(request.getSignature().getOctets())
        || !about.getSubject().toString().isEmpty()) {
      throw new IllegalStateException("a bad request");
    }
    X509Bundle issued = leaf(CHECKOUT, lifetime).publicKey(key).buildIssuedBy(root);
    return List.of(Pem.of(issued.getCertificate()), Pem.of(root.getCertificate()));
  }

  @Override
  public void close() {
    server.shutdownNow();
  }

  private static final class Bearer implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      List<String> who = new ArrayList<>();
      String token =
          headers.get(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER));
      if (token != null) {
        who.add(token);
      }
      PeerIdentity peer =
          PeerIdentity.of(
              Objects.requireNonNull(call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION)));
      if (peer != null) {
        who.add(String.valueOf(peer.spiffeId()));
      }
      Context context = Context.current().withValue(BEARER, String.join(",", who));
      return Contexts.interceptCall(context, call, headers, next);
    }
  }

  private final class Service extends IstioCertificateServiceGrpc.IstioCertificateServiceImplBase {
    @Override
    public void createCertificate(
        IstioCertificateRequest request, StreamObserver<IstioCertificateResponse> answer) {
      askedBy.add(BEARER.get());
      Status failure = failWith;
      if (failure != null) {
        answer.onError(failure.asRuntimeException());
        return;
      }
      try {
        answer.onNext(
            IstioCertificateResponse.newBuilder().addAllCertChain(issue(request.getCsr())).build());
        answer.onCompleted();
      } catch (Exception e) {
        answer.onError(Status.INTERNAL.withDescription(e.toString()).asRuntimeException());
      }
    }
  }
}
