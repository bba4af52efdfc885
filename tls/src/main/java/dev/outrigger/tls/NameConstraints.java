package dev.outrigger.tls;

import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What the JDK leaves unchecked in an authority's name constraints (RFC 5280, 4.2.1.10): that they
 * are well formed, and that a wildcard does not cover a name that is excluded.
 *
 * @param excludedDns in lower case
 */
record NameConstraints(List<String> excludedDns) {
  static final String OID = "2.5.29.30";
  private static final int PERMITTED = 0xa0;
  private static final int EXCLUDED = 0xa1;
  private static final int DNS = 0x82;
  private static final int IP = 0x87;

  NameConstraints {
    excludedDns = List.copyOf(excludedDns);
  }

  /** Those of a certificate, or null if it has none. */
  static @Nullable NameConstraints of(X509Certificate certificate) throws CertificateException {
    byte[] extension = certificate.getExtensionValue(OID);
    if (extension == null) {
      return null;
    }
    List<String> excluded = new ArrayList<>();
    try {
      Der both = Der.reader(Der.reader(extension).next(Der.OCTET_STRING).rest()).next(Der.SEQUENCE);
      if (both.atEnd()) {
        throw new Der.MalformedException("they are empty");
      }
      while (!both.atEnd()) {
        int kind = both.peekTag();
        if (kind != PERMITTED && kind != EXCLUDED) {
          throw new Der.MalformedException("they are neither permitted nor excluded");
        }
        Der subtrees = both.next();
        if (subtrees.atEnd()) {
          throw new Der.MalformedException("they are empty");
        }
        while (!subtrees.atEnd()) {
          Der subtree = subtrees.next(Der.SEQUENCE);
          int name = subtree.peekTag();
          byte[] value = subtree.next().rest();
          if (name == IP) {
            checkRange(value);
          } else if (name == DNS && kind == EXCLUDED) {
            excluded.add(new String(value, StandardCharsets.US_ASCII).toLowerCase(Locale.ROOT));
          }
        }
      }
    } catch (Der.MalformedException e) {
      throw new CertificateException(
          "the name constraints of "
              + certificate.getSubjectX500Principal()
              + " are malformed: "
              + e.getMessage(),
          e);
    }
    return new NameConstraints(excluded);
  }

  /** Whether a DNS name of a certificate is a wildcard that covers an excluded name. */
  boolean excludesWildcard(String dnsName) {
    if (!dnsName.startsWith("*.")) {
      return false;
    }
    String parent = dnsName.substring(1).toLowerCase(Locale.ROOT);
    for (String excluded : excludedDns) {
      if (("." + excluded).endsWith(parent)) {
        return true;
      }
    }
    return false;
  }

  /** An address and a mask, whose ones all come first. */
  private static void checkRange(byte[] value) throws Der.MalformedException {
    if (value.length != 8 && value.length != 32) {
      throw new Der.MalformedException("a range of addresses has " + value.length + " bytes");
    }
    boolean zeroSeen = false;
    for (int bit = value.length * 4; bit < value.length * 8; bit++) {
      boolean one = (value[bit / 8] >> (7 - bit % 8) & 1) == 1;
      if (one && zeroSeen) {
        throw new Der.MalformedException("a range of addresses has a mask with holes");
      }
      zeroSeen |= !one;
    }
  }
}
