package dev.outrigger.proxy;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;

/**
 * SIGTERM and SIGINT: the first asks, the second insists. The JVM's own way cannot tell them apart:
 * once it runs its shutdown hooks, further signals do nothing.
 *
 * <p>{@code sun.misc.Signal} is supported (module {@code jdk.unsupported}) but the compiler warns
 * of its name, so it is called by reflection.
 */
final class Signals {
  private Signals() {}

  /**
   * Takes over the signals; does nothing on a JVM that does not let us, such as one started with
   * {@code -Xrs}.
   *
   * @param first runs on a thread of its own, once
   * @param again takes the signal's number; runs on the JVM's signal thread for each further signal
   */
  @SuppressWarnings("ReferenceEquality") // a proxy equals itself only
  static void handle(Runnable first, IntConsumer again) {
    AtomicInteger count = new AtomicInteger();
    try {
      Class<?> signal = Class.forName("sun.misc.Signal");
      Class<?> handler = Class.forName("sun.misc.SignalHandler");
      var number = signal.getMethod("getNumber");
      InvocationHandler onSignal =
          (self, method, arguments) ->
              switch (method.getName()) {
                case "handle" -> {
                  if (count.getAndIncrement() == 0) {
                    new Thread(first, "outrigger-drain").start();
                  } else {
                    again.accept((Integer) number.invoke(arguments[0]));
                  }
                  yield null;
                }
                case "equals" -> self == arguments[0];
                case "hashCode" -> System.identityHashCode(self);
                default -> "Signals";
              };
      Object taken =
          Proxy.newProxyInstance(
              Signals.class.getClassLoader(), new Class<?>[] {handler}, onSignal);
      for (String name : new String[] {"TERM", "INT"}) {
        signal
            .getMethod("handle", signal, handler)
            .invoke(null, signal.getConstructor(String.class).newInstance(name), taken);
      }
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      System.err.println("outrigger: a second signal will not end a drain: " + e);
    }
  }
}
