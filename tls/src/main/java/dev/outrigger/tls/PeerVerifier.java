package dev.outrigger.tls;

import io.netty.util.NetUtil;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Decides during a handshake whether the peer is accepted: its chain must lead to a trusted root,
 * and the {@link PeerRule} must hold. Immutable; used by every handshake of a context, on its event
 * loop. There is no setting by which it accepts without verifying.
 */
public final class PeerVerifier extends X509ExtendedTrustManager {
  /**
   * What the peer host of a client's engine begins with when an identity, not a host, must answer.
   * The engine's peer host is fixed when the engine is made, so the expectation cannot get lost on
   * the way; the slash keeps it from being sent as SNI.
   */
  private static final String EXPECTED_PREFIX = "/spiffe://";

  private static final String CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
  private static final String SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
  private static final int DIGITAL_SIGNATURE = 0;
  private static final int KEY_CERT_SIGN = 5;
  private static final int CRL_SIGN = 6;

  /** Which end of the connection the peer is. */
  public enum Side {
    CLIENT,
    SERVER
  }

  private final PeerRule rule;
  private final InstantSource clock;
  private final ChainVerifier chains;

  public PeerVerifier(TrustBundle trust, PeerRule rule, InstantSource clock) {
    this.rule = rule;
    this.clock = clock;
    this.chains = new ChainVerifier(trust);
  }

  /**
   * Accepts the peer or says why not.
   *
   * @param chain as the peer sent it, leaf first
   * @param peer which end the peer is
   * @param expected the one identity that the peer must have, or null where the rule is enough
   * @throws CertificateException with a reason for an operator
   */
  public void verify(X509Certificate[] chain, Side peer, @Nullable SpiffeId expected)
      throws CertificateException {
    chains.verify(chain, clock.instant());
    X509Certificate leaf = chain[0];
    checkPurpose(leaf, peer);
    SubjectNames names = SubjectNames.of(leaf);
    switch (rule) {
      case PeerRule.MeshMember member -> checkMember(leaf, names, member);
      case PeerRule.NamedBy named -> checkNames(names, named);
      case PeerRule.AnyTrusted _ -> {}
    }
    if (expected != null && !expected.equals(svid(names))) {
      throw new CertificateException(
          "the peer is " + svid(names) + ", expected " + expected + " at this address");
    }
  }

  /** The peer host by which an engine carries the identity that must answer. */
  static String peerHostOf(SpiffeId expected) {
    return "/" + expected;
  }

  private static @Nullable SpiffeId expectedBy(SSLEngine engine) throws CertificateException {
    String host = engine.getPeerHost();
    if (host == null || !host.startsWith(EXPECTED_PREFIX)) {
      return null;
    }
    try {
      return SpiffeId.parse(host.substring(1));
    } catch (IllegalArgumentException e) {
      throw new CertificateException(e.getMessage(), e);
    }
  }

  /** An extended key usage, where there is one, must allow the peer's side of a connection. */
  private static void checkPurpose(X509Certificate leaf, Side peer) throws CertificateException {
    List<String> purposes = leaf.getExtendedKeyUsage();
    String needed = peer == Side.CLIENT ? CLIENT_AUTH : SERVER_AUTH;
    if (purposes != null && !purposes.contains(needed)) {
      throw new CertificateException(
          "the certificate may not be used by a " + peer.name().toLowerCase(Locale.ROOT));
    }
  }

