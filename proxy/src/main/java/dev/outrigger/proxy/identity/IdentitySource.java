package dev.outrigger.proxy.identity;

import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import org.jspecify.annotations.Nullable;

/** Gives this proxy its identity and whom it trusts, and every later pair of the two. */
public interface IdentitySource extends AutoCloseable {

  /** Takes what a source gives. */
  @FunctionalInterface
  interface Listener {
    /**
     * A new pair, to be used for new connections. Called on the source's scheduler, one call at a
     * time.
     */
    void onIdentity(WorkloadIdentity identity, TrustBundle trust);
  }

  /** Begins. May be called once; the first pair may take as long as it takes. */
  void start(Listener listener);

  /**
   * Treats whoever issues it as one that fails, on purpose, until it is told otherwise: a renewal
   * is tried, and tried again, as it would be. The present identity goes on. Any thread.
   *
   * @param reason why; null asks it again, soon
   */
  void suffer(@Nullable String reason);

  /** How it stands now; any thread may ask. */
  IdentityState state();

  /** Ends it: no call of the listener begins after this. */
  @Override
  void close();
}
