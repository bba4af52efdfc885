package dev.outrigger.controlplane.ads;

import static org.assertj.core.api.Assertions.assertThat;

import io.envoyproxy.envoy.config.listener.v3.Listener;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is told as a difference is what plain maps and sets would tell. */
final class HoldingsTest {
  private static VersionedResource resource(String name, int content) {
    return VersionedResource.of(
        Listener.newBuilder().setName(name).setStatPrefix("s" + content).build());
  }

  private static ResourceSet next(ResourceSet last, SplittableRandom random) {
    if (random.nextBoolean()) {
      Map<String, VersionedResource> own = new TreeMap<>();
      for (int i = random.nextInt(3); i > 0; i--) {
        String name = "n" + random.nextInt(14);
        own.put(name, resource(name, random.nextInt(3)));
      }
      return last.with(own);
    }
    Map<String, VersionedResource> all = new TreeMap<>(last);
    for (int i = random.nextInt(4); i > 0; i--) {
      String name = "n" + random.nextInt(12);
      if (random.nextInt(3) == 0) {
        all.remove(name);
      } else {
        all.put(name, resource(name, random.nextInt(3)));
      }
    }
    return ResourceSet.of(all);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void holdingsAndNamesAreThoseOfPlainMapsWhateverTheyFollow(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ResourceSet view = ResourceSet.EMPTY;
    Holdings holdings = new Holdings();
    AskedNames names = new AskedNames();
    Map<String, String> versions = new HashMap<>();
    Set<String> asked = new HashSet<>();
    for (int step = 0; step < 2000; step++) {
      String name = "n" + random.nextInt(14);
      switch (random.nextInt(7)) {
        case 0 -> view = next(view, random);
        case 1 -> {
          VersionedResource made = resource(name, random.nextInt(3));
          holdings.put(name, new Holdings.Held(made.version(), made));
          versions.put(name, made.version());
        }
        case 2 -> {
          holdings.remove(name);
          versions.remove(name);
        }
        case 3 -> {
          String version = resource(name, random.nextInt(3)).version();
          holdings.put(name, new Holdings.Held(version, null));
          versions.put(name, version);
        }
        case 4 -> assertThat(names.add(name)).isEqualTo(asked.add(name));
        case 5 -> {
          names.remove(name);
          asked.remove(name);
        }
        default ->
            view.forEach(
                (one, resource) -> {
                  // As after a push of everything.
                  holdings.put(one, new Holdings.Held(resource.version(), resource));
                  versions.put(one, resource.version());
                  names.add(one);
                  asked.add(one);
                });
      }
      if (random.nextBoolean()) {
        holdings.follow(view);
        names.follow(view);
      }
      assertThat(holdings.names()).isEqualTo(versions.keySet());
      assertThat(holdings.isEmpty()).isEqualTo(versions.isEmpty());
      versions.forEach(
          (one, version) -> {
            assertThat(holdings.contains(one)).isTrue();
            assertThat(holdings.get(one).version()).isEqualTo(version);
          });
      Set<String> differing = new HashSet<>();
      for (int i = 0; i < 14; i++) {
        String one = "n" + i;
        VersionedResource should = view.get(one);
        if (should == null
            ? versions.containsKey(one)
            : !should.version().equals(versions.get(one))) {
          differing.add(one);
        }
      }
      assertThat(holdings.differingFrom(view)).containsAll(differing);
      assertThat(names.all()).isEqualTo(asked);
      assertThat(names.size()).isEqualTo(asked.size());
      Set<String> missing = new HashSet<>(asked);
      missing.removeAll(view.keySet());
      assertThat(names.missingIn(view)).containsExactlyInAnyOrderElementsOf(missing);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void aSetIsTheMapThatItIsMadeOfAndItsVersionIsOfItsContentAlone(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ResourceSet set = ResourceSet.EMPTY;
    for (int step = 0; step < 200; step++) {
      ResourceSet before = set;
      set = next(set, random);
      Map<String, VersionedResource> plain = new TreeMap<>(set);
      assertThat(set).isEqualTo(plain).hasSize(plain.size());
      assertThat(set.version()).isEqualTo(ResourceSet.of(plain).version());
      for (int i = 0; i < 14; i++) {
        String name = "n" + i;
        assertThat(set.get(name)).isEqualTo(plain.get(name));
        if (!java.util.Objects.equals(set.get(name), before.get(name))) {
          assertThat(set.differingFrom(before)).contains(name);
          assertThat(set.version()).isNotEqualTo(before.version());
        }
      }
    }
  }

  @Test
  void whoHasAllThatItShouldKeepsNoListOfIt() {
    Map<String, VersionedResource> all = new TreeMap<>();
    for (int i = 0; i < 1000; i++) {
      all.put("n" + i, resource("n" + i, 0));
    }
    ResourceSet view = ResourceSet.of(all);
    Holdings holdings = new Holdings();
    // As after a reconnect.
    view.forEach((name, one) -> holdings.put(name, new Holdings.Held(one.version(), null)));
    holdings.follow(view);
    assertThat(holdings.differingFrom(view)).isEmpty();
    all.put("n7", resource("n7", 1));
    assertThat(holdings.differingFrom(ResourceSet.of(all))).containsExactly("n7");
  }
}
