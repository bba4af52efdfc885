package dev.outrigger.tls;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** Whom we accept at the other end of a connection, once its chain leads to a trusted root. */
public sealed interface PeerRule {

  /**
   * A member of the mesh: an X.509-SVID with exactly one URI SAN.
   *
   * @param trustDomains accepted trust domains, not empty
   * @param identities accepted identities; empty accepts every identity of the trust domains
   */
  record MeshMember(Set<String> trustDomains, Set<SpiffeId> identities) implements PeerRule {
    public MeshMember {
      trustDomains =
          trustDomains.stream()
              .map(domain -> domain.toLowerCase(Locale.ROOT))
              .collect(Collectors.toUnmodifiableSet());
      identities = Set.copyOf(identities);
      if (trustDomains.isEmpty()) {
        throw new IllegalArgumentException("a mesh member needs a trust domain");
      }
    }
  }

  /**
   * A certificate with at least one subject alternative name that matches.
   *
   * @param names matchers over DNS, URI, IP and e-mail names; not empty
   */
  record NamedBy(List<NameMatcher> names) implements PeerRule {
    public NamedBy {
      names = List.copyOf(names);
      if (names.isEmpty()) {
        throw new IllegalArgumentException("no name would ever match");
      }
    }
  }

  /** Whoever the roots vouch for. */
  record AnyTrusted() implements PeerRule {}

  /** Which part of a subject alternative name a matcher looks at. */
  enum NameKind {
    DNS,
    URI,
    IP,
    EMAIL
  }

  /** How a name is compared. */
  enum NameComparison {
    EXACT,
    PREFIX,
    SUFFIX
  }

  /**
   * One accepted subject alternative name. DNS names are compared without regard to case, and an
   * exact DNS name also accepts a certificate whose wildcard stands for its first label (RFC 9525,
   * 6.3).
   *
   * @param value the name, or its beginning or end; not empty
   */
  record NameMatcher(NameKind kind, NameComparison comparison, String value) {
    public NameMatcher {
      if (value.isEmpty()) {
        throw new IllegalArgumentException("an empty name would match anything or nothing");
      }
    }
  }
}
