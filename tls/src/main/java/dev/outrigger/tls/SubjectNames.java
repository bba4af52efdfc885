package dev.outrigger.tls;

import io.netty.util.NetUtil;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;

/**
 * A certificate's subject alternative names (RFC 5280, 4.2.1.6), read by ourselves because the
 * JDK's reader drops the whole extension without a word when it dislikes one name in it.
 */
record SubjectNames(List<Name> names) {
  private static final String OID = "2.5.29.17";

  SubjectNames {
    names = List.copyOf(names);
  }

  /** One name in text form; an IP address as Netty prints it. */
  record Name(PeerRule.NameKind kind, String value) {}

  static SubjectNames of(X509Certificate certificate) throws CertificateParsingException {
    byte[] extension = certificate.getExtensionValue(OID);
    if (extension == null) {
      return new SubjectNames(List.of());
    }
    List<Name> names = new ArrayList<>();
    try {
      Der content = Der.reader(Der.reader(extension).next(Der.OCTET_STRING).rest());
      Der list = content.next(Der.SEQUENCE);
      if (!content.atEnd() || list.atEnd()) {
        throw new Der.MalformedException("it is empty or too long");
      }
      while (!list.atEnd()) {
        int tag = list.peekTag();
        byte[] value = list.next().rest();
        switch (tag) {
          case 0x81 -> names.add(new Name(PeerRule.NameKind.EMAIL, ascii(value)));
          case 0x82 -> names.add(new Name(PeerRule.NameKind.DNS, ascii(value)));
          case 0x86 -> names.add(new Name(PeerRule.NameKind.URI, ascii(value)));
          case 0x87 -> names.add(new Name(PeerRule.NameKind.IP, address(value)));
          case 0xa0, 0xa3, 0xa4, 0xa5, 0x88 -> {} // Other kinds of name, which no rule asks for.
          default -> throw new Der.MalformedException("unknown kind of name");
        }
      }
    } catch (Der.MalformedException e) {
      throw new CertificateParsingException(
          "the certificate's subject alternative names are malformed: " + e.getMessage(), e);
    }
    return new SubjectNames(names);
  }

  List<String> all(PeerRule.NameKind kind) {
    return names.stream().filter(name -> name.kind() == kind).map(Name::value).toList();
  }

  private static String ascii(byte[] value) throws Der.MalformedException {
    for (byte b : value) {
      if (b <= 0x1f || b == 0x7f) {
        // Negative bytes are beyond ASCII. A NUL here is the oldest trick there is.
        throw new Der.MalformedException("a name has a character that is not printable ASCII");
      }
    }
    return new String(value, StandardCharsets.US_ASCII);
  }

  private static String address(byte[] value) throws Der.MalformedException {
    if (value.length != 4 && value.length != 16) {
      throw new Der.MalformedException("an address has " + value.length + " bytes");
    }
    return NetUtil.bytesToIpAddress(value);
  }
}
