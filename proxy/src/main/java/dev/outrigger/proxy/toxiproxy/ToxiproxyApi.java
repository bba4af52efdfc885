package dev.outrigger.proxy.toxiproxy;

import dev.outrigger.fault.Direction;
import dev.outrigger.fault.relay.RelayLoop;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP API of toxiproxy-server 2.12: the same paths, shapes, codes and, as far as they do not
 * name its source, errors. Differs: {@code /metrics} is always there; there are at most 1000
 * proxies, with 100 toxics each. Requests are answered one after the other. Confined to the loop of
 * its relays.
 */
final class ToxiproxyApi {
  /** What clients that ask take it for. */
  private static final String VERSION = "2.12.0";

  private static final int MOST_PROXIES = 1000;

  private final RelayLoop on;
  private final Map<String, ProxyEntry> proxies = new TreeMap<>();
  private CompletableFuture<?> last = CompletableFuture.completedFuture(null);

  ToxiproxyApi(RelayLoop on) {
    this.on = on;
  }

  /** A request that came in full. */
  record Request(String method, String path, @Nullable String userAgent, String body) {}

  /** Answers when what came before has been answered; never fails. */
  CompletableFuture<Answer> handle(Request request) {
    assert on.loop().inEventLoop();
    CompletableFuture<Answer> answer =
        last.handle((_, _) -> null)
            .thenCompose(_ -> answer(request))
            .exceptionally(failure -> Answer.error(ApiErrors.of(failure)));
    last = answer;
    return answer;
  }

  /** Closes all that it opened. */
  void close() {
    proxies.values().forEach(ProxyEntry::stop);
    proxies.clear();
  }

