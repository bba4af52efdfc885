package dev.outrigger.proxy.config;

import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Guesses what somebody meant to write. */
public final class NearestName {
  private NearestName() {}

  /** The known name with the fewest edits between it and the written one; null if none is near. */
  public static @Nullable String of(String written, Collection<String> known) {
    return of(written, known, Math.max(2, written.length() / 4));
  }

  /** The same with a bound on the edits. */
  public static @Nullable String of(String written, Collection<String> known, int mostEdits) {
    String best = null;
    int least = mostEdits + 1;
    for (String name : known) {
      int distance = distance(fold(written), fold(name), least);
      if (distance < least) {
        least = distance;
        best = name;
      }
    }
    return best;
  }

  /** {@code , did you mean 'x'?} or nothing. */
  public static String hint(String written, Collection<String> known) {
    String nearest = of(written, known);
    return nearest == null ? "" : ", did you mean '" + nearest + "'?";
  }

  private static String fold(String name) {
    return name.toLowerCase(Locale.ROOT).replace('-', '_');
  }

  private static int distance(String a, String b, int limit) {
    if (Math.abs(a.length() - b.length()) >= limit || a.length() > 200) {
      return limit;
    }
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(change, 1 + Math.min(above, row[j - 1]));
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
