package dev.outrigger.tls;

import static dev.outrigger.tls.Certificates.CLOCK;
import static dev.outrigger.tls.Certificates.NOW;
import static dev.outrigger.tls.Certificates.identity;
import static dev.outrigger.tls.Certificates.issued;
import static dev.outrigger.tls.Certificates.leaf;
import static dev.outrigger.tls.Certificates.member;
import static dev.outrigger.tls.Certificates.trust;
import static dev.outrigger.tls.Certificates.uri;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.ssl.OpenSslSession;
import io.netty.handler.ssl.SslHandler;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.CertificateBuilder.ExtendedKeyUsage;
import io.netty.pkitesting.CertificateBuilder.KeyUsage;
import io.netty.pkitesting.X509Bundle;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import javax.net.ssl.ExtendedSSLSession;
import javax.net.ssl.SNIHostName;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HandshakeTest {
  private static final String CHECKOUT = "spiffe://cluster.local/ns/shop/sa/checkout";
  private static final String PAYMENT = "spiffe://cluster.local/ns/shop/sa/payment";
  private static final String ADDRESS = "20010db8000000000000000000000001";
  private static final List<String> TLS_1_3 = List.of("TLSv1.3");
  private static final List<String> NO_ALPN = List.of();
  private static final PeerRule MEMBER = new PeerRule.MeshMember(Set.of("cluster.local"), Set.of());

  private static final X509Bundle ROOT = Certificates.root("root");
  private static final X509Bundle OTHER_ROOT = Certificates.root("other");
  private static final WorkloadIdentity CLIENT = identity(member(ROOT, CHECKOUT));
  private static final WorkloadIdentity SERVER = identity(member(ROOT, PAYMENT));

  @Test
  void membersOfTheMeshMeetWithTheHybridKeyExchange() throws Exception {
    try (Handshake handshake = meet(CLIENT, SERVER, MEMBER, MEMBER, null)) {
      assertThat(handshake.refusal()).isEmpty();
      assertThat(handshake.succeeded()).isTrue();
      assertThat(((OpenSslSession) handshake.client.engine().getSession()).getNamedGroup())
          .isEqualTo("X25519MLKEM768");
      assertThat(handshake.client.engine().getSession().getProtocol()).isEqualTo("TLSv1.3");
      assertThat(handshake.firstFlightBytes).isGreaterThan(1400);
      PeerIdentity client = peer(handshake.server);
      PeerIdentity server = peer(handshake.client);
      assertThat(client.spiffeId()).hasToString(CHECKOUT);
      assertThat(server.spiffeId()).hasToString(PAYMENT);
      assertThat(client.sha256()).hasSize(64).isNotEqualTo(server.sha256());
      assertThat(client.uris()).containsExactly(CHECKOUT);
    }
  }

  @Test
  void aClientRefusesAMemberThatIsNotTheExpectedOneBeforeTheHandshakeEnds() throws Exception {
    SpiffeId expected = SpiffeId.parse(CHECKOUT);
    try (Handshake handshake = meet(CLIENT, SERVER, MEMBER, MEMBER, expected)) {
      assertThat(handshake.client.handshakeFuture().isSuccess()).isFalse();
      assertThat(handshake.server.handshakeFuture().isSuccess()).isFalse();
      assertThat(handshake.refusal()).contains(PAYMENT).contains("expected " + CHECKOUT);
    }
    SpiffeId right = SpiffeId.parse("spiffe://Cluster.Local/ns/shop/sa/payment");
    try (Handshake handshake = meet(CLIENT, SERVER, MEMBER, MEMBER, right)) {
      assertThat(handshake.succeeded()).isTrue();
      assertThat(
              ((ExtendedSSLSession) handshake.server.engine().getSession())
                  .getRequestedServerNames())
          .containsExactly(new SNIHostName("mesh.test"));
    }
  }

  @Test
  void aClientWithoutACertificateIsRefusedOnlyWhereOneIsRequired() throws Exception {
    for (boolean required : new boolean[] {true, false}) {
      ClientTls client = ClientTls.of(null, trust(ROOT), MEMBER, NO_ALPN, TLS_1_3, CLOCK);
      ServerTls server = server(SERVER, new ClientCheck(trust(ROOT), MEMBER, required));
      try (Handshake handshake = new Handshake(client, server, null)) {
        assertThat(handshake.succeeded()).isEqualTo(!required);
        if (!required) {
          assertThat(PeerIdentity.of(handshake.server)).isNull();
        }
      }
    }
  }

  @Test
  void alpnIsAgreed() throws Exception {
    ClientTls client =
        ClientTls.of(CLIENT, trust(ROOT), MEMBER, List.of("h2", "http/1.1"), TLS_1_3, CLOCK);
    ServerTls server = ServerTls.of(SERVER, null, List.of("http/1.1"), TLS_1_3, CLOCK);
    try (Handshake handshake = new Handshake(client, server, null)) {
      assertThat(handshake.client.applicationProtocol()).isEqualTo("http/1.1");
      assertThat(handshake.server.applicationProtocol()).isEqualTo("http/1.1");
    }
  }

  @Test
  void versionsThatDoNotMeetFail() throws Exception {
    ClientTls old = ClientTls.of(CLIENT, trust(ROOT), MEMBER, NO_ALPN, List.of("TLSv1.2"), CLOCK);
    try (Handshake handshake = new Handshake(old, server(SERVER, null), null)) {
      assertThat(handshake.succeeded()).isFalse();
    }
    ServerTls both = ServerTls.of(SERVER, null, NO_ALPN, List.of("TLSv1.2", "TLSv1.3"), CLOCK);
    try (Handshake handshake = new Handshake(old, both, null)) {
      assertThat(handshake.client.engine().getSession().getProtocol()).isEqualTo("TLSv1.2");
    }
  }

  @Test
  void everyHandshakeIsAFullOne() throws Exception {
    ClientTls client = client(CLIENT, MEMBER);
    ServerTls server = server(SERVER, new ClientCheck(trust(ROOT), MEMBER, true));
    for (int i = 0; i < 3; i++) {
      try (Handshake handshake = new Handshake(client, server, null)) {
        assertThat(handshake.succeeded()).isTrue();
        assertThat(((OpenSslSession) handshake.client.engine().getSession()).hasPeerCertificates())
            .isTrue();
        assertThat(client.context().sessionContext().getIds().hasMoreElements()).isFalse();
        assertThat(server.context().sessionContext().getIds().hasMoreElements()).isFalse();
      }
    }
  }

  @Test
  void aRotationIsSeenByNewConnectionsWhileOldOnesLive() throws Exception {
    ClientTls client = client(CLIENT, MEMBER);
    ServerTls before = server(SERVER, new ClientCheck(trust(ROOT), MEMBER, true));
    WorkloadIdentity renewed = identity(member(ROOT, PAYMENT));
    ServerTls after = server(renewed, new ClientCheck(trust(ROOT, OTHER_ROOT), MEMBER, true));
    try (Handshake old = new Handshake(client, before, null);
        Handshake fresh = new Handshake(client, after, null)) {
      assertThat(peer(old.client).certificate()).isEqualTo(SERVER.leaf());
      assertThat(peer(fresh.client).certificate()).isEqualTo(renewed.leaf());
      old.clientEnd.writeOutbound(Unpooled.copiedBuffer("still here", StandardCharsets.US_ASCII));
      old.exchange();
      ByteBuf received = old.serverEnd.readInbound();
      assertThat(received.toString(StandardCharsets.US_ASCII)).isEqualTo("still here");
      received.release();
    }
  }

  static Stream<Arguments> refusedClients() {
    String longPath = "/" + "a".repeat(2048);
    return Stream.of(
        bad("two URI names", uri(leaf(), CHECKOUT, PAYMENT), "2 URI names"),
        bad("a URI of another kind too", uri(leaf(), CHECKOUT, "https://x.test/"), "2 URI names"),
        bad("no name", leaf(), "0 URI names"),
        bad("DNS name only", leaf().addSanDnsName("checkout.shop"), "0 URI names"),
        bad("query", uri(leaf(), CHECKOUT + "?a=b"), "may not contain '?'"),
        bad("fragment", uri(leaf(), CHECKOUT + "#a"), "may not contain '#'"),
        bad("percent", uri(leaf(), CHECKOUT + "%41"), "may not contain '%'"),
        bad("dot-dot", uri(leaf(), "spiffe://cluster.local/ns/../sa"), "segment .."),
        bad("dot", uri(leaf(), "spiffe://cluster.local/./sa"), "segment ."),
        bad("empty segment", uri(leaf(), "spiffe://cluster.local/ns//sa"), "empty segment"),
        bad("slash at the end", uri(leaf(), CHECKOUT + "/"), "end with a slash"),
        bad("root path", uri(leaf(), "spiffe://cluster.local/"), "end with a slash"),
        bad("no path", uri(leaf(), "spiffe://cluster.local"), "whole trust domain"),
        bad("port", uri(leaf(), "spiffe://cluster.local:8080/a"), "port"),
        bad("user", uri(leaf(), "spiffe://me@cluster.local/a"), "user information"),
        bad("other scheme", uri(leaf(), "https://cluster.local/a"), "begin with spiffe://"),
        bad("too long", uri(leaf(), "spiffe://cluster.local" + longPath), "longer than 2048"),
        bad("not ASCII", uri(leaf(), "spiffe://cluster.local/\u00e9"), "printable ASCII"),
        bad("NUL", uri(leaf(), CHECKOUT + "\u0000.evil"), "printable ASCII"),
        bad("other trust domain", uri(leaf(), "spiffe://evil.test/a"), "trust domain of"),
        bad("trust domain as prefix", uri(leaf(), "spiffe://cluster.local.evil/a"), "domain of"),
        bad(
            "server only",
            uri(
                Certificates.builder("w")
                    .setKeyUsage(true, KeyUsage.digitalSignature)
                    .addExtendedKeyUsage(ExtendedKeyUsage.PKIX_KP_SERVER_AUTH),
                CHECKOUT),
            "may not be used by a client"),
        bad(
            "any purpose is not a purpose",
            uri(
                Certificates.builder("w")
                    .setKeyUsage(true, KeyUsage.digitalSignature)
                    .addExtendedKeyUsage("2.5.29.37.0"),
                CHECKOUT),
            "may not be used by a client"),
        bad("expired", uri(leaf(), CHECKOUT).notAfter(NOW.minusSeconds(1)), "NotAfter"),
        bad("not yet", uri(leaf(), CHECKOUT).notBefore(NOW.plusSeconds(1)), "NotBefore"),
        bad("authority", uri(leaf(), CHECKOUT).setIsCertificateAuthority(true), "authority"),
        bad(
            "no key usage",
            uri(Certificates.builder("w"), CHECKOUT),
            "may not be used for signatures"),
        bad(
            "signs certificates",
            uri(
                Certificates.builder("w")
                    .setKeyUsage(true, KeyUsage.digitalSignature, KeyUsage.keyCertSign),
                CHECKOUT),
            "may sign certificates"),
        bad(
            "signs CRLs",
            uri(
                Certificates.builder("w")
                    .setKeyUsage(true, KeyUsage.digitalSignature, KeyUsage.cRLSign),
                CHECKOUT),
            "may sign certificates or CRLs"),
        Arguments.of(
            "other root", identity(member(OTHER_ROOT, CHECKOUT)), "leads to no trusted root"),
        Arguments.of(
            "self-signed",
            identity(
                Certificates.selfSigned(uri(leaf(), CHECKOUT).setIsCertificateAuthority(true))),
            "leads to no trusted root"));
  }

  private static Arguments bad(String what, CertificateBuilder certificate, String reason) {
    return Arguments.of(what, identity(issued(certificate, ROOT)), reason);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("refusedClients")
  void aServerRefusesAClient(String what, WorkloadIdentity client, String reason) throws Exception {
    try (Handshake handshake = meet(client, SERVER, MEMBER, MEMBER, null)) {
      assertThat(handshake.server.handshakeFuture().isSuccess()).as(what).isFalse();
      assertThat(handshake.refusal()).contains(reason);
    }
  }

  @Test
  void onlyNamedIdentitiesPassWhereTheRuleListsThem() throws Exception {
    PeerRule payment =
        new PeerRule.MeshMember(Set.of("CLUSTER.local"), Set.of(SpiffeId.parse(PAYMENT)));
    try (Handshake handshake = meet(CLIENT, SERVER, payment, payment, null)) {
      assertThat(handshake.refusal()).contains("not among the accepted identities");
    }
    try (Handshake handshake = meet(CLIENT, SERVER, payment, MEMBER, null)) {
      assertThat(handshake.succeeded()).isTrue();
    }
  }

  @Test
  void namesAreMatchedByTheirKind() throws Exception {
    WorkloadIdentity web =
        identity(
            issued(
                leaf()
                    .addExtensionOctetString(
                        "2.5.29.17",
                        false,
                        Der.value(
                            Der.SEQUENCE,
                            Der.value(0x82, "*.shop.test".getBytes(StandardCharsets.US_ASCII)),
                            Der.value(0x87, HexFormat.of().parseHex(ADDRESS)))),
                ROOT));
    assertThat(accepts(web, PeerRule.NameKind.DNS, "WWW.shop.test")).isTrue();
    assertThat(accepts(web, PeerRule.NameKind.DNS, "a.www.shop.test")).isFalse();
    assertThat(accepts(web, PeerRule.NameKind.DNS, "shop.test")).isFalse();
    assertThat(accepts(web, PeerRule.NameKind.IP, "2001:DB8:0:0::1")).isTrue();
    assertThat(accepts(web, PeerRule.NameKind.IP, "2001:db8::2")).isFalse();
    assertThat(accepts(web, PeerRule.NameKind.URI, CHECKOUT)).isFalse();
    try (Handshake handshake = meet(CLIENT, web, new PeerRule.AnyTrusted(), MEMBER, null)) {
      assertThat(handshake.succeeded()).isTrue();
    }
  }

  @Test
  void constraintsOfTheRootItselfHold() throws Exception {
    // permittedSubtrees { dNSName "good.test" }
    byte[] name = Der.value(0x82, "good.test".getBytes(StandardCharsets.US_ASCII));
    byte[] constraints = Der.value(Der.SEQUENCE, Der.value(0xa0, Der.value(Der.SEQUENCE, name)));
    X509Bundle narrow =
        Certificates.selfSigned(
            Certificates.builder("narrow")
                .setIsCertificateAuthority(true)
                .addExtensionOctetString("2.5.29.30", true, constraints));
    ClientTls client =
        ClientTls.of(null, trust(narrow), new PeerRule.AnyTrusted(), NO_ALPN, TLS_1_3, CLOCK);
    for (String host : List.of("a.good.test", "a.evil.test")) {
      ServerTls server = server(identity(issued(leaf().addSanDnsName(host), narrow)), null);
      try (Handshake handshake = new Handshake(client, server, null)) {
        assertThat(handshake.succeeded())
            .as(host + ": " + handshake.refusal())
            .isEqualTo(host.contains("good"));
      }
    }
  }

  @Test
  void anIntermediateIsFollowedAndAnOversizedChainIsNot() throws Exception {
    X509Bundle middle =
        issued(Certificates.builder("middle").setIsCertificateAuthority(true), ROOT);
    try (Handshake handshake =
        meet(identity(member(middle, CHECKOUT)), SERVER, MEMBER, MEMBER, null)) {
      assertThat(handshake.succeeded()).isTrue();
    }
    X509Bundle deep = ROOT;
    for (int i = 0; i < 11; i++) {
      deep = issued(Certificates.builder("middle " + i).setIsCertificateAuthority(true), deep);
    }
    try (Handshake handshake =
        meet(identity(member(deep, CHECKOUT)), SERVER, MEMBER, MEMBER, null)) {
      assertThat(handshake.server.handshakeFuture().isSuccess()).isFalse();
    }
  }

  private static boolean accepts(WorkloadIdentity server, PeerRule.NameKind kind, String wanted)
      throws Exception {
    PeerRule rule =
        new PeerRule.NamedBy(
            List.of(new PeerRule.NameMatcher(kind, PeerRule.NameComparison.EXACT, wanted)));
    try (Handshake handshake = meet(CLIENT, server, rule, MEMBER, null)) {
      return handshake.succeeded();
    }
  }

  private static Handshake meet(
      WorkloadIdentity client,
      WorkloadIdentity server,
      PeerRule ofServer,
      PeerRule ofClient,
      @Nullable SpiffeId expected)
      throws TlsSetupException {
    return new Handshake(
        client(client, ofServer),
        server(server, new ClientCheck(trust(ROOT), ofClient, true)),
        expected);
  }

  private static ClientTls client(WorkloadIdentity identity, PeerRule rule)
      throws TlsSetupException {
    return ClientTls.of(identity, trust(ROOT), rule, NO_ALPN, TLS_1_3, CLOCK);
  }

  private static ServerTls server(WorkloadIdentity identity, @Nullable ClientCheck check)
      throws TlsSetupException {
    return ServerTls.of(identity, check, NO_ALPN, TLS_1_3, CLOCK);
  }

  private static PeerIdentity peer(SslHandler handler) {
    return Objects.requireNonNull(PeerIdentity.of(handler));
  }
}