  private CompletableFuture<Answer> answer(Request request) {
    String agent = request.userAgent();
    if (agent != null && agent.startsWith("Mozilla/")) {
      // A page of some site must not drive it.
      return now(Answer.error(403, "User agent not allowed"));
    }
    List<String> parts = new ArrayList<>();
    try {
      for (String part : request.path().substring(1).split("/", -1)) {
        parts.add(URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8));
      }
    } catch (IllegalArgumentException e) {
      return now(Answer.error(400, "400 Bad Request"));
    }
    try {
      return route(request, parts);
    } catch (ApiError e) {
      return now(Answer.error(e));
    }
  }

  private CompletableFuture<Answer> route(Request request, List<String> parts) throws ApiError {
    String method = request.method();
    String first = parts.getFirst();
    if (parts.size() == 1) {
      return switch (first) {
        case "version" ->
            method.equals("GET")
                ? now(
                    new Answer(
                        200,
                        "application/json;charset=utf-8",
                        "{\"version\": \"" + VERSION + "\"}\n"))
                : now(Answer.WRONG_METHOD);
        case "metrics" ->
            now(new Answer(200, "text/plain; version=0.0.4; charset=utf-8", metrics()));
        case "reset" -> method.equals("POST") ? reset() : now(Answer.WRONG_METHOD);
        case "populate" ->
            method.equals("POST") ? populate(request.body()) : now(Answer.WRONG_METHOD);
        case "proxies" ->
            switch (method) {
              case "GET" -> now(Answer.json(200, index()));
              case "POST" -> create(request.body());
              default -> now(Answer.WRONG_METHOD);
            };
        default -> notFound();
      };
    }
    if (!first.equals("proxies") || parts.stream().anyMatch(String::isEmpty)) {
      return notFound();
    }
    String name = parts.get(1);
    if (parts.size() == 2) {
      return switch (method) {
        case "GET" -> now(Answer.json(200, proxy(name).json()));
        case "POST", "PATCH" -> update(proxy(name), request.body());
        case "DELETE" -> delete(proxy(name));
        default -> now(Answer.WRONG_METHOD);
      };
    }
    if (!parts.get(2).equals("toxics") || parts.size() > 4) {
      return notFound();
    }
    if (parts.size() == 3) {
      return switch (method) {
        case "GET" -> now(Answer.json(200, proxy(name).toxicsJson()));
        case "POST" -> now(addToxic(proxy(name), request.body()));
        default -> now(Answer.WRONG_METHOD);
      };
    }
    String toxic = parts.get(3);
    return switch (method) {
      case "GET" -> now(Answer.json(200, toxic(proxy(name), toxic).json()));
      case "POST", "PATCH" -> now(updateToxic(proxy(name), toxic, request.body()));
      case "DELETE" -> now(removeToxic(proxy(name), toxic));
      default -> now(Answer.WRONG_METHOD);
    };
  }

  private static CompletableFuture<Answer> now(Answer answer) {
    return CompletableFuture.completedFuture(answer);
  }

  private static CompletableFuture<Answer> notFound() {
    return now(Answer.error(404, "404 page not found"));
  }

  private ProxyEntry proxy(String name) throws ApiError {
    ProxyEntry proxy = proxies.get(name);
    if (proxy == null) {
      throw ApiError.noProxy();
    }
    return proxy;
  }

  private static ToxicEntry toxic(ProxyEntry proxy, String name) throws ApiError {
    ToxicEntry toxic = proxy.toxic(name);
    if (toxic == null) {
      throw ApiError.noToxic();
    }
    return toxic;
  }

  // Proxies.

  private String index() {
    return proxies.values().stream()
        .map(proxy -> Json.quoted(proxy.name()) + ":" + proxy.json())
        .collect(Collectors.joining(",", "{", "}"));
  }

  private CompletableFuture<Answer> create(String body) throws ApiError {
    Wanted wanted = Wanted.of(Fields.of(Json.read(body), "toxiproxy.Proxy", "Proxy"));
    if (wanted.name().isEmpty()) {
      throw ApiError.missing("name");
    }
    if (wanted.upstream().isEmpty()) {
      throw ApiError.missing("upstream");
    }
    if (proxies.containsKey(wanted.name())) {
      throw new ApiError(409, "proxy already exists");
    }
    return add(wanted).thenApply(proxy -> Answer.json(201, proxy.json()));
  }

  private CompletableFuture<ProxyEntry> add(Wanted wanted) {
    if (proxies.size() >= MOST_PROXIES) {
      return CompletableFuture.failedFuture(
          new ApiError(400, "there are at most " + MOST_PROXIES + " proxies"));
    }
    ProxyEntry proxy = new ProxyEntry(on, wanted.name(), wanted.listen(), wanted.upstream());
    CompletableFuture<Void> begun =
        wanted.enabled() ? proxy.start() : CompletableFuture.completedFuture(null);
    return begun.thenApply(
        _ -> {
          proxies.put(proxy.name(), proxy);
          return proxy;
        });
  }

  private static CompletableFuture<Answer> update(ProxyEntry proxy, String body) throws ApiError {
    Fields fields = Fields.of(Json.read(body), "toxiproxy.Proxy", "Proxy");
    return proxy
        .update(
            fields.string("listen", proxy.listen()),
            fields.string("upstream", proxy.upstream()),
            fields.bool("enabled", proxy.enabled()))
        .thenApply(_ -> Answer.json(200, proxy.json()));
  }

  private CompletableFuture<Answer> delete(ProxyEntry proxy) {
    return proxy
        .stop()
        .thenApply(
            _ -> {
              proxies.remove(proxy.name());
              return Answer.NO_CONTENT;
            });
  }

  private CompletableFuture<Answer> reset() {
    CompletableFuture<?> all = CompletableFuture.completedFuture(null);
    for (ProxyEntry proxy : proxies.values()) {
      all =
          all.thenCompose(
              _ -> {
                return proxy.start().thenRun(proxy::removeToxics);
              });
    }
    return all.thenApply(_ -> Answer.NO_CONTENT);
  }

  /** Up to the first that fails; what was there before and is the same goes on with its toxics. */
  private CompletableFuture<Answer> populate(String body) {
    List<ProxyEntry> done = new ArrayList<>();
    List<Wanted> all;
    try {
      all = Wanted.all(Json.read(body));
    } catch (ApiError e) {
      return now(Answer.json(e.status(), "{" + e.fields() + ",\"proxies\":null}"));
    }
    CompletableFuture<?> each = CompletableFuture.completedFuture(null);
    for (Wanted wanted : all) {
      each = each.thenCompose(_ -> addOrReplace(wanted)).thenAccept(done::add);
    }
    return each.handle(
        (_, failure) -> {
          String shown =
              done.isEmpty()
                  ? "null"
                  : done.stream().map(ProxyEntry::json).collect(Collectors.joining(",", "[", "]"));
          if (failure == null) {
            return Answer.json(201, "{\"proxies\":" + shown + "}");
          }
          ApiError error = ApiErrors.of(failure);
          return Answer.json(error.status(), "{" + error.fields() + ",\"proxies\":" + shown + "}");
        });
  }

  private CompletableFuture<ProxyEntry> addOrReplace(Wanted wanted) {
    ProxyEntry before = proxies.get(wanted.name());
    if (before == null) {
      return add(wanted);
    }
    return before
        .differs(wanted.listen(), wanted.upstream())
        .thenCompose(
            differs -> {
              if (!differs) {
                return CompletableFuture.completedFuture(before);
              }
              return before
                  .stop()
                  .thenCompose(
                      _ -> {
                        proxies.remove(before.name());
                        return add(wanted);
                      })
                  .whenComplete(
                      (_, failure) -> {
                        if (failure != null) {
                          proxies.put(before.name(), before);
                        }
                      });
            });
  }

  // Toxics.

  private static Answer addToxic(ProxyEntry proxy, String body) throws ApiError {
    Fields fields = Fields.of(Json.read(body), "toxics.ToxicWrapper", "ToxicWrapper");
    ToxicEntry toxic = ToxicEntry.of(fields);
    if (proxy.toxic(toxic.name()) != null) {
      throw new ApiError(409, "toxic already exists");
    }
    ToxicEntry whole = toxic.withAttributes(fields);
    proxy.put(whole);
    return Answer.json(200, whole.json());
  }

  private static Answer updateToxic(ProxyEntry proxy, String name, String body) throws ApiError {
    ToxicEntry toxic = toxic(proxy, name);
    ToxicEntry updated = toxic.updated(Fields.of(Json.read(body), "struct", ""));
    proxy.put(updated);
    return Answer.json(200, updated.json());
  }

  private static Answer removeToxic(ProxyEntry proxy, String name) throws ApiError {
    proxy.removeToxic(toxic(proxy, name).name());
    return Answer.NO_CONTENT;
  }

  // Metrics.

  private String metrics() {
    StringBuilder out = new StringBuilder();
    for (String what : List.of("received", "sent")) {
      String metric = "toxiproxy_proxy_" + what + "_bytes_total";
      out.append("# HELP ").append(metric).append(" \n# TYPE ").append(metric).append(" counter\n");
      for (ProxyEntry proxy : proxies.values()) {
        for (Direction way : List.of(Direction.DOWNSTREAM, Direction.UPSTREAM)) {
          long bytes = what.equals("sent") ? proxy.relay().sent(way) : proxy.relay().received(way);
          out.append(metric)
              .append("{direction=\"")
              .append(way.name().toLowerCase(Locale.ROOT))
              .append("\",listener=")
              .append(label(proxy.listen()))
              .append(",proxy=")
              .append(label(proxy.name()))
              .append(",upstream=")
              .append(label(proxy.upstream()))
              .append("} ")
              .append(bytes)
              .append('\n');
        }
      }
    }
    return out.toString();
  }

  private static String label(String value) {
    return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}
