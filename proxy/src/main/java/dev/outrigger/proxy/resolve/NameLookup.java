package dev.outrigger.proxy.resolve;

import java.util.function.Consumer;

/** Asks for the addresses of a name, each time anew. On the config loop. */
public interface NameLookup {

  /**
   * Asks once.
   *
   * @param done called exactly once, on the config loop
   */
  void lookUp(String name, Consumer<Answer> done);

  /** What came of it. */
  sealed interface Answer {
    /** The name has addresses. */
    record Found(ResolvedName name) implements Answer {}

    /**
     * Nobody answered, or there is no such name.
     *
     * @param reason for people
     */
    record Failed(String reason) implements Answer {}
  }
}
