package dev.outrigger.controlplane.ca;

import dev.outrigger.tls.SpiffeId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The secrets by which workloads join the mesh, each good for one identity. Only their hashes are
 * kept, in the state folder; other processes may mint there too, and what they mint counts at once.
 * Any thread may use it; calls read and write a small file.
 */
public final class JoinTokens implements TokenVerifier {
  /** As {@link #mint}'s number of uses: as many as come before it expires. */
  public static final int UNLIMITED = -1;

  private static final String FILE = "join-tokens";
  private static final String LOCK = "join-tokens.lock";

  /** What each of them begins with. */
  public static final String PREFIX = "outrigger-join-";

  private static final int ID_BYTES = 8;
  private static final int SECRET_BYTES = 32;
  private static final int MAX_TOKENS = 10_000;
  private static final int MAX_TEXT_LENGTH = 200;

  private final StateFolder state;
  private final InstantSource clock;
  private final SecureRandom random;

  /** File locks are per process, so threads of this one are kept apart by this. */
  private final ReentrantLock threads = new ReentrantLock();

  /** What is known of one token. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared but in constant time.
  private record Token(String id, byte[] hash, SpiffeId identity, Instant end, int uses) {
    String line() {
      return String.join(
          " ",
          id,
          HexFormat.of().formatHex(hash),
          identity.toString(),
          end.toString(),
          Integer.toString(uses));
    }

    Token usedOnce() {
      return new Token(id, hash, identity, end, uses - 1);
    }

    static Token ofLine(String line) {
      String[] fields = line.split(" ", -1);
      if (fields.length != 5) {
        throw new IllegalArgumentException("expected 5 fields");
      }
      return new Token(
          fields[0],
          HexFormat.of().parseHex(fields[1]),
          SpiffeId.parse(fields[2]),
          Instant.parse(fields[3]),
          Integer.parseInt(fields[4]));
    }
  }

  /** What came of showing a token. */
  public sealed interface Verdict {
    /**
     * The bearer has this identity.
     *
     * @param workload the only one that it may be, as {@code namespace/name}; null where that is
     *     not known
     */
    record Accepted(SpiffeId identity, @Nullable String workload) implements Verdict {
      public Accepted(SpiffeId identity) {
        this(identity, null);
      }
    }

    /** It is not good, and why, in words that may be told to the bearer. */
    record Refused(String reason) implements Verdict {}
  }

  private JoinTokens(StateFolder state, InstantSource clock, SecureRandom random) {
    this.state = state;
    this.clock = clock;
    this.random = random;
  }

  /**
   * Opens the tokens of a state folder.
   *
   * @throws IOException if the folder or the file is open to others or cannot be read
   */
  public static JoinTokens open(Path folder, InstantSource clock, SecureRandom random)
      throws IOException {
    JoinTokens tokens = new JoinTokens(StateFolder.open(folder), clock, random);
    tokens.load();
    return tokens;
  }

  /**
   * Makes a token.
   *
   * @param identity whom its bearer becomes; with a path
   * @param lifetime positive
   * @param uses how often it can be redeemed, or {@link #UNLIMITED}
   * @return the secret, which is nowhere else
   */
  public String mint(SpiffeId identity, Duration lifetime, int uses) throws IOException {
    if (!identity.hasPath()) {
      throw new IllegalArgumentException(identity + " names a trust domain, expected a workload");
    }
    if (!lifetime.isPositive() || uses == 0 || uses < UNLIMITED) {
      throw new IllegalArgumentException("a join token needs a lifetime and a number of uses");
    }
    byte[] secret = new byte[SECRET_BYTES];
    byte[] idBytes = new byte[ID_BYTES];
    random.nextBytes(secret);
    random.nextBytes(idBytes);
    String id = HexFormat.of().formatHex(idBytes);
    String text =
        PREFIX + id + "-" + Base64.getUrlEncoder().withoutPadding().encodeToString(secret);
    threads.lock();
    try (var _ = state.lock(LOCK)) {
      List<Token> tokens = live(load());
      if (tokens.size() >= MAX_TOKENS) {
        throw new IOException("there are " + MAX_TOKENS + " join tokens already: let some expire");
      }
      tokens.add(new Token(id, hash(text), identity, clock.instant().plus(lifetime), uses));
      save(tokens);
    } finally {
      threads.unlock();
    }
    return text;
  }

  @Override
  public Verdict verify(String text) throws IOException {
    List<Token> tokens = load();
    return judge(find(tokens, text));
  }

  @Override
  public Verdict redeem(String text) throws IOException {
    threads.lock();
    try (var _ = state.lock(LOCK)) {
      List<Token> tokens = load();
      Token token = find(tokens, text);
      Verdict verdict = judge(token);
      if (verdict instanceof Verdict.Accepted && token != null && token.uses() != UNLIMITED) {
        tokens.set(tokens.indexOf(token), token.usedOnce());
        save(tokens);
      }
      return verdict;
    } finally {
      threads.unlock();
    }
  }

  private Verdict judge(@Nullable Token token) {
    if (token == null) {
      return new Verdict.Refused("the join token is not known here");
    }
    if (!clock.instant().isBefore(token.end())) {
      return new Verdict.Refused("the join token expired at " + token.end());
    }
    if (token.uses() == 0) {
      return new Verdict.Refused(
          "the join token has been used as often as it may be; mint one with more uses for a"
              + " proxy that restarts");
    }
    return new Verdict.Accepted(token.identity());
  }

  /** The token that this is the secret of: found by its public part, proved by its hash. */
  private static @Nullable Token find(List<Token> tokens, String text) {
    int idEnd = PREFIX.length() + 2 * ID_BYTES;
    if (text.length() > MAX_TEXT_LENGTH
        || text.length() <= idEnd
        || !text.startsWith(PREFIX)
        || text.charAt(idEnd) != '-') {
      return null;
    }
    String id = text.substring(PREFIX.length(), idEnd);
    byte[] hash = hash(text);
    for (Token token : tokens) {
      if (token.id().equals(id)) {
        return MessageDigest.isEqual(token.hash(), hash) ? token : null;
      }
    }
    return null;
  }

  private List<Token> live(List<Token> tokens) {
    Instant now = clock.instant();
    return new ArrayList<>(
        tokens.stream().filter(token -> token.end().isAfter(now) && token.uses() != 0).toList());
  }

  private List<Token> load() throws IOException {
    List<Token> tokens = new ArrayList<>();
    if (!state.has(FILE)) {
      return tokens;
    }
    int number = 0;
    for (String line : state.readSecret(FILE).lines().toList()) {
      number++;
      try {
        tokens.add(Token.ofLine(line));
      } catch (IllegalArgumentException | DateTimeParseException e) {
        throw new IOException(
            state + "/" + FILE + ", line " + number + ": not a join token: " + e.getMessage(), e);
      }
    }
    return tokens;
  }

  private void save(List<Token> tokens) throws IOException {
    StringBuilder text = new StringBuilder();
    for (Token token : tokens) {
      text.append(token.line()).append('\n');
    }
    state.write(FILE, text.toString());
  }

  private static byte[] hash(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
