package dev.outrigger.proxy.telemetry;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask why a request goes as it goes, and what those who asked were told last. Safe for all
 * threads; a worker comes here only for a request that asks with a token that it knows.
 */
public final class Explanations {
  /** So many decisions are kept. */
  static final int KEPT = 256;

  /** More tokens than that are not in force at once. */
  static final int MAX_TOKENS = 64;

  /** The longest time for which a token can be issued. */
  public static final Duration LONGEST = Duration.ofHours(24);

  private static final int TOKEN_BYTES = 16;

  private final InstantSource clock;
  private final SecureRandom random = new SecureRandom();
  private final List<Consumer<Tokens>> workers = new CopyOnWriteArrayList<>();
  private final Deque<Decision> recent = new ArrayDeque<>();
  private Tokens tokens = new Tokens(List.of());

  /** Nobody may ask yet. */
  public Explanations(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * One exchange that was explained.
   *
   * @param hop {@code inbound} or {@code outbound}
   * @param status what the client got; 0 for nothing
   * @param code of {@code x-outrigger-error}, or empty
   */
  public record Decision(
      String id,
      Instant time,
      String hop,
      String method,
      String authority,
      String path,
      int status,
      String code,
      List<Explanation.Step> steps) {
    public Decision {
      steps = List.copyOf(steps);
    }
  }

  /** Tokens that are in force: published, immutable. */
  record Tokens(List<Token> all) {
    Tokens {
      all = List.copyOf(all);
    }

    boolean none() {
      return all.isEmpty();
    }

    boolean allow(byte[] asked, Instant now) {
      boolean allowed = false;
      for (Token token : all) {
        allowed |= MessageDigest.isEqual(token.bytes, asked) && now.isBefore(token.until);
      }
      return allowed;
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // never handed out
  record Token(byte[] bytes, Instant until) {}

  /** Makes a token that may ask for so long; the oldest makes room where there are too many. */
  public String issue(Duration lasts) {
    byte[] made = new byte[TOKEN_BYTES];
    random.nextBytes(made);
    String token = HexFormat.of().formatHex(made);
    Duration bounded = lasts.compareTo(LONGEST) > 0 ? LONGEST : lasts;
    add(token, clock.instant().plus(bounded));
    return token;
  }

  /** Lets a token from the configuration ask until the process ends. */
  public void allow(String token) {
    add(token, Instant.MAX);
  }

  /** No token of {@link #issue} is in force any more. */
  public synchronized void revokeIssued() {
    publish(tokens.all.stream().filter(token -> token.until.equals(Instant.MAX)).toList());
  }

  private synchronized void add(String token, Instant until) {
    Instant now = clock.instant();
    List<Token> all =
        new ArrayList<>(tokens.all.stream().filter(one -> now.isBefore(one.until)).toList());
    all.add(new Token(token.getBytes(StandardCharsets.UTF_8), until));
    if (all.size() > MAX_TOKENS) {
      all.removeFirst();
    }
    publish(all);
  }

  private void publish(List<Token> all) {
    tokens = new Tokens(all);
    workers.forEach(worker -> worker.accept(tokens));
  }

  /** Tells a worker now and at each change; it is told on this thread. */
  synchronized void watch(Consumer<Tokens> worker) {
    workers.add(worker);
    worker.accept(tokens);
  }

  void keep(Decision decision) {
    synchronized (recent) {
      if (recent.size() >= KEPT) {
        recent.removeLast();
      }
      recent.addFirst(decision);
    }
  }

  /** The last decisions that were explained, the latest first. */
  public List<Decision> recent() {
    synchronized (recent) {
      return List.copyOf(recent);
    }
  }

  /** Those of one request; null stands for all. */
  public List<Decision> recent(@Nullable String id) {
    return recent().stream().filter(one -> id == null || one.id().equals(id)).toList();
  }

  Instant now() {
    return clock.instant();
  }
}
