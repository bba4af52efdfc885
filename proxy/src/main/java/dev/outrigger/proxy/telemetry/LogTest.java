package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.LogFilter;
import dev.outrigger.proxy.config.LogFilter.Comparison;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.outcome.ResponseFlag;
import dev.outrigger.proxy.route.HeaderMatcher;
import java.util.List;
import java.util.random.RandomGenerator;

/** A compiled filter: whether an entry is worth a line. */
@FunctionalInterface
interface LogTest {
  /** How the user agents of health checkers begin: Kubernetes, Envoy, Google's and Amazon's. */
  List<String> PROBES = List.of("kube-probe/", "Envoy/HC", "GoogleHC/", "ELB-HealthChecker/");

  boolean passes(LogEntry entry);

  /**
   * @param random for independent samples
   */
  static LogTest of(LogFilter filter, RandomGenerator random) {
    return switch (filter) {
      case LogFilter.All _ -> _ -> true;
      case LogFilter.And and -> {
        LogTest[] tests = all(and.filters(), random);
        yield entry -> {
          for (LogTest test : tests) {
            if (!test.passes(entry)) {
              return false;
            }
          }
          return true;
        };
      }
      case LogFilter.Or or -> {
        LogTest[] tests = all(or.filters(), random);
        yield entry -> {
          for (LogTest test : tests) {
            if (test.passes(entry)) {
              return true;
            }
          }
          return false;
        };
      }
      case LogFilter.Status(Comparison comparison, long status) ->
          entry -> holds(comparison, entry.status, status);
      case LogFilter.Slow(Comparison comparison, long millis) ->
          entry -> holds(comparison, Math.max(0, entry.duration) / 1_000_000, millis);
      case LogFilter.Sampled sampled -> sampled(sampled, random);
      case LogFilter.Traced _ -> entry -> entry.sampled;
      case LogFilter.NotHealthCheck _ -> entry -> !isProbe(entry);
      case LogFilter.Header header -> {
        HeaderMatcher matcher = new HeaderMatcher(header.match());
        yield entry -> entry.head != null && matcher.matches(entry.head);
      }
      case LogFilter.Flags flags ->
          flags.flags().isEmpty()
              ? entry -> !entry.flags.equals("-")
              : entry ->
                  flags.flags().contains(entry.cause.toString())
                      || (entry.delayed && flags.flags().contains(ResponseFlag.DI.toString()))
                      || (entry.retriesUsedUp
                          && flags.flags().contains(ResponseFlag.URX.toString()));
      case LogFilter.GrpcStatus grpc ->
          entry -> grpc.statuses().contains(entry.grpcStatus()) != grpc.exclude();
    };
  }

  private static LogTest[] all(List<LogFilter> filters, RandomGenerator random) {
    return filters.stream().map(filter -> of(filter, random)).toArray(LogTest[]::new);
  }

  private static boolean holds(Comparison comparison, long value, long bound) {
    return switch (comparison) {
      case EQUAL -> value == bound;
      case AT_LEAST -> value >= bound;
      case AT_MOST -> value <= bound;
    };
  }

  private static LogTest sampled(LogFilter.Sampled sampled, RandomGenerator random) {
    long share = Math.round(sampled.percent() * 100_000_000); // parts of 10^10
    if (sampled.independent()) {
      return _ -> random.nextLong(10_000_000_000L) < share;
    }
    return entry -> {
      String id = entry.requestId;
      // The same everywhere on the request's way; a connection has no id and draws.
      long drawn =
          id == null
              ? random.nextLong(10_000_000_000L)
              : Math.floorMod(spread(id), 10_000_000_000L);
      return drawn < share;
    };
  }

  // FNV-1a, finished so that the low part depends on all of it.
  private static long spread(String id) {
    long hash = 0xcbf29ce484222325L;
    for (int i = 0; i < id.length(); i++) {
      hash = (hash ^ id.charAt(i)) * 0x100000001b3L;
    }
    hash ^= hash >>> 33;
    hash *= 0xff51afd7ed558ccdL;
    return hash ^ hash >>> 33;
  }

  private static boolean isProbe(LogEntry entry) {
    Headers headers = entry.head == null ? null : entry.head.headers();
    int index = headers == null ? -1 : headers.indexOf(HeaderName.USER_AGENT, 0);
    if (headers == null || index < 0) {
      return false;
    }
    for (int i = 0; i < PROBES.size(); i++) {
      if (startsWith(headers, index, PROBES.get(i))) {
        return true;
      }
    }
    return false;
  }

  private static boolean startsWith(Headers headers, int index, String start) {
    if (headers.valueLength(index) < start.length()) {
      return false;
    }
    for (int i = 0; i < start.length(); i++) {
      if (headers.array()[headers.valueOffset(index) + i] != start.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
