package dev.outrigger.controlplane.ca;

import java.io.IOException;
import java.util.Map;

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
 */
public record KeptAuthority(
    String certificate,
    String key,
    String roots,
    String nextCertificate,
    String nextKey,
    String since) {
  private static final String NEXT_CERTIFICATE_FILE = "ca-next.crt";
  private static final String NEXT_KEY_FILE = "ca-next.key";
  private static final String SINCE_FILE = "ca-since";

  // As cert-manager has the first three.
  private static final String CERTIFICATE = "tls.crt";
  private static final String KEY = "tls.key";
  private static final String ROOTS = "ca.crt";
  private static final String NEXT_CERTIFICATE = "next.crt";
  private static final String NEXT_KEY = "next.key";
  private static final String SINCE = "since";

  /** Where keys are, it says nothing. */
  @Override
  public String toString() {
    return "KeptAuthority[...]";
  }

  /** It as a Secret's texts by their names. */
  public Map<String, String> toSecret() {
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
    return new KeptAuthority(
        texts.getOrDefault(CERTIFICATE, ""),
        texts.getOrDefault(KEY, ""),
        texts.getOrDefault(ROOTS, ""),
        texts.getOrDefault(NEXT_CERTIFICATE, ""),
        texts.getOrDefault(NEXT_KEY, ""),
        texts.getOrDefault(SINCE, ""));
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
        state.has(SINCE_FILE) ? state.read(SINCE_FILE) : "");
  }

  /** Writes it so that what {@link #read} finds is of use wherever the writing is cut short. */
  public void write(StateFolder state) throws IOException {
    put(state, SINCE_FILE, since);
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
  }

  private static void put(StateFolder state, String file, String text) throws IOException {
    if (text.isEmpty()) {
      state.remove(file);
    } else {
      state.write(file, text);
    }
  }
}
