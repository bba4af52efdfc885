package dev.outrigger.proxy.config;

/** What can be asked for in the format of an access log; the names are Envoy's, or ours. */
public enum LogOperator {
  START_TIME(Argument.TIME),
  REQ(Argument.HEADER),
  RESP(Argument.HEADER),
  TRAILER(Argument.HEADER),
  PROTOCOL,
  RESPONSE_CODE,
  RESPONSE_CODE_DETAILS,
  RESPONSE_FLAGS,
  RESPONSE_FLAGS_LONG,
  CONNECTION_TERMINATION_DETAILS,
  BYTES_RECEIVED,
  BYTES_SENT,
  DURATION,
  REQUEST_DURATION,
  RESPONSE_DURATION,
  RESPONSE_TX_DURATION,
  UPSTREAM_HOST,
  UPSTREAM_REMOTE_ADDRESS,
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
  UPSTREAM_REMOTE_PORT,
  UPSTREAM_LOCAL_ADDRESS,
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,
  UPSTREAM_LOCAL_PORT,
  UPSTREAM_CLUSTER,
  UPSTREAM_CLUSTER_RAW,
  UPSTREAM_REQUEST_ATTEMPT_COUNT,
  UPSTREAM_TRANSPORT_FAILURE_REASON,
  ROUTE_NAME,
  DOWNSTREAM_REMOTE_ADDRESS,
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT,
  DOWNSTREAM_REMOTE_PORT,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS,
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT,
  DOWNSTREAM_DIRECT_REMOTE_PORT,
  DOWNSTREAM_LOCAL_ADDRESS,
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT,
  DOWNSTREAM_LOCAL_PORT,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS,
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT,
  DOWNSTREAM_DIRECT_LOCAL_PORT,
  DOWNSTREAM_PEER_URI_SAN,
  REQUESTED_SERVER_NAME,
  TRACE_ID,
  STREAM_ID,
  GRPC_STATUS(Argument.GRPC_NAME),
  GRPC_STATUS_NUMBER,
  ACCESS_LOG_TYPE,
  /** The code of {@code x-outrigger-error}. */
  OUTRIGGER_CODE,
  /** What happened, in a sentence. */
  OUTRIGGER_DETAIL,
  /** The experiment that touched the exchange. */
  OUTRIGGER_FAULT_EXPERIMENT,
  /** Its fault. */
  OUTRIGGER_FAULT,
  /** The workload of the endpoint. */
  OUTRIGGER_WORKLOAD,
  /** The listener. */
  OUTRIGGER_LISTENER;

  /** What may stand in brackets behind the name. */
  public enum Argument {
    NONE,
    /** A header's name, and another one after a question mark. */
    HEADER,
    /** A time as {@code strftime} writes it; may be missing. */
    TIME,
    /** {@code CAMEL_STRING}, {@code SNAKE_STRING} or {@code NUMBER}; may be missing. */
    GRPC_NAME
  }

  private final Argument argument;

  LogOperator() {
    this(Argument.NONE);
  }

  LogOperator(Argument argument) {
    this.argument = argument;
  }

  public Argument argument() {
    return argument;
  }
}
