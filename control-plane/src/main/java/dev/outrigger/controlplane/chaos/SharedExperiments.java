package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Experiment;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The cluster as the place of experiments that are submitted over the API: there they are objects
 * among others, which every replica reads. Thread-safe. What writes waits for the API server and
 * must not be called with a lock that those hold who are told of changes.
 */
public interface SharedExperiments {
  /**
   * In whose name it was submitted, by any replica. Waits for nobody.
   *
   * @param key {@code namespace/name}
   * @return null where there is none, or it was not submitted over the API
   */
  @Nullable String submitter(String key);

  /**
   * Writes it, in place of one that was submitted before. When this returns it is kept, and those
   * who are told of changes of this replica have been told.
   *
   * @param text one YAML document, which says the experiment
   * @param who submits it
   * @throws RefusedException if there is an object of that name that was not submitted over the
   *     API, or the cluster does not take this one
   * @throws IOException if the thread is interrupted
   */
  void put(Experiment experiment, String text, String who) throws IOException;

  /**
   * Deletes one that was submitted; one that is gone is no mistake. Told like {@link #put}.
   *
   * @throws RefusedException if the object was not submitted over the API, or the cluster does not
   *     let it be deleted
   * @throws IOException if the thread is interrupted
   */
  void remove(String key) throws IOException;

  /**
   * Reads one that another replica has just written or deleted, so that this one knows of it. Told
   * like {@link #put}.
   *
   * @throws IOException if it cannot be read; it is told by itself in a while
   */
  void refresh(String key) throws IOException;
}
