package dev.outrigger.fault.relay;

import io.netty.channel.EventLoop;
import io.netty.channel.ServerChannel;
import io.netty.channel.socket.SocketChannel;
import java.util.concurrent.Executor;
import java.util.random.RandomGenerator;

/**
 * Where relays run: one event loop, which is also their clock.
 *
 * @param serverChannel what listens on this loop
 * @param socketChannel what connects on this loop
 * @param lookups runs look-ups of names, which block
 * @param chance used on the loop only
 */
public record RelayLoop(
    EventLoop loop,
    Class<? extends ServerChannel> serverChannel,
    Class<? extends SocketChannel> socketChannel,
    Executor lookups,
    RandomGenerator chance) {}
