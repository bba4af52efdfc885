package dev.outrigger.examples.shop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class CustomersTest {
  private final ByteArrayOutputStream said = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);

  @Test
  void asksAsOftenAsToldAndCountsWhatComesBack() throws Exception {
    try (ShopService catalog = ShopService.start(ShopService.Role.CATALOG, 0, null)) {
      URI url = URI.create("http://127.0.0.1:" + catalog.port() + "/");
      assertThat(Customers.send(url, 50, 1, InstantSource.system(), out))
          .isEqualTo(Map.of("200", 50));
    }
    assertThat(said.toString(StandardCharsets.UTF_8))
        .contains("1 s: {")
        .contains("done: {200=50}, the slowest in ");
  }

  @Test
  void whoIsOutOfReachIsAnError() throws Exception {
    assertThat(Customers.send(URI.create("http://127.0.0.1:1/"), 5, 1, InstantSource.system(), out))
        .isEqualTo(Map.of("error", 5));
  }

  @Test
  void aRateOfNothingIsRefused() {
    assertThatThrownBy(
            () ->
                Customers.send(
                    URI.create("http://127.0.0.1:1/"), 0, 1, InstantSource.system(), out))
        .hasMessageContaining("1 to 1000");
  }
}
