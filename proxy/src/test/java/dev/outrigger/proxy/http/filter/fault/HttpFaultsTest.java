package dev.outrigger.proxy.http.filter.fault;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.outrigger.fault.Fault;
import dev.outrigger.fault.FaultMatch;
import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FaultRule;
import dev.outrigger.fault.Percentage;
import dev.outrigger.fault.Place;
import dev.outrigger.proxy.config.RetryPolicy;
import dev.outrigger.proxy.http.Origin;
import dev.outrigger.proxy.http.ProxyBed;
import dev.outrigger.proxy.worker.FaultView;
import dev.outrigger.proxy.worker.Worker;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class HttpFaultsTest {
  private static final String OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  private static final String ME = "spiffe://shop.example/ns/shop/sa/checkout";
  private static final Fault ABORT = new Fault.Abort(503, OptionalInt.empty());

  private @Nullable WorkerFaults faults;
  private FaultPlan plan = FaultPlan.NONE;

  /** The worker does not exist before the bed does. */
  private WorkerFaults faults(Worker worker) {
    WorkerFaults made = faults;
    if (made == null) {
      FaultView view = new FaultView(worker, 1);
      view.replace(plan);
      made = WorkerFaults.of(worker, view, () -> ME);
      faults = made;
    }
    return made;
  }

  private ProxyBed bed(ProxyBed.Setup setup, FaultRule... rules) throws Exception {
    plan = FaultPlan.of(List.of(rules));
    setup.filters.add(
        (head, exchange) ->
            FaultFilter.factory(faults(exchange.worker())).newFilter(head, exchange));
    setup.attemptFilters.add(
        (head, exchange, cluster, endpoint, attempt) ->
            attempts(exchange.worker()).onAttempt(head, exchange, cluster, endpoint, attempt));
    return new ProxyBed(setup);
  }

  private @Nullable AttemptFaults attempts;

  private AttemptFaults attempts(Worker worker) {
    AttemptFaults made = attempts;
    if (made == null) {
      made = new AttemptFaults(faults(worker));
      attempts = made;
    }
    return made;
  }

  @Test
  void abortAtRequestHitsItsShareAndTheSameRequestsAgain() throws Exception {
    FaultRule rule = rule("down", Place.REQUEST, 20, ABORT, onCatalog());
    List<Integer> first = hits(rule, RetryPolicy.NEVER);
    assertThat(first.size()).isBetween(370, 430);
    assertThat(hits(rule, RetryPolicy.NEVER)).isEqualTo(first);
  }

  @Test
  void requestFaultIsNeverRetriedAndAttemptFaultIs() throws Exception {
    RetryPolicy retry = retryOn5xx();
    assertThat(hits(rule("r", Place.REQUEST, 20, ABORT, onCatalog()), retry).size())
        .isBetween(370, 430);
    // Three attempts fail together in 0.8% of all exchanges.
    assertThat(hits(rule("a", Place.ATTEMPT, 20, ABORT, onCatalog()), retry).size())
        .isBetween(3, 32);
  }

  /** Numbers of those of 2,000 requests that are answered with 503. */
  private List<Integer> hits(FaultRule rule, RetryPolicy retry) throws Exception {
    faults = null;
    attempts = null;
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.retry = retry;
    List<Integer> hits = new ArrayList<>();
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(setup.to(origin.port()), rule)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 2_000; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\nx-request-id: r" + i + "\r\n\r\n");
        String head = client.head();
        client.bytes(length(head));
        if (head.startsWith("HTTP/1.1 503 ")) {
          hits.add(i);
          assertThat(head)
              .contains("x-outrigger-fault: e\r\n", "x-outrigger-error: fault_injected\r\n");
        } else {
          assertThat(head).startsWith("HTTP/1.1 200 ");
        }
      }
    }
    return hits;
  }

  @Test
  void requestHitByDelayAndAbortWaitsFirstAndNothingIsSentOn() throws Exception {
    FaultRule delay = rule("slow", Place.REQUEST, 100, delay(80), FaultMatch.ALL);
    FaultRule abort = rule("down", Place.REQUEST, 100, ABORT, FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), abort, delay)) {
      Origin.Peer client = client(bed);
      long begun = bed.worker.nanoTime();
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 503 ").contains("x-outrigger-fault: e\r\n");
      assertThat(bed.worker.nanoTime() - begun).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(79));
      assertThat(origin.connections).hasValue(0);
      assertThat(bed.telemetry.records.get(0).faults)
          .containsExactly("e/slow DELAY", "e/down ABORT");
    }
  }

  @Test
  void delayedRequestIsServedWithTheExperimentsName() throws Exception {
    FaultRule delay = rule("slow", Place.ATTEMPT, 100, delay(30), FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), delay)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ").contains("x-outrigger-fault: e\r\n");
      assertThat(bed.telemetry.records.get(0).faults).containsExactly("e/slow DELAY");
    }
  }

  private static FaultRule atMostOne(Fault fault) {
    return new FaultRule(
        "e", "slow", Place.REQUEST, FaultMatch.ALL, Percentage.ALWAYS, 1, 1, Instant.MAX, fault);
  }

  private static Fault.HeaderEdits set(String name, String value) {
    return new Fault.HeaderEdits(List.of(new Fault.Header(name, value)), List.of());
  }

  @Test
  void aRewriteChangesBothHeadsAndTheStatus() throws Exception {
    Fault rewrite =
        new Fault.Rewrite(
            set("x-tenant", "nobody"),
            new Fault.HeaderEdits(List.of(new Fault.Header("x-b", "new")), List.of("x-a")),
            OptionalInt.of(429));
    List<String> heads = new ArrayList<>();
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  heads.add(peer.head());
                  peer.send("HTTP/1.1 200 OK\r\nx-a: 1\r\nx-b: 2\r\ncontent-length: 2\r\n\r\nok");
                });
        ProxyBed bed =
            bed(
                new ProxyBed.Setup().to(origin.port()),
                rule("w", Place.REQUEST, 100, rewrite, FaultMatch.ALL))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nx-tenant: one\r\n\r\n");
      assertThat(client.head())
          .startsWith("HTTP/1.1 429 ")
          .contains("x-b: new\r\n", "x-outrigger-fault: e\r\n")
          .doesNotContain("x-a:");
      assertThat(client.bytes(2)).isEqualTo("ok");
      assertThat(heads.getFirst()).contains("x-tenant: nobody").doesNotContain("x-tenant: one");
      assertThat(bed.telemetry.records.get(0).faults).containsExactly("e/w REWRITE");
    }
  }

  @Test
  void aThrottledBodyComesAtItsRateAndWholeAndItsHeadAtOnce() throws Exception {
    FaultRule slow = rule("t", Place.REQUEST, 100, new Fault.Throttle(200_000), FaultMatch.ALL);
    String body = "0123456789".repeat(10_000);
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  while (!peer.head().isEmpty()) {
                    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + body);
                  }
                });
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), slow)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 2; i++) {
        long begun = bed.worker.nanoTime();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head())
            .startsWith("HTTP/1.1 200 ")
            .contains("content-length: 100000", "x-outrigger-fault: e\r\n");
        assertThat(client.bytes(100_000)).isEqualTo(body);
        assertThat(bed.worker.nanoTime() - begun).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(480));
        await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(slow)) == 0);
      }
    }
  }

  @Test
  void aClientThatLeavesAThrottledBodyLeavesNothingBehind() throws Exception {
    FaultRule slow = rule("t", Place.REQUEST, 100, new Fault.Throttle(1), FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), slow)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ");
      assertThat(bed.inLoop(() -> faults(bed.worker).active().active(slow))).isEqualTo(1);
      client.socket.setSoLinger(true, 0);
      client.socket.close();
      await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(slow)) == 0);
    }
  }

  @Test
  void theFirstFewAreHitAndTheRestPass() throws Exception {
    FaultRule three =
        new FaultRule(
            "e",
            "f",
            Place.REQUEST,
            FaultMatch.ALL,
            Percentage.ALWAYS,
            0,
            3,
            0,
            1,
            Instant.MAX,
            ABORT);
    assertThat(hits(three, RetryPolicy.NEVER)).containsExactly(0, 1, 2);
    // Each exchange loses two attempts and lives by its third.
    FaultRule twice =
        new FaultRule(
            "e",
            "f",
            Place.ATTEMPT,
            FaultMatch.ALL,
            Percentage.ALWAYS,
            0,
            0,
            2,
            1,
            Instant.MAX,
            ABORT);
    assertThat(hits(twice, retryOn5xx())).isEmpty();
  }

  private static FaultRule halfOfTraces(Place place) {
    return new FaultRule(
        "e",
        "f",
        place,
        FaultMatch.ALL,
        Percentage.ofPercent(50),
        0,
        0,
        0,
        true,
        7,
        Instant.MAX,
        ABORT);
  }

  /** Numbers of those of 200 traces that are answered with 503; request ids never repeat. */
  private List<Integer> hitTraces(ProxyBed.Setup setup, FaultRule rule, String further)
      throws Exception {
    faults = null;
    attempts = null;
    List<Integer> hits = new ArrayList<>();
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(setup.to(origin.port()), rule)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 200; i++) {
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\ntraceparent: 00-%032x-00000000000000aa-01\r\n%s\r\n"
                .formatted(i + 1, further));
        String head = client.head();
        client.bytes(length(head));
        if (head.startsWith("HTTP/1.1 503 ")) {
          hits.add(i);
        }
      }
    }
    return hits;
  }

  @Test
  void allHopsAndAttemptsOfATraceAgreeWhateverTheirRequestIds() throws Exception {
    List<Integer> first =
        hitTraces(new ProxyBed.Setup(), halfOfTraces(Place.REQUEST), "x-request-id: one\r\n");
    assertThat(first.size()).isBetween(60, 140);
    ProxyBed.Setup retrying = new ProxyBed.Setup();
    retrying.retry = retryOn5xx();
    assertThat(hitTraces(retrying, halfOfTraces(Place.ATTEMPT), "x-request-id: two\r\n"))
        .isEqualTo(first);
    ProxyBed.Setup receiver = new ProxyBed.Setup();
    receiver.inbound = true;
    assertThat(hitTraces(receiver, halfOfTraces(Place.INBOUND), "")).isEqualTo(first);
  }

  @Test
  void theChoiceThatATraceCarriesIsTakenFromTheApplicationAndNotFromOutsiders() throws Exception {
    String carried = "tracestate: a=1, outrigger=t:0123\r\n";
    List<Integer> own = hitTraces(new ProxyBed.Setup(), halfOfTraces(Place.REQUEST), carried);
    // One choice for all that carry it.
    assertThat(own.size()).isIn(0, 200);
    ProxyBed.Setup receiver = new ProxyBed.Setup();
    receiver.inbound = true;
    assertThat(hitTraces(receiver, halfOfTraces(Place.INBOUND), carried).size()).isBetween(60, 140);
  }

  @Test
  void theChoiceGoesOnWithTheRequestBesideOthersState() throws Exception {
    List<String> heads = new ArrayList<>();
    for (boolean inbound : new boolean[] {false, true}) {
      faults = null;
      attempts = null;
      ProxyBed.Setup setup = new ProxyBed.Setup();
      setup.inbound = inbound;
      FaultRule spares =
          new FaultRule(
              "e",
              "f",
              Place.REQUEST,
              FaultMatch.ALL,
              Percentage.ofPercent(0),
              0,
              0,
              0,
              true,
              7,
              Instant.MAX,
              ABORT);
      try (Origin origin =
              new Origin(
                  (peer, _) -> {
                    heads.add(peer.head());
                    peer.send(OK);
                  });
          ProxyBed bed = bed(setup.to(origin.port()), spares)) {
        Origin.Peer client = client(bed);
        client.send(
            "GET / HTTP/1.1\r\nHost: a\r\ntracestate: a=1%s\r\ntracestate: b=2\r\ntraceparent:"
                    .formatted(inbound ? ",outrigger=t:ff" : "")
                + " 00-0000000000000000000000000000abcd-00000000000000aa-01\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200 ");
      }
    }
    assertThat(heads.get(0))
        .contains("tracestate: outrigger=t:0000000000000000000000000000abcd,a=1,b=2\r\n");
    // At the receiver no fault asked for it, and an outsider's is gone.
    assertThat(heads.get(1)).contains("tracestate: a=1,b=2\r\n");
  }

  @Test
  void limitOfActiveFaultsLetsOthersPass() throws Exception {
    FaultRule one = atMostOne(delay(3_600_000));
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), one)) {
      Origin.Peer held = client(bed);
      held.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(one)) == 1);
      Origin.Peer free = client(bed);
      free.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(free.head()).startsWith("HTTP/1.1 200 ").doesNotContain("x-outrigger-fault");
    }
  }

  @Test
  void limitOfActiveFaultsIsFreeWhenTheWaitEnds() throws Exception {
    FaultRule one = atMostOne(delay(20));
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), one)) {
      for (int i = 0; i < 2; i++) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200 ").contains("x-outrigger-fault: e\r\n");
        assertThat(bed.inLoop(() -> faults(bed.worker).active().active(one))).isZero();
      }
    }
  }

  @Test
  void clientThatLeavesWhileItWaitsGivesTheSlotBack() throws Exception {
    FaultRule delay = rule("slow", Place.REQUEST, 100, delay(3_600_000), FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), delay)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(delay)) == 1);
      client.socket.setSoLinger(true, 0);
      client.socket.close();
      await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(delay)) == 0);
    }
  }

  @Test
  void whatADelayHoldsGoesOnWhenTheFaultEnds() throws Exception {
    for (Place place : List.of(Place.REQUEST, Place.ATTEMPT)) {
      faults = null;
      attempts = null;
      FaultRule delay = rule("slow", place, 100, delay(3_600_000), FaultMatch.ALL);
      FaultRule abort = rule("then", place, 100, ABORT, FaultMatch.ALL);
      try (Origin origin = keepAlive();
          ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), delay, abort)) {
        Origin.Peer client = client(bed);
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        await().until(() -> bed.inLoop(() -> faults(bed.worker).active().active(delay)) == 1);
        bed.inLoop(
            () -> {
              faults(bed.worker).view().replace(FaultPlan.NONE);
              return null;
            });
        // Neither is there any more: not what it waited for, nor what was to follow.
        assertThat(client.head()).as("%s", place).startsWith("HTTP/1.1 200 ");
        assertThat(bed.inLoop(() -> faults(bed.worker).active().active(delay))).isZero();
      }
    }
  }

  @Test
  void aBodyThatIsHeldToARateGoesOnWhenTheFaultEnds() throws Exception {
    FaultRule slow = rule("t", Place.REQUEST, 100, new Fault.Throttle(1), FaultMatch.ALL);
    String body = "0123456789".repeat(30_000);
    try (Origin origin =
            new Origin(
                (peer, _) -> {
                  while (!peer.head().isEmpty()) {
                    peer.send("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n" + body);
                  }
                });
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), slow)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 2; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assertThat(client.head()).startsWith("HTTP/1.1 200 ");
        bed.inLoop(
            () -> {
              faults(bed.worker).view().replace(FaultPlan.NONE);
              return null;
            });
        assertThat(client.bytes(300_000)).isEqualTo(body);
      }
    }
  }

  @Test
  void afterTheDeadlineNothingActsThoughNobodyHasEndedItYet() throws Exception {
    FaultRule abort = rule("down", Place.REQUEST, 100, ABORT, FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), abort)) {
      Origin.Peer client = client(bed);
      client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 503 ");
      bed.inLoop(
          () -> {
            faults(bed.worker).view().renew(bed.worker.nanoTime() - 1);
            return null;
          });
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ");
    }
  }

  @Test
  void resetIsSeenByTheClientAsReset() throws Exception {
    FaultRule reset = rule("reset", Place.REQUEST, 100, new Fault.Reset(), FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), reset)) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThatThrownBy(client::head)
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void resetOfTheAttemptLeavesTheCallersConnectionAlone() throws Exception {
    FaultRule reset = rule("reset", Place.ATTEMPT, 100, new Fault.Reset(), FaultMatch.ALL);
    try (Origin origin = keepAlive();
        ProxyBed bed = bed(new ProxyBed.Setup().to(origin.port()), reset)) {
      Origin.Peer client = client(bed);
      for (int i = 0; i < 2; i++) {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        String head = client.head();
        assertThat(head).startsWith("HTTP/1.1 503 ").contains("x-outrigger-fault: e\r\n");
        String length = head.replaceAll("(?s).*content-length: ([0-9]+).*", "$1");
        assertThat(client.bytes(Integer.parseInt(length))).contains("e");
      }
    }
  }

  @Test
  void othersAreSpared() throws Exception {
    FaultMatch someoneElse =
        new FaultMatch(
            List.of("spiffe://shop.example/ns/shop/sa/cart"),
            Set.of(),
            Set.of(),
            Set.of(),
            List.of(),
            List.of());
    FaultMatch somewhereElse =
        new FaultMatch(List.of(), Set.of("cart.shop"), Set.of(), Set.of(), List.of(), List.of());
    FaultMatch posts =
        new FaultMatch(List.of(), Set.of(), Set.of(), Set.of("POST"), List.of(), List.of());
    try (Origin origin = keepAlive();
        ProxyBed bed =
            bed(
                new ProxyBed.Setup().to(origin.port()),
                rule("a", Place.REQUEST, 100, ABORT, someoneElse),
                rule("b", Place.ATTEMPT, 100, ABORT, somewhereElse),
                rule("c", Place.REQUEST, 100, ABORT, posts),
                rule("d", Place.INBOUND, 100, ABORT, FaultMatch.ALL))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ").doesNotContain("x-outrigger-fault");
    }
  }

  @Test
  void whatIsCalledIsMeantWhereverItsRouteSendsIt() throws Exception {
    FaultMatch front =
        new FaultMatch(List.of(), Set.of("front.shop"), Set.of(), Set.of(), List.of(), List.of());
    for (Place place : List.of(Place.REQUEST, Place.ATTEMPT)) {
      for (FaultMatch match : List.of(front, onCatalog())) {
        faults = null; // each bed has a worker of its own
        attempts = null;
        ProxyBed.Setup setup = new ProxyBed.Setup();
        setup.called = "front.shop";
        try (Origin origin = keepAlive();
            ProxyBed bed = bed(setup.to(origin.port()), rule("a", place, 100, ABORT, match))) {
          Origin.Peer client = client(bed);
          client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          assertThat(client.head()).contains("x-outrigger-fault: e\r\n");
        }
      }
    }
  }

  @Test
  void aProtectedServiceBehindTheRouteIsSpared() throws Exception {
    FaultMatch front =
        new FaultMatch(
            List.of(),
            Set.of("front.shop"),
            Set.of("catalog.shop"),
            Set.of(),
            Set.of(),
            List.of(),
            List.of());
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.called = "front.shop";
    try (Origin origin = keepAlive();
        ProxyBed bed =
            bed(
                setup.to(origin.port()),
                rule("a", Place.REQUEST, 100, ABORT, front),
                rule("b", Place.ATTEMPT, 100, ABORT, front))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 200 ").doesNotContain("x-outrigger-fault");
    }
  }

  @Test
  void outsidersAreNotToldTheExperimentsName() throws Exception {
    ProxyBed.Setup setup = new ProxyBed.Setup();
    setup.inbound = true;
    try (Origin origin = keepAlive();
        ProxyBed bed =
            bed(setup.to(origin.port()), rule("d", Place.INBOUND, 100, ABORT, FaultMatch.ALL))) {
      Origin.Peer client = client(bed);
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
      assertThat(client.head()).startsWith("HTTP/1.1 503 ").doesNotContain("x-outrigger-fault");
      assertThat(bed.telemetry.records.get(0).faults).containsExactly("e/d ABORT");
    }
  }

  private static RetryPolicy retryOn5xx() {
    return new RetryPolicy(
        Set.of(RetryPolicy.Condition.SERVER_ERROR),
        Set.of(),
        2,
        Duration.ZERO,
        Duration.ofNanos(1_000_000),
        Duration.ofNanos(1_000_000),
        false);
  }

  private static FaultMatch onCatalog() {
    return new FaultMatch(
        List.of("spiffe://shop.example/ns/shop/*"),
        Set.of("catalog.shop"),
        Set.of("all"),
        Set.of("GET"),
        List.of(),
        List.of());
  }

  private static Fault delay(long millis) {
    return new Fault.Delay(Duration.ofMillis(millis), Duration.ZERO);
  }

  private static FaultRule rule(
      String name, Place place, int percent, Fault fault, FaultMatch match) {
    return new FaultRule(
        "e", name, place, match, Percentage.ofPercent(percent), 0, 42, Instant.MAX, fault);
  }

  private static Origin keepAlive() throws IOException {
    return new Origin(
        (peer, _) -> {
          while (!peer.head().isEmpty()) {
            peer.send(OK);
          }
        });
  }

  private static Origin.Peer client(ProxyBed bed) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), bed.port());
    socket.setSoTimeout(10_000);
    return new Origin.Peer(socket, new StringBuffer());
  }

  private static int length(String head) {
    int at = head.indexOf("content-length: ") + "content-length: ".length();
    return Integer.parseInt(head.substring(at, head.indexOf('\r', at)));
  }
}
