package dev.outrigger.proxy.bootstrap;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.extension.ResourceType;
import dev.outrigger.proxy.xds.decode.ClusterDecoder;
import dev.outrigger.proxy.xds.decode.EndpointDecoder;
import dev.outrigger.proxy.xds.decode.ListenerDecoder;
import dev.outrigger.proxy.xds.decode.RouteDecoder;
import dev.outrigger.proxy.xds.decode.SecretDecoder;
import io.envoyproxy.envoy.config.bootstrap.v3.Bootstrap;
import io.envoyproxy.envoy.config.route.v3.RouteConfiguration;
import io.envoyproxy.envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager;
import java.nio.file.Path;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whatever is done to a good configuration, it is accepted or refused, and nothing else. */
final class MutatedConfigTest {
  private static final String SPICE = "{}[]:,-&*!|>'\"%@`#\n\t 0aé\u0000\ud83d";
  @TempDir static Path folder;

  private final RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(42);

  @BeforeAll
  static void certificates() throws Exception {
    Corpus.writeCertificates(folder);
  }

  @Test
  void changedTextIsAcceptedOrRefused() throws Exception {
    int refused = 0;
    for (String name : Corpus.GOOD) {
      String good = Corpus.good(name, folder);
      for (int i = 0; i < 150; i++) {
        String text = changed(good);
        try {
          Corpus.load(text);
        } catch (BadConfigException e) {
          refused++;
          assertThat(e.problems()).isNotEmpty();
        } catch (RuntimeException | Error e) {
          throw new AssertionError("neither accepted nor refused:\n" + text, e);
        }
      }
    }
    assertThat(refused).isGreaterThan(500);
  }

  private String changed(String text) {
    StringBuilder changed = new StringBuilder(text);
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes && !changed.isEmpty(); i++) {
      int at = random.nextInt(changed.length());
      switch (random.nextInt(5)) {
        case 0 -> changed.setLength(at);
        case 1 -> changed.deleteCharAt(at);
        case 2 -> changed.setCharAt(at, SPICE.charAt(random.nextInt(SPICE.length())));
        case 3 -> changed.insert(at, SPICE.charAt(random.nextInt(SPICE.length())));
        default -> {
          int end = Math.min(changed.length(), at + 1 + random.nextInt(60));
          changed.insert(random.nextInt(changed.length()), changed.substring(at, end));
        }
      }
    }
    return changed.toString();
  }

  @Test
  void changedBytesAreAcceptedOrRefused() throws Exception {
    for (String name : Corpus.GOOD) {
      Bootstrap good = Corpus.load(Corpus.good(name, folder)).proto();
      for (var listener : good.getStaticResources().getListenersList()) {
        change(listener, new ListenerDecoder());
        for (var chain : listener.getFilterChainsList()) {
          if (chain.getFilters(0).getTypedConfig().is(HttpConnectionManager.class)) {
            RouteConfiguration routes =
                chain
                    .getFilters(0)
                    .getTypedConfig()
                    .unpack(HttpConnectionManager.class)
                    .getRouteConfig();
            change(routes, new RouteDecoder());
          }
        }
      }
      for (var cluster : good.getStaticResources().getClustersList()) {
        change(cluster, new ClusterDecoder());
        change(cluster.getLoadAssignment(), new EndpointDecoder());
      }
      for (var secret : good.getStaticResources().getSecretsList()) {
        change(secret, new SecretDecoder());
      }
    }
  }

  private <P extends Message> void change(P good, ResourceType<P, ?> type) {
    byte[] bytes = good.toByteArray();
    for (int i = 0; i < 150 && bytes.length > 0; i++) {
      byte[] changed = bytes.clone();
      int changes = 1 + random.nextInt(4);
      for (int j = 0; j < changes; j++) {
        changed[random.nextInt(changed.length)] ^= (byte) (1 << random.nextInt(8));
      }
      if (random.nextInt(4) == 0) {
        changed = java.util.Arrays.copyOf(changed, random.nextInt(changed.length));
      }
      boolean goOn = random.nextBoolean();
      try {
        P message = type.messageType().cast(good.getParserForType().parseFrom(changed));
        type.decode(
            message,
            (field, hint) -> {
              if (!goOn) {
                throw new InvalidResourceException(type.typeUrl(), "x", field, hint);
              }
            });
      } catch (InvalidProtocolBufferException | InvalidResourceException _) {
        // Both are clean.
      } catch (RuntimeException | Error e) {
        throw new AssertionError(
            "neither accepted nor refused: " + java.util.HexFormat.of().formatHex(changed), e);
      }
    }
  }
}
