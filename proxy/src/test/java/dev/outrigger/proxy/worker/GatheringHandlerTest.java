package dev.outrigger.proxy.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class GatheringHandlerTest {
  private long now;
  private long deadline = -1;
  private boolean tasks;
  private final List<String> did = new ArrayList<>();
  private final ArrayDeque<Integer> brings = new ArrayDeque<>();

  private final IoHandlerContext loop =
      new IoHandlerContext() {
        @Override
        public boolean canBlock() {
          return !tasks;
        }

        @Override
        public long delayNanos(long at) {
          return 0;
        }

        @Override
        public long deadlineNanos() {
          return deadline;
        }
      };

  private final IoHandler netty =
      new IoHandler() {
        @Override
        public int run(IoHandlerContext context) {
          did.add(context.canBlock() ? "waits" : "looks");
          Integer next = brings.poll();
          return next == null ? 0 : next;
        }

        @Override
        public IoRegistration register(IoHandle handle) {
          throw new UnsupportedOperationException();
        }

        @Override
        public void wakeup() {}

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
          return false;
        }
      };

  private final Pulse pulse = new Pulse();
  private final GatheringHandler handler =
      new GatheringHandler(netty, () -> now, nanos -> did.add("rests " + nanos), pulse);

  /** Turns as often as it takes to be looked at, with so many events a second. */
  private void turn(long eventsPerSecond) {
    for (int i = 0; i < GatheringHandler.TURNS; i++) {
      now += 1_000_000_000L / eventsPerSecond;
      brings.add(1);
      if (tasks) {
        handler.run(loop);
      } else {
        tasks = true; // so that each turn looks once
        handler.run(loop);
        tasks = false;
      }
    }
    did.clear();
  }

  @Test
  void aLoopThatHasLittleToDoWaitsAsEver() {
    turn(GatheringHandler.BUSY_RATE * 9 / 10);
    handler.run(loop);
    assertThat(did).containsExactly("waits");
  }

  @Test
  void aLoopLooksBeforeItWaitsForANearDeadline() {
    now = 5_000_000_000L;
    deadline = now + GatheringHandler.NEAR_NANOS - 1;
    brings.addAll(List.of(2, 0, 3));
    assertThat(handler.run(loop)).isEqualTo(2);
    assertThat(did).containsExactly("looks");
    did.clear();
    assertThat(handler.run(loop)).isEqualTo(3);
    assertThat(did).containsExactly("looks", "waits");
    did.clear();
    deadline = now + GatheringHandler.NEAR_NANOS;
    handler.run(loop);
    assertThat(did).containsExactly("waits");
  }

  @Test
  void aBusyLoopSendsThenRestsThenReads() {
    turn(GatheringHandler.BUSY_RATE * 11 / 10);
    brings.addAll(List.of(1, 5));
    assertThat(handler.run(loop)).isEqualTo(6);
    assertThat(did).containsExactly("looks", "rests " + GatheringHandler.REST_NANOS, "looks");
  }

  @Test
  void aBusyLoopDoesNotRestWhileThereIsMoreToDo() {
    turn(GatheringHandler.BUSY_RATE * 11 / 10);
    brings.add(GatheringHandler.MANY);
    assertThat(handler.run(loop)).isEqualTo(GatheringHandler.MANY);
    assertThat(did).containsExactly("looks");
    did.clear();
    tasks = true;
    handler.run(loop);
    assertThat(did).containsExactly("looks");
  }

  @Test
  void aLoopIsBusyUntilThereIsLessThanHalf() {
    turn(GatheringHandler.BUSY_RATE * 11 / 10);
    turn(GatheringHandler.BUSY_RATE * 6 / 10);
    handler.run(loop);
    assertThat(did).contains("rests " + GatheringHandler.REST_NANOS);
    turn(GatheringHandler.BUSY_RATE * 4 / 10);
    turn(GatheringHandler.BUSY_RATE * 4 / 10);
    handler.run(loop);
    assertThat(did).containsExactly("waits");
  }

  /** Turns as often, while so many exchanges are under way. */
  private void turn(long eventsPerSecond, long underWay) {
    pulse.take(1);
    for (int i = 0; i < underWay; i++) {
      pulse.ended(GatheringHandler.TURNS * 1_000_000_000L / eventsPerSecond);
    }
    turn(eventsPerSecond);
  }

  @Test
  void aCrowdThatComesOverFewSocketsMakesALoopBusyWithFewerEvents() {
    turn(GatheringHandler.BUSY_RATE / 4 * 11 / 10, GatheringHandler.CROWD - 1);
    handler.run(loop);
    assertThat(did).containsExactly("waits");
    turn(GatheringHandler.BUSY_RATE / 4 * 11 / 10, GatheringHandler.CROWD + 1);
    handler.run(loop);
    assertThat(did).contains("rests " + GatheringHandler.REST_NANOS);
    did.clear();
    turn(GatheringHandler.BUSY_RATE / 4 * 11 / 10, 1);
    turn(GatheringHandler.BUSY_RATE / 4 * 11 / 10, 1);
    handler.run(loop);
    assertThat(did).containsExactly("waits");
  }

  @Test
  void aStreamThatWasLongOpenIsNoCrowd() {
    pulse.ended(3_600_000_000_000L);
    assertThat(pulse.take(1_000_000)).isEqualTo(10);
    assertThat(pulse.take(1_000_000)).isZero();
  }
}
