package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.config.TlsVersions;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceLookup;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.Unresolved;
import dev.outrigger.proxy.xds.TypeUrls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import io.envoyproxy.envoy.config.core.v3.ConfigSource;
import io.envoyproxy.envoy.config.core.v3.TransportSocket;
import io.envoyproxy.envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CommonTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SdsSecretConfig;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsCertificate;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsParameters;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.TlsParameters.TlsProtocol;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Transport sockets, certificates and validation contexts. */
final class TlsDecoder {
  private TlsDecoder() {}

  /**
   * TLS of a filter chain.
   *
   * @param scope of the transport socket
   */
  static Unresolved<DownstreamTls> downstream(TransportSocket socket, Scope scope)
      throws InvalidResourceException {
    Scope at = scope.in("typed_config");
    Any any = socket.getTypedConfig();
    if (isRaw(socket)) {
      return Unresolved.complete(new DownstreamTls.Plain());
    }
    if (!any.is(DownstreamTlsContext.class)) {
      throw at.refuse("expected DownstreamTlsContext or RawBuffer, found " + kindOf(any));
    }
    DownstreamTlsContext context = at.unpack(any, DownstreamTlsContext.class);
    CommonTlsContext common = context.getCommonTlsContext();
    Scope in = at.in("common_tls_context");
    @Nullable Unresolved<WorkloadIdentity> identity = identity(common, in);
    if (identity == null) {
      throw in.refuse(
          "a server needs a certificate: expected tls_certificates or"
              + " tls_certificate_sds_secret_configs");
    }
    @Nullable Unresolved<Trusted> trusted = trusted(common, in);
    boolean required = context.getRequireClientCertificate().getValue();
    if (required && trusted == null) {
      throw in.refuse(
          "require_client_certificate needs a validation_context that says whom to trust");
    }
    List<String> alpn = alpn(common, in);
    TlsVersions versions = versions(common.getTlsParams(), in.in("tls_params"));
    if (trusted == null) {
      return new Deferred<>(
          identity.needs(),
          r -> new DownstreamTls.Terminate(identity.resolve(r), null, alpn, versions));
    }
    return new Deferred<>(
        Deferred.needsOf(List.of(identity, trusted)),
        r -> {
          Trusted clients = trusted.resolve(r);
          return new DownstreamTls.Terminate(
              identity.resolve(r),
              new DownstreamTls.Clients(clients.bundle(), clients.rule(), required),
              alpn,
              versions);
        });
  }

  /**
   * TLS towards endpoints.
   *
   * @param scope of the transport socket
   */
  static Unresolved<UpstreamTls> upstream(TransportSocket socket, Scope scope)
      throws InvalidResourceException {
    Scope at = scope.in("typed_config");
    Any any = socket.getTypedConfig();
    if (isRaw(socket)) {
      return Unresolved.complete(new UpstreamTls.Plain());
    }
    if (!any.is(UpstreamTlsContext.class)) {
      throw at.refuse("expected UpstreamTlsContext or RawBuffer, found " + kindOf(any));
    }
    UpstreamTlsContext context = at.unpack(any, UpstreamTlsContext.class);
    CommonTlsContext common = context.getCommonTlsContext();
    Scope in = at.in("common_tls_context");
    @Nullable Unresolved<WorkloadIdentity> identity = identity(common, in);
    @Nullable Unresolved<Trusted> trusted = trusted(common, in);
    if (trusted == null) {
      throw in.in("validation_context")
          .refuse(
              "is required: without roots any server would be accepted; set trusted_ca, such as"
                  + " {filename: /etc/ssl/certs/ca-certificates.crt}");
    }
    @Nullable String sni = context.getSni().isEmpty() ? null : context.getSni();
    if (sni != null && sni.length() > 255) {
      throw at.in("sni").refuse("is longer than 255 characters");
    }
    @Nullable PeerRule bySni = null;
    if (context.getAutoSniSanValidation()) {
      if (sni == null) {
        throw at.in("auto_sni_san_validation").refuse("needs sni");
      }
      bySni =
          new PeerRule.NamedBy(
              List.of(
                  new PeerRule.NameMatcher(
                      PeerRule.NameKind.DNS, PeerRule.NameComparison.EXACT, sni)));
    }
    @Nullable PeerRule override = bySni;
    List<String> alpn = alpn(common, in);
    TlsVersions versions = versions(common.getTlsParams(), in.in("tls_params"));
    List<Unresolved<?>> parts = new ArrayList<>();
    parts.add(trusted);
    if (identity != null) {
      parts.add(identity);
    }
    return new Deferred<>(
        Deferred.needsOf(parts),
        r -> {
          Trusted servers = trusted.resolve(r);
          return new UpstreamTls.Originate(
              identity == null ? null : identity.resolve(r),
              servers.bundle(),
              override == null ? servers.rule() : override,
              sni,
              alpn,
              versions);
        });
  }

