package dev.outrigger.proxy.http.filter.compress;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.Coding;
import dev.outrigger.proxy.config.HttpFilterConfig.Compression;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.http.BodyKind;
import dev.outrigger.proxy.http.Exchange;
import dev.outrigger.proxy.http.HttpFilter;
import dev.outrigger.proxy.http.VaryHeader;
import dev.outrigger.proxy.http.Verdict;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.message.ResponseHead;
import dev.outrigger.proxy.outcome.Outcome;
import dev.outrigger.proxy.route.RouteMatch;
import io.netty.buffer.ByteBufAllocator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Compresses answers where the client takes it and the answer gains by it. What is encoded already,
 * is a part of something, or must not be changed on its way stays as it is. Of several codings the
 * one that the client likes best is taken, and of equals the last that is preferred, or else the
 * first.
 */
public final class CompressionFilter implements HttpFilter {
  private static final HeaderName ACCEPT_ENCODING = HeaderName.of("accept-encoding");
  private static final HeaderName CACHE_CONTROL = HeaderName.of("cache-control");
  private static final HeaderName CONTENT_ENCODING = HeaderName.of("content-encoding");
  private static final HeaderName CONTENT_RANGE = HeaderName.of("content-range");
  private static final HeaderName ETAG = HeaderName.of("etag");
  private static final HeaderName ACCEPT_RANGES = HeaderName.of("accept-ranges");

  private final Deflaters deflaters;
  private final Compression config;
  private final boolean taken;
  private final boolean hides;
  private @Nullable Coder coder;

  private CompressionFilter(Deflaters deflaters, Compression config, boolean taken, boolean hides) {
    this.deflaters = deflaters;
    this.config = config;
    this.taken = taken;
    this.hides = hides;
  }

  /** Makes a filter for each exchange whose listener compresses and whose route lets it. */
  public static HttpFilter.Factory factory() {
    Deflaters deflaters = new Deflaters();
    return (head, exchange) -> {
      List<HttpFilterConfig> filters = exchange.settings().config().filters();
      @Nullable Compression best = null;
      double liked = -1;
      boolean hides = false;
      for (int i = 0; i < filters.size(); i++) {
        if (filters.get(i) instanceof HttpFilterConfig.Compressor compressor) {
          @Nullable Compression here = compression(compressor, exchange);
          if (here != null) {
            hides |= here.hidesFromUpstream();
            double quality = quality(head.headers(), here.coding().token());
            if (quality > liked || (quality == liked && here.preferred())) {
              best = here;
              liked = quality;
            }
          }
        }
      }
      return best == null ? null : new CompressionFilter(deflaters, best, liked > 0, hides);
    };
  }

  /** Null where the route has none of it. */
  private static @Nullable Compression compression(
      HttpFilterConfig.Compressor compressor, Exchange exchange) {
    RouteMatch route = exchange.route();
    OfRoute own = route == null ? null : route.filters().get(compressor.name());
    Compression config = compressor.compression();
    return switch (own) {
      case OfRoute.Disabled _ -> null;
      case OfRoute.Compressor(boolean hides) -> config.hidingFromUpstream(hides);
      case OfRoute.Cors _, OfRoute.Buffer _ -> null;
      case null -> config;
    };
  }

  private Coder newCoder() {
    return switch (config.coding()) {
      case Coding.Gzip gzip -> new GzipCoder(gzip, deflaters, ByteBufAllocator.DEFAULT);
      case Coding.Brotli brotli -> new BrotliCoder(brotli, ByteBufAllocator.DEFAULT);
      case Coding.Zstandard zstandard -> new ZstandardCoder(zstandard, ByteBufAllocator.DEFAULT);
    };
  }

  @Override
  public Verdict onRequest(RequestHead head, Exchange exchange) {
    if (hides) {
      head.headers().remove(ACCEPT_ENCODING);
    }
    return Verdict.PROCEED;
  }

  @Override
  public Verdict onResponse(ResponseHead head, Exchange exchange) {
    compress(head, exchange);
    return Verdict.PROCEED;
  }

