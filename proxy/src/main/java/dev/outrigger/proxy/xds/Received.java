package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A response of either variant.
 *
 * @param typeUrl of what
 * @param version of the whole type
 * @param nonce to be echoed
 * @param items resources that are new, changed or renewed
 * @param removed names that are gone; filled in the delta variant only
 * @param missing names that the control plane says do not exist, or cannot be given
 * @param malformed what could not be read, in words; such a response is refused
 */
record Received(
    String typeUrl,
    String version,
    String nonce,
    List<Item> items,
    List<String> removed,
    List<Missing> missing,
    List<String> malformed) {

  /**
   * One resource.
   *
   * @param name empty where only the resource itself knows it
   * @param version empty where only the type has one
   * @param body null for a heartbeat
   * @param ttl null if it is given for good
   */
  record Item(String name, String version, @Nullable Any body, @Nullable Duration ttl) {}

  /**
   * A name that was asked for and cannot be had (xDS: {@code resource_errors}).
   *
   * @param gone whether it is known not to exist, or not to be for us; other errors keep what is
   *     held
   */
  record Missing(String name, boolean gone, String reason) {}
}
