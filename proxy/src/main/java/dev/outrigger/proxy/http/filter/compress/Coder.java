package dev.outrigger.proxy.http.filter.compress;

import dev.outrigger.proxy.http.AnswerTransform;

/**
 * Encodes the body of one answer. What came so far is sent when nothing more comes for a while, so
 * that a stream of events stays one.
 */
interface Coder extends AnswerTransform {
  /** Gives back what it holds outside of the heap; once, at the end of the exchange. */
  void close();
}
