package dev.outrigger.controlplane;

import dev.outrigger.controlplane.ads.AdsService;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.TokenVerifier;
import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.SpiffeId;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.io.IOException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * Lets in to discovery on the TLS port who shows a certificate of the mesh or a join token in
 * {@code authorization: Bearer}, which is not used up by it.
 */
final class CallerAuthentication implements ServerInterceptor {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final String BEARER = "Bearer ";

  private final TokenVerifier tokens;

  CallerAuthentication(TokenVerifier tokens) {
    this.tokens = tokens;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    PeerIdentity peer = session == null ? null : PeerIdentity.of(session);
    if (peer != null && peer.spiffeId() != null) {
      return as(peer.spiffeId(), null, call, headers, next);
    }
    String value = headers.get(AUTHORIZATION);
    if (value == null || !value.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return refuse(
          call,
          Status.UNAUTHENTICATED.withDescription(
              "expected a client certificate of the mesh or a join token"));
    }
    try {
      return switch (tokens.verify(value.substring(BEARER.length()).strip())) {
        case JoinTokens.Verdict.Accepted(SpiffeId identity, @Nullable String workload) ->
            as(identity, workload, call, headers, next);
        case JoinTokens.Verdict.Refused(String reason) ->
            refuse(call, Status.UNAUTHENTICATED.withDescription(reason));
      };
    } catch (IOException e) {
      return refuse(
          call,
          Status.UNAVAILABLE.withDescription(
              "the token cannot be verified now: " + e.getMessage()));
    }
  }

  private static <Q, A> ServerCall.Listener<Q> as(
      SpiffeId identity,
      @Nullable String workload,
      ServerCall<Q, A> call,
      Metadata headers,
      ServerCallHandler<Q, A> next) {
    Context proven = Context.current().withValue(AdsService.CALLER, identity);
    return Contexts.interceptCall(
        workload == null ? proven : proven.withValue(AdsService.CALLING_WORKLOAD, workload),
        call,
        headers,
        next);
  }

  private static <Q, A> ServerCall.Listener<Q> refuse(ServerCall<Q, A> call, Status status) {
    call.close(status, new Metadata());
    return new ServerCall.Listener<>() {};
  }
}
