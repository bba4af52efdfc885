package dev.outrigger.controlplane.ca;

import static dev.outrigger.controlplane.fuzz.Oracle.check;
import static dev.outrigger.controlplane.fuzz.Oracle.latin1;
import static dev.outrigger.controlplane.fuzz.Oracle.same;

import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;

/** Keys and certificates in text: refused, or what is written of them is read as the same. */
public final class PemFuzz {
  private PemFuzz() {}

  /** The input is a file. */
  public static void fuzzerTestOneInput(byte[] input) throws PemException {
    String text = latin1(input);
    List<X509Certificate> certificates;
    try {
      certificates = Pem.certificates(text);
    } catch (PemException e) {
      certificates = List.of();
      check(!e.getMessage().isBlank(), "refused without a reason");
    }
    if (!certificates.isEmpty()) {
      same(certificates, Pem.certificates(Pem.of(certificates)), "certificates change on the way");
    }
    PrivateKey key;
    try {
      key = Pem.privateKey(text);
    } catch (PemException e) {
      check(!e.getMessage().isBlank(), "refused without a reason");
      return;
    }
    same(key, Pem.privateKey(Pem.of(key)), "a key changes on the way");
  }
}
