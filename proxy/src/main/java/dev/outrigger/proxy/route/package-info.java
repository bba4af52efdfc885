/** From a request head to what is done with it. */
@NullMarked
package dev.outrigger.proxy.route;

import org.jspecify.annotations.NullMarked;
