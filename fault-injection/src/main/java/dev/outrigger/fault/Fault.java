package dev.outrigger.fault;

import java.time.Duration;
import java.util.OptionalInt;

/** What goes wrong. Durations are at most {@link #LONGEST}. */
public sealed interface Fault {
  /** Nobody waits longer than this. */
  Duration LONGEST = Duration.ofHours(1);

  /** Whether it acts on bytes and not on requests. */
  boolean isToxic();

  /**
   * The request waits before it goes on.
   *
   * @param fixed the middle
   * @param jitter the most by which a wait differs from the middle, either way; at most {@code
   *     fixed}
   */
  record Delay(Duration fixed, Duration jitter) implements Fault {
    public Delay {
      checkSpread("delay", fixed, jitter);
    }

    @Override
    public boolean isToxic() {
      return false;
    }
  }

  /**
   * The request is answered at once, and nothing is sent on.
   *
   * @param httpStatus 200 to 599
   * @param grpcStatus 0 to 16 for callers that speak gRPC; empty maps the HTTP status
   */
  record Abort(int httpStatus, OptionalInt grpcStatus) implements Fault {
    public Abort {
      if (httpStatus < 200 || httpStatus > 599) {
        throw new IllegalArgumentException("an HTTP status is 200 to 599, not " + httpStatus);
      }
      if (grpcStatus.isPresent() && (grpcStatus.getAsInt() < 0 || grpcStatus.getAsInt() > 16)) {
        throw new IllegalArgumentException(
            "a gRPC status is 0 to 16, not " + grpcStatus.getAsInt());
      }
    }

    @Override
    public boolean isToxic() {
      return false;
    }
  }

  /** The caller's connection, or that of the attempt, is reset in place of an answer. */
  record Reset() implements Fault {
    @Override
    public boolean isToxic() {
      return false;
    }
  }

  /**
   * Bytes arrive later, in order and with their throughput.
   *
   * @param latency the middle, counted from each chunk's arrival
   * @param jitter as in {@link Delay}
   */
  record Latency(Duration latency, Duration jitter, Direction direction) implements Fault {
    public Latency {
      checkSpread("latency", latency, jitter);
    }

    @Override
    public boolean isToxic() {
      return true;
    }
  }

  /**
   * A live connection is reset (RST).
   *
   * @param after counted from the moment when the fault reaches the connection
   */
  record ResetPeer(Duration after) implements Fault {
    public ResetPeer {
      checkLength("wait", after);
    }

    @Override
    public boolean isToxic() {
      return true;
    }
  }

  private static void checkSpread(String what, Duration middle, Duration jitter) {
    checkLength(what, middle);
    checkLength("jitter", jitter);
    if (jitter.compareTo(middle) > 0) {
      throw new IllegalArgumentException(
          "the jitter is at most the " + what + " itself: " + jitter + " is more than " + middle);
    }
  }

  private static void checkLength(String what, Duration length) {
    if (length.isNegative() || length.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("a " + what + " is from zero to one hour, not " + length);
    }
  }
}
