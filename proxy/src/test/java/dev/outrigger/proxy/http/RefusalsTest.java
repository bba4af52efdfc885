package dev.outrigger.proxy.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Struct;
import com.google.protobuf.util.JsonFormat;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.HttpVersion;
import dev.outrigger.proxy.message.RequestHead;
import dev.outrigger.proxy.outcome.Origin;
import dev.outrigger.proxy.outcome.ProxyError;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RefusalsTest {
  private static final String ID = "4f1c1f5e-0b1c-4b52-9a2c-0d8a7d1f3a55";
  private static final ProxyError REFUSED =
      new ProxyError.ConnectRefused("10.9.8.7:80", "said \"no\"\n\u00e9%");

  @Test
  void aPersonIsToldCodeDetailAndRequest() {
    LocalReplies.Rendered said = Refusals.render(REFUSED, facts(false), head(), ID);

    assertThat(said.head().status()).isEqualTo(503);
    assertThat(said.head().headers().get("x-outrigger-error")).isEqualTo("connect_refused");
    assertThat(said.head().headers().get("x-outrigger-source"))
        .isEqualTo("outbound; cause=upstream");
    assertThat(said.head().headers().get("content-type")).isEqualTo("text/plain");
    assertThat(text(said))
        .startsWith("connect_refused: connecting to 10.9.8.7:80 failed: ")
        .endsWith("request " + ID + "\n");
  }

  @Test
  void aProgramThatAsksForJsonGetsAProblem() throws Exception {
    LocalReplies.Rendered said =
        Refusals.render(REFUSED, facts(false), head("accept", "text/html, Application/JSON"), ID);

    assertThat(said.head().headers().get("content-type")).isEqualTo("application/problem+json");
    String body = text(said);
    assertThat(said.head().headers().get("content-length"))
        .isEqualTo(Integer.toString(body.length()));
    Struct problem = parse(body);
    assertThat(problem.getFieldsOrThrow("type").getStringValue()).endsWith("/connect_refused");
    assertThat(problem.getFieldsOrThrow("title").getStringValue())
        .isEqualTo("The endpoint refused the connection.");
    assertThat(problem.getFieldsOrThrow("status").getNumberValue()).isEqualTo(503);
    assertThat(problem.getFieldsOrThrow("detail").getStringValue()).isEqualTo(REFUSED.detail());
    assertThat(problem.getFieldsOrThrow("instance").getStringValue()).isEqualTo("urn:uuid:" + ID);
    assertThat(problem.getFieldsOrThrow("code").getStringValue()).isEqualTo("connect_refused");
  }

  @Test
  void anIdThatIsNoUuidIsNoUri() throws Exception {
    LocalReplies.Rendered said =
        Refusals.render(REFUSED, facts(false), head("accept", "application/json"), "a b\"");

    Struct problem = parse(text(said));
    assertThat(problem.containsFields("instance")).isFalse();
    assertThat(problem.getFieldsOrThrow("requestId").getStringValue()).isEqualTo("a b\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      nullValues = "-",
      value = {
        "application/grpc           | -                                 | GRPC",
        "application/grpc+proto     | application/json                  | GRPC",
        "APPLICATION/GRPC; a=b      | -                                 | GRPC",
        "application/grpc-web+proto | -                                 | GRPC_WEB",
        "application/grpcish        | -                                 | TEXT",
        "-                          | */*                               | TEXT",
        "-                          | text/html, application/xml;q=0.9  | TEXT",
        "-                          | application/problem+json          | PROBLEM_JSON",
        "-                          | text/plain;q=0.5,application/json | PROBLEM_JSON",
        "-                          | application/json;q=0              | TEXT",
        "-                          | application/json; q=0.000         | TEXT",
        "-                          | application/json;q=0.001          | PROBLEM_JSON",
        "application/json           | -                                 | TEXT",
      })
  void theFormIsThatWhichTheCallerReads(
      @Nullable String contentType, @Nullable String accept, ReplyForm form) {
    RequestHead head = head();
    if (contentType != null) {
      head.headers().add("Content-Type", contentType);
    }
    if (accept != null) {
      head.headers().add("accept", "image/png");
      head.headers().add("Accept", accept);
    }
    assertThat(ReplyForm.of(head)).isEqualTo(form);
  }

  @Test
  void grpcGetsItsStatusInTheHeadAndNoBody() {
    LocalReplies.Rendered said =
        Refusals.render(REFUSED, facts(false), head("content-type", "application/grpc"), ID);

    Headers headers = said.head().headers();
    assertThat(said.head().status()).isEqualTo(200);
    assertThat(headers.get("grpc-status")).isEqualTo("14");
    assertThat(headers.get("content-type")).isEqualTo("application/grpc");
    assertThat(headers.get("x-outrigger-error")).isEqualTo("connect_refused");
    assertThat(headers.get("content-length")).isNull();
    assertThat(headers.get("grpc-message"))
        .isEqualTo("connect_refused: connecting to 10.9.8.7:80 failed: said \"no\"%0A%C3%A9%25");
    assertThat(said.body().isReadable()).isFalse();
  }

  @Test
  void whoIsOutsideTheMeshIsToldNothingOfItsInside() {
    String text = text(Refusals.render(REFUSED, facts(true), head(), ID));
    String json =
        text(Refusals.render(REFUSED, facts(true), head("accept", "application/json"), ID));
    String grpc =
        Refusals.render(REFUSED, facts(true), head("content-type", "application/grpc"), ID)
            .head()
            .headers()
            .toString();

    assertThat(text + json + grpc)
        .contains("connect_refused: The endpoint refused the connection.")
        .doesNotContain("10.9.8.7");
  }

  @Test
  void whoIsOutsideTheMeshIsToldItsOwnMistake() {
    ProxyError mistake = new ProxyError.ProtocolViolation(Origin.DOWNSTREAM, "a bare CR");

    LocalReplies.Rendered said = Refusals.render(mistake, facts(true), null, null);

    assertThat(text(said)).isEqualTo("bad_request: a bare CR\n");
    assertThat(said.head().headers().get("x-outrigger-source"))
        .isEqualTo("inbound; cause=downstream");
  }

  private static String text(LocalReplies.Rendered said) {
    String text = said.body().toString(StandardCharsets.UTF_8);
    said.body().release();
    return text;
  }

  private static RequestHead head(String... headers) {
    Headers made = new Headers();
    for (int i = 0; i < headers.length; i += 2) {
      made.add(headers[i], headers[i + 1]);
    }
    return new RequestHead("GET", "/", "shop", "http", HttpVersion.HTTP_1_1, made);
  }

  private static ConnectionFacts facts(boolean inbound) {
    InetSocketAddress address = new InetSocketAddress("127.0.0.1", 15006);
    return new ConnectionFacts(
        "listener", inbound, address, address, address, false, null, null, null);
  }

  private static Struct parse(String json) throws Exception {
    Struct.Builder builder = Struct.newBuilder();
    JsonFormat.parser().merge(json, builder);
    return builder.build();
  }
}
