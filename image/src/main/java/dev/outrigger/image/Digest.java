package dev.outrigger.image;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256, as images and bills of materials name contents. */
final class Digest extends OutputStream {
  private final OutputStream out;
  private final MessageDigest digest = sha256();
  private long size;

  /** Passes on what is written and remembers what it was. */
  Digest(OutputStream out) {
    this.out = out;
  }

  static String hex(byte[] content) {
    return HexFormat.of().formatHex(sha256().digest(content));
  }

  static String hex(Path file) throws IOException {
    try (Digest digest = new Digest(OutputStream.nullOutputStream())) {
      Files.copy(file, digest);
      return digest.hex();
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Of all that was written; to be asked once, at the end. */
  String hex() {
    return HexFormat.of().formatHex(digest.digest());
  }

  long size() {
    return size;
  }

  @Override
  public void write(int one) throws IOException {
    write(new byte[] {(byte) one}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    digest.update(bytes, offset, length);
    size += length;
    out.write(bytes, offset, length);
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
