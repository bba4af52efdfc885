package dev.outrigger.tls;

import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.OpenSsl;
import io.netty.handler.ssl.OpenSslContextOption;
import io.netty.handler.ssl.OpenSslSessionContext;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.util.List;
import javax.net.ssl.SSLException;

/** What every context of ours has in common. */
final class ContextSettings {
  /**
   * The hybrid first: it is safe against whoever records today and has a quantum computer later.
   */
  private static final String[] GROUPS = {"X25519MLKEM768", "X25519", "P-256"};

  private static final int MAX_CERTIFICATE_BYTES = 100 << 10;

  private ContextSettings() {}

  static SslContext build(SslContextBuilder builder, List<String> alpn, List<String> protocols)
      throws TlsSetupException {
    if (!OpenSsl.isAvailable()) {
      throw new TlsSetupException(
          "native TLS (netty-tcnative-boringssl-static) is not available for this platform",
          OpenSsl.unavailabilityCause());
    }
    builder
        // Not the reference counted kind: contexts live in immutable configuration that workers
        // let go at different times, so the garbage collector frees them.
        .sslProvider(SslProvider.OPENSSL)
        .protocols(protocols)
        .option(OpenSslContextOption.GROUPS, GROUPS.clone())
        .option(OpenSslContextOption.MAX_CERTIFICATE_LIST_BYTES, MAX_CERTIFICATE_BYTES);
    if (!alpn.isEmpty()) {
      builder.applicationProtocolConfig(
          new ApplicationProtocolConfig(
              ApplicationProtocolConfig.Protocol.ALPN,
              ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
              ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
              alpn));
    }
    try {
      SslContext context = builder.build();
      // No resumption, on either side: a resumed handshake would not run the peer rule again, and
      // pooled connections make full handshakes rare. Tickets are off by Netty's default.
      ((OpenSslSessionContext) context.sessionContext()).setSessionCacheEnabled(false);
      return context;
    } catch (SSLException | IllegalArgumentException e) {
      throw new TlsSetupException("cannot prepare TLS: " + e.getMessage(), e);
    }
  }
}
