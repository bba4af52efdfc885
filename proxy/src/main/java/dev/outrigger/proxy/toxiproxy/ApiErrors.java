package dev.outrigger.proxy.toxiproxy;

import java.util.Locale;
import java.util.concurrent.CompletionException;

/** Failures as the API tells them. */
final class ApiErrors {
  private ApiErrors() {}

  /** What a future failed with. */
  static ApiError of(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause instanceof ApiError error ? error : new ApiError(500, String.valueOf(cause));
  }

  /** Why a socket cannot be bound, in the words of the system. */
  static String bindReason(Throwable failure) {
    String said = String.valueOf(failure.getMessage()).toLowerCase(Locale.ROOT);
    for (String known :
        new String[] {
          "address already in use", "permission denied", "cannot assign requested address"
        }) {
      if (said.contains(known)) {
        return known;
      }
    }
    return said;
  }
}
