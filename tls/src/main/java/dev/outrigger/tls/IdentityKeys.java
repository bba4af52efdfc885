package dev.outrigger.tls;

import io.netty.handler.ssl.OpenSslCachingX509KeyManagerFactory;
import io.netty.handler.ssl.util.SimpleKeyManagerFactory;
import java.net.Socket;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.ManagerFactoryParameters;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Hands one identity to native TLS as it is. Given a bare key, Netty would first wrap it in a
 * password-based key store and then unwrap it again: twenty thousand rounds of hashing for each
 * context, which a proxy would pay at its start and at every rotation.
 */
final class IdentityKeys extends X509ExtendedKeyManager {
  private static final String ALIAS = "identity";

  private final WorkloadIdentity identity;
  private final String algorithm;

  private IdentityKeys(WorkloadIdentity identity) {
    this.identity = identity;
    this.algorithm = identity.leaf().getPublicKey().getAlgorithm();
  }

  /** A factory for one context; its native copies of key and chain are made once and shared. */
  static KeyManagerFactory of(WorkloadIdentity identity) {
    return new OpenSslCachingX509KeyManagerFactory(new Factory(new IdentityKeys(identity)), 1);
  }

  /** Names such as {@code EC_RSA} say who signed the certificate too, which the peer checks. */
  private @Nullable String aliasFor(String keyType) {
    return keyType.equals(algorithm) || keyType.startsWith(algorithm + "_") ? ALIAS : null;
  }

  private @Nullable String firstOf(String[] keyTypes) {
    for (String keyType : keyTypes) {
      if (aliasFor(keyType) != null) {
        return ALIAS;
      }
    }
    return null;
  }

  @Override
  public @Nullable String chooseEngineClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, SSLEngine engine) {
    return firstOf(keyTypes);
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, SSLEngine engine) {
    return aliasFor(keyType);
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyTypes, Principal @Nullable [] issuers, Socket socket) {
    return firstOf(keyTypes);
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, Socket socket) {
    return aliasFor(keyType);
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return getServerAliases(keyType, issuers);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    return aliasFor(keyType) == null ? null : new String[] {ALIAS};
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    return alias.equals(ALIAS) ? identity.chain().toArray(X509Certificate[]::new) : null;
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    return alias.equals(ALIAS) ? identity.key() : null;
  }

  private static final class Factory extends SimpleKeyManagerFactory {
    private final IdentityKeys keys;

    Factory(IdentityKeys keys) {
      this.keys = keys;
    }

    @Override
    protected void engineInit(KeyStore keyStore, char @Nullable [] password) {}

    @Override
    protected void engineInit(ManagerFactoryParameters parameters) {}

    @Override
    protected KeyManager[] engineGetKeyManagers() {
      return new KeyManager[] {keys};
    }
  }
}
