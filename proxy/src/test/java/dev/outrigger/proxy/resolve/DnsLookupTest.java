package dev.outrigger.proxy.resolve;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDatagramChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.dns.DatagramDnsQuery;
import io.netty.handler.codec.dns.DatagramDnsQueryDecoder;
import io.netty.handler.codec.dns.DatagramDnsResponse;
import io.netty.handler.codec.dns.DatagramDnsResponseEncoder;
import io.netty.handler.codec.dns.DefaultDnsRawRecord;
import io.netty.handler.codec.dns.DnsQuestion;
import io.netty.handler.codec.dns.DnsRecordType;
import io.netty.handler.codec.dns.DnsResponseCode;
import io.netty.handler.codec.dns.DnsSection;
import io.netty.resolver.dns.SingletonDnsServerAddressStreamProvider;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class DnsLookupTest {
  private static final EventLoopGroup LOOP =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private static InetSocketAddress server = new InetSocketAddress(0);

  @BeforeAll
  static void start() {
    Channel channel =
        new Bootstrap()
            .group(LOOP)
            .channel(NioDatagramChannel.class)
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel datagrams) {
                    datagrams
                        .pipeline()
                        .addLast(
                            new DatagramDnsQueryDecoder(),
                            new DatagramDnsResponseEncoder(),
                            new Zone());
                  }
                })
            .bind(InetAddress.getLoopbackAddress(), 0)
            .syncUninterruptibly()
            .channel();
    server = (InetSocketAddress) channel.localAddress();
  }

  @AfterAll
  static void stop() {
    LOOP.shutdownGracefully(0, 0, TimeUnit.SECONDS);
  }

  @Test
  void bothFamiliesAreFoundWithTheShortestTimeToLive() throws Exception {
    NameLookup.Answer.Found found = (NameLookup.Answer.Found) lookUp("two.test.");
    assertThat(found.name().addresses())
        .containsExactlyInAnyOrder(
            InetAddress.ofLiteral("10.1.2.3"), InetAddress.ofLiteral("fd00::5"));
    assertThat(found.name().ttl()).isEqualTo(Duration.ofSeconds(7));
  }

  @Test
  void aNameThatDoesNotExistFailsWithItsName() throws Exception {
    assertThat(lookUp("none.test."))
        .isInstanceOfSatisfying(
            NameLookup.Answer.Failed.class,
            failed -> assertThat(failed.reason()).contains("none.test"));
  }

  private static NameLookup.Answer lookUp(String name) throws Exception {
    DnsLookup lookup =
        new DnsLookup(
            LOOP.next(),
            NioDatagramChannel.class,
            NioSocketChannel.class,
            new SingletonDnsServerAddressStreamProvider(server));
    CompletableFuture<NameLookup.Answer> answer = new CompletableFuture<>();
    LOOP.next().execute(() -> lookup.lookUp(name, answer::complete));
    try {
      return answer.get(10, TimeUnit.SECONDS);
    } finally {
      lookup.close();
    }
  }

  /** A name with an address in each family; every other name does not exist. */
  private static final class Zone extends SimpleChannelInboundHandler<DatagramDnsQuery> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, DatagramDnsQuery query) {
      DnsQuestion question = query.recordAt(DnsSection.QUESTION);
      DatagramDnsResponse response =
          new DatagramDnsResponse(query.recipient(), query.sender(), query.id());
      response.addRecord(DnsSection.QUESTION, question);
      if (!question.name().equals("two.test.")) {
        response.setCode(DnsResponseCode.NXDOMAIN);
      } else {
        boolean v4 = question.type().equals(DnsRecordType.A);
        byte[] address = InetAddress.ofLiteral(v4 ? "10.1.2.3" : "fd00::5").getAddress();
        response.addRecord(
            DnsSection.ANSWER,
            new DefaultDnsRawRecord(
                question.name(), question.type(), v4 ? 7 : 60, Unpooled.wrappedBuffer(address)));
      }
      context.writeAndFlush(response);
    }
  }
}
