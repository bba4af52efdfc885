package dev.outrigger.fault;

import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/** What goes wrong. Durations are at most {@link #LONGEST}. */
public sealed interface Fault permits Fault.OnRequest, Fault.OnBytes, HandshakeFault, MeshFault {
  /** Nobody waits longer than this. */
  Duration LONGEST = Duration.ofHours(1);

  /** The most bytes per second that a limit of a rate may name. */
  long FASTEST = 10_000_000_000L;

  /** Of one request and its answer. */
  sealed interface OnRequest extends Fault {}

  /** Of the bytes of a connection: a toxic. */
  sealed interface OnBytes extends Fault {
    /** Whose bytes it acts on. */
    Direction direction();
  }

  /** The request waits before it goes on. */
  record Delay(Spread length) implements OnRequest {
    /** Evenly spread around the middle. */
    public Delay(Duration fixed, Duration jitter) {
      this(new Spread.Uniform(fixed, jitter));
    }
  }

  /**
   * The request is answered at once, and nothing is sent on.
   *
   * @param httpStatus 200 to 599
   * @param grpcStatus 0 to 16 for callers that speak gRPC; empty maps the HTTP status
   */
  record Abort(int httpStatus, OptionalInt grpcStatus) implements OnRequest {
    public Abort {
      checkStatus(httpStatus);
      if (grpcStatus.isPresent() && (grpcStatus.getAsInt() < 0 || grpcStatus.getAsInt() > 16)) {
        throw new IllegalArgumentException(
            "a gRPC status is 0 to 16, not " + grpcStatus.getAsInt());
      }
    }
  }

  /** The caller's connection, or that of the attempt, is reset in place of an answer. */
  record Reset() implements OnRequest {}

  /**
   * The body of the answer comes slowly. Each answer has the rate for itself; its head is not held
   * up.
   *
   * @param bytesPerSecond 1 to {@link #FASTEST}
   */
  record Throttle(long bytesPerSecond) implements OnRequest {
    public Throttle {
      checkRate(bytesPerSecond);
    }
  }

  /**
   * The request, the answer or both are changed.
   *
   * @param status of the answer, 200 to 599; empty leaves it
   */
  record Rewrite(HeaderEdits request, HeaderEdits response, OptionalInt status)
      implements OnRequest {
    public Rewrite {
      status.ifPresent(Rewrite::checkStatusWithBody);
      if (request.isEmpty() && response.isEmpty() && status.isEmpty()) {
        throw new IllegalArgumentException("a rewrite changes something");
      }
    }

    private static void checkStatusWithBody(int status) {
      checkStatus(status);
      if (status == 204 || status == 205 || status == 304) {
        throw new IllegalArgumentException("an answer with a body cannot become a " + status);
      }
    }
  }

  /**
   * Headers that are put in the place of all of their name, and such as are taken away.
   *
   * @param set names in lower case
   * @param remove names in lower case
   */
  record HeaderEdits(List<Header> set, List<String> remove) {
    /** Changes nothing. */
    public static final HeaderEdits NONE = new HeaderEdits(List.of(), List.of());

    private static final int MOST = 64;
    private static final Pattern NAME = Pattern.compile("[a-z0-9_-]{1,128}");
    private static final Pattern VALUE = Pattern.compile("[\\x20-\\x7e\\t]{0,4096}");
    private static final Set<String> FRAMING =
        Set.of(
            "host",
            "connection",
            "content-length",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "x-request-id");

    public HeaderEdits {
      set = List.copyOf(set);
      remove = List.copyOf(remove);
      if (set.size() + remove.size() > MOST) {
        throw new IllegalArgumentException("at most " + MOST + " headers are changed");
      }
      remove.forEach(HeaderEdits::checkName);
    }

    /** What frames a message, and what belongs to a connection, is not for faults to change. */
    private static void checkName(String name) {
      if (!NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "a header's name is in lower case letters, digits and -_, not `" + name + "`");
      }
      if (FRAMING.contains(name)) {
        throw new IllegalArgumentException("`" + name + "` says how a message is framed or routed");
      }
    }

