package dev.outrigger.proxy.route;

import dev.outrigger.proxy.config.RouteTableConfig;
import dev.outrigger.proxy.config.RouteTableConfig.VirtualHost;
import dev.outrigger.proxy.message.RequestHead;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * A route table made ready once, off the workers; immutable, shared by all of them. Finding a route
 * by an exact host and a path allocates nothing.
 */
public final class RouteTable {
  private final String name;
  private final VirtualHosts<CompiledHost> hosts;

  private RouteTable(String name, VirtualHosts<CompiledHost> hosts) {
    this.name = name;
    this.hosts = hosts;
  }

  /**
   * Makes a table ready.
   *
   * @throws IllegalArgumentException with the reason if it contradicts itself: a domain twice, a
   *     wildcard in the middle, weights that are all zero
   */
  public static RouteTable compile(RouteTableConfig config) {
    List<Map.Entry<String, CompiledHost>> domains = new ArrayList<>();
    for (VirtualHost host : config.virtualHosts()) {
      CompiledHost compiled = new CompiledHost(host);
      host.domains().forEach(domain -> domains.add(Map.entry(domain, compiled)));
    }
    return new RouteTable(config.name(), VirtualHosts.of(domains));
  }

  /** The name of the table. */
  public String name() {
    return name;
  }

  /**
   * How {@link #find} goes about this request, for people: each route that it asks and what speaks
   * against it.
   */
  public List<String> explain(RequestHead head) {
    CompiledHost host = hosts.find(head.authority());
    if (host == null) {
      return List.of("no virtual host of route table " + name + " takes " + head.authority());
    }
    if (host.toHttps(head) != null) {
      return List.of("virtual host " + host.name() + " takes nothing without TLS");
    }
    List<String> said = new ArrayList<>();
    int mark = head.path().indexOf('?');
    for (CompiledRoute route : host.routes()) {
      String against;
      try {
        against = route.against(head, mark < 0 ? head.path().length() : mark);
      } catch (BoundedRegex.Exhausted _) {
        said.add(route.label() + " was given up: its regular expression takes too long");
        return said;
      }
      said.add(route.label() + (against == null ? " matches" : " does not match: " + against));
      if (against == null && route.always()) {
        break;
      }
    }
    return said;
  }

  /**
   * The first route of the request's virtual host whose conditions all hold, with a cluster drawn
   * by weight; null when there is none, or when a regular expression had to be given up.
   *
   * @param random the worker's own
   */
  public @Nullable RouteMatch find(RequestHead head, RandomGenerator random) {
    CompiledHost host = hosts.find(head.authority());
    if (host == null) {
      return null;
    }
    RouteMatch toHttps = host.toHttps(head);
    if (toHttps != null) {
      return toHttps;
    }
    int queryMark = head.path().indexOf('?');
    if (queryMark < 0) {
      queryMark = head.path().length();
    }
    try {
      for (CompiledRoute route : host.routes()) {
        if (route.matches(head, queryMark, random)) {
          return route.answer(head, random);
        }
      }
    } catch (BoundedRegex.Exhausted _) {
      return null;
    }
    return null;
  }
}