  /** Roots, and which of those that they vouch for are accepted. */
  private record Trusted(TrustBundle bundle, PeerRule rule) {}

  private static boolean isRaw(TransportSocket socket) {
    return socket.getTypedConfig().is(RawBuffer.class)
        || (!socket.hasTypedConfig()
            && socket.getName().equals("envoy.transport_sockets.raw_buffer"));
  }

  private static String kindOf(Any any) {
    return any.getTypeUrl().isEmpty() ? "nothing" : KnownTypes.nameIn(any.getTypeUrl());
  }

  private static @Nullable Unresolved<WorkloadIdentity> identity(
      CommonTlsContext common, Scope scope) throws InvalidResourceException {
    int count = common.getTlsCertificatesCount() + common.getTlsCertificateSdsSecretConfigsCount();
    if (count == 0) {
      return null;
    }
    if (count > 1) {
      throw scope.refuse("holds " + count + " certificates, expected one");
    }
    if (common.getTlsCertificatesCount() == 1) {
      return Unresolved.complete(
          certificate(common.getTlsCertificates(0), scope.in("tls_certificates", 0)));
    }
    Scope at = scope.in("tls_certificate_sds_secret_configs", 0);
    String name = secretName(common.getTlsCertificateSdsSecretConfigs(0), at);
    return new Deferred<>(
        Set.of(new ResourceRef(TypeUrls.SECRET, name)),
        r ->
            switch (r.secret(name)) {
              case SecretConfig.Identity found -> found.identity();
              case SecretConfig.Trust _ ->
                  throw at.refuse("the secret '" + name + "' holds roots, expected a certificate");
            });
  }

  static WorkloadIdentity certificate(TlsCertificate certificate, Scope scope)
      throws InvalidResourceException {
    Scope chain = scope.in("certificate_chain");
    Scope key = scope.in("private_key");
    String chainText = Sources.text(certificate.getCertificateChain(), chain);
    String keyText = Sources.text(certificate.getPrivateKey(), key);
    try {
      return new WorkloadIdentity(certificates(chainText, chain), Pem.privateKey(keyText));
    } catch (PemException | IllegalArgumentException e) {
      throw key.refuse(String.valueOf(e.getMessage()));
    }
  }

  private static List<java.security.cert.X509Certificate> certificates(String text, Scope scope)
      throws InvalidResourceException {
    try {
      return Pem.certificates(text);
    } catch (PemException e) {
      throw scope.refuse(String.valueOf(e.getMessage()));
    }
  }

  private static @Nullable Unresolved<Trusted> trusted(CommonTlsContext common, Scope scope)
      throws InvalidResourceException {
    return switch (common.getValidationContextTypeCase()) {
      case VALIDATION_CONTEXT -> {
        Scope at = scope.in("validation_context");
        SecretConfig.Trust trust = trust(common.getValidationContext(), at);
        yield Unresolved.complete(new Trusted(trust.trust(), ruleOr(trust.rule())));
      }
      case VALIDATION_CONTEXT_SDS_SECRET_CONFIG ->
          bySecret(
              common.getValidationContextSdsSecretConfig(),
              null,
              scope.in("validation_context_sds_secret_config"));
      case COMBINED_VALIDATION_CONTEXT -> {
        Scope at = scope.in("combined_validation_context");
        CommonTlsContext.CombinedCertificateValidationContext both =
            common.getCombinedValidationContext();
        CertificateValidationContext own = both.getDefaultValidationContext();
        if (own.hasTrustedCa()) {
          throw at.in("default_validation_context")
              .in("trusted_ca")
              .refuse("the roots come from the secret, leave this out");
        }
        yield bySecret(
            both.getValidationContextSdsSecretConfig(),
            PeerRules.of(own, at.in("default_validation_context")),
            at.in("validation_context_sds_secret_config"));
      }
      case VALIDATIONCONTEXTTYPE_NOT_SET -> {
        // Whoever goes on without unsupported fields still wants peers to be verified.
        if (DroppedFields.isSet(common, "validation_context_certificate_provider")
            || DroppedFields.isSet(common, "validation_context_certificate_provider_instance")) {
          throw scope.refuse("certificate providers are not supported");
        }
        yield null;
      }
    };
  }

