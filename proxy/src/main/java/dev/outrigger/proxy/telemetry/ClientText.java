package dev.outrigger.proxy.telemetry;

import dev.outrigger.proxy.message.ConnectionFacts;
import dev.outrigger.tls.PeerIdentity;
import dev.outrigger.tls.SpiffeId;
import io.netty.util.NetUtil;

/**
 * What metrics and logs say of a client; made once a connection.
 *
 * @param reporter {@code destination} on the inbound side, {@code source} on the outbound one
 * @param principal the client's SPIFFE ID, or {@code unknown}
 */
record ClientText(String reporter, String principal, String address, int port) {
  static ClientText of(ConnectionFacts facts) {
    PeerIdentity peer = facts.peer();
    SpiffeId id = peer == null ? null : peer.spiffeId();
    return new ClientText(
        facts.inbound() ? "destination" : "source",
        id == null ? "unknown" : id.toString(),
        facts.remote().getAddress() == null
            ? facts.remote().getHostString()
            : NetUtil.toAddressString(facts.remote().getAddress()),
        facts.remote().getPort());
  }
}
