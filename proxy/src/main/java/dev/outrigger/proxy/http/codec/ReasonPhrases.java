package dev.outrigger.proxy.http.codec;

import io.netty.handler.codec.http.HttpResponseStatus;

/** The words beside a status, which nobody may rely on (RFC 9112, section 4). */
final class ReasonPhrases {
  private ReasonPhrases() {}

  static String of(int status) {
    return HttpResponseStatus.valueOf(status).reasonPhrase();
  }
}
