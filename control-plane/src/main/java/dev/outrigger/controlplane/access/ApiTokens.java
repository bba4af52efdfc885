package dev.outrigger.controlplane.access;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.outrigger.controlplane.ca.StateFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Base64;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The secrets by which people and programs use the API. Only their hashes are kept, in the state
 * folder. Thread-safe.
 */
public final class ApiTokens {
  private static final String FILE = "api-tokens.json";
  private static final String ADMIN_FILE = "admin.token";
  private static final String PREFIX = "outrigger-api-";
  private static final int SECRET_BYTES = 32;
  private static final int MAX_TOKENS = 1000;
  private static final Duration FIRST_LIFETIME = Duration.ofDays(365);

  private final StateFolder state;
  private final InstantSource clock;
  private final SecureRandom random;
  private final Map<String, Grant> grants = new TreeMap<>();

  /**
   * What a token is good for.
   *
   * @param hash of the secret, in hexadecimal
   */
  public record Grant(Caller caller, Instant created, Instant expires, String hash) {
    /** All but the hash. */
    public JsonObject toJson() {
      JsonObject json = new JsonObject();
      json.addProperty("name", caller.name());
      json.addProperty("role", caller.role().text());
      JsonArray namespaces = new JsonArray();
      caller.namespaces().stream().sorted().forEach(namespaces::add);
      json.add("namespaces", namespaces);
      json.addProperty("created", created.toString());
      json.addProperty("expires", expires.toString());
      return json;
    }

    private static Grant of(JsonObject json) {
      Set<String> namespaces = new HashSet<>();
      json.getAsJsonArray("namespaces").forEach(one -> namespaces.add(one.getAsString()));
      Role role = Objects.requireNonNull(Role.of(json.get("role").getAsString()));
      return new Grant(
          new Caller(json.get("name").getAsString(), role, namespaces),
          Instant.parse(json.get("created").getAsString()),
          Instant.parse(json.get("expires").getAsString()),
          json.get("hash").getAsString());
    }
  }

  private ApiTokens(StateFolder state, InstantSource clock, SecureRandom random) {
    this.state = state;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Opens the tokens of a state folder.
   *
   * @throws IOException if the folder or the file is open to others or cannot be read
   */
  public static ApiTokens open(Path folder, InstantSource clock, SecureRandom random)
      throws IOException {
    ApiTokens tokens = new ApiTokens(StateFolder.open(folder), clock, random);
    if (tokens.state.has(FILE)) {
      try {
        for (JsonElement one :
            JsonParser.parseString(tokens.state.readSecret(FILE)).getAsJsonArray()) {
          Grant grant = Grant.of(one.getAsJsonObject());
          tokens.grants.put(grant.caller().name(), grant);
        }
      } catch (JsonParseException
          | IllegalStateException
          | NullPointerException
          | DateTimeException e) {
        throw new IOException(folder.resolve(FILE) + " is not as it was written", e);
      }
    }
    return tokens;
  }

  /**
   * Where no administrator has a good token, makes one and writes it to a file beside the hashes,
   * for the owner only.
   *
   * @return that file, or null if there was an administrator
   */
  public synchronized @Nullable String ensureAdmin() throws IOException {
    Instant now = clock.instant();
    boolean there =
        grants.values().stream()
            .anyMatch(g -> g.caller().role() == Role.ADMIN && now.isBefore(g.expires()));
    if (there) {
      return null;
    }
    String secret = mint(new Caller("first-admin", Role.ADMIN, Set.of()), FIRST_LIFETIME);
    state.write(ADMIN_FILE, secret + "\n");
    return state + "/" + ADMIN_FILE;
  }

  /**
   * Makes a token in place of an earlier one of the same name.
   *
   * @return the secret, which is nowhere else
   * @throws IllegalArgumentException if there are too many; the message is for the caller
   */
  public synchronized String mint(Caller caller, Duration lifetime) throws IOException {
    Instant now = clock.instant();
    grants.values().removeIf(grant -> !now.isBefore(grant.expires()));
    if (grants.size() >= MAX_TOKENS && !grants.containsKey(caller.name())) {
      throw new IllegalArgumentException("there are " + MAX_TOKENS + " tokens; revoke some");
    }
    byte[] bytes = new byte[SECRET_BYTES];
    random.nextBytes(bytes);
    String secret = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    @Nullable Grant before =
        grants.put(caller.name(), new Grant(caller, now, now.plus(lifetime), hash(secret)));
    try {
      save();
    } catch (IOException e) {
      grants.remove(caller.name());
      if (before != null) {
        grants.put(caller.name(), before);
      }
      throw e;
    }
    return secret;
  }

  /** Ends one at once, even if its file cannot be written; whether there was one. */
  public synchronized boolean revoke(String name) throws IOException {
    if (grants.remove(name) == null) {
      return false;
    }
    save();
    return true;
  }

  /** Those that are good now, by name. */
  public synchronized List<Grant> all() {
    Instant now = clock.instant();
    return grants.values().stream().filter(grant -> now.isBefore(grant.expires())).toList();
  }

  /** Whose secret it is; null if it is nobody's, or no more. */
  public synchronized @Nullable Caller find(String secret) {
    byte[] hash = hash(secret).getBytes(StandardCharsets.US_ASCII);
    Instant now = clock.instant();
    @Nullable Caller found = null;
    for (Grant grant : grants.values()) {
      // All are compared, so that the time taken tells nothing.
      if (MessageDigest.isEqual(hash, grant.hash().getBytes(StandardCharsets.US_ASCII))
          && now.isBefore(grant.expires())) {
        found = grant.caller();
      }
    }
    return found;
  }

  private void save() throws IOException {
    JsonArray list = new JsonArray();
    for (Grant grant : grants.values()) {
      JsonObject json = grant.toJson();
      json.addProperty("hash", grant.hash());
      list.add(json);
    }
    state.write(FILE, list + "\n");
  }

  private static String hash(String secret) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
