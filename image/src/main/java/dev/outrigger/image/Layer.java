package dev.outrigger.image;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPOutputStream;

/**
 * One layer of an image, kept as a blob.
 *
 * @param name what it holds, for people
 * @param diffId SHA-256 of the archive
 * @param digest SHA-256 of the compressed archive, which is also the blob's name
 * @param size of the compressed archive, in bytes
 * @param unpacked size of the archive, in bytes
 */
record Layer(String name, String diffId, String digest, long size, long unpacked) {
  private static final int STICKY = 01000;
  private static final int OWNER_MAY_RUN = 0100;

  /**
   * Writes the files of a folder, sorted, with the folders above them.
   *
   * @param paths of files, links and folders, all in {@code root}
   * @param blobs the folder of blobs, which exists
   */
  static Layer write(String name, Path root, Collection<Path> paths, Path blobs, long epochSecond)
      throws IOException {
    Map<String, Path> entries = new TreeMap<>();
    for (Path path : paths) {
      Path inside = root.relativize(path);
      for (int depth = 1; depth <= inside.getNameCount(); depth++) {
        Path part = inside.subpath(0, depth);
        entries.put(part.toString(), root.resolve(part));
      }
    }
    Path unfinished = Files.createTempFile(blobs, "layer", ".part");
    try {
      Digest packed = new Digest(Files.newOutputStream(unfinished));
      Digest plain = new Digest(new BufferedOutputStream(new GZIPOutputStream(packed), 1 << 16));
      try (TarWriter tar = new TarWriter(plain, epochSecond)) {
        for (Map.Entry<String, Path> entry : entries.entrySet()) {
          add(tar, entry.getKey(), entry.getValue());
        }
      }
      Layer layer = new Layer(name, plain.hex(), packed.hex(), packed.size(), plain.size());
      Files.move(unfinished, blobs.resolve(layer.digest), StandardCopyOption.REPLACE_EXISTING);
      return layer;
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  private static void add(TarWriter tar, String name, Path path) throws IOException {
    if (Files.isSymbolicLink(path)) {
      tar.link(name, Files.readSymbolicLink(path).toString());
      return;
    }
    int mode = (Integer) Files.getAttribute(path, "unix:mode", LinkOption.NOFOLLOW_LINKS);
    // Not the builder's umask: all may read, and run what its owner may.
    if (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
      tar.folder(name, (mode & STICKY) != 0 ? 01777 : 0755);
    } else {
      tar.file(name, (mode & OWNER_MAY_RUN) != 0 ? 0755 : 0644, path);
    }
  }
}
