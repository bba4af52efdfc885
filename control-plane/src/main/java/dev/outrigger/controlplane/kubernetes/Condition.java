package dev.outrigger.controlplane.kubernetes;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A condition of an object (Kubernetes: {@code metav1.Condition}).
 *
 * @param status True, False or Unknown
 * @param reason for programs
 * @param message for people
 */
record Condition(String type, String status, String reason, String message) {
  private static final int MAX_MESSAGE = 4096;

  Condition {
    message =
        message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE - 1) + "…";
  }

  static Condition yes(String type, String reason, String message) {
    return new Condition(type, "True", reason, message);
  }

  static Condition no(String type, String reason, String message) {
    return new Condition(type, "False", reason, message);
  }

  static Condition unknown(String type, String reason, String message) {
    return new Condition(type, "Unknown", reason, message);
  }

  /**
   * As it stands in an object.
   *
   * @param before conditions that stand there now; the time of a change is kept where there is none
   */
  Map<String, Object> tree(long generation, List<?> before, Instant now) {
    String since = now.truncatedTo(ChronoUnit.SECONDS).toString();
    for (Object one : before) {
      if (one instanceof Map<?, ?> old
          && type.equals(old.get("type"))
          && status.equals(old.get("status"))
          && old.get("lastTransitionTime") instanceof String time) {
        since = time;
      }
    }
    Map<String, Object> tree = new LinkedHashMap<>();
    tree.put("type", type);
    tree.put("status", status);
    tree.put("reason", reason);
    tree.put("message", message);
    tree.put("lastTransitionTime", since);
    tree.put("observedGeneration", generation);
    return tree;
  }
}
