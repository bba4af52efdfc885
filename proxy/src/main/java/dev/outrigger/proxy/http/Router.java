package dev.outrigger.proxy.http;

import dev.outrigger.proxy.config.RouteTableConfig.Route;
import dev.outrigger.proxy.message.RequestHead;
import org.jspecify.annotations.Nullable;

/** From a head to its route. Immutable. */
@FunctionalInterface
public interface Router {
  /** The first route that matches, or null. */
  @Nullable Route find(RequestHead head);
}
