package dev.outrigger.proxy.xds.decode;

import com.google.protobuf.UInt32Value;
import dev.outrigger.proxy.config.HealthCheckPolicy;
import dev.outrigger.proxy.config.OutlierPolicy;
import dev.outrigger.proxy.extension.InvalidResourceException;
import io.envoyproxy.envoy.config.cluster.v3.Cluster;
import io.envoyproxy.envoy.config.cluster.v3.OutlierDetection;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HealthCheck;
import io.envoyproxy.envoy.type.v3.Int64Range;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Active checks and passive ejection. */
final class HealthCheckDecoder {
  private static final int MAX_SERVICE = 1024;
  private static final Duration SHORTEST = Duration.ofMillis(10);

  private HealthCheckDecoder() {}

  static @Nullable HealthCheckPolicy decode(Cluster cluster, Scope scope)
      throws InvalidResourceException {
    if (cluster.getHealthChecksCount() == 0) {
      return null;
    }
    if (cluster.getHealthChecksCount() > 1) {
      scope.in("health_checks", 1).unsupported("one check is made for each endpoint");
    }
    return one(cluster.getHealthChecks(0), cluster.getName(), scope.in("health_checks", 0));
  }

  private static HealthCheckPolicy one(HealthCheck check, String cluster, Scope scope)
      throws InvalidResourceException {
    HealthCheckPolicy.Schedule schedule =
        new HealthCheckPolicy.Schedule(
            interval(check.getInterval(), scope.in("interval")),
            scope.in("interval_jitter_percent").number(check.getIntervalJitterPercent(), 0, 1000),
            interval(check.getTimeout(), scope.in("timeout")),
            threshold(
                check.hasUnhealthyThreshold(),
                check.getUnhealthyThreshold(),
                scope.in("unhealthy_threshold")),
            threshold(
                check.hasHealthyThreshold(),
                check.getHealthyThreshold(),
                scope.in("healthy_threshold")));
    return switch (check.getHealthCheckerCase()) {
      case HTTP_HEALTH_CHECK ->
          http(check.getHttpHealthCheck(), schedule, cluster, scope.in("http_health_check"));
      case TCP_HEALTH_CHECK -> new HealthCheckPolicy.Tcp(schedule);
      case GRPC_HEALTH_CHECK ->
          grpc(check.getGrpcHealthCheck(), schedule, scope.in("grpc_health_check"));
      case HEALTHCHECKER_NOT_SET ->
          throw scope.refuse("expected http_health_check, tcp_health_check or grpc_health_check");
    };
  }

  private static Duration interval(com.google.protobuf.Duration value, Scope scope)
      throws InvalidResourceException {
    Duration duration = scope.positive(value);
    if (duration.compareTo(SHORTEST) < 0) {
      throw scope.refuse("is below " + SHORTEST.toMillis() + " ms");
    }
    return duration;
  }

  private static int threshold(boolean set, UInt32Value value, Scope scope)
      throws InvalidResourceException {
    if (!set) {
      throw scope.refuse("is required");
    }
    return scope.number(value, 1, 1000);
  }

  private static HealthCheckPolicy.Grpc grpc(
      HealthCheck.GrpcHealthCheck check, HealthCheckPolicy.Schedule schedule, Scope scope)
      throws InvalidResourceException {
    if (!isSendable(check.getAuthority())) {
      throw scope.in("authority").refuse("holds a character that cannot be sent");
    }
    if (check.getServiceName().length() > MAX_SERVICE) {
      throw scope.in("service_name").refuse("is longer than " + MAX_SERVICE + " characters");
    }
    return new HealthCheckPolicy.Grpc(
        schedule, check.getServiceName(), check.getAuthority(), metadata(check, scope));
  }

