package dev.outrigger.proxy.identity;

import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;

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

  /** How it stands now; any thread may ask. */
  IdentityState state();

  /** Ends it: no call of the listener begins after this. */
  @Override
  void close();
}
