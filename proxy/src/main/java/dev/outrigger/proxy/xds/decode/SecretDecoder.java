package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.xds.TypeUrls;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.Secret;

/** Certificates and roots that travel apart from what uses them. */
public final class SecretDecoder implements ResourceType<Secret, SecretConfig> {

  @Override
  public String typeUrl() {
    return TypeUrls.SECRET;
  }

  @Override
  public Class<Secret> messageType() {
    return Secret.class;
  }

  @Override
  public String nameOf(Secret message) {
    return message.getName();
  }

  @Override
  public SecretConfig decode(Secret secret, DecodeContext context) throws InvalidResourceException {
    Scope scope = Scope.of(typeUrl(), secret.getName(), context);
    SupportedFields.check(secret, scope);
    return switch (secret.getTypeCase()) {
      case TLS_CERTIFICATE ->
          new SecretConfig.Identity(
              TlsDecoder.certificate(secret.getTlsCertificate(), scope.in("tls_certificate")));
      case VALIDATION_CONTEXT ->
          TlsDecoder.trust(secret.getValidationContext(), scope.in("validation_context"));
      case TYPE_NOT_SET -> throw scope.refuse("expected tls_certificate or validation_context");
    };
  }
}
