package dev.outrigger.proxy.http.filter.grpcweb;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.RouteMatch;
import io.netty.buffer.ByteBufAllocator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Makes gRPC of gRPC-Web (grpc/grpc, PROTOCOL-WEB.md) and back: the same messages, with trailers as
 * the last piece of the body, and all of it in base64 where the client asks for text. Whatever is
 * not gRPC-Web, and answers that are not gRPC, pass as they are.
 */
public final class GrpcWebFilter implements HttpFilter {
  private static final String GRPC = "application/grpc";
  private static final String WEB = "application/grpc-web";
  private static final String TEXT = "application/grpc-web-text";
  private static final String PROTO = "+proto";

  private final boolean textRequest;
  private boolean textAnswer;

  private GrpcWebFilter(boolean textRequest) {
    this.textRequest = textRequest;
  }

  /** Makes a filter for each call whose listener has it and whose route lets it. */
  public static HttpFilter.Factory factory() {
    return (head, exchange) -> {
      List<HttpFilterConfig> filters = exchange.settings().config().filters();
      for (int i = 0; i < filters.size(); i++) {
        if (filters.get(i) instanceof HttpFilterConfig.GrpcWeb web) {
          return of(web, head, exchange);
        }
      }
      return null;
    };
  }

  private static @Nullable GrpcWebFilter of(
      HttpFilterConfig.GrpcWeb web, RequestHead head, Exchange exchange) {
    RouteMatch route = exchange.route();
    if (route != null && route.filters().get(web.name()) instanceof OfRoute.Disabled) {
      return null;
    }
    return switch (type(head.headers().get(HeaderName.CONTENT_TYPE))) {
      case WEB, WEB + PROTO -> new GrpcWebFilter(false);
      case TEXT, TEXT + PROTO -> new GrpcWebFilter(true);
      default -> null;
    };
  }

  /** Without parameters and in lower case. */
  private static String type(@Nullable String value) {
    if (value == null) {
      return "";
    }
    int parameters = value.indexOf(';');
    String bare = parameters < 0 ? value : value.substring(0, parameters);
    return bare.strip().toLowerCase(Locale.ROOT);
  }

  @Override
  public Verdict onRequest(RequestHead head, Exchange exchange) {
    Headers headers = head.headers();
    String accept = type(headers.get(HeaderName.ACCEPT));
    textAnswer = accept.equals(TEXT) || accept.equals(TEXT + PROTO);
    headers.set(HeaderName.CONTENT_TYPE, GRPC);
    headers.set(HeaderName.TE, "trailers");
    if (textRequest && exchange.requestBody() != BodyKind.NONE) {
      headers.remove(HeaderName.CONTENT_LENGTH);
      exchange.transformRequest(new FromText(ByteBufAllocator.DEFAULT));
    }
    return Verdict.PROCEED;
  }

  @Override
  public Verdict onResponse(ResponseHead head, Exchange exchange) {
    if (translated(head.headers()) && exchange.answerBody() != BodyKind.NONE) {
      head.headers().remove(HeaderName.CONTENT_LENGTH);
      exchange.transformAnswer(new ToWeb(textAnswer, ByteBufAllocator.DEFAULT));
    }
    return Verdict.PROCEED;
  }

  @Override
  public void onLocalReply(ResponseHead head, Exchange exchange) {
    translated(head.headers());
  }

  /** Names the type anew where it is that of gRPC. */
  private boolean translated(Headers headers) {
    String type = type(headers.get(HeaderName.CONTENT_TYPE));
    if (!type.equals(GRPC) && !type.startsWith(GRPC + "+")) {
      return false;
    }
    headers.set(HeaderName.CONTENT_TYPE, (textAnswer ? TEXT : WEB) + PROTO);
    return true;
  }
}
