package dev.outrigger.controlplane.kubernetes;

import dev.outrigger.controlplane.chaos.ExperimentPhase;
import dev.outrigger.controlplane.chaos.ExperimentRun;
import dev.outrigger.controlplane.source.ClusterKey;
import dev.outrigger.controlplane.source.ClusterObjects.Verdict;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which version of each object somebody has, of fixed size however many there are: objects fall by
 * their names into slots, and of each slot there is a digest. Two that agree about an object's slot
 * have the same version of it. Decided by UIDs and generations alone, so that replicas, which read
 * one API server at different moments, can compare. Immutable.
 */
final class ObjectVersions {
  /** An object that changes leaves the others in doubt that are in its slot. */
  static final int SLOTS = 128;

  /** Of somebody who has nothing. */
  static final ObjectVersions NONE = new ObjectVersions(new long[SLOTS]);

  private final long[] slots;

  private ObjectVersions(long[] slots) {
    this.slots = slots;
  }

  /**
   * The versions of these.
   *
   * @param runs of experiments by namespace and name: one that runs is another version of it
   */
  static ObjectVersions of(Collection<Verdict> objects, Map<String, ExperimentRun> runs) {
    long[] slots = new long[SLOTS];
    for (Verdict object : objects) {
      ClusterKey key = object.key();
      @Nullable ExperimentRun run =
          key.kind().equals("Experiment") ? runs.get(key.namespace() + "/" + key.name()) : null;
      // A sum does not depend on the order, which replicas need not share.
      slots[slot(key)] +=
          digest(
              String.join(
                  "\n",
                  key.toString(),
                  object.uid(),
                  Long.toString(object.generation()),
                  run == null ? "" : acting(run)));
    }
    return new ObjectVersions(slots);
  }

  private static String acting(ExperimentRun run) {
    return run.phase() != ExperimentPhase.RUNNING || run.paused()
        ? ""
        : String.valueOf(run.times().started());
  }

  private static int slot(ClusterKey key) {
    return Math.floorMod(key.toString().hashCode(), SLOTS);
  }

  private static long digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(hash).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Whether both have the same version of an object. */
  boolean agree(ObjectVersions other, ClusterKey key) {
    return slots[slot(key)] == other.slots[slot(key)];
  }

  /** As text, for {@link #parse}. */
  String text() {
    ByteBuffer bytes = ByteBuffer.allocate(SLOTS * Long.BYTES);
    bytes.asLongBuffer().put(slots);
    return Base64.getEncoder().withoutPadding().encodeToString(bytes.array());
  }

  /**
   * Reads {@link #text}.
   *
   * @throws IllegalArgumentException if it is none, or of another number of slots
   */
  static ObjectVersions parse(String text) {
    byte[] bytes = Base64.getDecoder().decode(text);
    if (bytes.length != SLOTS * Long.BYTES) {
      throw new IllegalArgumentException("not " + SLOTS + " slots: " + bytes.length + " bytes");
    }
    long[] slots = new long[SLOTS];
    ByteBuffer.wrap(bytes).asLongBuffer().get(slots);
    return new ObjectVersions(slots);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ObjectVersions that && Arrays.equals(slots, that.slots);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(slots);
  }

  @Override
  public String toString() {
    return "versions " + Integer.toHexString(hashCode());
  }
}
