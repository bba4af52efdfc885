package dev.outrigger.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.time.InstantSource;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import org.jspecify.annotations.Nullable;

/**
 * Begins TLS towards servers: immutable, made once when a configuration arrives, used by every
 * worker and for every endpoint of a cluster. What differs from one endpoint to the next, the
 * server name and the identity that must answer, is given with each connection.
 */
public final class ClientTls {
  private final SslContext context;

  private ClientTls(SslContext context) {
    this.context = context;
  }

  /**
   * Prepares a client's context.
   *
   * @param identity what is shown to a server that asks; null shows nothing
   * @param trust roots that the server must lead to
   * @param rule which of the trusted are accepted; it alone checks names, the server name does not
   * @param alpn offered protocols, in order of preference; empty speaks no ALPN
   * @param protocols TLS versions as the JDK names them, such as {@code TLSv1.3}; not empty
   * @param clock today's date for certificates
   * @throws TlsSetupException if the identity cannot be used, or native TLS is missing
   */
  public static ClientTls of(
      @Nullable WorkloadIdentity identity,
      TrustBundle trust,
      PeerRule rule,
      List<String> alpn,
      List<String> protocols,
      InstantSource clock)
      throws TlsSetupException {
    SslContextBuilder builder =
        SslContextBuilder.forClient()
            .trustManager(new PeerVerifier(trust, rule, clock))
            // Names are checked by the rule. Netty's default would compare the SNI as well.
            .endpointIdentificationAlgorithm(null);
    if (identity != null) {
      builder.keyManager(IdentityKeys.of(identity));
    }
    return new ClientTls(ContextSettings.build(builder, alpn, protocols));
  }

  /**
   * A handler for one new connection.
   *
   * @param serverName the SNI to send; null sends none
   * @param expected the one identity that must answer, checked within the handshake, before the
   *     server learns who we are; null leaves it to the rule
   * @throws IllegalArgumentException if an identity is expected and the server name is not a host
   *     name
   */
  public SslHandler newHandler(
      ByteBufAllocator allocator, @Nullable String serverName, @Nullable SpiffeId expected) {
    if (expected == null) {
      return serverName == null
          ? context.newHandler(allocator)
          : context.newHandler(allocator, serverName, -1);
    }
    SslHandler handler = context.newHandler(allocator, PeerVerifier.peerHostOf(expected), -1);
    if (serverName != null) {
      SSLParameters parameters = handler.engine().getSSLParameters();
      parameters.setServerNames(List.of(new SNIHostName(serverName)));
      handler.engine().setSSLParameters(parameters);
    }
    return handler;
  }

  /** For libraries that make their own handlers, such as gRPC. */
  public SslContext context() {
    return context;
  }
}
