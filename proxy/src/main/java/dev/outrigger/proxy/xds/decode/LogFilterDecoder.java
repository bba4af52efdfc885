package dev.outrigger.proxy.xds.decode;

import dev.outrigger.proxy.config.LogFilter;
import dev.outrigger.proxy.config.LogFilter.Comparison;
import dev.outrigger.proxy.config.NearestName;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.outcome.ResponseFlag;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLog;
import io.envoyproxy.envoy.config.accesslog.v3.AccessLogFilter;
import io.envoyproxy.envoy.config.accesslog.v3.ComparisonFilter;
import io.envoyproxy.envoy.config.accesslog.v3.GrpcStatusFilter;
import io.envoyproxy.envoy.config.accesslog.v3.RuntimeFilter;
import io.envoyproxy.envoy.type.v3.FractionalPercent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Which exchanges an access log takes. */
final class LogFilterDecoder {
  private static final int MAX_DEPTH = 8;

  /** Flags of Envoy for what this proxy never does: harmless, they match nothing. */
  private static final Set<String> NEVER_SET =
      Set.of("LH", "RLSE", "IH", "UMSDR", "RFCF", "NFCF", "DF", "DR");

  private LogFilterDecoder() {}

  static LogFilter decode(AccessLog log, Scope scope) throws InvalidResourceException {
    return log.hasFilter() ? filter(log.getFilter(), scope.in("filter"), 0) : new LogFilter.All();
  }

  private static LogFilter filter(AccessLogFilter filter, Scope scope, int depth)
      throws InvalidResourceException {
    if (depth > MAX_DEPTH) {
      throw scope.refuse("is nested more than " + MAX_DEPTH + " deep");
    }
    return switch (filter.getFilterSpecifierCase()) {
      case STATUS_CODE_FILTER -> {
        Scope at = scope.in("status_code_filter").in("comparison");
        ComparisonFilter comparison = filter.getStatusCodeFilter().getComparison();
        yield new LogFilter.Status(comparison(comparison, at), bound(comparison));
      }
      case DURATION_FILTER -> {
        Scope at = scope.in("duration_filter").in("comparison");
        ComparisonFilter comparison = filter.getDurationFilter().getComparison();
        yield new LogFilter.Slow(comparison(comparison, at), bound(comparison));
      }
      case NOT_HEALTH_CHECK_FILTER -> {
        yield new LogFilter.NotHealthCheck();
      }
      case TRACEABLE_FILTER -> {
        yield new LogFilter.Traced();
      }
      case RUNTIME_FILTER -> {
        RuntimeFilter runtime = filter.getRuntimeFilter();
        Scope at = scope.in("runtime_filter").in("percent_sampled");
        yield new LogFilter.Sampled(
            percent(runtime.getPercentSampled(), at), runtime.getUseIndependentRandomness());
      }
      case AND_FILTER -> {
        yield new LogFilter.And(
            all(filter.getAndFilter().getFiltersList(), scope.in("and_filter"), depth));
      }
      case OR_FILTER -> {
        yield new LogFilter.Or(
            all(filter.getOrFilter().getFiltersList(), scope.in("or_filter"), depth));
      }
      case HEADER_FILTER -> {
        yield new LogFilter.Header(
            MatchDecoder.header(
                filter.getHeaderFilter().getHeader(), scope.in("header_filter").in("header")));
      }
      case RESPONSE_FLAG_FILTER -> {
        yield new LogFilter.Flags(
            flags(filter.getResponseFlagFilter().getFlagsList(), scope.in("response_flag_filter")));
      }
      case GRPC_STATUS_FILTER -> {
        GrpcStatusFilter grpc = filter.getGrpcStatusFilter();
        Set<Integer> statuses = new HashSet<>();
        for (int i = 0; i < grpc.getStatusesCount(); i++) {
          if (grpc.getStatusesValue(i) > 16) {
            throw scope
                .in("grpc_status_filter")
                .in("statuses", i)
                .refuse("is " + grpc.getStatusesValue(i) + ", expected a status from 0 to 16");
          }
          statuses.add(grpc.getStatusesValue(i));
        }
        yield new LogFilter.GrpcStatus(statuses, grpc.getExclude());
      }
      case FILTERSPECIFIER_NOT_SET ->
          throw scope.refuse(
              "expected status_code_filter, duration_filter, response_flag_filter,"
                  + " not_health_check_filter, traceable_filter, runtime_filter, header_filter,"
                  + " grpc_status_filter, and_filter or or_filter");
    };
  }

  private static List<LogFilter> all(List<AccessLogFilter> filters, Scope scope, int depth)
      throws InvalidResourceException {
    if (filters.size() < 2) {
      throw scope.in("filters").refuse("expected at least two");
    }
    List<LogFilter> read = new ArrayList<>();
    for (int i = 0; i < filters.size(); i++) {
      read.add(filter(filters.get(i), scope.in("filters", i), depth + 1));
    }
    return read;
  }

  private static Comparison comparison(ComparisonFilter comparison, Scope scope)
      throws InvalidResourceException {
    return switch (comparison.getOp()) {
      case EQ -> Comparison.EQUAL;
      case GE -> Comparison.AT_LEAST;
      case LE -> Comparison.AT_MOST;
      case UNRECOGNIZED -> throw scope.in("op").refuse("expected EQ, GE or LE");
    };
  }

  private static long bound(ComparisonFilter comparison) {
    return Integer.toUnsignedLong(comparison.getValue().getDefaultValue());
  }

  private static double percent(FractionalPercent percent, Scope scope)
      throws InvalidResourceException {
    double parts =
        switch (percent.getDenominator()) {
          case HUNDRED -> 100;
          case TEN_THOUSAND -> 10_000;
          case MILLION -> 1_000_000;
          case UNRECOGNIZED -> throw scope.in("denominator").refuse("is no known denominator");
        };
    long numerator = Integer.toUnsignedLong(percent.getNumerator());
    return HttpProxyDecoder.percent(Math.min(100, numerator * 100 / parts), scope.in("numerator"));
  }

  private static Set<String> flags(List<String> flags, Scope scope)
      throws InvalidResourceException {
    List<String> known = Arrays.stream(ResponseFlag.values()).map(ResponseFlag::toString).toList();
    for (int i = 0; i < flags.size(); i++) {
      String flag = flags.get(i);
      if (!known.contains(flag) && !NEVER_SET.contains(flag)) {
        throw scope
            .in("flags", i)
            .refuse("there is no flag '" + flag + "'" + NearestName.hint(flag, known));
      }
    }
    return Set.copyOf(flags);
  }
}
