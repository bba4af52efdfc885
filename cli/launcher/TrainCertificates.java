import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Certificates of an hour for the run that makes the AOT cache: root.pem, leaf.pem, leaf.key. */
final class TrainCertificates {
  private TrainCertificates() {}

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    KeyPairGenerator keys = KeyPairGenerator.getInstance("EC");
    keys.initialize(256);
    KeyPair root = keys.generateKeyPair();
    KeyPair leaf = keys.generateKeyPair();
    ContentSigner signer = new JcaContentSignerBuilder("SHA256withECDSA").build(root.getPrivate());
    JcaX509v3CertificateBuilder authority = certificate("CN=root", root, 1);
    authority
        .addExtension(Extension.basicConstraints, true, new BasicConstraints(true))
        .addExtension(
            Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
    JcaX509ExtensionUtils identifiers = new JcaX509ExtensionUtils();
    JcaX509v3CertificateBuilder peer = certificate("CN=peer", leaf, 2);
    GeneralName name =
        new GeneralName(GeneralName.uniformResourceIdentifier, "spiffe://train.local/peer");
    GeneralName address = new GeneralName(GeneralName.iPAddress, "127.0.0.1");
    peer.addExtension(
            Extension.subjectAlternativeName,
            false,
            new GeneralNames(new GeneralName[] {name, address}))
        .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
        .addExtension(
            Extension.extendedKeyUsage,
            false,
            new ExtendedKeyUsage(
                new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}))
        .addExtension(
            Extension.authorityKeyIdentifier,
            false,
            identifiers.createAuthorityKeyIdentifier(root.getPublic()))
        .addExtension(
            Extension.subjectKeyIdentifier,
            false,
            identifiers.createSubjectKeyIdentifier(leaf.getPublic()));
    write(folder.resolve("root.pem"), "CERTIFICATE", authority.build(signer).getEncoded());
    write(folder.resolve("leaf.pem"), "CERTIFICATE", peer.build(signer).getEncoded());
    write(folder.resolve("leaf.key"), "PRIVATE KEY", leaf.getPrivate().getEncoded());
  }

  private static JcaX509v3CertificateBuilder certificate(String subject, KeyPair keys, int serial) {
    Instant now = Instant.now();
    return new JcaX509v3CertificateBuilder(
        new X500Principal("CN=root"),
        BigInteger.valueOf(serial),
        Date.from(now.minus(1, ChronoUnit.MINUTES)),
        Date.from(now.plus(1, ChronoUnit.HOURS)),
        new X500Principal(subject),
        keys.getPublic());
  }

  private static void write(Path file, String kind, byte[] content) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    Files.writeString(
        file, "-----BEGIN " + kind + "-----\n" + text + "\n-----END " + kind + "-----\n");
  }
}