  private static Unresolved<Trusted> bySecret(
      SdsSecretConfig secret, @Nullable PeerRule own, Scope at) throws InvalidResourceException {
    String name = secretName(secret, at);
    return new Deferred<>(
        Set.of(new ResourceRef(TypeUrls.SECRET, name)), r -> trustedBy(r, name, own, at));
  }

  private static Trusted trustedBy(
      ResourceLookup resources, String name, @Nullable PeerRule own, Scope at)
      throws InvalidResourceException {
    return switch (resources.secret(name)) {
      case SecretConfig.Trust found ->
          new Trusted(found.trust(), own == null ? ruleOr(found.rule()) : own);
      case SecretConfig.Identity _ ->
          throw at.refuse("the secret '" + name + "' holds a certificate, expected roots");
    };
  }

  private static PeerRule ruleOr(@Nullable PeerRule rule) {
    return rule == null ? new PeerRule.AnyTrusted() : rule;
  }

  /** Roots with the rule that stands beside them, if there is one. */
  static SecretConfig.Trust trust(CertificateValidationContext context, Scope scope)
      throws InvalidResourceException {
    @Nullable PeerRule rule = PeerRules.of(context, scope);
    if (context.hasCustomValidatorConfig()) {
      Scope at = PeerRules.bundleScope(scope);
      return new SecretConfig.Trust(
          new TrustBundle(certificates(PeerRules.bundle(context, scope), at)), rule);
    }
    Scope at = scope.in("trusted_ca");
    if (!context.hasTrustedCa()) {
      throw at.refuse("is required: it says whom to trust");
    }
    return new SecretConfig.Trust(
        new TrustBundle(certificates(Sources.text(context.getTrustedCa(), at), at)), rule);
  }

  private static String secretName(SdsSecretConfig secret, Scope scope)
      throws InvalidResourceException {
    if (secret.hasSdsConfig()) {
      checkSource(secret.getSdsConfig(), scope.in("sds_config"));
    }
    return scope.in("name").required(secret.getName());
  }

  /** Resources that a resource names come over the one stream there is. */
  static void checkSource(ConfigSource source, Scope scope) throws InvalidResourceException {
    switch (source.getConfigSourceSpecifierCase()) {
      case ADS, SELF -> {}
      case PATH, PATH_CONFIG_SOURCE, API_CONFIG_SOURCE ->
          scope.unsupported("only ads and self are followed");
      case CONFIGSOURCESPECIFIER_NOT_SET -> throw scope.refuse("expected ads or self");
    }
  }

  private static List<String> alpn(CommonTlsContext common, Scope scope)
      throws InvalidResourceException {
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < common.getAlpnProtocolsCount(); i++) {
      String protocol = common.getAlpnProtocols(i);
      if (protocol.isEmpty() || protocol.length() > 255 || !seen.add(protocol)) {
        throw scope
            .in("alpn_protocols", i)
            .refuse("'" + protocol + "' is empty, too long or there already");
      }
    }
    return List.copyOf(common.getAlpnProtocolsList());
  }

  private static TlsVersions versions(TlsParameters parameters, Scope scope)
      throws InvalidResourceException {
    TlsProtocol min = parameters.getTlsMinimumProtocolVersion();
    TlsProtocol max = parameters.getTlsMaximumProtocolVersion();
    if (min == TlsProtocol.TLSv1_0 || min == TlsProtocol.TLSv1_1) {
      throw scope.in("tls_minimum_protocol_version").refuse("expected TLSv1_2 or TLSv1_3");
    }
    if (max == TlsProtocol.TLSv1_0 || max == TlsProtocol.TLSv1_1) {
      throw scope.in("tls_maximum_protocol_version").refuse("expected TLSv1_2 or TLSv1_3");
    }
    if (min == TlsProtocol.UNRECOGNIZED || max == TlsProtocol.UNRECOGNIZED) {
      throw scope.refuse("names an unknown TLS version");
    }
    if (max == TlsProtocol.TLSv1_2) {
      if (min == TlsProtocol.TLSv1_3) {
        throw scope.in("tls_minimum_protocol_version").refuse("is above the maximum");
      }
      return TlsVersions.TLS_1_2_ONLY;
    }
    return min == TlsProtocol.TLSv1_3 ? TlsVersions.TLS_1_3_ONLY : TlsVersions.TLS_1_2_AND_1_3;
  }
}
