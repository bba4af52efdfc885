package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.TlsSetupException;
import io.netty.channel.Channel;
import io.netty.handler.ssl.SslHandler;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The TLS that probes of one cluster speak: as traffic does, by each endpoint's labels, but
 * offering what the probe speaks.
 */
final class EndpointTls implements ProbeConnection.Securing {
  private final List<Choice> choices = new ArrayList<>();

  private record Choice(
      Map<String, String> labels, @Nullable ClientTls tls, @Nullable String serverName) {}

  /**
   * @throws TlsSetupException if an identity cannot be used, or native TLS is missing
   */
  EndpointTls(ClusterConfig cluster, ClusterConfig.Speech speech, InstantSource clock)
      throws TlsSetupException {
    for (ClusterConfig.TlsMatch match : cluster.tlsMatches()) {
      switch (match.tls()) {
        case UpstreamTls.Plain _ -> choices.add(new Choice(match.labels(), null, null));
        case UpstreamTls.Originate originate -> {
          List<String> alpn = originate.offering(speech).alpn();
          ClientTls tls =
              ClientTls.of(
                  originate.identity(),
                  originate.trust(),
                  originate.rule(),
                  alpn,
                  originate.versions().protocols(),
                  clock);
          choices.add(new Choice(match.labels(), tls, originate.sni()));
        }
      }
    }
  }

  @Override
  public @Nullable SslHandler newHandler(Channel channel, Endpoint endpoint) {
    for (Choice choice : choices) {
      if (endpoint.tlsLabels().entrySet().containsAll(choice.labels().entrySet())) {
        return choice.tls() == null
            ? null
            : choice.tls().newHandler(channel.alloc(), choice.serverName(), endpoint.identity());
      }
    }
    return null;
  }
}
