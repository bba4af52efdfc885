package dev.outrigger.tls;

import io.netty.buffer.ByteBufAllocator;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslHandler;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Terminates TLS with one identity: immutable, made once when a configuration arrives, used by
 * every worker. A rotation makes a new one for new connections; those that live keep theirs. The
 * native context is freed when the last connection and the last holder have let go.
 */
public final class ServerTls {
  private final SslContext context;

  private ServerTls(SslContext context) {
    this.context = context;
  }

  /**
   * Prepares a server's context.
   *
   * @param identity what is shown to clients
   * @param clients whom we accept; null asks clients for no certificate
   * @param alpn offered protocols, in order of preference; empty speaks no ALPN
   * @param protocols TLS versions as the JDK names them, such as {@code TLSv1.3}; not empty
   * @param clock today's date for certificates
   * @throws TlsSetupException if the identity cannot be used, or native TLS is missing
   */
  public static ServerTls of(
      WorkloadIdentity identity,
      @Nullable ClientCheck clients,
      List<String> alpn,
      List<String> protocols,
      InstantSource clock)
      throws TlsSetupException {
    SslContextBuilder builder = SslContextBuilder.forServer(IdentityKeys.of(identity));
    if (clients == null) {
      builder.clientAuth(ClientAuth.NONE);
    } else {
      builder
          .clientAuth(clients.required() ? ClientAuth.REQUIRE : ClientAuth.OPTIONAL)
          .trustManager(new PeerVerifier(clients.trust(), clients.rule(), clock));
    }
    return new ServerTls(ContextSettings.build(builder, alpn, protocols));
  }

  /** A handler for one accepted connection; the handshake begins when bytes arrive. */
  public SslHandler newHandler(ByteBufAllocator allocator) {
    return context.newHandler(allocator);
  }

  /** For libraries that make their own handlers, such as gRPC. */
  public SslContext context() {
    return context;
  }
}
