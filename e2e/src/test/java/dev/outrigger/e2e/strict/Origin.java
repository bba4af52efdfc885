package dev.outrigger.e2e.strict;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A server that writes down what it is sent, and answers as it is told. */
abstract class Origin implements AutoCloseable {
  private final List<String> whole = new ArrayList<>();
  private final List<String> malformed = new ArrayList<>();
  private @Nullable Vector script;
  private boolean early;

  /**
   * What came since it was last asked.
   *
   * @param whole requests: method, target and body, in one line each
   * @param malformed what was wrong with others
   */
  record Seen(List<String> whole, List<String> malformed) {
    Seen {
      whole = List.copyOf(whole);
      malformed = List.copyOf(malformed);
    }
  }

  abstract int port();

  @Override
  public abstract void close() throws IOException;

  /** What the next vector asks of it: its own words as an answer, or an early one. */
  final synchronized void prepare(@Nullable Vector answers, boolean answersEarly) {
    script = answers;
    early = answersEarly;
    whole.clear();
    malformed.clear();
  }

  final synchronized Seen seen() {
    return new Seen(whole, malformed);
  }

  /** The words to answer a request with; null for the usual ones. */
  final synchronized @Nullable Vector scriptFor(String target) {
    return target.startsWith("/v") ? script : null;
  }

  final synchronized boolean answersEarly(String target) {
    return early && target.startsWith("/v");
  }

  final synchronized void sawWhole(String request) {
    whole.add(request);
  }

  final synchronized void sawMalformed(String what) {
    malformed.add(what);
  }
}
