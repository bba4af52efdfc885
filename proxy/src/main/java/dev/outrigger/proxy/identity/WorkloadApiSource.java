package dev.outrigger.proxy.identity;

import dev.outrigger.api.spiffe.WorkloadApi;
import dev.outrigger.tls.SpiffeId;
import dev.outrigger.tls.SvidStream;
import dev.outrigger.tls.X509Svid;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.concurrent.ScheduledExecutorService;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An identity from the SPIFFE Workload API on this machine, as SPIRE's agent serves it: whoever
 * asks is known by the kernel, so there is no token, and the agent sends each renewal by itself.
 * While it cannot be reached the last good identity goes on. Roots of federated trust domains are
 * not taken: a mesh is one trust domain, and in one bundle they could vouch for its members.
 */
public final class WorkloadApiSource implements IdentitySource {
  private static final Logger log = LoggerFactory.getLogger(WorkloadApiSource.class);

  private final SvidStream stream;
  private final Path socket;
  private final InstantSource clock;
  private volatile IdentityState state = IdentityState.NONE;

  /**
   * @param socket that the agent listens on
   * @param wanted which identity, where the agent gives several; null takes the usual one
   * @param trustDomain that it must be of
   * @param scheduler must run one task at a time and not be a worker's
   */
  public WorkloadApiSource(
      Path socket,
      @Nullable SpiffeId wanted,
      String trustDomain,
      ScheduledExecutorService scheduler,
      InstantSource clock,
      RandomGenerator random) {
    this.socket = socket;
    this.clock = clock;
    this.stream =
        new SvidStream(
            "the Workload API at " + socket,
            wanted,
            trustDomain,
            WorkloadApi.at(socket),
            scheduler,
            clock,
            random);
  }

  @Override
  public void start(Listener listener) {
    stream.start(
        new SvidStream.Listener() {
          @Override
          public void onSvid(X509Svid svid) {
            state = state.renewed(clock.instant(), svid.end());
            log.info("identity {} until {}, of {}", svid.id(), svid.end(), socket);
            listener.onIdentity(svid.identity(), svid.trust());
          }

          @Override
          public void onFailure(String reason, String report) {
            state = state.failed(reason);
            log.warn("{}", report);
          }
        });
  }

  @Override
  public void suffer(@Nullable String reason) {
    stream.suffer(reason);
  }

  @Override
  public IdentityState state() {
    return state;
  }

  @Override
  public void close() {
    stream.close();
  }
}
