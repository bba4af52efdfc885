package dev.outrigger.controlplane.kubernetes;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Something that those who look after an object shall hear of (Kubernetes: {@code Event}).
 *
 * @param regarding the object
 * @param weight whether it is as it should be
 * @param reason for programs, such as {@code Halted}
 * @param action what was done when it happened
 * @param note for people
 * @param once tells this occurrence from another one of the same words; empty where it does not
 *     matter how often it happened
 */
record Occurrence(
    Regarding regarding, Weight weight, String reason, String action, String note, String once) {
  /** The API's bound. */
  private static final int MAX_NOTE = 1024;

  private static final int MAX_NAME = 200;

  /** Kubernetes: {@code type}. */
  enum Weight {
    NORMAL("Normal"),
    WARNING("Warning");

    private final String text;

    Weight(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  /** Names an object to the API server. */
  record Regarding(String apiVersion, String kind, String namespace, String name, String uid) {}

  Occurrence {
    note = note.length() <= MAX_NOTE ? note : note.substring(0, MAX_NOTE - 1) + "…";
  }

  /**
   * The name of its event: the same for the same words about the same object, so that another
   * replica, or this one after a restart, does not tell them a second time.
   */
  String event() {
    String all = String.join("\n", regarding.uid(), weight.text(), reason, note, once);
    String object = regarding.name();
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(all.getBytes(StandardCharsets.UTF_8));
      return (object.length() <= MAX_NAME ? object : object.substring(0, MAX_NAME))
          + "."
          + HexFormat.of().formatHex(Arrays.copyOf(hash, 8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
