package dev.outrigger.proxy.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/** Requests and answers that both ends know from a seed, whatever protocol carries them. */
final class MixedTraffic {
  private static final String SEED = "x-seed";
  private static final String SUM = "x-sum";

  private MixedTraffic() {}

  enum Kind {
    WHOLE,
    SERVER_BREAKS_BEFORE_HEAD,
    SERVER_BREAKS_IN_BODY,
    CLIENT_BREAKS
  }

  /** What one exchange is to be. */
  record Plan(
      long seed,
      Kind kind,
      int requestBytes,
      int answerBytes,
      boolean requestCounted,
      boolean answerCounted,
      boolean clientSlow,
      boolean serverSlow) {
    static Plan of(long seed) {
      SplittableRandom random = new SplittableRandom(seed);
      int drawn = random.nextInt(100);
      Kind kind =
          drawn < 85
              ? Kind.WHOLE
              : drawn < 90
                  ? Kind.SERVER_BREAKS_BEFORE_HEAD
                  : drawn < 95 ? Kind.SERVER_BREAKS_IN_BODY : Kind.CLIENT_BREAKS;
      int request = size(random);
      int answer = size(random);
      return new Plan(
          seed,
          kind,
          kind == Kind.CLIENT_BREAKS ? request + 100 : request,
          kind == Kind.SERVER_BREAKS_IN_BODY ? answer + 100 : answer,
          random.nextBoolean(),
          random.nextBoolean(),
          random.nextInt(20) == 0,
          random.nextInt(20) == 0);
    }

    private static int size(SplittableRandom random) {
      return switch (random.nextInt(4)) {
        case 0 -> 0;
        case 1 -> random.nextInt(100);
        case 2 -> random.nextInt(20_000);
        default -> random.nextInt(200_000);
      };
    }

    byte[] request() {
      return bytes(seed ^ 1, requestBytes);
    }

    byte[] answer() {
      return bytes(seed ^ 2, answerBytes);
    }

    private static byte[] bytes(long seed, int count) {
      byte[] made = new byte[count];
      new SplittableRandom(seed).nextBytes(made);
      return made;
    }
  }

  static String sum(byte[] bytes) {
    CRC32 sum = new CRC32();
    sum.update(bytes);
    return bytes.length + "-" + Long.toHexString(sum.getValue());
  }

  /** Sends a body in pieces of any size; the last with a sum as trailer where nothing counts it. */
  private static void send(
      ChannelHandlerContext to, byte[] body, int count, boolean whole, boolean counted, long seed) {
    SplittableRandom sizes = new SplittableRandom(seed ^ 3);
    int at = 0;
    while (at < count) {
      int size = Math.min(count - at, 1 + sizes.nextInt(sizes.nextBoolean() ? 100 : 30_000));
      to.write(new DefaultHttpContent(Unpooled.copiedBuffer(body, at, size)));
      at += size;
      if (sizes.nextInt(4) == 0) {
        to.flush();
      }
    }
    if (whole) {
      LastHttpContent last = new DefaultLastHttpContent();
      if (!counted) {
        last.trailingHeaders().set(SUM, sum(body));
      }
      to.writeAndFlush(last);
    } else {
      to.writeAndFlush(Unpooled.EMPTY_BUFFER);
      to.flush();
      to.executor().schedule(() -> to.close(), 2, TimeUnit.MILLISECONDS);
    }
  }

  private static void frame(HttpHeaders headers, boolean counted, int bytes) {
    if (counted) {
      headers.set("content-length", bytes);
    } else {
      headers.set("transfer-encoding", "chunked");
    }
  }

  /** What one side has taken in. */
  private static final class Taken {
    private final CRC32 sum = new CRC32();
    private long bytes;

    void add(ByteBuf more) {
      bytes += more.readableBytes();
      sum.update(more.nioBuffer());
    }

    String sum() {
      return bytes + "-" + Long.toHexString(sum.getValue());
    }
  }

  private static void slowly(ChannelHandlerContext context) {
    context.channel().config().setAutoRead(false);
    context
        .executor()
        .schedule(() -> context.channel().config().setAutoRead(true), 5, TimeUnit.MILLISECONDS);
  }

  /** Checks each request, and answers or breaks as its plan says. */
  static final class Server extends SimpleChannelInboundHandler<HttpObject> {
    private final Consumer<String> wrong;
    private @Nullable Plan plan;
    private Taken taken = new Taken();

