package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.outrigger.proxy.extension.DecodeContext;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceRef;
import dev.outrigger.proxy.extension.ResourceType;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The decoded resources by type and name. Confined to the config loop. Nothing leaves it but by an
 * explicit event: a removal, an answer that it does not exist, or that nobody asks for it any more.
 */
final class ResourceStore {
  private final Map<String, Kind> kinds = new LinkedHashMap<>();
  private final BiFunction<String, String, DecodeContext> contexts;

  /** All of one type. */
  private static final class Kind {
    final ResourceType<?, ?> type;
    final boolean wildcard;
    final Map<String, Watch> watches = new TreeMap<>();
    boolean answered;
    String version = "";

    Kind(ResourceType<?, ?> type, boolean wildcard) {
      this.type = type;
      this.wildcard = wildcard;
    }
  }

  /**
   * @param contexts gives the context for a type and a name
   */
  ResourceStore(BiFunction<String, String, DecodeContext> contexts) {
    this.contexts = contexts;
  }

  /** Adds a type of which everything is wanted, or only what is asked for by name. */
  void add(ResourceType<?, ?> type, boolean wildcard) {
    kinds.put(type.typeUrl(), new Kind(type, wildcard));
  }

  Set<String> typeUrls() {
    return kinds.keySet();
  }

  boolean knows(String typeUrl) {
    return kinds.containsKey(typeUrl);
  }

  boolean isWildcard(String typeUrl) {
    return kind(typeUrl).wildcard;
  }

  /** Whether the control plane has said what there is of a type that is wanted as a whole. */
  boolean isAnswered(String typeUrl) {
    Kind kind = kinds.get(typeUrl);
    return kind == null || kind.answered;
  }

  void onAnswered(String typeUrl) {
    kind(typeUrl).answered = true;
  }

  String version(String typeUrl) {
    return kind(typeUrl).version;
  }

  void onVersion(String typeUrl, String version) {
    kind(typeUrl).version = version;
  }

  /** The watch for a named resource; null if it was never asked for. */
  @Nullable Watch find(ResourceRef ref) {
    Kind kind = kinds.get(ref.typeUrl());
    return kind == null ? null : kind.watches.get(ref.name());
  }

  /** All watches of a type, by name. */
  Map<String, Watch> watches(String typeUrl) {
    Kind kind = kinds.get(typeUrl);
    return kind == null ? Map.of() : kind.watches;
  }

  /** Asks for exactly these names of a type; what is no longer asked for is forgotten. */
  void keepNames(String typeUrl, Set<String> names) {
    Map<String, Watch> watches = kind(typeUrl).watches;
    watches.keySet().retainAll(names);
    names.forEach(name -> watches.computeIfAbsent(name, any -> new Watch()));
  }

  /** The versions held of a type, by name. */
  Map<String, String> versions(String typeUrl) {
    Map<String, String> versions = new TreeMap<>();
    kind(typeUrl)
        .watches
        .forEach(
            (name, watch) -> {
              Watch.Held held = watch.held();
              if (held != null && !held.version().isEmpty()) {
                versions.put(name, held.version());
              }
            });
    return versions;
  }

  /** A resource read and checked, not yet stored. */
  record Decoded(String name, Watch.Held held) {}

  /**
   * Reads one resource.
   *
   * @param expectedName the name that it came under; empty if none
   * @throws InvalidResourceException if it is refused
   */
  Decoded decode(String typeUrl, String expectedName, String version, Any body)
      throws InvalidResourceException {
    Kind kind = kind(typeUrl);
    if (!body.getTypeUrl().equals(typeUrl)) {
      throw new InvalidResourceException(
          typeUrl, expectedName, "", "is a " + body.getTypeUrl() + ", expected " + typeUrl);
    }
    return decode(kind.type, expectedName, version, body);
  }

  private <P extends Message, R> Decoded decode(
      ResourceType<P, R> type, String expectedName, String version, Any body)
      throws InvalidResourceException {
    P message;
    try {
      message = body.unpack(type.messageType());
    } catch (InvalidProtocolBufferException e) {
      throw new InvalidResourceException(
          type.typeUrl(), expectedName, "", "cannot be read: " + e.getMessage());
    }
    String name = type.nameOf(message);
    if (name.isEmpty()) {
      throw new InvalidResourceException(type.typeUrl(), expectedName, "name", "is empty");
    }
    if (!expectedName.isEmpty() && !expectedName.equals(name)) {
      throw new InvalidResourceException(
          type.typeUrl(), expectedName, "name", "is '" + name + "' inside");
    }
    try {
      Object value =
          Objects.requireNonNull(type.decode(message, contexts.apply(type.typeUrl(), name)));
      return new Decoded(name, new Watch.Held(value, version, body));
    } catch (IllegalArgumentException e) {
      // A record refused its parts: the decoder missed a check, the resource is still to blame.
      throw new InvalidResourceException(type.typeUrl(), name, "", String.valueOf(e.getMessage()));
    }
  }

  /** Keeps a good resource; false if nobody asked for it. */
  boolean put(String typeUrl, Decoded good) {
    Watch watch = watchFor(typeUrl, good.name());
    if (watch == null) {
      return false;
    }
    watch.onGood(good.held());
    return true;
  }

  void reject(String typeUrl, String name, Watch.Rejection rejection) {
    Watch watch = watchFor(typeUrl, name);
    if (watch != null) {
      watch.onBad(rejection);
    }
  }

  /** The resource is gone, or was never there. */
  void remove(String typeUrl, String name) {
    Kind kind = kind(typeUrl);
    if (kind.wildcard) {
      kind.watches.remove(name);
      return;
    }
    Watch watch = kind.watches.get(name);
    if (watch != null) {
      watch.onAbsent();
    }
  }

  /** Everything of a type but these is gone. */
  void retain(String typeUrl, Set<String> names) {
    for (String name : List.copyOf(kind(typeUrl).watches.keySet())) {
      if (!names.contains(name)) {
        remove(typeUrl, name);
      }
    }
  }

  private @Nullable Watch watchFor(String typeUrl, String name) {
    Kind kind = kind(typeUrl);
    return kind.wildcard
        ? kind.watches.computeIfAbsent(name, any -> new Watch())
        : kind.watches.get(name);
  }

  private Kind kind(String typeUrl) {
    return Objects.requireNonNull(kinds.get(typeUrl), typeUrl);
  }
}