    public boolean isEmpty() {
      return set.isEmpty() && remove.isEmpty();
    }
  }

  /** One header's name, in lower case, and its value. */
  record Header(String name, String value) {
    public Header {
      HeaderEdits.checkName(name);
      if (!HeaderEdits.VALUE.matcher(value).matches()) {
        throw new IllegalArgumentException(
            "the value of `" + name + "` is not printable ASCII of at most 4096 characters");
      }
    }
  }

  /** Bytes arrive later, counted from each chunk's arrival: order and throughput stay. */
  record Latency(Spread length, Direction direction) implements OnBytes {
    /** Evenly spread around the middle. */
    public Latency(Duration latency, Duration jitter, Direction direction) {
      this(new Spread.Uniform(latency, jitter), direction);
    }
  }

  /**
   * Bytes pass no faster.
   *
   * @param bytesPerSecond 1 to {@link #FASTEST}
   */
  record Bandwidth(long bytesPerSecond, Direction direction) implements OnBytes {
    public Bandwidth {
      checkRate(bytesPerSecond);
    }
  }

  /**
   * A black hole: bytes are swallowed. A connection that lost any is closed when the fault ends.
   *
   * @param timeout closes the connection so long after the fault reached it; zero leaves it open
   */
  record Stall(Duration timeout, Direction direction) implements OnBytes {
    public Stall {
      checkLength("timeout", timeout);
    }
  }

  /**
   * No byte passes, and all of them do when the fault ends, as TCP sends again what was lost.
   * Connections that begin meanwhile do not come about.
   */
  record Partition(Direction direction) implements OnBytes {}

  /**
   * A live connection is reset (RST).
   *
   * @param after counted from the moment when the fault reaches the connection
   */
  record ResetPeer(Duration after) implements OnBytes {
    public ResetPeer {
      checkLength("wait", after);
    }

    @Override
    public Direction direction() {
      return Direction.BOTH;
    }
  }

  /**
   * The end of a connection is passed on late.
   *
   * @param delay from the last byte to the end
   */
  record SlowClose(Duration delay, Direction direction) implements OnBytes {
    public SlowClose {
      checkLength("delay", delay);
    }
  }

  /**
   * The connection is closed after exactly so many bytes.
   *
   * @param bytes counted from the moment when the fault reaches the connection; not negative
   */
  record Limit(long bytes, Direction direction) implements OnBytes {
    public Limit {
      if (bytes < 0) {
        throw new IllegalArgumentException("a limit of bytes is not negative: " + bytes);
      }
    }
  }

  /**
   * Bytes come in small pieces.
   *
   * @param averageSize at least 1
   * @param sizeVariation a piece has that much more or less; below {@code averageSize}
   * @param delay between two pieces
   */
  record Slicer(int averageSize, int sizeVariation, Duration delay, Direction direction)
      implements OnBytes {
    public Slicer {
      checkLength("delay", delay);
      if (averageSize < 1) {
        throw new IllegalArgumentException("the size of a slice is not " + averageSize);
      }
      if (sizeVariation < 0 || sizeVariation >= averageSize) {
        throw new IllegalArgumentException(
            "the variation is 0 to below the average size of "
                + averageSize
                + ", not "
                + sizeVariation);
      }
    }
  }

  /** Connections that begin are refused; those that are open are left alone. */
  record Refuse() implements OnBytes {
    @Override
    public Direction direction() {
      return Direction.BOTH;
    }
  }

  /** Whether it acts on the bytes of connections. */
  default boolean isToxic() {
    return this instanceof OnBytes;
  }

  /**
   * @throws IllegalArgumentException if it is negative or above {@link #LONGEST}
   */
  static void checkLength(String what, Duration length) {
    if (length.isNegative() || length.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException("a " + what + " is from zero to one hour, not " + length);
    }
  }

  private static void checkRate(long bytesPerSecond) {
    if (bytesPerSecond < 1 || bytesPerSecond > FASTEST) {
      throw new IllegalArgumentException(
          "a rate is 1 to " + FASTEST + " bytes per second, not " + bytesPerSecond);
    }
  }

  private static void checkStatus(int httpStatus) {
    if (httpStatus < 200 || httpStatus > 599) {
      throw new IllegalArgumentException("an HTTP status is 200 to 599, not " + httpStatus);
    }
  }
}
