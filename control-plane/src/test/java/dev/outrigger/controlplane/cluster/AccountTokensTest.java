package dev.outrigger.controlplane.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.outrigger.controlplane.ca.JoinTokens;
import dev.outrigger.controlplane.ca.JoinTokens.Verdict;
import dev.outrigger.tls.SpiffeId;
import io.fabric8.kubernetes.api.model.authentication.TokenReview;
import io.fabric8.kubernetes.api.model.authentication.TokenReviewBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.io.IOException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccountTokensTest {
  private static final String TOKEN = "eyJh.eyJz.c2ln";
  private static final String ACCOUNT = "system:serviceaccount:shop:checkout";
  private static final Map<String, List<String>> POD =
      Map.of(
          "authentication.kubernetes.io/pod-name", List.of("checkout-1"),
          "authentication.kubernetes.io/pod-uid", List.of("u-1"));

  @TempDir private Path folder;
  private final List<TokenReview> asked = new ArrayList<>();
  private @Nullable TokenReview answer;
  private @Nullable KubernetesClientException failure;
  private long nanos;
  private JoinTokens ours;
  private AccountTokens tokens;

  @BeforeEach
  void open() throws IOException {
    ours = JoinTokens.open(folder.resolve("state"), InstantSource.system(), new SecureRandom());
    tokens =
        new AccountTokens(
            ours,
            (AccountTokens.Reviewer)
                review -> {
                  asked.add(review);
                  if (failure != null) {
                    throw failure;
                  }
                  return answer;
                },
            "outrigger.dev",
            "cluster.local",
            () -> nanos);
  }

  private static TokenReview good(String user, Map<String, List<String>> extra, String audience) {
    return new TokenReviewBuilder()
        .withNewStatus()
        .withAuthenticated(true)
        .withAudiences(audience)
        .withNewUser()
        .withUsername(user)
        .withExtra(extra)
        .endUser()
        .endStatus()
        .build();
  }

  @Test
  void aPodsTokenIsItsAccountsIdentityAndItsPodAlone() throws IOException {
    answer = good(ACCOUNT, POD, "outrigger.dev");

    assertThat(tokens.verify(TOKEN))
        .isEqualTo(
            new Verdict.Accepted(
                SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/checkout"), "shop/checkout-1"));
    assertThat(asked.getFirst().getSpec().getToken()).isEqualTo(TOKEN);
    assertThat(asked.getFirst().getSpec().getAudiences()).containsExactly("outrigger.dev");
  }

  @Test
  void whatTheServerDoesNotVouchForIsRefusedWithItsWords() throws IOException {
    answer =
        new TokenReviewBuilder()
            .withNewStatus()
            .withAuthenticated(false)
            .withError("service account token has expired")
            .endStatus()
            .build();
    assertRefused(TOKEN, "OR3001", "has expired");
  }

  @Test
  void aServerThatLeavesTheAudienceOutIsNotBelieved() throws IOException {
    answer = good(ACCOUNT, POD, "https://kubernetes.default.svc");
    assertRefused(TOKEN, "OR3001", "expected the audience outrigger.dev");
  }

  @Test
  void peopleAndAccountsWithoutAPodAreRefused() throws IOException {
    answer = good("system:admin", POD, "outrigger.dev");
    assertRefused("a.b.c", "OR3002", "bound to no pod");
    answer = good(ACCOUNT, Map.of(), "outrigger.dev");
    assertRefused("a.b.d", "OR3002", "bound to no pod");
    answer =
        good(
            ACCOUNT,
            Map.of("authentication.kubernetes.io/pod-name", List.of("checkout-1")),
            "outrigger.dev");
    assertRefused("a.b.e", "OR3002", "bound to no pod");
  }

  @Test
  void whatIsNoTokenIsNotSentToTheServer() throws IOException {
    assertRefused("guess", "OR3001", "neither");
    assertRefused("a.b." + "c".repeat(20_000), "OR3001", "neither");
    assertThat(asked).isEmpty();
  }

  @Test
  void anAnswerIsRememberedForAMomentAndAFailureIsNot() throws IOException {
    failure = new KubernetesClientException("connection refused");
    assertThatThrownBy(() -> tokens.verify(TOKEN))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("OR3004")
        .hasMessageContaining("connection refused");
    failure = null;
    answer = good(ACCOUNT, POD, "outrigger.dev");
    tokens.verify(TOKEN);
    tokens.redeem(TOKEN);
    assertThat(asked).hasSize(2);
    nanos += Duration.ofSeconds(10).toNanos();
    tokens.verify(TOKEN);
    assertThat(asked).hasSize(3);
  }

  @Test
  void noMoreThanAThousandAnswersAreRemembered() throws IOException {
    answer = good(ACCOUNT, POD, "outrigger.dev");
    for (int i = 0; i <= 1000; i++) {
      tokens.verify("a.b." + i);
    }
    tokens.verify("a.b.1000");
    assertThat(asked).hasSize(1001);
    tokens.verify("a.b.0");
    assertThat(asked).hasSize(1002);
  }

  @Test
  void whoLacksTheRightIsToldSo() {
    failure = new KubernetesClientException("no", 403, null);
    assertThatThrownBy(() -> tokens.verify(TOKEN))
        .hasMessageContaining("OR3004")
        .hasMessageContaining("may not create tokenreviews");
  }

  @Test
  void joinTokensOfOurOwnAreGoodTooAndAreUsedUp() throws IOException {
    SpiffeId cart = SpiffeId.parse("spiffe://cluster.local/ns/shop/sa/cart");
    String token = ours.mint(cart, Duration.ofMinutes(5), 1);
    assertThat(tokens.verify(token)).isEqualTo(new Verdict.Accepted(cart));
    assertThat(tokens.redeem(token)).isEqualTo(new Verdict.Accepted(cart));
    assertThat(tokens.redeem(token)).isInstanceOf(Verdict.Refused.class);
    assertThat(asked).isEmpty();
  }

  private void assertRefused(String token, String code, String reason) throws IOException {
    assertThat(tokens.verify(token))
        .isInstanceOfSatisfying(
            Verdict.Refused.class,
            refused -> assertThat(refused.reason()).startsWith(code).contains(reason));
  }
}
