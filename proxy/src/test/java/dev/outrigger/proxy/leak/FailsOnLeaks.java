package dev.outrigger.proxy.leak;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails a test class in whose course a reference-counted object became garbage before it was
 * released. Registered for all tests by {@code META-INF/services}; Netty only finds leaks that the
 * collector has found, so one collection is asked for at the end of each class.
 */
public final class FailsOnLeaks implements BeforeAllCallback, AfterAllCallback {
  private static final List<String> FOUND = new CopyOnWriteArrayList<>();
  private static final int LOOKS = 3;

  static {
    // Before any class of Netty's asks for its detector.
    ResourceLeakDetectorFactory.setResourceLeakDetectorFactory(new Factory());
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    FOUND.clear();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    List<String> found = leaks();
    if (!found.isEmpty()) {
      throw new AssertionError(
          found.size() + " leaked while this class ran, the first of them:\n" + found.getFirst());
    }
  }

  /** What has leaked since the last time that this was asked. */
  static List<String> leaks() {
    for (int i = 0; i < LOOKS; i++) {
      System.gc();
      // The detector looks for garbage whenever it tracks something new.
      ByteBuf probe = PooledByteBufAllocator.DEFAULT.directBuffer(1);
      probe.release();
    }
    List<String> found = List.copyOf(FOUND);
    FOUND.clear();
    return found;
  }

  private static final class Factory extends ResourceLeakDetectorFactory {
    @Override
    @Deprecated
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval, long maxActive) {
      return new Recording<>(resource, samplingInterval);
    }

    @Override
    public <T> ResourceLeakDetector<T> newResourceLeakDetector(
        Class<T> resource, int samplingInterval) {
      return new Recording<>(resource, samplingInterval);
    }
  }

  private static final class Recording<T> extends ResourceLeakDetector<T> {
    Recording(Class<?> resource, int samplingInterval) {
      super(resource, samplingInterval);
    }

    @Override
    protected boolean needReport() {
      return true;
    }

    @Override
    protected void reportTracedLeak(String resourceType, String records) {
      FOUND.add(resourceType + records);
      super.reportTracedLeak(resourceType, records);
    }

    @Override
    protected void reportUntracedLeak(String resourceType) {
      FOUND.add(resourceType);
      super.reportUntracedLeak(resourceType);
    }
  }
}