  /** X.509-SVID, sections 4 and 5. */
  private static void checkMember(
      X509Certificate leaf, SubjectNames names, PeerRule.MeshMember member)
      throws CertificateException {
    SpiffeId id = svid(names);
    if (!id.hasPath()) {
      throw new CertificateException(id + " names a whole trust domain, not a workload");
    }
    if (!member.trustDomains().contains(id.trustDomain())) {
      throw new CertificateException(
          "the trust domain of "
              + id
              + " is not accepted, expected one of "
              + member.trustDomains().stream().sorted().toList());
    }
    if (leaf.getBasicConstraints() >= 0) {
      throw new CertificateException(id + " shows the certificate of an authority");
    }
    boolean[] usage = leaf.getKeyUsage();
    if (usage == null || !usage[DIGITAL_SIGNATURE]) {
      throw new CertificateException("the key of " + id + " may not be used for signatures");
    }
    if (usage[KEY_CERT_SIGN] || usage[CRL_SIGN]) {
      throw new CertificateException("the key of " + id + " may sign certificates or CRLs");
    }
    if (!member.identities().isEmpty() && !member.identities().contains(id)) {
      throw new CertificateException(id + " is not among the accepted identities");
    }
  }

  private static SpiffeId svid(SubjectNames names) throws CertificateException {
    List<String> uris = names.all(PeerRule.NameKind.URI);
    if (uris.size() != 1) {
      throw new CertificateException(
          "the certificate has " + uris.size() + " URI names, expected exactly one SPIFFE ID");
    }
    try {
      return SpiffeId.parse(uris.getFirst());
    } catch (IllegalArgumentException e) {
      throw new CertificateException(e.getMessage(), e);
    }
  }

  private static void checkNames(SubjectNames names, PeerRule.NamedBy rule)
      throws CertificateException {
    for (PeerRule.NameMatcher matcher : rule.names()) {
      for (String name : names.all(matcher.kind())) {
        if (matches(matcher, name)) {
          return;
        }
      }
    }
    throw new CertificateException(
        "none of the certificate's names is accepted: "
            + names.names().stream().map(name -> name.kind() + ":" + name.value()).toList()
            + ", expected "
            + rule.names().stream()
                .map(matcher -> matcher.comparison() + " " + matcher.kind() + ":" + matcher.value())
                .toList());
  }

  private static boolean matches(PeerRule.NameMatcher matcher, String name) {
    String wanted = matcher.value();
    return switch (matcher.kind()) {
      case DNS ->
          matcher.comparison() == PeerRule.NameComparison.EXACT
              ? dnsMatches(name.toLowerCase(Locale.ROOT), wanted.toLowerCase(Locale.ROOT))
              : compares(
                  matcher.comparison(),
                  name.toLowerCase(Locale.ROOT),
                  wanted.toLowerCase(Locale.ROOT));
      case URI, EMAIL -> compares(matcher.comparison(), name, wanted);
      case IP ->
          matcher.comparison() == PeerRule.NameComparison.EXACT
              ? addressMatches(name, wanted)
              : compares(matcher.comparison(), name, wanted);
    };
  }

  private static boolean compares(PeerRule.NameComparison how, String name, String wanted) {
    return switch (how) {
      case EXACT -> name.equals(wanted);
      case PREFIX -> name.startsWith(wanted);
      case SUFFIX -> name.endsWith(wanted);
    };
  }

  private static boolean addressMatches(String name, String wanted) {
    byte[] address = NetUtil.createByteArrayFromIpAddressString(wanted);
    return address != null
        && Arrays.equals(address, NetUtil.createByteArrayFromIpAddressString(name));
  }

  /** A wildcard stands for exactly the first label, and never for one just below a top level. */
  private static boolean dnsMatches(String presented, String wanted) {
    if (!presented.startsWith("*.")) {
      return presented.equals(wanted);
    }
    String parent = presented.substring(1);
    int dot = wanted.indexOf('.');
    return dot > 0
        && parent.indexOf('.', 1) > 0
        && parent.indexOf('*') < 0
        && wanted.substring(dot).equals(parent)
        && !NetUtil.isValidIpV4Address(wanted);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    verify(chain, Side.CLIENT, null);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    verify(chain, Side.SERVER, null);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    verify(chain, Side.CLIENT, null);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    verify(chain, Side.SERVER, null);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    verify(chain, Side.CLIENT, null);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    verify(chain, Side.SERVER, expectedBy(engine));
  }

  /**
   * None: clients are not told which roots would do. One with a wrong certificate so shows it and
   * is refused with a reason, instead of showing none.
   */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
