package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/** Has a request's body changed before another flow gets it. Confined to its worker. */
final class TransformedRequest implements RequestFlow {
  private final Exchange exchange;
  private final RequestFlow next;
  private final RequestTransform transform;

  TransformedRequest(Exchange exchange, RequestFlow next, RequestTransform transform) {
    this.exchange = exchange;
    this.next = next;
    this.transform = transform;
  }

  @Override
  public void start() {
    next.start();
  }

  @Override
  public void onBody(ByteBuf bytes) {
    if (exchange.finished()) {
      bytes.release();
      return;
    }
    ByteBuf changed = transform.onBody(bytes);
    if (changed == null) {
      refuse();
    } else if (changed.isReadable()) {
      next.onBody(changed);
    } else {
      changed.release();
    }
  }

  private void refuse() {
    exchange.fail(
        new ProxyError.ProtocolViolation(
            Origin.DOWNSTREAM, "the body is not in the form it names"));
  }

  @Override
  public void onEnd(@Nullable Headers trailers) {
    if (exchange.finished()) {
      return;
    }
    if (transform.complete()) {
      next.onEnd(trailers);
    } else {
      refuse();
    }
  }

  @Override
  public void onReadComplete() {
    next.onReadComplete();
  }

  @Override
  public void onClientWritable() {
    next.onClientWritable();
  }

  @Override
  public void onAlarm(long nowNanos) {
    next.onAlarm(nowNanos);
  }

  @Override
  public void onFinish() {
    next.onFinish();
  }
}
