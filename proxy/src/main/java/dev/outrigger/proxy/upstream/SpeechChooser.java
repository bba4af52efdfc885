package dev.outrigger.proxy.upstream;

import dev.outrigger.proxy.config.Alpn;
import dev.outrigger.proxy.config.ClusterConfig.Speech;
import dev.outrigger.proxy.worker.WorkerConfined;
import io.netty.channel.ChannelHandlerAdapter;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.ssl.SslHandler;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stands at the end of a new connection's pipeline until it is known what is spoken, which is at
 * once: TLS has agreed upon it before. Confined to its worker's event loop.
 */
@WorkerConfined
final class SpeechChooser extends ChannelHandlerAdapter {
  private final Speech speech;
  private final Supplier<RawUpstream> newRaw;
  private final Supplier<Http1Upstream> newHttp1;
  private final Supplier<Http2Upstream> newHttp2;
  private @Nullable RawUpstream raw;
  private @Nullable Http1Upstream http1;
  private @Nullable Http2Upstream http2;

  SpeechChooser(
      Speech speech,
      Supplier<RawUpstream> newRaw,
      Supplier<Http1Upstream> newHttp1,
      Supplier<Http2Upstream> newHttp2) {
    this.speech = speech;
    this.newRaw = newRaw;
    this.newHttp1 = newHttp1;
    this.newHttp2 = newHttp2;
  }

  @Nullable RawUpstream raw() {
    return raw;
  }

  @Nullable Http1Upstream http1() {
    return http1;
  }

  @Nullable Http2Upstream http2() {
    return http2;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    SslHandler tls = context.pipeline().get(SslHandler.class);
    boolean two =
        switch (speech) {
          case HTTP1, NONE -> false;
          case HTTP2, AS_DOWNSTREAM -> true;
          case NEGOTIATED -> tls != null && Alpn.isHttp2(tls.applicationProtocol());
        };
    if (speech == Speech.NONE) {
      RawUpstream made = newRaw.get();
      raw = made;
      context.pipeline().replace(this, null, made);
    } else if (two) {
      Http2Upstream made = newHttp2.get();
      http2 = made;
      context.pipeline().replace(this, null, made.handler());
    } else {
      Http1Upstream made = newHttp1.get();
      http1 = made;
      context.pipeline().replace(this, null, made);
    }
  }
}
