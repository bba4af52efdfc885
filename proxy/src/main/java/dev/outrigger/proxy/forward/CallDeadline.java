package dev.outrigger.proxy.forward;

import dev.outrigger.proxy.config.CallTimes;
import dev.outrigger.proxy.config.RouteTableConfig.Action;
import dev.outrigger.proxy.message.Grpc;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import java.time.Duration;

/**
 * How long one exchange may take, by its route and by what a call of gRPC says itself in {@code
 * grpc-timeout} (gRPC, PROTOCOL-HTTP2.md). Pure.
 *
 * @param routeNanos from the end of the request to the end of the answer; 0 is no bound
 * @param streamNanos from the head of the request to the end of the answer; negative is no bound
 * @param told what the endpoint is to be told in {@code grpc-timeout}; negative leaves what the
 *     call says
 */
record CallDeadline(long routeNanos, long streamNanos, long told) {
  private static final long NONE = -1;
  private static final int MAX_DIGITS = 8;
  private static final long TOO_MANY = 100_000_000; // for the digits

  private static final long MICRO = 1_000;
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000_000_000;
  private static final long MINUTE = 60 * SECOND;
  private static final long HOUR = 60 * MINUTE;

  static CallDeadline of(Action.Forward route, Headers request) {
    CallTimes times = route.times();
    long routeNanos = route.timeout().toNanos();
    if (times.equals(CallTimes.NONE)) {
      return new CallDeadline(routeNanos, NONE, NONE);
    }
    long asked = read(request);
    boolean call = Grpc.isCall(request);
    Duration routeMax = times.routeMax();
    if (routeMax != null && call) {
      long nanos = Math.max(asked, 0); // 0 stands for ever
      long offset = times.routeOffset().toNanos();
      if (offset < nanos) {
        nanos -= offset;
      }
      long max = routeMax.toNanos();
      if (max > 0 && (nanos == 0 || nanos > max)) {
        nanos = max;
      }
      return new CallDeadline(nanos, NONE, nanos > 0 ? nanos : NONE);
    }
    Duration headerMax = times.headerMax();
    long nanos;
    if (asked >= 0 && headerMax != null) {
      long max = headerMax.toNanos();
      nanos = max > 0 ? Math.min(asked, max) : asked;
      nanos = Math.max(0, nanos - times.headerOffset().toNanos());
    } else {
      Duration stream = times.stream();
      nanos = stream == null || stream.isZero() ? NONE : stream.toNanos();
    }
    return new CallDeadline(routeNanos, nanos, call ? nanos : NONE);
  }

  /** What {@code grpc-timeout} asks for; negative where there is none, or none that is valid. */
  static long read(Headers headers) {
    int at = headers.indexOf(HeaderName.GRPC_TIMEOUT, 0);
    if (at < 0) {
      return NONE;
    }
    byte[] bytes = headers.array();
    int offset = headers.valueOffset(at);
    int digits = headers.valueLength(at) - 1;
    if (digits < 1 || digits > MAX_DIGITS) {
      return NONE;
    }
    long number = 0;
    for (int i = offset; i < offset + digits; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        return NONE;
      }
      number = number * 10 + bytes[i] - '0';
    }
    long unit =
        switch (bytes[offset + digits]) {
          case 'n' -> 1;
          case 'u' -> MICRO;
          case 'm' -> MILLI;
          case 'S' -> SECOND;
          case 'M' -> MINUTE;
          case 'H' -> HOUR;
          default -> 0;
        };
    return unit == 0 ? NONE : number > Long.MAX_VALUE / unit ? Long.MAX_VALUE : number * unit;
  }

  /** A time as {@code grpc-timeout}: in the finest unit from milliseconds on that holds it. */
  static String written(long nanos) {
    if (nanos < MILLI) {
      return nanos / MICRO + "u";
    }
    if (nanos / MILLI < TOO_MANY) {
      return nanos / MILLI + "m";
    }
    if (nanos / SECOND < TOO_MANY) {
      return nanos / SECOND + "S";
    }
    return nanos / MINUTE < TOO_MANY ? nanos / MINUTE + "M" : nanos / HOUR + "H";
  }

  /**
   * Tells an endpoint how long it may take.
   *
   * @param used how much of the time has gone
   */
  void tell(Headers request, long used) {
    if (told >= 0) {
      long left = Math.max(0, told - used);
      // What a call says is left alone while it is still true, to the millisecond.
      if (Math.abs(read(request) - left) >= MILLI) {
        request.set(HeaderName.GRPC_TIMEOUT, written(left));
      }
    }
  }
}
