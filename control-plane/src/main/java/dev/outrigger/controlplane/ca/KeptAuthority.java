package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.Pem;
import dev.outrigger.tls.PemException;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What is kept of an authority, in PEM: in a state folder, and in Kubernetes in a Secret. Empty is
 * what is not there.
 *
 * @param certificate of who signs, and those between it and its root
 * @param key of the first of those
 * @param roots whom peers are to trust; empty is the certificate itself
 * @param nextCertificate of the root that will sign next, which peers trust already
 * @param nextKey of that
 * @param since when the present step of a change of roots began (RFC 3339)
 * @param former the roots of before, PEM, while one that others gave follows them
 */
public record KeptAuthority(
    String certificate,
    String key,
    String roots,
    String nextCertificate,
    String nextKey,
    String since,
    String former) {
  private static final String NEXT_CERTIFICATE_FILE = "ca-next.crt";
  private static final String NEXT_KEY_FILE = "ca-next.key";
  private static final String SINCE_FILE = "ca-since";
  private static final String FORMER_FILE = "ca-former.crt";

  // As cert-manager has the first three.
  private static final String CERTIFICATE = "tls.crt";
  private static final String KEY = "tls.key";
  private static final String ROOTS = "ca.crt";
  private static final String NEXT_CERTIFICATE = "next.crt";
  private static final String NEXT_KEY = "next.key";
  private static final String SINCE = "since";

  // Beside what cert-manager writes and would write anew.
  private static final String FORMER_ROOTS = "former-ca.crt";
  private static final String FORMER_CERTIFICATE = "former.crt";
  private static final String FORMER_KEY = "former.key";

  /** All that a Secret may have of it; what else is there is not ours. */
  public static final Set<String> SECRET_KEYS =
      Set.of(
          CERTIFICATE,
          KEY,
          ROOTS,
          NEXT_CERTIFICATE,
          NEXT_KEY,
          SINCE,
          FORMER_ROOTS,
          FORMER_CERTIFICATE,
          FORMER_KEY);

  /** Where keys are, it says nothing. */
  @Override
  public String toString() {
    return "KeptAuthority[...]";
  }

  /** One that follows no other. */
  public KeptAuthority(String certificate, String key, String roots) {
    this(certificate, key, roots, "", "", "", "");
  }

  /** It as a Secret's texts by their names; what was given stays where it was given. */
  public Map<String, String> toSecret() {
    if (!former.isBlank()) {
      boolean waits = !nextKey.isBlank();
      return Map.of(
          CERTIFICATE,
          waits ? nextCertificate : certificate,
          KEY,
          waits ? nextKey : key,
          ROOTS,
          roots,
          FORMER_CERTIFICATE,
          waits ? certificate : "",
          FORMER_KEY,
          waits ? key : "",
          FORMER_ROOTS,
          former,
          SINCE,
          since);
    }
    return Map.of(
        CERTIFICATE,
        certificate,
        KEY,
        key,
        ROOTS,
        roots.isBlank() ? certificate : roots,
        NEXT_CERTIFICATE,
        nextCertificate,
        NEXT_KEY,
        nextKey,
        SINCE,
        since);
  }

  /**
   * Of a Secret of ours, or of cert-manager.
   *
   * @param name of the Secret, for messages
   * @throws IOException if it lacks the certificate or the key
   */
  public static KeptAuthority ofSecret(String name, Map<String, String> texts) throws IOException {
    for (String needed : new String[] {CERTIFICATE, KEY}) {
      if (!texts.containsKey(needed)) {
        throw new IOException(
            "the Secret %s has no %s, expected %s and %s"
                .formatted(name, needed, CERTIFICATE, KEY));
      }
    }
    String given = texts.getOrDefault(CERTIFICATE, "");
    String givenKey = texts.getOrDefault(KEY, "");
    String signer = texts.getOrDefault(FORMER_CERTIFICATE, "");
    String signerKey = texts.getOrDefault(FORMER_KEY, "");
    String former = texts.getOrDefault(FORMER_ROOTS, "");
    String since = texts.getOrDefault(SINCE, "");
    // Without its roots to return to, one of them says nothing.
    String roots = texts.getOrDefault(ROOTS, former.isBlank() ? "" : given);
    if (former.isBlank() || signer.isBlank() || signerKey.isBlank()) {
      return new KeptAuthority(
          given,
          givenKey,
          roots,
          texts.getOrDefault(NEXT_CERTIFICATE, ""),
          texts.getOrDefault(NEXT_KEY, ""),
          since,
          former);
    }
    return new KeptAuthority(signer, signerKey, roots, given, givenKey, since, former);
  }

  /**
   * Reads a state folder that has one.
   *
   * @throws IOException if a file cannot be read, or a key is open to others
   */
  public static KeptAuthority read(StateFolder state) throws IOException {
    String certificate = state.read(CertificateAuthority.CERTIFICATE_FILE);
    String key = state.readSecret(CertificateAuthority.KEY_FILE);
    String next = state.has(NEXT_CERTIFICATE_FILE) ? state.read(NEXT_CERTIFICATE_FILE) : "";
    String nextKey = state.has(NEXT_KEY_FILE) ? state.readSecret(NEXT_KEY_FILE) : "";
    if (key.equals(nextKey)) {
      // The writing of its succession was cut short.
      certificate = next;
      next = "";
      nextKey = "";
    }
    return new KeptAuthority(
        certificate,
        key,
        state.has(CertificateAuthority.ROOTS_FILE)
            ? state.read(CertificateAuthority.ROOTS_FILE)
            : "",
        next.isEmpty() || nextKey.isEmpty() ? "" : next,
        next.isEmpty() || nextKey.isEmpty() ? "" : nextKey,
        state.has(SINCE_FILE) ? state.read(SINCE_FILE) : "",
        state.has(FORMER_FILE) ? state.read(FORMER_FILE) : "");
  }

  /** Writes it so that what {@link #read} finds is of use wherever the writing is cut short. */
  public void write(StateFolder state) throws IOException {
    put(state, SINCE_FILE, since);
    if (!former.isEmpty()) {
      state.write(FORMER_FILE, former);
    }
    if (!nextKey.isEmpty()) {
      state.write(NEXT_KEY_FILE, nextKey);
      state.write(NEXT_CERTIFICATE_FILE, nextCertificate);
    }
    put(state, CertificateAuthority.ROOTS_FILE, roots);
    state.write(CertificateAuthority.KEY_FILE, key);
    state.write(CertificateAuthority.CERTIFICATE_FILE, certificate);
    if (nextKey.isEmpty()) {
      state.remove(NEXT_KEY_FILE);
      state.remove(NEXT_CERTIFICATE_FILE);
    }
    if (former.isEmpty()) {
      state.remove(FORMER_FILE);
    }
  }

  /**
   * All that is trusted.
   *
   * @throws PemException if something cannot be read
   */
  List<X509Certificate> trusted() throws PemException {
    Set<X509Certificate> all = new LinkedHashSet<>();
    for (String some : List.of(roots.isBlank() ? certificate : roots, former)) {
      if (!some.isBlank()) {
        all.addAll(Pem.certificates(some));
      }
    }
    return List.copyOf(all);
  }

  private static void put(StateFolder state, String file, String text) throws IOException {
    if (text.isEmpty()) {
      state.remove(file);
    } else {
      state.write(file, text);
    }
  }
}
