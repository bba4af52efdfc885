package dev.outrigger.proxy.tcp;

import dev.outrigger.proxy.worker.Transport;

class NioRelayTest extends RelaySuite {
  NioRelayTest() {
    super(Transport.NIO);
  }
}
