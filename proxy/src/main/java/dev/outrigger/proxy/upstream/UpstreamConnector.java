package dev.outrigger.proxy.upstream;

import dev.outrigger.fault.FaultRule;
import dev.outrigger.proxy.config.ClusterConfig;
import dev.outrigger.proxy.config.Endpoint;
import dev.outrigger.proxy.config.UpstreamTls;
import dev.outrigger.proxy.outcome.ProxyError;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import java.util.List;

/** Opens connections to endpoints: TCP, TLS and the check of who answers. Of one worker. */
@FunctionalInterface
public interface UpstreamConnector {

  /**
   * Opens one within the cluster's connect timeout. The listener is called once, on the worker, and
   * never before this method returned.
   *
   * @param tls what the endpoint's metadata selected among the cluster's
   * @param last added to the pipeline behind TLS before the connection is handed out; it sees plain
   *     bytes
   */
  void connect(
      ClusterConfig cluster,
      Endpoint endpoint,
      UpstreamTls tls,
      ChannelHandler last,
      Listener listener);

  /** Told how it went. */
  interface Listener {
    /** The socket is open, and TLS has not begun; before {@link #connected} or {@link #failed}. */
    default void opened(Channel channel) {}

    /** Open, and its peer is who it should be. */
    void connected(Channel channel);

    void failed(ProxyError error);

    /**
     * The same.
     *
     * @param by the faults that did it
     */
    default void failed(ProxyError error, List<FaultRule> by) {
      failed(error);
    }
  }
}
