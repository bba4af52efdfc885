package dev.outrigger.proxy.xds;

import com.google.protobuf.Any;
import org.jspecify.annotations.Nullable;

/**
 * One resource, by name: asked for, held, or known not to exist. Confined to the config loop.
 *
 * <p>States: unanswered → held (a good resource came) or absent (the control plane said so, or
 * stayed silent for too long); held ⇄ absent later. A refused resource changes nothing but the
 * rejection.
 */
final class Watch {
  private @Nullable Held held;
  private boolean absent;
  private @Nullable Rejection rejection;

  /**
   * What is held.
   *
   * @param value decoded
   * @param version its own, or its type's
   * @param raw as it came, for the cache
   */
  record Held(Object value, String version, Any raw) {}

  /** Why a newer one was refused. */
  record Rejection(String version, String reason) {}

  @Nullable Held held() {
    return held;
  }

  @Nullable Rejection rejection() {
    return rejection;
  }

  boolean isAnswered() {
    return held != null || absent;
  }

  void onGood(Held good) {
    held = good;
    absent = false;
    rejection = null;
  }

  void onBad(Rejection bad) {
    rejection = bad;
  }

  void onAbsent() {
    held = null;
    absent = true;
    rejection = null;
  }
}
