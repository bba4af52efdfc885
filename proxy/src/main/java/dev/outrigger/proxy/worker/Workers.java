package dev.outrigger.proxy.worker;

import dev.outrigger.fault.FaultPlan;
import dev.outrigger.fault.FirstHits;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.random.RandomGenerator.SplittableGenerator;

/** All workers of a proxy: as many event loops as cores, each with its own view of the config. */
public final class Workers implements AutoCloseable {
  private final EventLoopGroup group;
  private final Transport transport;
  private final List<Worker> workers;
  private final List<ConfigView> views;
  private final List<FaultView> faultViews;
  private volatile FaultPlan faults = FaultPlan.NONE;
  private final FirstHits firsts = new FirstHits();

  private Workers(EventLoopGroup group, Transport transport, List<Worker> workers) {
    this.group = group;
    this.transport = transport;
    this.workers = List.copyOf(workers);
    this.views = workers.stream().map(ConfigView::new).toList();
    this.faultViews =
        workers.stream().map(worker -> new FaultView(worker, workers.size(), firsts)).toList();
  }

  /**
   * Starts the loops.
   *
   * @param count how many; 0 takes {@link #coresAllowed}
   * @param chance split once for each worker
   */
  public static Workers start(Transport transport, int count, SplittableGenerator chance) {
    int loops = count == 0 ? coresAllowed() : count;
    IdentityHashMap<Object, Pulse> pulses = new IdentityHashMap<>();
    EventLoopGroup group =
        new MultiThreadIoEventLoopGroup(
            loops,
            new DefaultThreadFactory("outrigger-worker", true),
            transport.newHandlerFactory(loop -> pulses.computeIfAbsent(loop, _ -> new Pulse())));
    List<Worker> workers = new ArrayList<>(loops);
    for (int index = 0; index < loops; index++) {
      EventLoop loop = group.next();
      workers.add(
          new Worker(index, loop, chance.split(), pulses.computeIfAbsent(loop, _ -> new Pulse())));
    }
    return new Workers(group, transport, workers);
  }

  /**
   * How many cores this process may keep busy: CPU affinity, and the CPU quota of its cgroup (v1
   * {@code cpu.cfs_quota_us}, v2 {@code cpu.max}) rounded up, both of which the JVM reads.
   */
  public static int coresAllowed() {
    return Runtime.getRuntime().availableProcessors();
  }

  public List<Worker> all() {
    return workers;
  }

  public Transport transport() {
    return transport;
  }

  /** The view of one of these workers; to be used on that worker's loop. */
  public ConfigView viewOf(Worker worker) {
    return views.get(worker.index());
  }

  /** Hands a snapshot to every worker; each goes by it from its next task on. */
  public void publish(RuntimeSnapshot snapshot) {
    for (Worker worker : workers) {
      worker.loop().execute(() -> views.get(worker.index()).replace(snapshot));
    }
  }

  /** What was published last. */
  public FaultPlan faults() {
    return faults;
  }

  /** The faults that one of these workers honours; to be used on that worker's loop. */
  public FaultView faultsOf(Worker worker) {
    return faultViews.get(worker.index());
  }

  /**
   * Hands the faults to every worker; each goes by them from its next task on.
   *
   * @param deadline in monotonic time, after which no worker honours them unless it is renewed
   */
  public void publish(FaultPlan plan, long deadline) {
    var _ = adopt(plan, deadline);
  }

  /** Lets every worker go by the same faults for longer. */
  public void renew(long deadline) {
    for (Worker worker : workers) {
      worker.loop().execute(() -> faultViews.get(worker.index()).renew(deadline));
    }
  }

  /** The same; done when every worker goes by them. */
  public CompletableFuture<Void> adopt(FaultPlan plan) {
    return adopt(plan, Long.MAX_VALUE);
  }

  private CompletableFuture<Void> adopt(FaultPlan plan, long deadline) {
    firsts.keep(plan);
    faults = plan;
    return CompletableFuture.allOf(
        workers.stream()
            .map(
                worker ->
                    CompletableFuture.runAsync(
                        () -> faultViews.get(worker.index()).replace(plan, deadline),
                        worker.loop()))
            .toArray(CompletableFuture<?>[]::new));
  }

  /** Hands what is only observed to every worker. */
  public void observe(FaultPlan plan) {
    for (Worker worker : workers) {
      worker.loop().execute(() -> faultViews.get(worker.index()).observe(plan));
    }
  }

  /** Lets the loops end and closes what is still registered with them. */
  public Future<?> stop() {
    return group.shutdownGracefully(0, 2, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    stop().awaitUninterruptibly();
  }
}
