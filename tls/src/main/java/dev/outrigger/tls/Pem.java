package dev.outrigger.tls;

import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * Certificates and private keys in PEM text (RFC 7468): read with errors that name the line, and
 * written. Text between blocks is skipped, as it is by every other reader.
 */
public final class Pem {
  private static final String CERTIFICATE = "CERTIFICATE";
  private static final int MAX_TEXT_LENGTH = 4 << 20;
  private static final int MAX_CERTIFICATES = 10_000;

  private static final byte[] EC_PUBLIC_KEY = Der.oid("2a8648ce3d0201");
  private static final byte[] RSA_ENCRYPTION = Der.oid("2a864886f70d010101");
  private static final byte[] NULL = {0x05, 0x00};

  private Pem() {}

  @SuppressWarnings("ArrayRecordComponent") // Never compared, and it does not leave this class.
  private record Block(int line, String label, byte[] content) {}

  /**
   * The certificates in the text, in their order.
   *
   * @return not empty
   * @throws PemException if there is none, or something is malformed
   */
  public static List<X509Certificate> certificates(String text) throws PemException {
    CertificateFactory factory = certificateFactory();
    List<X509Certificate> found = new ArrayList<>();
    List<Block> blocks = blocks(text);
    for (Block block : blocks) {
      if (!isCertificate(block.label())) {
        continue;
      }
      if (found.size() == MAX_CERTIFICATES) {
        throw new PemException("more than " + MAX_CERTIFICATES + " certificates");
      }
      try {
        found.add(
            (X509Certificate)
                factory.generateCertificate(new ByteArrayInputStream(block.content())));
      } catch (CertificateException e) {
        throw new PemException(
            "line " + block.line() + ": not an X.509 certificate: " + e.getMessage());
      }
    }
    if (found.isEmpty()) {
      throw new PemException("no certificate found: expected a block -----BEGIN CERTIFICATE-----");
    }
    return List.copyOf(found);
  }

  /**
   * The one private key in the text: PKCS#8, SEC 1 (EC) or PKCS#1 (RSA), not encrypted.
   *
   * @throws PemException if there is none or more than one, it is encrypted, or of another kind
   */
  public static PrivateKey privateKey(String text) throws PemException {
    PrivateKey found = null;
    for (Block block : blocks(text)) {
      if (!block.label().endsWith("PRIVATE KEY")) {
        continue;
      }
      if (found != null) {
        throw new PemException("line " + block.line() + ": a second private key, expected one");
      }
      found = privateKey(block);
    }
    if (found == null) {
      throw new PemException("no private key found: expected a block -----BEGIN PRIVATE KEY-----");
    }
    return found;
  }

  /** The content of the first block with this label, for kinds of content that are not here. */
  public static byte[] content(String text, String label) throws PemException {
    for (Block block : blocks(text)) {
      if (block.label().equals(label)) {
        return block.content();
      }
    }
    throw new PemException("no block -----BEGIN " + label + "----- found");
  }

  /** The certificates as PEM text. */
  public static String of(List<X509Certificate> certificates) {
    StringBuilder text = new StringBuilder();
    for (X509Certificate certificate : certificates) {
      text.append(of(certificate));
    }
    return text.toString();
  }

