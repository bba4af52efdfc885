package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.Http2DataFrame;
import io.netty.handler.codec.http2.Http2Frame;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2HeadersFrame;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2ResetFrame;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.codec.http2.Http2StreamChannelBootstrap;
import io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One request over HTTP/2, with prior knowledge where there is no TLS: a GET, or a call of gRPC's
 * health service.
 */
final class Http2Probe implements HealthChecker {
  private static final String AGENT = "outrigger-health";

  private final String clusterName;
  private final ProbeConnection connection;
  private final Question question;

  /** What is asked, and what is thought of the answer. */
  sealed interface Question {
    record Get(HealthCheckPolicy.Http policy) implements Question {}

    record Call(HealthCheckPolicy.Grpc policy) implements Question {}
  }

  private Http2Probe(Question question, String clusterName, ProbeConnection connection) {
    this.question = question;
    this.clusterName = clusterName;
    this.connection = connection;
  }

  static Http2Probe ofHttp(
      HealthCheckPolicy.Http policy, String clusterName, ProbeConnection connection) {
    return new Http2Probe(new Question.Get(policy), clusterName, connection);
  }

  static Http2Probe ofGrpc(
      HealthCheckPolicy.Grpc policy, String clusterName, ProbeConnection connection) {
    return new Http2Probe(new Question.Call(policy), clusterName, connection);
  }

  @Override
  public void probe(Endpoint endpoint, Duration timeout, Consumer<ProbeResult> done) {
    connection.open(
        endpoint, timeout, (channel, finish) -> ask(channel, endpoint, timeout, finish), done);
  }

  private void ask(
      Channel channel, Endpoint endpoint, Duration timeout, Consumer<ProbeResult> finish) {
    // Before the handler of the connection, which goes on hearing of failures.
    String last = channel.pipeline().lastContext().name();
    channel.pipeline().addBefore(last, null, Http2FrameCodecBuilder.forClient().build());
    channel
        .pipeline()
        .addBefore(last, null, new Http2MultiplexHandler(new ChannelInboundHandlerAdapter()));
    new Http2StreamChannelBootstrap(channel)
        .handler(new Answer(question, finish))
        .open()
        .addListener(
            opened -> {
              if (opened.isSuccess()) {
                send((Http2StreamChannel) opened.getNow(), endpoint, timeout);
              } else {
                finish.accept(new ProbeResult.Unanswered(String.valueOf(opened.cause())));
              }
            });
  }

  private void send(Http2StreamChannel stream, Endpoint endpoint, Duration timeout) {
    boolean tls = stream.parent().pipeline().get(SslHandler.class) != null;
    Http2Headers headers =
        new DefaultHttp2Headers()
            .authority(authority(endpoint))
            .scheme(tls ? "https" : "http")
            .set("user-agent", AGENT);
    switch (question) {
      case Question.Get(HealthCheckPolicy.Http policy) -> {
        headers.method("GET").path(policy.path());
        stream.writeAndFlush(new DefaultHttp2HeadersFrame(headers, true));
      }
      case Question.Call(HealthCheckPolicy.Grpc policy) -> {
        headers
            .method("POST")
            .path("/grpc.health.v1.Health/Check")
            .set("content-type", "application/grpc")
            .set("te", "trailers")
            .set("grpc-timeout", Math.max(1, timeout.toMillis()) + "m");
        policy.metadata().forEach(one -> headers.add(one.name(), one.value()));
        stream.write(new DefaultHttp2HeadersFrame(headers, false));
        stream.writeAndFlush(
            new DefaultHttp2DataFrame(GrpcHealth.request(policy.service(), stream.alloc()), true));
      }
    }
  }

  private String authority(Endpoint endpoint) {
    String said =
        switch (question) {
          case Question.Get(HealthCheckPolicy.Http policy) -> policy.host();
          case Question.Call(HealthCheckPolicy.Grpc policy) -> policy.authority();
        };
    if (!said.isEmpty()) {
      return said;
    }
    return endpoint.hostname().isEmpty() ? clusterName : endpoint.hostname();
  }

  private static final class Answer extends SimpleChannelInboundHandler<Http2Frame> {
    private final Question question;
    private final Consumer<ProbeResult> finish;
    private final GrpcHealth.Reader message = new GrpcHealth.Reader();
    private boolean headSeen;

    Answer(Question question, Consumer<ProbeResult> finish) {
      this.question = question;
      this.finish = finish;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, Http2Frame frame) {
      switch (frame) {
        case Http2HeadersFrame head -> onHead(head);
        case Http2DataFrame data -> {
          if (!message.read(data.content())) {
            finish.accept(new ProbeResult.Wrong("the answer is too long"));
          } else if (data.isEndStream()) {
            finish.accept(new ProbeResult.Wrong("the call ended without a status"));
          }
        }
        case Http2ResetFrame reset ->
            finish.accept(new ProbeResult.Unanswered("reset with code " + reset.errorCode()));
        default -> {} // of the connection
      }
    }

    private void onHead(Http2HeadersFrame frame) {
      int status = headSeen ? 0 : status(frame.headers());
      if (!headSeen && status < 200) {
        return; // 1xx is not the answer yet (RFC 9110, section 15.2)
      }
      switch (question) {
        case Question.Get(HealthCheckPolicy.Http policy) ->
            finish.accept(HttpProbe.judge(policy, status));
        case Question.Call _ -> {
          if (!headSeen && status != 200) {
            finish.accept(new ProbeResult.Wrong("status " + status));
          } else if (frame.isEndStream()) {
            finish.accept(message.judge(frame.headers().get("grpc-status")));
          }
          headSeen = true;
        }
      }
    }

    private static int status(Http2Headers headers) {
      @Nullable CharSequence text = headers.status();
      return text == null || !text.toString().matches("[1-9][0-9]{2}")
          ? 999
          : Integer.parseInt(text.toString());
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      finish.accept(new ProbeResult.Unanswered("ended without an answer"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      finish.accept(new ProbeResult.Unanswered(String.valueOf(cause.getMessage())));
    }
  }
}
