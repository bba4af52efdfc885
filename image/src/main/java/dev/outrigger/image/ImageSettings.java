package dev.outrigger.image;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What an image says of itself.
 *
 * @param reference registry, repository and tag
 * @param architecture as Go names it: amd64 or arm64
 * @param epochSecond when it was made, and the time of all its files
 * @param user whom it runs as, number and group
 * @param environment {@code NAME=value}
 * @param entrypoint what is always run
 * @param command what is run with it unless asked for something else
 * @param labels such as {@code org.opencontainers.image.title}
 */
record ImageSettings(
    String reference,
    String architecture,
    long epochSecond,
    String user,
    List<String> environment,
    List<String> entrypoint,
    List<String> command,
    Map<String, String> labels) {
  private static final Pattern REFERENCE =
      Pattern.compile("[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");

  ImageSettings {
    tag(reference);
    environment = List.copyOf(environment);
    entrypoint = List.copyOf(entrypoint);
    command = List.copyOf(command);
  }

  String tag() {
    return tag(reference);
  }

  /**
   * The tag of an image's reference.
   *
   * @throws IllegalArgumentException if it is not registry, repository and tag
   */
  static String tag(String reference) {
    if (!REFERENCE.matcher(reference).matches()) {
      throw new IllegalArgumentException(
          "'"
              + reference
              + "' names no image; expected registry/repository:tag,"
              + " such as ghcr.io/outrigger/outrigger:0.1.0");
    }
    return reference.substring(reference.lastIndexOf(':') + 1);
  }
}
