package dev.outrigger.controlplane.api;

import com.google.gson.JsonObject;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.ServingIdentity;
import dev.outrigger.tls.Pem;
import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.stream.Collectors;

/** Join tokens and the root that proxies trust. */
public final class TokenRoutes {
  private static final Duration MAX_LIFETIME = Duration.ofDays(365);
  private static final long DEFAULT_SECONDS = Duration.ofHours(1).toSeconds();

  private final ServingIdentity own;
  private final JoinTokens tokens;
  private final InstantSource clock;

  public TokenRoutes(ServingIdentity own, JoinTokens tokens, InstantSource clock) {
    this.own = own;
    this.tokens = tokens;
    this.clock = clock;
  }

  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.post("/api/v1/tokens", this::mint),
        ApiRoute.get("/api/v1/root", request -> root()));
  }

  /**
   * {@code {"identity": "spiffe://…", "ttlSeconds": 3600, "uses": 1}}; -1 uses has no limit. What
   * is left out is an hour and one use.
   */
  private ApiReply mint(ApiRequest request) throws IOException {
    String text = request.text("identity", "");
    if (text.isEmpty()) {
      throw new IllegalArgumentException(
          "identity: expected a SPIFFE ID such as spiffe://"
              + own.id().trustDomain()
              + "/ns/default/sa/web");
    }
    SpiffeId identity = SpiffeId.parse(text);
    if (!identity.trustDomain().equals(own.id().trustDomain())) {
      throw new IllegalArgumentException(
          "identity: the trust domain of this mesh is " + own.id().trustDomain());
    }
    long seconds = request.number("ttlSeconds", DEFAULT_SECONDS);
    long uses = request.number("uses", 1);
    if (seconds < 1 || seconds > MAX_LIFETIME.toSeconds()) {
      throw new IllegalArgumentException("ttlSeconds: expected 1 to " + MAX_LIFETIME.toSeconds());
    }
    if (uses != JoinTokens.UNLIMITED && (uses < 1 || uses > Integer.MAX_VALUE)) {
      throw new IllegalArgumentException("uses: expected a positive number, or -1 for no limit");
    }
    JsonObject json = new JsonObject();
    json.addProperty("token", tokens.mint(identity, Duration.ofSeconds(seconds), (int) uses));
    json.addProperty("identity", identity.toString());
    json.addProperty("expires", clock.instant().plusSeconds(seconds).toString());
    json.addProperty("uses", uses);
    return ApiReply.json(json);
  }

  private ApiReply root() {
    return ApiReply.text(
        "application/x-pem-file",
        own.trust().roots().stream().map(Pem::of).collect(Collectors.joining()));
  }
}
