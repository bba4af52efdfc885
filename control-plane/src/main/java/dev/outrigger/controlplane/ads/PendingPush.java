package dev.outrigger.controlplane.ads;

import java.util.List;
import java.util.Map;

/**
 * A response that is on its way, or was sent and is not yet answered.
 *
 * @param typeUrl of what
 * @param nonce ties the answer to it; unique within its stream
 * @param version of everything of the type that the proxy asked for
 * @param resources what is sent, by name
 * @param heartbeats unchanged resources whose lease begins anew, by name; sent without body
 * @param removed names that the proxy has and should forget
 * @param missing names that it asked for and that do not exist
 */
record PendingPush(
    String typeUrl,
    String nonce,
    String version,
    Map<String, VersionedResource> resources,
    Map<String, VersionedResource> heartbeats,
    List<String> removed,
    List<String> missing) {

  /** Bytes of what is sent, about. */
  int size() {
    int size = 0;
    for (VersionedResource one : resources.values()) {
      size += one.size();
    }
    return size;
  }
}
