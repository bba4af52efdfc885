package dev.outrigger.proxy.identity;

import com.google.protobuf.Value;
import dev.outrigger.api.ca.v1.IstioCertificateRequest;
import dev.outrigger.api.ca.v1.IstioCertificateResponse;
import dev.outrigger.api.ca.v1.IstioCertificateServiceGrpc;
import dev.outrigger.tls.ClientTls;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One call of {@code CreateCertificate} on a connection of its own, closed after the answer. */
final class CertificateCall implements StreamObserver<IstioCertificateResponse> {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
  private static final long DEADLINE_SECONDS = 10;
  private static final int MAX_ANSWER_BYTES = 1 << 20;

  private final CertificateClient.Authority authority;
  private final ManagedChannel channel;
  private final CompletableFuture<List<String>> answer = new CompletableFuture<>();

  private CertificateCall(CertificateClient.Authority authority, ManagedChannel channel) {
    this.authority = authority;
    this.channel = channel;
  }

  static CompletableFuture<List<String>> start(
      CertificateClient.Authority authority,
      ClientTls tls,
      @Nullable String token,
      String requestPem,
      Duration lifetime,
      Executor executor) {
    String host = authority.host();
    NettyChannelBuilder builder =
        isAddress(host)
            ? NettyChannelBuilder.forAddress(
                new InetSocketAddress(InetAddress.ofLiteral(host), authority.port()))
            : NettyChannelBuilder.forAddress(host, authority.port());
    if (authority.serverName() != null) {
      builder.overrideAuthority(authority.serverName());
    }
    ManagedChannel channel =
        builder
            .sslContext(tls.context())
            .executor(executor)
            .maxInboundMessageSize(MAX_ANSWER_BYTES)
            .disableRetry()
            .build();
    CertificateCall call = new CertificateCall(authority, channel);
    Metadata headers = new Metadata();
    if (token != null) {
      headers.put(AUTHORIZATION, "Bearer " + token);
    }
    IstioCertificateRequest.Builder request =
        IstioCertificateRequest.newBuilder()
            .setCsr(requestPem)
            .setValidityDuration(lifetime.toSeconds());
    if (authority.workload() != null) {
      request
          .getMetadataBuilder()
          .putFields("workload", Value.newBuilder().setStringValue(authority.workload()).build());
    }
    IstioCertificateServiceGrpc.newStub(channel)
        .withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers))
        .createCertificate(request.build(), call);
    return call.answer;
  }

  @Override
  public void onNext(IstioCertificateResponse response) {
    answer.complete(List.copyOf(response.getCertChainList()));
  }

  @Override
  public void onError(Throwable failure) {
    channel.shutdownNow();
    Status status = Status.fromThrowable(failure);
    StringBuilder reason = new StringBuilder();
    reason.append(authority.host()).append(':').append(authority.port());
    reason.append(" answered ").append(status.getCode());
    if (status.getDescription() != null) {
      reason.append(": ").append(status.getDescription());
    }
    for (Throwable t = status.getCause(); t != null; t = t.getCause()) {
      if (t.getMessage() != null) {
        reason.append(": ").append(t.getMessage());
      }
    }
    answer.completeExceptionally(new IOException(reason.toString(), failure));
  }

  @Override
  public void onCompleted() {
    channel.shutdown();
    answer.completeExceptionally(new IOException("the authority gave no answer"));
  }

  private static boolean isAddress(String host) {
    return io.netty.util.NetUtil.isValidIpV4Address(host)
        || io.netty.util.NetUtil.isValidIpV6Address(host);
  }
}
