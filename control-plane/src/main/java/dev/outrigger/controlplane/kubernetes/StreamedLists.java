package dev.outrigger.controlplane.kubernetes;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceList;
import io.fabric8.kubernetes.api.model.ListMeta;
import io.fabric8.kubernetes.api.model.ListOptions;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.dsl.internal.AbstractWatchManager;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpResponse;
import io.fabric8.kubernetes.client.informers.impl.ListerWatcher;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Lists a kind for an informer: each object is read while the others are on their way, so that a
 * list of all pods takes no more room than its shortest form. Without pages an API server answers
 * the first list from its cache ({@code resourceVersion=0}, which rules out a limit), for a quarter
 * of the CPU that it needs for pages. Kinds of which a cluster has thousands come in protobuf where
 * the server has it. Watches are the client's own.
 */
final class StreamedLists
    implements ListerWatcher<GenericKubernetesResource, GenericKubernetesResourceList> {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();
  private static final String JSON_TYPE = "application/json";
  private static final int MAX_REASON = 64 << 10;

  /** What of a pod nobody here reads, at whatever depth below its spec and its status. */
  private static final Set<String> UNREAD =
      Set.of(
          "affinity",
          "args",
          "command",
          "conditions",
          "containerStatuses",
          "env",
          "envFrom",
          "ephemeralContainers",
          "ephemeralContainerStatuses",
          "imagePullSecrets",
          "initContainerStatuses",
          "lifecycle",
          "livenessProbe",
          "readinessProbe",
          "resources",
          "securityContext",
          "startupProbe",
          "tolerations",
          "topologySpreadConstraints",
          "volumeMounts",
          "volumes");

  /** What of an object's metadata is read. */
  private static final Set<String> METADATA =
      Set.of(
          "name",
          "namespace",
          "labels",
          "annotations",
          "uid",
          "creationTimestamp",
          "generation",
          "resourceVersion");

  private final KubernetesClient client;
  private final String url;
  private final WatchedKind kind;
  private final Reader reader;
  private final ListerWatcher<GenericKubernetesResource, GenericKubernetesResourceList> watches;
  private final Executor executor;

  /** Makes of an object's tree what is kept of it. */
  @FunctionalInterface
  interface Reader {
    /**
     * Reads.
     *
     * @param tree the object's fields; its own from now on
     */
    GenericKubernetesResource read(Map<String, Object> tree);
  }

  /**
   * @param namespace the only one; null for all
   * @param watches opens the watches
   * @param executor runs what waits for the server
   */
  StreamedLists(
      KubernetesClient client,
      WatchedKind kind,
      @Nullable String namespace,
      ListerWatcher<GenericKubernetesResource, GenericKubernetesResourceList> watches,
      Reader reader,
      Executor executor) {
    this.client = client;
    this.kind = kind;
    this.watches = watches;
    this.reader = reader;
    this.executor = executor;
    String base = client.getMasterUrl().toString();
    this.url =
        (base.endsWith("/") ? base : base + "/")
            + (kind.group().isEmpty() ? "api/" : "apis/")
            + kind.apiVersion()
            + (namespace == null || !kind.namespaced() ? "" : "/namespaces/" + namespace)
            + "/"
            + kind.plural();
  }

  @Override
  public CompletableFuture<GenericKubernetesResourceList> submitList(ListOptions options) {
    String version = options.getResourceVersion();
    var request =
        client
            .getHttpClient()
            .newHttpRequestBuilder()
            .uri(version == null ? url : url + "?resourceVersion=" + version)
            .header("Accept", accepted())
            .build();
    ReadableBody body = new ReadableBody();
    return client
        .getHttpClient()
        .consumeBytes(request, body)
        .thenApplyAsync(response -> taken(response, body), executor);
  }

  /** A server may know no protobuf of a kind, or be another's in front of it. */
  private String accepted() {
    return ProtobufList.has(kind.kind()) ? ProtobufList.MEDIA_TYPE + "," + JSON_TYPE : JSON_TYPE;
  }

  private GenericKubernetesResourceList taken(HttpResponse<AsyncBody> response, ReadableBody from) {
    boolean protobuf =
        Objects.requireNonNullElse(response.header("Content-Type"), "")
            .startsWith(ProtobufList.MEDIA_TYPE);
    try (InputStream body = from) {
      from.begin(response.body());
      if (!response.isSuccessful()) {
        byte[] reason = body.readNBytes(MAX_REASON);
        throw new KubernetesClientException(
            "cannot list "
                + kind.plural()
                + ": "
                + (protobuf
                    ? ProtobufList.refusal(new ByteArrayInputStream(reason))
                    : said(new String(reason, StandardCharsets.UTF_8))),
            response.code(),
            null);
      }
      return protobuf ? readProtobuf(body) : read(body);
    } catch (IOException e) {
      throw new UncheckedIOException("the list of " + kind.plural() + " broke off", e);
    }
  }

  /** The message of a {@code Status}, or what else was answered. */
  private static String said(String answer) {
    try (JsonParser parser = JSON.createParser(answer)) {
      if (parser.nextToken() == JsonToken.START_OBJECT
          && object(parser, Set.of()).get("message") instanceof String message) {
        return message;
      }
    } catch (IOException e) {
      return answer;
    }
    return answer;
  }

  /** Reads a list as it comes, in the protobuf of an API server. */
  GenericKubernetesResourceList readProtobuf(InputStream body) throws IOException {
    List<GenericKubernetesResource> items = new ArrayList<>();
    String version = ProtobufList.read(body, kind.kind(), tree -> items.add(reader.read(tree)));
    return list(version, items);
  }

  /** Reads a list as it comes, in JSON. */
  GenericKubernetesResourceList read(InputStream body) throws IOException {
    List<GenericKubernetesResource> items = new ArrayList<>();
    @Nullable String version = null;
    try (JsonParser parser = JSON.createParser(body)) {
      expect(parser, parser.nextToken(), JsonToken.START_OBJECT);
      for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
        JsonToken value = parser.nextToken();
        if (field.equals("metadata")) {
          expect(parser, value, JsonToken.START_OBJECT);
          if (object(parser, Set.of()).get("resourceVersion") instanceof String text) {
            version = text;
          }
        } else if (field.equals("items") && value == JsonToken.START_ARRAY) {
          while (parser.nextToken() == JsonToken.START_OBJECT) {
            items.add(reader.read(item(parser)));
          }
          expect(parser, parser.currentToken(), JsonToken.END_ARRAY);
        } else {
          parser.skipChildren();
        }
      }
      expect(parser, parser.currentToken(), JsonToken.END_OBJECT);
    }
    if (version == null) {
      throw new IOException("the list says no version");
    }
    return list(version, items);
  }

  private static GenericKubernetesResourceList list(
      String version, List<GenericKubernetesResource> items) {
    ListMeta meta = new ListMeta();
    meta.setResourceVersion(version);
    GenericKubernetesResourceList list = new GenericKubernetesResourceList();
    list.setItems(items);
    list.setMetadata(meta);
    return list;
  }

  private Map<String, Object> item(JsonParser parser) throws IOException {
    Set<String> unread = kind.kind().equals("Pod") ? UNREAD : Set.of();
    Map<String, Object> tree = new LinkedHashMap<>();
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      parser.nextToken();
      if (field.equals("metadata")) {
        tree.put(field, metadata(parser));
      } else {
        @Nullable Object value = value(parser, unread);
        if (value != null) {
          tree.put(field, value);
        }
      }
    }
    return tree;
  }

  private static Map<String, Object> metadata(JsonParser parser) throws IOException {
    expect(parser, parser.currentToken(), JsonToken.START_OBJECT);
    Map<String, Object> tree = new LinkedHashMap<>();
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      parser.nextToken();
      if (!METADATA.contains(field)) {
        parser.skipChildren();
        continue;
      }
      @Nullable Object value = value(parser, Set.of());
      if (value != null) {
        tree.put(field, value);
      }
    }
    return tree;
  }

  private static Map<String, Object> object(JsonParser parser, Set<String> unread)
      throws IOException {
    Map<String, Object> tree = new LinkedHashMap<>();
    for (String field = parser.nextFieldName(); field != null; field = parser.nextFieldName()) {
      parser.nextToken();
      if (unread.contains(field)) {
        parser.skipChildren();
      } else {
        tree.put(field, value(parser, unread));
      }
    }
    return tree;
  }

  private static @Nullable Object value(JsonParser parser, Set<String> unread) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> object(parser, unread);
      case START_ARRAY -> {
        List<@Nullable Object> list = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(parser, unread));
        }
        yield list;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getNumberValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new IOException("not JSON: " + parser.currentToken());
    };
  }

  private static void expect(JsonParser parser, @Nullable JsonToken is, JsonToken wanted)
      throws IOException {
    if (is != wanted) {
      throw new IOException(
          "a list is not what was answered: "
              + is
              + " at "
              + parser.currentLocation().offsetDescription());
    }
  }

  @Override
  public CompletableFuture<AbstractWatchManager<GenericKubernetesResource>> submitWatch(
      ListOptions options, Watcher<GenericKubernetesResource> watcher) {
    return watches.submitWatch(options, watcher);
  }

  /** No pages. */
  @Override
  public @Nullable Long getLimit() {
    return null;
  }

  @Override
  public int getWatchReconnectInterval() {
    return watches.getWatchReconnectInterval();
  }

  @Override
  public String getApiEndpointPath() {
    return watches.getApiEndpointPath();
  }

  @Override
  public Config getConfig() {
    return watches.getConfig();
  }
}
