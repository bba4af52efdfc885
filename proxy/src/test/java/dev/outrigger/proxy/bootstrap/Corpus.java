package dev.outrigger.proxy.bootstrap;

import dev.outrigger.tls.Pem;
import io.netty.pkitesting.CertificateBuilder;
import io.netty.pkitesting.X509Bundle;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The configuration files that the tests of this package share. */
final class Corpus {
  static final List<String> GOOD =
      List.of(
          "ads-delta.yaml",
          "ads-sotw.yaml",
          "capture.yaml",
          "cluster-policies.yaml",
          "eds-rds-over-ads.yaml",
          "http-hop.yaml",
          "json-with-tabs.json",
          "mesh-inbound.yaml",
          "mesh-outbound.yaml",
          "only-admin.yaml",
          "routes.yaml",
          "secrets.yaml",
          "tcp-relay.yaml",
          "tcp-weighted.yaml",
          "websocket.yaml");

  private Corpus() {}

  static String text(String name) {
    try (InputStream in = Corpus.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalArgumentException("no resource " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A good configuration whose certificates are in the folder. */
  static String good(String name, Path folder) {
    return text("good/" + name).replace("%DIR%", folder.toString());
  }

  /** Writes {@code ca.pem}, {@code cert.pem} and {@code key.pem}. */
  static void writeCertificates(Path folder) throws Exception {
    CertificateBuilder builder =
        new CertificateBuilder().algorithm(CertificateBuilder.Algorithm.ecp256);
    X509Bundle ca =
        builder.copy().subject("CN=ca").setIsCertificateAuthority(true).buildSelfSigned();
    X509Bundle leaf =
        builder
            .copy()
            .subject("CN=cart")
            .addSanUriName("spiffe://mesh.test/ns/shop/sa/cart")
            .buildIssuedBy(ca);
    Files.writeString(folder.resolve("ca.pem"), Pem.of(ca.getCertificate()));
    Files.writeString(folder.resolve("cert.pem"), Pem.of(leaf.getCertificate()));
    Files.writeString(folder.resolve("key.pem"), Pem.of(leaf.getKeyPair().getPrivate()));
  }

  static LoadedBootstrap load(String text, String... flags) throws Exception {
    List<String> arguments = new java.util.ArrayList<>(List.of("--config-yaml", text));
    arguments.addAll(List.of(flags));
    return BootstrapLoader.load(ProxyOptions.parse(arguments, Map.of()));
  }
}
