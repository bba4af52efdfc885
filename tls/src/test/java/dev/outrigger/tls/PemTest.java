package dev.outrigger.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.netty.pkitesting.X509Bundle;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.interfaces.ECPrivateKey;
import java.security.interfaces.RSAPrivateCrtKey;
import java.security.spec.ECGenParameterSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

class PemTest {
  private final X509Bundle root = Certificates.root("root");
  private final X509Bundle leaf = Certificates.issued(Certificates.leaf(), root);

  @Test
  void whatIsWrittenIsReadAndTextAroundItIsSkipped() throws Exception {
    List<java.security.cert.X509Certificate> chain =
        List.of(leaf.getCertificate(), root.getCertificate());
    String text = "subject=/CN=x\r\n" + Pem.of(chain).replace("\n", "\r\n") + "# the end";
    assertThat(Pem.certificates(text)).isEqualTo(chain);
    PrivateKey key = leaf.getKeyPair().getPrivate();
    assertThat(Pem.privateKey(Pem.of(key))).isEqualTo(key);
  }

  @Test
  void olderFormsOfKeysAreRead() throws Exception {
    KeyPairGenerator ec = KeyPairGenerator.getInstance("EC");
    ec.initialize(new ECGenParameterSpec("secp256r1"));
    ECPrivateKey elliptic = (ECPrivateKey) ec.generateKeyPair().getPrivate();
    byte[] scalar = new byte[32];
    byte[] s = elliptic.getS().toByteArray();
    int length = Math.min(32, s.length);
    System.arraycopy(s, s.length - length, scalar, 32 - length, length);
    byte[] sec1 =
        Der.value(
            Der.SEQUENCE,
            Der.integer(1),
            Der.value(Der.OCTET_STRING, scalar),
            Der.value(0xa0, Der.oid("2a8648ce3d030107")));
    ECPrivateKey read = (ECPrivateKey) Pem.privateKey(Pem.of("EC PRIVATE KEY", sec1));
    assertThat(read.getS()).isEqualTo(elliptic.getS());

    KeyPairGenerator rsa = KeyPairGenerator.getInstance("RSA");
    rsa.initialize(2048);
    KeyPair pair = rsa.generateKeyPair();
    RSAPrivateCrtKey key = (RSAPrivateCrtKey) pair.getPrivate();
    byte[] pkcs1 =
        Der.value(
            Der.SEQUENCE,
            Der.integer(0),
            number(key.getModulus()),
            number(key.getPublicExponent()),
            number(key.getPrivateExponent()),
            number(key.getPrimeP()),
            number(key.getPrimeQ()),
            number(key.getPrimeExponentP()),
            number(key.getPrimeExponentQ()),
            number(key.getCrtCoefficient()));
    assertThat(Pem.privateKey(Pem.of("RSA PRIVATE KEY", pkcs1))).isEqualTo(key);
  }

  private static byte[] number(BigInteger value) {
    return Der.value(Der.INTEGER, value.toByteArray());
  }

  @Test
  void errorsNameTheLineAndWhatWasExpected() {
    String good = Pem.of(leaf.getCertificate());
    refusedCertificates("", "no certificate found");
    refusedCertificates(Pem.of(leaf.getKeyPair().getPrivate()), "no certificate found");
    refusedCertificates(good.replace("MII", "M!I"), "line 2, column 2: not base64");
    refusedCertificates(good.substring(0, 200), "line 1: this block has no -----END CERTIFICATE");
    refusedCertificates("\n\n" + Pem.of("CERTIFICATE", new byte[] {1, 2}), "line 3: not an X.509");
    refusedCertificates(good.replace("END CERTIFICATE", "END FOO"), "but line 1 began CERTIFICATE");
    refusedCertificates(good.replace("-----END", "-----BEGIN"), "a new block begins before");
    refusedKey(good, "no private key found");
    refusedKey(Pem.of("ENCRYPTED PRIVATE KEY", new byte[9]), "encrypted");
    refusedKey(
        """
        -----BEGIN RSA PRIVATE KEY-----
        Proc-Type: 4,ENCRYPTED

        AAAA
        -----END RSA PRIVATE KEY-----
        """,
        "line 2: the private key is encrypted");
    refusedKey(Pem.of("DSA PRIVATE KEY", new byte[9]), "expected PRIVATE KEY, EC PRIVATE KEY");
    refusedKey(Pem.of("EC PRIVATE KEY", new byte[9]), "line 1: not a usable EC PRIVATE KEY");
    String key = Pem.of(leaf.getKeyPair().getPrivate());
    refusedKey(key + key, "a second private key");
  }

  @Test
  void aKeyOfAnotherCertificateIsRefused() {
    assertThatExceptionOfType(PemException.class)
        .isThrownBy(
            () ->
                WorkloadIdentity.parse(
                    Pem.of(leaf.getCertificate()), Pem.of(root.getKeyPair().getPrivate())))
        .withMessageContaining("does not belong to the first certificate");
  }

  @Test
  void arbitraryBytesAreRefusedByTheReadersOfDerAndNothingElse() {
    SecureRandom random = new SecureRandom(new byte[] {7});
    byte[] request = new byte[64];
    for (int i = 0; i < 2000; i++) {
      random.nextBytes(request);
      request[0] = 0x30;
      request[1] = (byte) (i % 70);
      try {
        Pem.privateKey(Pem.of("EC PRIVATE KEY", request));
      } catch (PemException e) {
        assertThat(e).hasMessageContaining("line 1");
      }
    }
  }

  private static void refusedCertificates(String text, String reason) {
    assertThatExceptionOfType(PemException.class)
        .isThrownBy(() -> Pem.certificates(text))
        .withMessageContaining(reason);
  }

  private static void refusedKey(String text, String reason) {
    assertThatExceptionOfType(PemException.class)
        .isThrownBy(() -> Pem.privateKey(text))
        .withMessageContaining(reason);
  }
}
