package dev.outrigger.proxy.bootstrap;

/**
 * One thing that is wrong in a configuration.
 *
 * @param file as the user named it
 * @param line from 1; 0 if the problem has no place
 * @param column from 1; 0 if the problem has no place
 * @param path of the field, such as {@code static_resources.clusters[0].name}; may be empty
 * @param message what is wrong, what was expected, and a hint
 */
public record ConfigProblem(String file, int line, int column, String path, String message) {

  /** Such as {@code proxy.yaml:3:5: admin.address: expected socket_address}. */
  @Override
  public String toString() {
    String place = line == 0 ? file : file + ":" + line + ":" + column;
    return place + ": " + (path.isEmpty() ? "" : path + ": ") + message;
  }
}
