package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.config.SecretConfig;
import java.util.function.BiConsumer;

/**
 * Secrets that are made inside this process and never travel, such as {@link #IDENTITY} and {@link
 * #TRUST}: listeners and clusters name them like any SDS secret, and they are not asked of the
 * control plane.
 */
public interface LocalSecrets {
  String IDENTITY = "outrigger:identity";
  String TRUST = "outrigger:trust";

  /**
   * Tells the watcher what there is and every later value. The watcher may be called from any
   * thread and hops to the config loop itself.
   *
   * @param watcher takes the secret's name and its value
   */
  void watch(BiConsumer<String, SecretConfig> watcher);

  /** Whether a name belongs to this process. */
  static boolean isLocal(String name) {
    return name.startsWith("outrigger:");
  }
}
