package dev.outrigger.proxy.http;

import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import dev.outrigger.proxy.outcome.ProxyError.TooLarge.What;
import io.netty.buffer.ByteBuf;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Holds a request back until it is whole, then lets another flow begin with all of it. Confined to
 * its worker's event loop.
 */
final class BufferedRequest implements RequestFlow {
  private static final int MAX_DIGITS = 9;

  private final Exchange exchange;
  private final RequestFlow next;
  private final int maxBytes;
  private final ArrayDeque<ByteBuf> held = new ArrayDeque<>();
  private long size;
  private boolean passing;

  /**
   * @param maxBytes a longer body is refused
   */
  BufferedRequest(Exchange exchange, RequestFlow next, int maxBytes) {
    this.exchange = exchange;
    this.next = next;
    this.maxBytes = maxBytes;
  }

  @Override
  public void start() {
    Headers headers = exchange.head().headers();
    String length = headers.get(HeaderName.CONTENT_LENGTH);
    if (length != null && (length.length() > MAX_DIGITS || Integer.parseInt(length) > maxBytes)) {
      refuse();
      return;
    }
    if (headers.valueEqualsIgnoreCase(HeaderName.EXPECT, "100-continue")) {
      // Nobody else can: the application hears of the request only once it is whole.
      headers.remove(HeaderName.EXPECT);
      exchange.respondInterim(new ResponseHead(100, HttpVersion.HTTP_1_1, new Headers()));
    }
  }

  @Override
  public void onBody(ByteBuf bytes) {
    if (passing) {
      next.onBody(bytes);
      return;
    }
    size += bytes.readableBytes();
    held.addLast(bytes);
    if (size > maxBytes) {
      refuse();
    }
  }

  private void refuse() {
    exchange.fail(new ProxyError.TooLarge(Origin.DOWNSTREAM, What.BODY, maxBytes));
  }

  @Override
  public void onEnd(@Nullable Headers trailers) {
    if (exchange.finished()) {
      return;
    }
    passing = true;
    next.start();
    while (!held.isEmpty()) {
      next.onBody(held.pollFirst());
    }
    next.onEnd(trailers);
  }

  @Override
  public void onReadComplete() {
    if (passing) {
      next.onReadComplete();
    }
  }

  @Override
  public void holdAnswer() {
    if (passing) {
      next.holdAnswer();
    }
  }

  @Override
  public void onClientWritable() {
    if (passing) {
      next.onClientWritable();
    }
  }

  @Override
  public void onAlarm(long nowNanos) {
    if (passing) {
      next.onAlarm(nowNanos);
    }
  }

  @Override
  public void onFinish() {
    held.forEach(ByteBuf::release);
    held.clear();
    next.onFinish();
  }
}
