package dev.outrigger.controlplane.api;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import dev.outrigger.controlplane.ads.NackLedger;
import dev.outrigger.controlplane.ads.ProxyStatus;
import dev.outrigger.controlplane.ads.XdsType;
import dev.outrigger.controlplane.model.Workload;
import dev.outrigger.controlplane.source.ModelSource;
import dev.outrigger.controlplane.source.Problem;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Who is connected with what, and what is wrong. */
public final class StatusRoutes {
  private final ModelSource source;
  private final NackLedger ledger;

  public StatusRoutes(ModelSource source, NackLedger ledger) {
    this.source = source;
    this.ledger = ledger;
  }

  public List<ApiRoute> routes() {
    return List.of(
        ApiRoute.get("/healthz", request -> ApiReply.text("text/plain", "ok\n")).forAll(),
        ApiRoute.get("/api/v1/status", request -> ApiReply.json(status())),
        ApiRoute.get("/api/v1/problems", request -> ApiReply.json(problems())));
  }

  private JsonObject status() {
    JsonObject status = new JsonObject();
    status.addProperty("generation", source.reading().generation());
    JsonArray proxies = new JsonArray();
    ledger.proxies().forEach(proxy -> proxies.add(proxy(proxy)));
    status.add("proxies", proxies);
    status.add("missing", missing());
    status.add("problems", problems());
    return status;
  }

  /** Workloads of the files that should have a proxy, and of whose proxy nobody has heard. */
  private JsonArray missing() {
    Set<String> connected =
        ledger.proxies().stream().map(ProxyStatus::workload).collect(Collectors.toSet());
    JsonArray missing = new JsonArray();
    source.reading().state().workloads().stream()
        .filter(Workload::hasSidecar)
        .map(workload -> workload.meta().name() + "." + workload.meta().namespace())
        .filter(workload -> !connected.contains(workload))
        .sorted()
        .forEach(missing::add);
    return missing;
  }

  private JsonElement problems() {
    return JsonParser.parseString(Problem.toJson(source.reading().problems()));
  }

  private static JsonObject proxy(ProxyStatus proxy) {
    JsonObject json = new JsonObject();
    json.addProperty("node", proxy.node());
    json.addProperty("workload", proxy.workload());
    json.addProperty("cluster", proxy.cluster());
    json.addProperty("identity", proxy.identity());
    json.addProperty("version", proxy.agent());
    json.addProperty(
        "protocol",
        proxy.variant() == dev.outrigger.controlplane.ads.Variant.DELTA ? "delta" : "sotw");
    json.addProperty("connectedSince", proxy.connectedSince().toString());
    JsonObject types = new JsonObject();
    new TreeMap<>(proxy.types())
        .forEach((type, status) -> types.add(XdsType.shortName(type), type(status)));
    json.add("types", types);
    return json;
  }

  private static JsonObject type(ProxyStatus.TypeStatus type) {
    JsonObject json = new JsonObject();
    json.addProperty(
        "state",
        !type.rejections().isEmpty() ? "NACKED" : !type.pending().isEmpty() ? "PENDING" : "ACKED");
    json.addProperty("acked", type.acked());
    json.add("ackedAt", time(type.ackedAt()));
    json.addProperty("pending", type.pending());
    json.add("pendingSince", time(type.pendingSince()));
    JsonArray nacked = new JsonArray();
    for (ProxyStatus.Rejection rejection : type.rejections()) {
      JsonObject one = new JsonObject();
      one.addProperty("resource", rejection.resource());
      one.addProperty("version", rejection.version());
      one.addProperty("nonce", rejection.nonce());
      one.addProperty("reason", rejection.reason());
      one.addProperty("when", rejection.when().toString());
      nacked.add(one);
    }
    json.add("nacked", nacked);
    return json;
  }

  private static JsonElement time(@Nullable Instant when) {
    return when == null ? JsonNull.INSTANCE : new JsonPrimitive(when.toString());
  }
}
