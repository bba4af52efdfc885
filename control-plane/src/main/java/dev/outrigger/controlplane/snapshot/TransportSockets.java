package dev.outrigger.controlplane.snapshot;

import com.google.protobuf.BoolValue;
import io.envoyproxy.envoy.config.core.v3.TransportSocket;
import io.envoyproxy.envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CommonTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CommonTlsContext.CombinedCertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsParameters;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;

/** Mutual TLS between proxies of the mesh: 1.3 only, with the identities of SPIFFE. */
final class TransportSockets {
  private TransportSockets() {}

  /** No TLS. */
  static TransportSocket plain() {
    return TransportSocket.newBuilder()
        .setName("envoy.transport_sockets.raw_buffer")
        .setTypedConfig(Protos.pack(RawBuffer.getDefaultInstance()))
        .build();
  }

  /** For members of the trust domain, who must show a certificate. */
  static TransportSocket inbound(String trustDomain, String alpn) {
    SubjectAltNameMatcher member =
        uri(StringMatcher.newBuilder().setPrefix("spiffe://" + trustDomain + "/"));
    CertificateValidationContext who =
        CertificateValidationContext.newBuilder().addMatchTypedSubjectAltNames(member).build();
    return socket(
        DownstreamTlsContext.newBuilder()
            .setCommonTlsContext(common(who, List.of(alpn)))
            .setRequireClientCertificate(BoolValue.of(true))
            .build());
  }

  /** Towards endpoints that must be one of the identities; there is at least one. */
  static TransportSocket outbound(Collection<String> identities, List<String> alpn) {
    CertificateValidationContext.Builder who = CertificateValidationContext.newBuilder();
    for (String identity : new TreeSet<>(identities)) {
      who.addMatchTypedSubjectAltNames(uri(StringMatcher.newBuilder().setExact(identity)));
    }
    return socket(
        UpstreamTlsContext.newBuilder().setCommonTlsContext(common(who.build(), alpn)).build());
  }

  private static SubjectAltNameMatcher uri(StringMatcher.Builder matcher) {
    return SubjectAltNameMatcher.newBuilder()
        .setSanType(SubjectAltNameMatcher.SanType.URI)
        .setMatcher(matcher)
        .build();
  }

  private static CommonTlsContext common(CertificateValidationContext who, List<String> alpn) {
    return CommonTlsContext.newBuilder()
        .setTlsParams(
            TlsParameters.newBuilder()
                .setTlsMinimumProtocolVersion(TlsParameters.TlsProtocol.TLSv1_3)
                .setTlsMaximumProtocolVersion(TlsParameters.TlsProtocol.TLSv1_3))
        .addTlsCertificateSdsSecretConfigs(secret(Names.IDENTITY_SECRET))
        .setCombinedValidationContext(
            CombinedCertificateValidationContext.newBuilder()
                .setDefaultValidationContext(who)
                .setValidationContextSdsSecretConfig(secret(Names.TRUST_SECRET)))
        .addAllAlpnProtocols(alpn)
        .build();
  }

  private static SdsSecretConfig secret(String name) {
    return SdsSecretConfig.newBuilder().setName(name).setSdsConfig(Protos.ADS).build();
  }

  private static TransportSocket socket(com.google.protobuf.Message context) {
    return TransportSocket.newBuilder()
        .setName("envoy.transport_sockets.tls")
        .setTypedConfig(Protos.pack(context))
        .build();
  }
}
