package dev.outrigger.image;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Writes a tar archive in the POSIX ustar form that shows nothing of the machine that wrote it: all
 * belongs to root, all has one time, modes are those that are asked for.
 */
final class TarWriter implements AutoCloseable {
  private static final int BLOCK = 512;
  private static final int NAME = 100;
  private static final int PREFIX = 155;
  private static final long MAX_SIZE = (1L << 33) - 1;

  private final OutputStream out;
  private final long epochSecond;

  /**
   * Closing it closes the stream.
   *
   * @param epochSecond the time of every entry
   */
  TarWriter(OutputStream out, long epochSecond) {
    this.out = out;
    this.epochSecond = epochSecond;
  }

  /** A folder; the name has no slash at its end. */
  void folder(String name, int mode) throws IOException {
    header(name + "/", mode, 0, '5', "");
  }

  /** A file with the content of another. */
  void file(String name, int mode, Path content) throws IOException {
    long size = Files.size(content);
    header(name, mode, size, '0', "");
    try (InputStream in = Files.newInputStream(content)) {
      if (in.transferTo(out) != size) {
        throw new IOException(content + " changed while it was read");
      }
    }
    fill(size);
  }

  void file(String name, int mode, byte[] content) throws IOException {
    header(name, mode, content.length, '0', "");
    out.write(content);
    fill(content.length);
  }

  /** A symbolic link. */
  void link(String name, String target) throws IOException {
    header(name, 0777, 0, '2', target);
  }

  private void fill(long size) throws IOException {
    out.write(new byte[(int) ((BLOCK - size % BLOCK) % BLOCK)]);
  }

  private void header(String name, int mode, long size, char type, String target)
      throws IOException {
    if (size > MAX_SIZE) {
      throw new IOException(name + " is larger than a tar archive may hold");
    }
    byte[] block = new byte[BLOCK];
    String prefix = prefix(name);
    put(block, 0, NAME, prefix.isEmpty() ? name : name.substring(prefix.length() + 1), name);
    octal(block, 100, 8, mode);
    octal(block, 108, 8, 0);
    octal(block, 116, 8, 0);
    octal(block, 124, 12, size);
    octal(block, 136, 12, epochSecond);
    Arrays.fill(block, 148, 156, (byte) ' ');
    block[156] = (byte) type;
    put(block, 157, NAME, target, name);
    put(block, 257, 8, "ustar\00000", name);
    put(block, 345, PREFIX, prefix, name);
    int sum = 0;
    for (byte one : block) {
      sum += one & 0xff;
    }
    octal(block, 148, 7, sum);
    out.write(block);
  }

  /** What is to stand before the name so that the name fits; empty if it fits by itself. */
  private static String prefix(String name) throws IOException {
    if (bytes(name).length <= NAME) {
      return "";
    }
    for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
      if (slash < name.length() - 1
          && bytes(name.substring(slash + 1)).length <= NAME
          && bytes(name.substring(0, slash)).length <= PREFIX) {
        return name.substring(0, slash);
      }
    }
    throw new IOException(name + " is too long a name for a tar archive");
  }

  private static void put(byte[] block, int at, int room, String text, String name)
      throws IOException {
    byte[] bytes = bytes(text);
    if (bytes.length > room) {
      throw new IOException(name + ": " + text + " is too long for a tar archive");
    }
    System.arraycopy(bytes, 0, block, at, bytes.length);
  }

  private static void octal(byte[] block, int at, int room, long value) {
    String digits = Long.toOctalString(value);
    int end = at + room - 1;
    Arrays.fill(block, at, end, (byte) '0');
    byte[] bytes = bytes(digits);
    System.arraycopy(bytes, 0, block, end - bytes.length, bytes.length);
    block[end] = 0;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    try (out) {
      out.write(new byte[2 * BLOCK]);
    }
  }
}
