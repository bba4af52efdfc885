/** What can go wrong on purpose: values, deciders and byte-stream toxics. */
module dev.outrigger.fault {
  requires static transitive org.jspecify;
  requires transitive io.netty.buffer;
  requires transitive io.netty.common;
  requires transitive io.netty.transport;

  exports dev.outrigger.fault;
  exports dev.outrigger.fault.relay;
  exports dev.outrigger.fault.toxic;
}
