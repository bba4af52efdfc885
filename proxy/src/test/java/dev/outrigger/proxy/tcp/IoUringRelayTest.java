package dev.outrigger.proxy.tcp;

import dev.outrigger.proxy.worker.Transport;

class IoUringRelayTest extends RelaySuite {
  IoUringRelayTest() {
    super(Transport.IO_URING);
  }
}
