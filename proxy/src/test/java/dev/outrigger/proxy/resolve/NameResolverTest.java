package dev.outrigger.proxy.resolve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.ClusterConfig.BreakerConfig;
import dev.outrigger.proxy.config.ClusterConfig.Discovery;
import dev.outrigger.proxy.config.ClusterConfig.Family;
import dev.outrigger.proxy.config.ClusterConfig.PoolConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.EndpointSet;
import dev.outrigger.proxy.config.LbPolicy;
import dev.outrigger.proxy.config.RuntimeConfig;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.worker.ConfigLoop;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.util.NetUtil;
import io.netty.util.concurrent.MockTicker;
import io.netty.util.concurrent.Ticker;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class NameResolverTest {
  private static final Duration REFRESH = Duration.ofSeconds(5);

  private final MockTicker ticker = Ticker.newMockTicker();
  private final EmbeddedChannel channel = EmbeddedChannel.builder().ticker(ticker).build();
  private final Map<String, List<Consumer<NameLookup.Answer>>> asked = new HashMap<>();
  private final List<RuntimeConfig> published = new ArrayList<>();
  private final NameCache cache = new NameCache(ticker);
  private final NameResolver resolver =
      new NameResolver(
          new ConfigLoop(channel.eventLoop()),
          (name, done) -> asked.computeIfAbsent(name, _ -> new ArrayList<>()).add(done),
          cache,
          published::add);

  @AfterEach
  void close() {
    resolver.stop();
    channel.close();
  }

  @Test
  void aConfigurationWithoutNamesGoesStraightOn() {
    resolver.resolve(RuntimeConfig.empty());
    assertThat(published).containsExactly(RuntimeConfig.empty());
  }

  @Test
  void waitsForTheFirstAnswerThenNamesAreAddresses() {
    resolver.resolve(config(Family.ALL, false, "a.test", "127.0.0.9"));
    advance(0);
    assertThat(published).isEmpty();
    answer("a.test", 60, "10.0.0.2", "10.0.0.1", "fd00::1");
    assertThat(addresses())
        .containsExactly("10.0.0.1:80", "10.0.0.2:80", "[fd00::1]:80", "127.0.0.9:80");
    assertThat(endpoints().get(0).hostname()).isEqualTo("a.test");
  }

  @Test
  void aChangedAnswerIsPublishedAndARotatedOneIsNot() {
    resolver.resolve(config(Family.ALL, false, "a.test"));
    advance(0);
    answer("a.test", 60, "10.0.0.1", "10.0.0.2");
    advance(5);
    answer("a.test", 60, "10.0.0.2", "10.0.0.1");
    assertThat(published).hasSize(1);
    advance(5);
    answer("a.test", 60, "10.0.0.3");
    assertThat(published).hasSize(2);
    assertThat(addresses()).containsExactly("10.0.0.3:80");
  }

  @Test
  void failuresKeepTheLastAddresses() {
    resolver.resolve(config(Family.ALL, false, "a.test"));
    advance(0);
    answer("a.test", 60, "10.0.0.1");
    advance(5);
    fail("a.test");
    assertThat(published).hasSize(1);
    advance(5);
    answer("a.test", 60, "10.0.0.1");
    assertThat(published).hasSize(1);
  }

  @Test
  void aNameThatIsNeverAnsweredHoldsNothingUpForLong() {
    resolver.resolve(config(Family.ALL, false, "silent.test", "127.0.0.1"));
    advance(4);
    assertThat(published).isEmpty();
    advance(1);
    assertThat(addresses()).containsExactly("127.0.0.1:80");
    answer("silent.test", 60, "10.0.0.1");
    assertThat(addresses()).containsExactly("10.0.0.1:80", "127.0.0.1:80");
  }

  @Test
  void aShortTimeToLiveAsksSoonerButNotMoreThanOnceASecond() {
    resolver.resolve(config(Family.ALL, false, "a.test"));
    advance(0);
    answer("a.test", 2, "10.0.0.1");
    advance(1);
    assertThat(pending("a.test")).isEmpty();
    advance(1);
    answer("a.test", 0, "10.0.0.1");
    advance(0);
    assertThat(pending("a.test")).isEmpty();
    advance(1);
    assertThat(pending("a.test")).hasSize(1);
  }

  @Test
  void familiesAndFirstAddressAreTheClustersChoice() {
    String[] both = {"10.0.0.2", "10.0.0.1", "fd00::1"};
    assertThat(resolved(Family.V4_ONLY, false, both)).containsExactly("10.0.0.1:80", "10.0.0.2:80");
    assertThat(resolved(Family.V6_ONLY, false, both)).containsExactly("[fd00::1]:80");
    assertThat(resolved(Family.V6_PREFERRED, false, both)).containsExactly("[fd00::1]:80");
    assertThat(resolved(Family.V6_PREFERRED, false, "10.0.0.1")).containsExactly("10.0.0.1:80");
    assertThat(resolved(Family.V4_PREFERRED, true, both)).containsExactly("10.0.0.1:80");
  }

  @Test
  void aNameThatComesBackSoonIsTakenFromTheCache() {
    resolver.resolve(config(Family.ALL, false, "a.test"));
    advance(0);
    answer("a.test", 60, "10.0.0.1");
    resolver.resolve(RuntimeConfig.empty());
    advance(4);
    resolver.resolve(config(Family.ALL, false, "a.test"));
    assertThat(addresses()).containsExactly("10.0.0.1:80");
    assertThat(pending("a.test")).isEmpty();
    assertThat(cache.stats().hitCount()).isEqualTo(1);
    resolver.resolve(RuntimeConfig.empty());
    advance(2);
    resolver.resolve(config(Family.ALL, false, "a.test"));
    advance(0);
    assertThat(pending("a.test")).hasSize(1);
    assertThat(cache.stats().missCount()).isEqualTo(2);
  }

  private List<String> resolved(Family family, boolean first, String... addresses) {
    resolver.resolve(RuntimeConfig.empty());
    advance(60);
    resolver.resolve(config(family, first, "f.test"));
    advance(0);
    answer("f.test", 1, addresses);
    return addresses();
  }

  private List<Endpoint> endpoints() {
    ClusterConfig cluster = Objects.requireNonNull(published.getLast().clusters().get("c"));
    return ((Discovery.Listed) cluster.discovery()).endpoints().endpoints();
  }

  private List<String> addresses() {
    return endpoints().stream().map(endpoint -> endpoint.address().toString()).toList();
  }

  private List<Consumer<NameLookup.Answer>> pending(String name) {
    return asked.getOrDefault(name, List.of());
  }

  private void answer(String name, int ttlSeconds, String... addresses) {
    List<InetAddress> list = new ArrayList<>();
    for (String address : addresses) {
      list.add(Objects.requireNonNull(NetUtil.createInetAddressFromIpAddressString(address)));
    }
    take(name)
        .accept(
            new NameLookup.Answer.Found(new ResolvedName(list, Duration.ofSeconds(ttlSeconds))));
  }

  private void fail(String name) {
    take(name).accept(new NameLookup.Answer.Failed("no such name"));
  }

  private Consumer<NameLookup.Answer> take(String name) {
    assertThat(pending(name)).hasSize(1);
    return asked.remove(name).getFirst();
  }

  private void advance(int seconds) {
    ticker.advance(seconds, TimeUnit.SECONDS);
    channel.runPendingTasks();
    channel.runScheduledPendingTasks();
  }

  private static RuntimeConfig config(Family family, boolean firstOnly, String... hosts) {
    List<Endpoint> names = new ArrayList<>();
    for (String host : hosts) {
      names.add(
          new Endpoint(
              new SocketAddressConfig(host, 80),
              "",
              1,
              0,
              Endpoint.Health.HEALTHY,
              Endpoint.Locality.NONE,
              Map.of(),
              null,
              ""));
    }
    ClusterConfig cluster =
        new ClusterConfig(
            "c",
            new Discovery.Dns(new EndpointSet(names), REFRESH, family, firstOnly),
            new LbPolicy.RoundRobin(),
            Duration.ofSeconds(1),
            PoolConfig.DEFAULT,
            BreakerConfig.DEFAULT,
            null,
            null,
            List.of(new ClusterConfig.TlsMatch("", Map.of(), new UpstreamTls.Plain())),
            Map.of());
    return new RuntimeConfig(List.of(), Map.of("c", cluster));
  }
}
