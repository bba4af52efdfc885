package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.proxy.message.HeaderName;
import dev.outrigger.proxy.message.Headers;
import dev.outrigger.proxy.message.RequestHead;
import org.jspecify.annotations.Nullable;

/** Our own format: a JSON object with what there is, and nothing for what there is not. */
final class StandardLine implements LogText {
  private static final byte[] TIME = JsonLine.name("time");
  private static final byte[] RECORD = JsonLine.name("record");
  private static final byte[] METHOD = JsonLine.name("method");
  private static final byte[] PATH = JsonLine.name("path");
  private static final byte[] AUTHORITY = JsonLine.name("authority");
  private static final byte[] PROTOCOL = JsonLine.name("protocol");
  private static final byte[] STATUS = JsonLine.name("status");
  private static final byte[] GRPC_STATUS = JsonLine.name("grpc_status");
  private static final byte[] RESPONSE_FLAGS = JsonLine.name("response_flags");
  private static final byte[] CODE = JsonLine.name("code");
  private static final byte[] DETAILS = JsonLine.name("details");
  private static final byte[] DURATION = JsonLine.name("duration_ms");
  private static final byte[] BYTES_RECEIVED = JsonLine.name("bytes_received");
  private static final byte[] BYTES_SENT = JsonLine.name("bytes_sent");
  private static final byte[] ATTEMPTS = JsonLine.name("attempts");
  private static final byte[] CLUSTER = JsonLine.name("upstream_cluster");
  private static final byte[] ENDPOINT = JsonLine.name("upstream_host");
  private static final byte[] WORKLOAD = JsonLine.name("upstream_workload");
  private static final byte[] ROUTE = JsonLine.name("route");
  private static final byte[] REQUEST_ID = JsonLine.name("request_id");
  private static final byte[] TRACE_ID = JsonLine.name("trace_id");
  private static final byte[] FAULT_EXPERIMENT = JsonLine.name("fault_experiment");
  private static final byte[] FAULT = JsonLine.name("fault");
  private static final byte[] SERVER_NAME = JsonLine.name("server_name");
  private static final byte[] USER_AGENT = JsonLine.name("user_agent");
  private static final byte[] LISTENER = JsonLine.name("listener");
  private static final byte[] PEER = JsonLine.name("peer");
  private static final byte[] REMOTE = JsonLine.name("remote");

  private @Nullable LogLine last;
  private @Nullable JsonLine json;

  @Override
  @SuppressWarnings("ReferenceEquality") // the very same buffer is meant
  public void write(LogLine line, LogEntry entry) {
    JsonLine out = json;
    if (out == null || last != line) {
      out = new JsonLine(line);
      json = out;
      last = line;
    }
    out.begin();
    out.time(TIME, entry.startMillis);
    switch (entry.moment) {
      case HTTP_START, TCP_START -> out.text(RECORD, "start");
      case HTTP_INTERVAL, TCP_INTERVAL -> out.text(RECORD, "interval");
      case HTTP_END, TCP_END -> {}
    }
    if (entry.http()) {
      request(out, entry);
    } else {
      out.text(PROTOCOL, "TCP");
      out.text(RESPONSE_FLAGS, entry.flags);
    }
    if (entry.error != null) {
      out.text(CODE, entry.code);
      out.text(DETAILS, entry.error.detail());
    }
    if (entry.duration >= 0) {
      out.millis(DURATION, entry.duration);
    }
    out.number(BYTES_RECEIVED, entry.bytesReceived);
    out.number(BYTES_SENT, entry.bytesSent);
    if (entry.http()) {
      out.number(ATTEMPTS, entry.attempts);
    }
    upstream(out, entry.cluster, entry.endpoint);
    out.text(ROUTE, entry.route);
    out.text(REQUEST_ID, entry.requestId);
    if (entry.traced) {
      out.hex(TRACE_ID, entry.traceHigh, entry.traceLow);
    }
    out.text(FAULT_EXPERIMENT, entry.experiment);
    out.text(FAULT, entry.fault);
    userAgent(out, entry.head);
    client(out, entry.facts, entry.client);
    out.end();
  }

  private static void request(JsonLine out, LogEntry entry) {
    out.text(METHOD, entry.method);
    out.text(PATH, entry.path);
    out.text(AUTHORITY, entry.authority);
    RequestHead head = entry.head;
    if (head != null) {
      out.text(PROTOCOL, head.version().toString());
    }
    out.number(STATUS, entry.status);
    int grpc = entry.grpcStatus();
    if (grpc >= 0) {
      out.number(GRPC_STATUS, grpc);
    }
    out.text(RESPONSE_FLAGS, entry.flags);
  }

  private static void upstream(
      JsonLine out, @Nullable ClusterConfig cluster, @Nullable Endpoint endpoint) {
    if (cluster != null) {
      out.text(CLUSTER, cluster.name());
    }
    if (endpoint != null) {
      out.address(ENDPOINT, endpoint.address().host(), endpoint.address().port());
      out.text(WORKLOAD, endpoint.workload());
    }
  }

  private static void userAgent(JsonLine out, @Nullable RequestHead head) {
    if (head == null) {
      return;
    }
    Headers headers = head.headers();
    int agent = headers.indexOf(HeaderName.USER_AGENT, 0);
    if (agent >= 0) {
      out.text(USER_AGENT, headers.array(), headers.valueOffset(agent), headers.valueLength(agent));
    }
  }

  private static void client(
      JsonLine out, @Nullable ConnectionFacts facts, @Nullable ClientText client) {
    if (facts == null || client == null) {
      return;
    }
    out.text(SERVER_NAME, facts.serverName());
    out.text(LISTENER, facts.listener());
    out.address(REMOTE, client.address(), client.port());
    if (facts.peer() != null) {
      out.text(PEER, client.principal());
    }
  }
}
