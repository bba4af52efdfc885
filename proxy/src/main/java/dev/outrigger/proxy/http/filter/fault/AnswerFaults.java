package dev.outrigger.proxy.http.filter.fault;

import dev.outrigger.fault.Fault;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.worker.Worker;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What faults do to the answer of one exchange. Confined to its worker's event loop. */
final class AnswerFaults {
  private final List<Fault.Rewrite> rewrites = new ArrayList<>(0);
  private long bytesPerSecond = Long.MAX_VALUE;
  private @Nullable Runnable onFinish;
  private @Nullable PacedAnswer paced;

  /**
   * Of several the slowest counts.
   *
   * @param over run at the end of the exchange
   */
  void throttle(Fault.Throttle throttle, Runnable over) {
    bytesPerSecond = Math.min(bytesPerSecond, throttle.bytesPerSecond());
    Runnable before = onFinish;
    onFinish =
        before == null
            ? over
            : () -> {
              before.run();
              over.run();
            };
  }

  void rewrite(Fault.Rewrite rewrite) {
    rewrites.add(rewrite);
  }

  void onResponse(ResponseHead head, Exchange exchange, Worker worker) {
    BodyKind body = exchange.answerBody();
    for (Fault.Rewrite rewrite : rewrites) {
      edit(head.headers(), rewrite.response());
      if (rewrite.status().isPresent() && body != BodyKind.TUNNEL && mayBecomeAnother(head)) {
        head.status(rewrite.status().getAsInt());
      }
    }
    if (bytesPerSecond != Long.MAX_VALUE && (body == BodyKind.LENGTH || body == BodyKind.STREAM)) {
      PacedAnswer made = new PacedAnswer(exchange, worker, bytesPerSecond);
      paced = made;
      exchange.transformAnswer(made);
    }
  }

  /** No rate holds any more; what is held goes on. Changes that were made stay. */
  void release() {
    bytesPerSecond = Long.MAX_VALUE;
    PacedAnswer made = paced;
    if (made != null) {
      made.release();
    }
  }

  void finish() {
    PacedAnswer made = paced;
    if (made != null) {
      made.discard();
    }
    Runnable then = onFinish;
    onFinish = null;
    if (then != null) {
      then.run();
    }
  }

  /** What ends after its head is another message than one with a body (RFC 9110, section 6.4.1). */
  private static boolean mayBecomeAnother(ResponseHead head) {
    return head.status() != 204 && head.status() != 304;
  }

  static void edit(Headers headers, Fault.HeaderEdits edits) {
    for (String name : edits.remove()) {
      headers.remove(HeaderName.of(name));
    }
    for (Fault.Header header : edits.set()) {
      headers.set(HeaderName.of(header.name()), header.value());
    }
  }
}
