package dev.outrigger.proxy.identity;

import dev.outrigger.tls.PemException;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An identity from PEM files, read again when their content changes, however it was replaced. A set
 * that does not fit together, as when a swap is half done, leaves the present pair in use. Runs on
 * its scheduler, which may block for a file and must not be a worker's.
 */
public final class FileIdentitySource implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(FileIdentitySource.class);
  private static final long MAX_BYTES = 1 << 20;

  /**
   * Where the files are.
   *
   * @param chain PEM certificates, leaf first
   * @param key PEM private key of the leaf
   * @param roots PEM certificates to trust
   */
  public record Paths(Path chain, Path key, Path roots) {}

  /** The three texts as read together. */
  private record Texts(String chain, String key, String roots) {
    @Override
    public String toString() {
      return "Texts[...]"; // The key is among them.
    }
  }

  private final Paths files;
  private final Duration interval;
  private final ScheduledExecutorService scheduler;
  private final InstantSource clock;
  private @Nullable Texts last;
  private volatile IdentityState state = IdentityState.NONE;
  private volatile boolean closed;

  /**
   * A source of files.
   *
   * @param interval how often they are looked at, positive
   */
  public FileIdentitySource(
      Paths files, Duration interval, ScheduledExecutorService scheduler, InstantSource clock) {
    this.files = files;
    this.interval = interval;
    this.scheduler = scheduler;
    this.clock = clock;
  }

  @Override
  public void start(Listener listener) {
    scheduler.execute(() -> look(listener));
  }

  /** Changes nothing: nobody issues what is in files. */
  @Override
  public void suffer(@Nullable String reason) {}

  @Override
  public IdentityState state() {
    return state;
  }

  @Override
  public void close() {
    closed = true;
  }

  private void look(Listener listener) {
    if (closed) {
      return;
    }
    try {
      Texts texts = new Texts(read(files.chain()), read(files.key()), read(files.roots()));
      if (!texts.equals(last)) {
        last = texts;
        take(texts, listener);
      }
    } catch (IOException e) {
      failed(e.toString());
    }
    var _ = scheduler.schedule(() -> look(listener), interval.toNanos(), TimeUnit.NANOSECONDS);
  }

  private void take(Texts texts, Listener listener) {
    WorkloadIdentity identity;
    TrustBundle trust;
    try {
      identity = WorkloadIdentity.parse(texts.chain(), texts.key());
    } catch (PemException e) {
      failed(files.chain() + ", " + files.key() + ": " + e.getMessage());
      return;
    }
    try {
      trust = TrustBundle.parse(texts.roots());
    } catch (PemException e) {
      failed(files.roots() + ": " + e.getMessage());
      return;
    }
    state = state.renewed(clock.instant(), identity.leaf().getNotAfter().toInstant());
    log.info("identity {} read from {}", identity.spiffeId(), files.chain());
    listener.onIdentity(identity, trust);
  }

  private void failed(String reason) {
    if (!reason.equals(state.lastError())) {
      log.warn("the identity's files cannot be used: {}", reason);
    }
    state = state.failed(reason);
  }

  private static String read(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new IOException(file + " is larger than " + MAX_BYTES + " bytes");
    }
    return Files.readString(file);
  }
}
