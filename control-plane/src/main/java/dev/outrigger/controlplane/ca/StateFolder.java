package dev.outrigger.controlplane.ca;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;

/**
 * The folder that outlives the control plane, with the authority's key and the join tokens: for its
 * owner only, and every file either the old or the new one, also after a loss of power.
 */
public final class StateFolder {
  private static final Set<PosixFilePermission> OWNER_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_FOLDER =
      PosixFilePermissions.fromString("rwx------");

  private final Path folder;

  private StateFolder(Path folder) {
    this.folder = folder;
  }

  /** Opens the folder and makes it, for its owner only, if it does not exist. */
  public static StateFolder open(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      Path parent = folder.toAbsolutePath().getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      Files.createDirectory(folder, PosixFilePermissions.asFileAttribute(OWNER_FOLDER));
    }
    StateFolder state = new StateFolder(folder);
    state.checkNotOpenToOthers(folder, "700");
    return state;
  }

  public boolean has(String name) {
    return Files.exists(folder.resolve(name));
  }

  /**
   * Reads a file that only its owner may read.
   *
   * @throws IOException also if others may read it; the message says how to repair that
   */
  public String readSecret(String name) throws IOException {
    checkNotOpenToOthers(folder.resolve(name), "600");
    return read(name);
  }

  String read(String name) throws IOException {
    return Files.readString(folder.resolve(name));
  }

  /** Replaces a file as a whole: written beside it, forced to the disk, renamed over it. */
  public void write(String name, String content) throws IOException {
    Path target = folder.resolve(name);
    Path fresh =
        Files.createTempFile(
            folder, name, ".new", PosixFilePermissions.asFileAttribute(OWNER_FILE));
    try {
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(
          fresh, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(fresh);
    }
    try (FileChannel directory = FileChannel.open(folder, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  /** Removes a file; whether it was there does not matter. */
  public void remove(String name) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
  }

  /** A lock that other processes on this machine heed too; freed by closing the channel. */
  FileChannel lock(String name) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve(name),
            EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(OWNER_FILE));
    try {
      channel.lock();
      return channel;
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  @Override
  public String toString() {
    return folder.toString();
  }

  private void checkNotOpenToOthers(Path path, String mode) throws IOException {
    Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(path);
    for (PosixFilePermission permission : permissions) {
      if (!OWNER_FOLDER.contains(permission)) {
        throw new IOException(
            path
                + " is open to others ("
                + PosixFilePermissions.toString(permissions)
                + "), expected its owner only. If nobody else can have read it: chmod "
                + mode
                + " "
                + path
                + ". Otherwise remove the folder, so that a new authority is made, and let every"
                + " proxy join again");
      }
    }
  }
}
