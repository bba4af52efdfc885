package dev.outrigger.controlplane.api;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.controlplane.access.Caller;
import dev.outrigger.controlplane.access.Role;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What another replica passes on is answered like what a client asks, and nothing else is. */
final class AnsweringTest {
  private static final Caller OLAF = new Caller("olaf", Role.OPERATOR, Set.of("shop"));

  private final Answering answering =
      new Answering(
          List.of(
              ApiRoute.get("/api/v1/secrets", request -> ApiReply.text("text/plain", "secret")),
              ApiRoute.post(
                      "/api/v1/experiments/*/*/start",
                      request ->
                          ApiReply.text(
                              "text/plain",
                              request.caller().name()
                                  + request.parameters()
                                  + request.from()
                                  + request.text("why", "")))
                  .byLeader(),
              ApiRoute.post(
                      "/api/v1/halt/lift",
                      request -> {
                        throw new IllegalStateException("broken");
                      })
                  .needs(Role.ADMIN)
                  .byLeader()));

  private ApiReply ask(String method, String path, String body, Caller caller) {
    return answering.passedOn(method, path, body, "192.0.2.1", caller);
  }

  @Test
  void theLeaderActsInTheNameOfWhoeverAskedTheOtherReplica() {
    ApiReply reply =
        ask("POST", "/api/v1/experiments/shop/a%2fb/start", "{\"why\": \"now\"}", OLAF);
    assertThat(reply).isEqualTo(ApiReply.text("text/plain", "olaf[shop, a/b]192.0.2.1now"));
  }

  @Test
  void rolesAreLookedAtAgain() {
    assertThat(ask("POST", "/api/v1/experiments/bank/a/start", "{}", OLAF).status()).isEqualTo(403);
    assertThat(ask("POST", "/api/v1/halt/lift", "{}", OLAF).status()).isEqualTo(403);
    assertThat(ask("POST", "/api/v1/halt/lift", "{}", Caller.LOCAL).status()).isEqualTo(500);
  }

  @Test
  void onlyWhatTheLeaderAloneMayDoIsPassedOn() {
    assertThat(ask("GET", "/api/v1/secrets", "", Caller.LOCAL).status()).isEqualTo(404);
    assertThat(ask("GET", "/api/v1/experiments/shop/a/start", "", OLAF).status()).isEqualTo(404);
    assertThat(ask("POST", "/api/v1/experiments/shop/a/start", "[]", OLAF).status()).isEqualTo(400);
  }
}
