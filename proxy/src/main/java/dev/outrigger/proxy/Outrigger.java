package dev.outrigger.proxy;

import dev.outrigger.proxy.bootstrap.BadConfigException;
import dev.outrigger.proxy.bootstrap.BootstrapLoader;
import dev.outrigger.proxy.bootstrap.ExitCode;
import dev.outrigger.proxy.bootstrap.LoadedBootstrap;
import dev.outrigger.proxy.bootstrap.ProxyOptions;
import dev.outrigger.proxy.bootstrap.UsageException;
import dev.outrigger.proxy.config.SocketAddressConfig;
import dev.outrigger.proxy.extension.InvalidResourceException;
import dev.outrigger.proxy.telemetry.ProxyTelemetry;
import dev.outrigger.proxy.worker.Transport;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.io.PrintStream;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.security.SecureRandom;
import java.time.InstantSource;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;

/** {@code outrigger proxy}: reads what to do, starts the proxy, and ends it in order. */
public final class Outrigger {
  private static final long CLOSE_SECONDS = 5;

  /** What shells add to a signal's number. */
  private static final int SIGNALLED = 128;

  private Outrigger() {}

  /** Runs until a signal ends it; the exit code is one of {@link ExitCode}. */
  public static void main(String[] arguments) {
    System.exit(run(List.of(arguments)).number());
  }

  private static ExitCode run(List<String> arguments) {
    PrintStream err = System.err;
    if (arguments.contains("--help") || arguments.contains("-h")) {
      System.out.print(
          "outrigger proxy: a proxy from an Envoy bootstrap, in one line, or as a mesh member\n\n"
              + "  outrigger proxy -c envoy.yaml\n"
              + "  outrigger proxy --listen 127.0.0.1:8080 --to 127.0.0.1:3000\n"
              + "  outrigger proxy --mesh 127.0.0.1:15012 --join-token-file token --root-ca root.pem"
              + " --workload checkout-1\n"
              + "  outrigger proxy --toxiproxy-api 127.0.0.1:8474\n\n"
              + ProxyOptions.help());
      return ExitCode.OK;
    }
    ProxyOptions options;
    LoadedBootstrap bootstrap;
    try {
      logAt("info"); // Reading options asks Netty, which would tell all it knows of this machine.
      options = ProxyOptions.parse(arguments, System.getenv());
      logAt(options.logLevel());
      bootstrap = BootstrapLoader.load(options);
      bootstrap.warnings().forEach(warning -> err.println("outrigger: warning: " + warning));
      if (options.printConfig()) {
        System.out.print(bootstrap.yaml());
        return ExitCode.OK;
      }
      if (options.mode() == ProxyOptions.Mode.VALIDATE) {
        if (bootstrap.config().dynamic().isStatic()) {
          bootstrap.staticConfig();
        }
        System.out.println("configuration OK");
        return ExitCode.OK;
      }
    } catch (UsageException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.USAGE;
    } catch (BadConfigException | InvalidResourceException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.BAD_CONFIG;
    }
    Transport.Choice choice;
    try {
      choice = Transport.named(options.transport().isEmpty() ? "auto" : options.transport());
    } catch (IllegalArgumentException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.NO_TRANSPORT;
    }
    return serve(bootstrap, choice, err);
  }

  private static ExitCode serve(
      LoadedBootstrap bootstrap, Transport.Choice choice, PrintStream err) {
    ProxyOptions options = bootstrap.options();
    SecureRandom random = new SecureRandom();
    CountDownLatch ended = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    try (ProxyTelemetry telemetry =
            ProxyTelemetry.start(
                System.getenv(),
                ProxyServer.VERSION,
                bootstrap.config().node().cluster(),
                InstantSource.system());
        ProxyServer server =
            ProxyServer.start(
                bootstrap,
                choice.transport(),
                new ProxyServer.Surroundings(
                    InstantSource.system(), new SplittableRandom(random.nextLong()), random),
                telemetry::forWorker)) {
      if (options.explainToken() != null) {
        telemetry.explanations().allow(options.explainToken());
      }
      Runnable drain =
          () -> {
            if (ended.getCount() > 0) {
              err.println(
                  "outrigger: draining for at most "
                      + options.drainTime().toSeconds()
                      + " s; a second signal ends it at once");
              server.drain(options.drainTime());
              server.drained().join();
              ended.countDown();
            }
          };
      Signals.handle(
          drain,
          number -> {
            err.println("outrigger: ended before everything had drained");
            Runtime.getRuntime().halt(SIGNALLED + number);
          });
      // For whatever else ends the JVM, which it does once its hooks have run.
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    if (ended.getCount() > 0) {
                      drain.run();
                      awaitQuietly(closed);
                      Runtime.getRuntime().halt(ExitCode.OK.number());
                    }
                  },
                  "outrigger-end"));
      SocketAddressConfig admin =
          options.admin() != null ? options.admin() : bootstrap.config().admin();
      if (admin != null) {
        InetSocketAddress bound =
            server.serveAdmin(
                admin,
                telemetry::prometheus,
                telemetry.explanations(),
                choice.transport().label() + ", " + choice.reason(),
                ended::countDown);
        err.println("outrigger: admin on http://" + NetUtil.toSocketAddressString(bound));
      }
      for (InetSocketAddress bound : server.serveWatchers(telemetry::prometheus)) {
        err.println("outrigger: watched on http://" + NetUtil.toSocketAddressString(bound));
      }
      if (bootstrap.config().dynamic().isStatic()) {
        server.started().join();
      }
      SocketAddressConfig toxiproxy = options.toxiproxyApi();
      if (toxiproxy != null) {
        InetSocketAddress bound;
        try {
          bound = server.serveToxiproxy(toxiproxy);
        } catch (BindException e) {
          err.println("outrigger: Toxiproxy's API: " + e.getMessage());
          return ExitCode.CANNOT_BIND;
        }
        err.println("outrigger: Toxiproxy's API on http://" + NetUtil.toSocketAddressString(bound));
      }
      server
          .started()
          .thenCompose(_ -> server.addresses())
          .thenAccept(
              addresses ->
                  err.println(
                      "outrigger: ready: "
                          + ProxyServer.listening(addresses, List.of())
                          + "; "
                          + choice.transport().label()
                          + " ("
                          + choice.reason()
                          + ")"));
      ended.await();
      return ExitCode.OK;
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      err.println("outrigger: " + cause.getMessage());
      return cause instanceof ProxyServer.CannotBindException
          ? ExitCode.CANNOT_BIND
          : ExitCode.BAD_CONFIG;
    } catch (IllegalArgumentException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.USAGE;
    } catch (InvalidResourceException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.BAD_CONFIG;
    } catch (BindException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.CANNOT_BIND;
    } catch (IOException e) {
      err.println("outrigger: " + e.getMessage());
      return ExitCode.FAILED;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return ExitCode.FAILED;
    } finally {
      ended.countDown(); // what did not start has nothing to drain
      closed.countDown();
    }
  }

  /** Sockets are closed and logs written within this, or not at all. */
  private static void awaitQuietly(CountDownLatch closed) {
    try {
      if (!closed.await(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        System.err.println("outrigger: not everything was closed in time");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void logAt(String level) {
    if (LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)
        instanceof ch.qos.logback.classic.Logger root) {
      root.setLevel(ch.qos.logback.classic.Level.toLevel(level));
      // It tells, with a stack trace, what a loop that ends cannot do any more.
      root.getLoggerContext()
          .getLogger("io.netty.channel.AbstractChannel")
          .setLevel(ch.qos.logback.classic.Level.ERROR);
    }
  }
}
