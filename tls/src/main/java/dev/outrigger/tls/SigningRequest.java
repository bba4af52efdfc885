package dev.outrigger.tls;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.ECGenParameterSpec;

/**
 * A new P-256 key and the request to have it certified (PKCS#10, RFC 2986). The request names
 * nobody: whom it is for is the authority's to say.
 *
 * @param keys the new key, which never leaves this process
 * @param pem the request in PEM
 */
public record SigningRequest(KeyPair keys, String pem) {
  private static final byte[] ECDSA_WITH_SHA256 =
      Der.value(Der.SEQUENCE, Der.oid("2a8648ce3d040302"));

  /** Makes a key and its request. Takes a millisecond or so. */
  public static SigningRequest create(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"), random);
      KeyPair keys = generator.generateKeyPair();
      byte[] about =
          Der.value(
              Der.SEQUENCE,
              Der.integer(0),
              Der.value(Der.SEQUENCE), // An empty subject.
              keys.getPublic().getEncoded(),
              Der.value(0xa0)); // No attributes.
      Signature signature = Signature.getInstance("SHA256withECDSA");
      signature.initSign(keys.getPrivate(), random);
      signature.update(about);
      byte[] request =
          Der.value(Der.SEQUENCE, about, ECDSA_WITH_SHA256, Der.bitString(signature.sign()));
      return new SigningRequest(keys, Pem.of("CERTIFICATE REQUEST", request));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JDK has no P-256", e);
    }
  }

  @Override
  public String toString() {
    return "SigningRequest[P-256]";
  }
}
