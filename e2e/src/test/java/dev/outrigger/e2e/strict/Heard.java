package dev.outrigger.e2e.strict;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client heard.
 *
 * @param statuses of whole final answers, in order
 * @param bodies of the same
 * @param fault what was malformed, or null
 * @param silent whether it waited in vain for more
 */
record Heard(List<Integer> statuses, List<String> bodies, @Nullable String fault, boolean silent) {
  Heard {
    statuses = List.copyOf(statuses);
    bodies = List.copyOf(bodies);
  }
}
