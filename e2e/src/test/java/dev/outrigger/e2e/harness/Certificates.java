package dev.outrigger.e2e.harness;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * A certificate for localhost that is its own root, as files and for the test's own sockets.
 *
 * @param chain PEM file of the certificate
 * @param key PEM file of its key
 * @param context for servers that show it and for clients that trust it
 */
public record Certificates(Path chain, Path key, SSLContext context) {
  private static final char[] PASSWORD = "password".toCharArray();

  /** Makes one with the JDK's keytool. */
  public static Certificates in(Path folder)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path store = folder.resolve("store.p12");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    List<String> command =
        List.of(
            (keytool
                    + " -genkeypair -alias own -keyalg EC -groupname secp256r1 -storetype PKCS12"
                    + " -dname CN=localhost -ext san=dns:localhost,ip:127.0.0.1,uri:spiffe://test.local/own -storepass password"
                    + " -validity 7 -keystore "
                    + store)
                .split(" "));
    try (Launched made = Launched.start(folder, "keytool", command)) {
      if (made.exit(Duration.ofSeconds(30)) != 0) {
        throw new IOException(made.said());
      }
    }
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    Path chain = folder.resolve("own.pem");
    Path key = folder.resolve("own.key");
    Files.writeString(chain, pem("CERTIFICATE", keys.getCertificate("own").getEncoded()));
    Files.writeString(key, pem("PRIVATE KEY", keys.getKey("own", PASSWORD).getEncoded()));
    KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
    own.init(keys, PASSWORD);
    KeyStore roots = KeyStore.getInstance("PKCS12");
    roots.load(null, null);
    roots.setCertificateEntry("own", keys.getCertificate("own"));
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(roots);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trust.getTrustManagers(), null);
    return new Certificates(chain, key, context);
  }

  private static String pem(String kind, byte[] der) {
    String text =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(der);
    return "-----BEGIN " + kind + "-----\n" + text + "\n-----END " + kind + "-----\n";
  }
}
