package dev.outrigger.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.pkitesting.X509Bundle;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the Workload API gives is checked, and the last good one is kept whatever comes after. */
class SvidStreamTest {
  private static final SpiffeId WEB = SpiffeId.parse("spiffe://example.org/ns/shop/sa/web");
  private static final SpiffeId CART = SpiffeId.parse("spiffe://example.org/ns/shop/sa/cart");

  private final X509Bundle root = Certificates.root("root");
  private final List<SvidStream.Sink> calls = new ArrayList<>();
  private final List<Boolean> ended = new ArrayList<>();
  private final List<X509Svid> told = new ArrayList<>();
  private final List<String> failures = new ArrayList<>();
  private final AtomicReference<Instant> now = new AtomicReference<>(Certificates.NOW);

  /** Runs what is due at once, and keeps what is later until it is told that it is due. */
  private final List<Runnable> later = new ArrayList<>();

  private final ScheduledThreadPoolExecutor scheduler =
      new ScheduledThreadPoolExecutor(1) {
        @Override
        public void execute(Runnable task) {
          task.run();
        }

        @Override
        public java.util.concurrent.ScheduledFuture<?> schedule(
            Runnable task, long delay, TimeUnit unit) {
          var future = super.schedule(() -> {}, 1, TimeUnit.DAYS);
          later.add(
              () -> {
                if (!future.isCancelled()) {
                  task.run();
                }
              });
          return future;
        }
      };

  @AfterEach
  void ends() {
    scheduler.shutdownNow();
  }

  private SvidStream stream(@Nullable SpiffeId wanted) {
    SvidStream made =
        new SvidStream(
            "the agent",
            wanted,
            "example.org",
            sink -> {
              int call = calls.size();
              calls.add(sink);
              ended.add(false);
              return () -> ended.set(call, true);
            },
            scheduler,
            now::get,
            new Random(1));
    made.start(
        new SvidStream.Listener() {
          @Override
          public void onSvid(X509Svid svid) {
            told.add(svid);
          }

          @Override
          public void onFailure(String reason, String report) {
            failures.add(report);
          }
        });
    return made;
  }

  private void passes() {
    List<Runnable> due = List.copyOf(later);
    later.clear();
    due.forEach(Runnable::run);
  }

