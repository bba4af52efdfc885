/** Identities, trust and handshakes. */
module dev.outrigger.tls {
  requires transitive io.netty.handler;
  requires io.netty.buffer;
  requires io.netty.common;
  requires io.netty.transport;
  requires static transitive org.jspecify;

  exports dev.outrigger.tls;
}
