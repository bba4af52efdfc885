package dev.outrigger.proxy.forward;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.config.WeightedCluster;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class CallDeadlineTest {
  private static final long NONE = -1;

  private static Headers call(String timeout) {
    Headers headers = new Headers();
    headers.add(HeaderName.CONTENT_TYPE, "application/grpc+proto");
    if (!timeout.isEmpty()) {
      headers.add(HeaderName.GRPC_TIMEOUT, timeout);
    }
    return headers;
  }

  private static Action.Forward route(CallTimes times) {
    return new Action.Forward(
        List.of(new WeightedCluster("words", 1)),
        Duration.ofSeconds(15),
        null,
        RetryPolicy.NEVER,
        null,
        null,
        null,
        times);
  }

  private static @Nullable Duration millis(int value) {
    return value < 0 ? null : Duration.ofMillis(value);
  }

  private static CallTimes byStream(int stream, int headerMax, int offset) {
    return new CallTimes(
        Duration.ofMillis(stream),
        millis(headerMax),
        Duration.ofMillis(offset),
        null,
        Duration.ZERO);
  }

  private static CallTimes byRoute(int max, int offset) {
    return new CallTimes(
        Duration.ZERO, null, Duration.ZERO, millis(max), Duration.ofMillis(offset));
  }

  @ParameterizedTest
  @CsvSource({
    "1n,1",
    "99999999u,99999999000",
    "250m,250000000",
    "3S,3000000000",
    "2M,120000000000",
    "1H,3600000000000",
    "0m,0",
    "99999999H,9223372036854775807"
  })
  void theHeaderIsReadInEveryUnit(String text, long nanos) {
    assertThat(CallDeadline.read(call(text))).isEqualTo(nanos);
  }

  @ParameterizedTest
  @ValueSource(strings = {"5", "m", "5x", "-5m", "5 m", "123456789m", "1.5S", "5ms", ""})
  void aHeaderThatIsNoTimeIsNone(String text) {
    assertThat(CallDeadline.read(call(text))).isEqualTo(NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "1500,1u",
    "250999999,250m",
    "99999999000000,99999999m",
    "100000000000000,100000S",
    "9223372036854775807,2562047H"
  })
  void whatIsWrittenIsNeverLongerThanWhatIsLeft(long nanos, String text) {
    assertThat(CallDeadline.written(nanos)).isEqualTo(text);
    assertThat(CallDeadline.read(call(text))).isLessThanOrEqualTo(nanos);
  }

  @ParameterizedTest
  // stream, cap, offset, header, expected for the exchange; milliseconds, -1 is not set
  @CsvSource({
    "0,-1,0,100m,-1", // the header is not looked at
    "0,0,0,100m,100", // no cap
    "0,50,0,100m,50", // capped
    "0,500,0,100m,100",
    "0,0,30,100m,70", // with an offset
    "0,50,30,100m,20", // the offset is taken off what was capped
    "0,0,200,100m,0", // and may use all of it up
    "0,0,0,0m,0",
    "700,0,0,100m,100", // the header outweighs the route's bound
    "700,0,0,900m,900",
    "700,900,0,'',700", // without a header the route's bound holds
    "700,900,0,nonsense,700",
    "700,-1,0,100m,700",
    "0,900,0,'',-1"
  })
  void theStreamTakesWhatTheCallAsksForWithinTheCap(
      int stream, int max, int offset, String header, int expected) {
    CallDeadline deadline = CallDeadline.of(route(byStream(stream, max, offset)), call(header));

    long wanted = expected < 0 ? NONE : TimeUnit.MILLISECONDS.toNanos(expected);
    assertThat(deadline.streamNanos()).isEqualTo(wanted);
    assertThat(deadline.told()).isEqualTo(wanted);
  }

  @ParameterizedTest
  // cap, offset, header, expected in place of the route's timeout; 0 is no bound
  @CsvSource({
    "0,0,100m,100",
    "50,0,100m,50",
    "0,30,100m,70",
    "0,200,100m,100", // an offset that would leave nothing is left out
    "50,0,'',50",
    "0,0,'',0"
  })
  void theOlderFormTakesThePlaceOfTheRoutesTimeout(
      int max, int offset, String header, int expected) {
    CallDeadline deadline = CallDeadline.of(route(byRoute(max, offset)), call(header));

    assertThat(deadline.routeNanos()).isEqualTo(TimeUnit.MILLISECONDS.toNanos(expected));
    assertThat(deadline.streamNanos()).isEqualTo(NONE);
  }

  @Test
  void whatIsNoCallKeepsTheRoutesTimeoutAndItsHeaders() {
    Headers plain = new Headers();
    plain.add(HeaderName.CONTENT_TYPE, "text/plain");
    CallDeadline old = CallDeadline.of(route(byRoute(50, 0)), plain);
    CallDeadline bound = CallDeadline.of(route(byStream(50, 0, 0)), plain);

    assertThat(old.routeNanos()).isEqualTo(Duration.ofSeconds(15).toNanos());
    assertThat(bound.streamNanos()).isEqualTo(Duration.ofMillis(50).toNanos());
    bound.tell(plain, 0);
    assertThat(plain.contains(HeaderName.GRPC_TIMEOUT)).isFalse();
  }

  @Test
  void theEndpointIsToldWhatIsLeft() {
    Headers head = call("100m");
    CallDeadline deadline = CallDeadline.of(route(byStream(0, 0, 0)), head);

    deadline.tell(head, Duration.ofNanos(300_000).toNanos());
    assertThat(head.get(HeaderName.GRPC_TIMEOUT)).as("as it came").isEqualTo("100m");
    deadline.tell(head, Duration.ofMillis(40).toNanos());
    assertThat(head.get(HeaderName.GRPC_TIMEOUT)).isEqualTo("60m");
    deadline.tell(head, Duration.ofMillis(500).toNanos());
    assertThat(head.get(HeaderName.GRPC_TIMEOUT)).isEqualTo("0u");
  }

  @Test
  void aBoundOfTheRouteIsToldToACallThatSaysNothing() {
    Headers head = call("");
    CallDeadline.of(route(byStream(700, 0, 0)), head).tell(head, 0);

    assertThat(head.get(HeaderName.GRPC_TIMEOUT)).isEqualTo("700m");
  }
}