  /** The certificate as PEM text. */
  public static String of(X509Certificate certificate) {
    try {
      return of(CERTIFICATE, certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalArgumentException("this certificate has no encoding", e);
    }
  }

  /** The key as PEM text in PKCS#8. */
  public static String of(PrivateKey key) {
    byte[] encoded = key.getEncoded();
    if (encoded == null) {
      throw new IllegalArgumentException("this private key cannot be exported");
    }
    return of("PRIVATE KEY", encoded);
  }

  /** A block with a label of the caller's. */
  public static String of(String label, byte[] content) {
    String lines = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN " + label + "-----\n" + lines + "\n-----END " + label + "-----\n";
  }

  private static boolean isCertificate(String label) {
    return label.equals(CERTIFICATE)
        || label.equals("X509 CERTIFICATE")
        || label.equals("TRUSTED CERTIFICATE");
  }

  private static List<Block> blocks(String text) throws PemException {
    if (text.length() > MAX_TEXT_LENGTH) {
      throw new PemException("more than " + MAX_TEXT_LENGTH + " characters of PEM text");
    }
    List<Block> blocks = new ArrayList<>();
    String label = null;
    int begin = 0;
    int number = 0;
    StringBuilder body = new StringBuilder();
    for (String raw : text.lines().toList()) {
      number++;
      String line = raw.strip();
      if (label == null) {
        if (line.startsWith("-----BEGIN ")) {
          label = label(line, "-----BEGIN ", number);
          begin = number;
          body.setLength(0);
        }
      } else if (line.startsWith("-----END ")) {
        String ended = label(line, "-----END ", number);
        if (!ended.equals(label)) {
          throw new PemException(
              "line " + number + ": ends " + ended + ", but line " + begin + " began " + label);
        }
        blocks.add(new Block(begin, label, decoded(body, begin)));
        label = null;
      } else if (line.startsWith("-----BEGIN ")) {
        throw new PemException(
            "line " + number + ": a new block begins before the one of line " + begin + " ended");
      } else if (line.indexOf(':') >= 0) {
        if (line.startsWith("Proc-Type:") && line.contains("ENCRYPTED")) {
          throw new PemException(
              "line " + number + ": the private key is encrypted, expected one without passphrase");
        }
      } else {
        checkBase64(line, number);
        body.append(line);
      }
    }
    if (label != null) {
      throw new PemException("line " + begin + ": this block has no -----END " + label + "-----");
    }
    return blocks;
  }

  private static String label(String line, String prefix, int number) throws PemException {
    if (!line.endsWith("-----") || line.length() < prefix.length() + 5) {
      throw new PemException("line " + number + ": expected " + prefix + "...----- here");
    }
    return line.substring(prefix.length(), line.length() - 5);
  }

  private static void checkBase64(String line, int number) throws PemException {
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      boolean allowed =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '+'
              || c == '/'
              || c == '=';
      if (!allowed) {
        throw new PemException(
            "line " + number + ", column " + (i + 1) + ": not base64, expected A-Z a-z 0-9 + / =");
      }
    }
  }

  private static byte[] decoded(CharSequence body, int line) throws PemException {
    try {
      return Base64.getDecoder().decode(body.toString());
    } catch (IllegalArgumentException e) {
      throw new PemException(
          "line " + line + ": the block's base64 is incomplete: " + e.getMessage());
    }
  }

  private static PrivateKey privateKey(Block block) throws PemException {
    try {
      return switch (block.label()) {
        case "PRIVATE KEY" -> pkcs8(block.content());
        case "EC PRIVATE KEY" -> pkcs8(wrapped(sec1Algorithm(block.content()), block.content()));
        case "RSA PRIVATE KEY" ->
            pkcs8(wrapped(Der.value(Der.SEQUENCE, RSA_ENCRYPTION, NULL), block.content()));
        case "ENCRYPTED PRIVATE KEY" ->
            throw new PemException(
                "line "
                    + block.line()
                    + ": the private key is encrypted, expected one without passphrase");
        default ->
            throw new PemException(
                "line "
                    + block.line()
                    + ": a block "
                    + block.label()
                    + ", expected PRIVATE KEY, EC PRIVATE KEY or RSA PRIVATE KEY");
      };
    } catch (Der.MalformedException | GeneralSecurityException e) {
      // The cause is not kept: its message might quote the key.
      throw new PemException("line " + block.line() + ": not a usable " + block.label());
    }
  }

  private static byte[] wrapped(byte[] algorithm, byte[] key) {
    return Der.value(Der.SEQUENCE, Der.integer(0), algorithm, Der.value(Der.OCTET_STRING, key));
  }

  /** The algorithm with the curve, which SEC 1 keeps inside the key in its element [0]. */
  private static byte[] sec1Algorithm(byte[] content) throws Der.MalformedException {
    Der key = Der.reader(content).next(Der.SEQUENCE);
    key.integer();
    key.next(Der.OCTET_STRING);
    byte[] curve = key.next(0xa0).rest();
    return Der.value(Der.SEQUENCE, EC_PUBLIC_KEY, curve);
  }

  static PrivateKey pkcs8(byte[] content) throws Der.MalformedException, GeneralSecurityException {
    Der key = Der.reader(content).next(Der.SEQUENCE);
    key.integer();
    byte[] oid = key.next(Der.SEQUENCE).next(Der.OBJECT_IDENTIFIER).rest();
    String algorithm =
        switch (java.util.HexFormat.of().formatHex(oid)) {
          case "2a8648ce3d0201" -> "EC";
          case "2a864886f70d010101" -> "RSA";
          case "2b6570" -> "Ed25519";
          default -> throw new GeneralSecurityException("unknown key algorithm");
        };
    return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(content));
  }

  static CertificateFactory certificateFactory() {
    try {
      return CertificateFactory.getInstance("X.509");
    } catch (CertificateException e) {
      throw new IllegalStateException("this JDK has no X.509", e);
    }
  }
}
