package dev.outrigger.controlplane.ca;

import com.google.protobuf.Value;
import dev.outrigger.api.ca.v1.IstioCertificateRequest;
import dev.outrigger.api.ca.v1.IstioCertificateResponse;
import dev.outrigger.api.ca.v1.IstioCertificateServiceGrpc;
import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.SpiffeId;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers {@code istio.v1.auth.IstioCertificateService}. Who asks is told by a join token in the
 * metadata {@code authorization: Bearer ...}, or by the certificate of the connection when an
 * identity is renewed; never by the request. Serve it only on a TLS port whose client certificates
 * are verified as members of the mesh.
 */
public final class CertificateService {
  private static final Logger log = LoggerFactory.getLogger(CertificateService.class);
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final Context.Key<Caller> CALLER = Context.key("certificate-caller");
  private static final String BEARER = "Bearer ";

  /** In a request's metadata: which workload asks, as {@code namespace/name}. */
  private static final String WORKLOAD = "workload";

  private static final int BURST = 20;
  private static final Duration REFILL = Duration.ofSeconds(1);
  private static final int STRANGERS_BURST = 200;
  private static final Duration STRANGERS_REFILL = Duration.ofMillis(10);

  /** Beyond this a lifetime is nonsense, and the authority shortens far smaller ones. */
  private static final long MAX_SECONDS = Duration.ofDays(36_500).toSeconds();

  private final CertificateAuthority authority;
  private final TokenVerifier tokens;
  private final RequestLimiter identities;
  private final RequestLimiter strangers;

  /** What a call brought to prove who it is from. */
  private record Caller(@Nullable String token, @Nullable SpiffeId certified) {}

  private CertificateService(
      CertificateAuthority authority, TokenVerifier tokens, InstantSource clock) {
    this.authority = authority;
    this.tokens = tokens;
    this.identities = new RequestLimiter(BURST, REFILL, clock);
    this.strangers = new RequestLimiter(STRANGERS_BURST, STRANGERS_REFILL, clock);
  }

  /** The service, ready for a server to add. */
  public static ServerServiceDefinition define(
      CertificateAuthority authority, TokenVerifier tokens, InstantSource clock) {
    CertificateService service = new CertificateService(authority, tokens, clock);
    return ServerInterceptors.intercept(service.new Endpoint(), new CallerInterceptor());
  }

  private static final class CallerInterceptor implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      String value = headers.get(AUTHORIZATION);
      String token =
          value != null && value.regionMatches(true, 0, BEARER, 0, BEARER.length())
              ? value.substring(BEARER.length()).strip()
              : null;
      SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
      PeerIdentity peer = session == null ? null : PeerIdentity.of(session);
      Caller caller = new Caller(token, peer == null ? null : peer.spiffeId());
      return Contexts.interceptCall(
          Context.current().withValue(CALLER, caller), call, headers, next);
    }
  }

  private final class Endpoint extends IstioCertificateServiceGrpc.IstioCertificateServiceImplBase {
    @Override
    public void createCertificate(
        IstioCertificateRequest request, StreamObserver<IstioCertificateResponse> answer) {
      IstioCertificateResponse response;
      try {
        response = answerTo(request, CALLER.get());
      } catch (RefusedCall e) {
        answer.onError(e.status.asRuntimeException());
        return;
      } catch (IOException e) {
        log.error("a token cannot be verified: {}", e.getMessage());
        answer.onError(
            Status.UNAVAILABLE
                .withDescription("the token cannot be verified now: " + e.getMessage())
                .asRuntimeException());
        return;
      }
      answer.onNext(response);
      answer.onCompleted();
    }
  }

  private IstioCertificateResponse answerTo(IstioCertificateRequest request, Caller caller)
      throws RefusedCall, IOException {
    SpiffeId identity = identityOf(caller, request);
    if (!identities.allows(identity.toString())) {
      throw new RefusedCall(
          Status.RESOURCE_EXHAUSTED.withDescription(
              "too many requests for " + identity + ", try again later"));
    }
    if (request.getCsr().isEmpty()) {
      throw new RefusedCall(Status.INVALID_ARGUMENT.withDescription("csr: it is empty"));
    }
    try {
      Duration asked =
          Duration.ofSeconds(Math.clamp(request.getValidityDuration(), 0, MAX_SECONDS));
      // The request is wholly judged before the token is used up, so that a mistake costs no use.
      List<X509Certificate> chain = authority.issue(request.getCsr(), identity, asked);
      if (caller.token() != null) {
        accepted(tokens.redeem(caller.token()), request);
      }
      log.info(
          "issued a certificate for {} until {}",
          identity,
          chain.getFirst().getNotAfter().toInstant());
      return IstioCertificateResponse.newBuilder()
          .addAllCertChain(chain.stream().map(Pem::of).toList())
          .build();
    } catch (RefusedRequestException e) {
      throw new RefusedCall(Status.INVALID_ARGUMENT.withDescription("csr: " + e.getMessage()));
    }
  }

  private SpiffeId identityOf(Caller caller, IstioCertificateRequest request)
      throws RefusedCall, IOException {
    if (caller.token() != null) {
      if (!strangers.allows("")) {
        throw new RefusedCall(
            Status.RESOURCE_EXHAUSTED.withDescription("too many requests, try again later"));
      }
      return accepted(tokens.verify(caller.token()), request);
    }
    SpiffeId certified = caller.certified();
    if (certified == null) {
      throw new RefusedCall(
          Status.UNAUTHENTICATED.withDescription(
              "expected a join token (authorization: Bearer ...) or a client certificate"));
    }
    if (certified.equals(SpiffeId.ofControlPlane(authority.trustDomain()))) {
      throw new RefusedCall(
          Status.PERMISSION_DENIED.withDescription(
              "the control plane's own identity is not renewed here"));
    }
    return certified;
  }

  private static SpiffeId accepted(JoinTokens.Verdict verdict, IstioCertificateRequest request)
      throws RefusedCall {
    return switch (verdict) {
      case JoinTokens.Verdict.Accepted(SpiffeId identity, @Nullable String workload) -> {
        String said =
            request
                .getMetadata()
                .getFieldsOrDefault(WORKLOAD, Value.getDefaultInstance())
                .getStringValue();
        // Other agents than ours do not say it.
        if (workload != null && !said.isEmpty() && !said.equals(workload)) {
          throw new RefusedCall(
              Status.PERMISSION_DENIED.withDescription(
                  JoinRefusal.OTHER_POD.text(
                      "the token is of the pod " + workload + ", not of " + said)));
        }
        yield identity;
      }
      case JoinTokens.Verdict.Refused(String reason) ->
          throw new RefusedCall(Status.UNAUTHENTICATED.withDescription(reason));
    };
  }

  /** Ends a call with a status. */
  private static final class RefusedCall extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient Status status;

    RefusedCall(Status status) {
      super(status.getDescription());
      this.status = status;
    }
  }
}
