package dev.outrigger.proxy.http.filter.cors;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig.Append;
import dev.outrigger.proxy.config.RouteTableConfig.HeaderValue;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.LocalReply;
import dev.outrigger.proxy.http.VaryHeader;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.route.CorsRule;
import dev.outrigger.proxy.route.RouteMatch;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Answers preflights and marks answers for pages of other origins (Fetch standard, CORS protocol).
 * Answers say {@code vary: origin}, so that no cache gives one origin's answer to another.
 */
public final class CorsFilter implements HttpFilter {
  private static final HeaderName ORIGIN = HeaderName.of("origin");
  private static final HeaderName ASKS_METHOD = HeaderName.of("access-control-request-method");
  private static final HeaderName ASKS_PRIVATE =
      HeaderName.of("access-control-request-private-network");
  private static final HeaderName ALLOW_ORIGIN = HeaderName.of("access-control-allow-origin");
  private static final HeaderName ALLOW_CREDENTIALS =
      HeaderName.of("access-control-allow-credentials");
  private static final HeaderName EXPOSE = HeaderName.of("access-control-expose-headers");

  private final CorsRule rule;
  private final @Nullable String allowed;
  private final @Nullable String origin;

  private CorsFilter(CorsRule rule, @Nullable String origin) {
    this.rule = rule;
    this.origin = origin;
    this.allowed = origin != null && rule.allows(origin) ? origin : null;
  }

  /** Makes a filter for each exchange whose route has a policy. */
  public static HttpFilter.Factory factory() {
    return (head, exchange) -> {
      List<HttpFilterConfig> filters = exchange.settings().config().filters();
      for (int i = 0; i < filters.size(); i++) {
        if (filters.get(i) instanceof HttpFilterConfig.Cors cors) {
          return of(cors, head, exchange);
        }
      }
      return null;
    };
  }

  private static @Nullable CorsFilter of(
      HttpFilterConfig.Cors cors, RequestHead head, Exchange exchange) {
    RouteMatch route = exchange.route();
    CorsRule rule = route == null ? null : route.cors(cors.name());
    if (rule == null) {
      return null;
    }
    double share = rule.policy().share();
    if (share < 1 && exchange.worker().random().nextDouble() >= share) {
      return null;
    }
    String origin = head.headers().get(ORIGIN);
    return new CorsFilter(rule, origin == null || origin.isEmpty() ? null : origin);
  }

  @Override
  public Verdict onRequest(RequestHead head, Exchange exchange) {
    boolean preflight =
        origin != null && head.method().equals("OPTIONS") && head.headers().contains(ASKS_METHOD);
    if (!preflight || (allowed == null && rule.policy().forwardsOthers())) {
      return Verdict.PROCEED;
    }
    List<HeaderValue> headers = new ArrayList<>();
    if (allowed != null) {
      OfRoute.Cors policy = rule.policy();
      put(headers, "access-control-allow-methods", policy.methods());
      put(headers, "access-control-allow-headers", policy.headers());
      put(headers, "access-control-max-age", policy.maxAge());
      if (policy.privateNetwork() && head.headers().valueEqualsIgnoreCase(ASKS_PRIVATE, "true")) {
        put(headers, "access-control-allow-private-network", "true");
      }
    }
    return new Verdict.Reply(new LocalReply.Answer(200, "", headers));
  }

  private static void put(List<HeaderValue> headers, String name, String value) {
    if (!value.isEmpty()) {
      headers.add(new HeaderValue(name, value, Append.OVERWRITE_IF_EXISTS_OR_ADD));
    }
  }

  @Override
  public Verdict onResponse(ResponseHead head, Exchange exchange) {
    mark(head.headers());
    return Verdict.PROCEED;
  }

  /** Also what the proxy says itself: a page that may not read an error cannot tell of it. */
  @Override
  public void onLocalReply(ResponseHead head, Exchange exchange) {
    mark(head.headers());
  }

  private void mark(Headers headers) {
    VaryHeader.add(headers, "origin");
    if (allowed == null) {
      return;
    }
    headers.set(ALLOW_ORIGIN, allowed);
    if (rule.policy().credentials()) {
      headers.set(ALLOW_CREDENTIALS, "true");
    }
    if (!rule.policy().exposed().isEmpty()) {
      headers.set(EXPOSE, rule.policy().exposed());
    }
  }
}
