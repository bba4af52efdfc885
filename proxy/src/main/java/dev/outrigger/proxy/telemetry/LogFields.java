package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.message.ConnectionFacts;
import org.jspecify.annotations.Nullable;

/** The names of the access log's fields, and what exchanges and connections both say. */
final class LogFields {
  static final byte[] TIME = JsonLine.name("time");
  static final byte[] METHOD = JsonLine.name("method");
  static final byte[] PATH = JsonLine.name("path");
  static final byte[] AUTHORITY = JsonLine.name("authority");
  static final byte[] PROTOCOL = JsonLine.name("protocol");
  static final byte[] STATUS = JsonLine.name("status");
  static final byte[] GRPC_STATUS = JsonLine.name("grpc_status");
  static final byte[] RESPONSE_FLAGS = JsonLine.name("response_flags");
  static final byte[] CODE = JsonLine.name("code");
  static final byte[] DETAILS = JsonLine.name("details");
  static final byte[] DURATION = JsonLine.name("duration_ms");
  static final byte[] BYTES_RECEIVED = JsonLine.name("bytes_received");
  static final byte[] BYTES_SENT = JsonLine.name("bytes_sent");
  static final byte[] ATTEMPTS = JsonLine.name("attempts");
  static final byte[] CLUSTER = JsonLine.name("upstream_cluster");
  static final byte[] ENDPOINT = JsonLine.name("upstream_host");
  static final byte[] WORKLOAD = JsonLine.name("upstream_workload");
  static final byte[] ROUTE = JsonLine.name("route");
  static final byte[] REQUEST_ID = JsonLine.name("request_id");
  static final byte[] TRACE_ID = JsonLine.name("trace_id");
  static final byte[] FAULT_EXPERIMENT = JsonLine.name("fault_experiment");
  static final byte[] FAULT = JsonLine.name("fault");
  static final byte[] SERVER_NAME = JsonLine.name("server_name");
  static final byte[] USER_AGENT = JsonLine.name("user_agent");
  static final byte[] LISTENER = JsonLine.name("listener");
  static final byte[] PEER = JsonLine.name("peer");
  static final byte[] REMOTE = JsonLine.name("remote");

  private LogFields() {}

  static void upstream(
      JsonLine line, @Nullable ClusterConfig cluster, @Nullable Endpoint endpoint) {
    if (cluster != null) {
      line.text(CLUSTER, cluster.name());
    }
    if (endpoint != null) {
      line.address(ENDPOINT, endpoint.address().host(), endpoint.address().port());
      line.text(WORKLOAD, endpoint.workload());
    }
  }

  static void client(JsonLine line, ConnectionFacts facts, ClientText client) {
    line.text(LISTENER, facts.listener());
    line.address(REMOTE, client.address(), client.port());
    if (facts.peer() != null) {
      line.text(PEER, client.principal());
    }
  }
}
