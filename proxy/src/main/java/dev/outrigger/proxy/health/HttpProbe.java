package dev.outrigger.proxy.health;

import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.HealthCheckPolicy.StatusRange;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.HttpClientCodec;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A GET over HTTP/1.1. The status decides; the body is not read. An empty list of expected statuses
 * means 200, as in Envoy.
 */
final class HttpProbe implements HealthChecker {
  private final HealthCheckPolicy.Http policy;
  private final String clusterName;
  private final ProbeConnection connection;
  private final List<Map.Entry<String, String>> headers;

  /**
   * @param clusterName the host where neither the policy nor the endpoint names one
   */
  HttpProbe(HealthCheckPolicy.Http policy, String clusterName, ProbeConnection connection) {
    this(policy, clusterName, connection, List.of());
  }

  /**
   * @param headers sent along, and instead of ours where the names are the same
   */
  HttpProbe(
      HealthCheckPolicy.Http policy,
      String clusterName,
      ProbeConnection connection,
      List<Map.Entry<String, String>> headers) {
    this.headers = List.copyOf(headers);
    this.policy = policy;
    this.clusterName = clusterName;
    this.connection = connection;
  }

  @Override
  public void probe(Endpoint endpoint, Duration timeout, Consumer<ProbeResult> done) {
    connection.open(endpoint, timeout, (channel, finish) -> ask(channel, endpoint, finish), done);
  }

  private void ask(Channel channel, Endpoint endpoint, Consumer<ProbeResult> finish) {
    String host = policy.host();
    if (host.isEmpty()) {
      host = endpoint.hostname().isEmpty() ? clusterName : endpoint.hostname();
    }
    DefaultFullHttpRequest request =
        new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, policy.path());
    request
        .headers()
        .set(HttpHeaderNames.HOST, host)
        .set(HttpHeaderNames.USER_AGENT, "outrigger-health")
        .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
    for (Map.Entry<String, String> header : headers) {
      request.headers().set(header.getKey(), header.getValue());
    }
    // Before the handler of the connection, which goes on hearing of failures.
    String last = channel.pipeline().lastContext().name();
    channel.pipeline().addBefore(last, null, new HttpClientCodec());
    channel.pipeline().addBefore(last, null, new Answer(finish));
    channel.writeAndFlush(request);
  }

  private ProbeResult judge(HttpResponse response) {
    if (response.decoderResult().isFailure()) {
      return new ProbeResult.Wrong("the answer is not HTTP");
    }
    return judge(policy, response.status().code());
  }

  /** Of an answer that is HTTP. */
  static ProbeResult judge(HealthCheckPolicy.Http policy, int status) {
    boolean expected =
        policy.expected().isEmpty()
            ? status == 200
            : policy.expected().stream().anyMatch(range -> holds(range, status));
    return expected ? new ProbeResult.Passed() : new ProbeResult.Wrong("status " + status);
  }

  private static boolean holds(StatusRange range, int status) {
    return status >= range.start() && status < range.end();
  }

  private final class Answer extends SimpleChannelInboundHandler<HttpObject> {
    private final Consumer<ProbeResult> finish;

    Answer(Consumer<ProbeResult> finish) {
      this.finish = finish;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      // 1xx is not the answer yet (RFC 9110, section 15.2).
      if (part instanceof HttpResponse response
          && (response.decoderResult().isFailure() || response.status().code() >= 200)) {
        finish.accept(judge(response));
      }
    }
  }
}
