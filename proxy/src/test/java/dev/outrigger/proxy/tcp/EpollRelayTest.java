package dev.outrigger.proxy.tcp;

import dev.outrigger.proxy.worker.Transport;

class EpollRelayTest extends RelaySuite {
  EpollRelayTest() {
    super(Transport.EPOLL);
  }
}
