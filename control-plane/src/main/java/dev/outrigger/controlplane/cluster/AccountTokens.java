package dev.outrigger.controlplane.cluster;

import dev.outrigger.controlplane.ca.JoinRefusal;
import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.JoinTokens.Verdict;
import dev.outrigger.controlplane.ca.TokenVerifier;
import dev.outrigger.tls.SpiffeId;
import io.fabric8.kubernetes.api.model.authentication.TokenReview;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewBuilder;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewStatus;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Tokens that the kubelet projects into pods ({@code serviceAccountToken} with our audience): the
 * API server says whose they are, and whether their pod is still there (TokenReview). Join tokens
 * of our own are good too. Thread-safe; calls block while the API server is asked.
 */
public final class AccountTokens implements TokenVerifier {
  private static final Pattern ACCOUNT =
      Pattern.compile("system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})");
  private static final String POD_NAME = "authentication.kubernetes.io/pod-name";
  private static final String POD_UID = "authentication.kubernetes.io/pod-uid";

  /** Three parts in base64url; the kubelet's have about 1,000 characters. */
  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[\\w-]+");

  private static final int MAX_TOKEN_LENGTH = 12 << 10;
  private static final int MAX_REMEMBERED = 1000;

  /** A pod that is deleted may join for so long after. */
  private static final Duration REMEMBERED = Duration.ofSeconds(10);

  private static final int MAX_REVIEWS_AT_ONCE = 16;
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(5);

  private final JoinTokens ours;
  private final Reviewer reviewer;
  private final String audience;
  private final String trustDomain;
  private final LongSupplier nanoTime;
  private final Semaphore reviews = new Semaphore(MAX_REVIEWS_AT_ONCE);
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Remembered> remembered = new LinkedHashMap<>();

  private record Remembered(Verdict verdict, long at) {}

  /** Asks the API server. */
  @FunctionalInterface
  interface Reviewer {
    /**
     * @throws KubernetesClientException if there is no answer
     */
    @Nullable TokenReview review(TokenReview asked);
  }

  /**
   * @param audience that tokens must be for
   * @param trustDomain of the identities
   * @param nanoTime monotonic time
   */
  public AccountTokens(
      JoinTokens ours,
      KubernetesClient client,
      String audience,
      String trustDomain,
      LongSupplier nanoTime) {
    this(
        ours,
        (Reviewer) review -> client.tokenReviews().create(review),
        audience,
        trustDomain,
        nanoTime);
  }

  AccountTokens(
      JoinTokens ours,
      Reviewer reviewer,
      String audience,
      String trustDomain,
      LongSupplier nanoTime) {
    this.ours = ours;
    this.reviewer = reviewer;
    this.audience = audience;
    this.trustDomain = trustDomain;
    this.nanoTime = nanoTime;
  }

  @Override
  public Verdict verify(String text) throws IOException {
    return isOurs(text) ? ours.verify(text) : review(text);
  }

  /** A projected token is good until it ends, however often it is shown. */
  @Override
  public Verdict redeem(String text) throws IOException {
    return isOurs(text) ? ours.redeem(text) : review(text);
  }

  private static boolean isOurs(String text) {
    return text.startsWith(JoinTokens.PREFIX);
  }

  private Verdict review(String token) throws IOException {
    if (token.length() > MAX_TOKEN_LENGTH || !TOKEN.matcher(token).matches()) {
      return refused(
          JoinRefusal.TOKEN, "this is neither a service account's token nor a join token");
    }
    // Tokens themselves are not kept.
    String key = hash(token);
    @Nullable Verdict known = recall(key);
    if (known != null) {
      return known;
    }
    boolean allowed = false;
    try {
      allowed = reviews.tryAcquire(LONGEST_WAIT.toNanos(), TimeUnit.NANOSECONDS);
      if (!allowed) {
        throw unreachable("too many tokens are to be reviewed; try again later");
      }
      Verdict verdict = ask(token);
      remember(key, verdict);
      return verdict;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unreachable("interrupted");
    } finally {
      if (allowed) {
        reviews.release();
      }
    }
  }

  private Verdict ask(String token) throws IOException {
    TokenReview asked =
        new TokenReviewBuilder()
            .withNewSpec()
            .withToken(token)
            .withAudiences(audience)
            .endSpec()
            .build();
    try {
      @Nullable TokenReview review = reviewer.review(asked);
      @Nullable TokenReviewStatus status = review == null ? null : review.getStatus();
      if (status == null) {
        throw unreachable("the API server's answer has no status");
      }
      return judge(status);
    } catch (KubernetesClientException e) {
      throw unreachable(
          e.getCode() == HttpURLConnection.HTTP_FORBIDDEN
              ? "the control plane may not create tokenreviews; its ClusterRole lacks that"
              : "the API server cannot be asked: " + e.getMessage());
    }
  }

  private Verdict judge(TokenReviewStatus status) {
    if (!Boolean.TRUE.equals(status.getAuthenticated())) {
      String error = status.getError();
      return refused(
          JoinRefusal.TOKEN,
          "the API server does not vouch for the token for the audience "
              + audience
              + (error == null || error.isEmpty() ? "" : ": " + error));
    }
    // A server that knows nothing of audiences vouches for tokens that are for somebody else.
    List<String> audiences = status.getAudiences();
    if (audiences == null || !audiences.contains(audience)) {
      return refused(
          JoinRefusal.TOKEN,
          "the token is for " + audiences + ", expected the audience " + audience);
    }
    String user = status.getUser() == null ? "" : String.valueOf(status.getUser().getUsername());
    Matcher account = ACCOUNT.matcher(user);
    String pod = extra(status, POD_NAME);
    if (!account.matches() || pod.isEmpty() || extra(status, POD_UID).isEmpty()) {
      return refused(
          JoinRefusal.NO_POD,
          "the token is of "
              + user
              + " and bound to no pod, expected the token that the kubelet projects into a pod");
    }
    String namespace = account.group(1);
    return new Verdict.Accepted(
        new SpiffeId(trustDomain, "/ns/" + namespace + "/sa/" + account.group(2)),
        namespace + "/" + pod);
  }

  private static String extra(TokenReviewStatus status, String name) {
    Map<String, List<String>> all = status.getUser().getExtra();
    @Nullable List<String> values = all == null ? null : all.get(name);
    return values == null || values.size() != 1 ? "" : values.getFirst();
  }

  private @Nullable Verdict recall(String key) {
    lock.lock();
    try {
      @Nullable Remembered found = remembered.get(key);
      return found == null || nanoTime.getAsLong() - found.at() >= REMEMBERED.toNanos()
          ? null
          : found.verdict();
    } finally {
      lock.unlock();
    }
  }

  private void remember(String key, Verdict verdict) {
    lock.lock();
    try {
      remembered.remove(key);
      remembered.put(key, new Remembered(verdict, nanoTime.getAsLong()));
      if (remembered.size() > MAX_REMEMBERED) {
        remembered.remove(remembered.keySet().iterator().next());
      }
    } finally {
      lock.unlock();
    }
  }

  private static Verdict refused(JoinRefusal why, String reason) {
    return new Verdict.Refused(why.text(reason));
  }

  private static IOException unreachable(String reason) {
    return new IOException(JoinRefusal.UNREACHABLE.text(reason));
  }

  private static String hash(String token) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
