package dev.outrigger.proxy.xds;

import dev.outrigger.proxy.config.SecretConfig;
import dev.outrigger.proxy.identity.IdentitySource;
import dev.outrigger.tls.TrustBundle;
import dev.outrigger.tls.WorkloadIdentity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;

/**
 * This proxy's identity and trust as secrets that listeners and clusters can name. Hand it to
 * {@link IdentitySource#start}. Thread-safe; it is no part of any loop.
 */
public final class IdentitySecrets implements LocalSecrets, IdentitySource.Listener {
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, SecretConfig> latest = new LinkedHashMap<>();
  private final List<BiConsumer<String, SecretConfig>> watchers = new ArrayList<>();

  @Override
  public void watch(BiConsumer<String, SecretConfig> watcher) {
    lock.lock();
    try {
      watchers.add(watcher);
      latest.forEach(watcher);
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onIdentity(WorkloadIdentity identity, TrustBundle trust) {
    lock.lock();
    try {
      // Trust first: whoever sees the new certificate can already verify one like it.
      tell(TRUST, new SecretConfig.Trust(trust, null));
      tell(IDENTITY, new SecretConfig.Identity(identity));
    } finally {
      lock.unlock();
    }
  }

  private void tell(String name, SecretConfig secret) {
    latest.put(name, secret);
    watchers.forEach(watcher -> watcher.accept(name, secret));
  }
}
