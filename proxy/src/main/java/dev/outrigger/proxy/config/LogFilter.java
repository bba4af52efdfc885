package dev.outrigger.proxy.config;

import dev.outrigger.proxy.config.RouteTableConfig.HeaderMatch;
import java.util.List;
import java.util.Set;

/** Which exchanges are worth a line (xDS: {@code AccessLogFilter}). */
public sealed interface LogFilter {

  record All() implements LogFilter {}

  record And(List<LogFilter> filters) implements LogFilter {
    public And {
      filters = List.copyOf(filters);
    }
  }

  record Or(List<LogFilter> filters) implements LogFilter {
    public Or {
      filters = List.copyOf(filters);
    }
  }

  /** Compares the status that the client got. */
  record Status(Comparison comparison, long status) implements LogFilter {}

  /** Compares how long it took. */
  record Slow(Comparison comparison, long millis) implements LogFilter {}

  /**
   * A share of all.
   *
   * @param percent 0 to 100
   * @param independent whether each proxy draws by itself; otherwise the request id decides, so
   *     that all proxies on a request's way log it or none
   */
  record Sampled(double percent, boolean independent) implements LogFilter {}

  /** Whose trace is recorded. */
  record Traced() implements LogFilter {}

  /** All but the probes of well-known health checkers, told by their {@code user-agent}. */
  record NotHealthCheck() implements LogFilter {}

  /** By a header of the request. */
  record Header(HeaderMatch match) implements LogFilter {}

  /** Any of these response flags; none stands for any at all. */
  record Flags(Set<String> flags) implements LogFilter {
    public Flags {
      flags = Set.copyOf(flags);
    }
  }

  /** By the gRPC status; what is no gRPC does not pass unless excluding. */
  record GrpcStatus(Set<Integer> statuses, boolean exclude) implements LogFilter {
    public GrpcStatus {
      statuses = Set.copyOf(statuses);
    }
  }

  /** How a number is compared with the bound. */
  enum Comparison {
    EQUAL,
    AT_LEAST,
    AT_MOST
  }
}
