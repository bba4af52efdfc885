package dev.outrigger.controlplane.chaos;

/**
 * What one asking of a probe came to.
 *
 * @param text in words, at most some hundred characters; nothing of what was answered but numbers
 */
record ProbeOutcome(Verdict verdict, String text) {
  /** Whether the answer is good. */
  enum Verdict {
    PASSED,
    FAILED,
    /** There was nothing to judge, such as a metric without a series; that is no pass. */
    ABSTAINED
  }

  static ProbeOutcome passed(String text) {
    return new ProbeOutcome(Verdict.PASSED, text);
  }

  static ProbeOutcome failed(String text) {
    return new ProbeOutcome(Verdict.FAILED, text);
  }

  static ProbeOutcome abstained(String text) {
    return new ProbeOutcome(Verdict.ABSTAINED, text);
  }
}
