/** Names to addresses, on the config loop. */
@NullMarked
package dev.outrigger.proxy.resolve;

import org.jspecify.annotations.NullMarked;
