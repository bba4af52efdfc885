package dev.outrigger.examples.shop;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class ShopServiceTest {
  @BeforeAll
  static void allowHost() {
    System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
  }

  @Test
  void checkoutAsksTheCatalogThroughItsOutboundAddress() throws Exception {
    try (ShopService catalog = ShopService.start(ShopService.Role.CATALOG, 0, null);
        ShopService checkout =
            ShopService.start(ShopService.Role.CHECKOUT, 0, "127.0.0.1:" + catalog.port());
        HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + checkout.port() + "/buy"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body())
          .isEqualTo(
              "{\"service\":\"checkout\",\"catalog\":{\"items\":{\"anchor\":120,\"paddle\":35,\"sail\":210}}}\n");
    }
  }

  @Test
  void listensOnLoopbackUnlessAnAddressIsNamed() {
    assertThat(ShopService.listen("8080").getAddress().isLoopbackAddress()).isTrue();
    assertThat(ShopService.listen("*:8080").getAddress().isAnyLocalAddress()).isTrue();
    assertThat(ShopService.listen("[::1]:8080").getAddress().getHostAddress()).contains(":");
    assertThat(ShopService.listen("10.0.0.7:8080"))
        .isEqualTo(new InetSocketAddress("10.0.0.7", 8080));
  }

  @Test
  void anUpstreamFailureBecomesABadGateway() throws Exception {
    try (ShopService checkout = ShopService.start(ShopService.Role.CHECKOUT, 0, "127.0.0.1:1");
        HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + checkout.port() + "/"))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(502);
    }
  }
}
