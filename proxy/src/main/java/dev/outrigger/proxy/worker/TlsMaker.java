package dev.outrigger.proxy.worker;

import dev.outrigger.proxy.config.DownstreamTls;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.tls.ClientCheck;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.ServerTls;
import dev.outrigger.tls.TlsSetupException;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** From what is configured to contexts for handshakes. Takes a millisecond or so. Stateless. */
public final class TlsMaker {
  private TlsMaker() {}

  /**
   * To begin TLS.
   *
   * @throws TlsSetupException if a key or certificate cannot be used
   */
  public static ClientTls client(UpstreamTls.Originate tls, InstantSource clock)
      throws TlsSetupException {
    return ClientTls.of(
        tls.identity(), tls.trust(), tls.rule(), tls.alpn(), tls.versions().protocols(), clock);
  }

  /**
   * To end TLS.
   *
   * @throws TlsSetupException if a key or certificate cannot be used
   */
  public static ServerTls server(DownstreamTls.Terminate tls, InstantSource clock)
      throws TlsSetupException {
    DownstreamTls.@Nullable Clients clients = tls.clients();
    return ServerTls.of(
        tls.identity(),
        clients == null
            ? null
            : new ClientCheck(clients.trust(), clients.rule(), clients.required()),
        tls.alpn(),
        tls.versions().protocols(),
        clock);
  }
}
