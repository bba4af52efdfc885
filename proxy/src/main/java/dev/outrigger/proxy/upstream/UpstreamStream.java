package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Tunnel;
import dev.outrigger.proxy.http.codec.FlowGate;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import io.netty.buffer.ByteBuf;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One request to an endpoint and its answer. Handed out by a pool, and back with it by itself once
 * the answer is whole. Confined to its worker's event loop.
 */
public interface UpstreamStream {
  /**
   * Sends the head.
   *
   * @param tunnel what the request would like both ways to become, or null
   */
  void start(StreamListener listener, RequestHead head, BodyKind body, @Nullable Tunnel tunnel);

  /** Body bytes; takes ownership. */
  void body(ByteBuf bytes);

  /** The request is whole; in a tunnel, the client will send no more. */
  void end(@Nullable Headers trailers);

  void flush();

  boolean writable();

  /** Whether bytes of the request may have left. */
  boolean touched();

  /** The faults that act on the bytes of the connection at this moment. */
  default List<FaultRule> faults() {
    return List.of();
  }

  /** Our end of the connection; null if it is closed. */
  @Nullable SocketAddress localAddress();

  /** Holds back the answer's body. */
  FlowGate answerGate();

  /** Ends it at once, a tunnel with a reset; the listener hears nothing more. */
  void cancel();

  /** Drops the rest of the answer, and keeps the connection if that is little. */
  void discardRest();
}
