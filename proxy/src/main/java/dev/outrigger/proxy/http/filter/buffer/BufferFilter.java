package dev.outrigger.proxy.http.filter.buffer;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.route.RouteMatch;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Has requests wait until they are whole, within a bound beyond which they are refused. */
public final class BufferFilter implements HttpFilter {
  private final int maxBytes;

  private BufferFilter(int maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Makes a filter for each exchange with a body whose listener and route ask for it. */
  public static HttpFilter.Factory factory() {
    return (_, exchange) -> {
      List<HttpFilterConfig> filters = exchange.settings().config().filters();
      for (int i = 0; i < filters.size(); i++) {
        if (filters.get(i) instanceof HttpFilterConfig.Buffer buffer) {
          return of(buffer, exchange);
        }
      }
      return null;
    };
  }

  private static @Nullable BufferFilter of(HttpFilterConfig.Buffer buffer, Exchange exchange) {
    RouteMatch route = exchange.route();
    OfRoute own = route == null ? null : route.filters().get(buffer.name());
    return switch (own) {
      case OfRoute.Buffer(int bytes) -> new BufferFilter(bytes);
      case OfRoute.Disabled _, OfRoute.Cors _, OfRoute.Compressor _ -> null;
      case null -> new BufferFilter(buffer.maxBytes());
    };
  }

  @Override
  public Verdict onRequest(RequestHead head, Exchange exchange) {
    if (exchange.requestBody() != BodyKind.NONE && exchange.requestBody() != BodyKind.TUNNEL) {
      exchange.bufferRequest(maxBytes);
    }
    return Verdict.PROCEED;
  }
}
