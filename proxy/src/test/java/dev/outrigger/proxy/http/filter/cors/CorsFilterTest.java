package dev.outrigger.proxy.http.filter.cors;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.HttpFilterConfig;
import dev.outrigger.proxy.config.HttpFilterConfig.OfRoute;
import dev.outrigger.proxy.config.RouteTableConfig.RegexPattern;
import dev.outrigger.proxy.config.RouteTableConfig.ValueMatch;
import dev.outrigger.proxy.http.Origin;
import dev.outrigger.proxy.http.ProxyBed;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Test;

@SuppressWarnings({"JdkObsolete", "StringConcatToTextBlock"}) // lines end in CR LF here
class CorsFilterTest {
  private static final String OK =
      "HTTP/1.1 200 OK\r\ncontent-length: 2\r\naccess-control-allow-origin: https://own\r\n\r\nok";

  private static ProxyBed.Setup setup(boolean forwardsOthers, double share) {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.httpFilters.add(new HttpFilterConfig.Cors("c"));
    setup.filters.add(CorsFilter.factory());
    setup.routeFilters.put(
        "c",
        new OfRoute.Cors(
            List.of(
                new ValueMatch.Exact("https://shop.test"),
                new ValueMatch.Regex(new RegexPattern("https://[a-z]+\\.ok\\.test"))),
            "GET, PUT",
            "x-a",
            "x-b",
            "600",
            true,
            true,
            forwardsOthers,
            share));
    return setup;
  }

  private static Origin origin() throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send(OK);
          }
        });
  }

  private static String ask(ProxyBed bed, String method, String... headers) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port())) {
      socket.setSoTimeout(20_000);
      Origin.Peer client = new Origin.Peer(socket, new StringBuffer());
      client.send(
          method + " / HTTP/1.1\r\nHost: a\r\n" + String.join("\r\n", headers) + "\r\n\r\n");
      return client.head();
    }
  }

  @Test
  void aPreflightIsAnsweredHere() throws Exception {
    try (Origin origin = origin();
        ProxyBed bed = new ProxyBed(setup(true, 1).to(origin.port()))) {
      String answer =
          ask(
              bed,
              "OPTIONS",
              "origin: https://b.ok.test",
              "access-control-request-method: PUT",
              "access-control-request-private-network: true");
      assertThat(answer)
          .startsWith("HTTP/1.1 200 ")
          .contains(
              "access-control-allow-origin: https://b.ok.test\r\n",
              "access-control-allow-credentials: true\r\n",
              "access-control-allow-methods: GET, PUT\r\n",
              "access-control-allow-headers: x-a\r\n",
              "access-control-max-age: 600\r\n",
              "access-control-allow-private-network: true\r\n",
              "vary: origin\r\n");
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void onlyWhatIsAPreflightIsTakenForOne() throws Exception {
    try (Origin origin = origin();
        ProxyBed bed = new ProxyBed(setup(true, 1).to(origin.port()))) {
      assertThat(ask(bed, "OPTIONS", "origin: https://shop.test")).contains("content-length: 2");
      assertThat(ask(bed, "OPTIONS", "access-control-request-method: PUT"))
          .contains("content-length: 2");
      // One of another origin is the upstream's to answer.
      assertThat(
              ask(
                  bed,
                  "OPTIONS",
                  "origin: https://shop.test.evil",
                  "access-control-request-method: PUT"))
          .contains("content-length: 2", "access-control-allow-origin: https://own\r\n");
      assertThat(origin.connections.get()).isPositive();
    }
  }

  @Test
  void aPreflightOfAnotherOriginMayEndHereWithoutPermission() throws Exception {
    try (Origin origin = origin();
        ProxyBed bed = new ProxyBed(setup(false, 1).to(origin.port()))) {
      assertThat(ask(bed, "OPTIONS", "origin: https://evil", "access-control-request-method: PUT"))
          .startsWith("HTTP/1.1 200 ")
          .doesNotContain("access-control");
      assertThat(origin.connections).hasValue(0);
    }
  }

  @Test
  void answersAreMarkedForTheOriginThatAsked() throws Exception {
    try (Origin origin = origin();
        ProxyBed bed = new ProxyBed(setup(true, 1).to(origin.port()))) {
      assertThat(ask(bed, "GET", "origin: https://shop.test"))
          .contains(
              "access-control-allow-origin: https://shop.test\r\n",
              "access-control-allow-credentials: true\r\n",
              "access-control-expose-headers: x-b\r\n",
              "vary: origin\r\n")
          .doesNotContain("https://own");
      // Without an origin too: a cache must not give this one to others.
      assertThat(ask(bed, "GET"))
          .contains("vary: origin\r\n", "access-control-allow-origin: https://own\r\n");
    }
  }

  @Test
  void aPageMayReadThatThereWasAnError() throws Exception {
    try (ProxyBed bed = new ProxyBed(setup(true, 1))) { // of a cluster without endpoints
      assertThat(ask(bed, "GET", "origin: https://shop.test"))
          .startsWith("HTTP/1.1 503 ")
          .contains("access-control-allow-origin: https://shop.test\r\n");
    }
  }

  @Test
  void aPolicyThatIsOffDoesNothing() throws Exception {
    try (Origin origin = origin();
        ProxyBed bed = new ProxyBed(setup(true, 0).to(origin.port()))) {
      assertThat(
              ask(
                  bed,
                  "OPTIONS",
                  "origin: https://shop.test",
                  "access-control-request-method: PUT"))
          .contains("content-length: 2")
          .doesNotContain("vary");
    }
  }
}
