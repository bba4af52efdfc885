package dev.outrigger.junit;

/** A toxic that acts; closing it removes it, so that it may stand in a {@code try}. */
public final class ActiveToxic implements AutoCloseable {
  private final ToxicProxy proxy;
  private final String name;

  ActiveToxic(ToxicProxy proxy, String name) {
    this.proxy = proxy;
    this.name = name;
  }

  /** Ends it; what it held goes on its way. Does nothing the second time. */
  public void remove() {
    proxy.remove(name);
  }

  @Override
  public void close() {
    remove();
  }
}