  private static List<HealthCheckPolicy.Metadata> metadata(
      HealthCheck.GrpcHealthCheck check, Scope scope) throws InvalidResourceException {
    List<HealthCheckPolicy.Metadata> metadata = new ArrayList<>();
    for (int i = 0; i < check.getInitialMetadataCount(); i++) {
      HeaderValue header = check.getInitialMetadata(i).getHeader();
      Scope at = scope.in("initial_metadata", i).in("header");
      String name =
          HeaderChangesDecoder.name(header.getKey(), at.in("key")).toLowerCase(Locale.ROOT);
      if (name.startsWith("grpc-") || name.equals("te") || name.equals("content-type")) {
        throw at.in("key").refuse("'" + name + "' is gRPC's own");
      }
      if (header.getValue().chars().anyMatch(c -> c < ' ' || c >= 0x7f || c == '%')) {
        throw at.in("value").refuse("expected plain text: a probe has nothing to put in its place");
      }
      metadata.add(new HealthCheckPolicy.Metadata(name, header.getValue()));
    }
    return metadata;
  }

  private static HealthCheckPolicy.Wire wire(HealthCheck.HttpHealthCheck check, Scope scope)
      throws InvalidResourceException {
    return switch (check.getCodecClientType()) {
      case HTTP1 -> HealthCheckPolicy.Wire.HTTP1;
      case HTTP2 -> HealthCheckPolicy.Wire.HTTP2;
      case HTTP3 -> throw scope.refuse("HTTP/3 is not supported yet");
      case UNRECOGNIZED -> throw scope.refuse("is no known codec");
    };
  }

  private static HealthCheckPolicy.Http http(
      HealthCheck.HttpHealthCheck check,
      HealthCheckPolicy.Schedule schedule,
      String cluster,
      Scope scope)
      throws InvalidResourceException {
    String path = scope.in("path").required(check.getPath());
    if (!path.startsWith("/") || !isSendable(path)) {
      throw scope
          .in("path")
          .refuse("'" + path.strip() + "' is no path, expected one like /healthz");
    }
    String host = check.getHost().isEmpty() ? cluster : check.getHost();
    if (!isSendable(host)) {
      throw scope.in("host").refuse("holds a character that cannot be sent");
    }
    List<HealthCheckPolicy.StatusRange> expected = new ArrayList<>();
    for (int i = 0; i < check.getExpectedStatusesCount(); i++) {
      Int64Range range = check.getExpectedStatuses(i);
      if (range.getStart() < 100 || range.getEnd() > 600 || range.getStart() >= range.getEnd()) {
        throw scope
            .in("expected_statuses", i)
            .refuse("expected 100 <= start < end <= 600; the end is not part of it");
      }
      expected.add(new HealthCheckPolicy.StatusRange((int) range.getStart(), (int) range.getEnd()));
    }
    if (expected.isEmpty()) {
      expected.add(new HealthCheckPolicy.StatusRange(200, 201));
    }
    return new HealthCheckPolicy.Http(
        schedule, host, path, expected, wire(check, scope.in("codec_client_type")));
  }

  private static boolean isSendable(String text) {
    return text.chars().allMatch(c -> c > ' ' && c < 0x7f);
  }

  static OutlierPolicy outliers(OutlierDetection detection, Scope scope)
      throws InvalidResourceException {
    int errors =
        detection.hasConsecutive5Xx()
            ? scope.in("consecutive_5xx").atLeast(detection.getConsecutive5Xx(), 0)
            : 5;
    if (detection.hasEnforcingConsecutive5Xx()) {
      Scope at = scope.in("enforcing_consecutive_5xx");
      int enforcing = at.number(detection.getEnforcingConsecutive5Xx(), 0, 100);
      if (enforcing == 0) {
        errors = 0;
      } else if (enforcing != 100) {
        at.unsupported("expected 0 or 100");
      }
    }
    Duration base =
        detection.hasBaseEjectionTime()
            ? scope.in("base_ejection_time").positive(detection.getBaseEjectionTime())
            : Duration.ofSeconds(30);
    Duration max =
        detection.hasMaxEjectionTime()
            ? scope.in("max_ejection_time").positive(detection.getMaxEjectionTime())
            : Duration.ofMinutes(5);
    return new OutlierPolicy(
        errors,
        base,
        max.compareTo(base) < 0 ? base : max,
        detection.hasMaxEjectionPercent()
            ? scope.in("max_ejection_percent").number(detection.getMaxEjectionPercent(), 0, 100)
            : 10);
  }
}