    Server(Consumer<String> wrong) {
      this.wrong = wrong;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      if (part instanceof HttpRequest request) {
        plan = Plan.of(Long.parseLong(request.headers().get(SEED)));
        taken = new Taken();
        if (plan.serverSlow()) {
          slowly(context);
        }
      }
      Plan now = plan;
      if (now == null) {
        return;
      }
      if (part instanceof HttpContent content) {
        taken.add(content.content());
      }
      if (part instanceof LastHttpContent last) {
        plan = null;
        ended(context, now, last);
      }
    }

    private void ended(ChannelHandlerContext context, Plan now, LastHttpContent last) {
      String expected = sum(now.request());
      if (now.kind() == Kind.CLIENT_BREAKS) {
        wrong.accept(now + ": the server saw an end that the client never sent");
      } else if (!expected.equals(taken.sum())) {
        wrong.accept(now + ": the server got " + taken.sum() + " for " + expected);
      } else if (!now.requestCounted() && !expected.equals(last.trailingHeaders().get(SUM))) {
        wrong.accept(now + ": the server got the trailers " + last.trailingHeaders());
      }
      if (now.kind() == Kind.SERVER_BREAKS_BEFORE_HEAD) {
        context.close();
        return;
      }
      HttpResponse answer = new DefaultHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.OK);
      frame(answer.headers(), now.answerCounted(), now.answerBytes());
      context.write(answer);
      boolean whole = now.kind() == Kind.WHOLE;
      int count = whole ? now.answerBytes() : now.answerBytes() / 2;
      send(context, now.answer(), count, whole, now.answerCounted(), now.seed() ^ 7);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  /** Sends one request after the other, and says of each how it came out. */
  static final class Client extends SimpleChannelInboundHandler<HttpObject> {
    /** Called once for each request; whether the connection can take another. */
    interface Done {
      void done(boolean reusable);
    }

    private final Consumer<String> wrong;
    private @Nullable Plan plan;
    private @Nullable Done done;
    private @Nullable HttpResponse head;
    private Taken taken = new Taken();

    Client(Consumer<String> wrong) {
      this.wrong = wrong;
    }

    void ask(ChannelHandlerContext context, Plan next, Done told) {
      plan = next;
      done = told;
      head = null;
      taken = new Taken();
      HttpRequest request = new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, "/mixed");
      request.headers().set("host", "shop").set(SEED, next.seed());
      frame(request.headers(), next.requestCounted(), next.requestBytes());
      context.write(request);
      if (next.clientSlow()) {
        slowly(context);
      }
      boolean whole = next.kind() != Kind.CLIENT_BREAKS;
      int count = whole ? next.requestBytes() : next.requestBytes() / 2;
      send(context, next.request(), count, whole, next.requestCounted(), next.seed());
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
      Plan now = plan;
      if (now == null) {
        return;
      }
      if (part instanceof HttpResponse response) {
        head = response;
      }
      if (part instanceof HttpContent content) {
        taken.add(content.content());
      }
      if (part instanceof LastHttpContent last) {
        check(now, last);
        over(head != null && HttpUtil.isKeepAlive(head));
      }
    }

    private void check(Plan now, LastHttpContent last) {
      HttpResponse response = head;
      int status = response == null ? 0 : response.status().code();
      String expected = sum(now.answer());
      switch (now.kind()) {
        case WHOLE -> {
          if (status != 200 || !expected.equals(taken.sum())) {
            wrong.accept(now + ": got " + status + " " + taken.sum() + " for " + expected);
          } else if (!now.answerCounted() && !expected.equals(last.trailingHeaders().get(SUM))) {
            wrong.accept(now + ": got the trailers " + last.trailingHeaders());
          }
        }
        case SERVER_BREAKS_BEFORE_HEAD, SERVER_BREAKS_IN_BODY -> {
          if (status != 503) {
            wrong.accept(now + ": a broken answer came whole, with " + status);
          }
        }
        case CLIENT_BREAKS -> {
          if (status == 200) {
            wrong.accept(now + ": half a request was answered");
          }
        }
      }
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
      Plan now = plan;
      if (now != null && now.kind() != Kind.CLIENT_BREAKS) {
        if (now.kind() != Kind.SERVER_BREAKS_IN_BODY || head == null) {
          wrong.accept(now + ": broke off" + (head == null ? " without an answer" : ""));
        }
      }
      over(false);
      context.fireChannelInactive();
    }

    private void over(boolean reusable) {
      Done told = done;
      plan = null;
      done = null;
      if (told != null) {
        told.done(reusable);
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close().addListener(ChannelFutureListener.CLOSE);
    }
  }
}
