/** Choosing an endpoint. */
@NullMarked
package dev.outrigger.proxy.balance;

import org.jspecify.annotations.NullMarked;
