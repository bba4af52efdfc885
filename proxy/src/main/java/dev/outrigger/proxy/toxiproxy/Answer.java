package dev.outrigger.proxy.toxiproxy;

/**
 * What the API answers.
 *
 * @param type empty where there is no body
 */
record Answer(int status, String type, String body) {
  static final Answer NO_CONTENT = new Answer(204, "", "");
  static final Answer WRONG_METHOD = new Answer(405, "", "");

  static Answer json(int status, String body) {
    return new Answer(status, "application/json", body);
  }

  /** As Go's {@code http.Error}, which calls everything plain text. */
  static Answer error(int status, String body) {
    return new Answer(status, "text/plain; charset=utf-8", body + "\n");
  }

  static Answer error(ApiError error) {
    return error(error.status(), "{" + error.fields() + "}");
  }
}
