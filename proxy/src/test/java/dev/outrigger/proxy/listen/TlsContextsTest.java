package dev.outrigger.proxy.listen;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.TlsVersions;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.tls.ClientTls;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.TrustBundle;
import io.netty.pkitesting.CertificateBuilder;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TlsContextsTest {
  private final TlsContexts contexts = new TlsContexts();

  private static Map<UpstreamTls.Originate, ClientTls> configuration(String sni) throws Exception {
    TrustBundle trust =
        new TrustBundle(
            List.of(
                new CertificateBuilder()
                    .subject("CN=root")
                    .setIsCertificateAuthority(true)
                    .buildSelfSigned()
                    .getCertificate()));
    PeerRule rule = new PeerRule.MeshMember(Set.of("cluster.local"), Set.of());
    UpstreamTls.Originate way =
        new UpstreamTls.Originate(null, trust, rule, sni, List.of(), TlsVersions.values()[0]);
    return Map.of(
        way,
        ClientTls.of(
            null, trust, rule, List.of(), way.versions().protocols(), InstantSource.system()));
  }

  private void assertKnown(Map<UpstreamTls.Originate, ClientTls> configuration) {
    configuration.forEach((way, context) -> assertThat(contexts.find(way)).isSameAs(context));
  }

  @Test
  void aClusterThatComesBeforeItsListenersCanBeginTls() throws Exception {
    Map<UpstreamTls.Originate, ClientTls> old = configuration("old");
    Map<UpstreamTls.Originate, ClientTls> next = configuration("next");
    contexts.replace(old);
    contexts.announce(next);
    assertKnown(old);
    assertKnown(next);
  }

  @Test
  void aRequestThatHoldsTheClusterOfTheLastConfigurationCanBeginTls() throws Exception {
    Map<UpstreamTls.Originate, ClientTls> old = configuration("old");
    Map<UpstreamTls.Originate, ClientTls> next = configuration("next");
    contexts.replace(old);
    contexts.announce(next);
    contexts.replace(next);
    assertKnown(old);
    assertKnown(next);
  }

  @Test
  void whatLeftLongAgoIsNotKept() throws Exception {
    Map<UpstreamTls.Originate, ClientTls> old = configuration("old");
    contexts.replace(old);
    contexts.replace(configuration("next"));
    contexts.announce(configuration("last"));
    old.keySet().forEach(way -> assertThat(contexts.find(way)).isNull());
  }
}
