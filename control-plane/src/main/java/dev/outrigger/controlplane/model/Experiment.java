package dev.outrigger.controlplane.model;

import dev.outrigger.fault.FaultDecider;
import dev.outrigger.fault.Percentage;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Faults with targets, a start and an end (ours: {@code chaos.outrigger.dev/v1alpha1}).
 *
 * @param hypothesis what is expected to hold, in words
 * @param owner who answers for it
 * @param faults at least one, with names of their own
 * @param duration after which it ends by itself
 * @param lease how long a proxy goes on without hearing from the control plane
 * @param seed repeats a run; empty takes one made from its name
 * @param watch what halts it
 * @param course its parts, what is asked meanwhile, and when it begins by itself
 */
public record Experiment(
    ObjectMeta meta,
    String hypothesis,
    String owner,
    List<Fault> faults,
    Duration duration,
    Duration lease,
    OptionalLong seed,
    Start start,
    Watch watch,
    Course course)
    implements MeshObject {
  public Experiment {
    faults = List.copyOf(faults);
  }

  /** The seed of an experiment that says none: always the same for its name. */
  public static long seedOf(ObjectMeta meta) {
    return FaultDecider.roll(0, meta.namespace() + "/" + meta.name());
  }

  @Override
  public Kind kind() {
    return Kind.EXPERIMENT;
  }

  /**
   * What is looked at while it runs.
   *
   * @param guards whose breach halts it
   * @param baseline how long is measured before any fault acts; zero for not at all
   * @param proxyGuard null for none
   */
  public record Watch(List<Guard> guards, Duration baseline, @Nullable ProxyGuard proxyGuard) {
    public Watch {
      guards = List.copyOf(guards);
    }
  }

  /**
   * By this each proxy ends the faults itself, with or without a control plane.
   *
   * @param minSuccessPpm of all requests on the edges of the faults, over a second
   * @param minRequests with fewer it says nothing
   */
  public record ProxyGuard(int minSuccessPpm, int minRequests) {}

  /** Its steps; one without any acts with all its faults all the time. */
  public List<Step> steps() {
    return course.steps().isEmpty()
        ? List.of(
            new Step("all", Duration.ZERO, duration, faults.stream().map(Fault::name).toList()))
        : course.steps();
  }

  /**
   * How a run goes.
   *
   * @param steps empty lets all faults act all the time
   * @param schedule null where only people begin it
   */
  public record Course(List<Step> steps, List<Probe> probes, @Nullable Schedule schedule) {
    public Course {
      steps = List.copyOf(steps);
      probes = List.copyOf(probes);
    }
  }

  /** What begins it. */
  public enum Start {
    /** A person, with {@code outrigger experiment run}. */
    MANUAL,
    /** That it was written. */
    IMMEDIATE
  }

  /**
   * One thing that goes wrong.
   *
   * @param name unique in the experiment
   * @param action what it does, at a place where that can be done
   * @param chancePpm parts per million of the exchanges or connections that match
   * @param maxActive at once in one proxy; 0 is no limit
   * @param first so many of one proxy are hit, and the others pass; 0 is no bound
   * @param firstAttempts so many attempts of an exchange, from its first; 0 is no bound
   * @param perTrace whether it rolls once for a whole trace, so that all hops of one agree
   */
  public record Fault(
      String name,
      Place place,
      dev.outrigger.fault.Fault action,
      Match match,
      int chancePpm,
      int maxActive,
      int first,
      int firstAttempts,
      boolean perTrace) {
    /** The same, doing something else. */
    public Fault doing(dev.outrigger.fault.Fault other) {
      return new Fault(
          name, place, other, match, chancePpm, maxActive, first, firstAttempts, perTrace);
    }
  }

  /** Where on the way it acts. */
  public enum Place {
    /** Once an exchange, before routing, at the caller. */
    REQUEST,
    /** Once an attempt, after load balancing, at the caller. */
    ATTEMPT,
    /** On the bytes of a connection, or on its handshake, at the caller. */
    CONNECTION,
    /** At the receiver. */
    INBOUND,
    /** Between a workload's proxy and the control plane. */
    MESH
  }

  /**
   * Whose traffic; all that is said must hold, and an empty list says nothing.
   *
   * @param sourceServices callers by the service that their workload is behind
   * @param sourceIdentities callers by SPIFFE ID, or a prefix that ends in "/*"
   * @param destinations services that are called
   * @param routes names of route rules
   * @param sourceLabels that the calling workload bears
   * @param destinationLabels that the receiving workload bears; only for {@link Place#INBOUND}
   * @param share of the workloads at which the fault acts
   */
  public record Match(
      List<ServiceName> sourceServices,
      List<String> sourceIdentities,
      List<ServiceName> destinations,
      List<String> routes,
      List<String> methods,
      List<StringMatch> paths,
      List<HeaderMatch> headers,
      Map<String, String> sourceLabels,
      Map<String, String> destinationLabels,
      Share share) {
    public Match {
      // In an order of their own, so that every replica prints and fingerprints them alike.
      sourceLabels = Collections.unmodifiableMap(new TreeMap<>(sourceLabels));
      destinationLabels = Collections.unmodifiableMap(new TreeMap<>(destinationLabels));
      sourceServices = List.copyOf(sourceServices);
      sourceIdentities = List.copyOf(sourceIdentities);
      destinations = List.copyOf(destinations);
      routes = List.copyOf(routes);
      methods = List.copyOf(methods);
      paths = List.copyOf(paths);
      headers = List.copyOf(headers);
    }
  }

  /**
   * Some of the workloads. Each rolls by itself from the seed and its own name: a choice that stays
   * when others come and go, and that a larger share only adds to. A workload that comes rolls too.
   *
   * @param ppm in parts per million
   */
  public record Share(int ppm, long seed) {
    /** Every workload. */
    public static final Share ALL = new Share(1_000_000, 0);

    public boolean includes(ObjectMeta workload) {
      return new Percentage(ppm)
          .includes(FaultDecider.roll(seed, workload.namespace() + "/" + workload.name()));
    }
  }

  /** A comparison of text. */
  public sealed interface StringMatch {
    String value();

    record Exact(String value) implements StringMatch {}

    record Prefix(String value) implements StringMatch {}

    record Regex(String value) implements StringMatch {}
  }

  /**
   * @param value null only asks for its presence
   */
  public record HeaderMatch(String name, @Nullable StringMatch value) {}
}
