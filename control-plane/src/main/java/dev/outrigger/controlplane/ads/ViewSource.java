package dev.outrigger.controlplane.ads;

/** Where sessions get what they send. Thread-safe; both methods are quick. */
public interface ViewSource {

  /** What the proxy should have now. Equal states give the same versions. */
  ResourceView viewFor(ProxyNode proxy);

  /**
   * Asks to be told when any view may have changed; the listener is quick and is called on any
   * thread.
   */
  void onChange(Runnable listener);
}