  private static byte[] der(X509Certificate... certificates) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try {
      for (X509Certificate one : certificates) {
        all.write(one.getEncoded());
      }
    } catch (IOException | CertificateException e) {
      throw new IllegalStateException(e);
    }
    return all.toByteArray();
  }

  private static byte[] der(PrivateKey key) {
    return key.getEncoded();
  }

  private X509Svid.Encoded svid(SpiffeId id) {
    X509Bundle leaf = Certificates.member(root, id.toString());
    return new X509Svid.Encoded(
        id.toString(),
        der(leaf.getCertificate()),
        der(leaf.getKeyPair().getPrivate()),
        der(root.getCertificate()));
  }

  @Test
  void theUsualIdentityIsTakenAndEachThatFollows() {
    var _ = stream(null);
    calls.getFirst().onSvids(List.of(svid(WEB), svid(CART)));
    calls.getFirst().onSvids(List.of(svid(WEB)));
    assertThat(told).extracting(X509Svid::id).containsExactly(WEB, WEB);
    assertThat(told.getFirst().identity().chain()).isNotEqualTo(told.getLast().identity().chain());
    assertThat(told.getFirst().trust().roots()).containsExactly(root.getCertificate());
    assertThat(failures).isEmpty();
  }

  @Test
  void theOneThatIsWantedIsTakenOfSeveral() {
    var _ = stream(CART);
    calls.getFirst().onSvids(List.of(svid(WEB), svid(CART)));
    assertThat(told).extracting(X509Svid::id).containsExactly(CART);
  }

  @Test
  void aLostStreamIsTriedAgainAndTheLastGoodOneIsKept() {
    var _ = stream(null);
    calls.getFirst().onSvids(List.of(svid(WEB)));
    calls.getFirst().onEnd("it answered UNAVAILABLE");
    assertThat(failures)
        .singleElement()
        .asString()
        .contains("(1 in a row): it answered UNAVAILABLE", "the last good one, " + WEB, "is kept");
    assertThat(ended).containsExactly(true);
    passes();
    assertThat(calls).hasSize(2);
    calls.getFirst().onSvids(List.of(svid(CART))); // Of the call before: nobody listens any more.
    assertThat(told).hasSize(1);
    calls.getLast().onEnd("it answered UNAVAILABLE");
    assertThat(failures.getLast()).contains("(2 in a row)");
    passes();
    calls.getLast().onSvids(List.of(svid(WEB)));
    calls.getLast().onEnd("again");
    assertThat(failures.getLast()).contains("(1 in a row)");
  }

  @Test
  void whatIsWrongIsSaidAndChangesNothing() {
    var _ = stream(CART);
    calls.getLast().onSvids(List.of());
    assertThat(failures.getLast()).contains("there is no identity for this process", "no identity");
    passes();
    calls.getLast().onSvids(List.of(svid(WEB)));
    assertThat(failures.getLast()).contains("expected " + CART, WEB.toString());
    assertThat(told).isEmpty();
  }

  @Test
  void anotherTrustDomainIsRefused() {
    var _ = stream(null);
    calls.getLast().onSvids(List.of(svid(SpiffeId.parse("spiffe://elsewhere.org/web"))));
    assertThat(failures.getLast()).contains("not of the mesh's trust domain example.org");
    assertThat(told).isEmpty();
  }

  @Test
  void anAgentThatHangsIsAskedAnew() {
    var _ = stream(null);
    calls.getFirst().onSvids(List.of(svid(WEB)));
    now.set(Certificates.NOW.plus(Duration.ofHours(20)));
    passes();
    assertThat(failures).singleElement().asString().contains("no renewal came");
    assertThat(ended).containsExactly(true);
    passes();
    assertThat(calls).hasSize(2);
  }

  @Test
  void itCanBeMadeToFailOnPurpose() {
    SvidStream stream = stream(null);
    calls.getFirst().onSvids(List.of(svid(WEB)));
    stream.suffer("by the fault f");
    passes();
    assertThat(calls).hasSize(1);
    assertThat(ended).containsExactly(true);
    assertThat(failures.getLast()).contains("(2 in a row)", "fails by the fault f");
    stream.suffer(null);
    calls.getLast().onSvids(List.of(svid(WEB)));
    assertThat(told).hasSize(2);
  }

  @Test
  void nothingIsToldAfterItsEnd() {
    SvidStream stream = stream(null);
    stream.close();
    calls.getFirst().onSvids(List.of(svid(WEB)));
    calls.getFirst().onEnd("over");
    assertThat(told).isEmpty();
    assertThat(failures).isEmpty();
    assertThat(ended).containsExactly(true);
  }

  @Test
  void eachPartOfAnSvidIsChecked() {
    X509Svid.Encoded good = svid(WEB);
    X509Svid.Encoded other = svid(CART);
    X509Bundle foreign = Certificates.root("another");
    assertThatThrownBy(() -> read(CART, good.svid(), good.key(), good.bundle()))
        .hasMessageContaining("said to be of " + CART);
    assertThatThrownBy(() -> read(WEB, good.svid(), other.key(), good.bundle()))
        .hasMessageContaining("key does not belong");
    assertThatThrownBy(() -> read(WEB, good.svid(), new byte[] {1, 2}, good.bundle()))
        .hasMessageContaining("not a usable PKCS#8 key");
    assertThatThrownBy(() -> read(WEB, new byte[] {1}, good.key(), good.bundle()))
        .hasMessageContaining("the chain is malformed");
    assertThatThrownBy(() -> read(WEB, good.svid(), good.key(), new byte[0]))
        .hasMessageContaining("the bundle has no certificate");
    assertThatThrownBy(() -> read(WEB, good.svid(), good.key(), der(foreign.getCertificate())))
        .isInstanceOf(CertificateException.class);
    assertThat(good.toString()).isEqualTo("Encoded[" + WEB + "]");
  }

  private static X509Svid read(SpiffeId id, byte[] chain, byte[] key, byte[] bundle)
      throws CertificateException {
    return X509Svid.of(new X509Svid.Encoded(id.toString(), chain, key, bundle), Certificates.CLOCK);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 3600, 0.0, 250",
    "1, 3600, 1.0, 500",
    "4, 3600, 1.0, 4000",
    "40, 3600, 1.0, 30000",
    "40, 20, 1.0, 5000",
    "40, -5, 1.0, 200",
  })
  void backsOffLessNearTheEnd(int failures, long left, double chance, long millis) {
    assertThat(SvidStream.backOff(failures, Duration.ofSeconds(left), chance))
        .isEqualTo(Duration.ofMillis(millis));
  }

  @Test
  void theSocketIsAPath() {
    assertThat(X509Svid.socketOf("unix:///run/a.sock")).hasToString("/run/a.sock");
    assertThat(X509Svid.socketOf("unix:/run/a.sock")).hasToString("/run/a.sock");
    for (String wrong : List.of("tcp://127.0.0.1:1", "unix://run/a", "/run/a", "unix:")) {
      assertThatThrownBy(() -> X509Svid.socketOf(wrong)).hasMessageContaining("unix:///run");
    }
  }
}
