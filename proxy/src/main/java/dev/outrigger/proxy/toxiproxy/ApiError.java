package dev.outrigger.proxy.toxiproxy;

/** What Toxiproxy answers where something is wrong, in its words. Has no stack trace. */
final class ApiError extends Exception {
  private static final long serialVersionUID = 1L;

  private final int status;

  ApiError(int status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  static ApiError badBody(String why) {
    return new ApiError(400, "bad request body: " + why);
  }

  static ApiError missing(String field) {
    return new ApiError(400, "missing required field: " + field);
  }

  static ApiError noProxy() {
    return new ApiError(404, "proxy not found");
  }

  static ApiError noToxic() {
    return new ApiError(404, "toxic not found");
  }

  int status() {
    return status;
  }

  String words() {
    return String.valueOf(getMessage());
  }

  /** The fields of the answer, without braces. */
  String fields() {
    return "\"error\":" + Json.quoted(words()) + ",\"status\":" + status;
  }
}