  @Override
  public void onLocalReply(ResponseHead head, Exchange exchange) {
    close(); // of the answer that this one takes the place of
    compress(head, exchange);
  }

  private void compress(ResponseHead head, Exchange exchange) {
    Headers headers = head.headers();
    if (exchange.answerTransform() != null || !suitable(head, exchange.answerBody())) {
      return;
    }
    VaryHeader.add(headers, "accept-encoding");
    if (!taken) {
      return;
    }
    headers.remove(HeaderName.CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES); // ranges of what comes out are not ranges of what went in
    headers.set(CONTENT_ENCODING, config.coding().token());
    String etag = headers.get(ETAG);
    if (etag != null && etag.startsWith("\"")) {
      headers.set(ETAG, "W/" + etag); // the same, but no longer byte for byte
    }
    Coder own = newCoder();
    coder = own;
    exchange.transformAnswer(own);
  }

  @Override
  public void onFinish(Outcome outcome) {
    close();
  }

  private void close() {
    Coder own = coder;
    if (own != null) {
      coder = null;
      own.close();
    }
  }

  private boolean suitable(ResponseHead head, BodyKind body) {
    Headers headers = head.headers();
    return (body == BodyKind.LENGTH || body == BodyKind.STREAM)
        && head.status() != 206
        && !config.notStatuses().contains(head.status())
        && !headers.contains(CONTENT_ENCODING)
        && !headers.contains(CONTENT_RANGE)
        && !(config.notWithEtag() && headers.contains(ETAG))
        && longEnough(headers)
        && listed(headers.get(HeaderName.CONTENT_TYPE))
        && !mustNotChange(headers);
  }

  private boolean longEnough(Headers headers) {
    String length = headers.get(HeaderName.CONTENT_LENGTH);
    return length == null
        || length.length() > 9
        || (!length.isEmpty() && Integer.parseInt(length) >= config.minBytes());
  }

  private boolean listed(@Nullable String type) {
    if (type == null) {
      return true;
    }
    int parameters = type.indexOf(';');
    String bare = parameters < 0 ? type : type.substring(0, parameters);
    return config.contentTypes().contains(bare.strip().toLowerCase(Locale.ROOT));
  }

  private static boolean mustNotChange(Headers headers) {
    for (String value : headers.all(CACHE_CONTROL)) {
      for (String directive : value.split(",", -1)) {
        if (directive.strip().equalsIgnoreCase("no-transform")) {
          return true;
        }
      }
    }
    return false;
  }

  /**
   * How much a client likes a coding (RFC 9110, section 12.5.3): itself or anything, not excluded,
   * and not below what stays as it is.
   *
   * @return 0 where it is not to be used, at most 1
   */
  static double quality(Headers headers, String coding) {
    double itself = -1;
    double any = -1;
    double identity = -1;
    for (String value : headers.all(ACCEPT_ENCODING)) {
      for (String item : value.split(",", -1)) {
        String[] parts = item.split(";", -1);
        double quality = quality(parts);
        String token = parts[0].strip().toLowerCase(Locale.ROOT);
        if (token.equals(coding) || (coding.equals("gzip") && token.equals("x-gzip"))) {
          itself = Math.max(itself, quality);
        } else if (token.equals("*")) {
          any = Math.max(any, quality);
        } else if (token.equals("identity")) {
          identity = quality;
        }
      }
    }
    double best = itself >= 0 ? itself : any;
    return best > 0 && best >= identity ? best : 0;
  }

  private static double quality(String[] parts) {
    for (int i = 1; i < parts.length; i++) {
      String parameter = parts[i].strip().toLowerCase(Locale.ROOT);
      if (parameter.startsWith("q=")) {
        return switch (parameter.substring(2)) {
          case String q when q.matches("[01](\\.[0-9]{0,3})?") -> Double.parseDouble(q);
          case String _ -> 0;
        };
      }
    }
    return 1;
  }
}
