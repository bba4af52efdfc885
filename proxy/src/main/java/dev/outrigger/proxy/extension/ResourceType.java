package dev.outrigger.proxy.extension;

import com.google.protobuf.Message;

/**
 * One kind of xDS resource and how it becomes ours. Stateless; called on the config loop.
 *
 * @param <P> the message on the wire
 * @param <R> our record; an {@link Unresolved} where the resource names others
 */
public interface ResourceType<P extends Message, R> {

  /** Such as {@code type.googleapis.com/envoy.config.cluster.v3.Cluster}. */
  String typeUrl();

  /** The message's class, for unpacking. */
  Class<P> messageType();

  /** The resource's own name; empty where it has none, which is refused. */
  String nameOf(P message);

  /**
   * Checks everything that can be checked without other resources.
   *
   * @throws InvalidResourceException with the path of the first field that is wrong
   */
  R decode(P message, DecodeContext context) throws InvalidResourceException;
}
