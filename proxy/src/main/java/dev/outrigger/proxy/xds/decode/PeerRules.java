package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.Any;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.tls.PeerRule;
import dev.outrigger.tls.PeerRule.NameComparison;
import dev.outrigger.tls.PeerRule.NameKind;
import dev.outrigger.tls.PeerRule.NameMatcher;
import dev.outrigger.tls.SpiffeId;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.CertificateValidationContext;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SPIFFECertValidatorConfig;
import io.envoyproxy.envoy.extensions.transport_sockets.tls.v3.SubjectAltNameMatcher;
import io.envoyproxy.envoy.type.matcher.v3.StringMatcher;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** From matchers over subject alternative names to a rule about peers. */
final class PeerRules {
  private static final String SPIFFE = "spiffe://";

  private PeerRules() {}

  /** The rule that a validation context states; null if it states none. */
  static @Nullable PeerRule of(CertificateValidationContext context, Scope scope)
      throws InvalidResourceException {
    if (context.hasCustomValidatorConfig()) {
      if (context.getMatchTypedSubjectAltNamesCount() > 0) {
        throw scope
            .in("custom_validator_config")
            .refuse("cannot stand beside match_typed_subject_alt_names here");
      }
      String domain = spiffe(context, scope).getTrustDomains(0).getName();
      Scope at =
          scope.in("custom_validator_config").in("typed_config").in("trust_domains", 0).in("name");
      return new PeerRule.MeshMember(Set.of(trustDomain(domain, at)), Set.of());
    }
    List<NameMatcher> names = new ArrayList<>();
    for (int i = 0; i < context.getMatchTypedSubjectAltNamesCount(); i++) {
      names.add(
          name(
              context.getMatchTypedSubjectAltNames(i),
              scope.in("match_typed_subject_alt_names", i)));
    }
    if (names.isEmpty()) {
      return null;
    }
    @Nullable PeerRule member = meshMember(names);
    return member == null ? new PeerRule.NamedBy(names) : member;
  }

  /** The roots of the only trust domain of a SPIFFE validator. */
  static String bundle(CertificateValidationContext context, Scope scope)
      throws InvalidResourceException {
    return Sources.text(
        spiffe(context, scope).getTrustDomains(0).getTrustBundle(), bundleScope(scope));
  }

  static Scope bundleScope(Scope scope) {
    return scope
        .in("custom_validator_config")
        .in("typed_config")
        .in("trust_domains", 0)
        .in("trust_bundle");
  }

  private static SPIFFECertValidatorConfig spiffe(CertificateValidationContext context, Scope scope)
      throws InvalidResourceException {
    Scope at = scope.in("custom_validator_config").in("typed_config");
    Any any = context.getCustomValidatorConfig().getTypedConfig();
    if (!any.is(SPIFFECertValidatorConfig.class)) {
      throw at.refuse("expected SPIFFECertValidatorConfig");
    }
    SPIFFECertValidatorConfig config = at.unpack(any, SPIFFECertValidatorConfig.class);
    // With more than one, the roots of each may only vouch for its own members, and a bundle here
    // does not tell its roots apart.
    if (config.getTrustDomainsCount() != 1) {
      throw at.in("trust_domains").refuse("expected exactly one trust domain");
    }
    return config;
  }

  /** A rule over SPIFFE IDs, where that is what the matchers amount to; else null. */
  private static @Nullable PeerRule meshMember(List<NameMatcher> names) {
    Set<String> domains = new HashSet<>();
    Set<SpiffeId> identities = new HashSet<>();
    for (NameMatcher name : names) {
      if (name.kind() != NameKind.URI || !name.value().startsWith(SPIFFE)) {
        return null;
      }
      String rest = name.value().substring(SPIFFE.length());
      int slash = rest.indexOf('/');
      try {
        if (name.comparison() == NameComparison.EXACT) {
          SpiffeId id = SpiffeId.parse(name.value());
          identities.add(id);
          domains.add(id.trustDomain());
        } else if (name.comparison() == NameComparison.PREFIX
            && slash > 0
            && slash == rest.length() - 1) {
          domains.add(SpiffeId.parse(SPIFFE + rest.substring(0, slash)).trustDomain());
        } else {
          return null;
        }
      } catch (IllegalArgumentException e) {
        return null;
      }
    }
    boolean anyOfDomain = identities.size() < names.size();
    // "This one, or anybody of that domain" is more than a mesh member can say.
    return anyOfDomain && !identities.isEmpty()
        ? null
        : new PeerRule.MeshMember(domains, identities);
  }

  private static String trustDomain(String name, Scope scope) throws InvalidResourceException {
    try {
      return SpiffeId.parse(SPIFFE + name).trustDomain();
    } catch (IllegalArgumentException e) {
      throw scope.refuse("'" + name + "' is no trust domain: " + e.getMessage());
    }
  }

  private static NameMatcher name(SubjectAltNameMatcher matcher, Scope scope)
      throws InvalidResourceException {
    NameKind kind =
        switch (matcher.getSanType()) {
          case DNS -> NameKind.DNS;
          case URI -> NameKind.URI;
          case IP_ADDRESS -> NameKind.IP;
          case EMAIL -> NameKind.EMAIL;
          case OTHER_NAME, SAN_TYPE_UNSPECIFIED, UNRECOGNIZED ->
              throw scope.in("san_type").refuse("expected DNS, URI, IP_ADDRESS or EMAIL");
        };
    StringMatcher value = matcher.getMatcher();
    Scope at = scope.in("matcher");
    return switch (value.getMatchPatternCase()) {
      case EXACT ->
          new NameMatcher(kind, NameComparison.EXACT, at.in("exact").required(value.getExact()));
      case PREFIX ->
          new NameMatcher(kind, NameComparison.PREFIX, at.in("prefix").required(value.getPrefix()));
      case SUFFIX ->
          new NameMatcher(kind, NameComparison.SUFFIX, at.in("suffix").required(value.getSuffix()));
      case SAFE_REGEX, CONTAINS, MATCHPATTERN_NOT_SET ->
          throw at.refuse("expected exact, prefix or suffix");
    };
  }
}
